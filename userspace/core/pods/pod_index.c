/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pods/pod_index.h"

#include "core/pods/pod_index_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PODS_MAX (1u << 16)
/* So many lists in a row without a pod say that it is gone, although each left some out: anybody
 * can make a pod that is never read, and a source that is polled tells of no end otherwise. */
#define LISTS_MAX 3

const struct cs_pod_index_limits cs_pod_index_limits_default = {
    .live_max = 2048,
    .deleted_max = 4096,
    .keep_ns = 600 * CS_NSEC_PER_SEC,
};

int cs_pod_index_new(const struct cs_pod_index_limits *limits, const char *node_name,
                     struct cs_pod_index **index)
{
    struct cs_pod_index *made;
    int error;

    if (limits->live_max < 1 || limits->live_max > PODS_MAX || limits->deleted_max > PODS_MAX)
        return -EINVAL;
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    error = cs_labels_new(&made->labels);
    if (error < 0) {
        free(made);
        return error;
    }
    made->limits = *limits;
    if (node_name)
        cs_text_copy(made->node_name, sizeof(made->node_name), node_name, strlen(node_name));
    *index = made;
    return 0;
}

void cs_pod_index_free(struct cs_pod_index **index)
{
    struct cs_pod_entry *entry, *next;

    if (!*index)
        return;
    HASH_ITER (hh, (*index)->entries, entry, next)
        cs_pod_entry_free(*index, entry);
    cs_labels_free((*index)->labels);
    free(*index);
    *index = NULL;
}

void cs_pod_index_on_known(struct cs_pod_index *index, cs_pod_known_fn known, void *user)
{
    index->known = known;
    index->known_user = user;
}

static void mark_deleted(struct cs_pod_index *index, struct cs_pod_entry *entry, uint64_t now_ns)
{
    if (entry->deleted_ns != 0)
        return;
    entry->deleted_ns = now_ns > 0 ? now_ns : 1;
    DL_APPEND(index->deleted, entry);
    index->changes++;
    index->stats.live--;
    index->stats.deleted++;
}

static void trim_deleted(struct cs_pod_index *index)
{
    while (index->stats.deleted > index->limits.deleted_max) {
        index->stats.evicted++;
        cs_pod_entry_free(index, index->deleted);
    }
}

/* A list from the API server's cache may be a little old, and bring back what was deleted; the
 * watch that follows tells again. */
static void entry_revive(struct cs_pod_index *index, struct cs_pod_entry *entry)
{
    if (entry->deleted_ns == 0)
        return;
    DL_DELETE(index->deleted, entry);
    entry->deleted_ns = 0;
    index->stats.deleted--;
    index->stats.live++;
}

static bool has_ended(const struct cs_pod_entry *entry)
{
    return entry->phase == CS_POD_SUCCEEDED || entry->phase == CS_POD_FAILED;
}

/* Lists that could not be handed over whole leave pods that may be gone, and finished jobs' pods
 * stay for long: they make room, as if they were deleted. */
static void make_room(struct cs_pod_index *index, uint64_t now_ns)
{
    if (index->stats.live < index->limits.live_max)
        return;
    for (struct cs_pod_entry *entry = index->entries; entry; entry = entry->hh.next) {
        if (entry->deleted_ns == 0 && (entry->list != index->list || has_ended(entry))) {
            mark_deleted(index, entry, now_ns);
            trim_deleted(index);
            return;
        }
    }
}

static void announce_alias(struct cs_pod_index *index, struct cs_pod_alias *alias)
{
    char text[CS_POD_KEY_TEXT_MAX];

    if (!alias || alias->announced)
        return;
    alias->announced = true;
    cs_pod_alias_text(alias, text);
    index->known(index->known_user, text);
}

static void announce(struct cs_pod_index *index, struct cs_pod_entry *entry)
{
    if (!index->known)
        return;
    if (!entry->announced)
        index->known(index->known_user, entry->uid);
    entry->announced = true;
    announce_alias(index, entry->static_hash);
    for (uint32_t i = 0; i < entry->container_count; i++) {
        announce_alias(index, entry->containers[i].ids[0]);
        announce_alias(index, entry->containers[i].ids[1]);
    }
}

