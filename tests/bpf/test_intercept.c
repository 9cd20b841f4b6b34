// SPDX-License-Identifier: Apache-2.0
/* Redirection by real NAT: on the node behind a veth pair, and inside the pod. */
#include "traffic.h"
#include "transcript.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NODE     "10.67.0.1"
#define POD      "10.67.0.2"
#define GET      "GET / HTTP/1.1\r\n\r\n"
#define OK       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define REQUEST  "request \"GET / HTTP/1.1\" agent \"\" head 18 body 0\n"
#define RESPONSE "response 200 server \"\" head 38 body 0 flags length\n"
#define CLOSE    "close local sent 18 received 38\n"

/* One exchange from inside a pod; its exit status tells. */
struct pod {
    const char *host;
    bool ip6;
};

static int pod_exchange(const char *host)
{
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, host, 80, false);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char answer[128];
    ssize_t n;

    if (connect(fd, (struct sockaddr *)&address, len))
        return 3;
    if (send(fd, GET, sizeof(GET) - 1, 0) != sizeof(GET) - 1)
        return 4;
    n = recv(fd, answer, sizeof(answer), 0);
    close(fd);
    return n == sizeof(OK) - 1 ? 0 : 5;
}

static int pod_main(void *context)
{
    const struct pod *pod = context;

    for (int i = 0; i < 500 && !harness_try("ip link show eth0 >/dev/null 2>&1"); i++)
        harness_sleep_ms(2);
    if (!harness_try("ip link set lo up && ip addr add " POD "/24 dev eth0 && "
                     "ip link set eth0 up && ip route add default via " NODE))
        return 2;
    return pod_exchange(pod->host);
}

static void answer_one(int listener)
{
    struct pollfd pfd = {.fd = listener, .events = POLLIN};
    char request[128];
    int fd;

    assert_int_equal(poll(&pfd, 1, harness_patience_ms()), 1);
    fd = accept(listener, NULL, NULL);
    assert_int_equal(recv(fd, request, sizeof(request), 0), sizeof(GET) - 1);
    harness_sleep_ms(60); /* a delayed ACK may pass before the answer, as with any slow one */
    assert_int_equal(send(fd, OK, sizeof(OK) - 1, 0), sizeof(OK) - 1);
    assert_int_equal(recv(fd, request, sizeof(request), 0), 0);
    close(fd);
}

static int teardown(void **state)
{
    (void)state;
    harness_try("nft delete table ip credscope_test 2>/dev/null");
    harness_try("ip link del podv 2>/dev/null");
    return 0;
}

static bool make_nat(const char *hook, const char *rule)
{
    return harness_try("nft add table ip credscope_test 2>/dev/null && "
                       "nft 'add chain ip credscope_test nat { type nat hook %s priority -100; }' "
                       "2>/dev/null && nft add rule ip credscope_test nat %s 2>/dev/null",
                       hook, rule);
}

/* A pod's exchange with host, answered by listener in the tests' (= the node's) namespace. */
static void run_pod(const char *host, int listener, struct facts *facts)
{
    struct pod pod = {.host = host};
    int pid = harness_spawn("pod", true, pod_main, &pod);

    harness_shell("ip link add podv type veth peer name eth0 netns %d && "
                  "ip addr add " NODE "/24 dev podv && ip link set podv up",
                  pid);
    answer_one(listener);
    assert_int_equal(harness_join(pid), 0);
    assert_int_equal(facts_wait(harness.sensor, facts, CS_FACT_CLOSE, 1), 1);
}

static void check_node_interception(const char *listen_host)
{
    const struct cs_fact_intercepted *intercepted;
    const struct cs_fact_response *response;
    const struct cs_fact_connect *connect;
    struct facts facts = {0};
    int listener;

    if (!make_nat("prerouting",
                  "iifname podv ip daddr " IMDS4 " tcp dport 80 dnat to " NODE ":2579"))
        harness_skip("no nft NAT here");
    listener = traffic_listen(listen_host, 2579);
    run_pod(IMDS4, listener, &facts);
    assert_int_equal(facts_count(&facts, CS_FACT_INTERCEPTED), 1);
    intercepted = facts_find(&facts, CS_FACT_INTERCEPTED, 0);
    response = facts_find(&facts, CS_FACT_RESPONSE, 0);
    connect = facts_find(&facts, CS_FACT_CONNECT, 0);
    assert_int_equal(intercepted->place, CS_INTERCEPT_NODE);
    assert_int_equal(intercepted->port, 2579);
    assert_memory_equal(intercepted->addr + 12, "\x0a\x43\x00\x01", 4);
    assert_int_equal(intercepted->cgroup_id, harness.cgroup_id);
    assert_int_equal(connect->cgroup_id, harness_cgroup_id("pod"));
    assert_int_equal(connect->header.cookie, intercepted->header.cookie);
    assert_true(intercepted->header.seq < response->header.seq);
    facts_free(&facts);
    close(listener);
}

