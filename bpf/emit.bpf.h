/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * Facts into the ring, with every loss counted.
 *
 * A fact is put together elsewhere (stack or socket state) from vetted bytes and copied in one go:
 * nothing is ever reserved and then discarded, since a discarded reservation stays readable in the
 * mapped ring.
 */
#ifndef CS_EMIT_BPF_H
#define CS_EMIT_BPF_H

#include "maps.bpf.h"

#define CS_EMIT_SPINS 64

/* A length that is known to be under mask, in a form that the verifier of 5.10 follows. */
static __always_inline __u32 cs_bound(__u32 len, __u32 mask)
{
    asm volatile("" : "+r"(len));
    return len & mask;
}

static __always_inline void cs_count(__u64 *counter)
{
    __sync_fetch_and_add(counter, 1);
}

/* Number and ring order must agree, and both directions emit at once: one at a time per socket.
 * After CS_EMIT_SPINS it goes on regardless: then we have interrupted the holder on its own CPU,
 * or it is descheduled, and waiting is no use. */
static __noinline __u32 cs_emit_begin(struct cs_socket *s)
{
    __u32 seq, free;

    for (int i = 0; i < CS_EMIT_SPINS; i++) {
        bpf_spin_lock(&s->lock);
        free = !s->emitting;
        s->emitting = 1;
        seq = s->seq;
        if (free)
            s->seq = seq + 1;
        bpf_spin_unlock(&s->lock);
        if (free)
            return seq;
    }
    bpf_spin_lock(&s->lock);
    seq = s->seq;
    s->seq = seq + 1;
    bpf_spin_unlock(&s->lock);
    return seq;
}

static __always_inline void cs_emit_output(struct cs_fact_header *header, __u32 type, __u32 size)
{
    header->type = type;
    header->size = size;
    if (bpf_ringbuf_output(&facts, header, size, 0))
        cs_count(&stats.dropped[type]);
    else
        cs_count(&stats.facts[type]);
}

/* A fact of a socket: fills the whole header. size includes header and text, and must be known to
 * the verifier to be within the memory behind header (cs_bound). type must be a constant. */
static __always_inline void cs_emit(struct cs_socket *s, struct cs_fact_header *header, __u32 type,
                                    __u32 size, __u64 time_ns)
{
    header->seq = cs_emit_begin(s);
    header->time_ns = time_ns;
    header->cookie = s->connect.header.cookie;
    header->generation = s->connect.header.generation;
    header->pad = 0;
    cs_emit_output(header, type, size);
    *(volatile __u32 *)&s->emitting = 0;
}

/* A fact that belongs to no socket (token open, cgroup). */
static __always_inline void cs_emit_free(struct cs_fact_header *header, __u32 type, __u32 size)
{
    header->seq = 0;
    header->time_ns = bpf_ktime_get_ns();
    header->cookie = 0;
    header->generation = 0;
    header->pad = 0;
    cs_emit_output(header, type, size);
}

/* CONNECT, and with it what has happened since where it was held back (TLS): ESTABLISHED and an
 * in-pod redirect. Does nothing the second time. Call before any other fact of a TLS socket. */
static __noinline int cs_emit_connect(struct cs_socket *s)
{
    if (s->announced)
        return 0;
    s->announced = 1;
    cs_count(&stats.watched);
    cs_emit(s, &s->connect.header, CS_FACT_CONNECT, sizeof(s->connect), s->connect.header.time_ns);
    if (s->redirected)
        cs_emit(s, &s->intercepted.header, CS_FACT_INTERCEPTED, sizeof(s->intercepted),
                s->intercepted.header.time_ns);
    if (s->connected)
        cs_emit(s, &s->established.header, CS_FACT_ESTABLISHED, sizeof(s->established),
                s->established.header.time_ns);
    return 0;
}

static __noinline int cs_emit_gap(struct cs_socket *s, __u32 direction, __u32 reason, __u32 bytes,
                                  __u64 time_ns)
{
    struct cs_fact_gap gap = {.bytes = bytes, .direction = direction, .reason = reason};

    cs_emit(s, &gap.header, CS_FACT_GAP, sizeof(gap), time_ns);
    return 0;
}

/* State of the socket whose packet this is, or NULL. The helper itself refuses what isn't a full
 * socket (since commit 592a3498648a, 5.10), so bpf_sk_fullsock needn't be called before it. */
static __always_inline struct cs_socket *cs_socket_of(struct __sk_buff *skb)
{
    struct bpf_sock *sk = skb->sk;

    return sk ? bpf_sk_storage_get(&sockets, sk, NULL, 0) : NULL;
}

#endif
