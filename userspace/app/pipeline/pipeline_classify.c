/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers what is known beside an exchange, and has it classified. */
#include "app/pipeline/pipeline_parts.h"

#include "base/util.h"
#include "core/classify/classify_party.h"

#include <string.h>

int cs_pipeline_evidence_make(struct cs_pipeline *pipeline)
{
    int error = cs_token_opens_new(CS_TOKEN_OPENS_MAX, &pipeline->token_opens);

    if (error == 0)
        error = cs_call_history_new(CS_CALL_HISTORY_MAX, &pipeline->calls);
    if (error == 0)
        error = cs_peers_new(&pipeline->peers);
    return error;
}

void cs_pipeline_evidence_free(struct cs_pipeline *pipeline)
{
    cs_peers_free(pipeline->peers);
    cs_call_history_free(pipeline->calls);
    cs_token_opens_free(pipeline->token_opens);
}

static enum cs_mechanism token_of_endpoint(enum cs_endpoint endpoint)
{
    switch (endpoint) {
    case CS_ENDPOINT_STS:
        return CS_MECHANISM_IRSA;
    case CS_ENDPOINT_ENTRA:
        return CS_MECHANISM_AZURE_WORKLOAD_IDENTITY;
    default:
        return CS_MECHANISM_END;
    }
}

struct cs_party cs_pipeline_party(const struct cs_subject *subject)
{
    return (struct cs_party){
        .known = subject->attribution == CS_ATTRIBUTION_POD,
        .host_network = subject->host_network,
        .workload = subject->workload.workload,
        .container = subject->container,
        .image = subject->image,
    };
}

/* Who listens, if the sensor could tell; listener keeps the texts. */
static void put_listener(struct cs_pipeline *pipeline, const struct cs_connection *connection,
                         struct cs_subject *listener, struct cs_evidence *evidence)
{
    if (!connection->intercept_place || !connection->intercept_cgroup_id ||
        connection->intercept_cgroup_id == connection->cgroup_id)
        return;
    cs_container_table_subject(pipeline->containers, connection->intercept_cgroup_id, listener);
    cs_pod_index_name(pipeline->pods.index, listener, NULL);
    evidence->listener = cs_pipeline_party(listener);
}

static void put_parties(struct cs_pipeline *pipeline, const struct cs_pipeline_caller *caller,
                        struct cs_subject *listener, struct cs_evidence *evidence)
{
    const struct cs_connection *connection = evidence->exchange->connection;

    evidence->caller = cs_pipeline_party(caller->subject);
    evidence->caller.alone = caller->facts->alone;
    evidence->declared_known = caller->facts->known;
    evidence->declared = caller->facts->declared;
    evidence->no_token_hook = pipeline->no_token_hook;
    if (connection->kernel_thread)
        return;
    /* Those on the node's network pass its interceptor by. */
    evidence->interceptor_near = !caller->subject->host_network &&
                                 cs_peers_intercept(pipeline->peers, connection->connect_ns);
    evidence->caller_listens = cs_peers_listens(pipeline->peers, connection->cgroup_id);
    evidence->pod_redirects = cs_peers_redirects(pipeline->peers, caller->subject->pod_uid) ||
                              cs_party_interceptor(&evidence->caller) == CS_INTERCEPTOR_MESH;
    put_listener(pipeline, connection, listener, evidence);
}

static void calls_of(const struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                     uint32_t tgid, struct cs_calls_under_way *calls)
{
    const struct cs_connection *connection = exchange->connection;
    uint64_t to = exchange->start_ns;
    uint64_t from = to > CS_TOKEN_OPENS_RECENT_NS ? to - CS_TOKEN_OPENS_RECENT_NS : 0;

    cs_assembler_calls(pipeline->assembler, tgid, connection->server_name, from, to, connection->id,
                       calls);
}

/* Exchanges come when they are over, not in the order in which they began. An open is for the
 * first call after it: not for this one if others of its process, begun before, aren't over. */
static void leave_to_others(const struct cs_pipeline *pipeline, struct cs_evidence *evidence,
                            struct cs_token_found *found)
{
    struct cs_calls_under_way calls = {0}, openers = {0};

