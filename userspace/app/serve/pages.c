/* SPDX-License-Identifier: Apache-2.0 */
#include "app/serve/pages.h"

#include "base/util.h"
#include "core/metrics/exposition.h"
#include "io/gzip.h"

#include <time.h>

#define TEXT_PLAIN "text/plain; charset=utf-8"

static void fail(struct cs_http_response *response, const char *text)
{
    response->status = 500;
    response->content_type = TEXT_PLAIN;
    response->content_encoding = NULL;
    response->fixed.data = text;
    response->fixed.len = strlen(text);
}

/* Without memory for compressing, the page goes out as it is. */
static void compress(struct cs_http_response *response)
{
    struct cs_gzip *gzip;

    if (cs_gzip_new(&response->body, &gzip) < 0)
        return;
    response->content_encoding = "gzip";
    response->stream.read = cs_gzip_read;
    response->stream.done = cs_gzip_free;
    response->stream.data = gzip;
}

static void serve_metrics(void *data, const struct cs_http_request *request,
                          struct cs_http_response *response)
{
    struct cs_pages *pages = data;
    enum cs_exposition_format format = cs_exposition_negotiate(request->accept);
    const char *name = cs_exposition_name(format);
    uint64_t start_ns;

    if (pages->refresh)
        pages->refresh(pages->refresh_data);
    start_ns = cs_monotonic_ns();
    cs_recorder_add(pages->recorder, CS_METRIC_SCRAPES, &name, 1);
    cs_recorder_set(pages->recorder, CS_METRIC_SCRAPE_SIZE, NULL, pages->last_size);
    cs_recorder_set(pages->recorder, CS_METRIC_SCRAPE_DURATION, NULL, pages->last_ns);
    cs_recorder_refresh(pages->recorder);
    cs_buffer_init(&response->body, CS_EXPOSITION_MAX);
    cs_buffer_reserve(&response->body, pages->last_size + pages->last_size / 8);
    if (cs_exposition_write(cs_recorder_registry(pages->recorder), format, &response->body) < 0) {
        cs_buffer_free(&response->body);
        fail(response, "the page does not fit in memory; lower --max-series\n");
        return;
    }
    pages->last_size = response->body.len;
    response->content_type = cs_exposition_content_type(format);
    response->vary = true;
    if (!request->head && cs_exposition_gzip(request->accept_encoding))
        compress(response);
    pages->last_ns = cs_monotonic_ns() - start_ns;
}

/* The process answers, so its loop turns: that is all liveness should ask. */
static void serve_health(void *data, const struct cs_http_request *request,
                         struct cs_http_response *response)
{
    (void)data;
    (void)request;
    response->content_type = TEXT_PLAIN;
    response->fixed.data = "ok\n";
    response->fixed.len = 3;
}

static void serve_readiness(void *data, const struct cs_http_request *request,
                            struct cs_http_response *response)
{
    struct cs_pages *pages = data;

    if (!pages->not_ready) {
        serve_health(data, request, response);
        return;
    }
    response->status = 503;
    response->content_type = TEXT_PLAIN;
    cs_buffer_init(&response->body, 4096);
    cs_buffer_add_format(&response->body, "not ready: %s\n", pages->not_ready);
}

const struct cs_http_route CS_PAGES_ROUTES[] = {
    {"/metrics", serve_metrics},
    {"/healthz", serve_health},
    {"/readyz", serve_readiness},
    {NULL, NULL},
};
