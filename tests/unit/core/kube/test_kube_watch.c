// SPDX-License-Identifier: Apache-2.0
/* The watch's decisions, with time as an argument. Its talk with a server: tests/kube. */
#include "core/kube/kube_watch.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEC  CS_NSEC_PER_SEC
#define LIST "{\"metadata\":{\"resourceVersion\":\"100\"},\"items\":[{}]}"
#define GONE "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n"
#define MARK "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"120\"}}}\n"

struct fixture {
    struct cs_kube_watch *watch;
    struct cs_kube_report report;
    struct cs_kube_request request;
    uint64_t now;
    unsigned int events[CS_KUBE_LIST_END + 1];
};

static void count(void *data, const struct cs_kube_event *event)
{
    struct fixture *f = data;

    f->events[event->kind]++;
}

static struct fixture *make(const struct cs_kube_watch_options *options)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->now = 1000 * SEC;
    f->report = (struct cs_kube_report){.on_event = count, .event_data = f};
    assert_int_equal(cs_kube_watch_new(options, &f->report, &f->watch), 0);
    return f;
}

static int setup(void **state)
{
    struct cs_kube_watch_options options = CS_KUBE_WATCH_DEFAULTS;

    options.node_name = "ip-10-0-0-1.ec2.internal";
    options.seed = 42;
    *state = make(&options);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    cs_kube_watch_free(f->watch);
    free(f);
    return 0;
}

/* Wait until the next request is due and begin it; how long that was. */
static uint64_t begin(struct fixture *f)
{
    uint64_t due = cs_kube_watch_due(f->watch), waited = due > f->now ? due - f->now : 0;

    assert_false(cs_kube_watch_busy(f->watch));
    if (waited)
        assert_int_equal(cs_kube_watch_tick(f->watch, due - 1), CS_KUBE_WAIT);
    f->now += waited;
    assert_int_equal(cs_kube_watch_tick(f->watch, f->now), CS_KUBE_START);
    assert_int_equal(cs_kube_watch_begin(f->watch, f->now, &f->request), 0);
    return waited;
}

static void answer(struct fixture *f, int code, uint64_t retry_after, const char *body)
{
    cs_kube_watch_status(f->watch, f->now, code, retry_after);
    cs_kube_watch_body(f->watch, f->now, body, strlen(body));
    cs_kube_watch_end(f->watch, f->now, CS_KUBE_FAILURE_NONE);
}

/* List with success, and open a watch. */
static void open_watch(struct fixture *f)
{
    begin(f);
    assert_false(f->request.watch);
    answer(f, 200, 0, LIST);
    assert_int_equal(begin(f), 0);
    assert_true(f->request.watch);
    cs_kube_watch_status(f->watch, f->now, 200, 0);
}

static void test_targets(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(begin(f), 0);
    assert_string_equal(f->request.target, "/api/v1/pods?fieldSelector=spec.nodeName%3D"
                                           "ip-10-0-0-1.ec2.internal&resourceVersion=0");
    answer(f, 200, 0, LIST);
    begin(f);
    assert_non_null(strstr(f->request.target, "&watch=true&allowWatchBookmarks=true"
                                              "&resourceVersion=100&timeoutSeconds="));
}

/* The node's name is the environment's or a person's: nothing in it becomes a parameter. */
static void test_target_is_encoded(void **state)
{
    struct cs_kube_watch_options options = CS_KUBE_WATCH_DEFAULTS;
    struct fixture *f;

    (void)state;
    options.node_name = "a&watch=1#/../ \xc3\xa9";
    f = make(&options);
    begin(f);
    assert_string_equal(f->request.target, "/api/v1/pods?fieldSelector=spec.nodeName%3D"
                                           "a%26watch%3D1%23%2F..%2F%20%C3%A9&resourceVersion=0");
    teardown((void **)&f);
}

static void test_retry_after(void **state)
{
    static const struct {
        uint64_t said, least, most;
    } cases[] = {
        {0, SEC / 2, 3 * SEC / 2},
        {1, 3 * SEC / 2, 6 * SEC},
        {100, 100 * SEC, 131 * SEC},
        {UINT64_MAX, 120 * SEC, 151 * SEC}, /* nobody silences us */
    };
    struct fixture *f = *state;

    begin(f);
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        uint64_t waited;

        answer(f, 429, cases[i].said, "Too many requests, please try again later.\n");
        waited = begin(f);
        if (waited < cases[i].least || waited > cases[i].most)
            fail_msg("Retry-After %llu: waited %llu ms", (unsigned long long)cases[i].said,
                     (unsigned long long)(waited / CS_NSEC_PER_MSEC));
    }
    assert_int_equal(f->report.stats.failures[CS_KUBE_FAILURE_THROTTLED], CS_ARRAY_SIZE(cases));
}

