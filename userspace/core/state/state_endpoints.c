/* SPDX-License-Identifier: Apache-2.0 */
#include "core/state/state_endpoints.h"

#include "core/mechanism.h"

void cs_endpoints_note(struct cs_endpoints *endpoints, enum cs_endpoint endpoint, uint8_t family,
                       enum cs_result result, uint64_t at_ns)
{
    struct cs_endpoint_times *times = &endpoints->of[endpoint][family == 6];

    /* Not the later of the two: one of the future is a wrong clock's. */
    if (result == CS_RESULT_SUCCESS)
        times->last_success_ns = at_ns;
    if (result == CS_RESULT_FAILURE)
        times->last_failure_ns = at_ns;
}

static void keep_later(uint64_t *time_ns, uint64_t other_ns)
{
    if (*time_ns < other_ns)
        *time_ns = other_ns;
}

void cs_endpoints_merge(struct cs_endpoints *endpoints, const struct cs_endpoints *earlier)
{
    for (enum cs_endpoint i = 0; i < CS_ENDPOINT_END; i++) {
        for (size_t family = 0; family < 2; family++) {
            struct cs_endpoint_times *times = &endpoints->of[i][family];

            keep_later(&times->last_success_ns, earlier->of[i][family].last_success_ns);
            keep_later(&times->last_failure_ns, earlier->of[i][family].last_failure_ns);
        }
    }
}

static void expire(uint64_t *time_ns, uint64_t wall_ns, uint64_t age_ns, uint64_t ahead_ns)
{
    if (*time_ns > wall_ns ? *time_ns - wall_ns > ahead_ns : wall_ns - *time_ns > age_ns)
        *time_ns = 0;
}

void cs_endpoints_expire(struct cs_endpoints *endpoints, uint64_t wall_ns, uint64_t age_ns,
                         uint64_t ahead_ns)
{
    for (enum cs_endpoint i = 0; i < CS_ENDPOINT_END; i++) {
        for (size_t family = 0; family < 2; family++) {
            expire(&endpoints->of[i][family].last_success_ns, wall_ns, age_ns, ahead_ns);
            expire(&endpoints->of[i][family].last_failure_ns, wall_ns, age_ns, ahead_ns);
        }
    }
}
