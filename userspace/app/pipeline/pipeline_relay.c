/* SPDX-License-Identifier: Apache-2.0 */
/* Which connections are a mesh's proxy's, on which it passes on what others ask: those others are
 * seen on their own, so these count no second time. */
#include "app/pipeline/pipeline_parts.h"

#include "core/classify/classify_party.h"

#include <string.h>

struct relay {
    struct cs_pipeline *pipeline;
    const struct cs_subject *subject; /* who may be the proxy */
    bool for_all;                     /* it is known to connect for every pod of the node */
    bool redirects;                   /* connections of its pod are redirected within that */
    bool failed;                      /* its connection is not made, and has no source address */
};

static bool is_loopback(const uint8_t addr[16])
{
    static const uint8_t mapped[13] = {[10] = 0xff, 0xff, 127};
    static const uint8_t one[16] = {[15] = 1};

    return memcmp(addr, mapped, sizeof(mapped)) == 0 || memcmp(addr, one, sizeof(one)) == 0;
}

/* By a redirect in its pod. */
static bool is_taken(const struct cs_connection *connection)
{
    return connection->intercept_place == CS_INTERCEPT_POD || connection->relay_port;
}

/* Taken by a redirect to loopback, which stays in its network namespace. */
static bool is_taken_in_place(const struct cs_connection *asked)
{
    if (asked->relay_port)
        return is_loopback(asked->relay_addr);
    return asked->intercept_place == CS_INTERCEPT_POD && is_loopback(asked->intercept_addr);
}

/* Who then connects from the same address does so in that namespace, whosever process it is
 * (ztunnel). */
static bool is_from_there(const struct cs_connection *asked, const struct cs_connection *relay)
{
    return asked->sport && relay->sport &&
           memcmp(asked->saddr, relay->saddr, sizeof(asked->saddr)) == 0;
}

static bool may_pass_on(const struct cs_connection *asked, const struct cs_connection *connection,
                        void *user)
{
    const struct relay *relay = user;
    struct cs_subject subject;

    if (asked->kernel_thread || asked->cgroup_id == connection->cgroup_id)
        return false;
    if (is_taken_in_place(asked) &&
        (is_from_there(asked, connection) || (relay->for_all && relay->failed)))
        return true;
    if (relay->for_all)
        return !is_taken_in_place(asked);
    if (!relay->redirects || !is_taken(asked))
        return false;
    cs_container_table_subject(relay->pipeline->containers, asked->cgroup_id, &subject);
    return subject.pod_uid[0] && strcmp(subject.pod_uid, relay->subject->pod_uid) == 0;
}

/* The migration sidecar answers some requests itself, others it asks IMDS anew. */
static bool is_apart(const struct cs_subject *subject)
{
    const struct cs_party party = cs_pipeline_party(subject);

    return cs_party_interceptor(&party) == CS_INTERCEPTOR_AZWI_PROXY;
}

static bool is_for_all(const struct cs_subject *subject)
{
    const struct cs_party party = cs_pipeline_party(subject);

    return cs_party_is_node_proxy(&party);
}

void cs_pipeline_relay(struct cs_pipeline *pipeline, const struct cs_fact_header *header)
{
    const struct cs_connection *connection =
        cs_assembler_connection(pipeline->assembler, header->cookie, header->generation);
    struct cs_subject subject;
    struct relay relay = {.pipeline = pipeline, .subject = &subject};
    bool named;

    /* Whose own connections are taken is none who takes others'. */
    if (!connection || connection->kernel_thread || is_taken(connection))
        return;
    /* In TLS the hello says more. */
    if (connection->kind == CS_WATCH_TLS &&
        (header->type == CS_FACT_CONNECT || header->type == CS_FACT_ESTABLISHED))
        return;
    relay.failed = header->type == CS_FACT_CONNECT_FAILED;
    /* Who connects for all does so for each anew, and is asked about once it has. */
    if ((header->type == CS_FACT_REQUEST || header->type == CS_FACT_CONNECT) &&
        !cs_peers_any_redirects(pipeline->peers))
        return;
    cs_container_table_subject(pipeline->containers, connection->cgroup_id, &subject);
    relay.redirects = cs_peers_redirects(pipeline->peers, subject.pod_uid);
    named = cs_pod_index_name(pipeline->pods.index, &subject, NULL) == 0;
    relay.for_all = named && header->type != CS_FACT_REQUEST && is_for_all(&subject);
    if (relay.for_all || cs_peers_any_redirects(pipeline->peers))
        cs_assembler_relay(pipeline->assembler, header->cookie, header->generation,
                           (named && is_apart(&subject) ? CS_RELAY_APART : CS_RELAY_USUAL) |
                               (relay.failed ? CS_RELAY_FAILED : CS_RELAY_USUAL),
                           may_pass_on, &relay);
}

bool cs_pipeline_is_relay(const struct cs_pipeline *pipeline, const struct cs_exchange *exchange,
                          const struct cs_subject *subject)
{
    if (exchange->connection->relay_of.cookie)
        return true;
    return exchange->connect_failed && !exchange->connection->kernel_thread &&
           cs_peers_was_for(pipeline->peers, exchange->connection, subject->pod_uid,
                            is_for_all(subject));
}
