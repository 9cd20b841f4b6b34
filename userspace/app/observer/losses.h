/* SPDX-License-Identifier: Apache-2.0 */
/* Every place where something can be lost, as one list: the metric LOST and the event log's loss
 * records are both made of it, so neither can forget one. */
#ifndef CS_APP_LOSSES_H
#define CS_APP_LOSSES_H

#include "app/observer/observer.h"

struct cs_loss_row {
    const char *hop;
    const char *reason;
    uint64_t count; /* since start */
};

/* Fills rows in an order that never changes during a run; returns how many. */
size_t cs_losses_collect(const struct cs_observer *observer,
                         struct cs_loss_row rows[CS_LOSS_ROWS_MAX]);

#endif
