// SPDX-License-Identifier: Apache-2.0
/* TLS by hand: every client's hello cut everywhere, names, what isn't TLS, record bounds. */
#include "harness.h"
#include "hello.h"
#include "traffic.h"
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STS "sts.us-east-1.amazonaws.com"
#define BYTES(text) text, sizeof(text) - 1
#define RECORDS_MAX 16384 /* CS_TLS_RECORDS_MAX of bpf/tls.bpf.h */

static int listener = -1;

static int setup(void **state)
{
    harness_setup(state);
    listener = traffic_listen(HOST_OTHER, TLS_PORT);
    return 0;
}

/* Quickly and without TIME_WAIT, of which thousands would use up the ports. */
static void end(struct pair *pair)
{
    const struct step reset[] = {{CLIENT_RESET, NULL, 0}, {STEP_END, NULL, 0}};

    pair->listener = -1;
    traffic_play(pair, reset, 0);
    traffic_end(pair);
}

/* The whole story of one connection on which the client sent a hello and was reset. */
static void expect_hello(const char *what, const struct hello_shape *shape, const char *name,
                         const struct hello *sent, const char *records)
{
    struct facts facts = {0};
    char want[2048], *have;

    snprintf(want, sizeof(want),
             "connect tls 4 " HOST_OTHER ":%d\nestablished " HOST_OTHER ":%d\n"
             "client-hello \"%s\" length %d%s%s%s%s%s%s\n%s"
             "close reset-local sent %zu received 0 retransmits 0\n",
             TLS_PORT, TLS_PORT, name, shape->size - 5,
             shape->alpn || shape->tls13 || shape->psk || shape->session_id ? " flags " : "",
             shape->alpn == ALPN_BOTH ? "h2," : "", shape->alpn ? "http/1.1," : "",
             shape->psk ? "psk," : "", shape->tls13 ? "tls1.3," : "",
             shape->session_id ? "session-id," : "", records, sent->len);
    for (char *comma = want; (comma = strstr(comma, ",\n"));) /* the last of a list */
        memmove(comma, comma + 1, strlen(comma));
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    have = facts_text(&facts);
    if (strcmp(have, want) != 0)
        fail_msg("%s\n--- expected\n%s--- facts\n%s---", what, want, have);
    free(have);
    facts_free(&facts);
}

/* Sizes and places as measured with the real clients; "late" ones are rustls' random order. */
static const struct hello_shape clients[] = {
    {.client = "Go 1.24", .size = 1507, .name_at = 108, .session_id = 32, .alpn = ALPN_BOTH,
     .tls13 = true},
    {.client = "Go 1.22", .size = 287, .name_at = 110, .session_id = 32, .alpn = ALPN_BOTH,
     .tls13 = true},
    {.client = "boto3, OpenSSL 3.0", .size = 517, .name_at = 118, .session_id = 32,
     .alpn = ALPN_HTTP11, .tls13 = true},
    {.client = "OpenSSL 3.0, resumed", .size = 517, .name_at = 144, .session_id = 32,
     .tls13 = true, .psk = true},
    {.client = "OpenSSL, TLS 1.2 only", .size = 224, .name_at = 106},
    {.client = "curl, OpenSSL 3.5", .size = 1587, .name_at = 147, .before = 1, .session_id = 32,
     .alpn = ALPN_BOTH, .tls13 = true},
    {.client = "Node 20", .size = 385, .name_at = 200, .session_id = 32, .tls13 = true},
    {.client = "Node 22", .size = 1604, .name_at = 191, .before = 1, .session_id = 32,
     .alpn = ALPN_HTTP11, .tls13 = true},
    {.client = "Java 17", .size = 476, .name_at = 156, .session_id = 32, .tls13 = true},
    {.client = "rustls", .size = 276, .name_at = 200, .before = 4, .session_id = 32,
     .tls13 = true},
    {.client = "AWS Rust SDK", .size = 1498, .name_at = 1430, .before = 9, .session_id = 32,
     .alpn = ALPN_BOTH, .tls13 = true},
    {.client = "AWS Rust SDK, name last", .size = 1498, .name_at = 1462, .before = 10,
     .session_id = 32, .alpn = ALPN_BOTH, .tls13 = true},
    {.client = "Bun", .size = 1518, .name_at = 116, .session_id = 32, .alpn = ALPN_HTTP11,
     .tls13 = true},
    {.client = "45 extensions", .size = 1700, .name_at = 900, .before = 45, .session_id = 32,
     .alpn = ALPN_BOTH, .tls13 = true, .psk = true, .ech = true},
};

