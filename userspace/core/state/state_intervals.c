/* SPDX-License-Identifier: Apache-2.0 */
#include "core/state/state_intervals.h"

#include "base/util.h"

#include <errno.h>
#include <string.h>

/* The two clocks are not read in the same instant, and the wall clock is slewed. */
#define JUMP_NS CS_NSEC_PER_SEC

static void remove_at(struct cs_intervals *intervals, uint32_t at, uint32_t n)
{
    memmove(intervals->closed + at, intervals->closed + at + n,
            (intervals->count - at - n) * sizeof(intervals->closed[0]));
    intervals->count -= n;
}

static void drop_shortest(struct cs_intervals *intervals)
{
    uint64_t least = UINT64_MAX;
    uint32_t shortest = 0;

    for (uint32_t i = 0; i < intervals->count; i++) {
        uint64_t length = intervals->closed[i].end_ns - intervals->closed[i].start_ns;

        if (length < least) {
            least = length;
            shortest = i;
        }
    }
    remove_at(intervals, shortest, 1);
    intervals->dropped++;
}

int cs_intervals_add(struct cs_intervals *intervals, const struct cs_interval *interval)
{
    struct cs_interval *last =
        intervals->count > 0 ? &intervals->closed[intervals->count - 1] : NULL;

    if (interval->end_ns < interval->start_ns)
        return -EINVAL;
    if (last && interval->start_ns < last->end_ns)
        return -EINVAL;
    if (last && interval->start_ns == last->end_ns) {
        last->end_ns = interval->end_ns;
        return 0;
    }
    if (intervals->count == CS_INTERVALS_MAX)
        drop_shortest(intervals);
    intervals->closed[intervals->count++] = *interval;
    return 0;
}

/* The present clock is right: nothing was observed after start_ns but by this run. */
static void cut_future(struct cs_intervals *intervals, uint64_t start_ns)
{
    while (intervals->count > 0) {
        struct cs_interval *last = &intervals->closed[intervals->count - 1];

        if (last->end_ns <= start_ns)
            return;
        intervals->cut++;
        if (last->start_ns < start_ns) {
            last->end_ns = start_ns;
            return;
        }
        intervals->count--;
    }
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

void cs_intervals_observe(struct cs_intervals *intervals, uint64_t wall_ns, uint64_t elapsed_ns)
{
    uint64_t start_ns = wall_ns > elapsed_ns ? wall_ns - elapsed_ns : 0;
    uint64_t before_ns;

    if (intervals->recorded && distance(start_ns, intervals->current.start_ns) <= JUMP_NS &&
        intervals->current.start_ns <= wall_ns)
        start_ns = intervals->current.start_ns;
    intervals->recorded = false;
    if (intervals->count > 0 && wall_ns < intervals->closed[intervals->count - 1].end_ns) {
        if (elapsed_ns < CS_CLOCK_TRUSTED_NS)
            return;
        cut_future(intervals, start_ns);
    }
    before_ns = intervals->count > 0 ? intervals->closed[intervals->count - 1].end_ns : start_ns;
    if (start_ns < before_ns)
        start_ns = before_ns;
    if (intervals->unobserved_ns < start_ns - before_ns)
        intervals->unobserved_ns = start_ns - before_ns;
    intervals->current = (struct cs_interval){start_ns, wall_ns};
    intervals->recorded = true;
}

void cs_intervals_expire(struct cs_intervals *intervals, uint64_t wall_ns)
{
    uint32_t old = 0;

    while (old < intervals->count && intervals->closed[old].end_ns < wall_ns &&
           wall_ns - intervals->closed[old].end_ns > CS_INTERVALS_AGE_NS)
        old++;
    remove_at(intervals, 0, old);
}