static void test_deadlines(void **state)
{
    struct fixture *f = *state;

    /* No status. */
    begin(f);
    assert_int_equal(cs_kube_watch_due(f->watch), f->now + 60 * SEC);
    assert_int_equal(cs_kube_watch_tick(f->watch, f->now + 60 * SEC - 1), CS_KUBE_WAIT);
    f->now += 60 * SEC;
    assert_int_equal(cs_kube_watch_tick(f->watch, f->now), CS_KUBE_ABORT);
    cs_kube_watch_end(f->watch, f->now, CS_KUBE_FAILURE_NONE);
    assert_int_equal(f->report.stats.failures[CS_KUBE_FAILURE_SILENT], 1);
    /* A list that stalls. */
    begin(f);
    cs_kube_watch_status(f->watch, f->now, 200, 0);
    f->now += 29 * SEC;
    cs_kube_watch_body(f->watch, f->now, " ", 1);
    assert_int_equal(cs_kube_watch_due(f->watch), f->now + 30 * SEC);
    /* And one that drips. */
    for (int i = 0; i < 9; i++) {
        f->now += 29 * SEC;
        assert_int_equal(cs_kube_watch_tick(f->watch, f->now), CS_KUBE_WAIT);
        cs_kube_watch_body(f->watch, f->now, " ", 1);
    }
    f->now += 10 * SEC;
    assert_int_equal(cs_kube_watch_tick(f->watch, f->now), CS_KUBE_ABORT);
    cs_kube_watch_end(f->watch, f->now, CS_KUBE_FAILURE_NONE);
    assert_int_equal(f->report.stats.failures[CS_KUBE_FAILURE_SLOW], 1);
}

/* The first bookmark comes after 121 s: not silence. */
static void test_quiet_watch(void **state)
{
    struct fixture *f = *state;

    open_watch(f);
    f->now += 121 * SEC;
    assert_int_equal(cs_kube_watch_tick(f->watch, f->now), CS_KUBE_WAIT);
    cs_kube_watch_body(f->watch, f->now, MARK, strlen(MARK));
    f->now += 119 * SEC;
    assert_int_equal(cs_kube_watch_tick(f->watch, f->now), CS_KUBE_WAIT);
    cs_kube_watch_end(f->watch, f->now, CS_KUBE_FAILURE_NONE);
    assert_true(begin(f) <= SEC / 2);
    assert_non_null(strstr(f->request.target, "&resourceVersion=120&"));
    assert_int_equal(f->report.stats.reconnects, 1);
    assert_true(f->report.state.connected);
}

static void test_silent_watch(void **state)
{
    struct fixture *f = *state;

    open_watch(f);
    f->now += 180 * SEC;
    assert_int_equal(cs_kube_watch_tick(f->watch, f->now), CS_KUBE_ABORT);
    cs_kube_watch_end(f->watch, f->now, CS_KUBE_FAILURE_NONE);
    begin(f);
    assert_string_equal(f->request.target, "/api/v1/pods?fieldSelector=spec.nodeName%3D"
                                           "ip-10-0-0-1.ec2.internal&limit=500");
    /* Once: the list after that asks the cache again. */
    answer(f, 200, 0, LIST);
    begin(f);
    cs_kube_watch_status(f->watch, f->now, 200, 0);
    cs_kube_watch_body(f->watch, f->now, MARK GONE, strlen(MARK GONE));
    cs_kube_watch_end(f->watch, f->now, CS_KUBE_FAILURE_NONE);
    begin(f);
    assert_non_null(strstr(f->request.target, "&resourceVersion=0"));
}

/* A server on which every list is good and every watch has expired: no quick loop. */
static void test_expired_loop(void **state)
{
    struct fixture *f = *state;
    uint64_t start = f->now;
    unsigned int lists = 0;

    for (; f->now < start + 600 * SEC; lists++) {
        begin(f);
        answer(f, 200, 0, LIST);
        begin(f);
        answer(f, 200, 0, GONE);
    }
    assert_true(lists > 10 && lists < 120);
    assert_int_equal(f->report.stats.relists, lists - 1);
}

/* A server that ends every watch at once, with and without an event. */
static void test_short_watches(void **state)
{
    struct fixture *f = *state;

    for (int with_event = 0; with_event < 2; with_event++) {
        uint64_t start = f->now;
        unsigned int watches = 0;

        for (; f->now < start + 600 * SEC; watches++) {
            begin(f);
            answer(f, 200, 0, !f->request.watch ? LIST : with_event ? MARK : "");
        }
        assert_true(watches > 10 && watches < 1300);
    }
}

static void test_not_connected(void **state)
{
    struct fixture *f = *state;
    uint64_t longest = 0;

    open_watch(f);
    cs_kube_watch_end(f->watch, f->now, CS_KUBE_FAILURE_CUT);
    for (int i = 0; i < 1000; i++) {
        uint64_t waited = begin(f);

        /* Away for hours: the version is still the one to try. */
        assert_non_null(strstr(f->request.target, "&resourceVersion=100&"));
        assert_true(waited >= SEC / 2 && waited <= 10 * SEC);
        longest = waited > longest ? waited : longest;
        cs_kube_watch_end(f->watch, f->now, CS_KUBE_FAILURE_CONNECT);
    }
    assert_true(longest > 9 * SEC);
    assert_false(f->report.state.connected);
    assert_true(f->report.state.synced);
    assert_true(cs_kube_lag_ns(&f->report.state, f->now) > 1000 * SEC);
}

