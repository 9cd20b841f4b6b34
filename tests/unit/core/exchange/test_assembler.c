// SPDX-License-Identifier: Apache-2.0
/* Facts in, exchanges out: every case is a script of facts (facts.h), the exchanges it must yield
 * and where its connections must be accounted. */
#include "../facts/facts.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct result {
    char text[4096];
    size_t len;
    uint32_t last_index[10];
};

/* "index outcome[ status] waited_ms[ ?]", "?" for one that was not wholly observed. */
static void collect(const struct cs_exchange *exchange, void *user)
{
    struct result *result = user;
    char status[8] = "";

    if (exchange->status)
        snprintf(status, sizeof(status), " %u", exchange->status);
    result->len += (size_t)snprintf(
        result->text + result->len, sizeof(result->text) - result->len, "%s%u %s%s %llu%s",
        result->len ? "; " : "", exchange->index, cs_outcome_name(exchange->outcome), status,
        (unsigned long long)(cs_exchange_duration(exchange) / MS), exchange->observed ? "" : " ?");
    assert_non_null(exchange->connection);
}

/* "observed 1 lost:gap 1 open 1", zeros left out. */
static void account(const struct cs_assembler_stats *stats, char *text, size_t size)
{
    size_t len = 0;
    uint64_t total = stats->observed + stats->open;

    text[0] = '\0';
    if (stats->observed)
        len += (size_t)snprintf(text + len, size - len, " observed %llu",
                                (unsigned long long)stats->observed);
    for (unsigned int i = 0; i < CS_LOSS_END; i++) {
        total += stats->lost[i];
        if (stats->lost[i])
            len += (size_t)snprintf(text + len, size - len, " lost:%s %llu", cs_loss_name(i),
                                    (unsigned long long)stats->lost[i]);
    }
    if (stats->open)
        snprintf(text + len, size - len, " open %llu", (unsigned long long)stats->open);
    assert_int_equal(stats->connections, total);
}

