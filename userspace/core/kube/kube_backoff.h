/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delays between attempts, with decorrelated jitter: each is random between the minimum and three
 * times the one before, at most the maximum ("Exponential Backoff And Jitter", AWS Architecture
 * Blog, 2015), so that a cluster's nodes don't come back all at once.
 */
#ifndef CS_CORE_KUBE_BACKOFF_H
#define CS_CORE_KUBE_BACKOFF_H

#include <stdint.h>

struct cs_kube_backoff {
    uint64_t min_ns, max_ns;
    uint64_t last_ns; /* 0: the next is the first */
    uint64_t random;  /* state; never 0 */
};

/* 0 < min_ns <= max_ns. Any seed; another one a node. */
void cs_kube_backoff_init(struct cs_kube_backoff *backoff, uint64_t min_ns, uint64_t max_ns,
                          uint64_t seed);

uint64_t cs_kube_backoff_next(struct cs_kube_backoff *backoff);
void cs_kube_backoff_reset(struct cs_kube_backoff *backoff);

/* Random in [low, high], low <= high: for jitter of other delays. */
uint64_t cs_kube_backoff_random(struct cs_kube_backoff *backoff, uint64_t low, uint64_t high);

#endif
