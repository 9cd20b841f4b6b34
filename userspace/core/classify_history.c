// SPDX-License-Identifier: Apache-2.0
#include "core/classify_history.h"

#include <errno.h>
#include <stdlib.h>

/* An allocation that fails must not end the program. */
#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->unhashed = true)
#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    uint64_t cgroup_id;
    uint64_t token_ns;    /* end of the last token exchange; 0 none */
    uint32_t token_bytes; /* its request's records */
    uint32_t token_tgid;
    bool token_ok;
    bool token_ever_ok;
    bool other; /* credentials by another mechanism */
    bool unhashed;
};

struct cs_call_history {
    struct entry *entries; /* in order of their last call, the oldest first */
    size_t max;
    bool forgot; /* an entry was lost: that there is none proves nothing any more */
};

int cs_call_history_new(size_t max, struct cs_call_history **history)
{
    struct cs_call_history *new;

    if (max < 1 || max > CS_CALL_HISTORY_MAX)
        return -EINVAL;
    new = calloc(1, sizeof(*new));
    if (!new)
        return -ENOMEM;
    new->max = max;
    *history = new;
    return 0;
}

static void remove_entry(struct cs_call_history *history, struct entry *entry)
{
    HASH_DEL(history->entries, entry);
    free(entry);
}

void cs_call_history_free(struct cs_call_history *history)
{
    if (!history)
        return;
    while (history->entries)
        remove_entry(history, history->entries);
    free(history);
}

static struct entry *find(const struct cs_call_history *history, uint64_t cgroup_id)
{
    struct entry *entry;

    HASH_FIND(hh, history->entries, &cgroup_id, sizeof(cgroup_id), entry);
    return entry;
}

static bool is_token(const struct cs_verdict *verdict)
{
    return verdict->mechanism == CS_MECHANISM_IRSA;
}

/* Credentials that sign calls to STS. An Entra token signs none, a token exchange is noted as
 * such. */
static bool brings_other(const struct cs_verdict *verdict)
{
    return verdict->delivered && !is_token(verdict) &&
           (verdict->endpoint == CS_ENDPOINT_IMDS ||
            verdict->endpoint == CS_ENDPOINT_POD_IDENTITY_AGENT);
}

static void note(struct entry *entry, const struct cs_exchange *exchange,
                 const struct cs_verdict *verdict)
{
    if (!is_token(verdict)) {
        entry->other = true;
        return;
    }
    entry->token_ns = exchange->end_ns;
    entry->token_ok = cs_outcome_result(verdict->outcome) != CS_RESULT_FAILURE;
    entry->token_ever_ok |= entry->token_ok;
    entry->token_tgid = exchange->connection->tgid;
    if (exchange->request_records.bytes > 0 && exchange->request_records.bytes < UINT32_MAX)
        entry->token_bytes = (uint32_t)exchange->request_records.bytes;
}

int cs_call_history_note(struct cs_call_history *history, const struct cs_exchange *exchange,
                         const struct cs_verdict *verdict)
{
    uint64_t cgroup_id = exchange->connection->cgroup_id;
    struct entry *entry;

    if (exchange->connection->kernel_thread || (!is_token(verdict) && !brings_other(verdict)))
        return 0;
    entry = find(history, cgroup_id);
    if (entry) {
        /* Taken out and put in again: uthash keeps the order of insertion. */
        HASH_DEL(history->entries, entry);
    } else {
        entry = calloc(1, sizeof(*entry));
        if (!entry) {
            history->forgot = true;
            return -ENOMEM;
        }
        entry->cgroup_id = cgroup_id;
        if (HASH_COUNT(history->entries) >= history->max) {
            remove_entry(history, history->entries);
            history->forgot = true;
        }
    }
    note(entry, exchange, verdict);
    HASH_ADD(hh, history->entries, cgroup_id, sizeof(entry->cgroup_id), entry);
    if (entry->unhashed) {
        free(entry);
        history->forgot = true;
        return -ENOMEM;
    }
    return 0;
}

static enum cs_preceded preceded(const struct entry *entry, const struct cs_exchange *exchange,
                                 bool from_start)
{
    bool same_process = entry->token_tgid == exchange->connection->tgid;

    if (entry->other)
        return CS_PRECEDED_OTHER;
    if (entry->token_ns == 0)
        return CS_PRECEDED_UNKNOWN;
    if (!same_process)
        return CS_PRECEDED_TOKEN_OTHER;
    if (entry->token_ok)
        return CS_PRECEDED_TOKEN;
    if (exchange->start_ns <= entry->token_ns + CS_CALL_RETRY_NS)
        return CS_PRECEDED_TOKEN_FAILED;
    if (entry->token_ever_ok)
        return CS_PRECEDED_TOKEN;
    return from_start ? CS_PRECEDED_NOTHING : CS_PRECEDED_UNKNOWN;
}

void cs_call_history_ask(const struct cs_call_history *history, bool from_start,
                         struct cs_evidence *evidence)
{
    const struct cs_exchange *exchange = evidence->exchange;
    const struct entry *entry = find(history, exchange->connection->cgroup_id);

    evidence->token_call_bytes = entry ? entry->token_bytes : 0;
    if (entry)
        evidence->preceded = preceded(entry, exchange, from_start);
    else if (from_start && !history->forgot)
        evidence->preceded = CS_PRECEDED_NOTHING;
    else
        evidence->preceded = CS_PRECEDED_UNKNOWN;
}

size_t cs_call_history_count(const struct cs_call_history *history)
{
    return HASH_COUNT(history->entries);
}
