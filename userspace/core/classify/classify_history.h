/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each container's calls were so far, as evidence for the next (enum cs_preceded): whether
 * it has credentials to sign with, and how large its token exchanges are. Bounded: when full, the
 * container whose last call is longest ago makes room. Times are CLOCK_MONOTONIC nanoseconds.
 */
#ifndef CS_CORE_CLASSIFY_HISTORY_H
#define CS_CORE_CLASSIFY_HISTORY_H

#include "core/classify/classify.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_CALL_HISTORY_MAX 4096 /* containers remembered */
/* SDKs try a call that failed again within seconds, with the token that they have. */
#define CS_CALL_RETRY_NS (UINT64_C(30) * 1000000000)

struct cs_call_history;

/* 0, -EINVAL or -ENOMEM. max: 1 … CS_CALL_HISTORY_MAX. */
int cs_call_history_new(size_t max, struct cs_call_history **history);

/* Accepts NULL. */
void cs_call_history_free(struct cs_call_history *history);

/* Note a classified exchange; those that say nothing of later ones are passed over. 0 or -ENOMEM.
 */
int cs_call_history_note(struct cs_call_history *history, const struct cs_exchange *exchange,
                         const struct cs_verdict *verdict);

/* Fill preceded and token_call_bytes of the evidence, from its exchange. token: IRSA or
 * AZURE_WORKLOAD_IDENTITY, whose exchanges are asked for. from_start: everything that the
 * container did was watched. */
void cs_call_history_ask(const struct cs_call_history *history, enum cs_mechanism token,
                         bool from_start, struct cs_evidence *evidence);

/* Forget containers that gone says no call can come of any more, once half of the room is taken.
 * What else makes room leaves a doubt: that a container isn't remembered proves nothing then. */
void cs_call_history_sweep(struct cs_call_history *history,
                           bool (*gone)(void *user, uint64_t cgroup_id), void *user);

size_t cs_call_history_count(const struct cs_call_history *history);

#endif
