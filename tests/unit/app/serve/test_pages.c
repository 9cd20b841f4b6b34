/* SPDX-License-Identifier: Apache-2.0 */
/* What both listeners serve, over real connections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../core/metrics/record_support.h"
#include "../../io/http_client.h"

#include "app/serve/api.h"
#include "app/serve/pages.h"
#include "base/cleanup.h"
#include "core/attribute/labels.h"
#include "core/findings/findings.h"

#include <cjson/cJSON.h>
#include <zlib.h>

static struct cs_recorder *recorder;
static struct cs_pages pages;
static struct cs_api api;
static struct cs_http_server *server, *api_server;
static uint16_t port, api_port;
static struct answer *answer;
static unsigned int refreshes;

static void refresh(void *data)
{
    assert_ptr_equal(data, &refreshes);
    refreshes++;
}

static int set_up(void **unused)
{
    struct sample sample;

    (void)unused;
    refreshes = 0;
    recorder = recorder_new((struct cs_recorder_options){0});
    sample_init(&sample);
    sample_record(&sample, recorder);
    pages = (struct cs_pages){.recorder = recorder, .refresh = refresh, .refresh_data = &refreshes};
    api = (struct cs_api){.recorder = recorder,
                          .refresh = refresh,
                          .refresh_data = &refreshes,
                          .node = "node-\"1\"",
                          .run_id = "0123",
                          .started_ns = UINT64_C(1763690000) * CS_NSEC_PER_SEC};
    answer = malloc(sizeof(*answer));
    assert_int_equal(cs_api_exchanges_new(&api.exchanges), 0);
    assert_int_equal(cs_http_server_new(listen_local(&port), CS_PAGES_ROUTES, &pages, &server), 0);
    return cs_http_server_new(listen_local(&api_port), CS_API_ROUTES, &api, &api_server);
}

static int tear_down(void **unused)
{
    (void)unused;
    cs_http_server_free(server);
    cs_http_server_free(api_server);
    cs_api_exchanges_free(api.exchanges);
    cs_recorder_free(recorder);
    free(answer);
    return 0;
}

/* Undo chunks and gzip of the answer's body; free it. */
static char *unpacked(void)
{
    char *packed = malloc(sizeof(answer->text)), *text = calloc(1, 4u << 20);
    const char *at = answer->body;
    size_t len = 0, chunk;
    z_stream stream = {0};

    while ((chunk = strtoul(at, NULL, 16)) > 0) {
        at = strstr(at, "\r\n") + 2;
        memcpy(packed + len, at, chunk);
        len += chunk;
        at += chunk + 2;
    }
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = (Bytef *)packed;
    stream.avail_in = (uInt)len;
    stream.next_out = (Bytef *)text;
    stream.avail_out = (4u << 20) - 1;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    inflateEnd(&stream);
    free(packed);
    return text;
}

static void metrics_in_both_formats_plain_and_packed(void **unused)
{
    static const struct {
        const char *headers, *type;
        bool packed, open;
    } cases[] = {
        {"", "Content-Type: text/plain; version=0.0.4; charset=utf-8", false, false},
        {"Accept: application/openmetrics-text; version=1.0.0\r\n",
         "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8", false, true},
        {"Accept-Encoding: gzip\r\n", "Content-Type: text/plain; version=0.0.4; charset=utf-8",
         true, false},
        {"Accept: application/openmetrics-text\r\nAccept-Encoding: deflate, gzip;q=0.5\r\n",
         "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8", true, true},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *text = NULL;
        char line[80];

        fetch(server, port, "GET", "/metrics", cases[i].headers, answer);
        assert_int_equal(status_of(answer), 200);
        assert_true(has_header(answer, cases[i].type));
        assert_true(has_header(answer, "Vary: Accept, Accept-Encoding"));
        assert_int_equal(has_header(answer, "Content-Encoding: gzip"), cases[i].packed);
        text = cases[i].packed ? unpacked() : strdup(answer->body);
        assert_int_equal(strstr(text, "# EOF\n") != NULL, cases[i].open);
        snprintf(line, sizeof(line), "credscope_scrapes_total{format=\"%s\"} %zu",
                 cases[i].open ? "openmetrics" : "text", i / 2 + 1);
        assert_line(text, line);
        assert_line(text, "credscope_node_requests_total{mechanism=\"eks-pod-identity\","
                          "outcome=\"ok\"} 1");
        assert_int_equal(refreshes, i + 1);
    }
}

