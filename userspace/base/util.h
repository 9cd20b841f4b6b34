/* SPDX-License-Identifier: Apache-2.0 */
/* Small things that every layer uses. */
#ifndef CS_BASE_UTIL_H
#define CS_BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define CS_NSEC_PER_SEC      UINT64_C(1000000000)
#define CS_NSEC_PER_MSEC     UINT64_C(1000000)

/* Bytes that somebody else owns; not NUL-terminated. */
struct cs_slice {
    const char *data;
    size_t len;
};

/* Whether the slice is exactly this text. */
bool cs_slice_is(struct cs_slice slice, const char *text);

/* Take what precedes the first separator off rest, and the separator; all when there is none. */
struct cs_slice cs_slice_split(struct cs_slice *rest, char separator);

/* FNV-1a, 64 bits: for keys, not against an adversary. hash is CS_HASH_START, or the result for the
 * bytes before these. */
#define CS_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t cs_hash(uint64_t hash, const void *bytes, size_t n);

/* CLOCK_MONOTONIC in nanoseconds. Not for core, which is given the time. */
uint64_t cs_monotonic_ns(void);

/* Copy at most size-1 bytes and terminate. Returns false when it did not fit. size >= 1. */
bool cs_text_copy(char *to, size_t size, const char *from, size_t len);

/* Parse a whole decimal string in [min, max]. 0, -EINVAL (not a number) or -ERANGE. */
int cs_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *value);

#endif
