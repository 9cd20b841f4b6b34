/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running pods, counted by workload: how many there are, what they declare and what they use.
 * Tells a sink what the gauges are now, and which have gone since the last time.
 */
#ifndef CS_CORE_USAGE_COUNTS_H
#define CS_CORE_USAGE_COUNTS_H

#include "base/cleanup.h"
#include "core/metrics/usage.h"
#include "core/pods/pod_index.h"

#include <stdbool.h>
#include <stdint.h>

enum cs_usage_gauge {
    CS_USAGE_PODS_USING,     /* value: a mechanism's name */
    CS_USAGE_PODS_DECLARING, /* value: a declared set */
    CS_USAGE_PODS,           /* value: NULL; the workload's running pods */
    CS_USAGE_GAUGE_END,
};

/* pods is 0 once, when there are none any more. subject has the workload, and with by_pod the
 * pod's name and UID; it is valid during the call only. */
typedef void (*cs_usage_gauge_fn)(void *user, enum cs_usage_gauge gauge,
                                  const struct cs_subject *subject, const char *value,
                                  uint32_t pods);

struct cs_usage_counts;

/* labels: those of the index and the usage; must outlive the counts. by_pod: one gauge a pod
 * (--pod-labels). 0 or -ENOMEM. */
int cs_usage_counts_new(struct cs_labels *labels, bool by_pod, struct cs_usage_counts **counts);

/* Free and set to NULL; accepts NULL. */
void cs_usage_counts_free(struct cs_usage_counts **counts);
#define _cleanup_usage_counts_ CS_CLEANUP(cs_usage_counts_free)

/* Count anew and tell the sink. index may be NULL (no source of pods): then a pod is what has
 * been seen making requests. -ENOMEM: some are not counted. */
int cs_usage_counts_refresh(struct cs_usage_counts *counts, const struct cs_pod_index *index,
                            const struct cs_usage *usage, uint64_t now_ns, cs_usage_gauge_fn sink,
                            void *user);

#endif
