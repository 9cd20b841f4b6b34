/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* From the IP header, where cgroup_skb data starts, to the TCP payload. */
#ifndef CS_PACKET_WALK_BPF_H
#define CS_PACKET_WALK_BPF_H

#include "intercept.bpf.h"

#define CS_IPV6_HEADERS_MAX 8
#define CS_TCP_FIN          0x01
#define CS_TCP_SYN          0x02
#define CS_TCP_ACK          0x10

/* struct tcphdr without its bit-fields. */
struct cs_tcp_header {
    __be16 source;
    __be16 dest;
    __be32 seq;
    __be32 ack;
    __u8 data_offset; /* high four bits, in words */
    __u8 flags;
    __be16 window;
};

struct cs_packet {
    __u8 saddr[16];
    __u8 daddr[16];
    __u32 offset; /* of the payload in the skb */
    __u32 len;    /* of the payload */
    __u32 seq;    /* of the payload's first byte: behind a SYN */
    __u32 ack;
    __u16 sport;
    __u16 dport;
    __u8 flags; /* CS_TCP_… */
    __u8 pad[3];
};

/* Offset of the TCP header, or 0: not TCP. Fragments have been put together before ingress, and
 * are not yet made at egress. BIG TCP adds a hop-by-hop header. */
static __always_inline __u32 cs_walk_ip6(struct __sk_buff *skb, struct cs_packet *p)
{
    __u32 offset = 40;
    __u8 next, pair[2];

    if (bpf_skb_load_bytes(skb, 6, &next, 1) || bpf_skb_load_bytes(skb, 8, p->saddr, 16) ||
        bpf_skb_load_bytes(skb, 24, p->daddr, 16))
        return 0;
    for (int i = 0; i < CS_IPV6_HEADERS_MAX; i++) {
        if (next == CS_IPPROTO_TCP)
            return offset;
        if (bpf_skb_load_bytes(skb, offset, pair, sizeof(pair)))
            return 0;
        switch (next) {
        case 0:  /* hop-by-hop */
        case 43: /* routing */
        case 60: /* destination options */
            offset += (pair[1] + 1) * 8;
            break;
        case 44: /* fragment */
            offset += 8;
            break;
        case 51: /* authentication, RFC 4302: in words, minus two */
            offset += (pair[1] + 2) * 4;
            break;
        default:
            return 0;
        }
        next = pair[0];
    }
    return 0;
}

static __always_inline __u32 cs_walk_ip(struct __sk_buff *skb, struct cs_packet *p)
{
    __u8 first, protocol;
    __u32 pair[2];

    if (bpf_skb_load_bytes(skb, 0, &first, 1))
        return 0;
    if (first >> 4 == 6)
        return cs_walk_ip6(skb, p);
    if (first >> 4 != 4 || bpf_skb_load_bytes(skb, 9, &protocol, 1) || protocol != CS_IPPROTO_TCP ||
        bpf_skb_load_bytes(skb, 12, pair, sizeof(pair)))
        return 0;
    cs_addr_map(p->saddr, pair[0]);
    cs_addr_map(p->daddr, pair[1]);
    return (first & 15) * 4;
}

/* skb->len is the packet's length: the IP layer has trimmed padding, and the length field of a
 * packet over 64 KiB is 0. */
static __always_inline bool cs_packet_read(struct __sk_buff *skb, struct cs_packet *p)
{
    struct cs_tcp_header tcp;
    __u32 offset = cs_walk_ip(skb, p);

    if (!offset || bpf_skb_load_bytes(skb, offset, &tcp, sizeof(tcp)))
        return false;
    p->offset = offset + (tcp.data_offset >> 4) * 4;
    if (p->offset > skb->len)
        return false;
    p->len = skb->len - p->offset;
    p->flags = tcp.flags;
    p->seq = bpf_ntohl(tcp.seq) + !!(tcp.flags & CS_TCP_SYN);
    p->ack = bpf_ntohl(tcp.ack);
    p->sport = bpf_ntohs(tcp.source);
    p->dport = bpf_ntohs(tcp.dest);
    return true;
}

#endif
