/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event log's lines: one JSON object, no newline. What is not known
 * is absent. Strings are escaped per RFC 8259; bytes that are no UTF-8 become U+FFFD. Pure.
 */
#ifndef CS_CORE_EVENT_JSON_H
#define CS_CORE_EVENT_JSON_H

#include "core/attribute/subject.h"
#include "core/classify/classify.h"
#include "core/exchange/exchange.h"
#include "core/findings/findings.h"

#include <stddef.h>
#include <stdint.h>

#define CS_EVENT_SCHEMA   1
#define CS_EVENT_JSON_MAX 32768 /* holds any line with fields at their bounds */

/* What is the same for every line of a run, but seq. Strings are the caller's. */
struct cs_event_context {
    const char *node;
    const char *run_id;
    uint64_t seq;
    int64_t wall_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};

/* Extra fields that later stages know; NULL is absent. */
struct cs_event_extra {
    const char *on_behalf_of;
    const char *declared;
};

/* Write one exchange's line and a terminating NUL into buffer; "time" is when the exchange began.
 * extra may be NULL. Returns the line's length, or -ENOSPC (buffer then holds an empty string). */
int cs_event_json_exchange(char *buffer, size_t size, const struct cs_event_context *context,
                           const struct cs_exchange *exchange, const struct cs_verdict *verdict,
                           const struct cs_subject *subject, const struct cs_event_extra *extra);

/* A loss at one hop ("ring", "decode", "assembler" …): count things were lost since the last such
 * line. Same results. */
int cs_event_json_loss(char *buffer, size_t size, const struct cs_event_context *context,
                       uint64_t time_ns, const char *hop, const char *reason, uint64_t count);

/* A finding opened or cleared at time_ns. Same results. */
int cs_event_json_finding(char *buffer, size_t size, const struct cs_event_context *context,
                          uint64_t time_ns, const struct cs_finding_view *view, bool open);

#endif
