/* SPDX-License-Identifier: Apache-2.0 */
#include "core/classify/token_opens.h"

#include "base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An allocation that fails must not end the program. */
#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->unhashed = true)
#include <uthash.h>

#define CAPACITY_FIRST 4

struct open {
    uint64_t time_ns;
    uint32_t tgid;
    uint8_t mechanism;
    bool used; /* has explained a call of its own process, or of one that could be it */
    bool lent; /* has explained another's */
};

struct entry {
    UT_hash_handle hh;
    uint64_t cgroup_id;
    struct open *opens; /* in order of coming */
    uint16_t count, capacity;
    uint32_t ever; /* 1 << enum cs_mechanism: was opened */
    bool unhashed;
    char pod_uid[CS_POD_UID_LEN];
};

struct cs_token_opens {
    struct entry *entries; /* in order of their last open, the oldest first */
    size_t max;
    size_t all; /* opens kept */
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

static void entry_free(struct entry *entry)
{
    free(entry->opens);
    free(entry);
}

static void remove_entry(struct cs_token_opens *opens, struct entry *entry)
{
    HASH_DEL(opens->entries, entry);
    opens->all -= entry->count;
    entry_free(entry);
}

void cs_token_opens_free(struct cs_token_opens *opens)
{
    if (!opens)
        return;
    while (opens->entries)
        remove_entry(opens, opens->entries);
    free(opens);
}

static struct entry *find_entry(const struct cs_token_opens *opens, uint64_t cgroup_id)
{
    struct entry *entry;

    HASH_FIND(hh, opens->entries, &cgroup_id, sizeof(cgroup_id), entry);
    return entry;
}

/* A call might still need it. */
static bool is_evidence(const struct open *open, uint64_t now_ns)
{
    return !open->used &&
           (open->time_ns >= now_ns || now_ns - open->time_ns <= CS_TOKEN_OPENS_KEEP_NS);
}

static void make_room(struct cs_token_opens *opens, uint64_t now_ns)
{
    const struct entry *oldest = opens->entries;

    for (uint16_t i = 0; i < oldest->count; i++)
        opens->evicted += is_evidence(&oldest->opens[i], now_ns);
    remove_entry(opens, opens->entries);
}

static void drop_stale(struct cs_token_opens *opens, struct entry *entry, uint64_t now_ns)
{
    uint16_t kept = 0;

    for (uint16_t i = 0; i < entry->count; i++) {
        if (is_evidence(&entry->opens[i], now_ns))
            entry->opens[kept++] = entry->opens[i];
    }
    opens->all -= entry->count - kept;
    entry->count = kept;
}

static int reserve(struct cs_token_opens *opens, struct entry *entry)
{
    uint16_t capacity = entry->capacity ? entry->capacity * 2 : CAPACITY_FIRST;
    struct open *larger;

    if (entry->count == CS_TOKEN_OPENS_EACH_MAX) {
        memmove(entry->opens, entry->opens + 1, (entry->count - 1u) * sizeof(*entry->opens));
        entry->count--;
        opens->all--;
        opens->evicted++;
    }
    if (entry->count < entry->capacity)
        return 0;
    larger = realloc(entry->opens, capacity * sizeof(*larger));
    if (!larger)
        return -ENOMEM;
    entry->opens = larger;
    entry->capacity = capacity;
    return 0;
}

/* A new one, or that of the cgroup taken out, to be put in again behind the others: uthash keeps
 * the order of insertion. */
static struct entry *take_entry(struct cs_token_opens *opens, const struct cs_token_open *open)
{
    struct entry *entry = find_entry(opens, open->cgroup_id);

