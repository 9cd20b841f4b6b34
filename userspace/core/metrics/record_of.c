/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and gauges of workloads that other stages own. */
#include "core/metrics/record_internal.h"

#include <errno.h>

/* The row's labels, referenced. 0, -EINVAL or -ENOMEM (nothing is then referenced). */
static int get_labels(struct cs_recorder *recorder, enum cs_metric metric,
                      const char *const values[], struct cs_label *labels[CS_METRIC_LABELS_MAX])
{
    const struct cs_metric_row *row = cs_metric_row(metric);
    int r = row->scope == CS_SCOPE_NODE || cs_histogram_bounds(row->kind) ? -EINVAL : 0;

    for (size_t i = 0; i < CS_METRIC_LABELS_MAX; i++)
        labels[i] = NULL;
    for (size_t i = 0; row->labels[i] && r == 0; i++) {
        if (!values || !values[i])
            r = -EINVAL;
        else if (!(labels[i] = cs_labels_get_pair(recorder->labels, row->labels[i], values[i])))
            r = -ENOMEM;
    }
    for (size_t i = 0; i < CS_METRIC_LABELS_MAX && r < 0; i++)
        cs_label_unref(recorder->labels, labels[i]);
    return r;
}

static void put_labels(struct cs_recorder *recorder, struct cs_label *labels[CS_METRIC_LABELS_MAX])
{
    for (size_t i = 0; i < CS_METRIC_LABELS_MAX; i++)
        cs_label_unref(recorder->labels, labels[i]);
}

static int update_of(struct cs_recorder *recorder, enum cs_metric metric,
                     const struct cs_subject *subject, const char *const values[], uint64_t value,
                     bool add, uint64_t now_ns)
{
    struct cs_label *labels[CS_METRIC_LABELS_MAX];
    struct cs_record_target target;
    struct cs_series *series;
    int r = get_labels(recorder, metric, values, labels);

    if (r < 0)
        return r;
    cs_record_target_init(&target, recorder, subject, now_ns);
    series = cs_record_series(recorder, metric, &target, labels);
    put_labels(recorder, labels);
    if (!series)
        return -ENOSPC;
    *cs_series_value(series) = add ? *cs_series_value(series) + value : value;
    return 0;
}

int cs_recorder_set_of(struct cs_recorder *recorder, enum cs_metric metric,
                       const struct cs_subject *subject, const char *const values[], uint64_t value,
                       uint64_t now_ns)
{
    return update_of(recorder, metric, subject, values, value, false, now_ns);
}

int cs_recorder_add_of(struct cs_recorder *recorder, enum cs_metric metric,
                       const struct cs_subject *subject, const char *const values[], uint64_t value,
                       uint64_t now_ns)
{
    return update_of(recorder, metric, subject, values, value, true, now_ns);
}

int cs_recorder_restore_of(struct cs_recorder *recorder, enum cs_metric metric,
                           const struct cs_subject *subject, const char *const values[],
                           uint64_t value, uint64_t now_ns, uint64_t age_ns)
{
    uint64_t expiry_ns = recorder->options.expiry_ns;
    struct cs_label *labels[CS_METRIC_LABELS_MAX];
    struct cs_record_target target;
    struct cs_series *series;
    int r = get_labels(recorder, metric, values, labels);

    if (r < 0)
        return r;
    cs_record_target_init(&target, recorder, subject, now_ns);
    target.expires_ns -= age_ns < expiry_ns ? age_ns : expiry_ns;
    series = cs_record_series(recorder, metric, &target, labels);
    put_labels(recorder, labels);
    if (!series)
        return -ENOSPC;
    if (*cs_series_value(series) < value)
        *cs_series_value(series) = value;
    return 0;
}

bool cs_recorder_has_subject(struct cs_recorder *recorder, const struct cs_subject *subject)
{
    struct cs_record_target target;

    cs_record_target_init(&target, recorder, subject, 0);
    return cs_record_target_find(recorder, &target) != NULL;
}

void cs_recorder_remove_of(struct cs_recorder *recorder, enum cs_metric metric,
                           const struct cs_subject *subject, const char *const values[])
{
    struct cs_label *labels[CS_METRIC_LABELS_MAX];
    struct cs_record_target target;
    struct cs_label *workload;

    if (get_labels(recorder, metric, values, labels) < 0)
        return;
    cs_record_target_init(&target, recorder, subject, 0);
    workload = cs_record_target_find(recorder, &target);
    if (workload) {
        struct cs_label *const key[CS_SERIES_LABELS] = {workload, labels[0], labels[1], labels[2],
                                                        labels[3]};

        cs_registry_remove(recorder->registry, metric, key);
    }
    put_labels(recorder, labels);
}
