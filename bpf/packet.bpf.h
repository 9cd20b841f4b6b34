/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * cgroup_skb: from a packet to in-order payload, handed to the scanner of its direction.
 *
 * A scanner is a global function, verified once:
 *     __noinline int cs_http_segment(struct __sk_buff *skb, __u32 direction);
 *     __noinline int cs_tls_segment(struct __sk_buff *skb, __u32 direction);     (tls.bpf.h)
 * It looks its state up with cs_socket_of(skb), takes &s->dir[direction & 1], reads the payload
 * that dir->segment describes with bpf_skb_load_bytes into dir->window, and keeps what it must
 * remember in dir->http or dir->tls, which start zeroed. It returns an enum cs_scan.
 */
#ifndef CS_PACKET_BPF_H
#define CS_PACKET_BPF_H

#include "packet_walk.bpf.h"

enum cs_scan {
    CS_SCAN_OK = 0,
    CS_TLS_DROP = 1,  /* not a watched name: the dispatcher forgets the socket, counting
                         stats.tls_unwatched (the scanner counts stats.tls_no_name) */
    CS_SCAN_LOST = 2, /* the rest of this direction can't be sensed; the scanner sent the gap */
    CS_SCAN_MORE = 3, /* not yet through (within a scanner) */
};

#include "http.bpf.h"

/*
 * tls.bpf.h also gives
 *     static __always_inline bool cs_tls_skip(struct cs_tls_dir *tls, __u32 bytes);
 * true when so many bytes, never seen, lie within a record's payload that need not be read: the
 * state then stands behind them. Else the dispatcher sends CS_GAP_HOLE and ignores the direction.
 */
#if __has_include("tls.bpf.h")
#include "tls.bpf.h"
#else
#define cs_tls_skip(tls, bytes)        ((void)(tls), (void)(bytes), false)
#define cs_tls_segment(skb, direction) ((void)(skb), (void)(direction), CS_TLS_DROP)
#endif

#define CS_ENTER_SPINS 256

/* One CPU at a time works on a direction: softirqs on two CPUs can bring segments of one socket
 * at once. Whoever gets no turn leaves a hole, which the acknowledgement then proves. */
static __always_inline bool cs_dir_enter(struct cs_socket *s, struct cs_dir *dir)
{
    __u32 busy;

    for (int i = 0; i < CS_ENTER_SPINS; i++) {
        bpf_spin_lock(&s->lock);
        busy = dir->busy;
        dir->busy = 1;
        bpf_spin_unlock(&s->lock);
        if (!busy)
            return true;
    }
    return false;
}

static __always_inline void cs_dir_leave(struct cs_dir *dir)
{
    __builtin_memset(dir->window, 0, sizeof(dir->window));
    *(volatile __u8 *)&dir->busy = 0;
}

/* Bytes that will never be seen: harmless inside a body or record, else the end of sensing. */
static __always_inline void cs_dir_hole(struct cs_socket *s, struct cs_dir *dir, __u32 direction,
                                        __u32 bytes)
{
    dir->bytes += bytes;
    if (dir->mode == CS_MODE_IGNORE ||
        (dir->mode == CS_MODE_HTTP && cs_http_skip(&dir->http, bytes)) ||
        (dir->mode == CS_MODE_TLS && cs_tls_skip(&dir->tls, bytes)))
        return;
    dir->mode = CS_MODE_IGNORE;
    if (s->announced)
        cs_emit_gap(s, direction, CS_GAP_HOLE, bytes, bpf_ktime_get_ns());
}

/* Behind the proxy's 2xx both directions are TLS. */
static __always_inline void cs_dir_tunnel(struct cs_socket *s, struct cs_dir *dir)
{
    if (!s->tunnel || dir->mode != CS_MODE_HTTP)
        return;
    __builtin_memset(&dir->tls, 0, sizeof(dir->tls));
    dir->mode = CS_MODE_TLS;
}

/* Scan what dir->segment describes. False: the socket's state is gone. */
static __always_inline bool cs_dir_scan(struct __sk_buff *skb, struct cs_socket *s,
                                        struct cs_dir *dir, __u32 direction)
{
    struct bpf_sock *sk;
    int scan = CS_SCAN_OK;

    cs_dir_tunnel(s, dir);
    if (dir->mode == CS_MODE_HTTP) {
        scan = cs_http_segment(skb, direction);
        cs_dir_tunnel(s, dir);
    }
    if (dir->mode == CS_MODE_TLS && dir->segment.len)
        scan = cs_tls_segment(skb, direction);
    if (scan == CS_SCAN_LOST)
        dir->mode = CS_MODE_IGNORE;
    if (scan != CS_TLS_DROP)
        return true;
    cs_count(&stats.tls_unwatched);
    if (s->announced) { /* through a proxy: its end is still to be told */
        s->dir[0].mode = s->dir[1].mode = CS_MODE_IGNORE;
        return true;
    }
    cs_dir_leave(dir);
    sk = skb->sk;
    if (sk)
        bpf_sk_storage_delete(&sockets, sk);
    return false;
}

/* Remember a segment that came before its turn. False: no room, waiting has no end. */
static __always_inline bool cs_early_add(struct cs_dir *dir, __u32 start, __u32 end)
{
    for (int i = 0; i < CS_EARLY_MAX; i++) {
        struct cs_range *range = &dir->early[i];

        if (range->start == range->end) {
            range->start = start;
            range->end = end;
            return true;
        }
        if ((__s32)(start - range->end) > 0 || (__s32)(range->start - end) > 0)
            continue;
        if ((__s32)(start - range->start) < 0)
            range->start = start;
        if ((__s32)(end - range->end) > 0)
            range->end = end;
        return true;
    }
    return false;
}

