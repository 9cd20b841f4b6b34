/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label text: escaped once, kept once. A label is `name="value"`, or several of them joined by
 * commas, as it stands in an exposition; series share it by reference.
 *
 * Escaping is that of both formats (text 0.0.4 and OpenMetrics 1.0 agree on label values): \\,
 * \" and \n. Bytes that are no UTF-8 and control characters other than a line feed become U+FFFD,
 * so that the escaped value is a valid JSON string too. An empty value becomes "~unknown".
 */
#ifndef CS_CORE_LABELS_H
#define CS_CORE_LABELS_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

struct cs_label;  /* one kept text */
struct cs_labels; /* all of them; owns the texts */

/* Append the value, escaped, without quotes. */
void cs_label_escape(struct cs_buffer *buffer, const char *value);

/* Append `name="value"`, with a comma before it when the buffer is not empty. name is ours. */
void cs_label_append(struct cs_buffer *buffer, const char *name, const char *value);

/* 0 or -ENOMEM. Free with cs_labels_free after every reference is dropped. */
int cs_labels_new(struct cs_labels **labels);
void cs_labels_free(struct cs_labels *labels);

/* The kept copy of text with one more reference, or NULL: no memory. */
struct cs_label *cs_labels_get(struct cs_labels *labels, const char *text, size_t len);

/* The same of one escaped name and value. */
struct cs_label *cs_labels_get_pair(struct cs_labels *labels, const char *name, const char *value);

/* The kept copy without a reference, or NULL: never kept. */
struct cs_label *cs_labels_find(struct cs_labels *labels, const char *text, size_t len);

struct cs_label *cs_label_ref(struct cs_label *label);

/* Accepts NULL. */
void cs_label_unref(struct cs_labels *labels, struct cs_label *label);

const char *cs_label_text(const struct cs_label *label, size_t *len);

/* Texts kept, and the bytes they take with their bookkeeping. */
uint32_t cs_labels_count(const struct cs_labels *labels);
size_t cs_labels_bytes(const struct cs_labels *labels);

#endif
