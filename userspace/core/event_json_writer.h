/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one flat JSON object into a buffer of fixed size (RFC 8259). Once something did not fit
 * nothing more is written and the end reports it. */
#ifndef CS_CORE_EVENT_JSON_WRITER_H
#define CS_CORE_EVENT_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_json {
    char *buffer;
    size_t size; /* ≥ 1 */
    size_t len;
    bool full;
    bool comma; /* the next member needs one */
};

void cs_json_begin(struct cs_json *json, char *buffer, size_t size);
/* The object's length, its NUL written; -ENOSPC and an empty string when it did not fit. */
int cs_json_end(struct cs_json *json);

/* Members. Names are plain ASCII. A text that is NULL or "" is left out: not known. Bytes that are
 * no UTF-8 become U+FFFD. */
void cs_json_text(struct cs_json *json, const char *name, const char *value);
void cs_json_uint(struct cs_json *json, const char *name, uint64_t value);
void cs_json_bool(struct cs_json *json, const char *name, bool value);
/* As a number of seconds with nine decimals. */
void cs_json_seconds(struct cs_json *json, const char *name, uint64_t nanoseconds);
/* RFC 3339 in UTC with nine decimals: nanoseconds since 1970. */
void cs_json_time(struct cs_json *json, const char *name, uint64_t nanoseconds);

/* An array: begin, its values, end. */
void cs_json_array_begin(struct cs_json *json, const char *name);
void cs_json_array_uint(struct cs_json *json, uint64_t value);
void cs_json_array_text(struct cs_json *json, const char *value);
void cs_json_array_end(struct cs_json *json);

#endif
