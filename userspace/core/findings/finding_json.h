/* SPDX-License-Identifier: Apache-2.0 */
/* One finding as JSON, in the event log and in the API. What is not known is absent. */
#ifndef CS_CORE_FINDING_JSON_H
#define CS_CORE_FINDING_JSON_H

#include "base/buffer.h"
#include "core/event_json_writer.h"
#include "core/findings/findings.h"

/* wall_offset_ns: CLOCK_REALTIME - CLOCK_MONOTONIC. */
void cs_finding_json_members(struct cs_json *json, const struct cs_finding_view *view,
                             int64_t wall_offset_ns);

/* An array of all that are open: what was not expected before what was, the most severe first. */
void cs_findings_json(const struct cs_findings *findings, int64_t wall_offset_ns,
                      struct cs_buffer *buffer);

#endif
