/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* How a watched connection begins (connect) and ends (failure, close, reuse). */
#ifndef CS_CONNECTION_BPF_H
#define CS_CONNECTION_BPF_H

#include "intercept.bpf.h"

#define CS_IPPROTO_TCP 6
#define CS_SOCK_STREAM 1

/* True for the one caller that may send the last fact. */
static __noinline bool cs_end_claim(struct cs_socket *s)
{
    __u32 ended;

    bpf_spin_lock(&s->lock);
    ended = s->ended;
    s->ended = 1;
    bpf_spin_unlock(&s->lock);
    return !ended;
}

static __noinline int cs_end_failed(struct cs_socket *s, __u32 reason)
{
    struct cs_fact_connect_failed failed = {.reason = reason, .retransmits = s->retransmits};

    if (!cs_end_claim(s))
        return 0;
    cs_client_forget(s);
    cs_emit_connect(s);
    cs_emit(s, &failed.header, CS_FACT_CONNECT_FAILED, sizeof(failed), bpf_ktime_get_ns());
    return 0;
}

/* A TLS connection that ends before its name is known has sent no fact and sends none now. */
static __noinline int cs_end_close(struct cs_socket *s, __u32 reason)
{
    struct cs_fact_close close = {
        .bytes_sent = s->dir[CS_DIR_EGRESS].bytes,
        .bytes_received = s->dir[CS_DIR_INGRESS].bytes,
        .retransmits = s->retransmits,
        .reason = reason,
    };

    if (!cs_end_claim(s))
        return 0;
    cs_client_check(s);
    cs_client_forget(s);
    if (!s->announced) {
        cs_count(&stats.tls_unwatched);
        return 0;
    }
    cs_emit(s, &close.header, CS_FACT_CLOSE, sizeof(close), bpf_ktime_get_ns());
    return 0;
}

static __always_inline __u32 cs_watch_kind(const struct cs_address_key *key)
{
    __u32 *kind = bpf_map_lookup_elem(&addresses, key);

    if (kind)
        return *kind;
    for (__u32 i = 0; i < CS_TLS_PORTS_MAX; i++)
        if (i < config.tls_port_count && key->port == config.tls_ports[i])
            return CS_WATCH_TLS;
    return 0;
}

static __always_inline void cs_connect_fill(struct cs_fact_connect *connect,
                                            struct bpf_sock_addr *ctx)
{
    __u64 pid_tgid = bpf_get_current_pid_tgid();

    connect->header.time_ns = bpf_ktime_get_ns();
    connect->header.cookie = bpf_get_socket_cookie(ctx);
    connect->cgroup_id = bpf_get_current_cgroup_id();
    connect->tgid = pid_tgid >> 32;
    connect->tid = (__u32)pid_tgid;
    bpf_get_current_comm(connect->comm, sizeof(connect->comm));
    if (cs_current_is_kthread())
        connect->flags |= CS_CONNECT_KTHREAD;
}

/* The caller's destination, before any translation. A socket that was connected before brings its
 * old state along: it is ended, and forgotten where the new destination isn't watched. */
static __always_inline void cs_connect(struct bpf_sock_addr *ctx, const struct cs_address_key *key,
                                       __u8 family, __u8 flags)
{
    struct bpf_sock *sk = ctx->sk;
    struct cs_socket *s;
    __u32 kind, generation = 0;

    if (!sk || ctx->type != CS_SOCK_STREAM || ctx->protocol != CS_IPPROTO_TCP)
        return;
    kind = cs_watch_kind(key);
    s = bpf_sk_storage_get(&sockets, sk, NULL, 0);
    if (s) {
        generation = s->connect.header.generation + 1;
        if (s->connected)
            cs_end_close(s, CS_CLOSE_REUSED);
        else
            cs_end_failed(s, s->syn_sent ? CS_CONNECT_GIVEN_UP : CS_CONNECT_NO_ROUTE);
        bpf_sk_storage_delete(&sockets, sk);
        cs_count(&stats.reconnects);
    }
    if (!kind)
        return;
    s = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (!s) {
        cs_count(&stats.storage_failed);
        return;
    }
    __builtin_memcpy(s->connect.daddr, key->addr, sizeof(key->addr));
    s->connect.dport = key->port;
    s->connect.header.generation = generation;
    s->connect.family = family;
    s->connect.kind = kind;
    s->connect.flags = flags;
    cs_connect_fill(&s->connect, ctx);
    if (kind == CS_WATCH_TLS)
        s->dir[CS_DIR_EGRESS].mode = s->dir[CS_DIR_INGRESS].mode = CS_MODE_TLS;
    else
        cs_emit_connect(s);
}

static __always_inline void cs_connect4(struct bpf_sock_addr *ctx)
{
    struct cs_address_key key = {.port = bpf_ntohs(ctx->user_port)};

    cs_addr_map(key.addr, ctx->user_ip4);
    cs_connect(ctx, &key, 4, 0);
}

static __always_inline void cs_connect6(struct bpf_sock_addr *ctx)
{
    struct cs_address_key key = {.port = bpf_ntohs(ctx->user_port)};
    bool mapped;

    CS_CONTEXT_ADDR6(key.addr, ctx->user_ip6);
    mapped = cs_addr_mapped(key.addr);
    cs_connect(ctx, &key, mapped ? 4 : 6, mapped ? CS_CONNECT_MAPPED : 0);
}

/* What close(2) is about to send, RST or FIN, read where tcp_close() looks: unread bytes, or
 * SO_LINGER 0. The program's context is the kernel's socket itself. */
static __always_inline bool cs_release_resets(struct bpf_sock *ctx)
{
    const struct tcp_sock *tp = (const void *)ctx;
    const struct sock *sk = (const void *)ctx;
    __u32 received = 0, copied = 0;
    unsigned long sock_flags = 0, linger = 1;

    bpf_core_read(&received, sizeof(received), &tp->rcv_nxt);
    bpf_core_read(&copied, sizeof(copied), &tp->copied_seq);
    if (received != copied)
        return true;
    bpf_core_read(&sock_flags, sizeof(sock_flags), &sk->__sk_common.skc_flags);
    bpf_core_read(&linger, sizeof(linger), &sk->sk_lingertime);
    return !linger && (sock_flags & (1UL << bpf_core_enum_value(enum sock_flags, SOCK_LINGER)));
}

/* The program lets go of the socket: before any FIN, and the only sign of a connect that no SYN
 * followed. */
static __always_inline void cs_release(struct bpf_sock *ctx)
{
    struct cs_socket *s = bpf_sk_storage_get(&sockets, ctx, NULL, 0);

    if (!s || s->ended)
        return;
    if (!s->connected)
        cs_end_failed(s, s->syn_sent ? CS_CONNECT_GIVEN_UP : CS_CONNECT_NO_ROUTE);
    else if (s->local_fin)
        cs_end_close(s, CS_CLOSE_LOCAL);
    else if (config.read_kernel)
        cs_end_close(s, cs_release_resets(ctx) ? CS_CLOSE_RESET_LOCAL : CS_CLOSE_LOCAL);
    else
        s->released = 1; /* the next change of state tells */
}

#endif
