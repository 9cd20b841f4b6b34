// SPDX-License-Identifier: Apache-2.0
/* Connects that work, connects that don't, and how connections end. */
#include "traffic.h"
#include "transcript.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define GET         "GET / HTTP/1.1\r\n\r\n"
#define REQUEST     "request \"GET / HTTP/1.1\" agent \"\" head 18 body 0\n"
#define OK          "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define RESPONSE    "response 200 server \"\" head 38 body 0 flags length\n"
#define CONNECT     "connect plain 4 169.254.170.23:80\n"
#define ESTABLISHED "established 169.254.170.23:80\n"

/* Wait for the end of n connections, compare, forget. */
static void expect(size_t n, const char *expected)
{
    struct facts facts = {0};
    uint64_t end = harness_now_ns() + (uint64_t)harness_patience_ms() * 1000000;

    while (facts_count(&facts, CS_FACT_CLOSE) + facts_count(&facts, CS_FACT_CONNECT_FAILED) < n &&
           harness_now_ns() < end) {
        facts_poll(harness.sensor, &facts);
        harness_sleep_ms(1);
    }
    harness_sleep_ms(5);
    facts_poll(harness.sensor, &facts);
    facts_assert(&facts, expected);
    facts_free(&facts);
}

/* A client socket, connect(2) begun and not waited for; its errno is left. */
static int dial(const char *host, int port)
{
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, host, port, false);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    connect(fd, (struct sockaddr *)&address, len);
    return fd;
}

struct reach_case {
    const char *name;
    const char *host;
    int port;
    bool mapped;
    const char *expected;
};

static const struct reach_case reach_cases[] = {
    {"IPv4", AGENT4, 80, false, CONNECT ESTABLISHED "close local sent 0 received 0\n"},
    {"IPv6", AGENT6, 80, false,
     "connect plain 6 [fd00:ec2::23]:80\nestablished [fd00:ec2::23]:80\n"
     "close local sent 0 received 0\n"},
    {"IPv4-mapped", AGENT4, 80, true,
     "connect plain 4 169.254.170.23:80 flags mapped\n" ESTABLISHED
     "close local sent 0 received 0\n"},
    {"another port", AGENT4, 81, false, ""},
    {"another address", HOST_OTHER, 80, false, ""},
    {"a TLS port that says nothing", HOST_OTHER, TLS_PORT, false, ""},
};

static void test_reached(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(reach_cases) / sizeof(reach_cases[0]); i++) {
        const struct reach_case *each = &reach_cases[i];
        struct pair pair = traffic_connect(each->host, each->port, each->mapped);

        print_message("  %s\n", each->name);
        traffic_end(&pair);
        expect(each->expected[0] ? 1 : 0, each->expected);
    }
}

static void test_identity(void **state)
{
    struct facts facts = {0};
    uint64_t before = harness_now_ns();
    struct pair pair = traffic_connect(AGENT4, 80, false);
    const struct cs_fact_connect *connect;
    const struct cs_fact_established *established;
    char comm[CS_COMM_LEN];
    struct sockaddr_in name;
    socklen_t len = sizeof(name);
    uint64_t cookie;

    (void)state;
    assert_int_equal(facts_wait(harness.sensor, &facts, CS_FACT_ESTABLISHED, 1), 1);
    connect = facts_find(&facts, CS_FACT_CONNECT, 0);
    established = facts_find(&facts, CS_FACT_ESTABLISHED, 0);
    assert_int_equal(connect->cgroup_id, harness.cgroup_id);
    assert_int_equal(connect->tgid, getpid());
    assert_int_equal(connect->tid, gettid());
    prctl(PR_GET_NAME, comm);
    assert_string_equal((const char *)connect->comm, comm);
    assert_in_range(connect->header.time_ns, before, harness_now_ns());
    assert_in_range(established->header.time_ns, connect->header.time_ns, harness_now_ns());
    getsockname(pair.client, (struct sockaddr *)&name, &len);
    assert_int_equal(established->sport, ntohs(name.sin_port));
    len = sizeof(cookie);
    assert_int_equal(getsockopt(pair.client, SOL_SOCKET, SO_COOKIE, &cookie, &len), 0);
    assert_int_equal(connect->header.cookie, cookie);
    traffic_end(&pair);
    facts_free(&facts);
    facts_drain(harness.sensor);
}

