/* SPDX-License-Identifier: Apache-2.0 */
/* The labels W of a workload as one kept text, for the many that refer to it. */
#ifndef CS_CORE_POD_WORKLOAD_H
#define CS_CORE_POD_WORKLOAD_H

#include "core/attribute/labels.h"
#include "core/attribute/subject.h"

/* The kept text with one more reference, or NULL: no memory. */
struct cs_label *cs_pod_workload_get(struct cs_labels *labels, const struct cs_workload *workload);

void cs_pod_workload_read(const struct cs_label *label, struct cs_workload *workload);

#endif
