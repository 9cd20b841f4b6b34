// SPDX-License-Identifier: Apache-2.0
/* What servers answer, how many records are told, and a proxy on the way. */
#include "harness.h"
#include "hello.h"
#include "tls_traffic.h"
#include "traffic.h"
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES(text) text, sizeof(text) - 1
#define RECORDS_MAX 16384 /* CS_TLS_RECORDS_MAX of bpf/tls_record.bpf.h */

/* What both ends say, after a hello of Go's: the server's bytes, and what is told of them. */
struct answer_case {
    const char *what;
    const char *bytes;
    size_t len;
    const char *facts;
};

#define SH13(random)                                                                 \
    "\x16\x03\x03\x00\x38\x02\x00\x00\x34\x03\x03" random "\x00\x13\x01\x00\x00\x0c" \
    "\x00\x2b\x00\x02\x03\x04\x00\x29\x00\x02\x00\x00"
#define RANDOM32 "0123456789abcdef0123456789abcdef"
#define RETRY                                                          \
    "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" \
    "\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"
#define CCS "\x14\x03\x03\x00\x01\x01"

static const struct answer_case answers[] = {
    {"1.3 by extension, with PSK", BYTES(SH13(RANDOM32)),
     "record in 22/56 handshake 2\nserver-hello version 0304 cipher 1301 flags psk,tls1.3\n"},
    {"1.2", BYTES("\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" RANDOM32 "\x00\xc0\x2f\x00"),
     "record in 22/42 handshake 2\nserver-hello version 0303 cipher c02f\n"},
    {"a retry, a CCS, the hello, another message",
     BYTES(SH13(RETRY) CCS SH13(RANDOM32) "\x16\x03\x03\x00\x02\x04z"),
     "record in 22/56 handshake 2\n"
     "server-hello version 0304 cipher 1301 flags psk,retry,tls1.3\n"
     "record in 20/1 handshake 0\nrecord in 22/56 handshake 2\n"
     "server-hello version 0304 cipher 1301 flags psk,tls1.3\nrecord in 22/2 handshake 4\n"},
    {"1.2, and an encrypted Finished behind CCS",
     BYTES("\x16\x03\x03\x00\x2e\x02\x00\x00\x26\x03\x03" RANDOM32 "\x00\xc0\x2f\x00"
           "\x0e\x00\x00\x00" CCS "\x16\x03\x03\x00\x05\x01yyyy"),
     "record in 22/46 handshake 2\nserver-hello version 0303 cipher c02f\n"
     "record in 20/1 handshake 0\nrecord in 22/5 handshake 0\n"},
    {"1.2, a session id of its own",
     BYTES("\x16\x03\x03\x00\x4a\x02\x00\x00\x46\x03\x03" RANDOM32 "\x20" RANDOM32 "\xc0\x2f\x00"),
     "record in 22/74 handshake 2\nserver-hello version 0303 cipher c02f\n"},
    {"an alert", BYTES("\x15\x03\x03\x00\x02\x02\x28"), "record in 21/2 handshake 0\n"},
    {"empty records", BYTES("\x17\x03\x03\x00\x00\x17\x03\x03\x00\x00"),
     "record in 23/0 handshake 0\nrecord in 23/0 handshake 0\n"},
    {"a type that is none", BYTES("\x16\x03\x03\x00\x02\x63z"), "record in 22/2 handshake 0\n"},
    {"not TLS", BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), "gap in malformed bytes 0\n"},
    {"records, then not TLS", BYTES("\x17\x03\x03\x00\x01x\x19\x03\x03\x00\x01x"),
     "record in 23/1 handshake 0\ngap in malformed bytes 0\n"},
    {"over long", BYTES("\x17\x03\x03\x41\x01x"), "gap in malformed bytes 0\n"},
    {"another message in the hello's place", BYTES("\x16\x03\x03\x00\x04\x0b\x00\x00\x00"),
     "record in 22/4 handshake 11\n"},
};

