// SPDX-License-Identifier: Apache-2.0
/* What real peers do only now and then: silence, duplicates, reordering, overlaps, holes, ICMP. */
#include "io/sensor_internal.h"
#include "traffic.h"
#include "transcript.h"
#include "wire.h"

#include <bpf/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT     "connect plain 4 198.18.0.80:80\n"
#define ESTABLISHED "established 198.18.0.80:80\n"
#define GET         "GET / HTTP/1.1\r\n\r\n"
#define REQUEST     "request \"GET / HTTP/1.1\" agent \"\" head 18 body 0\n"
#define HEAD        "HTTP/1.1 200 OK\r\nServer: peer\r\nContent-Length: 20\r\n\r\n"
#define BODY        "0123456789abcdefghij"
#define ANSWER      "response 200 server \"peer\" head 53 body 20 flags length\n"

static void expect(struct wire *wire, const char *expected)
{
    struct facts facts = {0};
    uint64_t end = harness_now_ns() + (uint64_t)harness_patience_ms() * 1000000;

    while (facts_count(&facts, CS_FACT_CLOSE) + facts_count(&facts, CS_FACT_CONNECT_FAILED) < 1 &&
           harness_now_ns() < end) {
        facts_poll(harness.sensor, &facts);
        wire_settle(wire, 2);
    }
    facts_assert(&facts, expected);
    facts_free(&facts);
    wire_close(wire);
}

#define OPEN(wire, ip6)                                      \
    do {                                                     \
        if (!wire_open(wire, ip6))                           \
            harness_skip("no TUN device, or no IPv6, here"); \
    } while (0)

static void test_unanswered(void **state)
{
    const struct cs_fact_connect_failed *failed;
    struct facts facts = {0};
    struct pollfd pfd;
    struct wire wire;
    int retries = 1;

    (void)state;
    OPEN(&wire, false);
    setsockopt(wire.client, IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof(retries));
    pfd = (struct pollfd){.fd = wire.client, .events = POLLOUT};
    assert_int_equal(poll(&pfd, 1, 20000), 1);
    assert_int_equal(facts_wait(harness.sensor, &facts, CS_FACT_CONNECT_FAILED, 1), 1);
    failed = facts_find(&facts, CS_FACT_CONNECT_FAILED, 0);
    assert_int_equal(failed->reason, CS_CONNECT_UNANSWERED);
    assert_in_range(failed->retransmits, 1, 2); /* 2 with tcp_syn_linear_timeouts (6.5+) */
    facts_free(&facts);
    wire_close(&wire);
}

static void test_given_up(void **state)
{
    struct wire wire;

    (void)state;
    OPEN(&wire, false);
    close(wire.client);
    wire.client = -1;
    expect(&wire, CONNECT "failed given-up\n");
}

static void test_icmp(void **state)
{
    static const struct {
        uint8_t code;
        const char *expected;
    } codes[] = {
        {0 /* net */, CONNECT "failed no-route\n"},
        {1 /* host */, CONNECT "failed no-route\n"},
        {2 /* protocol */, CONNECT "failed no-route\n"},
        {3 /* port */, CONNECT "failed refused\n"},
        {13 /* prohibited */, CONNECT "failed no-route\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct wire_packet packet;
        struct wire wire;

        OPEN(&wire, false);
        assert_true(wire_read(&wire, &packet, harness_patience_ms()));
        wire_icmp(&wire, 3, codes[i].code);
        expect(&wire, codes[i].expected);
    }
}

static void test_refused(void **state)
{
    struct wire_packet packet;
    struct wire wire;

    (void)state;
    OPEN(&wire, false);
    assert_true(wire_read(&wire, &packet, harness_patience_ms()));
    wire_write(&wire, WIRE_RST | WIRE_ACK, (uint32_t)-1, NULL, 0);
    expect(&wire, CONNECT "failed refused\n");
}

/* The first SYN is lost. */
static void test_slow_accept(void **state)
{
    const struct cs_fact_close *end;
    struct wire_packet packet;
    struct facts facts = {0};
    struct wire wire;

    (void)state;
    OPEN(&wire, false);
    assert_true(wire_read(&wire, &packet, harness_patience_ms()));
    wire_accept(&wire);
    close(wire.client);
    wire.client = -1;
    assert_int_equal(facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1), 1);
    end = facts_find(&facts, CS_FACT_CLOSE, 0);
    assert_int_equal(end->reason, CS_CLOSE_LOCAL);
    assert_true(end->retransmits >= 1);
    assert_int_equal(facts_count(&facts, CS_FACT_ESTABLISHED), 1);
    facts_free(&facts);
    wire_close(&wire);
}