/* The stream stands at dir->next: what came early from here on was not kept, so it is a hole. */
__noinline int cs_early_pass(struct __sk_buff *skb, __u32 direction)
{
    struct cs_socket *s = cs_socket_of(skb);
    struct cs_dir *dir;

    if (!s)
        return 0;
    dir = &s->dir[direction & 1];
    for (int n = 0; n < CS_EARLY_MAX; n++) {
        for (int i = 0; i < CS_EARLY_MAX; i++) {
            struct cs_range *range = &dir->early[i];

            if (range->start == range->end || (__s32)(range->start - dir->next) > 0)
                continue;
            if ((__s32)(range->end - dir->next) > 0) {
                cs_dir_hole(s, dir, direction, range->end - dir->next);
                dir->next = range->end;
            }
            range->start = range->end = 0;
        }
    }
    return 0;
}

static __always_inline void cs_deliver(struct __sk_buff *skb, struct cs_socket *s,
                                       struct cs_dir *dir, __u32 direction,
                                       const struct cs_packet *p)
{
    __s32 old = dir->next - p->seq;

    if (old < 0) {
        if (cs_early_add(dir, p->seq, p->seq + p->len))
            return;
        cs_dir_hole(s, dir, direction, -old);
        dir->next = p->seq;
        old = 0;
    }
    if ((__u32)old >= p->len)
        return;
    dir->segment.time_ns = bpf_ktime_get_ns();
    dir->segment.offset = p->offset + old;
    dir->segment.len = p->len - old;
    dir->bytes += dir->segment.len;
    dir->next = p->seq + p->len;
    if (cs_dir_scan(skb, s, dir, direction))
        cs_early_pass(skb, direction);
}

static __always_inline void cs_packet_syn(struct cs_socket *s, struct cs_dir *dir, __u32 direction,
                                          const struct cs_packet *p)
{
    if (s->connected)
        return;
    /* The client's SYN may come again without the data that it carried (TFO): those bytes have
     * been read. The server's may be a wrong one first. */
    if (direction == CS_DIR_INGRESS || !dir->started) {
        dir->next = p->seq;
        dir->started = 1;
    }
    if (direction != CS_DIR_EGRESS || s->redirected)
        return;
    if (!cs_is_asked(s, p->daddr, p->dport))
        cs_redirected(s, p->daddr, p->dport);
    else if (s->connect.kind == CS_WATCH_PLAIN)
        cs_client_remember(s, p->saddr, p->sport, p->seq);
}

/* Ingress is not yet checked by TCP: an acknowledgement of what was never sent proves nothing. */
static __always_inline bool cs_ack_possible(struct __sk_buff *skb, __u32 ack)
{
    struct bpf_sock *sk = skb->sk;
    struct bpf_tcp_sock *tp;

    sk = sk ? bpf_sk_fullsock(sk) : NULL;
    tp = sk ? bpf_tcp_sock(sk) : NULL;
    return tp && (__s32)(tp->snd_nxt - ack) >= 0;
}

static __always_inline __s32 cs_ack_missing(const struct cs_socket *s, __u32 direction, __u32 ack)
{
    const struct cs_dir *dir = &s->dir[direction & 1];
    bool fin = dir->fin || (direction == CS_DIR_EGRESS && s->local_fin);

    return dir->started ? ack - dir->next - fin : 0;
}

/* What one end acknowledges it has received of the other's direction: had we not seen it, we never
 * shall. */
__noinline int cs_packet_ack(struct __sk_buff *skb, __u32 direction, __u32 ack)
{
    struct cs_socket *s = cs_socket_of(skb);
    struct cs_dir *dir;
    __s32 missing;

    if (!s || cs_ack_missing(s, direction, ack) <= 0)
        return 0;
    if (direction == CS_DIR_EGRESS && !cs_ack_possible(skb, ack))
        return 0;
    dir = &s->dir[direction & 1];
    if (!cs_dir_enter(s, dir))
        return 0;
    missing = cs_ack_missing(s, direction, ack);
    if (missing > 0) {
        cs_dir_hole(s, dir, direction, missing);
        dir->next += missing;
        cs_early_pass(skb, direction);
    }
    cs_dir_leave(dir);
    return 0;
}

__noinline int cs_watched_packet(struct __sk_buff *skb, __u32 direction)
{
    struct cs_socket *s = cs_socket_of(skb);
    struct cs_packet p = {};
    struct cs_dir *dir;

    if (!s || s->ended)
        return 0;
    if (!cs_packet_read(skb, &p)) {
        cs_count(&stats.packets_unreadable);
        return 0;
    }
    dir = &s->dir[direction & 1];
    if (p.flags & CS_TCP_FIN)
        dir->fin = 1;
    if (direction == CS_DIR_INGRESS)
        cs_client_check(s);
    if (p.flags & CS_TCP_ACK)
        cs_packet_ack(skb, !direction, p.ack);
    if (p.flags & CS_TCP_SYN)
        cs_packet_syn(s, dir, direction, &p);
    if (!p.len || !dir->started || !cs_dir_enter(s, dir))
        return 0;
    cs_deliver(skb, s, dir, direction, &p);
    cs_dir_leave(dir);
    return 0;
}

/* Everybody's packets come here: one comparison a watched port. The verifier knows the constants
 * and cuts off what lies behind the last port. */
static __always_inline bool cs_port_watched(__u32 port)
{
    for (__u32 i = 0; i < CS_PORTS_MAX; i++) {
        if (i >= config.port_count)
            return false;
        if (port == config.ports[i])
            return true;
    }
    return false;
}

static __always_inline void cs_packet(struct __sk_buff *skb, __u32 direction)
{
    if (cs_port_watched(skb->remote_port) && cs_socket_of(skb))
        cs_watched_packet(skb, direction);
}

#endif
