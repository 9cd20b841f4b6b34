/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * TLS: records of both directions, the hellos within them. Until the ClientHello's name is known
 * to be watched nothing is sent; a name that isn't, or anything that isn't TLS, lets the socket go.
 */
#ifndef CS_TLS_BPF_H
#define CS_TLS_BPF_H

#include "tls_record.bpf.h"

#define CS_TLS_MOVES 4   /* a call; a call costs one look-up of the socket */
#define CS_TLS_CALLS 256 /* a segment: a hello of 40 extensions needs about 30 */

static __always_inline void cs_tls_emit_server_hello(struct cs_socket *s, struct cs_tls_dir *tls,
                                                     __u64 time_ns)
{
    struct cs_fact_server_hello fact = {.version = tls->version, .cipher = tls->cipher};

    if (tls->flags & CS_HELLO_SESSION_ID && tls->session != s->dir[CS_DIR_EGRESS].tls.session)
        tls->flags &= ~CS_HELLO_SESSION_ID;
    if (tls->version == 0x0304)
        tls->flags |= CS_HELLO_TLS13;
    if (tls->retry)
        tls->flags |= CS_HELLO_RETRY;
    fact.flags = tls->flags;
    cs_emit(s, &fact.header, CS_FACT_SERVER_HELLO, sizeof(fact), time_ns);
}

/* The field of a hello is complete. */
static __noinline int cs_tls_field(struct cs_socket *s, __u32 direction)
{
    struct cs_tls_dir *tls = &s->dir[direction & 1].tls;
    int step;

    if (direction == CS_DIR_EGRESS) {
        step = cs_tls_client_field(tls);
        if (step == CS_TLS_MALFORMED)
            return CS_TLS_DROP;
        return step == CS_TLS_COMPLETE ? CS_MOVE_HELLO : CS_MOVE_ON;
    }
    step = cs_tls_server_field(tls);
    if (step == CS_TLS_ON)
        return CS_MOVE_ON;
    tls->reading = 0;
    /* Not a ServerHello: it isn't said, and the records are. A retry is followed by another. */
    tls->done = step == CS_TLS_MALFORMED || !tls->retry;
    if (step == CS_TLS_COMPLETE)
        cs_tls_emit_server_hello(s, tls, tls->hello_ns);
    return CS_MOVE_ON;
}

/* Load `n` bytes, 1 to CS_TLS_FIELD_MAX, of the segment. */
static __always_inline int cs_tls_load(struct __sk_buff *skb, struct cs_segment *segment, void *to,
                                       __u32 n)
{
    n -= 1;
    asm volatile("" : "+r"(n));
    n &= CS_TLS_FIELD_MAX - 1;
    return bpf_skb_load_bytes(skb, segment->offset, to, n + 1);
}

static __always_inline void cs_tls_consume(struct cs_segment *segment, __u32 n)
{
    segment->offset += n;
    segment->len -= n;
}

static __always_inline __u32 cs_tls_least(__u32 a, __u32 b)
{
    return a < b ? a : b;
}

/* Collect bytes of a record header. */
static __always_inline int cs_tls_collect_header(struct __sk_buff *skb, struct cs_socket *s,
                                                 struct cs_dir *dir, __u32 direction)
{
    struct cs_tls_dir *tls = &dir->tls;
    __u32 have = tls->header_have & 7;
    __u8 byte;

    /* Byte by byte at most five times: whole headers are the rule, and taken in one load. */
    if (have == 0) {
        tls->record_ns = dir->segment.time_ns;
        if (dir->segment.len >= CS_TLS_RECORD_HEADER) {
            if (bpf_skb_load_bytes(skb, dir->segment.offset, tls->header, CS_TLS_RECORD_HEADER))
                return cs_tls_lost(s, direction, CS_GAP_UNREADABLE);
            cs_tls_consume(&dir->segment, CS_TLS_RECORD_HEADER);
            return cs_tls_header(s, tls, direction);
        }
    }
    if (bpf_skb_load_bytes(skb, dir->segment.offset, &byte, 1))
        return cs_tls_lost(s, direction, CS_GAP_UNREADABLE);
    cs_tls_consume(&dir->segment, 1);
    tls->header[have] = byte;
    tls->header_have = have + 1;
    return have + 1 == CS_TLS_RECORD_HEADER ? cs_tls_header(s, tls, direction) : CS_MOVE_ON;
}

/* Collect bytes of a hello's field, or pass over some. */
static __always_inline int cs_tls_collect_field(struct __sk_buff *skb, struct cs_socket *s,
                                                struct cs_dir *dir, __u32 direction)
{
    struct cs_tls_dir *tls = &dir->tls;
    __u32 n = cs_tls_least(tls->record_left, dir->segment.len);
    __u32 have = tls->have;
    __u8 *to = tls->field + (have & (CS_TLS_FIELD_MAX - 1));

    if (tls->skip) {
        n = cs_tls_least(n, tls->skip);
        tls->skip -= n;
    } else {
        n = cs_tls_least(cs_tls_least(n, tls->want - have), CS_TLS_FIELD_MAX);
        if (tls->phase == CS_TLS_NAME)
            to =
                (__u8 *)tls->fact + sizeof(struct cs_fact_client_hello) + (have & CS_HOST_NAME_MAX);
        if (cs_tls_load(skb, &dir->segment, to, n))
            return cs_tls_lost(s, direction, CS_GAP_UNREADABLE);
        tls->have = have + n;
    }
    tls->record_left -= n;
    cs_tls_consume(&dir->segment, n);
    return CS_MOVE_ON;
}

