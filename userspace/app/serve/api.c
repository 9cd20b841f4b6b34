/* SPDX-License-Identifier: Apache-2.0 */
#include "app/serve/api.h"

#include "app/serve/api_exchanges.h"
#include "app/serve/page_html.h"
#include "base/util.h"
#include "core/findings/finding_json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SCHEMA        1
#define LIMIT_DEFAULT 100
#define BODY_MAX      (4u << 20)
#define JSON          "application/json"

/* Nothing from elsewhere, and nobody may frame it: the page holds who has which role. */
#define PAGE_POLICY                                                               \
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; " \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* What of the node-level metrics is in the status: a row is the whole work. */
static const struct {
    const char *key;
    enum cs_metric metric;
    bool with_zeros;
} STATUS[] = {
    {"observed_seconds", CS_METRIC_OBSERVED, true},
    {"programs", CS_METRIC_PROGRAM_ATTACHED, true},
    {"requests", CS_METRIC_NODE_REQUESTS, false},
    {"in_flight", CS_METRIC_IN_FLIGHT, false},
    {"oldest_in_flight_seconds", CS_METRIC_OLDEST_IN_FLIGHT, false},
    {"mechanisms", CS_METRIC_MECHANISM, true},
    {"connections", CS_METRIC_CONNECTIONS, true},
    {"connections_observed", CS_METRIC_CONNECTIONS_OBSERVED, true},
    {"connections_lost", CS_METRIC_CONNECTIONS_LOST, true},
    {"connections_open", CS_METRIC_CONNECTIONS_OPEN, true},
    {"preexisting_sockets", CS_METRIC_PREEXISTING_SOCKETS, true},
    {"facts", CS_METRIC_FACTS, true},
    {"lost", CS_METRIC_LOST, true},
    {"attributions", CS_METRIC_ATTRIBUTIONS, true},
    {"tracked", CS_METRIC_TRACKED, true},
    {"tracked_limit", CS_METRIC_TRACKED_LIMIT, true},
    {"tracked_refused", CS_METRIC_TRACKED_REFUSED, true},
    {"series", CS_METRIC_SERIES, true},
    {"series_limit", CS_METRIC_SERIES_LIMIT, true},
    {"series_overflow", CS_METRIC_SERIES_OVERFLOW, true},
};

static void add_string(struct cs_buffer *buffer, const char *key, const char *value)
{
    cs_buffer_add_format(buffer, "\"%s\":\"", key);
    cs_label_escape(buffer, value); /* makes a valid JSON string too */
    cs_buffer_add_text(buffer, "\",");
}

static void begin(const struct cs_api *api, struct cs_http_response *response)
{
    response->content_type = JSON;
    cs_buffer_init(&response->body, BODY_MAX);
    cs_buffer_add_format(&response->body, "{\"schema\":%d,", SCHEMA);
    add_string(&response->body, "node", api->node);
    add_string(&response->body, "run_id", api->run_id);
}

static void finish(struct cs_http_response *response)
{
    if (!response->body.error)
        return;
    cs_buffer_free(&response->body);
    response->status = 500;
    cs_buffer_add_text(&response->body, "{\"error\":\"the answer does not fit in memory\"}\n");
}

static void refuse(struct cs_http_response *response, const char *what)
{
    cs_buffer_free(&response->body);
    cs_buffer_init(&response->body, BODY_MAX);
    response->status = 400;
    response->content_type = JSON;
    cs_buffer_add_format(&response->body, "{\"error\":\"%s\"}\n", what);
}

static void add_value(struct cs_buffer *buffer, const struct cs_metric_row *row, uint64_t value)
{
    if (row->unit == CS_UNIT_SECONDS)
        cs_buffer_add_seconds(buffer, value);
    else
        cs_buffer_add_u64(buffer, value);
}

/* One series as an object: its labels, and its value as "value". */
static void add_series(struct cs_buffer *buffer, const struct cs_metric_row *row,
                       const struct cs_series *series)
{
    cs_buffer_add(buffer, "{", 1);
    for (size_t i = 0; row->labels[i]; i++) {
        size_t len, name = strlen(row->labels[i]);
        const char *text = cs_label_text(cs_series_labels(series)[1 + i], &len);

        cs_buffer_add_format(buffer, "\"%s\":", row->labels[i]);
        cs_buffer_add(buffer, text + name + 1, len - name - 1); /* `"value"`, behind `name=` */
        cs_buffer_add(buffer, ",", 1);
    }
    cs_buffer_add_text(buffer, "\"value\":");
    add_value(buffer, row, cs_series_read(series));
    cs_buffer_add(buffer, "}", 1);
}

/* A metric without labels is a number, any other an array. */
static void add_metric(struct cs_buffer *buffer, const struct cs_registry *registry,
                       enum cs_metric metric, bool with_zeros)
{
    const struct cs_series *series = cs_registry_first(registry, metric);
    const struct cs_metric_row *row = cs_metric_row(metric);
    const char *separator = "";

