// SPDX-License-Identifier: Apache-2.0
#include "core/classify_peers.h"

#include "base/util.h"
#include "core/subject.h"

#include <credscope/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct redirect {
    char pod_uid[CS_POD_UID_LEN];
    uint64_t destination; /* hash of what was asked for */
    uint64_t cgroup_id;   /* of a container whose connection was redirected */
};

/* Rings: the entry at next % MAX is the oldest once next has passed MAX. */
struct cs_peers {
    uint64_t listeners[CS_PEERS_LISTENERS_MAX];
    struct redirect redirects[CS_PEERS_REDIRECTS_MAX];
    uint64_t next_listener, next_redirect;
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

/* In TLS the name, since the sidecar may have resolved it to another address. */
static uint64_t destination_of(const struct cs_connection *connection)
{
    uint64_t hash;

    if (connection->kind != CS_WATCH_PLAIN && connection->server_name[0])
        return cs_hash(CS_HASH_START, connection->server_name, strlen(connection->server_name));
    hash = cs_hash(CS_HASH_START, connection->daddr, sizeof(connection->daddr));
    return cs_hash(hash, &connection->dport, sizeof(connection->dport));
}

bool cs_peers_listens(const struct cs_peers *peers, uint64_t cgroup_id)
{
    for (size_t i = 0; i < count(peers->next_listener, CS_PEERS_LISTENERS_MAX); i++) {
        if (peers->listeners[i] == cgroup_id)
            return true;
    }
    return false;
}

static bool has_redirect(const struct cs_peers *peers, const struct redirect *wanted)
{
    for (size_t i = 0; i < count(peers->next_redirect, CS_PEERS_REDIRECTS_MAX); i++) {
        const struct redirect *redirect = &peers->redirects[i];

        if (redirect->cgroup_id == wanted->cgroup_id &&
            redirect->destination == wanted->destination &&
            strcmp(redirect->pod_uid, wanted->pod_uid) == 0)
            return true;
    }
    return false;
}

void cs_peers_learn(struct cs_peers *peers, const struct cs_connection *connection,
                    const char *pod_uid)
{
    struct redirect redirect = {.cgroup_id = connection->cgroup_id};
    uint64_t listener = connection->intercept_cgroup_id;

    if (connection->kernel_thread)
        return;
    if (connection->intercept_place == CS_INTERCEPT_NODE && connection->kind == CS_WATCH_PLAIN &&
        listener != connection->cgroup_id && connection->connect_ns > peers->taken_ns)
        peers->taken_ns = connection->connect_ns;
    if (connection->intercept_place == CS_INTERCEPT_NODE && listener &&
        listener != connection->cgroup_id && !cs_peers_listens(peers, listener))
        peers->listeners[peers->next_listener++ % CS_PEERS_LISTENERS_MAX] = listener;
    if (connection->intercept_place != CS_INTERCEPT_POD || !pod_uid[0])
        return;
    cs_text_copy(redirect.pod_uid, sizeof(redirect.pod_uid), pod_uid, strlen(pod_uid));
    redirect.destination = destination_of(connection);
    if (!has_redirect(peers, &redirect))
        peers->redirects[peers->next_redirect++ % CS_PEERS_REDIRECTS_MAX] = redirect;
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
        if (strcmp(peers->redirects[i].pod_uid, pod_uid) == 0)
            return true;
    }
    return false;
}

bool cs_peers_relays(const struct cs_peers *peers, const struct cs_connection *connection,
                     const char *pod_uid)
{
    uint64_t destination;
    bool redirected = false;

    if (connection->intercept_place || connection->kernel_thread || !pod_uid[0] ||
        !peers->next_redirect)
        return false;
    destination = destination_of(connection);
    for (size_t i = 0; i < count(peers->next_redirect, CS_PEERS_REDIRECTS_MAX); i++) {
        const struct redirect *redirect = &peers->redirects[i];

        if (redirect->destination != destination || strcmp(redirect->pod_uid, pod_uid) != 0)
            continue;
        if (redirect->cgroup_id == connection->cgroup_id)
            return false;
        redirected = true;
    }
    return redirected;
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