/* A SYN with data is lost; it comes again without, and the data behind it once more. */
static void test_fast_open_again(void **state)
{
    struct sockaddr_storage address;
    struct facts facts = {0};
    struct wire_packet packet;
    struct wire wire;
    int one = 1;
    socklen_t len = traffic_address(&address, HOST_WIRE, 80, false);

    (void)state;
    OPEN(&wire, false);
    close(wire.client);
    assert_int_equal(facts_wait(harness.sensor, &facts, CS_FACT_CONNECT_FAILED, 1), 1);
    wire_settle(&wire, 2);
    wire.client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(
        setsockopt(wire.client, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, &one, sizeof(one)), 0);
    sendto(wire.client, GET, sizeof(GET) - 1, MSG_FASTOPEN, (struct sockaddr *)&address, len);
    assert_true(wire_read(&wire, &packet, harness_patience_ms()));
    assert_int_equal(packet.len, sizeof(GET) - 1);
    wire_accept(&wire);
    wire_settle(&wire, 20);
    wire.acked = sizeof(GET) - 1;
    wire_write(&wire, WIRE_ACK, 0, HEAD BODY, sizeof(HEAD BODY) - 1);
    assert_int_equal(facts_wait(harness.sensor, &facts, CS_FACT_RESPONSE, 1), 1);
    assert_int_equal(facts_count(&facts, CS_FACT_REQUEST), 1);
    facts_free(&facts);
    wire_close(&wire);
}

/* Nobody acknowledges the request. */
static void test_timeout(void **state)
{
    unsigned int limit_ms = 300;
    const struct cs_fact_close *end;
    struct facts facts = {0};
    struct wire wire;

    (void)state;
    OPEN(&wire, false);
    wire_accept(&wire);
    setsockopt(wire.client, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms));
    assert_int_equal(send(wire.client, GET, sizeof(GET) - 1, 0), sizeof(GET) - 1);
    assert_int_equal(facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1), 1);
    end = facts_find(&facts, CS_FACT_CLOSE, 0);
    assert_int_equal(end->reason, CS_CLOSE_TIMEOUT);
    assert_int_equal(end->bytes_sent, sizeof(GET) - 1);
    assert_true(end->retransmits >= 1);
    assert_int_equal(facts_count(&facts, CS_FACT_REQUEST), 1);
    facts_free(&facts);
    wire_close(&wire);
}

struct segment {
    int from; /* in the answer */
    int to;
    uint8_t flags;
};

struct order_case {
    const char *name;
    struct segment segments[8];
    const char *expected; /* behind the request, before close */
};

#define ALL 73 /* bytes of HEAD and BODY */
static const struct order_case order_cases[] = {
    {"in order", {{0, 30, 0}, {30, 73, 0}}, ANSWER},
    {"each twice", {{0, 30, 0}, {0, 30, 0}, {30, 73, 0}, {30, 73, 0}}, ANSWER},
    {"all sent again in larger pieces", {{0, 20, 0}, {0, 40, 0}, {0, 73, 0}}, ANSWER},
    {"overlapping", {{0, 20, 0}, {10, 45, 0}, {40, 73, 0}}, ANSWER},
    {"a keep-alive's old byte", {{0, 20, 0}, {19, 20, 0}, {20, 73, 0}}, ANSWER},
    {"the body's end early", {{60, 73, 0}, {0, 60, 0}}, ANSWER},
    {"the body in reverse", {{68, 73, 0}, {63, 68, 0}, {58, 63, 0}, {0, 58, 0}}, ANSWER},
    {"the body early and whole", {{53, 73, 0}, {0, 53, 0}}, ANSWER},
    {"the head's end early", {{30, 73, 0}, {0, 30, 0}}, "gap in hole bytes 43\n"},
    {"the head's end early, then sent again", {{30, 73, 0}, {30, 73, 0}, {0, 73, 0}}, ANSWER},
    {"FIN early", {{73, 73, WIRE_FIN}, {53, 73, 0}, {0, 53, 0}}, ANSWER},
    {"RST outside the window", {{0, 30, 0}, {500000, 500000, WIRE_RST}, {30, 73, 0}}, ANSWER},
    {"many early pieces",
     {{71, 73, 0}, {67, 69, 0}, {63, 65, 0}, {59, 61, 0}, {55, 57, 0}, {0, 73, 0}},
     "gap in hole bytes 55\n"},
};

