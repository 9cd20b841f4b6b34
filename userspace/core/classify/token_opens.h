/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opens of watched token files, by cgroup: evidence for cs_classify. A container may open its
 * token in one process and call from another, in several at once, or long before, so the last few
 * of each are kept, with who opened. One open explains one call. Bounded: when full, the cgroup
 * whose last open is longest ago makes room. Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef CS_CORE_TOKEN_OPENS_H
#define CS_CORE_TOKEN_OPENS_H

#include "core/attribute/subject.h"
#include "core/classify/classify.h"
#include "core/mechanism.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_TOKEN_OPENS_MAX      4096 /* cgroups remembered: a node's 110 pods many times over */
#define CS_TOKEN_OPENS_EACH_MAX 64   /* opens of one cgroup: as many processes at once */
#define CS_TOKEN_OPENS_ALL_MAX  16384
/* After this an open is evidence no more: ten times what lies between it and its exchange. That
 * there was one is remembered as long as the cgroup is. */
#define CS_TOKEN_OPENS_KEEP_NS (UINT64_C(60) * 1000000000)
/* What can lie between an open and its call, with room to spare. */
#define CS_TOKEN_OPENS_RECENT_NS (UINT64_C(10) * 1000000000)

struct cs_token_opens;

/* One open, as a fact tells it. */
struct cs_token_open {
    uint64_t time_ns;
    uint64_t cgroup_id;
    uint32_t tgid; /* 0 not known */
    enum cs_mechanism mechanism;
    const char *pod_uid; /* "" or NULL: of no pod, or not known; copied */
};

/* Whose open is looked for, and by when. */
struct cs_token_query {
    uint64_t cgroup_id;
    const char *pod_uid; /* "" or NULL: other containers are not asked */
    uint32_t tgid;       /* the caller's */
    enum cs_mechanism mechanism;
    uint64_t before_ns; /* start of the call; opens after it are for another */
};

struct cs_token_found {
    uint64_t time_ns; /* of the newest that fits; 0 none */
    enum cs_token_match match;
    uint32_t tgid;      /* who opened; 0 not known */
    uint32_t recent;    /* opens as near as that one, within CS_TOKEN_OPENS_RECENT_NS */
    bool opened_before; /* the container, or another of the pod, opened one at whatever time */
};

/* 0 or -ENOMEM. max: cgroups kept, 1 … CS_TOKEN_OPENS_MAX. */
int cs_token_opens_new(size_t max, struct cs_token_opens **opens);

/* Accepts NULL. */
void cs_token_opens_free(struct cs_token_opens *opens);

/* 0, or -ENOMEM: the open is forgotten (and counted by the caller). */
int cs_token_opens_note(struct cs_token_opens *opens, const struct cs_token_open *open);

/* The best open for a call: of the process itself, else of another process of its container, else
 * of another container of the pod; of these the newest that has explained no call yet. */
void cs_token_opens_find(const struct cs_token_opens *opens, const struct cs_token_query *query,
                         struct cs_token_found *found);

/* What was found has explained a call and shall explain no other; the process that opened may
 * still be about to make one of its own, which it then explains too. */
void cs_token_opens_take(struct cs_token_opens *opens, const struct cs_token_query *query,
                         const struct cs_token_found *found);

size_t cs_token_opens_count(const struct cs_token_opens *opens);

/* Opens that made room for others while they were neither used up nor older than
 * CS_TOKEN_OPENS_KEEP_NS; only grows. */
uint64_t cs_token_opens_evicted(const struct cs_token_opens *opens);

#endif