#define CLIENTS (sizeof(clients) / sizeof(clients[0]))

static void send_cut(const struct hello *hello, size_t first, size_t rest)
{
    struct pair pair = traffic_connect_to(listener, HOST_OTHER, TLS_PORT);
    const char *bytes = (const char *)hello->bytes;

    if (first)
        traffic_move(pair.client, pair.server, bytes, first, 0);
    traffic_move(pair.client, pair.server, bytes + first, hello->len - first, rest);
    end(&pair);
}

static void check_client(const struct hello_shape *shape, size_t stride)
{
    char record[64], what[128];
    struct hello hello;

    hello_build(&hello, shape, STS);
    snprintf(record, sizeof(record), "record out 22/%d handshake 1\n", shape->size - 5);
    for (size_t cut = 0; cut < hello.len; cut += stride) {
        snprintf(what, sizeof(what), "%s, cut at %zu", shape->client, cut);
        send_cut(&hello, cut, 0);
        expect_hello(what, shape, STS, &hello, record);
    }
    snprintf(what, sizeof(what), "%s, byte by byte", shape->client);
    send_cut(&hello, 0, harness.virtual_machine ? 7 : 1);
    expect_hello(what, shape, STS, &hello, record);
}

static void hellos_cut_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLIENTS; i++)
        check_client(&clients[i], harness.virtual_machine ? 61 : 1);
}

/* Cut into records, whose headers then lie anywhere in the hello; facts of four are kept. */
static void hellos_of_several_records(void **state)
{
    static const size_t parts[] = {2000, 1400, 700, 450};
    struct hello hello, split;
    char records[512], what[128];

    (void)state;
    for (size_t i = 0; i < CLIENTS; i++) {
        hello_build(&hello, &clients[i], STS);
        for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
            size_t left = hello.len - 5, n = 0;

            for (size_t used = 0; left; left -= n, used = strlen(records)) {
                n = left < parts[p] ? left : parts[p];
                snprintf(records + used, sizeof(records) - used,
                         "record out 22/%zu handshake %d\n", n, !used);
            }
            snprintf(what, sizeof(what), "%s, records of %zu", clients[i].client, parts[p]);
            hello_split(&hello, parts[p], &split);
            send_cut(&split, 0, 0);
            expect_hello(what, &clients[i], STS, &split, records);
            send_cut(&split, 0, 19);
            expect_hello(what, &clients[i], STS, &split, records);
        }
    }
    hello_build(&hello, &clients[1], STS);
    hello_split(&hello, 30, &split);
    send_cut(&split, 0, 0);
    expect_hello("many records", &clients[1], STS, &split,
                 "record out 22/30 handshake 1\nrecord out 22/30 handshake 0\n"
                 "record out 22/30 handshake 0\nrecord out 22/30 handshake 0\n"
                 "gap out records bytes 0\n");
}

struct name_case {
    const char *name;
    bool watched;
};

static const struct name_case names[] = {
    {"sts.amazonaws.com", true},
    {"STS.US-East-1.AmazonAWS.com", true},
    {"sts.amazonaws.com.", true},
    {"sts-fips.us-west-2.amazonaws.com", true},
    {"sts.eu-west-1.api.aws", true},
    {"sts.cn-north-1.amazonaws.com.cn", true},
    {"sts.cn-north-1.api.amazonwebservices.com.cn", true},
    {"sts.us-isob-east-1.api.aws.scloud", true},
    {"sts.us-isof-south-1.csp.hci.ic.gov", true},
    {"eks-auth.us-east-1.api.aws", true},
    {"eks-auth-fips.us-gov-east-1.api.aws", true},
    {"vpce-0a1b2c3d4e5f60718-a1b2c3d4.sts.us-east-1.vpce.amazonaws.com", true},
    {"login.microsoftonline.com", true},
    {"westeurope.login.microsoft.com", true},
    {"sts.windows.net", true},
    {"login.partner.microsoftonline.cn", true},
    {"evilsts.amazonaws.com", false},
    {"sts.notamazonaws.com", false},
    {"stsamazonaws.com", false},
    {"sts.amazonaws.com.evil.example", false},
    {"sts.amazonaws.co", false},
    {"sts.amazonaws.comx", false},
    {"amazonaws.com", false},
    {"com", false},
    {"s3.us-east-1.amazonaws.com", false},
    {"eks-auth-fipsx.us-east-1.api.aws", false},
    {"xeks-auth-fips.us-east-1.api.aws", false},
    {"ts.us-east-1.amazonaws.com", false},
    {"sts-fip.us-east-1.amazonaws.com", false},
    {"xlogin.microsoftonline.com", false},
    {"microsoftonline.com", false},
    {"example.com", false},
};

