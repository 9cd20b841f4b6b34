/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* sockops: what the kernel's TCP says of watched sockets. Never writes ctx->reply. */
#ifndef CS_SOCKOPS_BPF_H
#define CS_SOCKOPS_BPF_H

#include "connection.bpf.h"

/* include/uapi/asm-generic/errno.h */
enum {
    CS_EACCES = 13,
    CS_EPIPE = 32,
    CS_ENONET = 64,
    CS_ENOPROTOOPT = 92,
    CS_ENETUNREACH = 101,
    CS_ECONNRESET = 104,
    CS_ECONNREFUSED = 111,
    CS_EHOSTDOWN = 112,
    CS_EHOSTUNREACH = 113,
};

/* The socket was redirected and its SYN not seen: it went to a port whose packets are nobody's
 * business, and so will all others. */
static __always_inline void cs_established(struct bpf_sock_ops *ctx, struct cs_socket *s)
{
    struct cs_fact_established *fact = &s->established;
    bool unseen;

    fact->sport = ctx->local_port;
    fact->dport = bpf_ntohl(ctx->remote_port);
    if (s->connect.family == 4) {
        cs_addr_map(fact->saddr, ctx->local_ip4);
        cs_addr_map(fact->daddr, ctx->remote_ip4);
    } else {
        CS_CONTEXT_ADDR6(fact->saddr, ctx->local_ip6);
        CS_CONTEXT_ADDR6(fact->daddr, ctx->remote_ip6);
    }
    fact->header.time_ns = bpf_ktime_get_ns();
    s->connected = 1;
    unseen = !s->redirected && !cs_is_asked(s, fact->daddr, fact->dport);
    if (unseen)
        cs_redirected(s, fact->daddr, fact->dport);
    if (!s->announced)
        return;
    cs_emit(s, &fact->header, CS_FACT_ESTABLISHED, sizeof(*fact), fact->header.time_ns);
    if (unseen) {
        cs_emit_gap(s, CS_DIR_EGRESS, CS_GAP_UNREADABLE, 0, fact->header.time_ns);
        cs_emit_gap(s, CS_DIR_INGRESS, CS_GAP_UNREADABLE, 0, fact->header.time_ns);
    }
}

/* sk_err is set before the state changes: by an RST, an ICMP error or the last time-out. */
static __always_inline int cs_sock_error(struct bpf_sock_ops *ctx)
{
    struct bpf_sock *sk = ctx->sk;
    struct tcp_sock *tp = sk ? bpf_skc_to_tcp_sock(sk) : NULL;

    return tp ? ((struct sock *)tp)->sk_err : 0;
}

/* Before the handshake. What ICMP errors become: icmp_err_convert, net/ipv4/icmp.c, and
 * icmpv6_err_convert. */
static __always_inline __u32 cs_failure(int error)
{
    switch (error) {
    case 0:
        return CS_CONNECT_GIVEN_UP;
    case CS_ECONNREFUSED:
        return CS_CONNECT_REFUSED;
    case CS_ENETUNREACH:
    case CS_EHOSTUNREACH:
    case CS_EHOSTDOWN:
    case CS_ENONET:
    case CS_ENOPROTOOPT:
    case CS_EACCES:
        return CS_CONNECT_NO_ROUTE;
    default:
        return CS_CONNECT_UNANSWERED;
    }
}

static __always_inline void cs_closed(struct bpf_sock_ops *ctx, struct cs_socket *s)
{
    int error = cs_sock_error(ctx);

    if (!s->connected)
        cs_end_failed(s, cs_failure(error));
    else if (error == CS_ECONNRESET || error == CS_EPIPE)
        cs_end_close(s, CS_CLOSE_RESET_BY_PEER);
    else if (error)
        cs_end_close(s, CS_CLOSE_TIMEOUT);
    else
        cs_end_close(s, s->local_fin ? CS_CLOSE_LOCAL : CS_CLOSE_RESET_LOCAL);
}

static __always_inline void cs_state_changed(struct bpf_sock_ops *ctx, struct cs_socket *s)
{
    switch (ctx->args[1]) {
    case BPF_TCP_FIN_WAIT1:
        s->local_fin = 1;
        if (s->released)
            cs_end_close(s, CS_CLOSE_LOCAL);
        break;
    case BPF_TCP_CLOSE_WAIT:
        cs_end_close(s, CS_CLOSE_REMOTE);
        break;
    case BPF_TCP_CLOSE:
        cs_closed(ctx, s);
        break;
    }
}

static __always_inline void cs_sockops(struct bpf_sock_ops *ctx)
{
    struct bpf_sock *sk;
    struct cs_socket *s;

    switch (ctx->op) {
    case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
        cs_passive_established(ctx);
        return;
    case BPF_SOCK_OPS_TCP_CONNECT_CB:
    case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
    case BPF_SOCK_OPS_STATE_CB:
    case BPF_SOCK_OPS_RETRANS_CB:
        break;
    default:
        return;
    }
    sk = ctx->sk;
    s = sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;
    if (!s || s->ended)
        return;
    switch (ctx->op) {
    case BPF_SOCK_OPS_TCP_CONNECT_CB:
        s->syn_sent = 1;
        bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG |
                                           BPF_SOCK_OPS_RETRANS_CB_FLAG);
        break;
    case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
        cs_established(ctx, s);
        break;
    case BPF_SOCK_OPS_STATE_CB:
        cs_state_changed(ctx, s);
        break;
    case BPF_SOCK_OPS_RETRANS_CB:
        s->retransmits++;
        break;
    }
}

#endif
