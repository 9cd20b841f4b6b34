/* SPDX-License-Identifier: Apache-2.0 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "core/state/state.h"

#include "core/pods/pod_workload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An entry of the document but for its four names; a test holds it to it. */
#define ENTRY_BYTES 256

/* No padding: hashed as bytes. */
struct key {
    struct cs_label *workload; /* referenced */
    uint64_t mechanism;
};
_Static_assert(sizeof(struct key) == sizeof(void *) + sizeof(uint64_t), "a key without padding");

struct entry {
    UT_hash_handle hh;
    struct entry *prev, *next; /* seen longest ago first */
    struct key key;
    struct cs_state_times times;
    size_t bytes;
    bool done;
};

struct cs_state {
    struct cs_state_limits limits;
    struct cs_state_stats stats;
    struct cs_intervals intervals;
    struct cs_endpoints endpoints;
    struct cs_labels *labels;
    struct entry *table;
    struct entry *order;
};

int cs_state_new(const struct cs_state_limits *limits, struct cs_labels *labels,
                 struct cs_state **state)
{
    struct cs_state *made = calloc(1, sizeof(*made));

    if (!made)
        return -ENOMEM;
    made->limits = *limits;
    if (made->limits.entries_max == 0)
        made->limits.entries_max = CS_STATE_ENTRIES_MAX;
    if (made->limits.bytes_max == 0)
        made->limits.bytes_max = CS_STATE_BYTES_MAX;
    made->labels = labels;
    *state = made;
    return 0;
}

static void entry_free(struct cs_state *state, struct entry *entry)
{
    HASH_DEL(state->table, entry);
    DL_DELETE(state->order, entry);
    cs_label_unref(state->labels, entry->key.workload);
    state->stats.entries--;
    state->stats.bytes -= entry->bytes;
    free(entry);
}

void cs_state_free(struct cs_state **state)
{
    if (!*state)
        return;
    while ((*state)->order)
        entry_free(*state, (*state)->order);
    free(*state);
    *state = NULL;
}

struct cs_intervals *cs_state_intervals(struct cs_state *state)
{
    return &state->intervals;
}

struct cs_endpoints *cs_state_endpoints(struct cs_state *state)
{
    return &state->endpoints;
}

/* The most bytes a name becomes in JSON. */
static size_t json_bytes(const char *name)
{
    size_t n = 0;

    for (; *name != '\0'; name++)
        n += *name >= 0x20 && *name < 0x7f && *name != '"' && *name != '\\' ? 1 : 6;
    return n;
}

static bool is_named(const struct cs_workload *workload)
{
    return workload->namespace[0] && workload->service_account[0] && workload->workload_kind[0] &&
           workload->workload[0];
}

static struct entry *entry_new(struct cs_state *state, const struct key *key,
                               const struct cs_workload *workload)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    if (!entry)
        return NULL;
    entry->key = *key;
    HASH_ADD(hh, state->table, key, sizeof(entry->key), entry);
    if (!entry->hh.tbl) {
        free(entry);
        return NULL;
    }
    cs_label_ref(key->workload);
    DL_APPEND(state->order, entry);
    entry->bytes = ENTRY_BYTES + json_bytes(workload->namespace) +
                   json_bytes(workload->service_account) + json_bytes(workload->workload_kind) +
                   json_bytes(workload->workload);
    state->stats.entries++;
    state->stats.bytes += entry->bytes;
    return entry;
}

/* Find or make an entry; NULL: it can't be kept. */
static struct entry *entry_get(struct cs_state *state, const struct cs_workload *workload,
                               enum cs_mechanism mechanism, bool *made)
{
    struct key key = {.mechanism = mechanism};
    struct entry *entry = NULL;

    *made = false;
    if (is_named(workload))
        key.workload = cs_pod_workload_get(state->labels, workload);
    if (key.workload) {
        HASH_FIND(hh, state->table, &key, sizeof(key), entry);
        *made = !entry;
        if (!entry)
            entry = entry_new(state, &key, workload);
        cs_label_unref(state->labels, key.workload);
    }
    if (!entry)
        state->stats.refused++;
    return entry;
}

static void trim(struct cs_state *state)
{
    while (state->stats.entries > state->limits.entries_max ||
           state->stats.bytes > state->limits.bytes_max) {
        entry_free(state, state->order);
        state->stats.evicted++;
    }
}

