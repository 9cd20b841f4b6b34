/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A histogram of durations over one of the fixed lists of bounds, with the last exemplar of each
 * bucket. Counts are kept per bucket and summed when they are written.
 */
#ifndef CS_CORE_HISTOGRAM_H
#define CS_CORE_HISTOGRAM_H

#include "core/attribute/labels.h"

#include <credscope/metrics.h>
#include <stddef.h>
#include <stdint.h>

#define CS_HISTOGRAM_BOUNDS_MAX 16

/* Upper bounds, ascending, inclusive (Prometheus' le); the +Inf bucket is slot count. */
struct cs_histogram_bounds {
    size_t count;
    uint64_t ns[CS_HISTOGRAM_BOUNDS_MAX];
    const char *le[CS_HISTOGRAM_BOUNDS_MAX]; /* as a canonical number of seconds */
};

struct cs_exemplar {
    struct cs_label *label; /* NULL: the bucket has none. Referenced. */
    uint64_t value_ns;
    uint64_t realtime_ns;
};

struct cs_histogram {
    const struct cs_histogram_bounds *bounds;
    uint64_t sum_ns;
    struct cs_exemplar *exemplars; /* bounds->count + 1; NULL until the first */
    uint64_t counts[];             /* bounds->count + 1 */
};

/* The bounds of a kind, or NULL: it is no histogram. */
const struct cs_histogram_bounds *cs_histogram_bounds(enum cs_metric_kind kind);

struct cs_histogram *cs_histogram_new(const struct cs_histogram_bounds *bounds);
void cs_histogram_free(struct cs_histogram *histogram, struct cs_labels *labels);

/* The slot it fell into. */
size_t cs_histogram_observe(struct cs_histogram *histogram, uint64_t ns);

/* Keep label (one more reference) as the exemplar of a slot; without memory there is none. */
void cs_histogram_exemplar(struct cs_histogram *histogram, struct cs_labels *labels, size_t slot,
                           struct cs_label *label, uint64_t value_ns, uint64_t realtime_ns);

#endif
