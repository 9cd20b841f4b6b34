// SPDX-License-Identifier: Apache-2.0
#include "core/classify/classify_private.h"

#include "base/util.h"
#include "core/classify/classify_party.h"
#include "core/classify/server_name.h"
#include "core/classify/watchlist.h"

#include <assert.h>
#include <string.h>

static const char *const endpoint_names[] = {
    [CS_ENDPOINT_POD_IDENTITY_AGENT] = "pod-identity-agent",
    [CS_ENDPOINT_IMDS] = "imds",
    [CS_ENDPOINT_STS] = "sts",
    [CS_ENDPOINT_ENTRA] = "entra",
    [CS_ENDPOINT_EKS_AUTH] = "eks-auth",
    [CS_ENDPOINT_PROXY] = "proxy",
    [CS_ENDPOINT_UNKNOWN] = "~unknown",
};
static_assert(CS_ARRAY_SIZE(endpoint_names) == CS_ENDPOINT_END, "a name for every endpoint");

static const char *const confidence_names[] = {
    [CS_CONFIDENCE_LOW] = "low",
    [CS_CONFIDENCE_MEDIUM] = "medium",
    [CS_CONFIDENCE_HIGH] = "high",
};
static_assert(CS_ARRAY_SIZE(confidence_names) == CS_CONFIDENCE_END, "a name for each");

static const char *const reason_names[] = {
    [CS_REASON_ADDRESS] = "address",
    [CS_REASON_PATH] = "path",
    [CS_REASON_SERVER_HEADER] = "server_header",
    [CS_REASON_NO_SERVER_HEADER] = "no_server_header",
    [CS_REASON_INTERCEPTED] = "intercepted",
    [CS_REASON_LISTENER_PORT] = "listener_port",
    [CS_REASON_SNI] = "sni",
    [CS_REASON_TOKEN_HEADER] = "token_header",
    [CS_REASON_TOKEN_OPEN] = "token_open",
    [CS_REASON_RECORD_SHAPE] = "record_shape",
    [CS_REASON_DECLARED] = "declared",
    [CS_REASON_CONNECT_FAILED] = "connect_failed",
    [CS_REASON_GAP] = "gap",
    [CS_REASON_TOKEN_OPEN_OTHER] = "token_open_other_process",
    [CS_REASON_TOKEN_OPEN_POD] = "token_open_of_pod",
    [CS_REASON_TOKEN_OPEN_PAST] = "token_open_past",
    [CS_REASON_NO_TOKEN_OPEN] = "no_token_open",
    [CS_REASON_NO_TOKEN_HOOK] = "no_token_hook",
    [CS_REASON_NOT_DECLARED] = "not_declared",
    [CS_REASON_PRECEDED] = "preceded",
    [CS_REASON_ANSWER_SIZE] = "answer_size",
    [CS_REASON_LISTENER_POD] = "listener_pod",
    [CS_REASON_PROXIED] = "proxied",
};
static_assert(CS_ARRAY_SIZE(reason_names) == CS_REASON_END, "a name for every reason");

const char *cs_endpoint_name(enum cs_endpoint endpoint)
{
    return endpoint_names[endpoint];
}

const char *cs_confidence_name(enum cs_confidence confidence)
{
    return confidence_names[confidence];
}

const char *cs_reason_name(enum cs_reason reason)
{
    return reason_names[reason];
}

enum cs_result cs_verdict_result(const struct cs_verdict *verdict)
{
    enum cs_result result = cs_request_result(verdict->mechanism, verdict->outcome);

    return result == CS_RESULT_FAILURE && verdict->probe ? CS_RESULT_NEITHER : result;
}

/* By the server's name: the ClientHello's, else that of a CONNECT line, less its port. */
static enum cs_endpoint named_endpoint(const struct cs_evidence *evidence)
{
    const struct cs_connection *connection = evidence->exchange->connection;
    char name[CS_HOST_NAME_MAX + 1];
    struct cs_server_name parsed;

