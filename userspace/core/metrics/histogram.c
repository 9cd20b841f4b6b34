/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics/histogram.h"

#include <stdlib.h>

#define MS(n) (UINT64_C(n) * 1000000)
#define US(n) (UINT64_C(n) * 1000)

/* Few, because every workload has them: SDK time-outs are 1 and 5 s, NMI holds up to 80 s. */
static const struct cs_histogram_bounds WORKLOAD = {
    .count = 8,
    .ns = {MS(5), MS(25), MS(100), MS(500), MS(1000), MS(5000), MS(30000), MS(80000)},
    .le = {"0.005", "0.025", "0.1", "0.5", "1.0", "5.0", "30.0", "80.0"},
};

/* The agent's upstream limit is 0.6 … 1 s, its time-out 30 s; NMI holds up to 80 s. */
static const struct cs_histogram_bounds ENDPOINT = {
    .count = 16,
    .ns = {MS(1), US(2500), MS(5), MS(10), MS(25), MS(50), MS(100), MS(250), MS(500), MS(600),
           MS(1000), MS(2000), MS(5000), MS(10000), MS(30000), MS(80000)},
    .le = {"0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "0.6", "1.0",
           "2.0", "5.0", "10.0", "30.0", "80.0"},
};

/* From an answer at once to an agent that comes minutes after its node's first pods. */
static const struct cs_histogram_bounds FIRST = {
    .count = 11,
    .ns = {MS(100), MS(250), MS(500), MS(1000), MS(2500), MS(5000), MS(10000), MS(30000), MS(60000),
           MS(120000), MS(300000)},
    .le = {"0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "30.0", "60.0", "120.0", "300.0"},
};

const struct cs_histogram_bounds *cs_histogram_bounds(enum cs_metric_kind kind)
{
    switch (kind) {
    case CS_KIND_HISTOGRAM_WORKLOAD:
        return &WORKLOAD;
    case CS_KIND_HISTOGRAM_ENDPOINT:
        return &ENDPOINT;
    case CS_KIND_HISTOGRAM_FIRST:
        return &FIRST;
    default:
        return NULL;
    }
}

struct cs_histogram *cs_histogram_new(const struct cs_histogram_bounds *bounds)
{
    struct cs_histogram *histogram =
        calloc(1, sizeof(*histogram) + (bounds->count + 1) * sizeof(histogram->counts[0]));

    if (histogram)
        histogram->bounds = bounds;
    return histogram;
}

void cs_histogram_free(struct cs_histogram *histogram, struct cs_labels *labels)
{
    if (!histogram)
        return;
    for (size_t i = 0; histogram->exemplars && i <= histogram->bounds->count; i++)
        cs_label_unref(labels, histogram->exemplars[i].label);
    free(histogram->exemplars);
    free(histogram);
}

size_t cs_histogram_observe(struct cs_histogram *histogram, uint64_t ns)
{
    size_t slot = 0;

    while (slot < histogram->bounds->count && ns > histogram->bounds->ns[slot])
        slot++;
    histogram->counts[slot]++;
    histogram->sum_ns += ns;
    return slot;
}

void cs_histogram_exemplar(struct cs_histogram *histogram, struct cs_labels *labels, size_t slot,
                           struct cs_label *label, uint64_t value_ns, uint64_t realtime_ns)
{
    struct cs_exemplar *exemplar;

    if (!histogram->exemplars)
        histogram->exemplars = calloc(histogram->bounds->count + 1, sizeof(*exemplar));
    if (!histogram->exemplars)
        return;
    exemplar = &histogram->exemplars[slot];
    cs_label_ref(label);
    cs_label_unref(labels, exemplar->label);
    *exemplar =
        (struct cs_exemplar){.label = label, .value_ns = value_ns, .realtime_ns = realtime_ns};
}
