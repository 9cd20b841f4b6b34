/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything known about each workload on this node, as JSON: the body of /api/v1/workloads
 * (docs/api.md). Gathered anew for each answer, stage by stage, from what other modules keep: a
 * further stage is one more call in cs_workloads_write. No clock: times are given. Memory is
 * bounded by what the sources may hold.
 */
#ifndef CS_CORE_WORKLOADS_H
#define CS_CORE_WORKLOADS_H

#include "base/buffer.h"
#include "core/attribute/subject.h"
#include "core/exchange/assembler.h"
#include "core/mechanism.h"
#include "core/metrics/histogram.h"
#include "core/metrics/series.h"
#include "core/metrics/usage.h"
#include "core/pods/pod_index.h"

#include <stdint.h>

/* Who waits for what, of an exchange in flight: the mechanism as known before its answer. */
typedef enum cs_mechanism (*cs_workloads_identify_fn)(void *user,
                                                      const struct cs_exchange *exchange,
                                                      struct cs_subject *subject);

struct cs_findings; /* core/findings/findings.h */

/* All but the registry may be NULL: what they would say is then not known. */
struct cs_workloads_sources {
    const struct cs_registry *registry;
    const struct cs_usage *usage;
    const struct cs_pod_index *index; /* NULL: a pod is what was seen making requests */
    struct cs_labels *labels;         /* of usage and index; needed with usage */
    const struct cs_findings *findings;
    const struct cs_assembler *assembler;
    cs_workloads_identify_fn identify; /* needed with assembler */
    void *user;
    uint64_t now_ns;      /* CLOCK_MONOTONIC */
    uint64_t realtime_ns; /* the same instant since 1970 */
};

/*
 * Append members of a JSON object: "time", "observed_seconds", "workloads", "omitted". namespace:
 * only its workloads; NULL: all. Workloads for which the buffer has no room are left out and
 * counted as omitted. 0 or -ENOMEM (the buffer's content is then not to be used).
 */
int cs_workloads_write(const struct cs_workloads_sources *sources, const char *namespace,
                       struct cs_buffer *buffer);

/*
 * The quantile q (0 … 1) of a histogram by linear interpolation within its bucket, as Prometheus'
 * histogram_quantile: the first bucket begins at 0, and of the one without upper bound it is the
 * last finite bound. counts: bounds->count + 1, each bucket's own. 0, or -ENODATA: nothing was
 * observed; *ns is then untouched.
 */
int cs_workloads_quantile(const struct cs_histogram_bounds *bounds, const uint64_t *counts,
                          double q, uint64_t *ns);

#endif