    calls_of(pipeline, evidence->exchange, evidence->exchange->connection->tgid, &calls);
    if (found->match == CS_TOKEN_OF_CONTAINER)
        calls_of(pipeline, evidence->exchange, found->tgid, &openers);
    evidence->token_contested = calls.earlier + calls.later > 0;
    if (calls.earlier > 0 &&
        (evidence->preceded == CS_PRECEDED_NOTHING || evidence->preceded == CS_PRECEDED_UNKNOWN))
        evidence->preceded = CS_PRECEDED_CALL;
    if ((found->match == CS_TOKEN_OF_PROCESS && calls.earlier >= found->recent) ||
        openers.earlier + openers.later > 0) {
        if (found->match == CS_TOKEN_OF_CONTAINER &&
            (evidence->preceded == CS_PRECEDED_NOTHING ||
             evidence->preceded == CS_PRECEDED_UNKNOWN ||
             evidence->preceded == CS_PRECEDED_TOKEN_OTHER))
            evidence->preceded = CS_PRECEDED_TOKEN_BESIDE;
        *found = (struct cs_token_found){.opened_before = true};
    }
}

/* The open that can explain a call; *query is what it was asked with. */
static void put_token(const struct cs_pipeline *pipeline, const struct cs_subject *subject,
                      enum cs_mechanism token, struct cs_evidence *evidence,
                      struct cs_token_query *query, struct cs_token_found *found)
{
    const struct cs_connection *connection = evidence->exchange->connection;

    *query = (struct cs_token_query){
        .cgroup_id = connection->cgroup_id,
        .pod_uid = subject->pod_uid,
        .tgid = connection->tgid,
        .mechanism = token,
        .before_ns = evidence->exchange->start_ns,
    };
    cs_token_opens_find(pipeline->token_opens, query, found);
    leave_to_others(pipeline, evidence, found);
    evidence->token_open_ns = found->time_ns;
    evidence->token_mechanism = token;
    evidence->token_match = found->match;
    evidence->token_opened_before = found->opened_before;
}

/* Whether everything that the container did was watched. */
static bool is_whole(const struct cs_pipeline *pipeline, uint64_t cgroup_id)
{
    struct cs_container container;

    return cs_container_table_get(pipeline->containers, cgroup_id, &container) == 0 &&
           container.created_ns != 0;
}

/* True when what was found of a token explains the exchange. */
static bool classify(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                     const struct cs_pipeline_caller *caller, struct cs_verdict *verdict,
                     struct cs_token_query *query, struct cs_token_found *found)
{
    struct cs_evidence evidence = {.exchange = exchange, .watchlist = pipeline->watchlist};
    struct cs_subject listener;
    enum cs_mechanism token;

    put_parties(pipeline, caller, &listener, &evidence);
    cs_classify(&evidence, verdict);
    token = token_of_endpoint(verdict->endpoint);
    if (token == CS_MECHANISM_END || exchange->connection->kernel_thread)
        return false;
    cs_call_history_ask(pipeline->calls, token, is_whole(pipeline, exchange->connection->cgroup_id),
                        &evidence);
    put_token(pipeline, caller->subject, token, &evidence, query, found);
    cs_classify(&evidence, verdict);
    return found->time_ns != 0 && verdict->mechanism == token;
}

static void note(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                 const struct cs_verdict *verdict)
{
    if (cs_call_history_note(pipeline->calls, exchange, verdict) < 0)
        pipeline->stats.calls_forgotten++;
}

void cs_pipeline_classify(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                          const struct cs_pipeline_caller *caller, struct cs_verdict *verdict)
{
    struct cs_token_query query;
    struct cs_token_found found;

    if (classify(pipeline, exchange, caller, verdict, &query, &found))
        cs_token_opens_take(pipeline->token_opens, &query, &found);
    note(pipeline, exchange, verdict);
}

void cs_pipeline_classify_in_flight(struct cs_pipeline *pipeline,
                                    const struct cs_exchange *exchange,
                                    const struct cs_pipeline_caller *caller,
                                    struct cs_verdict *verdict)
{
    struct cs_token_query query;
    struct cs_token_found found;

    classify(pipeline, exchange, caller, verdict, &query, &found);
}

void cs_pipeline_classify_again(struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                                const struct cs_pipeline_caller *caller,
                                const struct cs_verdict *before, struct cs_verdict *verdict)
{
    const struct cs_kept_evidence *kept = &before->kept;
    struct cs_evidence evidence = {
        .exchange = exchange,
        .watchlist = pipeline->watchlist,
        .token_open_ns = kept->token_open_ns,
        .token_mechanism = token_of_endpoint(before->endpoint),
        .token_match = (enum cs_token_match)kept->token_match,
        .token_opened_before = kept->token_opened_before,
        .token_contested = kept->token_contested,
        .preceded = (enum cs_preceded)kept->preceded,
        .token_call_guessed = kept->token_call_guessed,
        .token_call_bytes = kept->token_call_bytes,
    };
    struct cs_subject listener;

    put_parties(pipeline, caller, &listener, &evidence);
    cs_classify(&evidence, verdict);
    if (verdict->mechanism != before->mechanism)
        note(pipeline, exchange, verdict);
}
