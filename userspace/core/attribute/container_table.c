/* SPDX-License-Identifier: Apache-2.0 */
#include "core/attribute/container_table.h"

#include <credscope/abi.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An allocation that fails must not end the program. */
#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->unhashed = true)
#include <uthash.h>
#include <utlist.h>

_Static_assert(sizeof(((struct cs_container *)0)->path) == CS_CGROUP_PATH_MAX + 1, "whole path");
_Static_assert(sizeof(((struct cs_subject *)0)->cgroup) == CS_CGROUP_PATH_MAX + 1, "whole path");

const struct cs_container_limits cs_container_limits_default = {
    .live_max = 32768,
    .removed_max = 16384,
    .keep_ns = 600 * CS_NSEC_PER_SEC,
};

/* What siblings share of their paths: everything up to the last '/', that included. */
struct directory {
    UT_hash_handle hh;
    uint32_t users;
    bool unhashed;
    char path[];
};

struct entry {
    UT_hash_handle hh;
    uint64_t cgroup_id;
    uint64_t created_ns;
    uint64_t removed_ns;
    struct directory *directory;
    struct entry *prev, *next; /* in the table's list of removed ones, oldest first */
    uint16_t name_len;
    bool cut;
    bool container; /* a pod's container's own directory */
    bool unhashed;
    char name[]; /* the path's last component, not terminated */
};

struct cs_container_table {
    struct cs_container_limits limits;
    struct cs_container_stats stats;
    struct entry *entries;
    struct entry *removed;
    struct directory *directories;
};

int cs_container_table_new(const struct cs_container_limits *limits,
                           struct cs_container_table **table)
{
    struct cs_container_table *new;

    if (limits->live_max < 1 || limits->live_max > 1 << 20 || limits->removed_max > 1 << 20)
        return -EINVAL;
    new = calloc(1, sizeof(*new));
    if (!new)
        return -ENOMEM;
    new->limits = *limits;
    new->stats.bytes = sizeof(*new);
    *table = new;
    return 0;
}

static size_t directory_size(size_t len)
{
    return sizeof(struct directory) + len + 1;
}

static void directory_put(struct cs_container_table *table, struct directory *directory)
{
    if (--directory->users > 0)
        return;
    HASH_DEL(table->directories, directory);
    table->stats.bytes -= directory_size(strlen(directory->path));
    free(directory);
}

static struct directory *directory_get(struct cs_container_table *table, struct cs_slice path)
{
    struct directory *directory;

    HASH_FIND(hh, table->directories, path.data, path.len, directory);
    if (directory) {
        directory->users++;
        return directory;
    }
    directory = calloc(1, directory_size(path.len));
    if (!directory)
        return NULL;
    directory->users = 1;
    memcpy(directory->path, path.data, path.len);
    HASH_ADD_KEYPTR(hh, table->directories, directory->path, path.len, directory);
    if (directory->unhashed) {
        free(directory);
        return NULL;
    }
    table->stats.bytes += directory_size(path.len);
    return directory;
}

static void entry_free(struct cs_container_table *table, struct entry *entry)
{
    if (entry->removed_ns != 0) {
        DL_DELETE(table->removed, entry);
        table->stats.removed--;
    } else {
        table->stats.live--;
        table->stats.containers -= entry->container;
    }
    HASH_DEL(table->entries, entry);
    directory_put(table, entry->directory);
    table->stats.bytes -= sizeof(*entry) + entry->name_len;
    free(entry);
}

void cs_container_table_free(struct cs_container_table **table)
{
    struct entry *entry, *next;

    if (!*table)
        return;
    HASH_ITER (hh, (*table)->entries, entry, next)
        entry_free(*table, entry);
    free(*table);
    *table = NULL;
}

static struct entry *entry_find(const struct cs_container_table *table, uint64_t cgroup_id)
{
    struct entry *entry;

    HASH_FIND(hh, table->entries, &cgroup_id, sizeof(cgroup_id), entry);
    return entry;
}

/* The directory is the container's own, not one below it: its name holds the id. */
static bool is_container(struct cs_slice path, struct cs_slice name, bool cut)
{
    struct cs_cgroup_identity identity;

    cs_cgroup_identify(path, cut, &identity);
    return identity.kind == CS_CGROUP_POD && identity.container_id[0] != '\0' &&
           memmem(name.data, name.len, identity.container_id, strlen(identity.container_id));
}

static struct entry *entry_new(struct cs_container_table *table, uint64_t cgroup_id,
                               struct cs_slice path, bool cut)
{
    size_t name_at = path.len;
    struct cs_slice name;
    struct entry *entry;

    while (name_at > 0 && path.data[name_at - 1] != '/')
        name_at--;
    name = (struct cs_slice){path.data + name_at, path.len - name_at};
    entry = calloc(1, sizeof(*entry) + name.len);
    if (!entry)
        return NULL;
    entry->cgroup_id = cgroup_id;
    entry->cut = cut;
    entry->container = is_container(path, name, cut);
    entry->name_len = (uint16_t)name.len;
    memcpy(entry->name, name.data, name.len);
    entry->directory = directory_get(table, (struct cs_slice){path.data, name_at});
    if (!entry->directory) {
        free(entry);
        return NULL;
    }
    HASH_ADD(hh, table->entries, cgroup_id, sizeof(entry->cgroup_id), entry);
    if (entry->unhashed) {
        directory_put(table, entry->directory);
        free(entry);
        return NULL;
    }
    table->stats.live++;
    table->stats.containers += entry->container;
    table->stats.bytes += sizeof(*entry) + name.len;
    return entry;
}

