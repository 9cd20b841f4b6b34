/* SPDX-License-Identifier: Apache-2.0 */
/* What findings are fed with, and where they are shown: gauges and the event log. */
#include "app/pipeline/pipeline_parts.h"

#include "base/util.h"

#include <string.h>

static void on_changed(void *user, const struct cs_finding_view *view, bool open)
{
    struct cs_pipeline *pipeline = user;
    int len = cs_event_json_finding(pipeline->line, sizeof(pipeline->line), &pipeline->context,
                                    pipeline->now_ns, view, open);

    cs_pipeline_keep_line(pipeline, len);
}

static void on_gauge(void *user, const struct cs_workload *workload, enum cs_finding finding,
                     bool expected, bool open)
{
    struct cs_pipeline *pipeline = user;
    const char *const values[] = {cs_finding_info(finding)->name, expected ? "true" : "false"};
    struct cs_subject subject = {
        .workload = *workload, .attribution = CS_ATTRIBUTION_POD, .pod = CS_LABEL_ALL};

    if (open)
        cs_recorder_set_of(pipeline->recorder, CS_METRIC_FINDING, &subject, values, 1,
                           pipeline->now_ns);
    else
        cs_recorder_remove_of(pipeline->recorder, CS_METRIC_FINDING, &subject, values);
}

static void on_sdk(void *user, const struct cs_subject *subject, const struct cs_sdk *sdk)
{
    struct cs_pipeline *pipeline = user;

    cs_recorder_sdk(pipeline->recorder, subject, sdk->name, sdk->version, pipeline->now_ns);
}

static int name_again(void *user, struct cs_subject *subject, struct cs_pod_facts *facts)
{
    struct cs_pipeline *pipeline = user;

    return cs_pod_index_name(pipeline->pods.index, subject, facts);
}

static bool is_gone(void *user, const char *pod_uid)
{
    struct cs_pipeline *pipeline = user;
    struct cs_pod_view pod;

    return cs_pod_index_view(pipeline->pods.index, pod_uid, &pod) && pod.deleted;
}

int cs_pipeline_findings_make(struct cs_pipeline *pipeline,
                              const struct cs_pipeline_options *options)
{
    const struct cs_findings_options findings = {
        .sink = {on_changed, on_gauge, on_sdk, pipeline},
        .expect = options->expect,
        .watchlist = pipeline->watchlist,
        .cloud = options->cloud,
        .node = pipeline->context.node,
        .life = options->life,
        .name = name_again,
        .gone = is_gone,
        .name_user = pipeline,
    };

    for (enum cs_finding i = 0; i < CS_FINDING_END; i++) {
        const struct cs_finding_info *info = cs_finding_info(i);

        cs_recorder_set(pipeline->recorder, CS_METRIC_FINDING_INFO,
                        CS_RECORD_VALUES(info->name, cs_severity_name(info->severity)), 1);
    }
    return cs_findings_new(&findings, cs_pod_index_labels(pipeline->pods.index),
                           &pipeline->findings);
}

void cs_pipeline_find(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                      const struct cs_verdict *verdict, const struct cs_subject *subject,
                      const struct cs_pod_facts *facts, const struct cs_usage_first *first)
{
    struct cs_container container;
    struct cs_findings_input input = {exchange, verdict, subject, facts, first, false};

    if (cs_container_table_get(pipeline->containers, exchange->connection->cgroup_id, &container) ==
        0)
        input.ended = cs_pipeline_ended(&container) != 0;
    cs_findings_exchange(pipeline->findings, &input, pipeline->now_ns);
}

static void name_cgroup(struct cs_pipeline *pipeline, uint64_t cgroup_id,
                        struct cs_subject *subject, struct cs_pod_facts *facts)
{
    cs_container_table_subject(pipeline->containers, cgroup_id, subject);
    cs_pod_index_name(pipeline->pods.index, subject, facts);
}

void cs_pipeline_find_token(struct cs_pipeline *pipeline, uint64_t cgroup_id,
                            enum cs_mechanism mechanism, uint64_t time_ns)
{
    struct cs_subject subject;
    struct cs_pod_facts facts;

    name_cgroup(pipeline, cgroup_id, &subject, &facts);
    cs_findings_token_open(pipeline->findings, &subject, &facts, mechanism, time_ns);
}

static void look_at_hanging(const struct cs_exchange *exchange, void *user)
{
    struct cs_pipeline *pipeline = user;
    struct cs_verdict verdict;
    struct cs_subject subject;
    struct cs_pod_facts facts;
    const struct cs_pipeline_caller caller = {&subject, &facts};
    const struct cs_findings_input input = {exchange, &verdict, &subject, &facts, NULL, false};

    if (pipeline->now_ns < exchange->start_ns + CS_FINDINGS_HUNG_NS)
        return;
    if (exchange->connection->kernel_thread)
        return;
    name_cgroup(pipeline, exchange->connection->cgroup_id, &subject, &facts);
    cs_pipeline_classify_in_flight(pipeline, exchange, &caller, &verdict);
    cs_findings_in_flight(pipeline->findings, &input, pipeline->now_ns);
}

void cs_pipeline_facts_dropped(struct cs_pipeline *pipeline, uint64_t dropped, uint64_t now_ns)
{
    if (dropped != pipeline->facts_dropped)
        cs_findings_facts_lost(pipeline->findings, now_ns);
    pipeline->facts_dropped = dropped;
}

void cs_pipeline_findings_tick(struct cs_pipeline *pipeline, uint64_t now_ns)
{
    pipeline->now_ns = now_ns;
    cs_assembler_each_in_flight(pipeline->assembler, look_at_hanging, pipeline);
    cs_findings_tick(pipeline->findings, now_ns);
}

void cs_pipeline_findings_regauge(struct cs_pipeline *pipeline)
{
    cs_recorder_remove(pipeline->recorder, CS_METRIC_FINDING);
    cs_findings_regauge(pipeline->findings);
}
