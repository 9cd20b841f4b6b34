/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --api-listen serves: the live page at /, and JSON below /api/v1/ (docs/api.md). Keeps the
 * last exchanges as the event log's lines, in a ring bounded in number and in bytes.
 */
#ifndef CS_APP_API_H
#define CS_APP_API_H

#include "core/findings/findings.h"
#include "core/metrics/record.h"
#include "core/report/workloads.h"
#include "io/http_server.h"

#include <stdint.h>

#define CS_API_EXCHANGES      500
#define CS_API_EXCHANGE_BYTES (256u << 10)

struct cs_api_exchanges; /* the ring */

struct cs_api {
    struct cs_recorder *recorder;
    void (*refresh)(void *data); /* as in struct cs_pages */
    void *refresh_data;
    const char *not_ready; /* NULL: ready */
    const char *node;
    const char *run_id;
    uint64_t started_ns; /* CLOCK_REALTIME */
    struct cs_api_exchanges *exchanges;
    struct cs_workloads_sources workloads; /* beyond the recorder; times are set here */
    const struct cs_findings *findings;
};

extern const struct cs_http_route CS_API_ROUTES[];

/* 0 or -ENOMEM. */
int cs_api_exchanges_new(struct cs_api_exchanges **exchanges);

/* Accepts NULL. */
void cs_api_exchanges_free(struct cs_api_exchanges *exchanges);

/* Keep one line of the event log (a JSON object); seq rises by one with each. The oldest go to
 * make room; a line larger than the ring is not kept. */
void cs_api_exchanges_add(struct cs_api_exchanges *exchanges, uint64_t seq, const char *line,
                          size_t len);

#endif
