/* SPDX-License-Identifier: Apache-2.0 */
#include "app/pipeline/pipeline_parts.h"

#include "base/util.h"
#include "core/metrics/usage_unobserved.h"
#include "core/pods/pod_workload.h"

#include <string.h>

static void on_known(void *user, const char *key)
{
    struct cs_pipeline *pipeline = user;

    cs_pending_known(pipeline->pods.pending, key);
}

int cs_pipeline_pods_make(struct cs_pipeline *pipeline, const struct cs_pipeline_options *options)
{
    const struct cs_usage_options usage = {.life = options->life, .cloud = options->cloud};
    const struct cs_pending_options pending = {.sink = cs_pipeline_waited, .user = pipeline};
    struct cs_pipeline_pods *pods = &pipeline->pods;
    struct cs_labels *labels;
    int error;

    error = cs_pod_index_new(&cs_pod_index_limits_default, options->node_name, &pods->index);
    if (error < 0)
        return error;
    labels = cs_pod_index_labels(pods->index);
    error = cs_usage_new(&usage, labels, &pods->usage);
    if (error == 0)
        error = cs_usage_counts_new(labels, options->recorder.pod_labels, &pods->counts);
    if (error < 0 || !options->told)
        return error;
    error = cs_pending_new(&pending, &pods->pending);
    if (error < 0)
        return error;
    cs_pod_index_on_known(pods->index, on_known, pipeline);
    return 0;
}

void cs_pipeline_pods_free(struct cs_pipeline *pipeline)
{
    cs_pending_free(&pipeline->pods.pending);
    cs_usage_counts_free(&pipeline->pods.counts);
    cs_usage_free(&pipeline->pods.usage);
    cs_pod_index_free(&pipeline->pods.index);
}

bool cs_pipeline_wait(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                      const struct cs_verdict *verdict, const struct cs_subject *subject)
{
    char key[CS_POD_UID_LEN];

    if (!pipeline->pods.pending || !cs_pod_index_key(subject, key))
        return false;
    cs_pending_add(pipeline->pods.pending, key, exchange, verdict, pipeline->now_ns);
    return true;
}

void cs_pipeline_flush(struct cs_pipeline *pipeline)
{
    if (pipeline->pods.pending)
        cs_pending_flush(pipeline->pods.pending);
}

/* Directories below a container's come and go with its jobs; and nothing tells of v1's. */
uint64_t cs_pipeline_ended(const struct cs_container *container)
{
    bool below = container->identity.container_id[0] != '\0' && !cs_container_is_own(container);

    return below || (container->cgroup_id & CS_PIPELINE_MADE_UP_ID) ? 0 : container->removed_ns;
}

void cs_pipeline_use(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                     const struct cs_verdict *verdict, const struct cs_subject *subject,
                     struct cs_usage_first *first)
{
    const char *mechanism = cs_mechanism_info(verdict->mechanism)->name;
    struct cs_usage_life life;
    struct cs_container container;

    *first = (struct cs_usage_first){0};
    /* Of a cgroup that is in no table it isn't known when it began. */
    if (cs_container_table_get(pipeline->containers, exchange->connection->cgroup_id, &container) <
        0)
        return;
    life = (struct cs_usage_life){container.created_ns == 0, cs_pipeline_ended(&container)};
    cs_usage_exchange(pipeline->pods.usage, exchange, verdict, subject, &life, pipeline->now_ns,
                      first);
    if (first->attempt)
        cs_recorder_add_of(pipeline->recorder, CS_METRIC_FIRST_REQUESTS, subject,
                           CS_RECORD_VALUES(mechanism, first->attempt_ok ? "ok" : "failed"), 1,
                           pipeline->now_ns);
    if (first->success)
        cs_recorder_observe(pipeline->recorder, CS_METRIC_FIRST_SUCCESS_DELAY,
                            CS_RECORD_VALUES(mechanism), first->delay_ns);
}

void cs_pipeline_cgroup_removed(struct cs_pipeline *pipeline, uint64_t cgroup_id)
{
    struct cs_container container;

    if (cs_container_table_get(pipeline->containers, cgroup_id, &container) < 0)
        return;
    cs_usage_cgroup_removed(pipeline->pods.usage, &container);
    cs_findings_cgroup_removed(pipeline->findings, &container);
}

/* Pods that are gone although no fact told that their containers are: some kernels send none. */
#define GONE_MAX 64

struct gone {
    const struct cs_pod_index *index;
    size_t count;
    char uids[GONE_MAX][CS_POD_UID_LEN];
};

