// SPDX-License-Identifier: Apache-2.0
/* HTTP at the limits of what is kept and read; times; requests through a proxy. */
#include "conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every length around the limits of what is kept. */
static void test_limits(void **state)
{
    static const size_t lengths[] = {1, 127, 128, 129, 240, 241, 242, 243, 244, 300, 2000};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct facts facts = {0};
        const struct cs_fact_request *request;
        const struct cs_fact_response *response;
        char *path = calloc(1, lengths[i] + 1), *head, *answer;
        size_t line = lengths[i] + sizeof("GET / HTTP/1.1") - 1;

        memset(path, 'p', lengths[i]);
        assert_true(asprintf(&head, "GET /%s HTTP/1.1\r\nUser-Agent: %s\r\n\r\n", path, path) > 0);
        assert_true(asprintf(&answer, "HTTP/1.1 204 x\r\nServer: %s\r\n\r\n", path) > 0);
        conversation_play((struct step[]){{CLIENT, head, 0}, {SERVER, answer, 0}, {STEP_END, 0, 0}},
                          0, &facts);
        request = facts_find(&facts, CS_FACT_REQUEST, 0);
        response = facts_find(&facts, CS_FACT_RESPONSE, 0);
        assert_non_null(request);
        assert_non_null(response);
        assert_int_equal(request->line_len,
                         line < CS_REQUEST_LINE_MAX ? line : CS_REQUEST_LINE_MAX);
        assert_int_equal(request->user_agent_len,
                         lengths[i] < CS_USER_AGENT_MAX ? lengths[i] : CS_USER_AGENT_MAX);
        assert_memory_equal(request->text, head, request->line_len);
        assert_memory_equal(request->text + request->line_len, path, request->user_agent_len);
        assert_int_equal(!!(request->flags & CS_REQUEST_LINE_CUT), line > CS_REQUEST_LINE_MAX);
        assert_int_equal(!!(request->flags & CS_REQUEST_USER_AGENT_CUT),
                         lengths[i] > CS_USER_AGENT_MAX);
        assert_int_equal(request->head_length, strlen(head));
        assert_int_equal(response->server_len,
                         lengths[i] < CS_SERVER_MAX ? lengths[i] : CS_SERVER_MAX);
        assert_int_equal(!!(response->flags & CS_RESPONSE_SERVER_CUT), lengths[i] > CS_SERVER_MAX);
        free(path);
        free(head);
        free(answer);
        facts_free(&facts);
    }
}

static char *filled(const char *before, size_t len, const char *after)
{
    char *text = malloc(strlen(before) + len + strlen(after) + 1);

    strcpy(text, before);
    memset(text + strlen(before), 'x', len);
    strcpy(text + strlen(before) + len, after);
    return text;
}

/* A head of 60 KiB is read, one of more than 64 KiB is not. */
static void test_long_heads(void **state)
{
    char *fits = filled("GET / HTTP/1.1\r\nCookie: ", 60000, "\r\n\r\n");
    char *exceeds = filled("GET / HTTP/1.1\r\nCookie: ", 66000, "\r\n\r\n");

    (void)state;
    conversation_expect((struct step[]){{CLIENT, fits, 0}, {SERVER, OK, 0}, {STEP_END, 0, 0}}, 0,
                        "request \"GET / HTTP/1.1\" agent \"\" head 60028 body 0\n" RESPONSE);
    conversation_expect((struct step[]){{CLIENT, exceeds, 0}, {STEP_END, 0, 0}}, 0,
                        "gap out head-limit bytes 0\n");
    free(fits);
    free(exceeds);
}

/* Bodies of every kind of size, passed over without being read. */
static void test_long_bodies(void **state)
{
    char *length = filled("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n", 200000, OK);
    char *chunk = filled("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n", 200000,
                         "\r\n0\r\n\r\n" OK);

    (void)state;
    conversation_expect(
        (struct step[]){{CLIENT, GET GET, 0}, {SERVER, length, 0}, {STEP_END, 0, 0}}, 0,
        REQUEST REQUEST "response 200 server \"\" head 43 body 200000 flags length\n" RESPONSE);
    conversation_expect(
        (struct step[]){{CLIENT, GET GET, 0}, {SERVER, chunk, 0}, {STEP_END, 0, 0}}, 0,
        REQUEST REQUEST "response 200 server \"\" head 47 body 0 flags chunked\n" RESPONSE);
    free(length);
    free(chunk);
}

/* 60 KiB of one-byte chunks and of smallest heads in as few segments as the kernel likes. */
static void test_dense(void **state)
{
    char *chunks = calloc(1, 80000), *heads = calloc(1, 80000);
    struct facts facts = {0};
    struct pair pair;

    (void)state;
    strcpy(chunks, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; i < 10000; i++)
        strcpy(chunks + 47 + i * 6, "1\r\nx\r\n");
    strcpy(chunks + 47 + 60000, "0\r\n\r\n" OK);
    conversation_expect(
        (struct step[]){{CLIENT, GET GET, 0}, {SERVER, chunks, 0}, {STEP_END, 0, 0}}, 0,
        REQUEST REQUEST "response 200 server \"\" head 47 body 0 flags chunked\n" RESPONSE);
    for (size_t i = 0; i < 60; i++)
        strcpy(heads + i * (sizeof(GET) - 1), GET);
    pair = traffic_connect(AGENT4, 80, false);
    for (int round = 0; round < 10; round++) {
        traffic_move(pair.client, pair.server, heads, strlen(heads), 0);
        for (int i = 0; i < 60; i++)
            traffic_move(pair.server, pair.client, OK, sizeof(OK) - 1, 0);
    }
    traffic_end(&pair);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    assert_int_equal(facts_count(&facts, CS_FACT_REQUEST), 600);
    assert_int_equal(facts_count(&facts, CS_FACT_RESPONSE), 600);
    assert_int_equal(facts_count(&facts, CS_FACT_GAP), 0);
    free(chunks);
    free(heads);
    facts_free(&facts);
}

