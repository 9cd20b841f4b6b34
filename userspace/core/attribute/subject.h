/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who made a request, as far as it is known. Every label field is non-empty: "~host" for a
 * process in no pod, "~unknown" for what can't be said. Plain data with fixed bounds, so that a
 * subject can be copied and kept.
 */
#ifndef CS_CORE_SUBJECT_H
#define CS_CORE_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#define CS_LABEL_HOST    "~host"
#define CS_LABEL_UNKNOWN "~unknown"
#define CS_LABEL_OTHER   "~other"

/* Kubernetes name limits: RFC 1123 subdomain 253, label 63; a systemd unit name 255. */
#define CS_NAME_MAX         256
#define CS_POD_UID_LEN      37 /* 8-4-4-4-12 and NUL; static pods: 32 hex and NUL */
#define CS_CONTAINER_ID_LEN 65 /* 64 hex and NUL */

/* The labels W of every per-workload series. */
struct cs_workload {
    char namespace[CS_NAME_MAX];
    char service_account[CS_NAME_MAX];
    char workload_kind[64];
    char workload[CS_NAME_MAX];
};

/* How far attribution came; each is a value of a self metric's label. */
enum cs_attribution {
    CS_ATTRIBUTION_POD,       /* named from its pod object */
    CS_ATTRIBUTION_POD_UID,   /* a pod's cgroup, its object not known: the UID is the name */
    CS_ATTRIBUTION_HOST,      /* in no pod: the systemd unit is the name */
    CS_ATTRIBUTION_NO_CGROUP, /* the cgroup id was never seen and is gone */
    CS_ATTRIBUTION_KERNEL,    /* a kernel thread connected on somebody's behalf */
    CS_ATTRIBUTION_PROXIED,   /* a node's proxy connected on some pod's behalf */
    CS_ATTRIBUTION_END,
};

struct cs_subject {
    struct cs_workload workload;
    enum cs_attribution attribution;
    char pod[CS_NAME_MAX]; /* "" unknown, as all below */
    char pod_uid[CS_POD_UID_LEN];
    char container[CS_NAME_MAX];
    char container_id[CS_CONTAINER_ID_LEN];
    char image[512];
    char cgroup[1025];
    bool host_network;
};

#endif
