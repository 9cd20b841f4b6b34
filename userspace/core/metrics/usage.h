/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each container has done so far: its first attempt to get credentials, its first success,
 * and which mechanisms it uses. A container that obtained credentials by M uses M until it ends,
 * or until M's longest credential lifetime has passed since its last delivery: credentials are
 * cached for hours, so silence is not absence. Bounded. Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef CS_CORE_USAGE_H
#define CS_CORE_USAGE_H

#include "base/cleanup.h"
#include "core/attribute/container_table.h"
#include "core/attribute/labels.h"
#include "core/attribute/subject.h"
#include "core/classify/classify.h"
#include "core/exchange/exchange.h"
#include "core/metrics/credential_life.h"

#include <stdbool.h>
#include <stdint.h>

#define CS_USAGE_CONTAINERS_MAX 4096

struct cs_usage_options {
    struct cs_credential_life life;
    uint32_t containers_max; /* 0: CS_USAGE_CONTAINERS_MAX */
    /* This node's cloud as cs_mechanism_info names them, "aws" or "azure"; NULL not known. A failed
     * request to the other cloud's end-point is an SDK looking where it is, no attempt. */
    const char *cloud;
};

struct cs_usage_stats {
    uint32_t containers;
    uint64_t evicted;      /* that made room: ended, or nothing in use */
    uint64_t refused;      /* not tracked: full, or no memory */
    uint64_t began_before; /* containers that made a request and were there before credscope */
    uint64_t first_failed; /* first attempts that failed */
    uint64_t first_ok;
};

struct cs_usage;

/* labels is used by, and must outlive, the usage. 0 or -ENOMEM. */
int cs_usage_new(const struct cs_usage_options *options, struct cs_labels *labels,
                 struct cs_usage **usage);

/* Free and set to NULL; accepts NULL. */
void cs_usage_free(struct cs_usage **usage);
#define _cleanup_usage_ CS_CLEANUP(cs_usage_free)

/* What one exchange was the first of, in its container. */
struct cs_usage_first {
    bool attempt;      /* the first attempt's result is known with this exchange … */
    bool attempt_ok;   /* … and what it was */
    bool success;      /* the first success */
    uint64_t delay_ns; /* with success: from the first attempt's start to its answer */
};

/* What the container's cgroup says of it (cs_container_table_get). */
struct cs_usage_life {
    bool began_before; /* there before credscope (created_ns is 0): its first attempt may have been
                        * missed */
    uint64_t ended_ns; /* 0: runs */
};

/* Note one exchange of a pod's container; others are passed over. *first is all false if the
 * container began before. */
void cs_usage_exchange(struct cs_usage *usage, const struct cs_exchange *exchange,
                       const struct cs_verdict *verdict, const struct cs_subject *subject,
                       const struct cs_usage_life *life, uint64_t now_ns,
                       struct cs_usage_first *first);

/* The exchange is an attempt to get credentials, whatever came of it. Pure. */
bool cs_usage_is_attempt(const struct cs_exchange *exchange, const struct cs_verdict *verdict,
                         const char *cloud);

/* A cgroup went: if it was a container's own directory, the container has ended. */
void cs_usage_cgroup_removed(struct cs_usage *usage, const struct cs_container *container);

/* The container (or pod, if its exchanges named no container) has ended. */
void cs_usage_ended(struct cs_usage *usage, const char *container_id, uint64_t now_ns);

/* Every container of that pod has ended. */
void cs_usage_pod_ended(struct cs_usage *usage, const char *pod_uid, uint64_t now_ns);

/* Forget ended containers after 10 minutes: what runs is remembered, for its next call is not its
 * first. Call every few seconds. */
void cs_usage_expire(struct cs_usage *usage, uint64_t now_ns);

/* One container that has not ended. */
struct cs_usage_view {
    const char *container_id; /* "" none: the pod's own directory */
    const char *pod_uid;
    const struct cs_label *workload; /* core/pods/pod_workload.h; of its last exchange */
    uint32_t uses;                   /* 1 << enum cs_mechanism */
};

int cs_usage_each(const struct cs_usage *usage, uint64_t now_ns,
                  int (*visit)(void *user, const struct cs_usage_view *view), void *user);

void cs_usage_stats(const struct cs_usage *usage, struct cs_usage_stats *stats);

#endif
