/* SPDX-License-Identifier: Apache-2.0 */
#include "app/pipeline/pipeline.h"
#include "app/pipeline/pipeline_parts.h"

#include "base/util.h"

#include <string.h>

#define MADE_UP_ID CS_PIPELINE_MADE_UP_ID
#define ROOT_ID    UINT64_C(1)
#define NO_ID      UINT64_C(0) /* no cgroup has it */

/* The fact of a cgroup's creation was lost, or the cgroup was made before the walk got there. */
static void resolve_cgroup(struct cs_pipeline *pipeline, uint64_t cgroup_id)
{
    char path[CS_CGROUP_PATH_MAX + 1];
    int error;

    if (!pipeline->resolve || cgroup_id == NO_ID || (cgroup_id & MADE_UP_ID) ||
        cs_container_table_has(pipeline->containers, cgroup_id))
        return;
    error = pipeline->resolve(pipeline->resolve_data, cgroup_id, path, sizeof(path));
    if (error == 0)
        cs_container_table_add(pipeline->containers, cgroup_id,
                               (struct cs_slice){path, strlen(path)}, false, 0);
}

static void attribute(struct cs_pipeline *pipeline, const struct cs_connection *connection,
                      struct cs_subject *subject)
{
    if (connection->kernel_thread) {
        cs_subject_unknown(CS_ATTRIBUTION_KERNEL, subject);
    } else {
        resolve_cgroup(pipeline, connection->cgroup_id);
        cs_container_table_subject(pipeline->containers, connection->cgroup_id, subject);
    }
}

bool cs_pipeline_keep_line(struct cs_pipeline *pipeline, int len)
{
    if (len < 0) {
        pipeline->stats.events_too_long++;
        return false;
    }
    if (pipeline->events)
        cs_log_file_add(pipeline->events, pipeline->line, (size_t)len);
    pipeline->context.seq++;
    return true;
}

static void record(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                   const struct cs_verdict *verdict, struct cs_subject *subject,
                   const struct cs_pod_facts *facts)
{
    static const struct cs_pod_facts nothing;
    char declared[CS_DECLARED_TEXT_MAX], identity[CS_REQUEST_LINE_MAX + 1];
    struct cs_event_extra extra = {.declared = facts->known ? declared : NULL};
    struct cs_usage_first first;
    uint64_t seq = pipeline->context.seq;
    int len;

    if (verdict->proxied) {
        cs_subject_unknown(CS_ATTRIBUTION_PROXIED, subject);
        facts = &nothing;
        extra.declared = NULL;
    }
    pipeline->stats.attributions[subject->attribution]++;
    cs_recorder_exchange(pipeline->recorder, exchange, verdict, subject, pipeline->now_ns);
    if (pipeline->state)
        cs_state_exchange(pipeline->state, exchange, verdict, &subject->workload,
                          pipeline->context.wall_offset_ns);
    cs_pipeline_use(pipeline, exchange, verdict, subject, &first);
    if (cs_exchange_identity(exchange, identity, sizeof(identity)))
        cs_recorder_identity_requested(pipeline->recorder, subject, verdict->mechanism, identity,
                                       pipeline->now_ns);
    cs_declared_format(facts->declared, declared);
    len = cs_event_json_exchange(pipeline->line, sizeof(pipeline->line), &pipeline->context,
                                 exchange, verdict, subject, &extra);
    if (cs_pipeline_keep_line(pipeline, len))
        cs_api_exchanges_add(pipeline->recent, seq, pipeline->line, (size_t)len);
    cs_pipeline_find(pipeline, exchange, verdict, subject, facts, &first);
}

