/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each end-point last worked and last failed, as this node saw it over either address family.
 * Wall-clock times are nanoseconds since 1970, 0 never. Plain data; no allocation, no clock.
 */
#ifndef CS_CORE_STATE_ENDPOINTS_H
#define CS_CORE_STATE_ENDPOINTS_H

#include "core/classify/classify.h"

#include <stdint.h>

struct cs_endpoint_times {
    uint64_t last_success_ns;
    uint64_t last_failure_ns;
};

/* A zeroed one is empty. [0] is IPv4, [1] IPv6. */
struct cs_endpoints {
    struct cs_endpoint_times of[CS_ENDPOINT_END][2];
};

/* Note a result (cs_exchange_endpoint_result). family: 4 or 6. */
void cs_endpoints_note(struct cs_endpoints *endpoints, enum cs_endpoint endpoint, uint8_t family,
                       enum cs_result result, uint64_t at_ns);

/* Add what an earlier run has seen: the later times are kept. */
void cs_endpoints_merge(struct cs_endpoints *endpoints, const struct cs_endpoints *earlier);

/* Forget times more than age_ns before wall_ns or more than ahead_ns after it. Only with a clock
 * that is trusted. */
void cs_endpoints_expire(struct cs_endpoints *endpoints, uint64_t wall_ns, uint64_t age_ns,
                         uint64_t ahead_ns);

#endif