static const struct {
    const char *name, *script, *exchanges, *accounts;
} cases[] = {
    {"one request", "connect est req resp:200 close.local", "0 ok 200 1", " observed 1"},
    {"handed over at the response head", "connect est req +40 resp:200", "0 ok 200 41", " open 1"},
    {"keep-alive", "connect est req resp:200 req resp:404 close.remote",
     "0 ok 200 1; 1 not_found 404 1", " observed 1"},
    {"pipelined", "connect est req req req resp:200 resp:403 resp:429 close.remote",
     "0 ok 200 3; 1 denied 403 3; 2 throttled 429 3", " observed 1"},
    {"interim answers are none", "connect est req resp:100 resp:103 +5 resp:200 close.local",
     "0 ok 200 8", " observed 1"},
    {"a switch of protocols is final", "connect est req resp:101 close.local", "0 answered 101 1",
     " observed 1"},
    {"every status has its outcome",
     "connect est req resp:204 req resp:301 req resp:401 req resp:418 req resp:500 req resp:700 "
     "close.local",
     "0 ok 204 1; 1 redirected 301 1; 2 denied 401 1; 3 client_error 418 1; "
     "4 server_error 500 1; 5 server_error 700 1",
     " observed 1"},
    {"no request at all", "connect est close.local", "", " observed 1"},

    {"refused", "connect failed.refused", "0 refused 1", " observed 1"},
    {"unanswered", "connect +1000 failed.unanswered", "0 unreachable 1001", " observed 1"},
    {"no route", "connect failed.noroute", "0 unreachable 1", " observed 1"},
    {"dial given up", "connect +250 failed.givenup", "0 unreachable 251", " observed 1"},
    {"refused with a request in the SYN", "connect req failed.refused", "0 refused 1",
     " observed 1"},
    {"silent SYN is not waited for for ever", "connect +149998 tick tick", "0 unreachable 150000",
     " open 1"},
    {"… and told once", "connect +150000 tick tick failed.unanswered", "0 unreachable 150001",
     " observed 1"},
    {"… even if it comes through at last", "connect +150000 tick est req resp:200 close.local",
     "0 unreachable 150001; 1 ok 200 1", " observed 1"},

    {"reset", "connect est req +5 close.rst", "0 reset 6", " observed 1"},
    {"peer closes", "connect est req +5 close.remote", "0 no_response 6", " observed 1"},
    {"client gives up", "connect est req +1000 close.local", "0 abandoned 1001", " observed 1"},
    {"client aborts", "connect est req +1000 close.abort", "0 abandoned 1001", " observed 1"},
    {"nothing is acknowledged", "connect est req +900000 close.timeout", "0 no_response 900001",
     " observed 1"},
    {"socket connected again", "connect est req close.reused", "0 abandoned 1", " observed 1"},
    {"pipelined, then reset", "connect est req req resp:200 close.rst", "0 ok 200 2; 1 reset 2",
     " observed 1"},
    {"a hang stays in flight", "connect est req +80000 tick", "", " open 1"},

    {"answer in a gap, then closed", "connect est req gap.in close.local", "0 ~unknown 2 ?",
     " lost:gap 1"},
    {"answer in a gap, then another request", "connect est req gap.in req resp:200 close.local",
     "0 ~unknown 2 ?; 1 ok 200 1", " lost:gap 1"},
    {"one request, a gap, one answer", "connect est req gap.in resp:200 close.local",
     "0 ok 200 2 ?", " lost:gap 1"},
    {"two requests, a gap, one answer", "connect est req req gap.in resp:200 close.local",
     "0 ~unknown 3 ?; 1 ~unknown 2 ?", " lost:gap 1"},
    {"request in a gap: its answer is nobody's",
     "connect est gap.out resp:200 req resp:404 close.local", "0 not_found 404 1", " lost:gap 1"},
    {"request in a gap, the next one before its answer",
     "connect est gap.out req resp:200 resp:404 close.local", "0 ok 200 1 ?", " lost:gap 1"},
    {"answer to nothing", "connect est resp:408 close.remote", "", " lost:unmatched 1"},

    {"a lost request", "connect est !req resp:200 req resp:404 close.local +300 tick",
     "0 not_found 404 1", " lost:facts 1"},
    {"a lost answer", "connect est req !resp:200 req resp:404 close.local +300 tick",
     "0 ~unknown 2 ?; 1 not_found 404 1 ?", " lost:facts 1"},
    {"a lost answer, then the end", "connect est req !resp:200 close.local +300 tick",
     "0 ~unknown 2 ?", " lost:facts 1"},
    {"a lost CLOSE", "connect est req resp:200 !close.local +3600000 tick", "0 ok 200 1",
     " lost:expired 1"},
    {"a lost CLOSE with a request in flight", "connect est req !close.local +3600000 tick",
     "0 ~unknown 3600002 ?", " lost:expired 1"},
    {"a lost CONNECT", "!connect est req resp:200 close.local", "", " lost:unknown 1"},
    {"a lost CONNECT, CLOSE told twice", "!connect est *close.local", "", " lost:unknown 1"},
    {"no waiting beyond eight facts",
     "connect !est req resp:200 req resp:200 req resp:200 req resp:200 req",
     "0 ok 200 1 ?; 1 ok 200 1; 2 ok 200 1; 3 ok 200 1", " open 1"},

    {"each fact twice", "*connect *est *req *resp:200 +300 tick *close.local", "0 ok 200 1",
     " observed 1"},
    {"an old fact again", "connect est req resp:200 *req *resp:201 close.local",
     "0 ok 200 1; 1 ok 201 1", " observed 1"},
    {"answer overtakes its request", "connect est ~req resp:200 close.local", "0 ok 200 1",
     " observed 1"},
    {"end overtakes the answer", "connect est req ~resp:200 close.local", "0 ok 200 1",
     " observed 1"},
    {"request overtakes ESTABLISHED", "connect ~est req resp:200 close.local", "0 ok 200 1",
     " observed 1"},

    {"two connections at once",
     "connect 2:connect est 2:est req 2:req 2:resp:200 resp:404 close.local 2:close.local",
     "0 ok 200 1; 0 not_found 404 3", " observed 2"},
    {"intercepted changes nothing", "connect icept.node:2579 est req resp:200 close.local",
     "0 ok 200 1", " observed 1"},

    {"a tunnel that opens is no exchange",
     "connect.proxy est tunnel:sts.amazonaws.com:443 resp:200 close.local", "", " observed 1"},
    {"a tunnel refused by the proxy",
     "connect.proxy est tunnel:sts.amazonaws.com:443 resp:407 close.local", "0 client_error 407 1",
     " observed 1"},
    {"a tunnel without answer", "connect.proxy est tunnel:sts.amazonaws.com:443 +9 close.remote",
     "0 no_response 10", " observed 1"},
    {"a tunnel whose answer was lost",
     "connect.proxy est tunnel:sts.amazonaws.com:443 !resp:200 close.remote +300 tick",
     "0 ~unknown 2 ?", " lost:facts 1"},
};

