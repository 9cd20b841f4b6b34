/* SPDX-License-Identifier: Apache-2.0 */
/* What the recorder's sources share. */
#ifndef CS_CORE_RECORD_INTERNAL_H
#define CS_CORE_RECORD_INTERNAL_H

#include "core/metrics/record.h"

/* How much of W a series keeps, most first. */
enum cs_record_level {
    CS_RECORD_FULL,
    CS_RECORD_SERVICE_ACCOUNT, /* namespace and service account; the rest "~other" */
    CS_RECORD_OTHER,           /* "~other" in all */
    CS_RECORD_LEVEL_END,
};

/* One text of W that series hold. */
struct cs_record_entry;

struct cs_recorder {
    struct cs_labels *labels;
    struct cs_registry *registry;
    struct cs_recorder_options options;
    int64_t wall_offset_ns;
    struct cs_buffer scratch; /* for rendering labels */

    struct cs_label *mechanisms[CS_MECHANISM_END];
    struct cs_label *outcomes[CS_OUTCOME_END];
    struct cs_label *endpoints[CS_ENDPOINT_END];
    struct cs_label *families[2]; /* ipv4, ipv6 */

    struct cs_record_entry *entries;
    uint32_t entry_count;
    uint64_t overflow[CS_RECORD_LEVEL_END]; /* updates that ended one level lower; [last]: none */
    uint64_t expired;
};

/* W as text, found once and used for several series. */
struct cs_record_target {
    const char *names[4];                         /* in the order of the labels W */
    const char *pod;                              /* NULL without --pod-labels */
    uint64_t expires_ns;                          /* its series go then, unless pods of it run */
    struct cs_label *labels[CS_RECORD_LEVEL_END]; /* NULL: not looked up */
};

void cs_record_target_init(struct cs_record_target *target, const struct cs_recorder *recorder,
                           const struct cs_subject *subject, uint64_t now_ns);

/* The series of a metric of scope WORKLOAD or STATE at the most precise level that the cap
 * allows, or NULL: dropped. labels are the row's own. Overflow is counted. */
struct cs_series *cs_record_series(struct cs_recorder *recorder, enum cs_metric metric,
                                   struct cs_record_target *target,
                                   struct cs_label *const labels[CS_METRIC_LABELS_MAX]);

/* The labels at full precision if they are kept already, else NULL. */
struct cs_label *cs_record_target_find(struct cs_recorder *recorder,
                                       const struct cs_record_target *target);

/* One more identity that the workload asked for, or SDK; false: it has CS_RECORD_IDENTITIES_MAX or
 * CS_RECORD_SDKS_MAX. NULL is one that has no series yet. */
bool cs_record_admit_identity(struct cs_recorder *recorder, const struct cs_label *workload);
bool cs_record_admit_sdk(struct cs_recorder *recorder, const struct cs_label *workload);

/* Make the node-level series that exist from the start. 0 or -ENOMEM. */
int cs_record_node_init(struct cs_recorder *recorder);

void cs_record_entries_free(struct cs_recorder *recorder);

#endif
