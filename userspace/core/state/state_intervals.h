/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When this node was observed: intervals of wall-clock time, in order, apart from each other, and
 * bounded in number and age. Those of earlier runs are closed; the last is this run's and grows.
 * Wall-clock times are nanoseconds since 1970. Plain data; no allocation, no clock.
 *
 * Too little observation may be claimed, never too much. So gaps are not closed, however small;
 * where one too many is kept the shortest goes; and where clocks disagree the overlap goes.
 *
 * The wall clock may be set while a run lasts, the monotonic one tells how long it has lasted. So
 * this run's start is the present wall-clock time less its length: the latest reading is taken for
 * the best, and a jump moves the whole interval. It begins where the one before ends at the
 * earliest. A present time before that end means that one of the two clocks was wrong, and at boot
 * it is ours as often as not: this run is then not recorded until the clock has passed that end.
 * After CS_CLOCK_TRUSTED_NS ours is believed, and what lies in its future is cut off.
 */
#ifndef CS_CORE_STATE_INTERVALS_H
#define CS_CORE_STATE_INTERVALS_H

#include <stdbool.h>
#include <stdint.h>

#define CS_INTERVALS_MAX    256
#define CS_INTERVALS_AGE_NS (UINT64_C(62) * 24 * 3600 * 1000000000) /* a monthly job, twice */
#define CS_CLOCK_TRUSTED_NS (UINT64_C(3600) * 1000000000)

/* start_ns <= end_ns */
struct cs_interval {
    uint64_t start_ns;
    uint64_t end_ns;
};

/* A zeroed one is empty. */
struct cs_intervals {
    struct cs_interval closed[CS_INTERVALS_MAX];
    uint32_t count;
    struct cs_interval current; /* of this run; valid only if … */
    bool recorded;              /* … its place is known */
    uint64_t unobserved_ns;     /* between the last closed one and this run; never falls */
    uint64_t dropped;           /* closed ones, for their number */
    uint64_t cut;               /* closed ones that lay in the future */
};

/* Append one of an earlier run. -EINVAL: it ends before it starts, or starts before the last one's
 * end; intervals that touch become one. */
int cs_intervals_add(struct cs_intervals *intervals, const struct cs_interval *interval);

/* This run has lasted for elapsed_ns (monotonic), and it is wall_ns now. */
void cs_intervals_observe(struct cs_intervals *intervals, uint64_t wall_ns, uint64_t elapsed_ns);

/* Drop what ended CS_INTERVALS_AGE_NS before wall_ns. Only with a clock that is trusted. */
void cs_intervals_expire(struct cs_intervals *intervals, uint64_t wall_ns);

#endif