static int child_connects(void *context)
{
    struct pair pair = traffic_connect(AGENT4, 80, false);

    (void)context;
    traffic_end(&pair);
    return 0;
}

static void test_cgroup_of_caller(void **state)
{
    struct facts facts = {0};
    const struct cs_fact_connect *connect;
    int pid = harness_spawn("caller", false, child_connects, NULL);

    (void)state;
    assert_int_equal(harness_join(pid), 0);
    assert_int_equal(facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1), 1);
    connect = facts_find(&facts, CS_FACT_CONNECT, 0);
    assert_int_equal(connect->cgroup_id, harness_cgroup_id("caller"));
    assert_int_equal(connect->tgid, pid);
    facts_free(&facts);
}

static void test_refused(void **state)
{
    int fd = dial(AGENT4, 80);

    (void)state;
    close(fd);
    expect(1, CONNECT "failed refused\n");
    close(dial(AGENT6, 80));
    expect(1, "connect plain 6 [fd00:ec2::23]:80\nfailed refused\n");
}

static void test_refused_tls(void **state)
{
    (void)state;
    close(dial(HOST_OTHER, TLS_PORT));
    expect(1, "connect tls 4 10.66.0.2:8443\nfailed refused\n");
}

static void test_no_route(void **state)
{
    int fd = dial(HOST_UNROUTED, 80);

    (void)state;
    assert_int_equal(errno, ENETUNREACH);
    close(fd);
    expect(1, "connect plain 4 198.19.0.80:80\nfailed no-route\n");
}

/* The second connect of one socket: refused first, reached then. */
static void test_reused_after_failure(void **state)
{
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, AGENT4, 80, false);
    struct pair pair = {.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    (void)state;
    assert_int_equal(connect(pair.client, (struct sockaddr *)&address, len), -1);
    assert_int_equal(errno, ECONNREFUSED);
    pair.listener = traffic_listen(AGENT4, 80);
    assert_int_equal(connect(pair.client, (struct sockaddr *)&address, len), 0);
    pair.server = accept(pair.listener, NULL, NULL);
    traffic_play(&pair, (struct step[]){{CLIENT, GET, 0}, {SERVER, OK, 0}, {STEP_END, 0, 0}}, 0);
    traffic_end(&pair);
    expect(2, CONNECT "failed refused\n\n" CONNECT ESTABLISHED REQUEST RESPONSE
                      "close local sent 18 received 38\n");
}

/* A socket whose first connect failed, then goes to a bystander: that one isn't parsed. */
static void test_reused_for_bystander(void **state)
{
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, AGENT4, 80, false);
    struct pair pair = {.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    uint64_t reconnects = cs_sensor_stats(harness.sensor)->reconnects;

    (void)state;
    assert_int_equal(connect(pair.client, (struct sockaddr *)&address, len), -1);
    pair.listener = traffic_listen(HOST_OTHER, 80);
    len = traffic_address(&address, HOST_OTHER, 80, false);
    assert_int_equal(connect(pair.client, (struct sockaddr *)&address, len), 0);
    pair.server = accept(pair.listener, NULL, NULL);
    traffic_play(&pair, (struct step[]){{CLIENT, GET, 0}, {SERVER, OK, 0}, {STEP_END, 0, 0}}, 0);
    traffic_end(&pair);
    expect(1, CONNECT "failed refused\n");
    assert_int_equal(cs_sensor_stats(harness.sensor)->reconnects, reconnects + 1);
}

/* connect(AF_UNSPEC) ends a connection, the socket goes on to the next. */
static void test_reused_after_disconnect(void **state)
{
    struct sockaddr_storage address;
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    socklen_t len = traffic_address(&address, AGENT4, 80, false);
    struct pair pair = traffic_connect(AGENT4, 80, false);

    (void)state;
    assert_int_equal(connect(pair.client, &none, sizeof(none)), 0);
    close(pair.server);
    assert_int_equal(connect(pair.client, (struct sockaddr *)&address, len), 0);
    pair.server = accept(pair.listener, NULL, NULL);
    traffic_end(&pair);
    expect(2, CONNECT ESTABLISHED "close reset-local sent 0 received 0\n\n" CONNECT ESTABLISHED
                                  "close local sent 0 received 0\n");
}

struct end_case {
    const char *name;
    struct step steps[6];
    const char *expected;
};