    if (entry) {
        HASH_DEL(opens->entries, entry);
        drop_stale(opens, entry, open->time_ns);
    } else {
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            return NULL;
        entry->cgroup_id = open->cgroup_id;
        if (HASH_COUNT(opens->entries) >= opens->max)
            make_room(opens, open->time_ns);
    }
    while (opens->all >= CS_TOKEN_OPENS_ALL_MAX && opens->entries)
        make_room(opens, open->time_ns);
    if (open->pod_uid && open->pod_uid[0])
        cs_text_copy(entry->pod_uid, sizeof(entry->pod_uid), open->pod_uid, strlen(open->pod_uid));
    return entry;
}

int cs_token_opens_note(struct cs_token_opens *opens, const struct cs_token_open *open)
{
    struct entry *entry = take_entry(opens, open);
    int error;

    if (!entry)
        return -ENOMEM;
    error = reserve(opens, entry);
    if (error == 0) {
        entry->opens[entry->count++] = (struct open){
            .time_ns = open->time_ns, .tgid = open->tgid, .mechanism = (uint8_t)open->mechanism};
        opens->all++;
        entry->ever |= UINT32_C(1) << open->mechanism;
    }
    HASH_ADD(hh, opens->entries, cgroup_id, sizeof(entry->cgroup_id), entry);
    if (entry->unhashed) {
        opens->all -= entry->count;
        entry_free(entry);
        return -ENOMEM;
    }
    return error;
}

static enum cs_token_match match_of(const struct entry *entry, const struct open *open,
                                    const struct cs_token_query *query)
{
    if (open->mechanism != query->mechanism || open->used || open->time_ns > query->before_ns)
        return CS_TOKEN_NONE;
    if (entry->cgroup_id == query->cgroup_id &&
        (!open->tgid || !query->tgid || open->tgid == query->tgid))
        return CS_TOKEN_OF_PROCESS;
    if (open->lent)
        return CS_TOKEN_NONE;
    return entry->cgroup_id == query->cgroup_id ? CS_TOKEN_OF_CONTAINER : CS_TOKEN_OF_POD;
}

static struct open *best_of(const struct entry *entry, const struct cs_token_query *query,
                            struct cs_token_found *found)
{
    struct open *best = NULL;

    found->opened_before |= (entry->ever >> query->mechanism) & 1;
    for (uint16_t i = 0; i < entry->count; i++) {
        struct open *open = &entry->opens[i];
        enum cs_token_match match = match_of(entry, open, query);

        if (match == CS_TOKEN_NONE || match < found->match)
            continue;
        if (match > found->match)
            found->recent = 0;
        found->recent += open->time_ns + CS_TOKEN_OPENS_RECENT_NS >= query->before_ns;
        if (match == found->match && open->time_ns < found->time_ns)
            continue;
        found->match = match;
        found->time_ns = open->time_ns;
        found->tgid = open->tgid;
        best = open;
    }
    return best;
}

static struct open *find(const struct cs_token_opens *opens, const struct cs_token_query *query,
                         struct cs_token_found *found)
{
    const struct entry *own = find_entry(opens, query->cgroup_id);
    struct open *best = NULL;

    *found = (struct cs_token_found){0};
    if (own)
        best = best_of(own, query, found);
    if (best || !query->pod_uid || !query->pod_uid[0])
        return best;
    for (const struct entry *entry = opens->entries; entry; entry = entry->hh.next) {
        struct open *other;

        if (entry == own || strcmp(entry->pod_uid, query->pod_uid) != 0)
            continue;
        other = best_of(entry, query, found);
        if (other)
            best = other;
    }
    return best;
}

void cs_token_opens_find(const struct cs_token_opens *opens, const struct cs_token_query *query,
                         struct cs_token_found *found)
{
    find(opens, query, found);
}

void cs_token_opens_take(struct cs_token_opens *opens, const struct cs_token_query *query,
                         const struct cs_token_found *found)
{
    struct cs_token_found again;
    struct open *open = find(opens, query, &again);

    if (!open || again.time_ns != found->time_ns || again.match != found->match)
        return;
    if (found->match == CS_TOKEN_OF_PROCESS)
        open->used = true;
    else
        open->lent = true;
}

size_t cs_token_opens_count(const struct cs_token_opens *opens)
{
    return HASH_COUNT(opens->entries);
}

uint64_t cs_token_opens_evicted(const struct cs_token_opens *opens)
{
    return opens->evicted;
}
