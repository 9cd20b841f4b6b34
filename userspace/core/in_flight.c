// SPDX-License-Identifier: Apache-2.0
#include "core/in_flight.h"

#include <string.h>

struct walk {
    const struct cs_watchlist *watchlist;
    struct cs_in_flight *in_flight;
};

static void add(const struct cs_exchange *exchange, void *user)
{
    const struct walk *walk = user;
    struct cs_evidence evidence = {.exchange = exchange, .watchlist = walk->watchlist};
    struct cs_verdict verdict;
    uint64_t *oldest;

    cs_classify(&evidence, &verdict);
    oldest = &walk->in_flight->oldest_ns[verdict.mechanism];
    if (walk->in_flight->count[verdict.mechanism]++ == 0 || exchange->start_ns < *oldest)
        *oldest = exchange->start_ns;
}

void cs_in_flight_collect(const struct cs_assembler *assembler,
                          const struct cs_watchlist *watchlist, struct cs_in_flight *in_flight)
{
    struct walk walk = {watchlist, in_flight};

    memset(in_flight, 0, sizeof(*in_flight));
    cs_assembler_each_in_flight(assembler, add, &walk);
}
