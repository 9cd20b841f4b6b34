/* SPDX-License-Identifier: Apache-2.0 */
/* splitmix64: a case is its seed and nothing else. */
#ifndef PF_RANDOM_H
#define PF_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct pf_random {
    uint64_t state;
};

static inline uint64_t pf_next(struct pf_random *r)
{
    uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 … n-1; n > 0 */
static inline uint32_t pf_below(struct pf_random *r, uint32_t n)
{
    return (uint32_t)(pf_next(r) % n);
}

static inline uint32_t pf_between(struct pf_random *r, uint32_t low, uint32_t high)
{
    return low + pf_below(r, high - low + 1);
}

static inline bool pf_percent(struct pf_random *r, uint32_t percent)
{
    return pf_below(r, 100) < percent;
}

#define PF_PICK(r, array) ((array)[pf_below(r, sizeof(array) / sizeof((array)[0]))])

#endif
