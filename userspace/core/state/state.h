/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives this process: when the node was observed, when each end-point last worked, and when
 * each workload was last seen to use each mechanism. No counters: one that is carried over looks to
 * rate() like one that is not. Wall-clock times are nanoseconds since 1970; how its jumps are
 * treated is in state_intervals.h. No clock: the time comes with each call. Not for use by several
 * threads.
 *
 * Bounds. Workloads come from outside, so the entries are bounded in number and in the bytes of
 * the document they become; the one that was seen longest ago goes, and is counted.
 */
#ifndef CS_CORE_STATE_H
#define CS_CORE_STATE_H

#include "base/cleanup.h"
#include "core/attribute/labels.h"
#include "core/attribute/subject.h"
#include "core/classify/classify.h"
#include "core/exchange/exchange.h"
#include "core/state/state_endpoints.h"
#include "core/state/state_intervals.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_STATE_ENTRIES_MAX 2048
#define CS_STATE_BYTES_MAX   ((size_t)960 << 10)         /* of the document, all entries */
#define CS_STATE_AGE_NS      CS_INTERVALS_AGE_NS         /* since an entry was last seen */
#define CS_STATE_AHEAD_NS    (UINT64_C(60) * 1000000000) /* clocks may differ by so much */

struct cs_state;

/* 0 in a number means its default, above. */
struct cs_state_limits {
    uint32_t entries_max;
    size_t bytes_max;
};

/* Wall clock; 0: never. */
struct cs_state_times {
    uint64_t first_seen_ns;
    uint64_t last_seen_ns; /* whatever came of it */
    uint64_t last_success_ns;
    uint64_t last_failure_ns;
};

/* labels is used by, and must outlive, the state. 0 or -ENOMEM. */
int cs_state_new(const struct cs_state_limits *limits, struct cs_labels *labels,
                 struct cs_state **state);

/* Free and set to NULL; accepts NULL. */
void cs_state_free(struct cs_state **state);
#define _cleanup_state_ CS_CLEANUP(cs_state_free)

struct cs_intervals *cs_state_intervals(struct cs_state *state);

struct cs_endpoints *cs_state_endpoints(struct cs_state *state);

/* Note one exchange of a workload. wall_offset_ns: CLOCK_REALTIME - CLOCK_MONOTONIC. */
void cs_state_exchange(struct cs_state *state, const struct cs_exchange *exchange,
                       const struct cs_verdict *verdict, const struct cs_workload *workload,
                       int64_t wall_offset_ns);

/* Add what an earlier run has seen: the earliest first, the latest last times are kept. 0, -EINVAL
 * (a name is empty, or it was never seen) or -ENOMEM. */
int cs_state_put(struct cs_state *state, const struct cs_workload *workload,
                 enum cs_mechanism mechanism, const struct cs_state_times *times);

/* Take over all of an earlier run's state: its closed intervals, which replace this one's, the
 * end-points' times, and its entries. -ENOMEM: some entries are missing. */
int cs_state_merge(struct cs_state *state, const struct cs_state *earlier);

/* Drop what is older than CS_STATE_AGE_NS, and entries of the future. trusted: the clock is. */
void cs_state_expire(struct cs_state *state, uint64_t wall_ns, bool trusted);

/* Visit the entries, seen longest ago first or the other way round. done is false for what
 * cs_state_put has added until the visitor sets it. What visit returns other than 0 ends it and is
 * returned. */
struct cs_state_view {
    const struct cs_label *workload; /* core/pods/pod_workload.h */
    enum cs_mechanism mechanism;
    const struct cs_state_times *times;
    bool *done;
};
typedef int (*cs_state_visit_fn)(void *user, const struct cs_state_view *view);
int cs_state_each(const struct cs_state *state, bool newest_first, cs_state_visit_fn visit,
                  void *user);

struct cs_state_stats {
    uint32_t entries;
    uint32_t entries_max;
    size_t bytes;     /* of the document, at most */
    uint64_t evicted; /* to make room */
    uint64_t refused; /* no memory, or a nameless workload */
    uint64_t ahead;   /* seen in the future: dropped */
};

void cs_state_stats(const struct cs_state *state, struct cs_state_stats *stats);

#endif
