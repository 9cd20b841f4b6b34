// SPDX-License-Identifier: Apache-2.0
/* HTTP/1.1: requests and answers in order (RFC 9112 9.3.2), and the CONNECT prologue. */
#include "core/exchange/assembler_private.h"

#include "base/util.h"
#include "core/http_line.h"

#include <stdlib.h>
#include <string.h>

static struct cs_request *request_new(struct cs_assembler *assembler, struct cs_tracked *tracked)
{
    struct cs_request *request = TAILQ_FIRST(&assembler->spare_requests);

    if (tracked->requests_count >= CS_PIPELINE_MAX ||
        assembler->stats.requests_in_flight >= assembler->options.requests_max)
        return NULL;
    if (request) {
        TAILQ_REMOVE(&assembler->spare_requests, request, link);
        assembler->spare_requests_count--;
        memset(request, 0, sizeof(*request));
        return request;
    }
    return calloc(1, sizeof(*request));
}

static void request_remove(struct cs_assembler *assembler, struct cs_tracked *tracked,
                           struct cs_request *request)
{
    TAILQ_REMOVE(&tracked->requests, request, link);
    tracked->requests_count--;
    tracked->dropped_next += request->dropped_after;
    assembler->stats.requests_in_flight--;
    if (assembler->spare_requests_count >= CS_SPARE_MAX) {
        free(request);
        return;
    }
    TAILQ_INSERT_HEAD(&assembler->spare_requests, request, link);
    assembler->spare_requests_count++;
}

void cs_assembler_free_requests(struct cs_request_list *list)
{
    struct cs_request *request;

    while ((request = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, request, link);
        free(request);
    }
}

/* Hand over the oldest request in flight as it stands. */
static void hand_over_first(struct cs_assembler *assembler, struct cs_tracked *tracked)
{
    struct cs_request *request = TAILQ_FIRST(&tracked->requests);

    cs_assembler_emit(assembler, tracked, &request->exchange);
    request_remove(assembler, tracked, request);
}

static void hand_over_unobserved(struct cs_assembler *assembler, struct cs_tracked *tracked)
{
    struct cs_request *request = TAILQ_FIRST(&tracked->requests);

    request->exchange.outcome = CS_OUTCOME_UNOBSERVED;
    request->exchange.observed = false;
    hand_over_first(assembler, tracked);
}

static void fill(struct cs_exchange *exchange, struct cs_tracked *tracked,
                 const struct cs_fact *fact)
{
    const struct cs_fact_request *request = &fact->request;
    struct cs_http_line line;

    exchange->connection = &tracked->connection;
    exchange->index = tracked->next_index++;
    exchange->start_ns = request->first_byte_ns ? request->first_byte_ns : fact->header.time_ns;
    exchange->outcome = CS_OUTCOME_UNOBSERVED;
    exchange->observed = true;
    exchange->request_flags = request->flags;
    exchange->response_length = UINT64_MAX;
    cs_http_line_parse(fact->text, request->flags & CS_REQUEST_LINE_CUT, &line);
    cs_text_copy(exchange->method, sizeof(exchange->method), line.method.data, line.method.len);
    cs_text_copy(exchange->path, sizeof(exchange->path), line.target.data, line.target.len);
    cs_text_copy(exchange->user_agent, sizeof(exchange->user_agent), cs_fact_user_agent(fact),
                 request->user_agent_len);
}

void cs_assembler_request(struct cs_assembler *assembler, struct cs_tracked *tracked,
                          const struct cs_fact *fact)
{
    struct cs_request *request;

    /* A client that asks again has had its answer, in the gap. */
    while (!TAILQ_EMPTY(&tracked->requests) && TAILQ_FIRST(&tracked->requests)->gap)
        hand_over_unobserved(assembler, tracked);
    request = request_new(assembler, tracked);
    if (!request) {
        struct cs_request *last = TAILQ_LAST(&tracked->requests, cs_request_list);
        struct cs_exchange exchange = {0};

        cs_assembler_lossy(tracked, CS_LOSS_REQUESTS_FULL);
        if (last)
            last->dropped_after++;
        else
            tracked->dropped_next++;
        fill(&exchange, tracked, fact);
        exchange.observed = false;
        cs_assembler_emit(assembler, tracked, &exchange);
        return;
    }
    fill(&request->exchange, tracked, fact);
    if (tracked->hidden_requests) {
        request->exchange.observed = false; /* the next answer may be a hidden request's */
        tracked->hidden_requests = false;
    }
    TAILQ_INSERT_TAIL(&tracked->requests, request, link);
    tracked->requests_count++;
    assembler->stats.requests_in_flight++;
}

