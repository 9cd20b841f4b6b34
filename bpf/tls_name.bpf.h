/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Is a server name watched? Longest suffix at a label boundary, then the suffix's rule. */
#ifndef CS_TLS_NAME_BPF_H
#define CS_TLS_NAME_BPF_H

#include "emit.bpf.h"

#define CS_LABEL4(a, b, c, d)             ((__u64)(a) << 24 | (__u64)(b) << 16 | (__u64)(c) << 8 | (__u64)(d))
#define CS_LABEL8(a, b, c, d, e, f, g, h) (CS_LABEL4(a, b, c, d) << 32 | CS_LABEL4(e, f, g, h))

/* "sts", "sts-fips", "eks-auth", "eks-auth-fips" (CS_SUFFIX_AWS) */
static __always_inline bool cs_tls_label_watched(__u64 high, __u64 low, __u32 len)
{
    switch (len) {
    case 3:
        return low == CS_LABEL4(0, 's', 't', 's');
    case 8:
        return low == CS_LABEL8('s', 't', 's', '-', 'f', 'i', 'p', 's') ||
               low == CS_LABEL8('e', 'k', 's', '-', 'a', 'u', 't', 'h');
    case 13:
        return high == CS_LABEL8(0, 0, 0, 'e', 'k', 's', '-', 'a') &&
               low == CS_LABEL8('u', 't', 'h', '-', 'f', 'i', 'p', 's');
    }
    return false;
}

#define CS_TLS_NAME_PART 32

/*
 * Bytes `start` … of the name in tls->fact, into tls->key and tls->label. All labels are looked
 * at, those of the suffix too: none of the AWS suffixes has such a label. In parts, so that the
 * verifier walks 32 rounds and not 255, and through memory whose values it doesn't follow.
 */
__noinline int cs_tls_name_part(struct __sk_buff *skb, __u32 start)
{
    struct cs_socket *s = cs_socket_of(skb);
    volatile struct cs_tls_label *label;
    struct cs_tls_dir *tls;
    const __u8 *name;
    __u32 len;

    if (!s)
        return 0;
    tls = &s->dir[CS_DIR_EGRESS].tls;
    name = (const __u8 *)tls->fact + sizeof(struct cs_fact_client_hello);
    label = &tls->label;
    len = tls->sni_len & CS_HOST_NAME_MAX;
#pragma clang loop unroll(disable)
    for (__u32 i = 0; i < CS_TLS_NAME_PART; i++) {
        __u32 at = start + i;
        __u8 c;

        if (at >= len)
            break;
        c = name[at & CS_HOST_NAME_MAX];
        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        tls->key.reversed[(len - 1 - at) & CS_HOST_NAME_MAX] = c;
        if (c == '.') {
            label->watched |= cs_tls_label_watched(label->high, label->low, label->len);
            label->high = label->low = label->len = 0;
            continue;
        }
        label->high = label->high << 8 | label->low >> 56;
        label->low = label->low << 8 | c;
        label->len++;
    }
    return 0;
}

/* A trailing dot (RFC 6066 3 forbids it) is ignored. */
static __always_inline bool cs_tls_name_watched(struct __sk_buff *skb, struct cs_tls_dir *tls)
{
    const __u8 *name = (const __u8 *)tls->fact + sizeof(struct cs_fact_client_hello);
    __u32 len = tls->sni_len & CS_HOST_NAME_MAX;
    __u32 *rule;

    if (len && name[(len - 1) & CS_HOST_NAME_MAX] == '.')
        tls->sni_len = --len;
    if (!len)
        return false;
#pragma clang loop unroll(disable)
    for (__u32 start = 0; start < CS_HOST_NAME_MAX; start += CS_TLS_NAME_PART) {
        if (start < len)
            cs_tls_name_part(skb, start);
    }
    tls->key.reversed[len & CS_HOST_NAME_MAX] = '.';
    tls->key.prefixlen = (len + 1) * 8;
    rule = bpf_map_lookup_elem(&suffixes, &tls->key);
    return rule && (*rule == CS_SUFFIX_ANY || (*rule == CS_SUFFIX_AWS && tls->label.watched));
}

#endif
