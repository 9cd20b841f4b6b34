/* SPDX-License-Identifier: Apache-2.0 */
#include "app/observer/self_metrics_parts.h"

#include <stdio.h>

static const char *source_name(enum cs_kube_source source)
{
    switch (source) {
    case CS_KUBE_API:
        return "api";
    case CS_KUBE_KUBELET:
        return "kubelet";
    case CS_KUBE_FILE:
        return "file";
    default:
        return "none";
    }
}

static void refresh_requests(struct cs_recorder *recorder, const struct cs_kube_stats *stats)
{
    for (size_t i = 0; i < CS_KUBE_CODES; i++) {
        char code[8] = "~other";

        if (stats->requests[i].count == 0)
            continue;
        if (stats->requests[i].code != 0)
            snprintf(code, sizeof(code), "%u", stats->requests[i].code);
        cs_recorder_set(recorder, CS_METRIC_KUBE_REQUESTS, CS_RECORD_VALUES(code),
                        stats->requests[i].count);
    }
    for (unsigned int why = CS_KUBE_FAILURE_NONE + 1; why < CS_KUBE_FAILURE_END; why++)
        cs_recorder_set(recorder, CS_METRIC_KUBE_FAILURES,
                        CS_RECORD_VALUES(cs_kube_failure_name(why)), stats->failures[why]);
    for (unsigned int count = 0; count < CS_KUBE_COUNT_END; count++)
        cs_recorder_set(recorder, CS_METRIC_KUBE_EVENTS,
                        CS_RECORD_VALUES(cs_kube_count_name(count)), stats->counts[count]);
    cs_recorder_set(recorder, CS_METRIC_KUBE_LISTS, NULL, stats->lists);
    cs_recorder_set(recorder, CS_METRIC_KUBE_RELISTS, NULL, stats->relists);
    cs_recorder_set(recorder, CS_METRIC_KUBE_WATCHES, NULL, stats->watches);
    cs_recorder_set(recorder, CS_METRIC_KUBE_RECEIVED, NULL, stats->bytes);
}

static void refresh_kube(struct cs_observer *observer, uint64_t now_ns)
{
    struct cs_recorder *recorder = observer->pipeline.recorder;
    const char *source = source_name(observer->config->kube);
    const struct cs_kube_state *state;

    if (!observer->kube)
        return;
    state = cs_kube_client_state(observer->kube);
    cs_recorder_set(recorder, CS_METRIC_KUBE_CONNECTED, CS_RECORD_VALUES(source), state->connected);
    cs_recorder_set(recorder, CS_METRIC_KUBE_SYNCED, CS_RECORD_VALUES(source), state->synced);
    cs_recorder_set(recorder, CS_METRIC_KUBE_LAG, CS_RECORD_VALUES(source),
                    cs_kube_lag_ns(state, now_ns));
    refresh_requests(recorder, cs_kube_client_stats(observer->kube));
}

static void refresh_waiting(struct cs_observer *observer)
{
    const struct cs_pending *pending = observer->pipeline.pods.pending;
    struct cs_pending_stats stats;

    if (!pending)
        return;
    cs_pending_stats(pending, &stats);
    for (unsigned int why = 0; why < CS_PENDING_END; why++)
        cs_recorder_set(observer->pipeline.recorder, CS_METRIC_WAITED,
                        CS_RECORD_VALUES(cs_pending_why_name(why)), stats.left[why]);
    cs_self_metrics_tracked(observer, "waiting_requests", stats.waiting, CS_PENDING_COUNT_MAX,
                            stats.left[CS_PENDING_FULL]);
}

void cs_self_metrics_refresh_pods(struct cs_observer *observer, uint64_t now_ns)
{
    const struct cs_pipeline_pods *pods = &observer->pipeline.pods;
    const struct cs_pod_index_limits *limits = &cs_pod_index_limits_default;
    struct cs_pod_index_stats index;
    struct cs_findings_stats findings;
    struct cs_usage_stats usage;

    refresh_kube(observer, now_ns);
    refresh_waiting(observer);
    cs_pod_index_stats(pods->index, &index);
    cs_self_metrics_tracked(observer, "pods", index.live, limits->live_max, index.refused);
    cs_self_metrics_tracked(observer, "pods_deleted", index.deleted, limits->deleted_max,
                            index.evicted);
    cs_usage_stats(pods->usage, &usage);
    cs_self_metrics_tracked(observer, "containers_using", usage.containers, CS_USAGE_CONTAINERS_MAX,
                            usage.refused + usage.evicted);
    cs_findings_stats(observer->pipeline.findings, &findings);
    cs_self_metrics_tracked(observer, "findings", findings.containers, CS_FINDINGS_CONTAINERS_MAX,
                            findings.refused + findings.evicted);
    cs_pipeline_pods_count(&observer->pipeline, now_ns);
}