static int find_gone(void *user, const struct cs_usage_view *usage)
{
    struct gone *gone = user;
    struct cs_pod_view pod;

    if (!cs_pod_index_view(gone->index, usage->pod_uid, &pod) || !pod.deleted)
        return 0;
    cs_text_copy(gone->uids[gone->count], CS_POD_UID_LEN, usage->pod_uid, strlen(usage->pod_uid));
    return ++gone->count == GONE_MAX;
}

/* Exchanges are told late, but not later than the table of containers forgets who made them. A
 * made-up id is forgotten there at once, while its container goes on. */
static bool is_forgotten(void *user, uint64_t cgroup_id)
{
    return !(cgroup_id & CS_PIPELINE_MADE_UP_ID) && !cs_container_table_has(user, cgroup_id);
}

void cs_pipeline_pods_expire(struct cs_pipeline *pipeline, uint64_t now_ns)
{
    struct cs_pipeline_pods *pods = &pipeline->pods;
    struct gone gone = {.index = pods->index};

    cs_usage_each(pods->usage, now_ns, find_gone, &gone);
    for (size_t i = 0; i < gone.count; i++)
        cs_usage_pod_ended(pods->usage, gone.uids[i], now_ns);
    cs_usage_expire(pods->usage, now_ns);
    cs_pod_index_expire(pods->index, now_ns);
    cs_call_history_sweep(pipeline->calls, is_forgotten, pipeline->containers);
}

static void set_gauge(void *user, enum cs_usage_gauge gauge, const struct cs_subject *subject,
                      const char *value, uint32_t count)
{
    struct cs_pipeline *pipeline = user;
    struct cs_recorder *recorder = pipeline->recorder;
    enum cs_metric metric =
        gauge == CS_USAGE_PODS_USING ? CS_METRIC_PODS_USING : CS_METRIC_PODS_DECLARING;

    if (gauge == CS_USAGE_PODS) {
        if (count > 0)
            cs_recorder_subject_present(recorder, subject, pipeline->now_ns);
        else
            cs_recorder_subject_gone(recorder, subject, pipeline->now_ns);
        return;
    }
    /* Added: under --max-series workloads share one. */
    if (count > 0)
        cs_recorder_add_of(recorder, metric, subject, CS_RECORD_VALUES(value), count,
                           pipeline->now_ns);
}

static void count_unobserved(struct cs_pipeline *pipeline)
{
    uint64_t counts[CS_UNOBSERVED_END];

    cs_unobserved_count(pipeline->containers, counts);
    for (unsigned int reason = 0; reason < CS_UNOBSERVED_END; reason++)
        cs_recorder_set(pipeline->recorder, CS_METRIC_CONTAINERS_UNOBSERVED,
                        CS_RECORD_VALUES(cs_unobserved_name(reason)), counts[reason]);
}

static int declare(void *user, const struct cs_pod_identity *identity)
{
    struct cs_pipeline *pipeline = user;
    struct cs_subject subject = {.attribution = CS_ATTRIBUTION_POD};

    cs_pod_workload_read(identity->workload, &subject.workload);
    cs_text_copy(subject.pod, sizeof(subject.pod), identity->pod_name, strlen(identity->pod_name));
    cs_recorder_identity_declared(pipeline->recorder, &subject, identity->mechanism,
                                  identity->identity, pipeline->now_ns);
    return 0;
}

static void declare_identities(struct cs_pipeline *pipeline)
{
    struct cs_pipeline_pods *pods = &pipeline->pods;
    uint64_t changes = cs_pod_index_changes(pods->index);

    if (changes == pods->declared_changes)
        return;
    pods->declared_changes = changes;
    cs_recorder_identities_undeclare(pipeline->recorder);
    cs_pod_index_identities(pods->index, declare, pipeline);
}

void cs_pipeline_pods_count(struct cs_pipeline *pipeline, uint64_t now_ns)
{
    struct cs_pipeline_pods *pods = &pipeline->pods;

    pipeline->now_ns = now_ns;
    cs_recorder_remove(pipeline->recorder, CS_METRIC_PODS_USING);
    cs_recorder_remove(pipeline->recorder, CS_METRIC_PODS_DECLARING);
    if (cs_usage_counts_refresh(pods->counts, pods->pending ? pods->index : NULL, pods->usage,
                                now_ns, set_gauge, pipeline) < 0)
        pipeline->stats.pods_uncounted++;
    declare_identities(pipeline);
    count_unobserved(pipeline);
}