static void check_answer(const struct answer_case *answer, size_t cut)
{
    struct pair pair = traffic_connect_to(tls_listener, HOST_OTHER, TLS_PORT);
    struct facts facts = {0};
    struct hello hello;
    char want[1024], *have;

    hello_build(&hello, &tls_clients[1], TLS_NAME);
    traffic_move(pair.client, pair.server, (char *)hello.bytes, hello.len, 0);
    traffic_move(pair.server, pair.client, answer->bytes, answer->len, cut);
    tls_end(&pair);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    have = facts_text(&facts);
    snprintf(want, sizeof(want),
             "record out 22/282 handshake 1\n%sclose reset-local sent 287 received %zu\n",
             answer->facts, answer->len);
    if (!strstr(have, want))
        fail_msg("%s, cut %zu\n--- expected\n%s--- facts\n%s---", answer->what, cut, want, have);
    free(have);
    facts_free(&facts);
}

static void servers_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        for (size_t cut = 0; cut <= 13; cut += harness.virtual_machine ? 4 : 1)
            check_answer(&answers[i], cut);
}

static void server_speaks_first(void **state)
{
    const struct cs_sensor_stats *stats = cs_sensor_stats(harness.sensor);
    uint64_t before = stats->tls_unwatched;
    struct pair pair = traffic_connect_to(tls_listener, HOST_OTHER, TLS_PORT);
    struct facts facts = {0};

    (void)state;
    traffic_move(pair.server, pair.client, "220 mail\r\n", 10, 0);
    tls_end(&pair);
    facts_poll(harness.sensor, &facts);
    assert_int_equal(facts_of_sockets(&facts), 0);
    assert_int_equal(stats->tls_unwatched, before + 1);
    facts_free(&facts);
}

/* Many records: in one segment, and up to what one connection may report. */
static void many_records(void **state)
{
    static struct hello hello, records;
    struct pair pair = traffic_connect_to(tls_listener, HOST_OTHER, TLS_PORT);
    struct facts facts = {0};
    size_t told = 0, sent = 1;

    (void)state;
    hello_build(&hello, &tls_clients[1], TLS_NAME);
    traffic_move(pair.client, pair.server, (char *)hello.bytes, hello.len, 0);
    for (int i = 0; i < 300; i++)
        hello_record(&records, 23, 1, 'x');
    for (int gaps = 0; sent < RECORDS_MAX + 600; sent += 300) {
        traffic_move(pair.client, pair.server, (char *)records.bytes, records.len, 0);
        facts_poll(harness.sensor, &facts);
        gaps += facts_count(&facts, CS_FACT_GAP);
        told += facts_count(&facts, CS_FACT_TLS_RECORD);
        assert_int_equal(gaps, sent + 300 > RECORDS_MAX);
        facts_free(&facts);
    }
    assert_int_equal(told, RECORDS_MAX);
    tls_end(&pair);
    facts_drain(harness.sensor);
}

static void through_a_proxy(void **state)
{
    struct pair pair = traffic_connect(HOST_PROXY, PROXY_PORT, false);
    struct facts facts = {0};
    struct hello hello;
    char *text;

    (void)state;
    hello_build(&hello, &tls_clients[1], TLS_NAME);
    traffic_move(pair.client, pair.server, "CONNECT " TLS_NAME ":443 HTTP/1.1\r\n\r\n",
                 strlen("CONNECT " TLS_NAME ":443 HTTP/1.1\r\n\r\n"), 0);
    traffic_move(pair.server, pair.client, "HTTP/1.1 200 OK\r\n\r\n", 19, 0);
    traffic_move(pair.client, pair.server, (char *)hello.bytes, hello.len, 100);
    traffic_move(pair.server, pair.client, answers[0].bytes, answers[0].len, 0);
    traffic_end(&pair);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    text = facts_text(&facts);
    if (!strstr(text,
                "client-hello \"" TLS_NAME "\" length 282 flags h2,http/1.1,tls1.3,session-id\n"
                "record out 22/282 handshake 1\nrecord in 22/56 handshake 2\n"
                "server-hello version 0304 cipher 1301 flags psk,tls1.3\nclose"))
        fail_msg("facts:\n%s", text);
    free(text);
    facts_free(&facts);
}

int test_tls_answers(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(servers_answers, tls_setup),
        cmocka_unit_test_setup(server_speaks_first, tls_setup),
        cmocka_unit_test_setup(many_records, tls_setup),
        cmocka_unit_test_setup(through_a_proxy, tls_setup),
    };

    return cmocka_run_group_tests_name("tls-answers", tests, NULL, NULL);
}
