/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of a fact: decode → assemble → attribute → name → classify → record, log and keep for
 * the API. Each stage is a call in cs_pipeline_exchange; a new stage is one more. An exchange
 * whose pod is not known yet leaves before it is recorded, comes back when the pod is, or when
 * it has waited long enough, and is then classified by what the pod's spec says too.
 */
#ifndef CS_APP_PIPELINE_H
#define CS_APP_PIPELINE_H

#include "app/serve/api.h"
#include "core/attribute/container_table.h"
#include "core/classify/classify.h"
#include "core/classify/classify_history.h"
#include "core/classify/classify_peers.h"
#include "core/classify/token_opens.h"
#include "core/classify/watchlist.h"
#include "core/exchange/assembler.h"
#include "core/findings/findings.h"
#include "core/metrics/record.h"
#include "core/metrics/usage.h"
#include "core/metrics/usage_counts.h"
#include "core/pods/pod_index.h"
#include "core/report/event_json.h"
#include "core/state/state.h"
#include "core/waiting/pending.h"
#include "io/log_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_PIPELINE_CONNECTIONS_MAX 8192
#define CS_PIPELINE_REQUESTS_MAX    4096

struct cs_pipeline_stats {
    uint64_t facts[CS_FACT_TYPE_END];          /* decoded, by type */
    uint64_t decode_errors[CS_FACT_ERROR_END]; /* refused, by why */
    uint64_t attributions[CS_ATTRIBUTION_END]; /* exchanges, by how far they could be named */
    uint64_t tokens_forgotten;                 /* token opens for which there was no memory */
    uint64_t tokens_unattributed;              /* token opens by nobody knows whom (cgroup v1) */
    uint64_t calls_forgotten;                  /* calls whose container could not be remembered */
    uint64_t relayed;         /* exchanges that a sidecar passed on, seen on another connection */
    uint64_t events_too_long; /* lines over CS_EVENT_JSON_MAX */
    uint64_t pods_uncounted;  /* times there was no memory to count pods */
};

/* What is known of pods. */
struct cs_pipeline_pods {
    struct cs_pod_index *index;
    struct cs_pending *pending; /* NULL: nobody tells of pods, nothing waits */
    struct cs_usage *usage;
    struct cs_usage_counts *counts;
    uint64_t declared_changes; /* of the index, when declared identities were last written */
};

/* Made by cs_pipeline_make; events, state, resolve and what follows are the caller's to set, before
 * the first fact. */
struct cs_pipeline {
    const struct cs_watchlist *watchlist;
    struct cs_assembler *assembler;
    struct cs_container_table *containers;
    struct cs_token_opens *token_opens;
    struct cs_call_history *calls;
    struct cs_peers *peers;
    bool no_token_hook; /* this node's kernel tells of no opens */
    struct cs_pipeline_pods pods;
    struct cs_findings *findings;
    struct cs_recorder *recorder;
    struct cs_state *state; /* NULL: nothing persists */
    struct cs_api_exchanges *recent;
    struct cs_log_file *events; /* NULL: no event log */
    struct cs_event_context context;

    /* Find the path of a cgroup that no fact told of: 0, or -errno, which it also is when the
     * table of containers has been filled instead. May be NULL. */
    int (*resolve)(void *data, uint64_t cgroup_id, char *path, size_t size);
    void *resolve_data;

    /* cgroup v1 is mounted: a process in the v2 root may be any pod's. */
    bool root_shared;
    /* Then: the path of such a process; 0 or -errno. NULL: processes can't be seen. */
    int (*process_path)(uint32_t pid, char *path, size_t size);

    uint64_t now_ns;
    uint64_t facts_dropped; /* as told last */
    struct cs_pipeline_stats stats;
    char line[CS_EVENT_JSON_MAX];
};

/* What a pipeline is made for; zero is a default. Pointers must outlive it. */
struct cs_pipeline_options {
    const struct cs_watchlist *watchlist;
    struct cs_event_context context;
    struct cs_recorder_options recorder;
    const char *node_name; /* pods of other nodes are passed over; NULL: all are taken */
    const char *cloud;     /* "aws", "azure" or NULL, not known */
    bool told;             /* there is a source of pods (cs_pod_index_event): requests wait for
                            * theirs */
    const struct cs_expect *expect; /* NULL: nothing is */
    struct cs_credential_life life;
};

/* Make all parts but events and state; *pipeline is zeroed. 0, or -errno: free it all the same. */
int cs_pipeline_make(struct cs_pipeline *pipeline, const struct cs_pipeline_options *options);

/* The parts that cs_pipeline_make made. A zeroed pipeline is fine. */
void cs_pipeline_free(struct cs_pipeline *pipeline);

/* So many facts of sockets never came out of the ring, since the start: what seems to hang may be
 * over. To be told before each cs_pipeline_findings_tick. */
void cs_pipeline_facts_dropped(struct cs_pipeline *pipeline, uint64_t dropped, uint64_t now_ns);

/* Decide what time decides: once a second. */
void cs_pipeline_findings_tick(struct cs_pipeline *pipeline, uint64_t now_ns);

/* Write their gauges anew: once a minute, since series that expire or were folded under
 * --max-series come and go by rules of their own. */
void cs_pipeline_findings_regauge(struct cs_pipeline *pipeline);

/* Forget what is over: every few seconds. */
void cs_pipeline_pods_expire(struct cs_pipeline *pipeline, uint64_t now_ns);

/* Bring the gauges that count pods up to date. */
void cs_pipeline_pods_count(struct cs_pipeline *pipeline, uint64_t now_ns);

/* When cs_pipeline_tick has something to do; UINT64_MAX: never. */
uint64_t cs_pipeline_deadline(const struct cs_pipeline *pipeline);

/* The program ends: what waits for its pod is recorded as it is. */
void cs_pipeline_flush(struct cs_pipeline *pipeline);

/* For cs_assembler_options.sink, with the pipeline as user. */
void cs_pipeline_exchange(const struct cs_exchange *exchange, void *pipeline);

/* Who makes an exchange that is in flight, and by which mechanism, as far as it can be said before
 * its answer. Changes nothing but counters of look-ups: for a view of what waits. */
enum cs_mechanism cs_pipeline_identify(void *pipeline, const struct cs_exchange *exchange,
                                       struct cs_subject *subject);

/* One record of the ring. now_ns: CLOCK_MONOTONIC. */
void cs_pipeline_fact(struct cs_pipeline *pipeline, const void *data, size_t size, uint64_t now_ns);

/* Let time pass: a few times a second. */
void cs_pipeline_tick(struct cs_pipeline *pipeline, uint64_t now_ns);

/* Report that count things were lost at a hop, in the event log. */
void cs_pipeline_loss(struct cs_pipeline *pipeline, const char *hop, const char *reason,
                      uint64_t count);

#endif