static void test_cases(void **state)
{
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct result result = {.len = 0};
        struct cs_assembler_options options = {.sink = collect, .user = &result};
        struct script script = {.now_ns = 1000 * MS};
        char accounts[256];

        script.assembler = cs_assembler_new(&options);
        script_run(&script, cases[i].script);
        account(cs_assembler_stats(script.assembler), accounts, sizeof(accounts));
        cs_assembler_free(script.assembler);
        if (strcmp(result.text, cases[i].exchanges) == 0 &&
            strcmp(accounts, cases[i].accounts) == 0)
            continue;
        print_error("%s:\n  want %s |%s\n  got  %s |%s\n", cases[i].name, cases[i].exchanges,
                    cases[i].accounts, result.text, accounts);
        failed++;
    }
    assert_int_equal(failed, 0);
}

static void test_table_full(void **state)
{
    struct result result = {.len = 0};
    struct cs_assembler_options options = {.sink = collect, .user = &result, .connections_max = 1};
    struct script script = {.assembler = cs_assembler_new(&options)};
    char accounts[256];

    (void)state;
    script_run(&script, "connect 2:connect est 2:est req 2:req 2:resp:200 2:close.local resp:200 "
                        "close.local 3:connect 3:failed.refused");
    account(cs_assembler_stats(script.assembler), accounts, sizeof(accounts));
    assert_string_equal(result.text, "0 ok 200 4; 0 refused 1");
    assert_string_equal(accounts, " observed 2 lost:table_full 1");
    assert_int_equal(cs_assembler_stats(script.assembler)->facts_orphaned, 4);
    cs_assembler_free(script.assembler);
}

/* Requests that can't be kept are told as unobserved, and their answers taken for nobody else's. */
static void test_requests_full(void **state)
{
    struct result result = {.len = 0};
    struct cs_assembler_options options = {.sink = collect, .user = &result, .requests_max = 2};
    struct script script = {.assembler = cs_assembler_new(&options)};
    char accounts[256];

    (void)state;
    script_run(&script, "connect est req req req resp:200 resp:201 req resp:202 resp:204 "
                        "close.local");
    account(cs_assembler_stats(script.assembler), accounts, sizeof(accounts));
    assert_string_equal(result.text, "2 ~unknown 0 ?; 0 ok 200 3; 1 ok 201 3; 3 ok 204 2");
    assert_string_equal(accounts, " lost:requests_full 1");
    assert_int_equal(cs_assembler_stats(script.assembler)->requests_in_flight, 0);
    cs_assembler_free(script.assembler);
}

static void keep_last(const struct cs_exchange *exchange, void *user)
{
    *(struct cs_exchange *)user = *exchange;
}

static void test_fields(void **state)
{
    struct cs_exchange exchange = {0};
    struct cs_assembler_options options = {.sink = keep_last, .user = &exchange};
    struct script script = {.assembler = cs_assembler_new(&options), .now_ns = 0};
    const struct cs_connection *connection;

    (void)state;
    script_run(&script, "connect icept.pod:15001 icept.node:8000 est "
                        "req:PUT,/latest/api/token?x=1 resp:200");
    connection = exchange.connection;
    assert_string_equal(exchange.method, "PUT");
    assert_string_equal(exchange.path, "/latest/api/token?x=1");
    assert_string_equal(exchange.user_agent, "agent");
    assert_string_equal(exchange.server, "EC2ws");
    assert_int_equal(exchange.response_length, 1234);
    assert_int_equal(exchange.start_ns, 5 * MS);
    assert_int_equal(exchange.answer_ns, 6 * MS);
    assert_int_equal(connection->cgroup_id, 77);
    assert_int_equal(connection->tgid, 4242);
    assert_string_equal(connection->comm, "python3");
    assert_int_equal(connection->dport, 80);
    assert_int_equal(connection->sport, 40000);
    assert_int_equal(connection->connect_ns, 1 * MS);
    assert_int_equal(connection->established_ns, 4 * MS);
    /* The redirect in the pod is what the client met; the other end tells whose it is. */
    assert_int_equal(connection->intercept_place, CS_INTERCEPT_POD);
    assert_int_equal(connection->intercept_port, 15001);
    assert_int_equal(connection->intercept_cgroup_id, 99);
    cs_assembler_free(script.assembler);
}

