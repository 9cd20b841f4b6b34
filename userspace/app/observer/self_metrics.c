/* SPDX-License-Identifier: Apache-2.0 */
#include "app/observer/self_metrics_parts.h"

#include "app/observer/losses.h"
#include "base/log.h"
#include "base/util.h"
#include "core/waiting/in_flight.h"
#include "io/process_stats.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

static const char *attribution_name(enum cs_attribution attribution)
{
    static const char *const NAMES[] = {
        [CS_ATTRIBUTION_POD] = "pod",
        [CS_ATTRIBUTION_POD_UID] = "pod_uid",
        [CS_ATTRIBUTION_HOST] = "host",
        [CS_ATTRIBUTION_NO_CGROUP] = "no_cgroup",
        [CS_ATTRIBUTION_KERNEL] = "kernel_thread",
        [CS_ATTRIBUTION_PROXIED] = "proxied",
    };
    _Static_assert(CS_ARRAY_SIZE(NAMES) == CS_ATTRIBUTION_END, "attribution names");

    return NAMES[attribution];
}

void cs_self_metrics_begin(struct cs_observer *observer)
{
    struct cs_recorder *recorder = observer->pipeline.recorder;
    struct cs_process_stats stats;
    char abi[16];

    snprintf(abi, sizeof(abi), "%d", CS_ABI_VERSION);
    cs_recorder_set(recorder, CS_METRIC_BUILD,
                    CS_RECORD_VALUES(CS_VERSION, abi, libbpf_version_string()), 1);
    cs_recorder_set(recorder, CS_METRIC_NODE,
                    CS_RECORD_VALUES(observer->config->node_name,
                                     cs_cloud_name(observer->kernel.cloud),
                                     observer->kernel.release),
                    1);
    if (observer->preexisting_known)
        cs_recorder_set(recorder, CS_METRIC_PREEXISTING_SOCKETS, NULL,
                        observer->preexisting_sockets);
    /* Once: worked out anew, it moves with the clocks, which looks like a restart. */
    if (cs_process_stats_read(&stats) == 0)
        cs_recorder_set(recorder, CS_METRIC_PROCESS_START, NULL, stats.start_ns);
    /* So that they have their room before the workloads come, and count from 0. */
    cs_self_metrics_refresh(observer, observer->started_ns);
}

static void refresh_cost(struct cs_recorder *recorder, const struct cs_sensor_program *program)
{
    uint64_t runs, ns;

    if (cs_sensor_program_cost(program, &runs, &ns) < 0)
        return;
    cs_recorder_set(recorder, CS_METRIC_PROGRAM_RUNS, CS_RECORD_VALUES(program->name), runs);
    cs_recorder_set(recorder, CS_METRIC_PROGRAM_RUN_TIME, CS_RECORD_VALUES(program->name), ns);
}

static void refresh_maps(const struct cs_observer *observer)
{
    struct cs_recorder *recorder = observer->pipeline.recorder;
    struct cs_sensor_map maps[CS_SENSOR_MAPS];
    size_t n = cs_sensor_maps(observer->sensor, maps);

    for (size_t i = 0; i < n; i++) {
        cs_recorder_set(recorder, CS_METRIC_MAP_ENTRIES, CS_RECORD_VALUES(maps[i].name),
                        maps[i].entries);
        cs_recorder_set(recorder, CS_METRIC_MAP_CAPACITY, CS_RECORD_VALUES(maps[i].name),
                        maps[i].capacity);
    }
}

static void refresh_kernel_half(struct cs_observer *observer)
{
    struct cs_recorder *recorder = observer->pipeline.recorder;
    size_t n;
    const struct cs_sensor_program *programs = cs_sensor_programs(observer->sensor, &n);

    for (size_t i = 0; i < n; i++) {
        cs_recorder_set(recorder, CS_METRIC_PROGRAM_ATTACHED,
                        CS_RECORD_VALUES(programs[i].name, programs[i].hook), programs[i].attached);
        if (observer->config->bpf_stats)
            refresh_cost(recorder, &programs[i]);
    }
    refresh_maps(observer);
    for (unsigned int type = CS_FACT_CONNECT; type < CS_FACT_TYPE_END; type++)
        cs_recorder_set(recorder, CS_METRIC_FACTS, CS_RECORD_VALUES(cs_fact_type_name(type)),
                        observer->pipeline.stats.facts[type]);
}

static void refresh_losses(struct cs_observer *observer)
{
    struct cs_loss_row rows[CS_LOSS_ROWS_MAX];
    size_t n = cs_losses_collect(observer, rows);

    for (size_t i = 0; i < n; i++)
        cs_recorder_set(observer->pipeline.recorder, CS_METRIC_LOST,
                        CS_RECORD_VALUES(rows[i].hop, rows[i].reason), rows[i].count);
}

static void refresh_connections(struct cs_observer *observer)
{
    struct cs_recorder *recorder = observer->pipeline.recorder;
    const struct cs_assembler_stats *stats = cs_assembler_stats(observer->pipeline.assembler);

    cs_recorder_set(recorder, CS_METRIC_CONNECTIONS, NULL, stats->connections);
    cs_recorder_set(recorder, CS_METRIC_CONNECTIONS_OBSERVED, NULL, stats->observed);
    cs_recorder_set(recorder, CS_METRIC_CONNECTIONS_OPEN, NULL, stats->open);
    for (unsigned int loss = 0; loss < CS_LOSS_END; loss++)
        cs_recorder_set(recorder, CS_METRIC_CONNECTIONS_LOST, CS_RECORD_VALUES(cs_loss_name(loss)),
                        stats->lost[loss]);
    for (unsigned int result = 0; result < CS_ATTRIBUTION_END; result++)
        cs_recorder_set(recorder, CS_METRIC_ATTRIBUTIONS,
                        CS_RECORD_VALUES(attribution_name(result)),
                        observer->pipeline.stats.attributions[result]);
    cs_recorder_set(recorder, CS_METRIC_RELAYED, NULL, observer->pipeline.stats.relayed);
}

