// SPDX-License-Identifier: Apache-2.0
/* Which connections are known: how they enter the table and the accounts, and how they leave. */
#include "core/exchange/assembler_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct cs_connection_id *ended_slot(struct cs_assembler *assembler,
                                           const struct cs_connection_id *id)
{
    uint64_t mixed = (id->cookie + id->generation) * UINT64_C(0x9e3779b97f4a7c15);

    return &assembler->ended[mixed >> 54];
}
static_assert(CS_ENDED_SLOTS == 1 << (64 - 54), "as many slots as the hash has values");

static struct cs_tracked *track(struct cs_assembler *assembler)
{
    struct cs_tracked *tracked = TAILQ_FIRST(&assembler->spare);

    if (tracked) {
        TAILQ_REMOVE(&assembler->spare, tracked, recent_link);
        assembler->spare_count--;
        memset(tracked, 0, sizeof(*tracked));
    } else {
        tracked = calloc(1, sizeof(*tracked));
    }
    return tracked;
}

static void release(struct cs_assembler *assembler, struct cs_tracked *tracked)
{
    if (assembler->spare_count >= CS_SPARE_MAX) {
        free(tracked);
        return;
    }
    TAILQ_INSERT_HEAD(&assembler->spare, tracked, recent_link);
    assembler->spare_count++;
}

void cs_assembler_end(struct cs_assembler *assembler, struct cs_tracked *tracked)
{
    cs_assembler_wait(assembler, tracked, CS_WAIT_NOTHING);
    cs_assembler_drop_held(assembler, tracked);
    TAILQ_REMOVE(&assembler->recent, tracked, recent_link);
    HASH_DEL(assembler->table, tracked);
    *ended_slot(assembler, &tracked->connection.id) = tracked->connection.id;
    assembler->stats.open--;
    if (tracked->lossy)
        assembler->stats.lost[tracked->loss]++;
    else
        assembler->stats.observed++;
    release(assembler, tracked);
}

static void set_connection(struct cs_connection *connection, const struct cs_fact *fact)
{
    const struct cs_fact_connect *connect = &fact->connect;

    connection->cgroup_id = connect->cgroup_id;
    connection->tgid = connect->tgid;
    connection->kernel_thread = connect->flags & CS_CONNECT_KTHREAD;
    connection->kind = connect->kind;
    connection->family = connect->family;
    connection->dport = connect->dport;
    connection->connect_ns = fact->header.time_ns;
    memcpy(connection->daddr, connect->daddr, sizeof(connection->daddr));
    cs_fact_comm_copy(connection->comm, connect->comm);
}

static int refuse(struct cs_assembler *assembler, const struct cs_connection_id *id, int error)
{
    assembler->stats.lost[CS_LOSS_TABLE_FULL]++;
    *ended_slot(assembler, id) = *id;
    return error;
}

int cs_assembler_begin(struct cs_assembler *assembler, const struct cs_connection_id *id,
                       const struct cs_fact *fact)
{
    struct cs_tracked *tracked;

    assembler->stats.connections++;
    if (assembler->stats.open >= assembler->options.connections_max)
        return refuse(assembler, id, 0);
    tracked = track(assembler);
    if (!tracked)
        return refuse(assembler, id, -ENOMEM);
    tracked->connection.id = *id;
    HASH_ADD(hh, assembler->table, connection.id, sizeof(*id), tracked);
    if (!tracked->hh.tbl) {
        release(assembler, tracked);
        return refuse(assembler, id, -ENOMEM);
    }
    set_connection(&tracked->connection, fact);
    tracked->next_seq = fact->header.seq + 1;
    tracked->recent_ns = assembler->now_ns;
    TAILQ_INIT(&tracked->requests);
    TAILQ_INIT(&tracked->held);
    TAILQ_INSERT_TAIL(&assembler->recent, tracked, recent_link);
    cs_tls_init(&tracked->tls);
    assembler->stats.open++;
    cs_assembler_wait(assembler, tracked, CS_WAIT_CONNECT);
    return 0;
}

void cs_assembler_orphan(struct cs_assembler *assembler, const struct cs_connection_id *id,
                         const struct cs_fact *fact)
{
    struct cs_connection_id *slot = ended_slot(assembler, id);
    bool last = fact->header.type == CS_FACT_CLOSE || fact->header.type == CS_FACT_CONNECT_FAILED;

    assembler->stats.facts_orphaned++;
    if (!last || memcmp(slot, id, sizeof(*id)) == 0)
        return;
    *slot = *id;
    assembler->stats.connections++;
    assembler->stats.lost[CS_LOSS_UNKNOWN]++;
}