static void play_order(const struct order_case *each, bool ip6, int extended)
{
    static const char answer[] = HEAD BODY;
    char *expected, got[ALL];
    bool fin = false;
    struct wire wire;

    OPEN(&wire, ip6);
    wire.extended = extended;
    wire_accept(&wire);
    assert_int_equal(send(wire.client, GET, sizeof(GET) - 1, 0), sizeof(GET) - 1);
    wire_settle(&wire, 2);
    wire.acked = sizeof(GET) - 1;
    for (const struct segment *s = each->segments; s->to; s++) {
        wire_write(&wire, WIRE_ACK | s->flags, (uint32_t)s->from,
                   s->flags & WIRE_RST ? NULL : answer + s->from, (size_t)(s->to - s->from));
        fin |= s->flags & WIRE_FIN;
        wire_settle(&wire, 2);
    }
    /* All of it has reached the application, whatever the order. */
    assert_int_equal(recv(wire.client, got, ALL, MSG_WAITALL), ALL);
    assert_memory_equal(got, answer, ALL);
    close(wire.client);
    wire.client = -1;
    assert_true(asprintf(&expected, "%s" REQUEST "%sclose %s sent 18 received 73\n",
                         ip6 ? "connect plain 6 [fd00:ec2::5380]:80\n"
                               "established [fd00:ec2::5380]:80\n"
                             : CONNECT ESTABLISHED,
                         each->expected, fin ? "remote" : "local") > 0);
    expect(&wire, expected);
    free(expected);
}

static void test_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(order_cases) / sizeof(order_cases[0]); i++) {
        print_message("  %s\n", order_cases[i].name);
        play_order(&order_cases[i], false, 0);
    }
}

static void test_order_ip6(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(order_cases) / sizeof(order_cases[0]); i++) {
        print_message("  %s\n", order_cases[i].name);
        play_order(&order_cases[i], true, 0);
    }
}

/* Read until the client acknowledges so many of our bytes. */
static void wait_for_ack(struct wire *wire, uint32_t bytes)
{
    struct wire_packet packet;

    do
        assert_true(wire_read(wire, &packet, harness_patience_ms()));
    while (packet.ack != bytes);
}

/* Blind the sensor's program at a hook, or let it see again. */
static void set_blind(const char *hook, bool blind)
{
    static const struct bpf_insn allow[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
        {.code = BPF_JMP | BPF_EXIT},
    };
    struct cs_sensor *sensor = harness.sensor;
    int program = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "blind", "GPL", allow, 2, NULL);
    size_t i = 0;

    assert_true(program >= 0);
    while (strcmp(sensor->programs[i].hook, hook) != 0)
        i++;
    assert_int_equal(
        bpf_link_update(sensor->cgroup_links[i], blind ? program : sensor->programs[i].fd, NULL),
        0);
    close(program);
}

/* A segment that the sensor does not get to see: the client's acknowledgement proves it. */
static void test_unseen_segment(void **state)
{
    static const char answer[] = HEAD BODY;
    struct wire wire;

    (void)state;
    OPEN(&wire, false);
    wire_accept(&wire);
    assert_int_equal(send(wire.client, GET, sizeof(GET) - 1, 0), sizeof(GET) - 1);
    wire_settle(&wire, 2);
    wire.acked = sizeof(GET) - 1;
    wire_write(&wire, WIRE_ACK, 0, answer, 10);
    wait_for_ack(&wire, 10);
    set_blind("cgroup_skb/ingress", true);
    wire_write(&wire, WIRE_ACK, 10, answer + 10, 10);
    wait_for_ack(&wire, 20);
    set_blind("cgroup_skb/ingress", false);
    wire_write(&wire, WIRE_ACK, 20, answer + 20, ALL - 20);
    wire_settle(&wire, 2);
    close(wire.client);
    wire.client = -1;
    expect(&wire, CONNECT ESTABLISHED REQUEST
           "gap in hole bytes 10\nclose reset-local sent 18 received 73\n");
}