int cs_pod_index_put(struct cs_pod_index *index, const struct cs_pod *pod, uint64_t now_ns)
{
    struct cs_pod_entry *entry = cs_pod_entry_find(index, pod->uid);
    bool fresh = !entry;

    if (!entry || entry->deleted_ns != 0)
        make_room(index, now_ns);
    /* What made room may have pushed out the deleted one that this is. */
    entry = cs_pod_entry_find(index, pod->uid);
    if ((!entry || entry->deleted_ns != 0) && index->stats.live >= index->limits.live_max) {
        index->stats.refused++;
        return -ENOSPC;
    }
    if (!entry) {
        fresh = true;
        entry = cs_pod_entry_new(index, pod);
    }
    if (!entry || cs_pod_entry_fill(index, entry, pod) < 0) {
        if (entry && fresh)
            cs_pod_entry_free(index, entry);
        index->stats.refused++;
        return -ENOMEM;
    }
    entry_revive(index, entry);
    entry->list = index->list;
    index->stats.read++;
    index->changes++;
    index->stats.odd += pod->odd;
    announce(index, entry);
    return 0;
}

void cs_pod_index_delete(struct cs_pod_index *index, const char *uid, uint64_t now_ns)
{
    struct cs_pod_entry *entry = cs_pod_entry_find(index, uid);

    if (entry)
        mark_deleted(index, entry, now_ns);
    trim_deleted(index);
}

static void list_end(struct cs_pod_index *index, uint64_t skipped, uint64_t now_ns)
{
    uint32_t missing = skipped + index->list_refused > 0 ? LISTS_MAX : 1;
    struct cs_pod_entry *entry, *next;

    index->listing = false;
    index->stats.lists++;
    HASH_ITER (hh, index->entries, entry, next)
        if (entry->deleted_ns == 0 && index->list - entry->list >= missing)
            mark_deleted(index, entry, now_ns);
    trim_deleted(index);
}

static bool is_ours(const struct cs_pod_index *index, const struct cs_pod *pod)
{
    return index->node_name[0] == '\0' || strcmp(index->node_name, pod->node_name) == 0;
}

static void pod_event(struct cs_pod_index *index, const struct cs_kube_event *event,
                      uint64_t now_ns)
{
    _cleanup_free_ struct cs_pod *pod = NULL;
    enum cs_pod_error error = cs_pod_read(event->pod, &pod);

    if (error != CS_POD_OK) {
        index->stats.errors[error]++;
        index->list_refused += index->listing;
        return;
    }
    if (!is_ours(index, pod)) {
        index->stats.other_node++;
        return;
    }
    /* Its last state is told with its end, and may be all that is ever told of it. */
    cs_pod_index_put(index, pod, now_ns);
    if (event->kind == CS_KUBE_DELETED)
        cs_pod_index_delete(index, pod->uid, now_ns);
}

void cs_pod_index_event(struct cs_pod_index *index, const struct cs_kube_event *event,
                        uint64_t now_ns)
{
    switch (event->kind) {
    case CS_KUBE_LIST_BEGIN:
        index->list++;
        index->list_refused = 0;
        index->listing = true;
        break;
    case CS_KUBE_POD:
    case CS_KUBE_DELETED:
        pod_event(index, event, now_ns);
        break;
    case CS_KUBE_LIST_END:
        list_end(index, event->skipped, now_ns);
        break;
    }
}

void cs_pod_index_expire(struct cs_pod_index *index, uint64_t now_ns)
{
    while (index->deleted && now_ns > index->deleted->deleted_ns &&
           now_ns - index->deleted->deleted_ns > index->limits.keep_ns)
        cs_pod_entry_free(index, index->deleted);
}

struct cs_labels *cs_pod_index_labels(struct cs_pod_index *index)
{
    return index->labels;
}

void cs_pod_index_stats(const struct cs_pod_index *index, struct cs_pod_index_stats *stats)
{
    *stats = index->stats;
    stats->bytes += sizeof(*index) + cs_labels_bytes(index->labels);
    stats->bytes += HASH_OVERHEAD(hh, index->entries) + HASH_OVERHEAD(hh, index->aliases);
    /* The macro counts the handles too, which are within the entries. */
    stats->bytes -= HASH_COUNT(index->entries) * sizeof(UT_hash_handle);
    stats->bytes -= HASH_COUNT(index->aliases) * sizeof(UT_hash_handle);
}
