/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup id -> path, for every cgroup v2 directory of the node, and for some minutes after it
 * went: facts arrive later than their cgroup's removal. Kept small: directory names that many
 * entries share are stored once, and an identity is worked out from the path when asked for.
 *
 * Fed by CGROUP_CREATED / CGROUP_REMOVED facts and by a walk of the file system. cgroup ids are
 * kernfs ids, which the kernel doesn't reuse. Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef CS_CORE_CONTAINER_TABLE_H
#define CS_CORE_CONTAINER_TABLE_H

#include "base/cleanup.h"
#include "base/util.h"
#include "core/attribute/cgroup_path.h"
#include "core/attribute/subject.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cs_container_limits {
    uint32_t live_max;    /* directories that exist; 1 … 2^20 */
    uint32_t removed_max; /* removed ones kept */
    uint64_t keep_ns;     /* how long a removed one is kept */
};

/* 32,768 live, 16,384 removed, 10 minutes. */
extern const struct cs_container_limits cs_container_limits_default;

struct cs_container_stats {
    uint32_t live;       /* directories known to exist */
    uint32_t containers; /* … of which are a pod's container (its own directory, not those below) */
    uint32_t removed;    /* removed ones still kept */
    uint64_t bytes;      /* memory held, allocator's overhead excluded */
    uint64_t added;      /* counters from here on */
    uint64_t refused;    /* not added: live_max reached, or no memory */
    uint64_t evicted;    /* removed ones dropped before keep_ns: removed_max reached */
    uint64_t expired;    /* dropped after keep_ns */
    uint64_t hits;       /* look-ups that found the id, by cs_container_table_subject */
    uint64_t misses;
};

struct cs_container_table;

/* 0, -EINVAL (limits) or -ENOMEM. */
int cs_container_table_new(const struct cs_container_limits *limits,
                           struct cs_container_table **table);

/* Free and set to NULL; accepts NULL. */
void cs_container_table_free(struct cs_container_table **table);
#define _cleanup_container_table_ CS_CLEANUP(cs_container_table_free)

/* A directory exists. created_ns is 0 when a walk found it: it is older than the walk. path is
 * copied, from the true root, starting with '/'; cut as CS_CGROUP_PATH_CUT. An id that is known
 * takes the new path unless that one is cut and the old one not. 0, -ENOSPC or -ENOMEM. */
int cs_container_table_add(struct cs_container_table *table, uint64_t cgroup_id,
                           struct cs_slice path, bool cut, uint64_t created_ns);

/* The directory went at removed_ns; unknown ids are ignored. */
void cs_container_table_remove(struct cs_container_table *table, uint64_t cgroup_id,
                               uint64_t removed_ns);

/* Drop what was removed longer than keep_ns before now_ns. Call every few seconds. */
void cs_container_table_expire(struct cs_container_table *table, uint64_t now_ns);

bool cs_container_table_has(const struct cs_container_table *table, uint64_t cgroup_id);

struct cs_container {
    uint64_t cgroup_id;
    uint64_t created_ns; /* 0: before credscope */
    uint64_t removed_ns; /* 0: exists */
    bool cut;            /* the path's end is missing */
    char path[1025];     /* CS_CGROUP_PATH_MAX and NUL; as the kernel has it, any byte but NUL */
    struct cs_cgroup_identity identity;
};

/* The directory is a container's own, not one below it. */
bool cs_container_is_own(const struct cs_container *container);

/* 0 or -ENOENT, then *container is unchanged. */
int cs_container_table_get(const struct cs_container_table *table, uint64_t cgroup_id,
                           struct cs_container *container);

/*
 * Who lives in that cgroup, as far as its path says: for a pod namespace and service account are
 * "~unknown", the kind "Pod" and the name its UID (CS_ATTRIBUTION_POD_UID); a host process is
 * "~host", "SystemdUnit" and its unit. Always fills *subject; 0, or -ENOENT for an id that was
 * never seen (CS_ATTRIBUTION_NO_CGROUP, every label "~unknown").
 */
int cs_container_table_subject(struct cs_container_table *table, uint64_t cgroup_id,
                               struct cs_subject *subject);

/* The same for a path that is in no table (cgroup v1: /proc/PID/cgroup). */
void cs_subject_from_path(struct cs_slice path, bool cut, struct cs_subject *subject);

/* The subject of which nothing is known; attribution says why. */
void cs_subject_unknown(enum cs_attribution attribution, struct cs_subject *subject);

/* Call visit for each pod's container that exists (its own directory, not those below), in no
 * order, until it returns non-zero; returns that, else 0. visit must not change the table. Other
 * directories cost next to nothing: it is for every scrape. */
int cs_container_table_each(const struct cs_container_table *table,
                            int (*visit)(const struct cs_container *container, void *context),
                            void *context);

void cs_container_table_stats(const struct cs_container_table *table,
                              struct cs_container_stats *stats);

#endif
