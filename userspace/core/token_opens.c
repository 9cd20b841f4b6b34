/* SPDX-License-Identifier: Apache-2.0 */
#include "core/token_opens.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* An allocation that fails must not end the program. */
#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->unhashed = true)
#include <uthash.h>

struct entry {
    bool unhashed;
    uint64_t cgroup_id;
    uint64_t last[CS_MECHANISM_END];
    UT_hash_handle hh;
};

struct cs_token_opens {
    struct entry *entries; /* in order of their last open, the oldest first */
    size_t max;
    uint64_t evicted;
};

int cs_token_opens_new(size_t max, struct cs_token_opens **opens)
{
    struct cs_token_opens *new;

    if (max < 1 || max > CS_TOKEN_OPENS_MAX)
        return -EINVAL;
    new = calloc(1, sizeof(*new));
    if (!new)
        return -ENOMEM;
    new->max = max;
    *opens = new;
    return 0;
}

static void remove_entry(struct cs_token_opens *opens, struct entry *entry)
{
    HASH_DEL(opens->entries, entry);
    free(entry);
}

void cs_token_opens_free(struct cs_token_opens *opens)
{
    if (!opens)
        return;
    while (opens->entries)
        remove_entry(opens, opens->entries);
    free(opens);
}

static struct entry *find(const struct cs_token_opens *opens, uint64_t cgroup_id)
{
    struct entry *entry;

    HASH_FIND(hh, opens->entries, &cgroup_id, sizeof(cgroup_id), entry);
    return entry;
}

/* Evidence goes with the oldest only if an exchange might still have needed it. */
static void make_room(struct cs_token_opens *opens, uint64_t now_ns)
{
    bool needed = false;

    for (size_t i = 0; i < CS_MECHANISM_END; i++) {
        uint64_t last = opens->entries->last[i];

        needed |= last != 0 && (last >= now_ns || now_ns - last <= CS_TOKEN_OPENS_KEEP_NS);
    }
    opens->evicted += needed;
    remove_entry(opens, opens->entries);
}

int cs_token_opens_add(struct cs_token_opens *opens, uint64_t cgroup_id,
                       enum cs_mechanism mechanism, uint64_t time_ns)
{
    struct entry *entry = find(opens, cgroup_id);

    if (entry) {
        /* Taken out and put in again: uthash keeps the order of insertion. */
        HASH_DEL(opens->entries, entry);
    } else {
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            return -ENOMEM;
        entry->cgroup_id = cgroup_id;
        if (HASH_COUNT(opens->entries) >= opens->max)
            make_room(opens, time_ns);
    }
    entry->last[mechanism] = time_ns;
    HASH_ADD(hh, opens->entries, cgroup_id, sizeof(entry->cgroup_id), entry);
    if (entry->unhashed) {
        free(entry);
        return -ENOMEM;
    }
    return 0;
}

struct cs_token_open cs_token_opens_last(const struct cs_token_opens *opens, uint64_t cgroup_id,
                                         enum cs_mechanism mechanism)
{
    const struct entry *entry = find(opens, cgroup_id);
    struct cs_token_open open = {0};

    if (entry && entry->last[mechanism] != 0) {
        open.time_ns = entry->last[mechanism];
        open.mechanism = mechanism;
    }
    return open;
}

void cs_token_opens_use(struct cs_token_opens *opens, uint64_t cgroup_id,
                        enum cs_mechanism mechanism)
{
    struct entry *entry = find(opens, cgroup_id);

    if (entry)
        entry->last[mechanism] = 0;
}

size_t cs_token_opens_count(const struct cs_token_opens *opens)
{
    return HASH_COUNT(opens->entries);
}

uint64_t cs_token_opens_evicted(const struct cs_token_opens *opens)
{
    return opens->evicted;
}
