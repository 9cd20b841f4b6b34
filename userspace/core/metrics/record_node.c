/* SPDX-License-Identifier: Apache-2.0 */
/* Node-level series: those that exist from the start, and setting them. */
#include "core/metrics/record_internal.h"

#include "base/util.h"

#include <errno.h>

/* [i]: what was kept of the labels by updates that did not fit level i. */
static const char *const OVERFLOW[CS_RECORD_LEVEL_END] = {
    [CS_RECORD_FULL] = "service_account",
    [CS_RECORD_SERVICE_ACCOUNT] = "none",
    [CS_RECORD_OTHER] = "dropped",
};

#define BIT(outcome) (1u << CS_OUTCOME_##outcome)
#define ANY_OUTCOMES                                                                    \
    (BIT(REFUSED) | BIT(UNREACHABLE) | BIT(RESET) | BIT(NO_RESPONSE) | BIT(ABANDONED) | \
     BIT(UNOBSERVED))
#define HTTP_OUTCOMES                                                            \
    (BIT(OK) | BIT(REDIRECTED) | BIT(DENIED) | BIT(NOT_FOUND) | BIT(THROTTLED) | \
     BIT(CLIENT_ERROR) | BIT(SERVER_ERROR))
#define TLS_OUTCOMES (BIT(TLS_FAILED) | BIT(OK_INFERRED) | BIT(REJECTED_INFERRED) | BIT(ANSWERED))

/* The outcomes that a mechanism can have, by whether its status can be read; their series exist
 * from the start so that increase() sees the first of a kind. One more would appear with it. */
static uint32_t possible_outcomes(enum cs_mechanism mechanism)
{
    switch (mechanism) {
    case CS_MECHANISM_IRSA:
    case CS_MECHANISM_STS:
    case CS_MECHANISM_AZURE_WORKLOAD_IDENTITY:
    case CS_MECHANISM_ENTRA:
    case CS_MECHANISM_EKS_AUTH:
        return ANY_OUTCOMES | TLS_OUTCOMES;
    case CS_MECHANISM_UNKNOWN:
        return ANY_OUTCOMES | TLS_OUTCOMES | HTTP_OUTCOMES;
    default:
        return ANY_OUTCOMES | HTTP_OUTCOMES;
    }
}

/* Find or make a node-level series, a histogram or not, from text; labels are kept by it alone. */
static int node_series(struct cs_recorder *recorder, enum cs_metric metric, bool histogram,
                       const char *const values[], struct cs_series **series)
{
    const struct cs_metric_row *row = cs_metric_row(metric);
    struct cs_label *key[CS_SERIES_LABELS] = {NULL};
    int r = 0;

    if (row->scope != CS_SCOPE_NODE || (cs_histogram_bounds(row->kind) != NULL) != histogram)
        return -EINVAL;
    for (size_t i = 0; row->labels[i] && r == 0; i++) {
        if (!values || !values[i])
            r = -EINVAL;
        else if (!(key[1 + i] = cs_labels_get_pair(recorder->labels, row->labels[i], values[i])))
            r = -ENOMEM;
    }
    if (r == 0)
        r = cs_registry_get(recorder->registry, metric, key, UINT32_MAX, series);
    for (size_t i = 0; i < CS_SERIES_LABELS; i++)
        cs_label_unref(recorder->labels, key[i]);
    return r;
}

int cs_recorder_set(struct cs_recorder *recorder, enum cs_metric metric, const char *const values[],
                    uint64_t value)
{
    struct cs_series *series;
    int r = node_series(recorder, metric, false, values, &series);

    if (r == 0)
        *cs_series_value(series) = value;
    return r;
}

int cs_recorder_add(struct cs_recorder *recorder, enum cs_metric metric, const char *const values[],
                    uint64_t value)
{
    struct cs_series *series;
    int r = node_series(recorder, metric, false, values, &series);

    if (r == 0)
        *cs_series_value(series) += value;
    return r;
}

int cs_recorder_observe(struct cs_recorder *recorder, enum cs_metric metric,
                        const char *const values[], uint64_t ns)
{
    struct cs_series *series;
    int r = node_series(recorder, metric, true, values, &series);

    if (r == 0)
        cs_histogram_observe(cs_series_histogram(series), ns);
    return r;
}

void cs_recorder_remove(struct cs_recorder *recorder, enum cs_metric metric)
{
    const struct cs_metric_row *row = cs_metric_row(metric);

    /* A workload's counters are its own for as long as it is there. */
    if (row->scope == CS_SCOPE_NODE || row->kind == CS_KIND_GAUGE)
        cs_registry_sweep(recorder->registry, metric, NULL, NULL);
}

void cs_recorder_in_flight(struct cs_recorder *recorder, enum cs_mechanism mechanism,
                           uint64_t count, uint64_t oldest_ns)
{
    const char *const values[] = {cs_mechanism_info(mechanism)->name};

    cs_recorder_set(recorder, CS_METRIC_IN_FLIGHT, values, count);
    cs_recorder_set(recorder, CS_METRIC_OLDEST_IN_FLIGHT, values, oldest_ns);
}

void cs_recorder_refresh(struct cs_recorder *recorder)
{
    cs_recorder_set(recorder, CS_METRIC_SERIES_LIMIT, NULL, recorder->options.max_series);
    cs_recorder_set(recorder, CS_METRIC_SERIES_EXPIRED, NULL, recorder->expired);
    for (size_t i = 0; i < CS_RECORD_LEVEL_END; i++)
        cs_recorder_set(recorder, CS_METRIC_SERIES_OVERFLOW, &OVERFLOW[i], recorder->overflow[i]);
    /* Twice: the first may itself be a new sample. */
    for (int i = 0; i < 2; i++)
        cs_recorder_set(recorder, CS_METRIC_SERIES, NULL, cs_registry_samples(recorder->registry));
}

static int mechanism_series(struct cs_recorder *recorder, enum cs_mechanism mechanism)
{
    const struct cs_mechanism_info *info = cs_mechanism_info(mechanism);
    const char *const about[] = {info->name, info->cloud, info->class_name, info->successor};
    uint32_t possible = possible_outcomes(mechanism);
    int r = cs_recorder_set(recorder, CS_METRIC_MECHANISM, about, 1);

    for (enum cs_outcome outcome = 0; outcome < CS_OUTCOME_END && r == 0; outcome++) {
        const char *const values[] = {info->name, cs_outcome_name(outcome)};

        if (possible & (1u << outcome))
            r = cs_recorder_set(recorder, CS_METRIC_NODE_REQUESTS, values, 0);
    }
    cs_recorder_in_flight(recorder, mechanism, 0, 0);
    return r;
}

int cs_record_node_init(struct cs_recorder *recorder)
{
    int r = 0;

    for (enum cs_mechanism mechanism = 0; mechanism < CS_MECHANISM_END && r == 0; mechanism++)
        r = mechanism_series(recorder, mechanism);
    cs_recorder_refresh(recorder);
    return r;
}
