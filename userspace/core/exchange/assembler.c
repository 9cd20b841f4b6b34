// SPDX-License-Identifier: Apache-2.0
#include "core/exchange/assembler_private.h"

#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const loss_names[] = {
    [CS_LOSS_FACTS] = "facts",           [CS_LOSS_GAP] = "gap",
    [CS_LOSS_UNMATCHED] = "unmatched",   [CS_LOSS_REQUESTS_FULL] = "requests_full",
    [CS_LOSS_TABLE_FULL] = "table_full", [CS_LOSS_EXPIRED] = "expired",
    [CS_LOSS_UNKNOWN] = "unknown",
};
static_assert(CS_ARRAY_SIZE(loss_names) == CS_LOSS_END, "a name for every loss");

const char *cs_loss_name(enum cs_loss loss)
{
    return loss_names[loss];
}

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
    return value ? value : fallback;
}

struct cs_assembler *cs_assembler_new(const struct cs_assembler_options *options)
{
    struct cs_assembler *assembler;

    if (!options->sink) {
        errno = EINVAL;
        return NULL;
    }
    assembler = calloc(1, sizeof(*assembler));
    if (!assembler)
        return NULL;
    assembler->options = *options;
    options = &assembler->options;
    assembler->options.connections_max = or_default(options->connections_max, 8192);
    assembler->options.requests_max = or_default(options->requests_max, 4096);
    assembler->options.syn_timeout_ns = or_default(options->syn_timeout_ns, 150 * CS_NSEC_PER_SEC);
    assembler->options.expiry_ns = or_default(options->expiry_ns, 3600 * CS_NSEC_PER_SEC);
    assembler->options.tls_idle_ns = or_default(options->tls_idle_ns, 500 * CS_NSEC_PER_MSEC);
    assembler->options.reorder_ns = or_default(options->reorder_ns, 250 * CS_NSEC_PER_MSEC);
    TAILQ_INIT(&assembler->recent);
    TAILQ_INIT(&assembler->held);
    TAILQ_INIT(&assembler->spare);
    TAILQ_INIT(&assembler->spare_requests);
    for (size_t i = 0; i < CS_WAIT_END; i++)
        TAILQ_INIT(&assembler->waiting[i]);
    return assembler;
}

void cs_assembler_free(struct cs_assembler *assembler)
{
    struct cs_tracked *tracked;

    if (!assembler)
        return;
    HASH_CLEAR(hh, assembler->table);
    while ((tracked = TAILQ_FIRST(&assembler->recent))) {
        TAILQ_REMOVE(&assembler->recent, tracked, recent_link);
        cs_assembler_drop_held(assembler, tracked);
        cs_assembler_free_requests(&tracked->requests);
        free(tracked);
    }
    while ((tracked = TAILQ_FIRST(&assembler->spare))) {
        TAILQ_REMOVE(&assembler->spare, tracked, recent_link);
        free(tracked);
    }
    cs_assembler_free_requests(&assembler->spare_requests);
    free(assembler);
}

void cs_assembler_wait(struct cs_assembler *assembler, struct cs_tracked *tracked,
                       enum cs_wait wait)
{
    if (tracked->wait != CS_WAIT_NOTHING)
        TAILQ_REMOVE(&assembler->waiting[tracked->wait], tracked, wait_link);
    tracked->wait = wait;
    tracked->since_ns = assembler->now_ns;
    if (wait != CS_WAIT_NOTHING)
        TAILQ_INSERT_TAIL(&assembler->waiting[wait], tracked, wait_link);
}

void cs_assembler_emit(struct cs_assembler *assembler, struct cs_tracked *tracked,
                       struct cs_exchange *exchange)
{
    exchange->connection = &tracked->connection;
    exchange->end_ns = exchange->end_ns ? exchange->end_ns : assembler->event_ns;
    assembler->stats.exchanges++;
    if (!exchange->observed)
        assembler->stats.exchanges_unobserved++;
    cs_assembler_onward(assembler, &tracked->connection, exchange);
    assembler->options.sink(exchange, assembler->options.user);
}

void cs_assembler_lossy(struct cs_tracked *tracked, enum cs_loss loss)
{
    if (tracked->lossy)
        return;
    tracked->lossy = true;
    tracked->loss = loss;
}

/* What becomes of a request whose connection was closed for that reason. */
static struct cs_ending ending_of(const struct cs_fact_close *close)
{
    struct cs_ending ending = {.seen = true, .outcome = CS_OUTCOME_ABANDONED};

    switch (close->reason) {
    case CS_CLOSE_REMOTE:
        ending.by_peer = true;
        ending.outcome = CS_OUTCOME_NO_RESPONSE;
        break;
    case CS_CLOSE_TIMEOUT: /* not even an acknowledgement came back */
        ending.outcome = CS_OUTCOME_NO_RESPONSE;
        break;
    case CS_CLOSE_RESET_BY_PEER:
        ending.by_peer = true;
        ending.outcome = CS_OUTCOME_RESET;
        break;
    default:
        break;
    }
    return ending;
}

