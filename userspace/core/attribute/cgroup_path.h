/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cgroup's path says about who lives in it. Pure, total over any bytes, no allocation.
 *
 * Path forms: kubelet pkg/kubelet/cm/{pod_container_manager_linux,cgroup_manager_linux}.go
 * (cgroupfs and systemd drivers, any cgroupRoot), the runtimes' own names below the pod's
 * directory, and the colon form that a runtime with the other driver makes of a slice name.
 */
#ifndef CS_CORE_CGROUP_PATH_H
#define CS_CORE_CGROUP_PATH_H

#include "base/util.h"
#include "core/attribute/subject.h"

#include <stdbool.h>

enum cs_cgroup_kind {
    CS_CGROUP_HOST,    /* in no pod */
    CS_CGROUP_POD,     /* in a pod; container_id is "" in the pod's own directory */
    CS_CGROUP_UNKNOWN, /* can't be said: the path is cut, or relative to another namespace */
    CS_CGROUP_KIND_END,
};

enum cs_qos { CS_QOS_UNKNOWN, CS_QOS_GUARANTEED, CS_QOS_BURSTABLE, CS_QOS_BESTEFFORT, CS_QOS_END };

enum cs_runtime {
    CS_RUNTIME_UNKNOWN, /* cgroupfs driver: the directory is the bare id */
    CS_RUNTIME_CONTAINERD,
    CS_RUNTIME_CRIO,
    CS_RUNTIME_DOCKER,
    CS_RUNTIME_PODMAN,
    CS_RUNTIME_KATA, /* a virtual machine: its processes' sockets are the guest's, not seen */
    CS_RUNTIME_END,
};

const char *cs_qos_name(enum cs_qos qos);
const char *cs_runtime_name(enum cs_runtime runtime);

struct cs_cgroup_identity {
    enum cs_cgroup_kind kind;
    enum cs_runtime runtime;
    enum cs_qos qos;
    /* With dashes (a static pod's: 32 hex digits without), as the pod's metadata.uid or its
     * kubernetes.io/config.hash has it. "" unless kind is POD. */
    char pod_uid[CS_POD_UID_LEN];
    char container_id[CS_CONTAINER_ID_LEN]; /* also of a container in no pod */
};

/*
 * Identify the owner of the cgroup at path, by the first pod's directory in it: what is below a
 * container is the container's, be it a cluster of its own or directories named like another pod's.
 * path is absolute from the hierarchy's root, or with leading "/.." components as /proc/PID/cgroup
 * shows it to a reader in another cgroup namespace. cut says that the end of the path is missing:
 * what then is not surely a pod is UNKNOWN, not HOST.
 */
void cs_cgroup_identify(struct cs_slice path, bool cut, struct cs_cgroup_identity *identity);

/* One line "ID:CONTROLLERS:PATH" of /proc/PID/cgroup (cgroups(7)); slices point into line. */
struct cs_cgroup_line {
    unsigned int hierarchy; /* 0: cgroup v2 */
    struct cs_slice controllers;
    struct cs_slice path;
};

/* 0 or -EINVAL, then *parsed is unchanged. A trailing newline is no part of line. */
int cs_cgroup_line_parse(struct cs_slice line, struct cs_cgroup_line *parsed);

/*
 * The path that tells most in the text of a /proc/PID/cgroup: the v2 line if it names a pod, else
 * any line that does, else v2's if it isn't the root, else name=systemd's, else the first that
 * isn't the root, else "/". 0 or -EINVAL when no line parses. *path points into text.
 */
int cs_cgroup_lines_pick(struct cs_slice text, struct cs_slice *path);

#endif
