/* SPDX-License-Identifier: Apache-2.0 */
/* The stages that gather what is known of workloads. */
#include "core/report/workloads_internal.h"

#include "core/metrics/usage_counts.h"

#include <errno.h>

#include <stdlib.h>
#include <string.h>

/* A label that --histogram-by has summed over: no workload's. */
#define ALL_WORKLOADS "workload=\"~all\""

static enum cs_mechanism mechanism_of(struct cs_slice name)
{
    for (enum cs_mechanism mechanism = 0; mechanism < CS_MECHANISM_END; mechanism++)
        if (cs_slice_is(name, cs_mechanism_info(mechanism)->name))
            return mechanism;
    return CS_MECHANISM_END;
}

static enum cs_outcome outcome_of(struct cs_slice name)
{
    for (enum cs_outcome outcome = 0; outcome < CS_OUTCOME_END; outcome++)
        if (cs_slice_is(name, cs_outcome_name(outcome)))
            return outcome;
    return CS_OUTCOME_END;
}

/* The value of a label of ours, which no escaping has changed. */
static struct cs_slice value_of(const struct cs_label *label)
{
    struct cs_slice text = {0}, name, value;

    if (label)
        text.data = cs_label_text(label, &text.len);
    if (!label || !cs_workloads_pair(&text, &name, &value))
        return (struct cs_slice){"", 0};
    return (struct cs_slice){value.data + 1, value.len - 2};
}

/* Whose series it is; NULL: nobody's, or no memory. */
static struct cs_workload_use *use_of(struct cs_workloads *workloads,
                                      const struct cs_series *series)
{
    struct cs_label *const *labels = cs_series_labels(series);
    enum cs_mechanism mechanism = mechanism_of(value_of(labels[1]));
    const char *text;
    size_t len;

    if (!labels[0] || mechanism == CS_MECHANISM_END)
        return NULL;
    text = cs_label_text(labels[0], &len);
    if (strstr(text, ALL_WORKLOADS))
        return NULL;
    return cs_workloads_use(workloads, cs_workloads_row(workloads, text, len), mechanism);
}

static void add_requests(struct cs_workload_use *use, const struct cs_series *series)
{
    enum cs_outcome outcome = outcome_of(value_of(cs_series_labels(series)[2]));

    if (outcome != CS_OUTCOME_END)
        use->requests[outcome] += cs_series_read(series);
}

static void add_credentials(struct cs_workload_use *use, const struct cs_series *series)
{
    use->credentials += cs_series_read(series);
}

static void add_durations(struct cs_workload_use *use, const struct cs_series *series)
{
    const struct cs_histogram *histogram = cs_series_histogram(series);

    for (size_t i = 0; i <= histogram->bounds->count; i++)
        use->durations[i] += histogram->counts[i];
    use->duration_sum_ns += histogram->sum_ns;
}

static void later(uint64_t *time_ns, const struct cs_series *series)
{
    if (cs_series_read(series) > *time_ns)
        *time_ns = cs_series_read(series);
}

static void add_last_success(struct cs_workload_use *use, const struct cs_series *series)
{
    later(&use->last_success_ns, series);
}

static void add_last_failure(struct cs_workload_use *use, const struct cs_series *series)
{
    later(&use->last_failure_ns, series);
}

/* The pods of a workload have it in common: it is noted once. */
static void add_identity(struct cs_workloads *workloads, const struct cs_series *series)
{
    struct cs_label *const *labels = cs_series_labels(series);
    struct cs_workload_identity *identity;
    struct cs_workload_row *row;
    const char *text;
    size_t len;

    text = cs_label_text(labels[0], &len);
    row = cs_workloads_row(workloads, text, len);
    for (identity = row ? row->identities : NULL; identity; identity = identity->next)
        if (memcmp(identity->labels + 1, labels + 1, 3 * sizeof(labels[1])) == 0)
            return;
    identity = row ? calloc(1, sizeof(*identity)) : NULL;
    if (!identity) {
        workloads->error = -ENOMEM;
        return;
    }
    identity->labels = labels;
    identity->next = row->identities;
    row->identities = identity;
}

