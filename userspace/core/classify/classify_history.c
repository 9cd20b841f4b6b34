// SPDX-License-Identifier: Apache-2.0
#include "core/classify/classify_history.h"

#include "core/classify/classify_shape.h"

#include <errno.h>
#include <stdlib.h>

/* An allocation that fails must not end the program. */
#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->unhashed = true)
#include <uthash.h>

/* The container's token exchanges at one cloud. */
struct exchanges {
    uint64_t ns;    /* end of the last; 0 none */
    uint32_t bytes; /* cs_call_size of a request */
    uint32_t tgid;
    bool ok;
    bool ever_ok;
    bool guessed; /* what has those bytes was called so with low confidence */
    bool own;     /* that process had opened the token itself */
};

enum cloud { AWS, AZURE, CLOUDS };

struct entry {
    UT_hash_handle hh;
    uint64_t cgroup_id;
    struct exchanges tokens[CLOUDS];
    bool other; /* AWS credentials by another mechanism */
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

static enum cloud cloud_of(enum cs_mechanism token)
{
    return token == CS_MECHANISM_AZURE_WORKLOAD_IDENTITY ? AZURE : AWS;
}

static bool is_token(const struct cs_verdict *verdict)
{
    return verdict->call == CS_CALL_WEB_IDENTITY;
}

/* Credentials that sign calls to STS, but for those of a token exchange, which is noted itself. */
static bool brings_other(const struct cs_verdict *verdict)
{
    return verdict->delivered && (verdict->endpoint == CS_ENDPOINT_IMDS ||
                                  verdict->endpoint == CS_ENDPOINT_POD_IDENTITY_AGENT);
}

/* A size once learned is changed by what is sure, not by a guess. */
static void note(struct entry *entry, const struct cs_exchange *exchange,
                 const struct cs_verdict *verdict)
{
    struct exchanges *tokens = &entry->tokens[cloud_of(verdict->mechanism)];
    uint32_t bytes = cs_call_size(exchange);
    bool own = verdict->reasons & 1u << CS_REASON_TOKEN_OPEN;

    if (!is_token(verdict)) {
        entry->other = true;
        return;
    }
    /* Who opened the token is a better witness than who seems to use it. */
    if (tokens->own && !own && tokens->tgid != exchange->connection->tgid)
        return;
    tokens->ns = exchange->end_ns;
    tokens->ok = cs_outcome_result(verdict->outcome) != CS_RESULT_FAILURE;
    tokens->ever_ok |= tokens->ok;
    tokens->tgid = exchange->connection->tgid;
    tokens->own = own;
    if (bytes > 0 && bytes < UINT32_MAX &&
        (verdict->confidence > CS_CONFIDENCE_LOW || bytes > tokens->bytes)) {
        tokens->bytes = bytes;
        tokens->guessed = verdict->confidence == CS_CONFIDENCE_LOW;
    }
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

static enum cs_preceded preceded(const struct entry *entry, enum cloud cloud,
                                 const struct cs_exchange *exchange, bool from_start)
{
    const struct exchanges *tokens = &entry->tokens[cloud];

    if (entry->other && cloud == AWS)
        return CS_PRECEDED_OTHER;
    if (tokens->ns == 0)
        return from_start ? CS_PRECEDED_NOTHING : CS_PRECEDED_UNKNOWN;
    if (tokens->tgid != exchange->connection->tgid)
        return tokens->own ? CS_PRECEDED_TOKEN_BESIDE : CS_PRECEDED_TOKEN_OTHER;
    if (tokens->ok)
        return CS_PRECEDED_TOKEN;
    if (exchange->start_ns <= tokens->ns + CS_CALL_RETRY_NS)
        return CS_PRECEDED_TOKEN_FAILED;
    if (tokens->ever_ok)
        return CS_PRECEDED_TOKEN;
    return from_start ? CS_PRECEDED_NOTHING : CS_PRECEDED_UNKNOWN;
}

void cs_call_history_ask(const struct cs_call_history *history, enum cs_mechanism token,
                         bool from_start, struct cs_evidence *evidence)
{
    const struct cs_exchange *exchange = evidence->exchange;
    const struct entry *entry = find(history, exchange->connection->cgroup_id);
    enum cloud cloud = cloud_of(token);

    from_start &= !history->forgot;
    evidence->token_call_guessed = entry && entry->tokens[cloud].guessed;
    evidence->token_call_bytes = entry ? entry->tokens[cloud].bytes : 0;
    if (entry)
        evidence->preceded = preceded(entry, cloud, exchange, from_start);
    else
        evidence->preceded = from_start ? CS_PRECEDED_NOTHING : CS_PRECEDED_UNKNOWN;
}

void cs_call_history_sweep(struct cs_call_history *history,
                           bool (*gone)(void *user, uint64_t cgroup_id), void *user)
{
    struct entry *entry, *next;

    if (HASH_COUNT(history->entries) <= history->max / 2)
        return;
    HASH_ITER (hh, history->entries, entry, next) {
        if (gone(user, entry->cgroup_id))
            remove_entry(history, entry);
    }
}

size_t cs_call_history_count(const struct cs_call_history *history)
{
    return HASH_COUNT(history->entries);
}
