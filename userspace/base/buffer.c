/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "base/util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SIZE_MIN 256u

void cs_buffer_init(struct cs_buffer *buffer, size_t max)
{
    *buffer = (struct cs_buffer){.max = max};
}

void cs_buffer_init_wiped(struct cs_buffer *buffer, size_t max)
{
    *buffer = (struct cs_buffer){.max = max, .wiped = true};
}

void cs_buffer_clear(struct cs_buffer *buffer)
{
    if (buffer->wiped && buffer->len > 0)
        explicit_bzero(buffer->data, buffer->len);
    buffer->len = 0;
}

void cs_buffer_free(struct cs_buffer *buffer)
{
    cs_buffer_clear(buffer);
    free(buffer->data);
    *buffer = (struct cs_buffer){.max = buffer->max, .wiped = buffer->wiped};
}

static int resize(struct cs_buffer *buffer, size_t size)
{
    char *data = buffer->wiped ? malloc(size) : realloc(buffer->data, size);

    if (!data)
        return buffer->error = -ENOMEM;
    if (buffer->wiped && buffer->len > 0) {
        memcpy(data, buffer->data, buffer->len);
        explicit_bzero(buffer->data, buffer->len);
    }
    if (buffer->wiped)
        free(buffer->data);
    buffer->data = data;
    buffer->size = size;
    return 0;
}

int cs_buffer_reserve(struct cs_buffer *buffer, size_t n)
{
    size_t needed, size;

    if (buffer->error)
        return buffer->error;
    if (buffer->size - buffer->len >= n)
        return 0;
    if (__builtin_add_overflow(buffer->len, n, &needed) || needed > buffer->max)
        return buffer->error = -EMSGSIZE;
    size = buffer->size < SIZE_MIN ? SIZE_MIN : buffer->size;
    while (size < needed)
        size = size > buffer->max / 2 ? buffer->max : size * 2;
    if (size > buffer->max)
        size = buffer->max;
    return resize(buffer, size);
}

void cs_buffer_add_text(struct cs_buffer *buffer, const char *text)
{
    cs_buffer_add(buffer, text, strlen(text));
}

/* Writes the digits so that they end before `end`; where they begin. */
static char *put_u64(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return end;
}

void cs_buffer_add_u64(struct cs_buffer *buffer, uint64_t value)
{
    char digits[20];
    char *start = put_u64(digits + sizeof(digits), value);

    cs_buffer_add(buffer, start, (size_t)(digits + sizeof(digits) - start));
}

void cs_buffer_add_seconds(struct cs_buffer *buffer, uint64_t nanoseconds)
{
    uint64_t fraction = nanoseconds % CS_NSEC_PER_SEC;
    char text[32];
    char *end = text + sizeof(text);
    char *start;

    if (fraction) {
        start = put_u64(end, fraction + CS_NSEC_PER_SEC); /* a leading 1 keeps the zeros */
        while (end[-1] == '0')
            end--;
        *start = '.';
        start = put_u64(start, nanoseconds / CS_NSEC_PER_SEC);
    } else {
        start = put_u64(end, nanoseconds / CS_NSEC_PER_SEC);
    }
    cs_buffer_add(buffer, start, (size_t)(end - start));
}

void cs_buffer_add_format(struct cs_buffer *buffer, const char *format, ...)
{
    va_list args;
    int needed;

    va_start(args, format);
    needed = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (needed < 0 || cs_buffer_reserve(buffer, (size_t)needed + 1) < 0)
        return;
    va_start(args, format);
    vsnprintf(buffer->data + buffer->len, (size_t)needed + 1, format, args);
    va_end(args);
    buffer->len += (size_t)needed;
}