static void test_states(void **state)
{
    struct fixture *f = *state;

    assert_false(f->report.state.connected || f->report.state.synced);
    open_watch(f);
    assert_true(f->report.state.connected && f->report.state.synced);
    assert_int_equal(f->events[CS_KUBE_LIST_BEGIN], 1);
    assert_int_equal(f->events[CS_KUBE_POD], 1);
    assert_int_equal(f->events[CS_KUBE_LIST_END], 1);
    assert_int_equal(cs_kube_lag_ns(&f->report.state, f->now + SEC), 0);
    cs_kube_watch_end(f->watch, f->now, CS_KUBE_FAILURE_CUT);
    assert_string_equal(f->report.state.why, cs_kube_failure_words(CS_KUBE_FAILURE_CUT));
    assert_int_equal(f->report.state.disconnected_ns, f->now);
    assert_int_equal(cs_kube_lag_ns(&f->report.state, f->now + SEC), SEC);
    begin(f);
    answer(f, 200, 0, "");
    assert_true(f->report.state.connected && !f->report.state.why);
}

static void test_poll(void **state)
{
    struct cs_kube_watch_options options = CS_KUBE_WATCH_DEFAULTS;
    struct fixture *f;

    (void)state;
    options.path = "/pods";
    options.poll = true;
    f = make(&options);
    begin(f);
    answer(f, 200, 0, LIST);
    assert_int_equal(begin(f), 10 * SEC);
    assert_string_equal(f->request.target, "/pods");
    answer(f, 500, 0, "");
    assert_true(begin(f) <= 3 * SEC / 2);
    answer(f, 200, 0, LIST);
    assert_int_equal(begin(f), 10 * SEC);
    assert_int_equal(f->report.stats.watches, 0);
    teardown((void **)&f);
}

/* A status of every kind, and more of them than there are slots to count them in. */
static void test_codes(void **state)
{
    struct fixture *f = *state;
    uint64_t sum = 0;

    for (int code = 400; code < 450; code++) {
        begin(f);
        answer(f, code, 0, "");
    }
    for (size_t i = 0; i < CS_KUBE_CODES; i++) {
        assert_int_equal(f->report.stats.requests[i].code, i < CS_KUBE_CODES - 1 ? 400 + i : 0);
        sum += f->report.stats.requests[i].count;
    }
    assert_int_equal(sum, 50);
}

static void test_backoff(void **state)
{
    struct cs_kube_backoff a, b;
    uint64_t before = 0, same = 0, sum = 0;

    (void)state;
    cs_kube_backoff_init(&a, SEC / 2, 30 * SEC, 1);
    cs_kube_backoff_init(&b, SEC / 2, 30 * SEC, 2);
    for (int i = 0; i < 1000; i++) {
        uint64_t delay = cs_kube_backoff_next(&a);

        assert_true(delay >= SEC / 2 && delay <= 30 * SEC);
        if (before)
            assert_true(delay <= 3 * before);
        before = delay;
        same += delay == cs_kube_backoff_next(&b);
        sum += delay;
    }
    assert_true(same < 10);
    assert_true(sum / 1000 > 5 * SEC && sum / 1000 < 20 * SEC);
    cs_kube_backoff_reset(&a);
    assert_true(cs_kube_backoff_next(&a) <= 3 * SEC / 2);
    cs_kube_backoff_init(&a, SEC, SEC, 0);
    assert_int_equal(cs_kube_backoff_next(&a), SEC);
    assert_int_equal(cs_kube_backoff_random(&a, 7, 7), 7);
}

/* Requests wait 60 s to be named (core/waiting/pending.h): an API server that was away for 30 s
 * must be asked again in that time, whether nobody listened or a balancer answered for it. */
static void test_outage(void **state)
{
    struct cs_kube_watch_options options = CS_KUBE_WATCH_DEFAULTS;
    uint64_t longest = 0;

    (void)state;
    for (options.seed = 1; options.seed <= 400; options.seed++) {
        struct fixture *f = make(&options);
        uint64_t start = f->now;
        void *fixture = f;

        while (begin(f), f->now <= start + 30 * SEC) {
            if (options.seed % 2)
                cs_kube_watch_end(f->watch, f->now, CS_KUBE_FAILURE_CONNECT);
            else
                answer(f, options.seed % 4 ? 502 : 503, 0, "");
        }
        assert_true(f->now <= start + 40 * SEC);
        longest = f->now - start > longest ? f->now - start : longest;
        teardown(&fixture);
    }
    assert_true(longest > 35 * SEC); /* no herd either */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_targets, setup, teardown),
        cmocka_unit_test(test_target_is_encoded),
        cmocka_unit_test_setup_teardown(test_retry_after, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadlines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quiet_watch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silent_watch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expired_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_short_watches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_connected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_states, setup, teardown),
        cmocka_unit_test(test_poll),
        cmocka_unit_test_setup_teardown(test_codes, setup, teardown),
        cmocka_unit_test(test_backoff),
        cmocka_unit_test(test_outage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
