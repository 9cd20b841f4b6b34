/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for an answer right now, by mechanism: the source of the in-flight gauges. */
#ifndef CS_CORE_IN_FLIGHT_H
#define CS_CORE_IN_FLIGHT_H

#include "core/attribute/subject.h"
#include "core/exchange/assembler.h"
#include "core/mechanism.h"

struct cs_in_flight {
    uint64_t count[CS_MECHANISM_END];
    uint64_t oldest_ns[CS_MECHANISM_END]; /* start of the oldest; 0 when count is 0 */
};

/* What an exchange that waits for its answer is, by all that is known of it; subject is filled. */
typedef enum cs_mechanism (*cs_in_flight_fn)(void *user, const struct cs_exchange *exchange,
                                             struct cs_subject *subject);

/* Walks all open connections: for a scrape, not for every fact. */
void cs_in_flight_collect(const struct cs_assembler *assembler, cs_in_flight_fn identify,
                          void *user, struct cs_in_flight *in_flight);

#endif
