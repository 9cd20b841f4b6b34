/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Interception, proven from both ends.
 *
 * On the node: the client's SYN is translated after it has left the client's namespace, so client
 * and socket never learn of it; but a passive socket of this node shows the client's address, port
 * and initial sequence number, and a local address that isn't the one asked for. Address and port
 * alone would match strangers: the kernel shares ephemeral ports among destinations, and
 * namespaces can share addresses.
 * In the pod: the SYN's own header is addressed elsewhere than the socket; or the socket itself
 * is, when another program at connect (Cilium's socket load balancer) has rewritten the address.
 */
#ifndef CS_INTERCEPT_BPF_H
#define CS_INTERCEPT_BPF_H

#include "emit.bpf.h"

#define CS_AF_INET 2

static __always_inline void cs_addr_map(__u8 *addr, __u32 ip4)
{
    __u32 word[4] = {0, 0, bpf_htonl(0xffff), ip4};

    __builtin_memcpy(addr, word, sizeof(word));
}

/* The context's words must be loaded one by one, which the compiler would not do by itself. */
#define CS_CONTEXT_ADDR6(to, from)                          \
    do {                                                    \
        ((__u32 *)(to))[0] = *(volatile __u32 *)&(from)[0]; \
        ((__u32 *)(to))[1] = *(volatile __u32 *)&(from)[1]; \
        ((__u32 *)(to))[2] = *(volatile __u32 *)&(from)[2]; \
        ((__u32 *)(to))[3] = *(volatile __u32 *)&(from)[3]; \
    } while (0)

static __always_inline bool cs_addr_none(const __u8 *addr)
{
    const __u32 *word = (const __u32 *)addr;

    return !(word[0] | word[1] | word[2] | word[3]);
}

static __always_inline bool cs_addr_mapped(const __u8 *addr)
{
    const __u32 *word = (const __u32 *)addr;

    return !word[0] && !word[1] && word[2] == bpf_htonl(0xffff);
}

static __always_inline bool cs_addr_equal(const __u8 *a, const __u8 *b)
{
    const __u32 *x = (const __u32 *)a, *y = (const __u32 *)b;

    return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
}

static __always_inline void cs_client_forget(struct cs_socket *s)
{
    if (!s->client)
        return;
    s->client = 0;
    if (!bpf_map_delete_elem(&clients, &s->client_key))
        cs_count(&stats.clients_removed);
}

static __always_inline bool cs_is_asked(const struct cs_socket *s, const __u8 *addr, __u16 port)
{
    return cs_addr_equal(addr, s->connect.daddr) && port == s->connect.dport;
}

/* The client's own packets go to addr:port, not where it wanted. */
static __always_inline void cs_redirected(struct cs_socket *s, const __u8 *addr, __u16 port)
{
    struct cs_fact_intercepted *fact = &s->intercepted;

    __builtin_memcpy(fact->addr, addr, sizeof(fact->addr));
    fact->port = port;
    fact->place = CS_INTERCEPT_POD;
    fact->header.time_ns = bpf_ktime_get_ns();
    s->redirected = 1;
    if (s->announced)
        cs_emit(s, &fact->header, CS_FACT_INTERCEPTED, sizeof(*fact), fact->header.time_ns);
}

/* Remember an open client for the passive end to find. */
static __always_inline void cs_client_remember(struct cs_socket *s, const __u8 *addr, __u16 port,
                                               __u32 first)
{
    struct cs_client client = {.asked_port = s->connect.dport};

    if (s->client && s->client_key.first == first)
        return;
    cs_client_forget(s);
    __builtin_memcpy(client.asked, s->connect.daddr, sizeof(client.asked));
    __builtin_memcpy(s->client_key.addr, addr, sizeof(s->client_key.addr));
    s->client_key.first = first;
    s->client_key.port = port;
    if (bpf_map_update_elem(&clients, &s->client_key, &client, BPF_ANY)) {
        cs_count(&stats.intercept_failed);
        return;
    }
    cs_count(&stats.clients_added);
    s->client = 1;
}

/* Has a passive socket claimed this client? Then say so, once. */
static __noinline int cs_client_check(struct cs_socket *s)
{
    struct cs_fact_intercepted fact = {.place = CS_INTERCEPT_NODE};
    struct cs_client *client;

    if (!s->client)
        return 0;
    client = bpf_map_lookup_elem(&clients, &s->client_key);
    if (!client || !*(volatile __u32 *)&client->found)
        return 0;
    fact.cgroup_id = client->cgroup_id;
    fact.port = client->port;
    __builtin_memcpy(fact.addr, client->addr, sizeof(fact.addr));
    cs_client_forget(s);
    cs_emit(s, &fact.header, CS_FACT_INTERCEPTED, sizeof(fact), bpf_ktime_get_ns());
    return 0;
}

/* A [::] listener's socket is AF_INET6 and has an IPv4 peer in remote_ip4. */
static __always_inline void cs_passive_ends(struct bpf_sock_ops *ctx, __u8 *peer, __u8 *local)
{
    bool ip4 = ctx->family == CS_AF_INET;

    if (!ip4) {
        CS_CONTEXT_ADDR6(peer, ctx->remote_ip6);
        CS_CONTEXT_ADDR6(local, ctx->local_ip6);
        ip4 = ctx->remote_ip4 && (cs_addr_mapped(peer) || cs_addr_none(peer));
    }
    if (ip4) {
        cs_addr_map(peer, ctx->remote_ip4);
        cs_addr_map(local, ctx->local_ip4);
    }
}

/* A connection was accepted on this node: was it one of ours, meant for somebody else? */
static __always_inline void cs_passive_established(struct bpf_sock_ops *ctx)
{
    struct cs_client_key key = {.first = ctx->rcv_nxt, .port = bpf_ntohl(ctx->remote_port)};
    struct bpf_sock *sk = ctx->sk;
    struct cs_client *client;
    struct tcp_sock *tp;
    __u8 local[16];

    cs_passive_ends(ctx, key.addr, local);
    client = bpf_map_lookup_elem(&clients, &key);
    if (!client)
        return;
    if (cs_addr_equal(local, client->asked) && ctx->local_port == client->asked_port)
        return;
    __builtin_memcpy(client->addr, local, sizeof(local));
    client->port = ctx->local_port;
    tp = sk ? bpf_skc_to_tcp_sock(sk) : NULL;
    client->cgroup_id = tp ? cs_sock_cgroup_id((const struct sock *)tp) : 0;
    *(volatile __u32 *)&client->found = 1;
}

#endif
