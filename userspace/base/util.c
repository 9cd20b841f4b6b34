/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"

#include <errno.h>
#include <string.h>

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
