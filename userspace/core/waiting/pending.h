/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges that ended before their pod was known. They wait, copied, until the pod is, or until
 * their time is up, or until the queue needs the room; nothing is lost. Those of one pod leave in
 * the order in which they came. Exchanges of known pods never come here.
 * Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef CS_CORE_PENDING_H
#define CS_CORE_PENDING_H

#include "base/cleanup.h"
#include "core/classify/classify.h"
#include "core/exchange/exchange.h"

#include <stddef.h>
#include <stdint.h>

enum cs_pending_why {
    CS_PENDING_KNOWN,   /* its pod is known now */
    CS_PENDING_TIMEOUT, /* waited wait_ns */
    CS_PENDING_FULL,    /* made room, or found none */
    CS_PENDING_FLUSH,   /* cs_pending_flush: the program ends */
    CS_PENDING_END,
};

const char *cs_pending_why_name(enum cs_pending_why why);

/* One that leaves; exchange->connection points to its copy. Valid during the call only, which
 * must not change the queue. */
typedef void (*cs_pending_fn)(void *user, const struct cs_exchange *exchange,
                              const struct cs_verdict *verdict, enum cs_pending_why why);

#define CS_PENDING_COUNT_MAX 8192

struct cs_pending_options {
    uint64_t wait_ns;     /* 0: 60 s */
    uint32_t count_max;   /* 0: CS_PENDING_COUNT_MAX */
    uint32_t per_key_max; /* 0: 512; one pod can't push the others out */
    size_t bytes_max;     /* 0: 2 MiB; one takes 200 bytes or so */
    cs_pending_fn sink;
    void *user;
};

struct cs_pending_stats {
    uint32_t waiting;
    size_t bytes;
    uint64_t taken;
    uint64_t left[CS_PENDING_END]; /* taken or refused, by why; their sum and waiting is taken */
};

struct cs_pending;

/* 0 or -ENOMEM. */
int cs_pending_new(const struct cs_pending_options *options, struct cs_pending **pending);

/* Free and set to NULL, without handing anything over; accepts NULL. */
void cs_pending_free(struct cs_pending **pending);
#define _cleanup_pending_ CS_CLEANUP(cs_pending_free)

/* Queue a copy until key (pod UID or container id, not empty) is known. What finds no room, also
 * for want of memory, goes to the sink at once; room is made by the oldest. */
void cs_pending_add(struct cs_pending *pending, const char *key, const struct cs_exchange *exchange,
                    const struct cs_verdict *verdict, uint64_t now_ns);

/* Hand over all that wait for key. Returns how many. For cs_pod_known_fn. */
uint32_t cs_pending_known(struct cs_pending *pending, const char *key);

/* Hand over those whose time is up. */
void cs_pending_tick(struct cs_pending *pending, uint64_t now_ns);

/* When the oldest one's time is up; UINT64_MAX: none waits. */
uint64_t cs_pending_deadline(const struct cs_pending *pending);

/* Hand over all. */
void cs_pending_flush(struct cs_pending *pending);

void cs_pending_stats(const struct cs_pending *pending, struct cs_pending_stats *stats);

#endif