void cs_pipeline_exchange(const struct cs_exchange *exchange, void *data)
{
    struct cs_pipeline *pipeline = data;
    struct cs_verdict verdict;
    struct cs_subject subject;
    struct cs_pod_facts facts;
    const struct cs_pipeline_caller caller = {&subject, &facts};
    bool named;

    attribute(pipeline, exchange->connection, &subject);
    cs_peers_learn(pipeline->peers, exchange->connection, subject.pod_uid);
    named = cs_pod_index_name(pipeline->pods.index, &subject, &facts) == 0;
    if (cs_pipeline_is_relay(pipeline, exchange, &subject)) {
        pipeline->stats.relayed++;
        return;
    }
    if (!exchange->answer_ns)
        cs_peers_gave_up(pipeline->peers, exchange, subject.pod_uid);
    cs_pipeline_classify(pipeline, exchange, &caller, &verdict);
    if (named || !cs_pipeline_wait(pipeline, exchange, &verdict, &subject))
        record(pipeline, exchange, &verdict, &subject, &facts);
}

void cs_pipeline_waited(void *data, const struct cs_exchange *exchange,
                        const struct cs_verdict *before, enum cs_pending_why why)
{
    struct cs_pipeline *pipeline = data;
    struct cs_verdict verdict = *before;
    struct cs_subject subject;
    struct cs_pod_facts facts;
    const struct cs_pipeline_caller caller = {&subject, &facts};

    (void)why;
    attribute(pipeline, exchange->connection, &subject);
    if (cs_pod_index_name(pipeline->pods.index, &subject, &facts) == 0)
        cs_pipeline_classify_again(pipeline, exchange, &caller, before, &verdict);
    record(pipeline, exchange, &verdict, &subject, &facts);
}

enum cs_mechanism cs_pipeline_identify(void *data, const struct cs_exchange *exchange,
                                       struct cs_subject *subject)
{
    struct cs_pipeline *pipeline = data;
    struct cs_verdict verdict;
    struct cs_pod_facts facts;
    const struct cs_pipeline_caller caller = {subject, &facts};

    if (exchange->connection->kernel_thread)
        cs_subject_unknown(CS_ATTRIBUTION_KERNEL, subject);
    else
        cs_container_table_subject(pipeline->containers, exchange->connection->cgroup_id, subject);
    cs_pod_index_name(pipeline->pods.index, subject, &facts);
    cs_pipeline_classify_in_flight(pipeline, exchange, &caller, &verdict);
    return verdict.mechanism;
}

/* Where pods live in cgroup v1 only, every process is in the v2 root: look at the process. What
 * has ended or can't be seen may have been a pod's as well as the host's: NO_ID. */
static uint64_t cgroup_of_process(struct cs_pipeline *pipeline, uint64_t cgroup_id, uint32_t tgid)
{
    char path[CS_CGROUP_PATH_MAX + 1];
    uint64_t id;

    if (!pipeline->root_shared || cgroup_id != ROOT_ID)
        return cgroup_id;
    if (!pipeline->process_path || pipeline->process_path(tgid, path, sizeof(path)) < 0)
        return NO_ID;
    id = cs_hash(CS_HASH_START, path, strlen(path)) | MADE_UP_ID;
    if (cs_container_table_has(pipeline->containers, id))
        return id;
    if (cs_container_table_add(pipeline->containers, id, (struct cs_slice){path, strlen(path)},
                               false, 0) < 0)
        return NO_ID;
    /* Nothing will tell when it goes: kept as long as what has gone, and added again if used. */
    cs_container_table_remove(pipeline->containers, id, pipeline->now_ns);
    return id;
}

static void token_open(struct cs_pipeline *pipeline, const struct cs_fact_token_open *fact)
{
    uint64_t id = cgroup_of_process(pipeline, fact->cgroup_id, fact->tgid);
    struct cs_subject subject;
    struct cs_token_open open = {.time_ns = fact->header.time_ns,
                                 .cgroup_id = id,
                                 .tgid = fact->tgid,
                                 .pod_uid = subject.pod_uid};

    if (fact->token >= pipeline->watchlist->token_count)
        return;
    /* One whose opener is unknown must not speak for another. */
    if (id == NO_ID) {
        pipeline->stats.tokens_unattributed++;
        return;
    }
    open.mechanism = pipeline->watchlist->tokens[fact->token].mechanism;
    resolve_cgroup(pipeline, id);
    cs_container_table_subject(pipeline->containers, id, &subject);
    /* What the agent is shown needs no other evidence than the request itself. */
    if (open.mechanism != CS_MECHANISM_EKS_POD_IDENTITY &&
        cs_token_opens_note(pipeline->token_opens, &open) < 0)
        pipeline->stats.tokens_forgotten++;
    cs_pipeline_find_token(pipeline, id, open.mechanism, open.time_ns);
}