/* Hand over what is in flight. */
static void flush(struct cs_assembler *assembler, struct cs_tracked *tracked,
                  const struct cs_ending *ending)
{
    cs_assembler_tls_end(assembler, tracked, ending);
    cs_assembler_http_end(assembler, tracked, ending);
}

static void report_connect(struct cs_assembler *assembler, struct cs_tracked *tracked,
                           enum cs_outcome outcome)
{
    struct cs_exchange exchange = {
        .index = tracked->next_index++,
        .start_ns = tracked->connection.connect_ns,
        .outcome = outcome,
        .observed = true,
        .connect_failed = true,
        .response_length = UINT64_MAX,
    };

    tracked->connect_reported = true;
    cs_assembler_emit(assembler, tracked, &exchange);
}

static void connect_failed(struct cs_assembler *assembler, struct cs_tracked *tracked,
                           const struct cs_fact *fact)
{
    bool refused = fact->connect_failed.reason == CS_CONNECT_REFUSED;
    struct cs_ending ending = {
        .seen = true,
        .by_peer = refused,
        .outcome = refused ? CS_OUTCOME_REFUSED : CS_OUTCOME_UNREACHABLE,
    };
    uint32_t index = tracked->next_index;
    bool requests = tracked->requests_count > 0;

    /* With TCP Fast Open the SYN carried a request, and that is what failed. */
    flush(assembler, tracked, &ending);
    if (!requests && tracked->next_index == index && !tracked->connect_reported &&
        !tracked->connection.established_ns)
        report_connect(assembler, tracked, ending.outcome);
    cs_assembler_end(assembler, tracked);
}

static void established(struct cs_tracked *tracked, const struct cs_fact *fact)
{
    struct cs_connection *connection = &tracked->connection;

    connection->established_ns = fact->header.time_ns;
    memcpy(connection->saddr, fact->established.saddr, sizeof(connection->saddr));
    connection->sport = fact->established.sport;
    if (connection->established_ns > connection->connect_ns)
        tracked->tls.rtt_ns = connection->established_ns - connection->connect_ns;
}

/* The redirect inside the pod is what the client got; a listener on the node then is that same
 * one, seen from its other end, and only adds whose it is. */
static void intercepted(struct cs_connection *connection, const struct cs_fact_intercepted *fact)
{
    if (fact->cgroup_id)
        connection->intercept_cgroup_id = fact->cgroup_id;
    if (connection->intercept_place == CS_INTERCEPT_POD)
        return;
    /* Who is redirected itself takes nobody's connection. */
    if (fact->place == CS_INTERCEPT_POD)
        connection->relay_of = (struct cs_connection_id){0};
    connection->intercept_place = fact->place;
    memcpy(connection->intercept_addr, fact->addr, sizeof(connection->intercept_addr));
    connection->intercept_port = fact->port;
}

bool cs_assembler_apply(struct cs_assembler *assembler, struct cs_tracked *tracked,
                        const struct cs_fact *fact)
{
    struct cs_ending ending;

    assembler->event_ns = fact->header.time_ns;
    if (tracked->wait == CS_WAIT_CONNECT && fact->header.type != CS_FACT_INTERCEPTED)
        cs_assembler_wait(assembler, tracked, CS_WAIT_NOTHING);
    switch (fact->header.type) {
    case CS_FACT_ESTABLISHED:
        established(tracked, fact);
        break;
    case CS_FACT_CONNECT_FAILED:
        connect_failed(assembler, tracked, fact);
        return false;
    case CS_FACT_REQUEST:
        cs_assembler_request(assembler, tracked, fact);
        break;
    case CS_FACT_RESPONSE:
        cs_assembler_response(assembler, tracked, fact);
        break;
    case CS_FACT_TUNNEL:
        cs_assembler_tunnel(tracked, fact);
        break;
    case CS_FACT_CLIENT_HELLO:
        cs_assembler_client_hello(tracked, fact);
        break;
    case CS_FACT_SERVER_HELLO:
        cs_assembler_server_hello(tracked, fact);
        break;
    case CS_FACT_TLS_RECORD:
        cs_assembler_tls_record(assembler, tracked, fact);
        break;
    case CS_FACT_INTERCEPTED:
        intercepted(&tracked->connection, &fact->intercepted);
        cs_assembler_onward(assembler, &tracked->connection, NULL);
        break;
    case CS_FACT_GAP:
        cs_assembler_lossy(tracked, CS_LOSS_GAP);
        cs_assembler_http_gap(tracked, fact->gap.direction == CS_DIR_EGRESS,
                              fact->gap.direction == CS_DIR_INGRESS);
        break;
    case CS_FACT_CLOSE:
        ending = ending_of(&fact->close);
        flush(assembler, tracked, &ending);
        cs_assembler_end(assembler, tracked);
        return false;
    default:
        break;
    }
    return true;
}

