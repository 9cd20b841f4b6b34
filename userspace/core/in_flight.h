/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for an answer right now, by mechanism: the source of the in-flight gauges. */
#ifndef CS_CORE_IN_FLIGHT_H
#define CS_CORE_IN_FLIGHT_H

#include "core/assembler.h"
#include "core/classify.h"

struct cs_in_flight {
    uint64_t count[CS_MECHANISM_END];
    uint64_t oldest_ns[CS_MECHANISM_END]; /* start of the oldest; 0 when count is 0 */
};

/* Walks all open connections: for a scrape, not for every fact. The mechanism is what is known
 * before the answer. */
void cs_in_flight_collect(const struct cs_assembler *assembler,
                          const struct cs_watchlist *watchlist, struct cs_in_flight *in_flight);

#endif