    if (connection->server_name[0]) {
        memcpy(name, connection->server_name, sizeof(name));
    } else {
        const char *colon = strrchr(connection->authority, ':');

        cs_text_copy(name, sizeof(name), connection->authority,
                     colon ? (size_t)(colon - connection->authority)
                           : strlen(connection->authority));
    }
    if (!name[0] || !cs_server_name_parse(evidence->watchlist, name, &parsed))
        return CS_ENDPOINT_UNKNOWN;
    return parsed.endpoint;
}

static enum cs_endpoint endpoint_of(const struct cs_evidence *evidence)
{
    const struct cs_connection *connection = evidence->exchange->connection;
    const struct cs_watch_address *address;
    enum cs_endpoint endpoint;

    if (connection->kind == CS_WATCH_PLAIN) {
        address = cs_watchlist_address(evidence->watchlist, connection->daddr, connection->dport);
        return address ? address->endpoint : CS_ENDPOINT_IMDS;
    }
    endpoint = named_endpoint(evidence);
    if (endpoint == CS_ENDPOINT_UNKNOWN && connection->kind == CS_WATCH_PROXY)
        return CS_ENDPOINT_PROXY;
    return endpoint;
}

bool cs_evidence_intercepted(const struct cs_evidence *evidence)
{
    const struct cs_connection *connection = evidence->exchange->connection;

    return connection->intercept_place &&
           !(connection->intercept_cgroup_id &&
             connection->intercept_cgroup_id == connection->cgroup_id);
}

/* What a gateway asks of a node's own addresses is its own; and a login, once it has opened a token
 * file. */
static bool asks_for_others(const struct cs_evidence *evidence)
{
    bool opened = evidence->token_open_ns || evidence->token_opened_before;

    return cs_party_is_node_proxy(&evidence->caller) ||
           (cs_party_is_gateway(&evidence->caller) &&
            evidence->exchange->connection->kind != CS_WATCH_PLAIN && !opened);
}

/* Whether the caller is none who wants credentials for itself. */
static void judge_caller(const struct cs_evidence *evidence, struct cs_verdict *verdict)
{
    const struct cs_connection *connection = evidence->exchange->connection;

    verdict->upstream = evidence->caller_listens || cs_party_asks_for_others(&evidence->caller) ||
                        (connection->intercept_place && !cs_evidence_intercepted(evidence));
    if (asks_for_others(evidence)) {
        verdict->proxied = true;
        verdict->confidence = CS_CONFIDENCE_LOW;
        verdict->reasons |= CS_REASON_BIT(PROXIED);
    }
}

void cs_classify(const struct cs_evidence *evidence, struct cs_verdict *verdict)
{
    const struct cs_exchange *exchange = evidence->exchange;

    *verdict = (struct cs_verdict){
        .mechanism = CS_MECHANISM_UNKNOWN,
        .endpoint = endpoint_of(evidence),
        .outcome = exchange->outcome,
        .confidence = CS_CONFIDENCE_LOW,
        .kept = {.token_open_ns = evidence->token_open_ns,
                 .token_match = (uint8_t)evidence->token_match,
                 .token_opened_before = evidence->token_opened_before,
                 .token_contested = evidence->token_contested,
                 .preceded = (uint8_t)evidence->preceded,
                 .token_call_guessed = evidence->token_call_guessed,
                 .token_call_bytes = evidence->token_call_bytes},
    };
    switch (verdict->endpoint) {
    case CS_ENDPOINT_POD_IDENTITY_AGENT:
        cs_classify_agent(evidence, verdict);
        break;
    case CS_ENDPOINT_IMDS:
        cs_classify_imds(evidence, verdict);
        break;
    case CS_ENDPOINT_STS:
    case CS_ENDPOINT_ENTRA:
    case CS_ENDPOINT_EKS_AUTH:
        cs_classify_tls(evidence, verdict);
        break;
    default:
        break;
    }
    judge_caller(evidence, verdict);
    if (exchange->connect_failed)
        verdict->reasons |= CS_REASON_BIT(CONNECT_FAILED);
    if (!exchange->observed) {
        verdict->reasons |= CS_REASON_BIT(GAP);
        if (verdict->confidence == CS_CONFIDENCE_HIGH)
            verdict->confidence = CS_CONFIDENCE_MEDIUM;
    }
}
