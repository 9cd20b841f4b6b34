// SPDX-License-Identifier: Apache-2.0
/*
 * A mesh's proxy takes an application's connection and makes one of its own, on which the same
 * bytes go out. Both are seen, the application's with what it asked for and its own caller, so the
 * proxy's is told by what it does: it asks the same while the other waits.
 */
#include "core/exchange/assembler_private.h"

#include "base/util.h"

#include <string.h>

static struct cs_tracked *find(struct cs_assembler *assembler, const struct cs_connection_id *id)
{
    struct cs_tracked *tracked;

    HASH_FIND(hh, assembler->table, id, sizeof(*id), tracked);
    return tracked;
}

static bool is_same_address(const struct cs_connection *a, const struct cs_connection *b)
{
    return a->dport == b->dport && memcmp(a->daddr, b->daddr, sizeof(a->daddr)) == 0;
}

/* How well a connection fits as that which is passed on. Several may ask the same at once, and
 * their proxies' connections come in any order: each takes what none has taken, so that in the end
 * every one has its own. OWED: a redirect brought it to a proxy, and it was answered by a
 * connection that was taken for another's. */
enum { FITS_NOT, TAKEN_BEFORE, OWED, WAITS, FROM_THERE = 4, KNOWN = 8 };
#define OWED_NS (10 * CS_NSEC_PER_SEC)

/* A name may have been resolved again; a connect that failed has none. */
static bool is_same_server(const struct cs_connection *asked, const struct cs_connection *relay)
{
    if (!relay->server_name[0])
        return is_same_address(asked, relay);
    return asked->hello_flags == relay->hello_flags &&
           strcmp(asked->server_name, relay->server_name) == 0;
}

static unsigned int fit_of_hello(const struct cs_tracked *asked, const struct cs_connection *relay)
{
    const struct cs_connection *connection = &asked->connection;

    if (!asked->tls.hello || !is_same_server(connection, relay))
        return FITS_NOT;
    if (!asked->tls.server_hello)
        return asked->passed_on ? TAKEN_BEFORE : WAITS;
    return !asked->passed_on && connection->intercept_place == CS_INTERCEPT_POD &&
                   relay->client_hello_ns > connection->client_hello_ns &&
                   relay->client_hello_ns - connection->client_hello_ns < OWED_NS
               ? OWED
               : FITS_NOT;
}

static unsigned int fit_of(const struct cs_tracked *asked, const struct cs_connection *relay)
{
    const struct cs_connection *connection = &asked->connection;

    /* A proxy of HTTP keeps its connections for those who come later. */
    if (connection->kind != relay->kind ||
        (connection->connect_ns > relay->connect_ns && !relay->relay_of.cookie))
        return FITS_NOT;
    if (connection->kind == CS_WATCH_TLS)
        return fit_of_hello(asked, relay);
    if (!is_same_address(connection, relay) ||
        (!asked->requests_count && !asked->tunnel_pending && asked->next_index > 0))
        return FITS_NOT;
    return asked->passed_on ? TAKEN_BEFORE : WAITS;
}

static void copy_interception(struct cs_connection *to, const struct cs_connection *from)
{
    to->intercept_place = from->intercept_place;
    to->intercept_port = from->intercept_port;
    to->intercept_cgroup_id = from->intercept_cgroup_id;
    memcpy(to->intercept_addr, from->intercept_addr, sizeof(to->intercept_addr));
}

static bool is_same_id(const struct cs_connection_id *a, const struct cs_connection_id *b)
{
    return a->cookie == b->cookie && a->generation == b->generation;
}

static unsigned int likelihood(const struct cs_tracked *asked, const struct cs_tracked *tracked)
{
    const struct cs_connection *connection = &asked->connection, *relay = &tracked->connection;
    unsigned int fit = fit_of(asked, relay);

    if (fit == FITS_NOT)
        return 0;
    if (connection->sport && relay->sport &&
        memcmp(connection->saddr, relay->saddr, sizeof(relay->saddr)) == 0)
        fit |= FROM_THERE;
    if (tracked->passes_on && is_same_id(&connection->id, &relay->relay_of))
        fit |= KNOWN;
    return fit;
}

/* Before it is made it may turn out another's: it may be tried again, or be redirected itself. */
static void link_up(struct cs_tracked *tracked, struct cs_tracked *passing, bool failed)
{
    struct cs_connection *asked = &tracked->connection, *relay = &passing->connection;

    relay->relay_of = asked->id;
    /* Until it is made it may turn out to be an application's own, redirected like the other. */
    relay->relay_sure = relay->established_ns || failed;
    if (relay->established_ns)
        tracked->passed_on = passing->passes_on = true;
    if (!relay->relay_sure || relay->relay_apart)
        return;
    if (asked->intercept_place && !asked->relay_port) {
        asked->relay_port = asked->intercept_port;
        memcpy(asked->relay_addr, asked->intercept_addr, sizeof(asked->relay_addr));
    }
    asked->relay_answered = false;
    copy_interception(asked, relay);
}

bool cs_assembler_relay(struct cs_assembler *assembler, uint64_t cookie, uint32_t generation,
                        enum cs_relay_how how, cs_relay_fn may, void *user)
{
    const struct cs_connection_id id = {cookie, generation, 0};
    struct cs_tracked *asked, *best = NULL, *tracked = find(assembler, &id);
    struct cs_connection *relay;
    unsigned int most = 0, looked_at = 0;

    if (!tracked)
        return false;
    relay = &tracked->connection;
    if (relay->relay_of.cookie && relay->relay_sure && relay->kind == CS_WATCH_TLS)
        return true; /* a second hello */
    /* What it passes on is among those that moved last; of equals, that which came first. */
    TAILQ_FOREACH_REVERSE(asked, &assembler->recent, cs_tracked_list, recent_link)
    {
        unsigned int fit = asked == tracked ? 0 : likelihood(asked, tracked);

        if (looked_at++ == CS_RELAY_LOOK_MAX)
            break;
        if (!fit || fit < most || !may(&asked->connection, relay, user))
            continue;
        best = asked;
        most = fit;
    }
    relay->relay_apart = how & CS_RELAY_APART;
    if (best)
        link_up(best, tracked, how & CS_RELAY_FAILED);
    return relay->relay_of.cookie != 0;
}

void cs_assembler_onward(struct cs_assembler *assembler, const struct cs_connection *relay,
                         const struct cs_exchange *exchange)
{
    struct cs_connection *asked;
    struct cs_tracked *tracked;

    if (!relay->relay_of.cookie || relay->relay_apart)
        return;
    tracked = find(assembler, &relay->relay_of);
    if (!tracked)
        return;
    asked = &tracked->connection;
    copy_interception(asked, relay);
    if (exchange && exchange->status) {
        asked->relay_answered = true;
        memcpy(asked->relay_server, exchange->server, sizeof(asked->relay_server));
    }
}
