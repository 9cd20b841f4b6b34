/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last opens of watched token files by cgroup: evidence for cs_classify. Bounded: when full,
 * the entry whose last open is longest ago makes room. Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef CS_CORE_TOKEN_OPENS_H
#define CS_CORE_TOKEN_OPENS_H

#include "core/mechanism.h"

#include <stddef.h>
#include <stdint.h>

#define CS_TOKEN_OPENS_MAX 4096 /* cgroups remembered: a node's 110 pods many times over */
/* After this an open is evidence no more: ten times what lies between it and its exchange. */
#define CS_TOKEN_OPENS_KEEP_NS (UINT64_C(60) * 1000000000)

struct cs_token_opens;

struct cs_token_open {
    uint64_t time_ns; /* of the last open; 0 none */
    enum cs_mechanism mechanism;
};

/* 0 or -ENOMEM. max: entries kept, 1 … CS_TOKEN_OPENS_MAX. */
int cs_token_opens_new(size_t max, struct cs_token_opens **opens);

/* Accepts NULL. */
void cs_token_opens_free(struct cs_token_opens *opens);

/* 0, or -ENOMEM: the open is forgotten (and counted by the caller). */
int cs_token_opens_add(struct cs_token_opens *opens, uint64_t cgroup_id,
                       enum cs_mechanism mechanism, uint64_t time_ns);

/* The last open of a token of mechanism by that cgroup; {0} when there is none, or it has been
 * used up. */
struct cs_token_open cs_token_opens_last(const struct cs_token_opens *opens, uint64_t cgroup_id,
                                         enum cs_mechanism mechanism);

/* That open has explained an exchange and shall explain no other. */
void cs_token_opens_use(struct cs_token_opens *opens, uint64_t cgroup_id,
                        enum cs_mechanism mechanism);

size_t cs_token_opens_count(const struct cs_token_opens *opens);

/* Entries that made room for others while their open was neither used up nor older than
 * CS_TOKEN_OPENS_KEEP_NS; only grows. */
uint64_t cs_token_opens_evicted(const struct cs_token_opens *opens);

#endif
