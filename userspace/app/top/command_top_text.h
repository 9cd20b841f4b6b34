/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text for a terminal. Characters are as the locale (LC_CTYPE) has them: what it can't show, takes
 * no column, or is a control character becomes '?', so that no name can move the cursor.
 */
#ifndef CS_APP_COMMAND_TOP_TEXT_H
#define CS_APP_COMMAND_TOP_TEXT_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

enum cs_top_align { CS_TOP_LEFT, CS_TOP_RIGHT };

/* Columns that the text takes. */
size_t cs_top_text_width(const char *text);

/* Append the text in exactly `width` columns; what is longer loses its middle: both the
 * namespace and what tells names apart, their ends, stay. */
void cs_top_text_fit(struct cs_buffer *buffer, const char *text, size_t width,
                     enum cs_top_align align);

/* Append the text, at most `width` columns of it, without padding. */
void cs_top_text_cut(struct cs_buffer *buffer, const char *text, size_t width);

/* The next line of a text that is wrapped at spaces, its length in *len; *rest moves behind it, to
 * the text's end at last. A word that is wider than `width` columns is broken. */
const char *cs_top_text_wrap(const char **rest, size_t width, size_t *len);

/* Numbers in at most 5 columns; "-" when not known (negative). */
#define CS_TOP_NUMBER_MAX 16
void cs_top_text_count(double n, char to[CS_TOP_NUMBER_MAX]);    /* 12345, 123k, 4.5M */
void cs_top_text_rate(double n, char to[CS_TOP_NUMBER_MAX]);     /* 0.5, 12 */
void cs_top_text_duration(double s, char to[CS_TOP_NUMBER_MAX]); /* 0.4ms, 12ms, 1.2s, 80s */
void cs_top_text_age(double s, char to[CS_TOP_NUMBER_MAX]);      /* 12s, 5m, 3h, 2d */

#endif
