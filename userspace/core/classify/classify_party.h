/* SPDX-License-Identifier: Apache-2.0 */
/* Known programs that stand between a workload and what it asks, by the names of their pods. Pure.
 */
#ifndef CS_CORE_CLASSIFY_PARTY_H
#define CS_CORE_CLASSIFY_PARTY_H

#include "core/classify/classify.h"

/* CS_INTERCEPTOR_UNKNOWN: the pod isn't known, or none of them. */
enum cs_interceptor cs_party_interceptor(const struct cs_party *party);

/* An interceptor of its node or pod, whose own calls are made for those who ask it. One of the node
 * is on its network: a workload that is only named so is none. Not a mesh's sidecar, whose calls
 * are its pod's. */
bool cs_party_asks_for_others(const struct cs_party *party);

/* A proxy that connects for every pod of its node: nothing on the socket says for which. */
bool cs_party_is_node_proxy(const struct cs_party *party);

/* A mesh's proxy that has a pod to itself: an egress gateway, a waypoint. It connects for pods of
 * any node. */
bool cs_party_is_gateway(const struct cs_party *party);

#endif
