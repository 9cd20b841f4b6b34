/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the text of /proc/self/mountinfo (proc_pid_mountinfo(5)). Pure. */
#ifndef CS_CORE_MOUNTINFO_H
#define CS_CORE_MOUNTINFO_H

#include "base/util.h"

#include <stdbool.h>

#define CS_MOUNT_PATH_MAX 4096

struct cs_mount {
    char root[CS_MOUNT_PATH_MAX];  /* directory of the file system that is mounted; relative to
                                      the reader's cgroup namespace for cgroup file systems */
    char point[CS_MOUNT_PATH_MAX]; /* where, as the reader sees it */
    struct cs_slice fs_type;       /* points into the text */
    struct cs_slice super_options; /* points into the text: v1 controllers are here */
};

/*
 * Parse the first line of *text, with its octal escapes undone, and advance *text behind it.
 * 1: *mount is filled; 0: the end; -EINVAL: the line was malformed, *text is behind it, go on.
 */
int cs_mountinfo_next(struct cs_slice *text, struct cs_mount *mount);

/* The node's cgroup layout, as the mounts show it. */
enum cs_cgroup_layout {
    CS_CGROUP_LAYOUT_NONE,   /* no cgroup file system is mounted */
    CS_CGROUP_LAYOUT_V1,     /* v1 hierarchies only */
    CS_CGROUP_LAYOUT_HYBRID, /* v1 hierarchies with controllers, and cgroup2 */
    CS_CGROUP_LAYOUT_V2,
    CS_CGROUP_LAYOUT_END,
};

const char *cs_cgroup_layout_name(enum cs_cgroup_layout layout);
enum cs_cgroup_layout cs_mountinfo_layout(struct cs_slice text);

#endif