static const struct end_case end_cases[] = {
    {"client closes",
     {{CLIENT, GET, 0}, {SERVER, OK, 0}, {CLIENT_CLOSE, 0, 0}},
     RESPONSE "close local sent 18 received 38\n"},
    {"server closes after the answer",
     {{CLIENT, GET, 0}, {SERVER, OK, 0}, {SERVER_CLOSE, 0, 0}},
     RESPONSE "close remote sent 18 received 38\n"},
    {"server closes without an answer",
     {{CLIENT, GET, 0}, {SERVER_CLOSE, 0, 0}},
     "close remote sent 18 received 0\n"},
    {"server resets",
     {{CLIENT, GET, 0}, {SERVER_RESET, 0, 0}},
     "close reset-by-peer sent 18 received 0\n"},
    {"client resets",
     {{CLIENT, GET, 0}, {CLIENT_RESET, 0, 0}},
     "close reset-local sent 18 received 0\n"},
    {"client gives up waiting",
     {{CLIENT, GET, 0}, {CLIENT_CLOSE, 0, 0}},
     "close local sent 18 received 0\n"},
    {"client shuts its side down, then the answer",
     {{CLIENT, GET, 0},
      {CLIENT_SHUTDOWN, 0, 0},
      {PAUSE, 0, 5},
      {SERVER, OK, 0},
      {SERVER_CLOSE, 0, 0}},
     RESPONSE "close local sent 18 received 38\n"},
};

static void test_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(end_cases) / sizeof(end_cases[0]); i++) {
        struct pair pair = traffic_connect(AGENT4, 80, false);
        char expected[1024];

        print_message("  %s\n", end_cases[i].name);
        snprintf(expected, sizeof(expected), "%s%s", CONNECT ESTABLISHED REQUEST,
                 end_cases[i].expected);
        traffic_play(&pair, end_cases[i].steps, 0);
        expect(1, expected);
        traffic_end(&pair);
        expect(0, "");
    }
}

/* Unread bytes make close(2) send an RST. */
static void test_unread_at_close(void **state)
{
    struct pair pair = traffic_connect(AGENT4, 80, false);
    struct pollfd pfd = {.fd = pair.client, .events = POLLIN};

    (void)state;
    traffic_play(&pair, (struct step[]){{CLIENT, GET, 0}, {STEP_END, 0, 0}}, 0);
    assert_int_equal(send(pair.server, OK, sizeof(OK) - 1, 0), sizeof(OK) - 1);
    assert_int_equal(poll(&pfd, 1, harness_patience_ms()), 1);
    traffic_end(&pair);
    expect(1, CONNECT ESTABLISHED REQUEST RESPONSE "close reset-local sent 18 received 38\n");
}

static void test_fast_open(void **state)
{
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, AGENT4, 80, false);
    struct pair pair = {.listener = traffic_listen(AGENT4, 80)};
    int queue = 16;

    (void)state;
    if (!harness_try("echo 1543 > /proc/sys/net/ipv4/tcp_fastopen"))
        harness_skip("this kernel has no TCP fast open");
    setsockopt(pair.listener, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue));
    pair.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(
        sendto(pair.client, GET, sizeof(GET) - 1, MSG_FASTOPEN, (struct sockaddr *)&address, len),
        sizeof(GET) - 1);
    pair.server = accept(pair.listener, NULL, NULL);
    traffic_play(&pair, (struct step[]){{SERVER, OK, 0}, {STEP_END, 0, 0}}, 0);
    traffic_end(&pair);
    expect(1, CONNECT REQUEST ESTABLISHED RESPONSE "close local sent 18 received 38\n");
}

int test_connect_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reached, harness_setup),
        cmocka_unit_test_setup(test_identity, harness_setup),
        cmocka_unit_test_setup(test_cgroup_of_caller, harness_setup),
        cmocka_unit_test_setup(test_refused, harness_setup),
        cmocka_unit_test_setup(test_refused_tls, harness_setup),
        cmocka_unit_test_setup(test_no_route, harness_setup),
        cmocka_unit_test_setup(test_reused_after_failure, harness_setup),
        cmocka_unit_test_setup(test_reused_for_bystander, harness_setup),
        cmocka_unit_test_setup(test_reused_after_disconnect, harness_setup),
        cmocka_unit_test_setup(test_ends, harness_setup),
        cmocka_unit_test_setup(test_unread_at_close, harness_setup),
        cmocka_unit_test_setup(test_fast_open, harness_setup),
    };

    return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