void cs_state_exchange(struct cs_state *state, const struct cs_exchange *exchange,
                       const struct cs_verdict *verdict, const struct cs_workload *workload,
                       int64_t wall_offset_ns)
{
    uint64_t at_ns = exchange->answer_ns ? exchange->answer_ns : exchange->end_ns;
    enum cs_result result = cs_verdict_result(verdict);
    struct entry *entry;
    bool made;

    at_ns += (uint64_t)wall_offset_ns;
    cs_endpoints_note(&state->endpoints, verdict->endpoint, exchange->connection->family,
                      cs_exchange_endpoint_result(exchange, verdict->outcome), at_ns);
    entry = entry_get(state, workload, verdict->mechanism, &made);
    if (!entry)
        return;
    if (made) {
        entry->times.first_seen_ns = at_ns;
        entry->done = true;
    } else {
        DL_DELETE(state->order, entry);
        DL_APPEND(state->order, entry);
    }
    /* Not the later of the two: one of the future is a wrong clock's. */
    entry->times.last_seen_ns = at_ns;
    if (result == CS_RESULT_SUCCESS)
        entry->times.last_success_ns = at_ns;
    if (result == CS_RESULT_FAILURE)
        entry->times.last_failure_ns = at_ns;
    trim(state);
}

static void keep_later(uint64_t *time_ns, uint64_t other_ns)
{
    if (*time_ns < other_ns)
        *time_ns = other_ns;
}

static int put(struct cs_state *state, const struct cs_workload *workload,
               enum cs_mechanism mechanism, const struct cs_state_times *times)
{
    struct entry *entry;
    bool made;

    if (times->first_seen_ns == 0 || times->last_seen_ns == 0 || !is_named(workload))
        return -EINVAL;
    entry = entry_get(state, workload, mechanism, &made);
    if (!entry)
        return -ENOMEM;
    if (made || times->first_seen_ns < entry->times.first_seen_ns)
        entry->times.first_seen_ns = times->first_seen_ns;
    keep_later(&entry->times.last_seen_ns, times->last_seen_ns);
    keep_later(&entry->times.last_success_ns, times->last_success_ns);
    keep_later(&entry->times.last_failure_ns, times->last_failure_ns);
    entry->done = false;
    return 0;
}

int cs_state_put(struct cs_state *state, const struct cs_workload *workload,
                 enum cs_mechanism mechanism, const struct cs_state_times *times)
{
    int r = put(state, workload, mechanism, times);

    trim(state);
    return r;
}

static int by_last_seen(const struct entry *a, const struct entry *b)
{
    return (a->times.last_seen_ns > b->times.last_seen_ns) -
           (a->times.last_seen_ns < b->times.last_seen_ns);
}

int cs_state_merge(struct cs_state *state, const struct cs_state *earlier)
{
    struct cs_workload workload;
    int error = 0;

    memcpy(state->intervals.closed, earlier->intervals.closed, sizeof(state->intervals.closed));
    state->intervals.count = earlier->intervals.count;
    state->intervals.dropped += earlier->intervals.dropped;
    cs_endpoints_merge(&state->endpoints, &earlier->endpoints);
    for (const struct entry *entry = earlier->order; entry && error == 0; entry = entry->next) {
        cs_pod_workload_read(entry->key.workload, &workload);
        error = put(state, &workload, (enum cs_mechanism)entry->key.mechanism, &entry->times);
    }
    state->stats.evicted += earlier->stats.evicted;
    state->stats.refused += earlier->stats.refused;
    DL_SORT(state->order, by_last_seen);
    trim(state);
    return error;
}

void cs_state_expire(struct cs_state *state, uint64_t wall_ns, bool trusted)
{
    struct entry *entry, *next;

    if (!trusted)
        return;
    cs_intervals_expire(&state->intervals, wall_ns);
    cs_endpoints_expire(&state->endpoints, wall_ns, CS_STATE_AGE_NS, CS_STATE_AHEAD_NS);
    DL_FOREACH_SAFE(state->order, entry, next)
    {
        uint64_t seen_ns = entry->times.last_seen_ns;

        if (seen_ns > wall_ns ? seen_ns - wall_ns <= CS_STATE_AHEAD_NS
                              : wall_ns - seen_ns <= CS_STATE_AGE_NS)
            continue;
        state->stats.ahead += seen_ns > wall_ns;
        entry_free(state, entry);
    }
}

int cs_state_each(const struct cs_state *state, bool newest_first, cs_state_visit_fn visit,
                  void *user)
{
    struct entry *first = state->order, *entry = first;
    int r = 0;

    /* The list's head knows its tail: prev goes round. */
    if (first && newest_first)
        entry = first->prev;
    while (entry && r == 0) {
        const struct cs_state_view view = {
            .workload = entry->key.workload,
            .mechanism = (enum cs_mechanism)entry->key.mechanism,
            .times = &entry->times,
            .done = &entry->done,
        };

        r = visit(user, &view);
        if (newest_first)
            entry = entry == first ? NULL : entry->prev;
        else
            entry = entry->next;
    }
    return r;
}

void cs_state_stats(const struct cs_state *state, struct cs_state_stats *stats)
{
    *stats = state->stats;
    stats->entries_max = state->limits.entries_max;
}
