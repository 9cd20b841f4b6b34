// SPDX-License-Identifier: Apache-2.0
#include "stretch.h"

#include "base/util.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* Who does something: a cgroup. Facts of connections that nobody knows are nobody's, id 0. */
struct doer {
    UT_hash_handle hh;
    uint64_t cgroup_id;
    uint64_t last_ns;  /* of the last fact, as recorded */
    uint64_t shift_ns; /* of the doing that it belongs to */
    uint64_t token_ns; /* a token that no connect followed yet; 0 none */
    uint32_t token_tgid;
    uint32_t waiting; /* connections whose last fact waits for an answer */
};

struct connection {
    UT_hash_handle hh;
    struct {
        uint64_t cookie;
        uint64_t generation;
    } key;
    struct doer *doer;
    bool waits;
};

struct state {
    struct doer *doers;
    struct connection *connections;
    uint64_t begin_ns;
    uint64_t now_ns; /* of the recording */
    unsigned int factor;
};

static struct doer *doer_get(struct state *state, uint64_t cgroup_id)
{
    struct doer *doer;

    HASH_FIND(hh, state->doers, &cgroup_id, sizeof(cgroup_id), doer);
    if (doer)
        return doer;
    doer = calloc(1, sizeof(*doer));
    if (!doer)
        return NULL;
    doer->cgroup_id = cgroup_id;
    HASH_ADD(hh, state->doers, cgroup_id, sizeof(cgroup_id), doer);
    if (!doer->hh.tbl) {
        free(doer);
        return NULL;
    }
    return doer;
}

/* Made by its CONNECT; NULL: of no connection that is known, or no memory. */
static struct connection *connection_get(struct state *state, const struct cs_fact_header *header,
                                         const void *fact)
{
    struct connection *connection, key = {.key = {header->cookie, header->generation}};
    struct cs_fact_connect connect;

    HASH_FIND(hh, state->connections, &key.key, sizeof(key.key), connection);
    if (connection || header->type != CS_FACT_CONNECT || header->size < sizeof(connect))
        return connection;
    memcpy(&connect, fact, sizeof(connect));
    connection = calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    connection->key = key.key;
    connection->doer = doer_get(state, connect.cgroup_id);
    if (connection->doer)
        HASH_ADD(hh, state->connections, key, sizeof(connection->key), connection);
    if (!connection->hh.tbl) {
        free(connection);
        return NULL;
    }
    if (connection->doer->token_tgid == connect.tgid)
        connection->doer->token_ns = 0;
    return connection;
}

/* Whether an answer is due once this fact is seen; before is what held until then. */
static bool waits_after(const struct cs_fact_header *header, const void *fact, bool before)
{
    struct cs_fact_tls_record record;

    switch (header->type) {
    case CS_FACT_CONNECT:
    case CS_FACT_REQUEST:
    case CS_FACT_TUNNEL:
    case CS_FACT_CLIENT_HELLO:
        return true;
    case CS_FACT_RESPONSE:
    case CS_FACT_CONNECT_FAILED:
    case CS_FACT_CLOSE:
    case CS_FACT_GAP:
        return false;
    case CS_FACT_TLS_RECORD:
        if (header->size < sizeof(record))
            return before;
        memcpy(&record, fact, sizeof(record));
        return record.direction == CS_DIR_EGRESS;
    default:
        return before;
    }
}

/* Whose a fact is that belongs to no connection, and what it says of tokens. */
static struct doer *doer_of(struct state *state, const struct cs_fact_header *header,
                            const void *fact)
{
    struct cs_fact_token_open open;
    struct cs_fact_cgroup cgroup;
    struct doer *doer;

    if (header->type == CS_FACT_TOKEN_OPEN && header->size >= sizeof(open)) {
        memcpy(&open, fact, sizeof(open));
        return doer_get(state, open.cgroup_id);
    }
    if (header->type == CS_FACT_CGROUP_CREATED || header->type == CS_FACT_CGROUP_REMOVED) {
        memcpy(&cgroup, fact, header->size < sizeof(cgroup) ? header->size : sizeof(cgroup));
        doer = header->size < sizeof(cgroup) ? NULL : doer_get(state, cgroup.cgroup_id);
        return doer ? doer : doer_get(state, 0);
    }
    return doer_get(state, 0);
}

static bool is_busy(const struct state *state, const struct doer *doer)
{
    return doer->last_ns != 0 &&
           (doer->waiting > 0 || state->now_ns < doer->last_ns + STRETCH_PAUSE_NS ||
            (doer->token_ns != 0 && state->now_ns < doer->token_ns + STRETCH_TOKEN_NS));
}

static void shift(uint64_t *time_ns, uint64_t by_ns)
{
    uint64_t time;

    memcpy(&time, time_ns, sizeof(time));
    if (time == 0) /* from before the recording */
        return;
    time += by_ns;
    memcpy(time_ns, &time, sizeof(time));
}

