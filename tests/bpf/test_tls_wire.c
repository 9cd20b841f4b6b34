// SPDX-License-Identifier: Apache-2.0
/*
 * Records out of order and with holes, from a hand-made TCP peer. The peer's port is 80, so these
 * tests have a sensor of their own to which that is a TLS port; the tests' common one is attached
 * as well and takes the same bytes for bad HTTP, which is not looked at.
 */
#include "tls_traffic.h"
#include "transcript.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SMALL              \
    "\x17\x03\x03\x00\x08" \
    "abcdefgh"          /* 13 bytes */
#define LARGE_SIZE 1205 /* header, 1200 bytes */
#define TOLD       "record in 23/8 handshake 0\n"
#define LARGE_TOLD "record in 23/1200 handshake 0\n"

struct segment {
    int from; /* in the answer: SMALL, a large record, SMALL */
    int to;
};

static const struct order_case {
    const char *name;
    struct segment segments[6];
    const char *records;
} order_cases[] = {
    {"in order", {{0, 600}, {600, 1231}}, TOLD LARGE_TOLD TOLD},
    {"twice", {{0, 600}, {0, 600}, {600, 1231}, {600, 1231}}, TOLD LARGE_TOLD TOLD},
    {"within a record", {{0, 100}, {500, 900}, {100, 500}, {900, 1231}}, TOLD LARGE_TOLD TOLD},
    {"a record's end first",
     {{0, 18}, {1000, 1218}, {18, 1000}, {1218, 1231}},
     TOLD LARGE_TOLD TOLD},
    {"over the next header",
     {{0, 100}, {1000, 1231}, {100, 1000}},
     TOLD LARGE_TOLD "gap in hole bytes 231\n"},
    {"within a header", {{0, 15}, {17, 1231}, {15, 17}}, TOLD "gap in hole bytes 1214\n"},
    {"sent again whole", {{0, 100}, {1000, 1231}, {100, 1231}}, TOLD LARGE_TOLD TOLD},
};

static struct cs_sensor *sensor;

static int open_sensor(void **state)
{
    static struct cs_watchlist watch;
    struct cs_sensor_config config = {
        .watch = &watch, .no_token_opens = true, .no_cgroup_events = true};
    struct cs_sensor_error error;

    (void)state;
    cs_watchlist_init(&watch);
    watch.address_count = 0;
    if (cs_watchlist_add_tls_port(&watch, 80) || cs_sensor_open(&config, &sensor, &error) ||
        cs_sensor_attach(sensor, harness.cgroup_fd, &error)) {
        print_error("%s\n", error.text);
        return -1;
    }
    harness.first_fd += 128; /* harness_setup closes what a failed test has left behind */
    return 0;
}

static int close_sensor(void **state)
{
    (void)state;
    harness.first_fd -= 128;
    cs_sensor_free(sensor);
    return 0;
}

static void send_segments(struct wire *wire, const struct order_case *each)
{
    char answer[13 + LARGE_SIZE + 13];

    memcpy(answer, SMALL, 13);
    memset(answer + 13, 'x', LARGE_SIZE);
    memcpy(answer + 13, "\x17\x03\x03\x04\xb0", 5);
    memcpy(answer + 13 + LARGE_SIZE, SMALL, 13);
    for (const struct segment *s = each->segments; s->to; s++) {
        wire_write(wire, WIRE_ACK, (uint32_t)s->from, answer + s->from, (size_t)(s->to - s->from));
        wire_settle(wire, 2);
    }
}

static void play(const struct order_case *each, const struct hello *hello)
{
    struct facts facts = {0};
    struct wire wire;
    char *text;

    if (!wire_open(&wire, false))
        harness_skip("no TUN device here");
    wire_accept(&wire);
    assert_int_equal(write(wire.client, hello->bytes, hello->len), hello->len);
    wire_settle(&wire, 2);
    send_segments(&wire, each);
    close(wire.client);
    wire.client = -1;
    wire_settle(&wire, 2);
    wire_close(&wire);
    facts_wait(sensor, &facts, CS_FACT_CLOSE, 1);
    text = facts_text(&facts);
    if (!strstr(text, "record out 22/282 handshake 1\n") ||
        strncmp(strstr(text, "record in"), each->records, strlen(each->records)) != 0 ||
        strncmp(strstr(text, "record in") + strlen(each->records), "close", 5) != 0)
        fail_msg("%s\n--- expected\n%s--- facts\n%s---", each->name, each->records, text);
    free(text);
    facts_free(&facts);
    facts_drain(harness.sensor);
}

static void answers_out_of_order(void **state)
{
    struct hello hello;

    (void)state;
    hello_build(&hello, &tls_clients[TLS_CLIENT_SMALL], TLS_NAME);
    for (size_t i = 0; i < sizeof(order_cases) / sizeof(order_cases[0]); i++)
        play(&order_cases[i], &hello);
}

int test_tls_wire(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(answers_out_of_order, harness_setup),
    };

    return cmocka_run_group_tests_name("tls-wire", tests, open_sensor, close_sensor);
}