int cs_container_table_add(struct cs_container_table *table, uint64_t cgroup_id,
                           struct cs_slice path, bool cut, uint64_t created_ns)
{
    struct entry *entry = entry_find(table, cgroup_id);

    if (path.len > CS_CGROUP_PATH_MAX) {
        path.len = CS_CGROUP_PATH_MAX;
        cut = true;
    }
    if (entry && cut && !entry->cut)
        return 0;
    if (entry) {
        /* The walk finds what a fact has told before: the fact knows when. */
        if (entry->created_ns != 0)
            created_ns = entry->created_ns;
        entry_free(table, entry);
    }
    if (table->stats.live >= table->limits.live_max) {
        table->stats.refused++;
        return -ENOSPC;
    }
    entry = entry_new(table, cgroup_id, path, cut);
    if (!entry) {
        table->stats.refused++;
        return -ENOMEM;
    }
    entry->created_ns = created_ns;
    table->stats.added++;
    return 0;
}

void cs_container_table_remove(struct cs_container_table *table, uint64_t cgroup_id,
                               uint64_t removed_ns)
{
    struct entry *entry = entry_find(table, cgroup_id);

    if (!entry || entry->removed_ns != 0)
        return;
    table->stats.live--;
    table->stats.containers -= entry->container;
    table->stats.removed++;
    entry->removed_ns = removed_ns > 0 ? removed_ns : 1;
    DL_APPEND(table->removed, entry);
    if (table->stats.removed > table->limits.removed_max) {
        table->stats.evicted++;
        entry_free(table, table->removed);
    }
}

void cs_container_table_expire(struct cs_container_table *table, uint64_t now_ns)
{
    /* In the order of their removal, but for facts that overtook each other by microseconds. */
    while (table->removed && now_ns > table->removed->removed_ns &&
           now_ns - table->removed->removed_ns > table->limits.keep_ns) {
        table->stats.expired++;
        entry_free(table, table->removed);
    }
}

bool cs_container_table_has(const struct cs_container_table *table, uint64_t cgroup_id)
{
    return entry_find(table, cgroup_id) != NULL;
}

static size_t entry_path(const struct entry *entry, char path[CS_CGROUP_PATH_MAX + 1])
{
    size_t len = strlen(entry->directory->path);

    memcpy(path, entry->directory->path, len);
    memcpy(path + len, entry->name, entry->name_len);
    path[len + entry->name_len] = '\0';
    return len + entry->name_len;
}

static void entry_read(const struct entry *entry, struct cs_container *container)
{
    size_t len = entry_path(entry, container->path);

    container->cgroup_id = entry->cgroup_id;
    container->created_ns = entry->created_ns;
    container->removed_ns = entry->removed_ns;
    container->cut = entry->cut;
    cs_cgroup_identify((struct cs_slice){container->path, len}, entry->cut, &container->identity);
}

bool cs_container_is_own(const struct cs_container *container)
{
    const char *name = strrchr(container->path, '/');
    const char *id = container->identity.container_id;

    /* Directories below a container's have its id in their path, not in their name. */
    return name && id[0] != '\0' && strstr(name, id);
}

int cs_container_table_get(const struct cs_container_table *table, uint64_t cgroup_id,
                           struct cs_container *container)
{
    const struct entry *entry = entry_find(table, cgroup_id);

    if (!entry)
        return -ENOENT;
    entry_read(entry, container);
    return 0;
}

int cs_container_table_subject(struct cs_container_table *table, uint64_t cgroup_id,
                               struct cs_subject *subject)
{
    const struct entry *entry = entry_find(table, cgroup_id);
    char path[CS_CGROUP_PATH_MAX + 1];

    if (!entry) {
        table->stats.misses++;
        cs_subject_unknown(CS_ATTRIBUTION_NO_CGROUP, subject);
        return -ENOENT;
    }
    table->stats.hits++;
    size_t len = entry_path(entry, path);

    cs_subject_from_path((struct cs_slice){path, len}, entry->cut, subject);
    return 0;
}

int cs_container_table_each(const struct cs_container_table *table,
                            int (*visit)(const struct cs_container *container, void *context),
                            void *context)
{
    for (const struct entry *entry = table->entries; entry; entry = entry->hh.next) {
        struct cs_container container;
        int r;

        if (!entry->container || entry->removed_ns != 0)
            continue;
        entry_read(entry, &container);
        r = visit(&container, context);
        if (r != 0)
            return r;
    }
    return 0;
}

void cs_container_table_stats(const struct cs_container_table *table,
                              struct cs_container_stats *stats)
{
    *stats = table->stats;
    stats->bytes += HASH_OVERHEAD(hh, table->entries) + HASH_OVERHEAD(hh, table->directories);
    /* The macro counts the handles too, which are within the entries. */
    stats->bytes -= HASH_COUNT(table->entries) * sizeof(UT_hash_handle);
    stats->bytes -= HASH_COUNT(table->directories) * sizeof(UT_hash_handle);
}