static void shift_fact(void *fact, const struct cs_fact_header *header, uint64_t by_ns)
{
    unsigned char *bytes = fact;

    shift((uint64_t *)(void *)(bytes + offsetof(struct cs_fact_header, time_ns)), by_ns);
    /* They all have it in the same place. */
    _Static_assert(offsetof(struct cs_fact_request, first_byte_ns) == sizeof(*header) &&
                       offsetof(struct cs_fact_response, first_byte_ns) == sizeof(*header) &&
                       offsetof(struct cs_fact_tunnel, first_byte_ns) == sizeof(*header) &&
                       offsetof(struct cs_fact_client_hello, first_byte_ns) == sizeof(*header),
                   "first_byte_ns follows the header");
    if ((header->type == CS_FACT_REQUEST || header->type == CS_FACT_RESPONSE ||
         header->type == CS_FACT_TUNNEL || header->type == CS_FACT_CLIENT_HELLO) &&
        header->size >= sizeof(*header) + sizeof(uint64_t))
        shift((uint64_t *)(void *)(bytes + sizeof(*header)), by_ns);
}

/* Give one fact its new time. 0 or -ENOMEM. */
static int place(struct state *state, struct stretched_fact *item)
{
    struct cs_fact_header header;
    struct connection *connection = NULL;
    struct doer *doer;
    bool waits;

    memcpy(&header, item->fact, sizeof(header));
    /* The connect of a TLS socket is told late, with the time at which it was. */
    if (header.time_ns > state->now_ns)
        state->now_ns = header.time_ns;
    if (state->now_ns == 0)
        return 0;
    if (state->begin_ns == 0)
        state->begin_ns = state->now_ns;
    if (header.cookie != 0)
        connection = connection_get(state, &header, item->fact);
    doer = connection ? connection->doer : doer_of(state, &header, item->fact);
    if (!doer)
        return -ENOMEM;
    if (!is_busy(state, doer))
        doer->shift_ns = (state->now_ns - state->begin_ns) * (state->factor - 1);
    doer->last_ns = state->now_ns;
    if (header.type == CS_FACT_TOKEN_OPEN) {
        doer->token_ns = state->now_ns;
        memcpy(&doer->token_tgid,
               (unsigned char *)item->fact + offsetof(struct cs_fact_token_open, tgid),
               sizeof(doer->token_tgid));
    }
    if (connection) {
        waits = waits_after(&header, item->fact, connection->waits);
        doer->waiting += (uint32_t)waits - (uint32_t)connection->waits;
        connection->waits = waits;
    }
    item->at_ns = state->now_ns + doer->shift_ns;
    shift_fact(item->fact, &header, doer->shift_ns);
    return 0;
}

static int in_order(const void *a, const void *b)
{
    const struct stretched_fact *one = a, *other = b;

    if (one->at_ns != other->at_ns)
        return one->at_ns < other->at_ns ? -1 : 1;
    return one->index < other->index ? -1 : one->index > other->index;
}

static void state_free(struct state *state)
{
    struct connection *connection, *next;
    struct doer *doer, *following;

    HASH_ITER (hh, state->connections, connection, next) {
        HASH_DEL(state->connections, connection);
        free(connection);
    }
    HASH_ITER (hh, state->doers, doer, following) {
        HASH_DEL(state->doers, doer);
        free(doer);
    }
}

/* 1, 0 at the end, -EBADMSG or -ENOMEM. */
static int append(struct cs_fact_stream *stream, struct stretched_fact **facts, size_t *count,
                  size_t *room)
{
    const void *fact;
    size_t size;
    int more = cs_fact_stream_next(stream, &fact, &size);

    if (more != 1)
        return more;
    if (*count == *room) {
        size_t wanted = *room ? 2 * *room : 4096;
        struct stretched_fact *larger = reallocarray(*facts, wanted, sizeof(**facts));

        if (!larger)
            return -ENOMEM;
        *facts = larger;
        *room = wanted;
    }
    (*facts)[*count] = (struct stretched_fact){.index = *count, .fact = (void *)fact};
    ++*count;
    return 1;
}

int stretch(struct cs_fact_stream *stream, unsigned int factor, struct stretched_fact **facts,
            size_t *count)
{
    struct state state = {.factor = factor};
    size_t room = 0;
    int more, error = 0;

    *facts = NULL;
    *count = 0;
    while ((more = append(stream, facts, count, &room)) == 1 && error == 0)
        error = place(&state, &(*facts)[*count - 1]);
    state_free(&state);
    if (more == -ENOMEM || error < 0) {
        free(*facts);
        *facts = NULL;
        return -ENOMEM;
    }
    if (*count > 1)
        qsort(*facts, *count, sizeof(**facts), in_order);
    return more;
}
