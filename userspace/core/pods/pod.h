/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pod as its object describes it: what attribution needs and nothing else. Texts are valid
 * UTF-8, any characters; "" is not known.
 */
#ifndef CS_CORE_POD_H
#define CS_CORE_POD_H

#include "core/attribute/subject.h"
#include "core/pods/declared.h"

#include <stdbool.h>
#include <stdint.h>

#define CS_POD_CONTAINERS_MAX 256
#define CS_POD_IMAGE_MAX      512
#define CS_POD_HASH_MAX       64 /* label values: 63 and NUL */

/* service_account of a pod that has none: mirror pods of static pods. */
#define CS_LABEL_NONE "~none"

enum cs_pod_phase {
    CS_POD_PHASE_UNKNOWN,
    CS_POD_PENDING,
    CS_POD_RUNNING,
    CS_POD_SUCCEEDED,
    CS_POD_FAILED,
    CS_POD_PHASE_END,
};

const char *cs_pod_phase_name(enum cs_pod_phase phase);

enum cs_pod_container_kind { CS_CONTAINER_INIT, CS_CONTAINER_REGULAR, CS_CONTAINER_EPHEMERAL };

struct cs_pod_container {
    enum cs_pod_container_kind kind;
    char name[64];
    char image[CS_POD_IMAGE_MAX]; /* as the spec names it */
    /* 64 hex digits, the running one first, then the one before it (restarts). The status comes
     * 0.1 to 1 s after a container's first instruction. */
    char ids[2][CS_CONTAINER_ID_LEN];
    uint16_t declared; /* set of enum cs_declared_flag */
    bool proxy;        /* proxy variables are declared */
    char role_arn[CS_ROLE_ARN_MAX];
    char client_id[CS_CLIENT_ID_MAX];
};

struct cs_pod {
    char uid[CS_POD_UID_LEN];
    char name[CS_NAME_MAX];
    char namespace[CS_NAME_MAX];
    char service_account[CS_NAME_MAX]; /* never "" */
    char node_name[CS_NAME_MAX];
    char generate_name[CS_NAME_MAX];
    bool host_network;
    bool deleting; /* has a deletionTimestamp */
    enum cs_pod_phase phase;
    int64_t created_s; /* seconds since 1970; 0 unknown */

    /* The owner reference with controller: true. */
    char owner_kind[64];
    char owner_name[CS_NAME_MAX];

    char template_hash[CS_POD_HASH_MAX]; /* pod-template-hash */
    char rollout_hash[CS_POD_HASH_MAX];  /* rollouts-pod-template-hash (Argo) */

    /* A static pod, or its mirror: the UID that its cgroup has (kubernetes.io/config.hash). */
    bool is_static;
    char static_hash[CS_POD_UID_LEN];

    char iam_role[CS_ROLE_ARN_MAX];    /* annotation iam.amazonaws.com/role */
    char aad_binding[CS_POD_HASH_MAX]; /* label aadpodidbinding */

    uint32_t odd; /* fields of a wrong type or form, which were ignored */
    uint32_t container_count;
    struct cs_pod_container containers[];
};

#endif