static void test_node(void **state)
{
    (void)state;
    if (!harness_try("ip addr add " NODE "/32 dev lo")) /* before the device is there, to listen */
        fail();
    check_node_interception(NODE);
    harness_shell("ip addr del " NODE "/32 dev lo");
}

static void test_node_any_listener(void **state)
{
    (void)state;
    check_node_interception("::");
}

/* The pod's agent answers at the address that was asked for. */
static void test_not_intercepted(void **state)
{
    struct facts facts = {0};
    int listener = traffic_listen(AGENT4, 80);

    (void)state;
    run_pod(AGENT4, listener, &facts);
    facts_assert(
        &facts,
        "connect plain 4 169.254.170.23:80\nestablished 169.254.170.23:80\n" REQUEST RESPONSE
            CLOSE);
    facts_free(&facts);
}

static void test_in_pod(void **state)
{
    struct facts facts = {0};
    struct pair pair = {.listener = traffic_listen("127.0.0.1", 8000)};
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, IMDS4, 80, false);

    (void)state;
    if (!make_nat("output", "ip daddr " IMDS4 " tcp dport 80 redirect to :8000"))
        harness_skip("no nft NAT here");
    pair.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(pair.client, (struct sockaddr *)&address, len), 0);
    pair.server = accept(pair.listener, NULL, NULL);
    traffic_play(&pair, (struct step[]){{CLIENT, GET, 0}, {SERVER, OK, 0}, {STEP_END, 0, 0}}, 0);
    traffic_end(&pair);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    facts_assert(&facts, "connect plain 4 169.254.169.254:80\nintercepted pod 127.0.0.1:8000\n"
                         "established 169.254.169.254:80\n" REQUEST RESPONSE CLOSE);
    facts_free(&facts);
}

static void bind_source(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, HOST_OTHER, 5555, false);
    int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, len))
        _exit(6);
}

/* In a namespace of its own, from the same address and port, to somebody else. */
static int stranger(void *context)
{
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, "10.66.0.9", 9999, false);
    int fd, listener;

    (void)context;
    if (!harness_try("ip link set lo up && ip addr add " HOST_OTHER "/32 dev lo && "
                     "ip addr add 10.66.0.9/32 dev lo"))
        return 2;
    listener = traffic_listen("10.66.0.9", 9999);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind_source(fd);
    if (connect(fd, (struct sockaddr *)&address, len) || accept(listener, NULL, NULL) < 0)
        return 3;
    return 0;
}

static void test_stranger_with_same_address(void **state)
{
    struct facts facts = {0};
    struct pair pair = {.listener = traffic_listen(AGENT4, 80)};
    struct sockaddr_storage address;
    socklen_t len = traffic_address(&address, AGENT4, 80, false);

    (void)state;
    pair.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind_source(pair.client);
    assert_int_equal(connect(pair.client, (struct sockaddr *)&address, len), 0);
    pair.server = accept(pair.listener, NULL, NULL);
    assert_int_equal(harness_join(harness_spawn("stranger", true, stranger, NULL)), 0);
    traffic_play(&pair, (struct step[]){{CLIENT, GET, 0}, {SERVER, OK, 0}, {STEP_END, 0, 0}}, 0);
    traffic_end(&pair);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    facts_assert(
        &facts,
        "connect plain 4 169.254.170.23:80\nestablished 169.254.170.23:80\n" REQUEST RESPONSE
            CLOSE);
    facts_free(&facts);
}

int test_intercept_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_node, harness_setup, teardown),
        cmocka_unit_test_setup_teardown(test_node_any_listener, harness_setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_intercepted, harness_setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_pod, harness_setup, teardown),
        cmocka_unit_test_setup_teardown(test_stranger_with_same_address, harness_setup, teardown),
    };

    return cmocka_run_group_tests_name("intercept", tests, NULL, NULL);
}
