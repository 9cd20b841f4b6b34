/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"

#include <errno.h>
#include <string.h>
#include <time.h>

bool cs_slice_is(struct cs_slice slice, const char *text)
{
    return slice.len == strlen(text) && memcmp(slice.data, text, slice.len) == 0;
}

struct cs_slice cs_slice_split(struct cs_slice *rest, char separator)
{
    struct cs_slice head = *rest;
    const char *found = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;

    if (found)
        head.len = (size_t)(found - rest->data);
    rest->data += head.len + (found ? 1 : 0);
    rest->len -= head.len + (found ? 1 : 0);
    return head;
}

uint64_t cs_monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * CS_NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

bool cs_text_copy(char *to, size_t size, const char *from, size_t len)
{
    size_t n = len < size ? len : size - 1;

    memcpy(to, from, n);
    to[n] = '\0';
    return n == len;
}

int cs_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
    uint64_t result = 0;

    if (*text == '\0')
        return -EINVAL;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(result, UINT64_C(10), &result) ||
            __builtin_add_overflow(result, (uint64_t)(*text - '0'), &result))
            return -ERANGE;
    }
    if (result < min || result > max)
        return -ERANGE;
    *value = result;
    return 0;
}

uint64_t cs_hash(uint64_t hash, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}
