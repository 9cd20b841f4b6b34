/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who stands between others and what they ask, as learned from connections: cgroups that listen in
 * another's place, pods that redirect their connections to one of their own containers, and
 * requests given up while a proxy was still connecting for them. Bounded: when full, what was
 * learned first makes room.
 */
#ifndef CS_CORE_CLASSIFY_PEERS_H
#define CS_CORE_CLASSIFY_PEERS_H

#include "core/exchange/exchange.h"

#include <stdbool.h>
#include <stdint.h>

#define CS_PEERS_LISTENERS_MAX 64  /* a node has one or two */
#define CS_PEERS_REDIRECTS_MAX 512 /* pods; a node has 110 or 250, and departed ones */
#define CS_PEERS_GIVEN_UP_MAX  512 /* Envoy goes on for 10 s: all pods of a node, several times */

struct cs_peers;

/* 0 or -ENOMEM. */
int cs_peers_new(struct cs_peers **peers);

/* Accepts NULL. */
void cs_peers_free(struct cs_peers *peers);

/* Learn from an intercepted connection; of others nothing is learned. pod_uid is the caller's; ""
 * none. Best called as soon as the interception is known. */
void cs_peers_learn(struct cs_peers *peers, const struct cs_connection *connection,
                    const char *pod_uid);

/* That cgroup took connections that were meant for others. */
bool cs_peers_listens(const struct cs_peers *peers, uint64_t cgroup_id);

/* A listener of this node took a connection to a metadata service within CS_PEERS_NEAR_NS of that
 * time. */
#define CS_PEERS_NEAR_NS (UINT64_C(3600) * 1000000000)
bool cs_peers_intercept(const struct cs_peers *peers, uint64_t time_ns);

/* Connections of that pod go to a listener in it. */
bool cs_peers_redirects(const struct cs_peers *peers, const char *pod_uid);

/* Some pod's do. */
bool cs_peers_any_redirects(const struct cs_peers *peers);

/* An exchange ended without an answer. */
void cs_peers_gave_up(struct cs_peers *peers, const struct cs_exchange *exchange,
                      const char *pod_uid);

/* The connection, which failed, was being made for a request that has been given up: to the same
 * address, while that waited; of the same pod and redirected there, or for_all: by a proxy of the
 * whole node. */
bool cs_peers_was_for(const struct cs_peers *peers, const struct cs_connection *failed,
                      const char *pod_uid, bool for_all);

/* Learned once and forgotten for want of room; only grows. */
uint64_t cs_peers_evicted(const struct cs_peers *peers);

#endif