/* One move forward in the stream. Not inlined: in the loop below it would cost stack. */
static __noinline int cs_tls_move(struct __sk_buff *skb, struct cs_socket *s, __u32 direction)
{
    struct cs_dir *dir = &s->dir[direction & 1];
    struct cs_tls_dir *tls = &dir->tls;
    __u8 type;
    __u32 n;

    if (tls->reading && !tls->skip && tls->have == tls->want)
        return cs_tls_field(s, direction);
    if (!dir->segment.len)
        return CS_SCAN_OK;
    if (tls->due) {
        tls->due = 0;
        if (bpf_skb_load_bytes(skb, dir->segment.offset, &type, 1))
            return cs_tls_lost(s, direction, CS_GAP_UNREADABLE);
        if (type > 31 || !(CS_TLS_HANDSHAKE_TYPES & (1U << (type & 31))))
            type = 0;
        return cs_tls_report(s, tls, direction, type);
    }
    if (!tls->record_left)
        return cs_tls_collect_header(skb, s, dir, direction);
    if (tls->reading)
        return cs_tls_collect_field(skb, s, dir, direction);
    n = cs_tls_least(tls->record_left, dir->segment.len);
    tls->record_left -= n;
    cs_tls_consume(&dir->segment, n);
    return CS_MOVE_ON;
}

__noinline int cs_tls_moves(struct __sk_buff *skb, __u32 direction)
{
    struct cs_socket *s = cs_socket_of(skb);
    int move;

    if (!s)
        return CS_SCAN_OK;
    direction &= 1;
#pragma clang loop unroll(disable)
    for (int i = 0; i < CS_TLS_MOVES; i++) {
        move = cs_tls_move(skb, s, direction);
        if (move != CS_MOVE_ON)
            return move;
    }
    return CS_MOVE_ON;
}

/* The ClientHello is complete: is it of ours? If so say all that has been held back. */
__noinline int cs_tls_client_hello(struct __sk_buff *skb)
{
    struct cs_socket *s = cs_socket_of(skb);
    struct cs_fact_client_hello *fact;
    struct cs_tls_dir *tls;
    __u32 len;

    if (!s)
        return CS_SCAN_OK;
    tls = &s->dir[CS_DIR_EGRESS].tls;
    tls->reading = 0;
    tls->done = 1;
    if (!cs_tls_name_watched(skb, tls)) {
        if (!tls->sni_len || tls->ech)
            cs_count(&stats.tls_no_name);
        return CS_TLS_DROP;
    }
    tls->matched = 1;
    cs_emit_connect(s);
    fact = (struct cs_fact_client_hello *)tls->fact;
    len = tls->sni_len & CS_HOST_NAME_MAX;
    fact->first_byte_ns = tls->hello_ns;
    fact->hello_length = tls->hello_length;
    fact->flags = tls->flags;
    fact->sni_len = len;
    cs_emit(s, &fact->header, CS_FACT_CLIENT_HELLO, sizeof(*fact) + len, tls->hello_ns);
    for (__u32 i = 0; i < CS_TLS_HELD_MAX; i++) {
        if (i < tls->records)
            cs_tls_emit_record(s, CS_DIR_EGRESS,
                               tls->held[i].length << 16 | CS_TLS_HANDSHAKE << 8 |
                                   (i ? 0 : CS_TLS_CLIENT_HELLO),
                               tls->held[i].time_ns);
    }
    if (tls->records > CS_TLS_HELD_MAX)
        cs_emit_gap(s, CS_DIR_EGRESS, CS_GAP_RECORDS, 0, bpf_ktime_get_ns());
    __builtin_memset(tls->fact, 0, sizeof(tls->fact));
    __builtin_memset(&tls->key, 0, sizeof(tls->key));
    return CS_MOVE_ON;
}

/* The scanner of packet.bpf.h. */
__noinline int cs_tls_segment(struct __sk_buff *skb, __u32 direction)
{
    struct cs_socket *s = cs_socket_of(skb);
    int move = CS_MOVE_ON;

    if (!s)
        return CS_SCAN_OK;
    direction &= 1;
    /* A server that speaks first speaks no TLS. */
    if (direction == CS_DIR_INGRESS && !s->dir[CS_DIR_EGRESS].tls.matched)
        return CS_TLS_DROP;
    for (int i = 0; i < CS_TLS_CALLS && move == CS_MOVE_ON; i++) {
        move = cs_tls_moves(skb, direction);
        if (move == CS_MOVE_HELLO)
            move = cs_tls_client_hello(skb);
    }
    return move == CS_MOVE_ON ? cs_tls_lost(s, direction, CS_GAP_RECORDS) : move;
}

/* Can `bytes` that were never seen be passed over? Only within a record's payload. */
static __always_inline bool cs_tls_skip(struct cs_tls_dir *tls, __u32 bytes)
{
    if (tls->due || tls->reading || tls->record_left < bytes)
        return false;
    tls->record_left -= bytes;
    return true;
}

#endif
