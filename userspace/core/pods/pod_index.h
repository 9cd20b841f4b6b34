/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pods of this node by UID, by static-pod hash and by container id, and the names that they
 * give to a cgroup's inhabitants. Never by IP address. Fed with the events of a source of pods
 * (core/kube/kube_event.h); deleted pods are kept for some minutes, since facts come later and a
 * container that was deleted by force runs on for seconds. Texts that pods share are kept once.
 * Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef CS_CORE_POD_INDEX_H
#define CS_CORE_POD_INDEX_H

#include "base/cleanup.h"
#include "core/attribute/labels.h"
#include "core/attribute/subject.h"
#include "core/kube/kube_event.h"
#include "core/mechanism.h"
#include "core/pods/pod.h"
#include "core/pods/pod_json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_pod_index_limits {
    uint32_t live_max;    /* pods that exist; 1 … 2^16 */
    uint32_t deleted_max; /* deleted ones kept; 0 … 2^16 */
    uint64_t keep_ns;     /* how long a deleted one is kept */
};

/* 2,048 live (kubelet's own default is 110, finished jobs' not counted), 4,096 deleted, 10 minutes.
 */
extern const struct cs_pod_index_limits cs_pod_index_limits_default;

struct cs_pod_index_stats {
    uint32_t live;
    uint32_t deleted;
    uint32_t containers; /* of both */
    uint64_t bytes;      /* memory held, allocator's overhead excluded */
    /* counters */
    uint64_t read;                     /* pods taken from the source */
    uint64_t errors[CS_POD_ERROR_END]; /* pods refused, by why; [CS_POD_OK] is 0 */
    uint64_t odd;                      /* ignored fields of pods that were taken */
    uint64_t other_node;               /* pods of other nodes, passed over */
    uint64_t refused;                  /* live_max reached, or no memory */
    uint64_t evicted;                  /* deleted ones dropped before keep_ns */
    uint64_t lists;                    /* whole lists */
    uint64_t named, unnamed;           /* look-ups by cs_pod_index_name */
};

struct cs_pod_index;

/* node_name: pods of other nodes are passed over; NULL or "": all are taken. 0, -EINVAL or
 * -ENOMEM. */
int cs_pod_index_new(const struct cs_pod_index_limits *limits, const char *node_name,
                     struct cs_pod_index **index);

/* Free and set to NULL; accepts NULL. */
void cs_pod_index_free(struct cs_pod_index **index);
#define _cleanup_pod_index_ CS_CLEANUP(cs_pod_index_free)

/* key (a pod UID, static-pod hash or container id) can be named from now on. Called from
 * cs_pod_index_event when the pod is wholly in place; may look up, must not change the index. */
typedef void (*cs_pod_known_fn)(void *user, const char *key);
void cs_pod_index_on_known(struct cs_pod_index *index, cs_pod_known_fn known, void *user);

/* One event of the source. What can't be taken is counted. */
void cs_pod_index_event(struct cs_pod_index *index, const struct cs_kube_event *event,
                        uint64_t now_ns);

/* The same of a pod that is read already: it exists, or is deleted. 0, -ENOSPC or -ENOMEM. */
int cs_pod_index_put(struct cs_pod_index *index, const struct cs_pod *pod, uint64_t now_ns);
void cs_pod_index_delete(struct cs_pod_index *index, const char *uid, uint64_t now_ns);

/* Drop what was deleted longer than keep_ns before now_ns. Call every few seconds. */
void cs_pod_index_expire(struct cs_pod_index *index, uint64_t now_ns);

/* What the spec says beyond a subject's fields. Texts are the index's, valid until it changes;
 * NULL: not declared. */
struct cs_pod_facts {
    bool known;        /* false: all else is zero */
    bool of_container; /* declared and identities are this container's, else all the pod's */
    bool alone;        /* the pod has no other regular container, and this one is known */
    bool proxy;        /* proxy variables */
    bool running;      /* phase Running and not deleted */
    uint16_t declared; /* set of enum cs_declared_flag */
    int64_t created_s; /* seconds since 1970; 0 unknown */
    const char *role_arn;
    const char *client_id;
    const char *iam_role;
    const char *aad_binding;
};

/*
 * Name a subject that its cgroup's path has identified (cs_container_table_subject): workload,
 * pod, host_network, and container and image where the status has told (or there is only one).
 * 0 (CS_ATTRIBUTION_POD), or -ENOENT: the pod is not known, or the subject is no pod's; it is
 * then unchanged. facts may be NULL, is always filled.
 */
int cs_pod_index_name(struct cs_pod_index *index, struct cs_subject *subject,
                      struct cs_pod_facts *facts);

/* The key to wait for (cs_pending_add) until the subject can be named: its pod's UID. False: it is
 * no pod's, there is nothing to wait for; key is then untouched. */
bool cs_pod_index_key(const struct cs_subject *subject, char key[CS_POD_UID_LEN]);

/* One pod for those who walk them. Texts are the index's. */
struct cs_pod_view {
    const char *uid;
    const char *name;
    const struct cs_label *workload; /* core/pods/pod_workload.h */
    bool running;                    /* phase Running and not deleted */
    bool deleted;
    enum cs_pod_phase phase; /* Pending while init containers run */
    uint16_t declared;       /* of all its containers */
    uint32_t containers;
};

/* Until visit returns non-zero; returns that, else 0. visit must not change the index. */
int cs_pod_index_each(const struct cs_pod_index *index,
                      int (*visit)(void *user, const struct cs_pod_view *pod), void *user);

/* One identity that a running pod's container declares. Texts are the index's. */
struct cs_pod_identity {
    const char *pod_name;
    const struct cs_label *workload;
    enum cs_mechanism mechanism;
    const char *identity;
};

/* Until visit returns non-zero; returns that, else 0. visit must not change the index. */
int cs_pod_index_identities(const struct cs_pod_index *index,
                            int (*visit)(void *user, const struct cs_pod_identity *identity),
                            void *user);

/* Rises whenever a pod came, changed or went. */
uint64_t cs_pod_index_changes(const struct cs_pod_index *index);

/* False: not known; *view is untouched. uid may be a static-pod hash. */
bool cs_pod_index_view(const struct cs_pod_index *index, const char *uid, struct cs_pod_view *view);

/* The texts shared with those who keep references to workloads. */
struct cs_labels *cs_pod_index_labels(struct cs_pod_index *index);

void cs_pod_index_stats(const struct cs_pod_index *index, struct cs_pod_index_stats *stats);

#endif