/* With --pod-labels there are several series of a workload: they are summed. */
void cs_workloads_add_series(struct cs_workloads *workloads, const struct cs_registry *registry)
{
    static const struct {
        enum cs_metric metric;
        void (*add)(struct cs_workload_use *use, const struct cs_series *series);
    } READ[] = {
        {CS_METRIC_REQUESTS, add_requests},          {CS_METRIC_CREDENTIALS, add_credentials},
        {CS_METRIC_REQUEST_DURATION, add_durations}, {CS_METRIC_LAST_SUCCESS, add_last_success},
        {CS_METRIC_LAST_FAILURE, add_last_failure},
    };

    for (size_t i = 0; i < CS_ARRAY_SIZE(READ); i++) {
        const struct cs_series *series = cs_registry_first(registry, READ[i].metric);

        for (; series; series = cs_series_next(series)) {
            struct cs_workload_use *use = use_of(workloads, series);

            if (use)
                READ[i].add(use, series);
        }
    }
    for (const struct cs_series *series = cs_registry_first(registry, CS_METRIC_IDENTITY); series;
         series = cs_series_next(series))
        add_identity(workloads, series);
}

static void add_declared(struct cs_workloads *workloads, struct cs_workload_row *row,
                         const char *set, uint32_t pods)
{
    struct cs_workload_declared *declared = calloc(1, sizeof(*declared));

    if (!declared) {
        workloads->error = -ENOMEM;
        return;
    }
    cs_text_copy(declared->set, sizeof(declared->set), set, strlen(set));
    declared->pods = pods;
    declared->next = row->declared;
    row->declared = declared;
}

static void add_gauge(void *user, enum cs_usage_gauge gauge, const struct cs_subject *subject,
                      const char *value, uint32_t pods)
{
    struct cs_workloads *workloads = user;
    struct cs_workload_row *row = cs_workloads_row_of(workloads, &subject->workload);
    struct cs_workload_use *use;

    if (!row)
        return;
    switch (gauge) {
    case CS_USAGE_PODS:
        row->pods = pods;
        break;
    case CS_USAGE_PODS_DECLARING:
        add_declared(workloads, row, value, pods);
        break;
    case CS_USAGE_PODS_USING:
        use =
            cs_workloads_use(workloads, row, mechanism_of((struct cs_slice){value, strlen(value)}));
        if (use)
            use->pods_using = pods;
        break;
    default:
        break;
    }
}

void cs_workloads_add_pods(struct cs_workloads *workloads,
                           const struct cs_workloads_sources *sources)
{
    _cleanup_usage_counts_ struct cs_usage_counts *counts = NULL;
    int error;

    if (!sources->usage)
        return;
    error = cs_usage_counts_new(sources->labels, false, &counts);
    if (error == 0)
        error = cs_usage_counts_refresh(counts, sources->index, sources->usage, sources->now_ns,
                                        add_gauge, workloads);
    if (error < 0)
        workloads->error = error;
}

struct in_flight {
    struct cs_workloads *workloads;
    const struct cs_workloads_sources *sources;
};

static void add_exchange(const struct cs_exchange *exchange, void *user)
{
    const struct in_flight *walk = user;
    const struct cs_workloads_sources *sources = walk->sources;
    uint64_t waited_ns =
        exchange->start_ns < sources->now_ns ? sources->now_ns - exchange->start_ns : 0;
    struct cs_workload_use *use;
    struct cs_subject subject;
    enum cs_mechanism mechanism = sources->identify(sources->user, exchange, &subject);

    use = cs_workloads_use(walk->workloads, cs_workloads_row_of(walk->workloads, &subject.workload),
                           mechanism);
    if (!use)
        return;
    use->in_flight++;
    if (waited_ns > use->oldest_ns)
        use->oldest_ns = waited_ns;
}

void cs_workloads_add_in_flight(struct cs_workloads *workloads,
                                const struct cs_workloads_sources *sources)
{
    struct in_flight walk = {workloads, sources};

    if (sources->assembler)
        cs_assembler_each_in_flight(sources->assembler, add_exchange, &walk);
}
