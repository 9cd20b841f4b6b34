// SPDX-License-Identifier: Apache-2.0
/* Event lines: read back with another JSON library (cJSON), and one compared as a whole. */
#include "core/report/event_json.h"

#include "base/util.h"
#include "core/event_json_writer.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEC UINT64_C(1000000000)

static const struct cs_event_context context = {
    .node = "node-1",
    .run_id = "run",
    .seq = 18446744073709551615u,
    .wall_offset_ns = INT64_C(1767225600000000000), /* 2026-01-01T00:00:00Z */
};

static const struct cs_subject nobody = {
    .workload = {CS_LABEL_UNKNOWN, CS_LABEL_UNKNOWN, CS_LABEL_UNKNOWN, CS_LABEL_UNKNOWN},
    .attribution = CS_ATTRIBUTION_NO_CGROUP,
};

static void make(struct cs_connection *connection, struct cs_exchange *exchange,
                 struct cs_verdict *verdict)
{
    *connection = (struct cs_connection){
        .kind = CS_WATCH_PLAIN,
        .family = 4,
        .daddr = {[10] = 255, 255, 169, 254, 170, 23},
        .dport = 80,
        .saddr = {[10] = 255, 255, 10, 0, 0, 7},
        .sport = 40000,
        .tgid = 4242,
        .comm = "python3",
        .connect_ns = 1 * SEC,
        .established_ns = 1 * SEC + 250000,
    };
    *exchange = (struct cs_exchange){
        .connection = connection,
        .start_ns = 2 * SEC + 5,
        .answer_ns = 3 * SEC + 6,
        .end_ns = 3 * SEC + 6,
        .outcome = CS_OUTCOME_OK,
        .observed = true,
        .status = 200,
        .method = "GET",
        .path = "/v1/credentials",
        .user_agent = "Go-http-client/1.1",
    };
    *verdict = (struct cs_verdict){
        .mechanism = CS_MECHANISM_EKS_POD_IDENTITY,
        .outcome = CS_OUTCOME_OK,
        .confidence = CS_CONFIDENCE_HIGH,
        .reasons = 1u << CS_REASON_ADDRESS | 1u << CS_REASON_PATH,
        .delivered = true,
    };
}

static void test_line(void **state)
{
    static struct cs_subject subject = {
        .workload = {"shop", "cart", "Deployment", "cart"},
        .attribution = CS_ATTRIBUTION_POD,
        .pod = "cart-5d4-x",
        .pod_uid = "11111111-2222-3333-4444-555555555555",
        .container = "app",
        .container_id = "abc",
        .image = "registry/cart:1",
        .cgroup = "/kubepods/x",
    };
    const struct cs_event_extra extra = {.declared = "eks-pod-identity"};
    char line[CS_EVENT_JSON_MAX];
    struct cs_connection connection;
    struct cs_exchange exchange;
    struct cs_verdict verdict;
    int len;

    (void)state;
    make(&connection, &exchange, &verdict);
    len =
        cs_event_json_exchange(line, sizeof(line), &context, &exchange, &verdict, &subject, &extra);
    assert_int_equal(len, strlen(line));
    assert_string_equal(
        line, "{\"schema\":1,\"kind\":\"exchange\",\"time\":\"2026-01-01T00:00:02.000000005Z\","
              "\"node\":\"node-1\",\"run_id\":\"run\",\"seq\":18446744073709551615,"
              "\"mechanism\":\"eks-pod-identity\",\"outcome\":\"ok\",\"delivered\":true,"
              "\"duration_seconds\":1.000000001,\"connect_seconds\":0.000250000,"
              "\"namespace\":\"shop\",\"pod\":\"cart-5d4-x\","
              "\"pod_uid\":\"11111111-2222-3333-4444-555555555555\","
              "\"service_account\":\"cart\",\"workload_kind\":\"Deployment\","
              "\"workload\":\"cart\",\"container\":\"app\",\"container_id\":\"abc\","
              "\"image\":\"registry/cart:1\",\"host_network\":false,\"cgroup\":\"/kubepods/x\","
              "\"pid\":4242,\"comm\":\"python3\",\"source\":\"10.0.0.7:40000\","
              "\"destination\":\"169.254.170.23:80\",\"family\":\"ipv4\",\"exchange\":0,"
              "\"method\":\"GET\",\"path\":\"/v1/credentials\","
              "\"user_agent\":\"Go-http-client/1.1\",\"status\":200,"
              "\"declared\":\"eks-pod-identity\",\"confidence\":\"high\","
              "\"reasons\":[\"address\",\"path\"]}");
}

