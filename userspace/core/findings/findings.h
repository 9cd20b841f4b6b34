/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The findings of this node: fed with exchanges, requests in flight and token reads, it opens and
 * clears findings per container (and per address of an end-point), and tells one sink of both,
 * and of the aggregate by workload that a gauge shows. Bounded; what finds no room is counted.
 * Findings about what a pod declares wait until its spec is known. A verdict of low confidence
 * opens nothing that says what a container uses. Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef CS_CORE_FINDINGS_H
#define CS_CORE_FINDINGS_H

#include "base/cleanup.h"
#include "core/attribute/labels.h"
#include "core/attribute/subject.h"
#include "core/classify/classify.h"
#include "core/exchange/exchange.h"
#include "core/findings/expect.h"
#include "core/findings/finding.h"
#include "core/findings/sdk_version.h"
#include "core/metrics/credential_life.h"
#include "core/metrics/usage.h"
#include "core/pods/pod_index.h"

#include <stdbool.h>
#include <stdint.h>

#define CS_FINDING_TEXT_MAX        768 /* an explanation and its NUL */
#define CS_FINDINGS_CONTAINERS_MAX 4096

/* One finding of one container, or of the node. Texts are valid during the call. */
struct cs_finding_view {
    enum cs_finding finding;
    const struct cs_workload *workload;
    const char *pod; /* "" not known, as the next three */
    const char *pod_uid;
    const char *container;
    const char *container_id;
    enum cs_mechanism mechanism;
    bool expected;      /* as listed: see core/findings/expect.h */
    const char *reason; /* of the list; NULL when not expected */
    uint64_t since_ns;
    uint64_t last_ns; /* of the last evidence */
    uint64_t count;   /* pieces of evidence */
    char explanation[CS_FINDING_TEXT_MAX];
};

struct cs_findings_sink {
    /* Opened or cleared. */
    void (*changed)(void *user, const struct cs_finding_view *view, bool open);
    /* The first container of that workload has it, or the last one no more. */
    void (*gauge)(void *user, const struct cs_workload *workload, enum cs_finding finding,
                  bool expected, bool open);
    /* An SDK that this container had not shown before. */
    void (*sdk)(void *user, const struct cs_subject *subject, const struct cs_sdk *sdk);
    void *user;
};

struct cs_findings_options {
    struct cs_findings_sink sink;   /* all required */
    const struct cs_expect *expect; /* must outlive; NULL: nothing is expected */
    const struct cs_watchlist *watchlist;
    const char *cloud; /* as cs_usage_options.cloud */
    const char *node;  /* workload of findings about the node itself */
    struct cs_credential_life life;
    uint32_t containers_max; /* 0: CS_FINDINGS_CONTAINERS_MAX */
    /* Name a subject again and tell what its pod declares, as cs_pod_index_name; NULL: nobody
     * can. Called from cs_findings_tick for containers whose spec was not known. */
    int (*name)(void *user, struct cs_subject *subject, struct cs_pod_facts *facts);
    /* The pod is known to have ended, though no cgroup told of it; NULL: nobody can say. */
    bool (*gone)(void *user, const char *pod_uid);
    void *name_user; /* of both */
};

struct cs_findings_stats {
    uint32_t containers;
    uint32_t open; /* findings, of containers and the node */
    uint32_t associations;
    /* counters */
    uint64_t opened, cleared;
    uint64_t evicted; /* containers that made room for others */
    uint64_t refused; /* evidence that found no room */
};

struct cs_findings;

/* labels is used by, and must outlive, the findings. 0 or -ENOMEM. */
int cs_findings_new(const struct cs_findings_options *options, struct cs_labels *labels,
                    struct cs_findings **findings);

/* Free and set to NULL, without telling the sink; accepts NULL. */
void cs_findings_free(struct cs_findings **findings);
#define _cleanup_findings_ CS_CLEANUP(cs_findings_free)

/* CLOCK_REALTIME - CLOCK_MONOTONIC, for the last days of expectations. */
void cs_findings_set_wall_offset(struct cs_findings *findings, int64_t wall_offset_ns);

/* One exchange, after its subject was named. facts and first may be NULL: nothing known. ended:
 * its container is gone. */
struct cs_findings_input {
    const struct cs_exchange *exchange;
    const struct cs_verdict *verdict;
    const struct cs_subject *subject;
    const struct cs_pod_facts *facts;
    const struct cs_usage_first *first;
    bool ended;
};

void cs_findings_exchange(struct cs_findings *findings, const struct cs_findings_input *input,
                          uint64_t now_ns);

/* A request that waits for its answer (cs_assembler_each_in_flight) for CS_FINDINGS_HUNG_NS or
 * longer. Call every second or so for each of them. */
#define CS_FINDINGS_HUNG_NS (UINT64_C(5) * 1000000000)
void cs_findings_in_flight(struct cs_findings *findings, const struct cs_findings_input *input,
                           uint64_t now_ns);

/* Facts were lost until now: what seems to wait for an answer since before may have had it. */
void cs_findings_facts_lost(struct cs_findings *findings, uint64_t now_ns);

/* The container opened a token file of that mechanism. */
void cs_findings_token_open(struct cs_findings *findings, const struct cs_subject *subject,
                            const struct cs_pod_facts *facts, enum cs_mechanism mechanism,
                            uint64_t time_ns);

/* Decide what time decides, and clear. Due at the deadline; UINT64_MAX: never. */
void cs_findings_tick(struct cs_findings *findings, uint64_t now_ns);
uint64_t cs_findings_deadline(const struct cs_findings *findings);

void cs_findings_container_ended(struct cs_findings *findings, const char *container_id,
                                 uint64_t now_ns);
void cs_findings_cgroup_removed(struct cs_findings *findings, const struct cs_container *container);

/* Every open finding until visit returns non-zero; returns that, else 0. */
int cs_findings_each(const struct cs_findings *findings,
                     int (*visit)(void *user, const struct cs_finding_view *view), void *user);

/* Call the sink's gauge anew for every aggregate that is open: after gauges were dropped. */
void cs_findings_regauge(const struct cs_findings *findings);

void cs_findings_stats(const struct cs_findings *findings, struct cs_findings_stats *stats);

#endif
