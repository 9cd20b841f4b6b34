/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages of `top` are drawn with: lines cut to the view's width, styles where it has
 * colour. */
#ifndef CS_APP_COMMAND_TOP_DRAW_H
#define CS_APP_COMMAND_TOP_DRAW_H

#include "app/top/command_top_columns.h"
#include "app/top/command_top_layout.h"
#include "base/buffer.h"

#define CS_TOP_BOLD    "\033[1m"
#define CS_TOP_DIM     "\033[2m"
#define CS_TOP_REVERSE "\033[7m"
#define CS_TOP_RED     "\033[31m"
#define CS_TOP_YELLOW  "\033[33m"
#define CS_TOP_MAGENTA "\033[35m"
#define CS_TOP_RESET   "\033[0m"

struct cs_top_drawing {
    const struct cs_top_model *model;
    const struct cs_top_view *view;
    struct cs_buffer *buffer;
    size_t widths[CS_TOP_COLUMN_END];
};

/* A style of NULL is none. */
void cs_top_begin_style(const struct cs_top_drawing *drawing, const char *style);
void cs_top_end_style(const struct cs_top_drawing *drawing, const char *style);
void cs_top_begin_line(const struct cs_top_drawing *drawing);
void cs_top_end_line(const struct cs_top_drawing *drawing);

/* A whole line, cut to the width. */
void cs_top_line(const struct cs_top_drawing *drawing, const char *style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A piece of a line. */
struct cs_top_part {
    unsigned int rank; /* those of the highest go first where there is no room */
    char text[160];    /* "": none */
};

/* A line of the parts that fit whole, two spaces apart; rank 0 is always there, cut if need be. */
void cs_top_parts(const struct cs_top_drawing *drawing, const char *style,
                  const struct cs_top_part parts[], size_t count);

/* The last line of a screen: no line feed behind it, nothing below. */
void cs_top_keys(const struct cs_top_drawing *drawing, const struct cs_top_part parts[],
                 size_t count);

#endif
