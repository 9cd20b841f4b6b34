/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kube/kube_backoff.h"

void cs_kube_backoff_init(struct cs_kube_backoff *backoff, uint64_t min_ns, uint64_t max_ns,
                          uint64_t seed)
{
    /* Scrambled (SplitMix64), since seeds such as a pid have few bits set. */
    seed += UINT64_C(0x9e3779b97f4a7c15);
    seed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    seed = (seed ^ seed >> 27) * UINT64_C(0x94d049bb133111eb);
    seed ^= seed >> 31;
    *backoff = (struct cs_kube_backoff){.min_ns = min_ns, .max_ns = max_ns, .random = seed | 1};
}

uint64_t cs_kube_backoff_random(struct cs_kube_backoff *backoff, uint64_t low, uint64_t high)
{
    uint64_t x = backoff->random, span = high - low;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    backoff->random = x;
    return span == UINT64_MAX ? x : low + x % (span + 1);
}

uint64_t cs_kube_backoff_next(struct cs_kube_backoff *backoff)
{
    uint64_t last = backoff->last_ns ? backoff->last_ns : backoff->min_ns, high;

    high = last > backoff->max_ns / 3 ? backoff->max_ns : last * 3;
    if (high < backoff->min_ns)
        high = backoff->min_ns;
    backoff->last_ns = cs_kube_backoff_random(backoff, backoff->min_ns, high);
    return backoff->last_ns;
}

void cs_kube_backoff_reset(struct cs_kube_backoff *backoff)
{
    backoff->last_ns = 0;
}