/* What is not known is absent. */
static void test_absent(void **state)
{
    static const char *const absent[] = {"connect_seconds",
                                         "tls_seconds",
                                         "pod",
                                         "pod_uid",
                                         "container",
                                         "container_id",
                                         "image",
                                         "host_network",
                                         "cgroup",
                                         "pid",
                                         "comm",
                                         "source",
                                         "method",
                                         "path",
                                         "identity",
                                         "user_agent",
                                         "status",
                                         "server",
                                         "sni",
                                         "request_records",
                                         "response_records",
                                         "intercepted_by",
                                         "via",
                                         "on_behalf_of",
                                         "declared",
                                         "duration_seconds"};
    char line[CS_EVENT_JSON_MAX];
    struct cs_connection connection;
    struct cs_exchange exchange;
    struct cs_verdict verdict;
    cJSON *json;

    (void)state;
    make(&connection, &exchange, &verdict);
    connection.sport = 0;
    connection.established_ns = 0;
    connection.comm[0] = '\0';
    connection.kernel_thread = true;
    exchange = (struct cs_exchange){.connection = &connection, .start_ns = SEC, .end_ns = SEC};
    verdict.outcome = CS_OUTCOME_UNOBSERVED;
    assert_true(cs_event_json_exchange(line, sizeof(line), &context, &exchange, &verdict, &nobody,
                                       NULL) > 0);
    json = cJSON_Parse(line);
    assert_non_null(json);
    for (size_t i = 0; i < CS_ARRAY_SIZE(absent); i++) {
        if (cJSON_GetObjectItemCaseSensitive(json, absent[i]))
            fail_msg("%s is there: %s", absent[i], line);
    }
    assert_null(cJSON_GetObjectItem(json, "namespace"));
    assert_string_equal(cJSON_GetObjectItem(json, "outcome")->valuestring, "~unknown");
    cJSON_Delete(json);
}

static void test_tls_fields(void **state)
{
    char line[CS_EVENT_JSON_MAX];
    struct cs_connection connection;
    struct cs_exchange exchange;
    struct cs_verdict verdict;

    (void)state;
    make(&connection, &exchange, &verdict);
    connection.kind = CS_WATCH_PROXY;
    connection.client_hello_ns = SEC;
    connection.tls_ready_ns = SEC + 1500;
    strcpy(connection.server_name, "sts.amazonaws.com");
    strcpy(connection.authority, "sts.amazonaws.com:443");
    connection.intercept_place = CS_INTERCEPT_NODE;
    memcpy(connection.intercept_addr, connection.saddr, 16);
    connection.intercept_port = 2579;
    exchange.request_records = (struct cs_burst){2, {459, 1330}, 1789};
    exchange.response_records.count = CS_BURST_RECORDS_MAX + 5;
    assert_true(cs_event_json_exchange(line, sizeof(line), &context, &exchange, &verdict, &nobody,
                                       NULL) > 0);
    assert_non_null(strstr(line, "\"tls_seconds\":0.000001500,"));
    assert_non_null(strstr(line, "\"sni\":\"sts.amazonaws.com\",\"request_records\":[459,1330],"
                                 "\"response_records\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"
                                 "\"intercepted_by\":\"10.0.0.7:2579\","
                                 "\"via\":\"169.254.170.23:80\""));
    /* The handshakes belong to the first exchange only. */
    exchange.index = 1;
    assert_true(cs_event_json_exchange(line, sizeof(line), &context, &exchange, &verdict, &nobody,
                                       NULL) > 0);
    assert_null(strstr(line, "tls_seconds"));
    assert_null(strstr(line, "connect_seconds"));
}

static const struct {
    const char *name, *value, *json;
} texts[] = {
    {"plain", "abc", "abc"},
    {"quotes", "a\"b\\c/", "a\\\"b\\\\c/"},
    {"control", "\x01\n\t\x1f\x7f", "\\u0001\\u000a\\u0009\\u001f\x7f"},
    {"UTF-8", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"lone continuation", "a\x80z", "a\xef\xbf\xbdz"},
    {"cut sequence", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},
    {"overlong", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"overlong of three", "\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"beyond Unicode", "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"no such byte", "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"sequence broken by a quote", "\xe2\"", "\xef\xbf\xbd\\\""},
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(texts); i++) {
        char line[256], want[256];
        struct cs_json json;
        cJSON *parsed;

        cs_json_begin(&json, line, sizeof(line));
        cs_json_text(&json, "a", texts[i].value);
        snprintf(want, sizeof(want), "{\"a\":\"%s\"}", texts[i].json);
        assert_int_equal(cs_json_end(&json), strlen(want));
        if (strcmp(line, want) != 0)
            fail_msg("%s: %s", texts[i].name, line);
        parsed = cJSON_Parse(line);
        assert_non_null(parsed);
        cJSON_Delete(parsed);
    }
}

