/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the case of a seed: a dialogue, perhaps mutated, and the segments that it travels in.
 * Header values, bodies and query values that must stay in the kernel hold PF_SECRET and nothing
 * that may leave it does, as long as nothing was mutated (case.tidy).
 */
#ifndef PF_GENERATE_H
#define PF_GENERATE_H

#include "case.h"
#include "random.h"

#define PF_TURNS_MAX 1024

/* Where the two streams stand in turn: the client has spoken up to egress, then the peer. */
struct pf_turns {
    uint32_t count;
    struct {
        uint32_t egress, ingress;
    } at[PF_TURNS_MAX];
};

void pf_generate(struct pf_case *c, uint64_t seed);

/* The dialogue alone: both streams and whose turn it is when. */
void pf_generate_http(struct pf_case *c, struct pf_random *r, struct pf_turns *turns);
void pf_generate_tls(struct pf_case *c, struct pf_random *r, struct pf_turns *turns);

/* A few changes of bytes, anywhere. */
void pf_mutate(struct pf_stream *stream, struct pf_random *r, bool tls);

/* The script that plays the streams turn by turn, in segments. */
void pf_schedule(struct pf_case *c, struct pf_random *r, const struct pf_turns *turns);

#endif
