/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources of self_metrics share. */
#ifndef CS_APP_SELF_METRICS_PARTS_H
#define CS_APP_SELF_METRICS_PARTS_H

#include "app/observer/self_metrics.h"

/* One bounded set: entries, the most there may be, how many were refused or made room. */
void cs_self_metrics_tracked(struct cs_observer *observer, const char *set, uint64_t count,
                             uint64_t limit, uint64_t refused);

/* The source of pods, the pods, what waits for them. */
void cs_self_metrics_refresh_pods(struct cs_observer *observer, uint64_t now_ns);

/* What persists over a restart. Defined with the rest of it, in observer_state.c. */
void cs_self_metrics_refresh_state(struct cs_observer *observer, uint64_t now_ns);

#endif
