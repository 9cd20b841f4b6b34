// SPDX-License-Identifier: Apache-2.0
/*
 * Facts of one connection come from several CPUs: one can overtake another on its way into the
 * ring, and the ring drops some when it is full. A fact that is ahead of its turn waits for the
 * missing ones, a little while; then they are lost and what they told is like a gap.
 */
#include "core/exchange/assembler_private.h"

#include <stdlib.h>

static bool before(uint32_t seq, uint32_t other)
{
    return (int32_t)(seq - other) < 0;
}

static void unhold(struct cs_assembler *assembler, struct cs_tracked *tracked, struct cs_held *held)
{
    TAILQ_REMOVE(&tracked->held, held, link);
    assembler->held_total--;
    if (--tracked->held_count == 0)
        TAILQ_REMOVE(&assembler->held, tracked, held_link);
}

void cs_assembler_drop_held(struct cs_assembler *assembler, struct cs_tracked *tracked)
{
    struct cs_held *held;

    while ((held = TAILQ_FIRST(&tracked->held))) {
        unhold(assembler, tracked, held);
        assembler->stats.facts_orphaned++;
        free(held);
    }
}

/* Act on the held facts whose turn it is. False when the connection ended. */
static bool drain(struct cs_assembler *assembler, struct cs_tracked *tracked)
{
    struct cs_held *held;
    bool open = true;

    while (open && (held = TAILQ_FIRST(&tracked->held)) &&
           held->fact.header.seq == tracked->next_seq) {
        unhold(assembler, tracked, held);
        tracked->next_seq++;
        open = cs_assembler_apply(assembler, tracked, &held->fact);
        free(held);
    }
    return open;
}

/* The facts before seq are lost. */
static void miss(struct cs_assembler *assembler, struct cs_tracked *tracked, uint32_t seq)
{
    assembler->stats.facts_missing += seq - tracked->next_seq;
    tracked->next_seq = seq;
    cs_assembler_lossy(tracked, CS_LOSS_FACTS);
    cs_assembler_http_gap(tracked, true, true);
    if (tracked->wait == CS_WAIT_CONNECT)
        cs_assembler_wait(assembler, tracked, CS_WAIT_NOTHING);
}

void cs_assembler_give_up(struct cs_assembler *assembler, struct cs_tracked *tracked)
{
    struct cs_held *held = TAILQ_FIRST(&tracked->held);

    if (!held)
        return;
    miss(assembler, tracked, held->fact.header.seq);
    if (drain(assembler, tracked) && tracked->held_count > 0) {
        /* What is still missing gets its own time. */
        tracked->held_since_ns = assembler->now_ns;
        TAILQ_REMOVE(&assembler->held, tracked, held_link);
        TAILQ_INSERT_TAIL(&assembler->held, tracked, held_link);
    }
}

/* Keep a fact until its turn. False when it can't be kept; true also for one that is kept already
 * (a duplicate, counted). */
static bool hold(struct cs_assembler *assembler, struct cs_tracked *tracked,
                 const struct cs_fact *fact)
{
    struct cs_held *next, *held;

    TAILQ_FOREACH(next, &tracked->held, link)
    {
        if (next->fact.header.seq == fact->header.seq) {
            assembler->stats.facts_duplicate++;
            return true;
        }
        if (before(fact->header.seq, next->fact.header.seq))
            break;
    }
    if (tracked->held_count >= CS_HELD_MAX || assembler->held_total >= CS_HELD_TOTAL_MAX)
        return false;
    held = malloc(sizeof(*held));
    if (!held)
        return false;
    held->fact = *fact;
    if (next)
        TAILQ_INSERT_BEFORE(next, held, link);
    else
        TAILQ_INSERT_TAIL(&tracked->held, held, link);
    assembler->held_total++;
    if (tracked->held_count++ == 0) {
        tracked->held_since_ns = assembler->now_ns;
        TAILQ_INSERT_TAIL(&assembler->held, tracked, held_link);
    }
    return true;
}

void cs_assembler_order(struct cs_assembler *assembler, struct cs_tracked *tracked,
                        const struct cs_fact *fact)
{
    uint32_t seq = fact->header.seq;

    if (before(seq, tracked->next_seq) || fact->header.type == CS_FACT_CONNECT) {
        assembler->stats.facts_duplicate++;
        return;
    }
    while (seq != tracked->next_seq) {
        struct cs_held *held;

        if (hold(assembler, tracked, fact))
            return;
        /* No room: the earliest that is here has its turn. */
        held = TAILQ_FIRST(&tracked->held);
        if (!held || before(seq, held->fact.header.seq)) {
            miss(assembler, tracked, seq);
            break;
        }
        miss(assembler, tracked, held->fact.header.seq);
        if (!drain(assembler, tracked)) {
            assembler->stats.facts_orphaned++;
            return;
        }
        if (before(seq, tracked->next_seq)) {
            assembler->stats.facts_duplicate++;
            return;
        }
    }
    if (tracked->held_count > 0)
        assembler->stats.facts_reordered++;
    tracked->next_seq++;
    if (cs_assembler_apply(assembler, tracked, fact))
        drain(assembler, tracked);
}