/* Before any answer, when the connection is still told as redirected. */
static void learn_peer(struct cs_pipeline *pipeline, const struct cs_fact_header *header)
{
    const struct cs_connection *connection =
        cs_assembler_connection(pipeline->assembler, header->cookie, header->generation);
    struct cs_subject subject;

    if (!connection || !connection->intercept_place)
        return;
    attribute(pipeline, connection, &subject);
    cs_peers_learn(pipeline->peers, connection, subject.pod_uid);
}

static void of_socket(struct cs_pipeline *pipeline, const struct cs_fact *fact)
{
    const struct cs_fact_header *header = &fact->header;

    if (header->type == CS_FACT_CONNECT_FAILED)
        cs_pipeline_relay(pipeline, header);
    /* What it can't take it counts itself. */
    cs_assembler_feed(pipeline->assembler, fact);
    switch (header->type) {
    case CS_FACT_INTERCEPTED:
        learn_peer(pipeline, header);
        break;
    case CS_FACT_CONNECT:
    case CS_FACT_ESTABLISHED:
    case CS_FACT_REQUEST:
    case CS_FACT_CLIENT_HELLO:
        cs_pipeline_relay(pipeline, header);
        break;
    }
}

void cs_pipeline_fact(struct cs_pipeline *pipeline, const void *data, size_t size, uint64_t now_ns)
{
    struct cs_fact fact;
    enum cs_fact_error error = cs_fact_decode(data, size, &fact);

    pipeline->now_ns = now_ns;
    if (error != CS_FACT_OK) {
        pipeline->stats.decode_errors[error]++;
        return;
    }
    pipeline->stats.facts[fact.header.type]++;
    switch (fact.header.type) {
    case CS_FACT_CGROUP_CREATED:
        /* A table that is full counts it itself. */
        cs_container_table_add(pipeline->containers, fact.cgroup.cgroup_id,
                               (struct cs_slice){fact.text, fact.cgroup.path_len},
                               fact.cgroup.flags & CS_CGROUP_PATH_CUT, fact.header.time_ns);
        break;
    case CS_FACT_CGROUP_REMOVED:
        cs_container_table_remove(pipeline->containers, fact.cgroup.cgroup_id, fact.header.time_ns);
        cs_pipeline_cgroup_removed(pipeline, fact.cgroup.cgroup_id);
        break;
    case CS_FACT_TOKEN_OPEN:
        token_open(pipeline, &fact.token_open);
        break;
    case CS_FACT_CONNECT:
        if (!(fact.connect.flags & CS_CONNECT_KTHREAD))
            fact.connect.cgroup_id =
                cgroup_of_process(pipeline, fact.connect.cgroup_id, fact.connect.tgid);
        /* fall through */
    default:
        of_socket(pipeline, &fact);
        break;
    }
}

void cs_pipeline_tick(struct cs_pipeline *pipeline, uint64_t now_ns)
{
    pipeline->now_ns = now_ns;
    cs_assembler_tick(pipeline->assembler, now_ns);
    if (pipeline->pods.pending)
        cs_pending_tick(pipeline->pods.pending, now_ns);
}

uint64_t cs_pipeline_deadline(const struct cs_pipeline *pipeline)
{
    uint64_t assembler = cs_assembler_deadline(pipeline->assembler);
    uint64_t pending = UINT64_MAX;

    if (pipeline->pods.pending)
        pending = cs_pending_deadline(pipeline->pods.pending);
    return assembler < pending ? assembler : pending;
}

void cs_pipeline_loss(struct cs_pipeline *pipeline, const char *hop, const char *reason,
                      uint64_t count)
{
    cs_pipeline_keep_line(pipeline, cs_event_json_loss(pipeline->line, sizeof(pipeline->line),
                                                       &pipeline->context, pipeline->now_ns, hop,
                                                       reason, count));
}
