/* SPDX-License-Identifier: Apache-2.0 */
/* The observer's numbers about itself, brought into the recorder before each page. */
#ifndef CS_APP_SELF_METRICS_H
#define CS_APP_SELF_METRICS_H

#include "app/observer/observer.h"

/* Series that exist from the start and never change: build, node, capacities, losses at 0. */
void cs_self_metrics_begin(struct cs_observer *observer);

/* Everything that changes. */
void cs_self_metrics_refresh(struct cs_observer *observer, uint64_t now_ns);

/* Tell the event log what was lost since the last call. */
void cs_self_metrics_log_losses(struct cs_observer *observer);

#endif
