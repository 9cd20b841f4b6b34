/* SPDX-License-Identifier: Apache-2.0 */
/* Holds the sensor's facts against the reference's reading. */
#ifndef PF_COMPARE_H
#define PF_COMPARE_H

#include "observed.h"
#include "reference.h"

#define PF_WHY_MAX 512

/* What the generator hides where nothing may be copied from; no visible text contains it. */
#define PF_SECRET "Qzb3k7"

struct pf_tally {
    uint64_t cases, exact, facts, gaps, doubtful, unwatched;
};

/* True when all is as it must be; else why says what isn't. */
bool pf_compare(const struct pf_case *c, const struct pf_played *played,
                const struct pf_reading reading[2], enum pf_watch watch,
                const struct pf_observed *observed, struct pf_tally *tally, char why[PF_WHY_MAX]);

/* Both lists, for a person. */
void pf_print_facts(const struct pf_reading reading[2], const struct pf_observed *observed,
                    FILE *to);

#endif