static void test_times(void **state)
{
    struct facts facts = {0};
    struct pair pair = traffic_connect(AGENT4, 80, false);
    const struct cs_fact_request *request;
    const struct cs_fact_response *response;
    uint64_t times[4];

    (void)state;
    times[0] = harness_now_ns();
    traffic_move(pair.client, pair.server, GET, 5, 0);
    times[1] = harness_now_ns();
    harness_sleep_ms(30);
    traffic_move(pair.client, pair.server, &GET[5], sizeof(GET) - 6, 0);
    times[2] = harness_now_ns();
    harness_sleep_ms(30);
    times[3] = harness_now_ns();
    traffic_move(pair.server, pair.client, OK, sizeof(OK) - 1, 0);
    traffic_end(&pair);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    request = facts_find(&facts, CS_FACT_REQUEST, 0);
    response = facts_find(&facts, CS_FACT_RESPONSE, 0);
    assert_in_range(request->first_byte_ns, times[0], times[1]);
    assert_in_range(request->header.time_ns, times[1] + 30000000, times[2]);
    assert_in_range(response->first_byte_ns, times[3], harness_now_ns());
    facts_free(&facts);
}

struct proxy_case {
    const char *name;
    struct step steps[8];
    const char *expected;
};

static const struct proxy_case proxy_cases[] = {
    {"metadata through a proxy",
     {{CLIENT, "GET http://169.254.169.254/latest/api?x=1 HTTP/1.1\r\n\r\n", 0}, {SERVER, OK, 0}},
     "request \"GET http://169.254.169.254/latest/api HTTP/1.1\" agent \"\" head 54 body 0 "
     "flags query-cut\n" RESPONSE},
    {"other hosts through a proxy are nobody's business",
     {{CLIENT, "GET http://example.com/" SECRET " HTTP/1.1\r\n\r\n", 0},
      {SERVER, OK, 0},
      {CLIENT, "GET http://[fd00:ec2::254]/ HTTP/1.1\r\n\r\n", 0},
      {SERVER, OK, 0}},
     "request \"GET http://[fd00:ec2::254]/ HTTP/1.1\" agent \"\" head 40 body 0\n" RESPONSE},
    {"refused by the proxy",
     {{CLIENT,
       "CONNECT u:" SECRET "@sts.amazonaws.com:443 HTTP/1.1\r\nProxy-Authorization: " SECRET
       "\r\n\r\n",
       0},
      {SERVER, "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", 0},
      {CLIENT, "CONNECT sts.us-east-1.amazonaws.com:443 HTTP/1.0\r\n\r\n", 0},
      {SERVER, "HTTP/1.0 502 Bad\r\n\r\n", 0}},
     "tunnel \"sts.amazonaws.com:443\"\nresponse 407 server \"\" head 38 body 0 flags length\n"
     "tunnel \"sts.us-east-1.amazonaws.com:443\"\n"
     "response 502 server \"\" head 20 body 0 flags close\n"},
    {"a tunnel to somebody else",
     {{CLIENT, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n", 0},
      {SERVER, "HTTP/1.1 200 Connection established\r\n\r\n", 0}},
     "tunnel \"example.com:443\"\n"},
};

static void test_proxy(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < 2; cut++)
        for (size_t i = 0; i < sizeof(proxy_cases) / sizeof(proxy_cases[0]); i++) {
            struct pair pair = traffic_connect(HOST_PROXY, PROXY_PORT, false);
            struct facts facts = {0};
            char *text, *close, *expected;

            print_message("  %s\n", proxy_cases[i].name);
            traffic_play(&pair, proxy_cases[i].steps, cut);
            traffic_end(&pair);
            facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
            text = facts_text(&facts);
            close = strstr(text, "close local ");
            assert_non_null(close);
            *close = '\0';
            assert_true(asprintf(&expected,
                                 "connect proxy 4 10.66.0.1:3128\nestablished 10.66.0.1:3128\n%s",
                                 proxy_cases[i].expected) > 0);
            assert_string_equal(text, expected);
            free(text);
            free(expected);
            facts_free(&facts);
        }
}

int test_http_limits_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_limits, harness_setup),
        cmocka_unit_test_setup(test_long_heads, harness_setup),
        cmocka_unit_test_setup(test_long_bodies, harness_setup),
        cmocka_unit_test_setup(test_dense, harness_setup),
        cmocka_unit_test_setup(test_times, harness_setup),
        cmocka_unit_test_setup(test_proxy, harness_setup),
    };

    return cmocka_run_group_tests_name("http limits", tests, NULL, NULL);
}