static void count_in_flight(const struct cs_exchange *exchange, void *user)
{
    struct result *result = user;

    assert_int_equal(exchange->answer_ns, 0);
    assert_int_equal(exchange->end_ns, 0);
    result->len +=
        (size_t)snprintf(result->text + result->len, sizeof(result->text) - result->len,
                         " %llu%s%s", (unsigned long long)(exchange->start_ns / MS),
                         exchange->connect_failed ? "c" : "", exchange->observed ? "" : "?");
}

static const struct {
    const char *name, *script, *starts;
} flights[] = {
    {"nothing", "connect est", ""},
    {"a connect", "connect +500 tick", " 1c"},
    {"a failed connect", "connect failed.refused", ""},
    {"a request", "connect est req", " 3"},
    {"an answered one", "connect est req resp:200", ""},
    {"one that may be answered, in a gap", "connect est req gap.in", " 3?"},
    {"two pipelined", "connect est req req", " 3 4"},
    {"a TLS handshake", "connect.tls hello est c>22:512", " 1"},
    {"TLS, nothing asked", "connect.tls hello est shello13 >53", ""},
    {"a TLS request", "connect.tls hello est shello13 >53 >400", " 6"},
    {"a TLS request with tickets", "connect.tls hello est shello13 >53 >400 <250 <250", " 6"},
    {"a TLS answer", "connect.tls hello est shello13 >53 >400 +9 <800", ""},
};

static void test_in_flight(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(flights); i++) {
        struct result ignored = {.len = 0}, result = {.len = 0};
        struct cs_assembler_options options = {.sink = collect, .user = &ignored};
        struct script script = {.assembler = cs_assembler_new(&options)};

        script_run(&script, flights[i].script);
        cs_assembler_each_in_flight(script.assembler, count_in_flight, &result);
        if (strcmp(result.text, flights[i].starts) != 0)
            fail_msg("%s: want%s, got%s", flights[i].name, flights[i].starts, result.text);
        cs_assembler_free(script.assembler);
    }
}

static const struct {
    const char *name, *script;
    uint64_t deadline_ms;
} deadlines[] = {
    {"nothing open", "", UINT64_MAX},
    {"a connect", "connect", 1 + 150000},
    {"open", "connect est", 2 + 3600000},
    {"a fact that waits", "connect est !req resp:200", 4 + 250},
    {"a TLS answer", "connect.tls hello est shello13 >53 >400 +9 <800", 16 + 500},
};

static void test_deadline(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(deadlines); i++) {
        struct result result = {.len = 0};
        struct cs_assembler_options options = {.sink = collect, .user = &result};
        struct script script = {.assembler = cs_assembler_new(&options)};
        uint64_t deadline;

        script_run(&script, deadlines[i].script);
        deadline = cs_assembler_deadline(script.assembler);
        if (deadline != UINT64_MAX)
            deadline /= MS;
        if (deadline != deadlines[i].deadline_ms)
            fail_msg("%s: %llu", deadlines[i].name, (unsigned long long)deadline);
        cs_assembler_free(script.assembler);
    }
}

static void test_no_sink(void **state)
{
    struct cs_assembler_options options = {0};

    (void)state;
    assert_null(cs_assembler_new(&options));
    cs_assembler_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),     cmocka_unit_test(test_table_full),
        cmocka_unit_test(test_fields),    cmocka_unit_test(test_requests_full),
        cmocka_unit_test(test_in_flight), cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_no_sink),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