    if (!row->labels[0]) {
        if (series)
            add_value(buffer, row, cs_series_read(series));
        else
            cs_buffer_add_text(buffer, "null");
        return;
    }
    cs_buffer_add(buffer, "[", 1);
    for (; series; series = cs_series_next(series)) {
        if (!with_zeros && cs_series_read(series) == 0)
            continue;
        cs_buffer_add_text(buffer, separator);
        add_series(buffer, row, series);
        separator = ",";
    }
    cs_buffer_add(buffer, "]", 1);
}

static void serve_status(void *data, const struct cs_http_request *request,
                         struct cs_http_response *response)
{
    struct cs_api *api = data;
    const struct cs_registry *registry = cs_recorder_registry(api->recorder);
    time_t started = (time_t)(api->started_ns / CS_NSEC_PER_SEC);
    struct tm utc;

    (void)request;
    if (api->refresh)
        api->refresh(api->refresh_data);
    cs_recorder_refresh(api->recorder);
    begin(api, response);
    add_string(&response->body, "version", CS_VERSION);
    if (gmtime_r(&started, &utc))
        cs_buffer_add_format(&response->body, "\"started\":\"%04d-%02d-%02dT%02d:%02d:%02dZ\",",
                             utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                             utc.tm_min, utc.tm_sec);
    if (api->not_ready)
        add_string(&response->body, "not_ready", api->not_ready);
    cs_buffer_add_format(&response->body, "\"ready\":%s", api->not_ready ? "false" : "true");
    for (size_t i = 0; i < CS_ARRAY_SIZE(STATUS); i++) {
        cs_buffer_add_format(&response->body, ",\n\"%s\":", STATUS[i].key);
        add_metric(&response->body, registry, STATUS[i].metric, STATUS[i].with_zeros);
    }
    cs_buffer_add_text(&response->body, "}\n");
    finish(response);
}

static void serve_exchanges(void *data, const struct cs_http_request *request,
                            struct cs_http_response *response)
{
    struct cs_api *api = data;
    const char *limit = cs_http_request_query(request, "limit");
    const char *after = cs_http_request_query(request, "after");
    uint64_t limit_value = LIMIT_DEFAULT, after_value = 0;

    if (limit && cs_parse_u64(limit, 1, CS_API_EXCHANGES, &limit_value) < 0) {
        refuse(response, "limit must be a number from 1 to 500");
        return;
    }
    if (after && cs_parse_u64(after, 0, UINT64_MAX, &after_value) < 0) {
        refuse(response, "after must be the seq of an exchange");
        return;
    }
    begin(api, response);
    cs_buffer_add_text(&response->body, "\"exchanges\":[\n");
    cs_api_exchanges_write(api->exchanges, after_value, !after, limit_value, &response->body);
    cs_buffer_add_text(&response->body, "\n]}\n");
    finish(response);
}

static void serve_workloads(void *data, const struct cs_http_request *request,
                            struct cs_http_response *response)
{
    struct cs_api *api = data;
    struct cs_workloads_sources sources = api->workloads;
    const char *namespace = cs_http_request_query(request, "namespace");
    struct timespec now;
    int error;

    if (api->refresh)
        api->refresh(api->refresh_data);
    clock_gettime(CLOCK_REALTIME, &now);
    sources.registry = cs_recorder_registry(api->recorder);
    sources.now_ns = cs_monotonic_ns();
    sources.realtime_ns = (uint64_t)now.tv_sec * CS_NSEC_PER_SEC + (uint64_t)now.tv_nsec;
    begin(api, response);
    error =
        cs_workloads_write(&sources, namespace && *namespace ? namespace : NULL, &response->body);
    cs_buffer_add_text(&response->body, "}\n");
    if (error < 0)
        response->body.error = error;
    finish(response);
}

static void serve_findings(void *data, const struct cs_http_request *request,
                           struct cs_http_response *response)
{
    struct cs_api *api = data;
    struct timespec now;

    (void)request;
    clock_gettime(CLOCK_REALTIME, &now);
    begin(api, response);
    cs_buffer_add_text(&response->body, "\"findings\":");
    cs_findings_json(api->findings,
                     (int64_t)now.tv_sec * (int64_t)CS_NSEC_PER_SEC + now.tv_nsec -
                         (int64_t)cs_monotonic_ns(),
                     &response->body);
    cs_buffer_add_text(&response->body, "}\n");
    finish(response);
}

static void serve_page(void *data, const struct cs_http_request *request,
                       struct cs_http_response *response)
{
    (void)data;
    (void)request;
    response->content_type = "text/html; charset=utf-8";
    response->content_security_policy = PAGE_POLICY;
    response->fixed.data = cs_page_html;
    response->fixed.len = (size_t)(cs_page_html_end - cs_page_html);
}

const struct cs_http_route CS_API_ROUTES[] = {
    {"/", serve_page},
    {"/api/v1/status", serve_status},
    {"/api/v1/exchanges", serve_exchanges},
    {"/api/v1/workloads", serve_workloads},
    {"/api/v1/findings", serve_findings},
    {NULL, NULL},
};
_Static_assert(CS_API_EXCHANGES == 500, "the text above says 500");