int cs_assembler_feed(struct cs_assembler *assembler, const struct cs_fact *fact)
{
    struct cs_connection_id id = {fact->header.cookie, fact->header.generation, 0};
    struct cs_tracked *tracked;

    if (!cs_fact_is_of_socket(fact->header.type))
        return 0;
    assembler->stats.facts++;
    if (fact->header.time_ns > assembler->now_ns)
        assembler->now_ns = fact->header.time_ns;
    HASH_FIND(hh, assembler->table, &id, sizeof(id), tracked);
    if (!tracked) {
        if (fact->header.type == CS_FACT_CONNECT)
            return cs_assembler_begin(assembler, &id, fact);
        cs_assembler_orphan(assembler, &id, fact);
        return 0;
    }
    tracked->recent_ns = assembler->now_ns;
    TAILQ_REMOVE(&assembler->recent, tracked, recent_link);
    TAILQ_INSERT_TAIL(&assembler->recent, tracked, recent_link);
    cs_assembler_order(assembler, tracked, fact);
    return 0;
}

void cs_assembler_tick(struct cs_assembler *assembler, uint64_t now_ns)
{
    const struct cs_assembler_options *options = &assembler->options;
    const struct cs_ending unseen = {.outcome = CS_OUTCOME_UNOBSERVED};
    struct cs_tracked *tracked;

    if (now_ns > assembler->now_ns)
        assembler->now_ns = now_ns;
    now_ns = assembler->now_ns;
    while ((tracked = TAILQ_FIRST(&assembler->held)) &&
           now_ns - tracked->held_since_ns >= options->reorder_ns)
        cs_assembler_give_up(assembler, tracked);
    assembler->event_ns = now_ns;
    while ((tracked = TAILQ_FIRST(&assembler->waiting[CS_WAIT_ANSWER])) &&
           now_ns - tracked->since_ns >= options->tls_idle_ns)
        cs_assembler_tls_idle(assembler, tracked);
    while ((tracked = TAILQ_FIRST(&assembler->waiting[CS_WAIT_CONNECT])) &&
           now_ns - tracked->since_ns >= options->syn_timeout_ns) {
        cs_assembler_wait(assembler, tracked, CS_WAIT_NOTHING);
        report_connect(assembler, tracked, CS_OUTCOME_UNREACHABLE);
    }
    while ((tracked = TAILQ_FIRST(&assembler->recent)) &&
           now_ns - tracked->recent_ns >= options->expiry_ns) {
        cs_assembler_lossy(tracked, CS_LOSS_EXPIRED);
        flush(assembler, tracked, &unseen);
        cs_assembler_end(assembler, tracked);
    }
}

static uint64_t sooner(uint64_t deadline, uint64_t since_ns, uint64_t delay_ns)
{
    uint64_t at = since_ns + delay_ns;

    return at < deadline ? at : deadline;
}

uint64_t cs_assembler_deadline(const struct cs_assembler *assembler)
{
    const struct cs_assembler_options *options = &assembler->options;
    const struct cs_tracked *tracked;
    uint64_t deadline = UINT64_MAX;

    if ((tracked = TAILQ_FIRST(&assembler->held)))
        deadline = sooner(deadline, tracked->held_since_ns, options->reorder_ns);
    if ((tracked = TAILQ_FIRST(&assembler->waiting[CS_WAIT_ANSWER])))
        deadline = sooner(deadline, tracked->since_ns, options->tls_idle_ns);
    if ((tracked = TAILQ_FIRST(&assembler->waiting[CS_WAIT_CONNECT])))
        deadline = sooner(deadline, tracked->since_ns, options->syn_timeout_ns);
    if ((tracked = TAILQ_FIRST(&assembler->recent)))
        deadline = sooner(deadline, tracked->recent_ns, options->expiry_ns);
    return deadline;
}

void cs_assembler_each_in_flight(const struct cs_assembler *assembler, cs_exchange_fn fn,
                                 void *user)
{
    const struct cs_tracked *tracked;
    const struct cs_request *request;
    struct cs_exchange exchange;

    TAILQ_FOREACH(tracked, &assembler->recent, recent_link)
    {
        if (tracked->connection.relay_of.cookie)
            continue;
        TAILQ_FOREACH(request, &tracked->requests, link)
        {
            exchange = request->exchange;
            exchange.observed &= !request->gap;
            fn(&exchange, user);
        }
        if (cs_assembler_tls_in_flight(tracked, &exchange)) {
            fn(&exchange, user);
        } else if (tracked->wait == CS_WAIT_CONNECT) {
            exchange = (struct cs_exchange){
                .connection = &tracked->connection,
                .start_ns = tracked->connection.connect_ns,
                .outcome = CS_OUTCOME_UNOBSERVED,
                .observed = true,
                .connect_failed = true,
                .response_length = UINT64_MAX,
            };
            fn(&exchange, user);
        }
    }
}

const struct cs_connection *cs_assembler_connection(const struct cs_assembler *assembler,
                                                    uint64_t cookie, uint32_t generation)
{
    const struct cs_connection_id id = {cookie, generation, 0};
    const struct cs_tracked *tracked;

    HASH_FIND(hh, assembler->table, &id, sizeof(id), tracked);
    return tracked ? &tracked->connection : NULL;
}

const struct cs_assembler_stats *cs_assembler_stats(const struct cs_assembler *assembler)
{
    return &assembler->stats;
}