static void health_and_readiness(void **unused)
{
    (void)unused;
    fetch(server, port, "GET", "/readyz", "", answer);
    assert_int_equal(status_of(answer), 200);
    pages.not_ready = "2 of 9 programs are attached";
    fetch(server, port, "GET", "/readyz", "", answer);
    assert_int_equal(status_of(answer), 503);
    assert_string_equal(answer->body, "not ready: 2 of 9 programs are attached\n");
    fetch(server, port, "GET", "/healthz", "", answer);
    assert_int_equal(status_of(answer), 200);
    assert_string_equal(answer->body, "ok\n");
    fetch(server, port, "HEAD", "/metrics", "Accept-Encoding: gzip\r\n", answer);
    assert_int_equal(status_of(answer), 200);
    assert_string_equal(answer->body, "");
}

/* A map of who has which role is not for every pod in the cluster. */
static void the_public_port_has_nothing_else(void **unused)
{
    static const char *const paths[] = {
        "/",         "/api/v1/status", "/api/v1/exchanges", "/api/v1/workloads",
        "/metrics/", "//metrics",      "/debug/pprof",      "/metrics/../api/v1/status"};

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(paths); i++) {
        fetch(server, port, "GET", paths[i], "", answer);
        assert_int_equal(status_of(answer), 404);
        assert_null(strstr(answer->text, "cart"));
    }
}

static cJSON *fetch_json(const char *path)
{
    cJSON *json;

    fetch(api_server, api_port, "GET", path, "", answer);
    assert_true(has_header(answer, "Content-Type: application/json"));
    json = cJSON_ParseWithOpts(answer->body, NULL, false);
    if (!json)
        fail_msg("no JSON: %s", answer->body);
    return json;
}

static const char *text_of(const cJSON *json, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(json, key));
}

static void status_is_what_is_known(void **unused)
{
    static const char *const lost[] = {"ri\"ng\n", "full"};
    cJSON *json, *row;

    (void)unused;
    cs_recorder_set(recorder, CS_METRIC_LOST, lost, 3);
    cs_recorder_set(recorder, CS_METRIC_OBSERVED, NULL, MS(2500));
    json = fetch_json("/api/v1/status");
    assert_string_equal(text_of(json, "node"), "node-\"1\"");
    assert_string_equal(text_of(json, "run_id"), "0123");
    assert_string_equal(text_of(json, "started"), "2025-11-21T01:53:20Z");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "ready")));
    assert_null(cJSON_GetObjectItem(json, "not_ready"));
    assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(json, "observed_seconds")) == 2.5);
    row = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "lost"), 0);
    assert_string_equal(text_of(row, "hop"), "ri\"ng\n");
    assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(row, "value")), 3);
    /* only what has happened: not the zeros */
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "requests")), 1);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "mechanisms")), CS_MECHANISM_END);
    assert_int_equal(refreshes, 1);
    cJSON_Delete(json);
    api.not_ready = "wait";
    json = fetch_json("/api/v1/status");
    assert_string_equal(text_of(json, "not_ready"), "wait");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "ready")));
    cJSON_Delete(json);
}

static void add_exchange(uint64_t seq, int filler)
{
    char line[4096];
    int n = snprintf(line, sizeof(line), "{\"seq\":%llu,\"x\":\"%*s\"}", (unsigned long long)seq,
                     filler, "");

    cs_api_exchanges_add(api.exchanges, seq, line, (size_t)n);
}

static void assert_exchanges(const char *path, uint64_t first, int count)
{
    cJSON *json = fetch_json(path), *list = cJSON_GetObjectItem(json, "exchanges");

    if (cJSON_GetArraySize(list) != count)
        fail_msg("%s: %d, not %d", path, cJSON_GetArraySize(list), count);
    for (int i = 0; i < count; i++) {
        cJSON *seq = cJSON_GetObjectItem(cJSON_GetArrayItem(list, i), "seq");

        assert_int_equal(cJSON_GetNumberValue(seq), first + (uint64_t)i);
    }
    cJSON_Delete(json);
}

static void the_last_exchanges(void **unused)
{
    (void)unused;
    assert_exchanges("/api/v1/exchanges", 0, 0);
    add_exchange(0, 1);
    assert_exchanges("/api/v1/exchanges", 0, 1);
    assert_exchanges("/api/v1/exchanges?after=0", 0, 0);
    for (uint64_t seq = 1; seq < 2000; seq++)
        add_exchange(seq, 1);
    assert_exchanges("/api/v1/exchanges", 1900, 100);
    assert_exchanges("/api/v1/exchanges?limit=500", 1500, 500);
    assert_exchanges("/api/v1/exchanges?limit=1", 1999, 1);
    assert_exchanges("/api/v1/exchanges?limit=500&after=1990", 1991, 9);
    assert_exchanges("/api/v1/exchanges?limit=5&after=1990", 1995, 5);
    for (int i = 0; i < 5; i++) {
        static const char *const bad[] = {"limit=0", "limit=501", "limit=x", "limit=", "after=-1"};
        char path[64];
        cJSON *json;

        snprintf(path, sizeof(path), "/api/v1/exchanges?%s", bad[i]);
        json = fetch_json(path);
        assert_int_equal(status_of(answer), 400);
        assert_non_null(text_of(json, "error"));
        cJSON_Delete(json);
    }
}