static void answer(struct cs_exchange *exchange, const struct cs_fact *fact)
{
    const struct cs_fact_response *response = &fact->response;

    exchange->status = response->status;
    exchange->outcome = cs_outcome_from_status(response->status);
    exchange->answer_ns = response->first_byte_ns ? response->first_byte_ns : fact->header.time_ns;
    exchange->end_ns = fact->header.time_ns;
    if (response->flags & CS_RESPONSE_LENGTH)
        exchange->response_length = response->body_length;
    cs_text_copy(exchange->server, sizeof(exchange->server), fact->text, response->server_len);
}

/* A refused or unanswered CONNECT: the exchange is the prologue itself. */
static void tunnel_exchange(struct cs_tracked *tracked, struct cs_exchange *exchange)
{
    *exchange = (struct cs_exchange){
        .connection = &tracked->connection,
        .start_ns = tracked->tunnel_ns,
        .outcome = CS_OUTCOME_UNOBSERVED,
        .observed = true,
        .response_length = UINT64_MAX,
        .method = "CONNECT",
    };
    cs_text_copy(exchange->path, sizeof(exchange->path), tracked->connection.authority,
                 strlen(tracked->connection.authority));
}

static void tunnel_answered(struct cs_assembler *assembler, struct cs_tracked *tracked,
                            const struct cs_fact *fact)
{
    struct cs_exchange exchange;

    tracked->tunnel_pending = false;
    if (fact->response.status < 300)
        return;
    tunnel_exchange(tracked, &exchange);
    exchange.index = tracked->next_index++;
    answer(&exchange, fact);
    cs_assembler_emit(assembler, tracked, &exchange);
}

void cs_assembler_response(struct cs_assembler *assembler, struct cs_tracked *tracked,
                           const struct cs_fact *fact)
{
    struct cs_request *request = TAILQ_FIRST(&tracked->requests);
    uint16_t status = fact->response.status;

    if (status < 200 && status != 101)
        return;
    if (tracked->tunnel_pending) {
        tunnel_answered(assembler, tracked, fact);
        return;
    }
    if (tracked->dropped_next > 0) {
        tracked->dropped_next--;
        return;
    }
    if (!request) {
        assembler->stats.responses_unmatched++;
        if (!tracked->hidden_requests)
            cs_assembler_lossy(tracked, CS_LOSS_UNMATCHED);
        tracked->hidden_requests = false;
        return;
    }
    if (request->gap && tracked->requests_count > 1) {
        /* Whose answer it is can't be known. */
        assembler->stats.responses_unmatched++;
        while (request && request->gap) {
            hand_over_unobserved(assembler, tracked);
            request = TAILQ_FIRST(&tracked->requests);
        }
        return;
    }
    answer(&request->exchange, fact);
    if (request->gap)
        request->exchange.observed = false;
    hand_over_first(assembler, tracked);
}

void cs_assembler_tunnel(struct cs_tracked *tracked, const struct cs_fact *fact)
{
    struct cs_connection *connection = &tracked->connection;

    cs_text_copy(connection->authority, sizeof(connection->authority), fact->text,
                 fact->tunnel.authority_len);
    tracked->tunnel_ns =
        fact->tunnel.first_byte_ns ? fact->tunnel.first_byte_ns : fact->header.time_ns;
    tracked->tunnel_pending = true;
}

void cs_assembler_http_gap(struct cs_tracked *tracked, bool egress, bool ingress)
{
    struct cs_request *request;

    if (egress)
        tracked->hidden_requests = true;
    if (!ingress)
        return;
    TAILQ_FOREACH(request, &tracked->requests, link)
    request->gap = true;
}

void cs_assembler_http_end(struct cs_assembler *assembler, struct cs_tracked *tracked,
                           const struct cs_ending *ending)
{
    struct cs_exchange exchange;

    if (tracked->tunnel_pending) {
        tunnel_exchange(tracked, &exchange);
        exchange.index = tracked->next_index++;
        exchange.observed = ending->seen && !tracked->lossy;
        if (exchange.observed)
            exchange.outcome = ending->outcome;
        cs_assembler_emit(assembler, tracked, &exchange);
        tracked->tunnel_pending = false;
    }
    while (!TAILQ_EMPTY(&tracked->requests)) {
        struct cs_request *request = TAILQ_FIRST(&tracked->requests);

        if (!ending->seen || request->gap) {
            hand_over_unobserved(assembler, tracked);
            continue;
        }
        request->exchange.outcome = ending->outcome;
        hand_over_first(assembler, tracked);
    }
}
