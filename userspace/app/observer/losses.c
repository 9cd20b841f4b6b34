/* SPDX-License-Identifier: Apache-2.0 */
#include "app/observer/losses.h"

#include "base/util.h"

#include <assert.h>

struct rows {
    struct cs_loss_row *row;
    size_t count;
};

static void add(struct rows *rows, const char *hop, const char *reason, uint64_t count)
{
    assert(rows->count < CS_LOSS_ROWS_MAX);
    rows->row[rows->count++] = (struct cs_loss_row){hop, reason, count};
}

static void add_kernel(struct rows *rows, const struct cs_sensor_stats *stats)
{
    for (unsigned int type = CS_FACT_CONNECT; type < CS_FACT_TYPE_END; type++)
        add(rows, "ring", cs_fact_type_name(type), stats->dropped[type]);
    add(rows, "sensor", "socket_state", stats->storage_failed);
    add(rows, "sensor", "interception", stats->intercept_failed);
    add(rows, "sensor", "token_path", stats->token_unreadable);
    add(rows, "sensor", "packet", stats->packets_unreadable);
}

static void add_pipeline(struct rows *rows, const struct cs_pipeline *pipeline)
{
    const struct cs_assembler_stats *assembler = cs_assembler_stats(pipeline->assembler);
    struct cs_container_stats containers;

    for (unsigned int error = CS_FACT_OK + 1; error < CS_FACT_ERROR_END; error++)
        add(rows, "decode", cs_fact_error_name(error), pipeline->stats.decode_errors[error]);
    add(rows, "assembler", "orphaned", assembler->facts_orphaned);
    add(rows, "assembler", "missing", assembler->facts_missing);
    add(rows, "assembler", "unmatched", assembler->responses_unmatched);
    cs_container_table_stats(pipeline->containers, &containers);
    add(rows, "containers", "refused", containers.refused);
    add(rows, "containers", "evicted", containers.evicted);
    add(rows, "token_opens", "evicted", cs_token_opens_evicted(pipeline->token_opens));
    add(rows, "token_opens", "memory", pipeline->stats.tokens_forgotten);
    add(rows, "token_opens", "no_cgroup", pipeline->stats.tokens_unattributed);
    add(rows, "calls", "memory", pipeline->stats.calls_forgotten);
    add(rows, "peers", "evicted", cs_peers_evicted(pipeline->peers));
    add(rows, "event_log", "too_long", pipeline->stats.events_too_long);
    add(rows, "event_log", "not_written",
        pipeline->events ? cs_log_file_stats(pipeline->events).lost : 0);
}

static void add_pods(struct rows *rows, const struct cs_observer *observer)
{
    const struct cs_pipeline_pods *pods = &observer->pipeline.pods;
    struct cs_pod_index_stats index;
    struct cs_findings_stats findings;
    struct cs_usage_stats usage;

    if (observer->kube) {
        const struct cs_kube_stats *stats = cs_kube_client_stats(observer->kube);

        for (unsigned int skip = 0; skip < CS_KUBE_SKIP_END; skip++)
            add(rows, "kube", cs_kube_skip_name(skip), stats->skipped[skip]);
    }
    cs_pod_index_stats(pods->index, &index);
    for (unsigned int error = CS_POD_OK + 1; error < CS_POD_ERROR_END; error++)
        add(rows, "pods", cs_pod_error_name(error), index.errors[error]);
    add(rows, "pods", "refused", index.refused);
    add(rows, "pods", "evicted", index.evicted);
    add(rows, "pods", "uncounted", observer->pipeline.stats.pods_uncounted);
    cs_usage_stats(pods->usage, &usage);
    add(rows, "usage", "refused", usage.refused);
    add(rows, "usage", "evicted", usage.evicted);
    cs_findings_stats(observer->pipeline.findings, &findings);
    add(rows, "findings", "refused", findings.refused);
    add(rows, "findings", "evicted", findings.evicted);
}

static void add_state(struct rows *rows, const struct cs_observer_state *keep)
{
    struct cs_state_stats stats;

    if (!keep->state)
        return;
    cs_state_stats(keep->state, &stats);
    add(rows, "state", "not_saved", keep->not_saved);
    add(rows, "state", "put_aside", keep->put_aside);
    add(rows, "state", "left_out", keep->left_out);
    add(rows, "state", "evicted", stats.evicted);
    add(rows, "state", "refused", stats.refused);
    add(rows, "state", "of_the_future", stats.ahead);
}

size_t cs_losses_collect(const struct cs_observer *observer,
                         struct cs_loss_row rows[CS_LOSS_ROWS_MAX])
{
    struct rows list = {.row = rows};

    add_kernel(&list, cs_sensor_stats(observer->sensor));
    add_pipeline(&list, &observer->pipeline);
    add_pods(&list, observer);
    add_state(&list, &observer->state);
    return list.count;
}
