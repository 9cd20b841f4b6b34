// SPDX-License-Identifier: Apache-2.0
#include "core/classify/classify_peers.h"

#include "base/util.h"
#include "core/attribute/subject.h"

#include <credscope/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct given_up {
    uint64_t pod; /* hash of the UID; 0 none, or not redirected */
    uint64_t cgroup_id;
    uint64_t destination; /* hash */
    uint64_t from_ns, to_ns;
};

/* Rings: the entry at next % MAX is the oldest once next has passed MAX. */
struct cs_peers {
    uint64_t listeners[CS_PEERS_LISTENERS_MAX];
    char redirects[CS_PEERS_REDIRECTS_MAX][CS_POD_UID_LEN];
    struct given_up given_up[CS_PEERS_GIVEN_UP_MAX];
    uint64_t next_listener, next_redirect, next_given_up;
    uint64_t taken_ns; /* connect of the last one in clear that a listener of the node took; 0 */
};

int cs_peers_new(struct cs_peers **peers)
{
    *peers = calloc(1, sizeof(**peers));
    return *peers ? 0 : -ENOMEM;
}

void cs_peers_free(struct cs_peers *peers)
{
    free(peers);
}

static size_t count(uint64_t next, size_t max)
{
    return next < max ? (size_t)next : max;
}

bool cs_peers_listens(const struct cs_peers *peers, uint64_t cgroup_id)
{
    for (size_t i = 0; i < count(peers->next_listener, CS_PEERS_LISTENERS_MAX); i++) {
        if (peers->listeners[i] == cgroup_id)
            return true;
    }
    return false;
}

void cs_peers_learn(struct cs_peers *peers, const struct cs_connection *connection,
                    const char *pod_uid)
{
    uint64_t listener = connection->intercept_cgroup_id;

    if (connection->kernel_thread)
        return;
    if (connection->intercept_place == CS_INTERCEPT_NODE && connection->kind == CS_WATCH_PLAIN &&
        listener != connection->cgroup_id && connection->connect_ns > peers->taken_ns)
        peers->taken_ns = connection->connect_ns;
    if (connection->intercept_place == CS_INTERCEPT_NODE && listener &&
        listener != connection->cgroup_id && !cs_peers_listens(peers, listener))
        peers->listeners[peers->next_listener++ % CS_PEERS_LISTENERS_MAX] = listener;
    if (connection->intercept_place != CS_INTERCEPT_POD || !pod_uid[0] ||
        cs_peers_redirects(peers, pod_uid))
        return;
    cs_text_copy(peers->redirects[peers->next_redirect++ % CS_PEERS_REDIRECTS_MAX], CS_POD_UID_LEN,
                 pod_uid, strlen(pod_uid));
}

bool cs_peers_intercept(const struct cs_peers *peers, uint64_t time_ns)
{
    uint64_t taken_ns = peers->taken_ns;

    return taken_ns != 0 &&
           (time_ns > taken_ns ? time_ns - taken_ns : taken_ns - time_ns) <= CS_PEERS_NEAR_NS;
}

bool cs_peers_redirects(const struct cs_peers *peers, const char *pod_uid)
{
    for (size_t i = 0; pod_uid[0] && i < count(peers->next_redirect, CS_PEERS_REDIRECTS_MAX); i++) {
        if (strcmp(peers->redirects[i], pod_uid) == 0)
            return true;
    }
    return false;
}

bool cs_peers_any_redirects(const struct cs_peers *peers)
{
    return peers->next_redirect > 0;
}

static uint64_t pod_of(const char *pod_uid)
{
    return pod_uid[0] ? cs_hash(CS_HASH_START, pod_uid, strlen(pod_uid)) : 0;
}

static uint64_t destination_of(const struct cs_connection *connection)
{
    uint64_t hash = cs_hash(CS_HASH_START, connection->daddr, sizeof(connection->daddr));

    return cs_hash(hash, &connection->dport, sizeof(connection->dport));
}

void cs_peers_gave_up(struct cs_peers *peers, const struct cs_exchange *exchange,
                      const char *pod_uid)
{
    const struct cs_connection *connection = exchange->connection;
    bool redirected = connection->intercept_place == CS_INTERCEPT_POD || connection->relay_port;

    peers->given_up[peers->next_given_up++ % CS_PEERS_GIVEN_UP_MAX] = (struct given_up){
        .pod = redirected ? pod_of(pod_uid) : 0,
        .cgroup_id = connection->cgroup_id,
        .destination = destination_of(connection),
        .from_ns = connection->connect_ns,
        .to_ns = exchange->end_ns,
    };
}

bool cs_peers_was_for(const struct cs_peers *peers, const struct cs_connection *failed,
                      const char *pod_uid, bool for_all)
{
    uint64_t pod = pod_of(pod_uid), destination = destination_of(failed);

    for (size_t i = 0; i < count(peers->next_given_up, CS_PEERS_GIVEN_UP_MAX); i++) {
        const struct given_up *given_up = &peers->given_up[i];

        if (given_up->destination == destination && given_up->cgroup_id != failed->cgroup_id &&
            failed->connect_ns >= given_up->from_ns && failed->connect_ns <= given_up->to_ns &&
            (for_all || (pod != 0 && given_up->pod == pod)))
            return true;
    }
    return false;
}

uint64_t cs_peers_evicted(const struct cs_peers *peers)
{
    uint64_t evicted = 0;

    if (peers->next_listener > CS_PEERS_LISTENERS_MAX)
        evicted += peers->next_listener - CS_PEERS_LISTENERS_MAX;
    if (peers->next_redirect > CS_PEERS_REDIRECTS_MAX)
        evicted += peers->next_redirect - CS_PEERS_REDIRECTS_MAX;
    return evicted;
}