/* Send part of a text, and wait until it has left. */
static void send_part(struct wire *wire, const char *text, size_t from, size_t to)
{
    struct wire_packet packet;

    assert_int_equal(send(wire->client, text + from, to - from, 0), to - from);
    do
        assert_true(wire_read(wire, &packet, harness_patience_ms()));
    while (packet.seq != from || packet.len != to - from);
}

/* Bytes from … to of what the client sends are not seen; then the server acknowledges them. */
static void play_unseen_sent(const char *text, size_t from, size_t to, const char *expected)
{
    size_t len = strlen(text);
    struct wire wire;
    char *all;
    int on = 1;

    OPEN(&wire, false);
    wire_accept(&wire);
    setsockopt(wire.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    send_part(&wire, text, 0, from);
    set_blind("cgroup_skb/egress", true);
    send_part(&wire, text, from, to);
    set_blind("cgroup_skb/egress", false);
    wire.acked = (uint32_t)len + 1000; /* never sent: proves nothing */
    wire_write(&wire, WIRE_ACK, 0, NULL, 0);
    wire.acked = (uint32_t)to;
    wire_write(&wire, WIRE_ACK, 0, NULL, 0);
    send_part(&wire, text, to, len);
    close(wire.client);
    wire.client = -1;
    assert_true(asprintf(&all, CONNECT ESTABLISHED "%sclose local sent %zu received 0\n", expected,
                         len) > 0);
    expect(&wire, all);
    free(all);
}

static void test_unseen_sent(void **state)
{
    (void)state;
    play_unseen_sent(GET, 5, 11, "gap out hole bytes 6\n");
    play_unseen_sent("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n012345678" GET, 38, 47,
                     "request \"POST / HTTP/1.1\" agent \"\" head 38 body 9\n" REQUEST);
}

static int let_see(void **state)
{
    (void)state;
    set_blind("cgroup_skb/ingress", false);
    set_blind("cgroup_skb/egress", false);
    return 0;
}

static void test_ip_options(void **state)
{
    (void)state;
    play_order(&order_cases[0], false, 1);
}

static void test_extension_headers(void **state)
{
    (void)state;
    play_order(&order_cases[0], true, 1);
    play_order(&order_cases[0], true, 7);
}

/* More extension headers than the sensor steps over: a hole, counted. */
static void test_unreadable_packet(void **state)
{
    const struct cs_sensor_stats *stats = cs_sensor_stats(harness.sensor);
    uint64_t before = stats->packets_unreadable;
    struct wire wire;

    (void)state;
    OPEN(&wire, true);
    wire_accept(&wire);
    wire.extended = 9;
    wire_write(&wire, WIRE_ACK, 0, HEAD BODY, ALL);
    wait_for_ack(&wire, ALL);
    assert_int_equal(stats->packets_unreadable, before + 1);
    close(wire.client);
    wire.client = -1;
    expect(&wire, "connect plain 6 [fd00:ec2::5380]:80\nestablished [fd00:ec2::5380]:80\n"
                  "gap in hole bytes 73\nclose reset-local sent 0 received 73\n");
}

int test_wire_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_unanswered, harness_setup),
        cmocka_unit_test_setup(test_given_up, harness_setup),
        cmocka_unit_test_setup(test_fast_open_again, harness_setup),
        cmocka_unit_test_setup(test_icmp, harness_setup),
        cmocka_unit_test_setup(test_refused, harness_setup),
        cmocka_unit_test_setup(test_slow_accept, harness_setup),
        cmocka_unit_test_setup(test_timeout, harness_setup),
        cmocka_unit_test_setup(test_order, harness_setup),
        cmocka_unit_test_setup(test_order_ip6, harness_setup),
        cmocka_unit_test_setup_teardown(test_unseen_segment, harness_setup, let_see),
        cmocka_unit_test_setup_teardown(test_unseen_sent, harness_setup, let_see),
        cmocka_unit_test_setup(test_ip_options, harness_setup),
        cmocka_unit_test_setup(test_extension_headers, harness_setup),
        cmocka_unit_test_setup(test_unreadable_packet, harness_setup),
    };

    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