/* How a connection ended for the sensor: watched, or let go and counted. */
static void check_outcome(const char *what, const struct hello *hello, bool watched, bool no_name)
{
    const struct cs_sensor_stats *stats = cs_sensor_stats(harness.sensor);
    uint64_t unwatched = stats->tls_unwatched, nameless = stats->tls_no_name;
    struct facts facts = {0};

    send_cut(hello, 0, 0);
    facts_poll(harness.sensor, &facts);
    if (facts_count(&facts, CS_FACT_CLIENT_HELLO) != watched ||
        facts_count(&facts, CS_FACT_CONNECT) != watched ||
        stats->tls_unwatched - unwatched != !watched || stats->tls_no_name - nameless != no_name)
        fail_msg("%s: hellos %zu, unwatched %d, no name %d", what,
                 facts_count(&facts, CS_FACT_CLIENT_HELLO),
                 (int)(stats->tls_unwatched - unwatched), (int)(stats->tls_no_name - nameless));
    if (!watched)
        assert_int_equal(facts.count, 0);
    facts_free(&facts);
}

static void names_by_suffix_and_label(void **state)
{
    static const struct hello_shape shape = {.session_id = 32, .alpn = ALPN_BOTH, .tls13 = true};
    struct hello hello;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        hello_build(&hello, &shape, names[i].name);
        check_outcome(names[i].name, &hello, names[i].watched, false);
    }
}

static void longest_names(void **state)
{
    static const struct hello_shape shape = {.tls13 = true};
    char name[400];
    struct hello hello;

    (void)state;
    memset(name, 'a', sizeof(name));
    for (size_t i = 63; i < sizeof(name); i += 64)
        name[i] = '.';
    memcpy(name + 255 - 26, ".login.microsoftonline.com", 27);
    hello_build(&hello, &shape, name);
    check_outcome("255 bytes", &hello, true, false);
    hello_build(&hello, &shape, name + 1);
    check_outcome("254 bytes", &hello, true, false);
    memcpy(name + 256 - 26, ".login.microsoftonline.com", 27);
    hello_build(&hello, &shape, name);
    check_outcome("256 bytes", &hello, false, true);
}

static void no_name_to_go_by(void **state)
{
    struct hello hello;

    (void)state;
    hello_build(&hello, &(struct hello_shape){.tls13 = true, .no_name = true}, "");
    check_outcome("no server_name", &hello, false, true);
    hello_build(&hello, &(struct hello_shape){.no_extensions = true}, "");
    check_outcome("no extensions", &hello, false, true);
    hello_build(&hello, &(struct hello_shape){.tls13 = true}, "");
    check_outcome("empty name", &hello, false, true);
    hello_build(&hello, &(struct hello_shape){.tls13 = true}, ".");
    check_outcome("the root", &hello, false, true);
    hello_build(&hello, &(struct hello_shape){.tls13 = true, .ech = true}, "cover.example");
    check_outcome("encrypted hello", &hello, false, true);
    hello_build(&hello, &(struct hello_shape){.tls13 = true, .ech = true}, STS);
    check_outcome("GREASE for an encrypted hello", &hello, true, false);
}

struct damage {
    const char *what;
    size_t at;     /* byte of the hello below that is replaced */
    uint8_t value;
};

/* Of a hello whose record header is 0…4, message header 5…8, session id 43 (32 bytes), ciphers
 * 76 (26), compression 104 (1), extensions' length 106, server_name 108. */
static const struct damage damages[] = {
    {"not a handshake", 0, 23},     {"version 2", 1, 2},
    {"length over the limit", 3, 0x41}, {"not a ClientHello", 5, 2},
    {"message of 64 KiB and more", 6, 1}, {"legacy version 2", 9, 2},
    {"session id of 33", 43, 33},   {"ciphers beyond the end", 76, 0xff},
    {"compression beyond the end", 104, 0xff}, {"extensions too short", 107, 1},
    {"extensions too long", 106, 0xff}, {"extension beyond the end", 110, 0xff},
    {"name beyond its extension", 116, 0xff},
};