static const struct {
    uint64_t ns;
    const char *text;
} times[] = {
    {0, "1970-01-01T00:00:00.000000000Z"},
    {UINT64_C(951782400123456789), "2000-02-29T00:00:00.123456789Z"},
    {UINT64_C(4102444799999999999), "2099-12-31T23:59:59.999999999Z"},
};

static void test_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(times); i++) {
        char line[64], want[64];
        struct cs_json json;

        cs_json_begin(&json, line, sizeof(line));
        cs_json_time(&json, "t", times[i].ns);
        assert_true(cs_json_end(&json) > 0);
        snprintf(want, sizeof(want), "{\"t\":\"%s\"}", times[i].text);
        assert_string_equal(line, want);
    }
}

/* Control bytes: each takes six in JSON. */
#define FILL(field) memset(field, 1, sizeof(field) - 1)

/* Too small a buffer gives an error and no half line, whatever its size; and the largest line
 * there can be fits. */
static void test_sizes(void **state)
{
    static struct cs_subject full;
    static char line[CS_EVENT_JSON_MAX];
    struct cs_connection connection;
    struct cs_exchange exchange;
    struct cs_verdict verdict;
    int len;

    (void)state;
    make(&connection, &exchange, &verdict);
    len = cs_event_json_exchange(line, sizeof(line), &context, &exchange, &verdict, &nobody, NULL);
    for (int size = 1; size <= len; size++) {
        char *exact = malloc((size_t)size);

        assert_int_equal(cs_event_json_exchange(exact, (size_t)size, &context, &exchange, &verdict,
                                                &nobody, NULL),
                         -ENOSPC);
        assert_string_equal(exact, "");
        free(exact);
    }
    assert_int_equal(
        cs_event_json_exchange(line, (size_t)len + 1, &context, &exchange, &verdict, &nobody, NULL),
        len);

    full.attribution = CS_ATTRIBUTION_POD;
    full.host_network = true;
    FILL(full.workload.namespace);
    FILL(full.workload.service_account);
    FILL(full.workload.workload_kind);
    FILL(full.workload.workload);
    FILL(full.pod);
    FILL(full.pod_uid);
    FILL(full.container);
    FILL(full.container_id);
    FILL(full.image);
    FILL(full.cgroup);
    FILL(exchange.path);
    FILL(exchange.user_agent);
    FILL(exchange.server);
    FILL(connection.server_name);
    verdict.reasons = (1u << CS_REASON_END) - 1;
    len = cs_event_json_exchange(line, sizeof(line), &context, &exchange, &verdict, &full, NULL);
    assert_in_range(len, 15000, CS_EVENT_JSON_MAX - 4096);
}

static void test_other_kinds(void **state)
{
    static const struct cs_workload WORKLOAD = {"shop", "payer", "Deployment", "web"};
    const struct cs_finding_view view = {.finding = CS_FINDING_IMDSV1,
                                         .workload = &WORKLOAD,
                                         .pod = "",
                                         .pod_uid = "u",
                                         .container = "",
                                         .container_id = "",
                                         .mechanism = CS_MECHANISM_IMDSV1,
                                         .since_ns = SEC,
                                         .last_ns = SEC,
                                         .count = 3,
                                         .explanation = "Because."};
    char line[2048];

    (void)state;
    assert_true(cs_event_json_loss(line, sizeof(line), &context, SEC, "ring", "full", 12) > 0);
    assert_string_equal(
        line, "{\"schema\":1,\"kind\":\"loss\",\"time\":\"2026-01-01T00:00:01.000000000Z\","
              "\"node\":\"node-1\",\"run_id\":\"run\",\"seq\":18446744073709551615,"
              "\"hop\":\"ring\",\"reason\":\"full\",\"count\":12}");
    assert_true(cs_event_json_finding(line, sizeof(line), &context, 2 * SEC, &view, true) > 0);
    assert_string_equal(
        line, "{\"schema\":1,\"kind\":\"finding\",\"time\":\"2026-01-01T00:00:02.000000000Z\","
              "\"node\":\"node-1\",\"run_id\":\"run\",\"seq\":18446744073709551615,"
              "\"open\":true,\"finding\":\"imdsv1\",\"severity\":\"warning\",\"expected\":false,"
              "\"since\":\"2026-01-01T00:00:01.000000000Z\","
              "\"last_evidence\":\"2026-01-01T00:00:01.000000000Z\",\"count\":3,"
              "\"namespace\":\"shop\",\"service_account\":\"payer\","
              "\"workload_kind\":\"Deployment\",\"workload\":\"web\",\"pod_uid\":\"u\","
              "\"mechanism\":\"imdsv1\",\"explanation\":\"Because.\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line),        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_texts),       cmocka_unit_test(test_tls_fields),
        cmocka_unit_test(test_times),       cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_other_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
