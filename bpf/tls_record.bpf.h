/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* TLS records (RFC 8446 5.1): their headers, and the facts of them, sent or held back. */
#ifndef CS_TLS_RECORD_BPF_H
#define CS_TLS_RECORD_BPF_H

#include "tls_hello.bpf.h"

#define CS_TLS_RECORD_HEADER 5
#define CS_TLS_RECORD_MAX    16640 /* RFC 8446 5.2 */
#define CS_TLS_RECORDS_MAX   16384 /* facts a direction of one connection may send */

enum cs_tls_content {
    CS_TLS_CCS = 20,
    CS_TLS_HANDSHAKE = 22,
    CS_TLS_HEARTBEAT = 24,
};

/* Handshake types (RFC 8446 B.3, RFC 5246 7.4); a continued message's byte is mostly none. */
#define CS_TLS_HANDSHAKE_TYPES                                                                     \
    (1U << 1 | 1U << 2 | 1U << 4 | 1U << 5 | 1U << 8 | 1U << 11 | 1U << 12 | 1U << 13 | 1U << 14 | \
     1U << 15 | 1U << 16 | 1U << 20 | 1U << 21 | 1U << 22 | 1U << 24)

enum cs_tls_move {
    CS_MOVE_ON = 16,   /* beyond enum cs_scan */
    CS_MOVE_HELLO = 17 /* the ClientHello is complete */
};

/* Nothing provable follows. Before the match nobody has heard of this connection. */
static __always_inline int cs_tls_lost(struct cs_socket *s, __u32 direction, __u32 reason)
{
    if (!s->dir[CS_DIR_EGRESS].tls.matched)
        return CS_TLS_DROP;
    cs_emit_gap(s, direction, reason, 0, bpf_ktime_get_ns());
    return CS_SCAN_LOST;
}

static __noinline int cs_tls_emit_record(struct cs_socket *s, __u32 direction, __u32 shape,
                                         __u64 time_ns)
{
    struct cs_fact_tls_record fact = {
        .length = shape >> 16,
        .direction = direction,
        .content = shape >> 8,
        .handshake = shape,
    };

    cs_emit(s, &fact.header, CS_FACT_TLS_RECORD, sizeof(fact), time_ns);
    return 0;
}

/* The current record, sent or held back. */
static __always_inline int cs_tls_report(struct cs_socket *s, struct cs_tls_dir *tls,
                                         __u32 direction, __u32 handshake)
{
    __u32 at = tls->records++;

    if (at >= CS_TLS_RECORDS_MAX)
        return cs_tls_lost(s, direction, CS_GAP_RECORDS);
    if (s->dir[CS_DIR_EGRESS].tls.matched) {
        cs_tls_emit_record(s, direction, tls->length << 16 | (__u32)tls->content << 8 | handshake,
                           tls->record_ns);
    } else if (at < CS_TLS_HELD_MAX) {
        tls->held[at & (CS_TLS_HELD_MAX - 1)].time_ns = tls->record_ns;
        tls->held[at & (CS_TLS_HELD_MAX - 1)].length = tls->length;
    }
    return CS_MOVE_ON;
}

/* A record's header is complete. */
static __always_inline int cs_tls_header(struct cs_socket *s, struct cs_tls_dir *tls,
                                         __u32 direction)
{
    __u32 length = cs_tls_u16(tls->header + 3);
    bool clear;

    tls->header_have = 0;
    tls->content = tls->header[0];
    tls->length = tls->record_left = length;
    if (tls->content < CS_TLS_CCS || tls->content > CS_TLS_HEARTBEAT || tls->header[1] != 3 ||
        length > CS_TLS_RECORD_MAX)
        return cs_tls_lost(s, direction, CS_GAP_MALFORMED);
    if (tls->content == CS_TLS_CCS)
        tls->ccs = 1;
    if (tls->content != CS_TLS_HANDSHAKE) {
        /* A hello is not interleaved with other records (RFC 8446 5.1). */
        if (tls->reading || (direction == CS_DIR_EGRESS && !tls->matched))
            return cs_tls_lost(s, direction, CS_GAP_MALFORMED);
        return cs_tls_report(s, tls, direction, 0);
    }
    if (tls->reading) /* in the middle of the message */
        return cs_tls_report(s, tls, direction, 0);
    /* In TLS 1.3 type 22 is never encrypted, whatever CCS middleboxes were shown. */
    clear = !tls->ccs || s->dir[CS_DIR_INGRESS].tls.flags & CS_HELLO_TLS13;
    if (!clear || !length)
        return cs_tls_report(s, tls, direction, 0);
    if (!tls->done) {
        tls->reading = 1;
        tls->phase = CS_TLS_START;
        tls->skip = tls->want = tls->have = 0;
        tls->flags = 0;
        tls->hello_ns = tls->record_ns;
    }
    tls->due = 1;
    return CS_MOVE_ON;
}

#endif