static void what_is_not_a_hello(void **state)
{
    static const struct hello_shape shape = {.name_at = 108, .session_id = 32, .tls13 = true};
    static const struct {
        const char *bytes;
        size_t len;
    } other[] = {
        {BYTES("GET / HTTP/1.1\r\n\r\n")},
        {BYTES("SSH-2.0-x\r\n")},
        {BYTES("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10")}, /* SSLv2 */
        {BYTES("\x15\x03\x01\x00\x02\x02\x28")},                   /* an alert */
        {BYTES("\x16\x03\x01\xff\xff")},
    };
    struct hello hello;

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        hello_build(&hello, &shape, STS);
        hello.bytes[damages[i].at] = damages[i].value;
        check_outcome(damages[i].what, &hello, false, false);
    }
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        hello.len = other[i].len;
        memcpy(hello.bytes, other[i].bytes, hello.len);
        check_outcome("another protocol", &hello, false, false);
    }
}

/* What both ends say, after a hello of Go's: the server's bytes, and what is told of them. */
struct answer_case {
    const char *what;
    const char *bytes;
    size_t len;
    const char *facts;
};

#define SH13(random)                                                                    \
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
    struct pair pair = traffic_connect_to(listener, HOST_OTHER, TLS_PORT);
    struct facts facts = {0};
    struct hello hello;
    char want[1024], *have;

    hello_build(&hello, &clients[1], STS);
    traffic_move(pair.client, pair.server, (char *)hello.bytes, hello.len, 0);
    traffic_move(pair.server, pair.client, answer->bytes, answer->len, cut);
    end(&pair);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    have = facts_text(&facts);
    snprintf(want, sizeof(want),
             "record out 22/282 handshake 1\n%sclose reset-local sent 287 received %zu "
             "retransmits 0\n", answer->facts, answer->len);
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
    struct pair pair = traffic_connect_to(listener, HOST_OTHER, TLS_PORT);
    struct facts facts = {0};

    (void)state;
    traffic_move(pair.server, pair.client, "220 mail\r\n", 10, 0);
    end(&pair);
    facts_poll(harness.sensor, &facts);
    assert_int_equal(facts.count, 0);
    assert_int_equal(stats->tls_unwatched, before + 1);
    facts_free(&facts);
}

/* Many records: in one segment, and up to what one connection may report. */
static void many_records(void **state)
{
    static struct hello hello, records;
    struct pair pair = traffic_connect_to(listener, HOST_OTHER, TLS_PORT);
    struct facts facts = {0};
    size_t told = 0, sent = 1;

    (void)state;
    hello_build(&hello, &clients[1], STS);
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
    end(&pair);
    facts_drain(harness.sensor);
}

static void through_a_proxy(void **state)
{
    struct pair pair = traffic_connect(HOST_PROXY, PROXY_PORT, false);
    struct facts facts = {0};
    struct hello hello;
    char *text;

    (void)state;
    hello_build(&hello, &clients[1], STS);
    traffic_move(pair.client, pair.server, "CONNECT " STS ":443 HTTP/1.1\r\n\r\n",
                 strlen("CONNECT " STS ":443 HTTP/1.1\r\n\r\n"), 0);
    traffic_move(pair.server, pair.client, "HTTP/1.1 200 OK\r\n\r\n", 19, 0);
    traffic_move(pair.client, pair.server, (char *)hello.bytes, hello.len, 100);
    traffic_move(pair.server, pair.client, answers[0].bytes, answers[0].len, 0);
    traffic_end(&pair);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    text = facts_text(&facts);
    if (!strstr(text, "client-hello \"" STS "\" length 282 flags h2,http/1.1,tls1.3,session-id\n"
                      "record out 22/282 handshake 1\nrecord in 22/56 handshake 2\n"
                      "server-hello version 0304 cipher 1301 flags psk,tls1.3\nclose"))
        fail_msg("facts:\n%s", text);
    free(text);
    facts_free(&facts);
}

int test_tls_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(hellos_cut_everywhere, setup),
        cmocka_unit_test_setup(hellos_of_several_records, setup),
        cmocka_unit_test_setup(names_by_suffix_and_label, setup),
        cmocka_unit_test_setup(longest_names, setup),
        cmocka_unit_test_setup(no_name_to_go_by, setup),
        cmocka_unit_test_setup(what_is_not_a_hello, setup),
        cmocka_unit_test_setup(servers_answers, setup),
        cmocka_unit_test_setup(server_speaks_first, setup),
        cmocka_unit_test_setup(many_records, setup),
        cmocka_unit_test_setup(through_a_proxy, setup),
    };

    return cmocka_run_group_tests_name("tls", tests, NULL, NULL) + test_tls_real();
}
