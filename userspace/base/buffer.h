/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer that never exceeds the maximum stated at init. The first failure (no
 * memory, too large) sticks: later additions do nothing, so that a writer checks once, at the end.
 */
#ifndef CS_BASE_BUFFER_H
#define CS_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cs_buffer {
    char *data; /* not NUL-terminated; NULL while empty */
    size_t len;
    size_t size; /* allocated */
    size_t max;
    int error;  /* 0, -ENOMEM or -EMSGSIZE */
    bool wiped; /* what it held is overwritten whenever it is dropped or moved */
};

void cs_buffer_init(struct cs_buffer *buffer, size_t max);
void cs_buffer_init_wiped(struct cs_buffer *buffer, size_t max);

/* Frees and leaves an empty buffer with the same maximum. A zeroed struct is fine. */
void cs_buffer_free(struct cs_buffer *buffer);

/* Empty it; what is allocated stays. */
void cs_buffer_clear(struct cs_buffer *buffer);

/* Room for n more bytes at data + len. 0 or the buffer's error. */
int cs_buffer_reserve(struct cs_buffer *buffer, size_t n);

static inline void cs_buffer_add(struct cs_buffer *buffer, const void *data, size_t n)
{
    if (buffer->size - buffer->len < n && cs_buffer_reserve(buffer, n) < 0)
        return;
    if (n == 0)
        return;
    memcpy(buffer->data + buffer->len, data, n);
    buffer->len += n;
}

void cs_buffer_add_text(struct cs_buffer *buffer, const char *text);

/* In decimal. */
void cs_buffer_add_u64(struct cs_buffer *buffer, uint64_t value);

/* Nanoseconds as a decimal number of seconds: "0", "12", "0.0015"; exact, no exponent. */
void cs_buffer_add_seconds(struct cs_buffer *buffer, uint64_t nanoseconds);

void cs_buffer_add_format(struct cs_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
