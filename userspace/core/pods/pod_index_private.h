/* SPDX-License-Identifier: Apache-2.0 */
/* What the pod index' sources share. */
#ifndef CS_CORE_POD_INDEX_PRIVATE_H
#define CS_CORE_POD_INDEX_PRIVATE_H

/* An allocation that fails must not end the program. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "core/pods/pod_index.h"

#define CS_POD_KEY_LEN 38 /* 'c' and 32 bytes, or 's' and up to 36 characters; rest 0 */

struct cs_pod_entry;

/* Another key of a pod: a container's id, a static pod's hash. */
struct cs_pod_alias {
    UT_hash_handle hh;
    struct cs_pod_entry *entry;
    struct cs_pod_alias **slot; /* in its entry */
    bool announced;
    uint8_t key[CS_POD_KEY_LEN];
};

/* Labels are referenced; NULL: "". */
struct cs_pod_entry_container {
    struct cs_label *name, *image, *role_arn, *client_id;
    struct cs_pod_alias *ids[2];
    uint16_t declared;
    uint8_t kind;
    bool proxy;
};

struct cs_pod_entry {
    UT_hash_handle hh;
    struct cs_pod_entry *prev, *next; /* in the list of deleted ones, oldest first */
    struct cs_pod_entry_container *containers;
    struct cs_pod_alias *static_hash;
    struct cs_label *workload, *iam_role, *aad_binding;
    int64_t created_s;
    uint64_t deleted_ns; /* 0: exists */
    uint32_t list;       /* in which it was seen last */
    uint32_t container_count;
    uint8_t phase;
    bool host_network;
    bool announced;
    char uid[CS_POD_UID_LEN];
    char name[];
};

struct cs_pod_index {
    struct cs_pod_index_limits limits;
    struct cs_pod_index_stats stats;
    struct cs_labels *labels;
    struct cs_pod_entry *entries;
    struct cs_pod_entry *deleted;
    struct cs_pod_alias *aliases;
    cs_pod_known_fn known;
    void *known_user;
    uint64_t changes;
    uint32_t list;         /* number of the current one */
    uint64_t list_refused; /* pods of it that could not be read */
    bool listing;
    char node_name[CS_NAME_MAX];
};

struct cs_pod_entry *cs_pod_entry_find(const struct cs_pod_index *index, const char *uid);

/* A new entry with nothing but its UID and name, counted as live; NULL: no memory. */
struct cs_pod_entry *cs_pod_entry_new(struct cs_pod_index *index, const struct cs_pod *pod);

/* Take over all else; container ids that were known stay where the pod tells none. 0 or -ENOMEM,
 * then the entry is as it was. */
int cs_pod_entry_fill(struct cs_pod_index *index, struct cs_pod_entry *entry,
                      const struct cs_pod *pod);

void cs_pod_entry_free(struct cs_pod_index *index, struct cs_pod_entry *entry);

/* kind 'c' (text: 64 hexadecimal digits) or 's'; NULL: no such key. */
struct cs_pod_alias *cs_pod_alias_find(const struct cs_pod_index *index, char kind,
                                       const char *text);

#define CS_POD_KEY_TEXT_MAX CS_CONTAINER_ID_LEN
void cs_pod_alias_text(const struct cs_pod_alias *alias, char text[CS_POD_KEY_TEXT_MAX]);

const char *cs_pod_label_text(const struct cs_label *label); /* NULL for NULL */

#endif
