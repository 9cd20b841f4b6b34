/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Tokens are recognised by their 64-bit FNV-1a hash as they pass, so that no byte of a header's
 * name or value needs to be kept in order to compare it. A collision would have to be made on
 * purpose, by somebody who could as well send the real name. */
#ifndef CS_HTTP_HASH_BPF_H
#define CS_HTTP_HASH_BPF_H

#include <linux/types.h>

#define CS_HASH_START 0xcbf29ce484222325ULL
#define CS_HASH_PRIME 0x100000001b3ULL

static __always_inline __u64 cs_hash_byte(__u64 hash, __u8 c)
{
    return (hash ^ c) * CS_HASH_PRIME;
}

/* Of a string constant; folded by the compiler. */
static __always_inline __u64 cs_hash_text(const char *text, __u32 len)
{
    __u64 hash = CS_HASH_START;

#pragma clang loop unroll(full)
    for (__u32 i = 0; i < len; i++)
        hash = cs_hash_byte(hash, text[i]);
    return hash;
}

#define CS_HASH(text) cs_hash_text(text, sizeof(text) - 1)

#endif