/* Lines of every length, many times round: what is kept is whole, the newest, and in order. */
static void the_ring_wraps_at_any_length(void **unused)
{
    uint64_t seq = 0;

    (void)unused;
    for (int round = 0; round < 200; round++) {
        int kept = 0;
        cJSON *json, *list;

        for (int i = 0; i < 37; i++, seq++)
            add_exchange(seq, (int)(seq * 7919 % 3001));
        json = fetch_json("/api/v1/exchanges?limit=500");
        list = cJSON_GetObjectItem(json, "exchanges");
        kept = cJSON_GetArraySize(list);
        assert_true(kept > 37 || round == 0);
        for (int i = 0; i < kept; i++) {
            cJSON *item = cJSON_GetArrayItem(list, i);
            uint64_t expected = seq - (uint64_t)kept + (uint64_t)i;

            assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(item, "seq")), expected);
            assert_int_equal(strlen(text_of(item, "x")),
                             expected * 7919 % 3001 ? expected * 7919 % 3001 : 0);
        }
        cJSON_Delete(json);
    }
}

static void workloads_by_namespace(void **unused)
{
    static const struct {
        const char *path;
        int count;
    } cases[] = {
        {"/api/v1/workloads", 1},
        {"/api/v1/workloads?namespace=", 1},
        {"/api/v1/workloads?namespace=shop", 1},
        {"/api/v1/workloads?namespace=other", 0},
    };

    (void)unused;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        cJSON *json = fetch_json(cases[i].path), *list = cJSON_GetObjectItem(json, "workloads");

        assert_int_equal(status_of(answer), 200);
        assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(json, "schema")), 1);
        assert_string_equal(text_of(json, "run_id"), "0123");
        assert_int_equal(strlen(text_of(json, "time")), 24);
        assert_int_equal(cJSON_GetArraySize(list), cases[i].count);
        if (cases[i].count)
            assert_string_equal(text_of(cJSON_GetArrayItem(list, 0), "workload"), "cart");
        assert_int_equal(refreshes, i + 1);
        cJSON_Delete(json);
    }
}

static void the_page_is_one_file(void **unused)
{
    (void)unused;
    fetch(api_server, api_port, "GET", "/", "", answer);
    assert_int_equal(status_of(answer), 200);
    assert_true(has_header(answer, "Content-Type: text/html; charset=utf-8"));
    assert_non_null(strcasestr(answer->text, "Content-Security-Policy: default-src 'none'"));
    assert_true(strncmp(answer->body, "<!doctype html>", 15) == 0);
    assert_non_null(strstr(answer->body, "</html>\n"));
    /* nothing from elsewhere, no markup made of callers' text */
    assert_null(strstr(answer->body, "http://"));
    assert_null(strstr(answer->body, "https://"));
    assert_null(strstr(answer->body, "innerHTML"));
    assert_null(strstr(answer->body, "src="));
    fetch(api_server, api_port, "GET", "/metrics", "", answer);
    assert_int_equal(status_of(answer), 404);
}

/* The page asks for what there is. */
static void the_page_asks_for_paths_that_exist(void **unused)
{
    const struct cs_findings_options options = {.node = "node-1"};
    _cleanup_findings_ struct cs_findings *findings = NULL;
    static struct answer page;
    unsigned int paths = 0;
    struct cs_labels *labels;

    (void)unused;
    assert_int_equal(cs_labels_new(&labels), 0);
    assert_int_equal(cs_findings_new(&options, labels, &findings), 0);
    api.findings = findings;
    fetch(api_server, api_port, "GET", "/", "", &page);
    for (const char *at = strstr(page.body, "api/v1/"); at; at = strstr(at + 1, "api/v1/")) {
        char path[64];

        snprintf(path, sizeof(path), "/%.*s", (int)strcspn(at, "\"?"), at);
        fetch(api_server, api_port, "GET", path, "", answer);
        if (status_of(answer) != 200)
            fail_msg("%s: %u", path, status_of(answer));
        paths++;
    }
    assert_int_equal(paths, 4);
    cs_findings_free(&findings);
    cs_labels_free(labels);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(metrics_in_both_formats_plain_and_packed),
        TEST(health_and_readiness),
        TEST(the_public_port_has_nothing_else),
        TEST(status_is_what_is_known),
        TEST(the_last_exchanges),
        TEST(the_ring_wraps_at_any_length),
        TEST(workloads_by_namespace),
        TEST(the_page_is_one_file),
        TEST(the_page_asks_for_paths_that_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
