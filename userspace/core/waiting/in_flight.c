// SPDX-License-Identifier: Apache-2.0
#include "core/waiting/in_flight.h"

#include <string.h>

struct walk {
    cs_in_flight_fn identify;
    void *user;
    struct cs_in_flight *in_flight;
};

static void add(const struct cs_exchange *exchange, void *user)
{
    const struct walk *walk = user;
    struct cs_subject subject;
    enum cs_mechanism mechanism = walk->identify(walk->user, exchange, &subject);
    uint64_t *oldest = &walk->in_flight->oldest_ns[mechanism];

    if (walk->in_flight->count[mechanism]++ == 0 || exchange->start_ns < *oldest)
        *oldest = exchange->start_ns;
}

void cs_in_flight_collect(const struct cs_assembler *assembler, cs_in_flight_fn identify,
                          void *user, struct cs_in_flight *in_flight)
{
    struct walk walk = {identify, user, in_flight};

    memset(in_flight, 0, sizeof(*in_flight));
    cs_assembler_each_in_flight(assembler, add, &walk);
}
