/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state as a JSON document, one line an entry:
 *
 *   {"schema":1,"node":"…","saved_ms":…,"intervals":[[start_ms,end_ms],…],
 *    "endpoints":[{"endpoint":"imds","address_family":"ipv4","last_success_ms":…,
 *      "last_failure_ms":…},…],
 *    "workloads":[{"namespace":"…","service_account":"…","workload_kind":"…","workload":"…",
 *      "mechanism":"irsa","first_seen_ms":…,"last_seen_ms":…,"last_success_ms":…,
 *      "last_failure_ms":…},…]}
 *
 * Times are whole milliseconds since 1970; the last two are absent when it never happened. So may
 * "endpoints" be, which the first version didn't have.
 * A member that is not known is ignored, so that one can be added without a new schema; a known
 * one of another type, missing, given twice or no UTF-8 makes the document malformed, as do
 * intervals that overlap. An entry with a mechanism or end-point that this version doesn't know, a
 * name that is empty or longer than it keeps, or a time of 0 is left out and counted.
 */
#ifndef CS_CORE_STATE_JSON_H
#define CS_CORE_STATE_JSON_H

#include "base/buffer.h"
#include "base/util.h"
#include "core/state/state.h"

#define CS_STATE_SCHEMA   1
#define CS_STATE_JSON_MAX ((size_t)1 << 20) /* bytes; with the default limits never reached */

enum cs_state_error {
    CS_STATE_OK,
    CS_STATE_MALFORMED,  /* not JSON, or not this document */
    CS_STATE_NEWER,      /* of a schema that this version doesn't know */
    CS_STATE_OTHER_NODE, /* of another node */
    CS_STATE_NO_MEMORY,
    CS_STATE_ERROR_END,
};

const char *cs_state_error_text(enum cs_state_error error);

/* Append the document. wall_ns: now. The buffer's error tells what failed, if anything did. */
void cs_state_encode(struct cs_state *state, const char *node, uint64_t wall_ns,
                     struct cs_buffer *buffer);

/* Read a document of any length into an empty state. On failure the state is undefined, and good
 * for cs_state_free only. *left_out: entries that were not taken. */
enum cs_state_error cs_state_decode(struct cs_slice text, const char *node, struct cs_state *state,
                                    uint32_t *left_out);

#endif
