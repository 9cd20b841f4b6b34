/* SPDX-License-Identifier: Apache-2.0 */
/* What --listen serves: /metrics, /healthz and /readyz, and nothing else. */
#ifndef CS_APP_PAGES_H
#define CS_APP_PAGES_H

#include "core/metrics/record.h"
#include "io/http_server.h"

struct cs_pages {
    struct cs_recorder *recorder;
    /* Brings gauges and absolute counters up to date; called before each page. May be NULL. */
    void (*refresh)(void *data);
    void *refresh_data;
    /* NULL: ready. Else what is missing, for the body of /readyz. */
    const char *not_ready;
    size_t last_size; /* of the previous page; private, as the next */
    uint64_t last_ns;
};

/* For cs_http_server_new, with a struct cs_pages as its data. */
extern const struct cs_http_route CS_PAGES_ROUTES[];

#endif