void cs_self_metrics_tracked(struct cs_observer *observer, const char *set, uint64_t count,
                             uint64_t limit, uint64_t refused)
{
    struct cs_recorder *recorder = observer->pipeline.recorder;

    cs_recorder_set(recorder, CS_METRIC_TRACKED, CS_RECORD_VALUES(set), count);
    cs_recorder_set(recorder, CS_METRIC_TRACKED_LIMIT, CS_RECORD_VALUES(set), limit);
    cs_recorder_set(recorder, CS_METRIC_TRACKED_REFUSED, CS_RECORD_VALUES(set), refused);
}

static void refresh_tracked(struct cs_observer *observer)
{
    struct cs_pipeline *pipeline = &observer->pipeline;
    const struct cs_assembler_stats *assembler = cs_assembler_stats(pipeline->assembler);
    const struct cs_container_limits *limits = &cs_container_limits_default;
    struct cs_container_stats containers;

    cs_container_table_stats(pipeline->containers, &containers);
    cs_self_metrics_tracked(observer, "connections", assembler->open, CS_PIPELINE_CONNECTIONS_MAX,
                            assembler->lost[CS_LOSS_TABLE_FULL]);
    cs_self_metrics_tracked(observer, "requests", assembler->requests_in_flight,
                            CS_PIPELINE_REQUESTS_MAX, assembler->lost[CS_LOSS_REQUESTS_FULL]);
    cs_self_metrics_tracked(observer, "cgroups", containers.live, limits->live_max,
                            containers.refused);
    cs_self_metrics_tracked(observer, "cgroups_removed", containers.removed, limits->removed_max,
                            containers.evicted);
    cs_self_metrics_tracked(observer, "token_opens", cs_token_opens_count(pipeline->token_opens),
                            CS_TOKEN_OPENS_MAX, cs_token_opens_evicted(pipeline->token_opens));
    cs_self_metrics_tracked(observer, "calls", cs_call_history_count(pipeline->calls),
                            CS_CALL_HISTORY_MAX, pipeline->stats.calls_forgotten);
}

static void refresh_in_flight(struct cs_observer *observer, uint64_t now_ns)
{
    struct cs_in_flight in_flight;

    cs_in_flight_collect(observer->pipeline.assembler, cs_pipeline_identify, &observer->pipeline,
                         &in_flight);
    for (unsigned int mechanism = 0; mechanism < CS_MECHANISM_END; mechanism++) {
        uint64_t oldest = in_flight.oldest_ns[mechanism];

        cs_recorder_in_flight(observer->pipeline.recorder, mechanism, in_flight.count[mechanism],
                              oldest != 0 && now_ns > oldest ? now_ns - oldest : 0);
    }
}

static void refresh_process(struct cs_observer *observer)
{
    struct cs_recorder *recorder = observer->pipeline.recorder;
    struct cs_process_stats stats;

    if (cs_process_stats_read(&stats) < 0)
        return;
    cs_recorder_set(recorder, CS_METRIC_PROCESS_CPU, NULL, stats.cpu_ns);
    cs_recorder_set(recorder, CS_METRIC_PROCESS_RESIDENT, NULL, stats.resident_bytes);
    cs_recorder_set(recorder, CS_METRIC_PROCESS_ANONYMOUS, NULL, stats.anonymous_bytes);
    cs_recorder_set(recorder, CS_METRIC_PROCESS_VIRTUAL, NULL, stats.virtual_bytes);
    cs_recorder_set(recorder, CS_METRIC_PROCESS_FDS, NULL, stats.open_fds);
    cs_recorder_set(recorder, CS_METRIC_PROCESS_MAX_FDS, NULL, stats.max_fds);
}

void cs_self_metrics_refresh(struct cs_observer *observer, uint64_t now_ns)
{
    cs_recorder_set(observer->pipeline.recorder, CS_METRIC_OBSERVED, NULL,
                    now_ns - observer->started_ns);
    refresh_kernel_half(observer);
    refresh_losses(observer);
    refresh_connections(observer);
    refresh_tracked(observer);
    refresh_in_flight(observer, now_ns);
    cs_self_metrics_refresh_pods(observer, now_ns);
    cs_self_metrics_refresh_state(observer, now_ns);
    refresh_process(observer);
}

/* A warning has told of it in more words, and that it goes on. */
static bool is_told(const struct cs_loss_row *row)
{
    return strcmp(row->hop, "state") == 0 &&
           (strcmp(row->reason, "not_saved") == 0 || strcmp(row->reason, "put_aside") == 0);
}

void cs_self_metrics_log_losses(struct cs_observer *observer)
{
    struct cs_loss_row rows[CS_LOSS_ROWS_MAX];
    size_t n = cs_losses_collect(observer, rows);

    for (size_t i = 0; i < n; i++) {
        uint64_t since = rows[i].count - observer->losses_logged[i];

        if (since == 0)
            continue;
        observer->losses_logged[i] = rows[i].count;
        /* A line about the log's own losses would be lost as well, and counted again. */
        if (strcmp(rows[i].hop, "event_log") != 0)
            cs_pipeline_loss(&observer->pipeline, rows[i].hop, rows[i].reason, since);
        if (!is_told(&rows[i]))
            cs_warn("lost at %s (%s): %llu", rows[i].hop, rows[i].reason,
                    (unsigned long long)since);
    }
}
