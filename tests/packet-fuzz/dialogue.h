/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays a case: a real client socket on one side of a TUN device, a TCP peer of our own on the
 * other, in the calling process's network namespace. Everything happens in the caller's thread and
 * in the order of the script, so that a case gives the same facts each time.
 */
#ifndef PF_DIALOGUE_H
#define PF_DIALOGUE_H

#include "case.h"

/* What really happened: the oracle's input. */
struct pf_played {
    uint64_t cookie;                     /* of the client's socket */
    uint16_t local_port;                 /* the client's */
    uint64_t begin_ns, end_ns;           /* CLOCK_MONOTONIC around the connection */
    struct pf_stream egress;             /* in order as it left the client's TCP */
    struct pf_stream ingress;            /* in order as the client read it */
    uint32_t egress_after[PF_STEPS_MAX]; /* both streams' lengths when a step was over */
    uint32_t ingress_after[PF_STEPS_MAX];
    uint32_t steps;          /* of the script that were played */
    uint32_t egress_repeats; /* bytes that left more than once */
    bool ingress_ordered;    /* no segment came before its turn, none was refused */
};

/*
 * Enter a new network namespace with the TUN device, its addresses and routes: 0 and *tun (the
 * caller's), or -errno after a line on stderr. Nothing in it leads anywhere else.
 */
int pf_network_enter(int *tun);

/* 0, or -errno when the network (not the case) failed. */
int pf_play(int tun, const struct pf_case *c, struct pf_played *played);

/* Address (IPv4-mapped) and port of a target. */
void pf_target_address(uint8_t target, uint8_t addr[16], uint16_t *port);

#endif
