// SPDX-License-Identifier: Apache-2.0
/* Exchanges found in TLS record lengths. Cases whose name begins with a client are sequences that
 * it and an OpenSSL or Go server were seen to exchange. */
#include "../facts/facts.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct result {
    char text[2048];
    size_t len;
};

static void put(struct result *result, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    result->len += (size_t)vsnprintf(result->text + result->len, sizeof(result->text) - result->len,
                                     format, args);
    va_end(args);
}

static void put_burst(struct result *result, char sign, const struct cs_burst *burst)
{
    uint64_t sum = 0;

    for (unsigned int i = 0; i < burst->count && i < CS_BURST_RECORDS_MAX; i++) {
        put(result, " %c%u", sign, burst->lengths[i]);
        sum += burst->lengths[i];
    }
    if (burst->count > CS_BURST_RECORDS_MAX)
        put(result, " %cn%u", sign, burst->count);
    else
        assert_int_equal(sum, burst->bytes);
}

/* "index outcome start+waited >request … <answer …", "h2" and "?" after it. */
static void collect(const struct cs_exchange *exchange, void *user)
{
    struct result *result = user;

    put(result, "%s%u %s %llu+%llu", result->len ? "; " : "", exchange->index,
        cs_outcome_name(exchange->outcome), (unsigned long long)(exchange->start_ns / MS),
        (unsigned long long)(cs_exchange_duration(exchange) / MS));
    put_burst(result, '>', &exchange->request_records);
    put_burst(result, '<', &exchange->response_records);
    put(result, "%s%s", exchange->multiplexed ? " h2" : "", exchange->observed ? "" : " ?");
}

#define OPEN13 "connect.tls hello est c>22:512 shello13.384 c<22:122 c<20:1 <23 <1000 <281 <69 "
/* 11 words; the client's Finished is the 12th. */
#define READY13 OPEN13 "c>20:1 >69 "
#define OPEN12  "connect.tls hello est c>22:200 shello12 c<22:80 c<22:1000 c<22:300 c<22:4 "
#define READY12 OPEN12 "c>22:66 c>20:1 c>22:40 c<22:200 c<20:1 c<22:40 "

static const struct {
    const char *name, *script, *exchanges;
} cases[] = {
    {"boto3: head and body, two tickets, a thinking server",
     READY13 ">459 >1330 <250 +45 <250 +150 <477 +500 tick", "0 answered 14+199 >459 >1330 <477"},
    {"Go: one ticket, then the answer", READY13 ">371 >1318 <130 +60 <2100 close.local",
     "0 answered 14+63 >371 >1318 <2100"},
    {"boto3 on a busy machine: a ticket between head and body, and a pause",
     READY13 ">1855 <250 +15 >60 <250 +30 <584 close.local", "0 answered 14+49 >1855 >60 <584"},
    {"boto3 and a busy server: the tickets come late, one before the body",
     READY13 ">459 +15 <250 +4 >1342 <250 +80 <2275 close.local",
     "0 answered 14+103 >459 >1342 <2275"},
    {"Java and a busy server: its only ticket comes before the body",
     OPEN13 "c>20:1 >85 >617 +13 <250 >1124 +31 <1815 +10 >617 >1124 +30 <1815 close.local",
     "0 answered 14+47 >617 >1124 <1815; 1 answered 72+32 >617 >1124 <1815"},
    {"Java: 16 bytes more in each record, one session",
     OPEN13 "c>20:1 >85 >2099 <250 <250 +30 <584 +20 >2099 +30 <584 >35 +9 close.rst",
     "0 answered 14+33 >2099 <584; 1 answered 68+31 >2099 <584"},
    {"Java: encrypted alert", OPEN13 "c>20:1 >35 close.local", "0 tls_failed 1+13"},
    {"one record each", READY13 ">1724 +30 <1900 <19 close.remote", "0 answered 14+31 >1724 <1900"},
    {"handed over while open", READY13 ">1724 +30 <1900 +499 tick", "0 answered 14+31 >1724 <1900"},
    {"… and not before it is complete", READY13 ">1724 +30 <1900 +400 <700 +400 tick", ""},
    {"… and once", READY13 ">1724 +30 <1900 +500 tick tick close.local",
     "0 answered 14+31 >1724 <1900"},
    {"answer of several records", READY13 ">1724 +30 <400 <1460 <1460 close.local",
     "0 answered 14+31 >1724 <400 <1460 <1460"},
    {"two calls on one connection",
     READY13 ">371 >1318 +9 <2100 +2000 >1582 >60 +3 <600 close.local",
     "0 answered 14+11 >371 >1318 <2100; 1 answered 2026+5 >1582 >60 <600"},
    {"equal records are tickets in the first answer only",
     READY13 ">900 +9 <800 >900 +9 <300 <300 close.local",
     "0 answered 14+10 >900 <800; 1 answered 25+10 >900 <300 <300"},
    {"tickets before the request", READY13 "<230 <230 +9 >900 +20 <800 close.local",
     "0 answered 25+21 >900 <800"},
    {"one ticket before, one after the request", READY13 "<230 +9 >900 <230 +20 <800 close.local",
     "0 answered 24+22 >900 <800"},
    {"two tickets before, a short answer at once: EKS Auth's 404 on a kept connection's first call",
     READY13 "<250 <250 +1 >3017 +4 <227 +5 >3017 +4 <1742 close.local",
     "0 answered 17+5 >3017 <227; 1 answered 28+5 >3017 <1742"},
    {"four tickets", READY13 ">900 <230 <230 <230 <230 +9 <800 close.local",
     "0 answered 14+14 >900 <800"},
    {"long tickets come in pairs", READY13 ">900 <1000 <1000 +9 <800 close.local",
     "0 answered 14+12 >900 <800"},
    {"head and body of one flight are no ticket", READY13 ">900 +50 <300 <600 close.local",
     "0 answered 14+51 >900 <300 <600"},
    {"… nor when they come at once", READY13 ">900 <300 @<600 close.local",
     "0 answered 14+1 >900 <300 <600"},
    {"tickets, then a hang", READY13 ">900 <250 <250 +9000 tick close.local",
     "0 abandoned 14+9004 >900"},
    {"one ticket, then a hang", READY13 ">900 <250 +9000 tick close.local",
     "0 abandoned 14+9003 >900"},
    {"a lone small record, and the client is content", READY13 ">900 <250 +50 close.local",
     "0 answered 14+1 >900 <250"},
    {"a lone small record, and the server closes", READY13 ">900 <250 +3000 close.remote",
     "0 answered 14+1 >900 <250"},
    {"a lone small record, then the next request",
     READY13 ">900 <250 +50 >901 +50 <800 close.local",
     "0 answered 14+1 >900 <250; 1 answered 66+51 >901 <800"},
    {"a lone small record in the midst of a request",
     READY13 ">900 <250 >1300 +50 <800 close.local", "0 answered 14+53 >900 >1300 <800"},
    {"a lone small record that took its time", READY13 ">900 +50 <250 +500 tick",
     "0 answered 14+51 >900 <250"},
    {"nothing asked", READY13 "<250 <250 <19 close.remote", ""},
    {"close_notify is no request", READY13 ">900 +9 <800 >19 close.local",
     "0 answered 14+10 >900 <800"},
    {"peer closes without an answer", READY13 ">900 <250 <250 +9 close.remote",
     "0 no_response 14+12 >900"},
    {"reset", READY13 ">900 +9 close.rst", "0 reset 14+10 >900"},
    {"a large request",
     READY13 ">900 >16401 >16401 >16401 >9000 >900 >901 >902 >903 >904 >905 >906 "
             ">907 >908 >909 >910 >911 >912 +9 <800 close.local",
     "0 answered 14+27 >900 >16401 >16401 >16401 >9000 >900 >901 >902 >903 >904 >905 >906 >907 "
     ">908 >909 >910 >n18 <800"},

    {"cipher with the short hash", "connect.tls hello est shello13 >53 >69 +9 <800 close.local",
     "0 answered 6+10 >69 <800"},
    {"a client's certificate before Finished", OPEN13 ">1500 >281 >69 >900 +9 <800 close.local",
     "0 answered 15+10 >900 <800"},
    {"Finished in one record with others", OPEN13 ">1800 +1 <250 >900 +9 <800 close.local",
     "0 answered 15+10 >900 <800"},
    {"hello retried",
     "connect.tls hello est shello.retry hello shello13 >53 >900 +9 <800 "
     "close.local",
     "0 answered 8+10 >900 <800"},
    {"early data", "connect.tls hello.psk est >900 shello13 >21 >53 +9 <800 close.local",
     "0 answered 4+13 >900 <800"},
    {"resumed, one ticket, then the client gives up",
     "connect.tls hello.psk est shello13 >53 >900 +1 <250 +1 close.local", "0 abandoned 6+4 >900"},
    {"resumed, a lone record, then the server ends",
     "connect.tls hello.psk est shello13 >53 >900 +9 <250 +1 close.remote",
     "0 answered 6+10 >900 <250"},
    {"resumed without early data",
     "connect.tls hello.psk est shello13 >53 >900 +9 <800 close.local",
     "0 answered 6+10 >900 <800"},

    {"TLS 1.2", READY12 ">900 +9 <330 close.local", "0 answered 16+10 >900 <330"},
    {"TLS 1.2 has no tickets among its data", READY12 ">900 <250 <250 close.local",
     "0 answered 16+1 >900 <250 <250"},
    {"TLS 1.2 resumed",
     "connect.tls hello est shello12 c<22:80 c<20:1 c<22:40 c>20:1 c>22:40 "
     ">900 +9 <330 close.local",
     "0 answered 10+10 >900 <330"},
    {"TLS 1.2 false start", OPEN12 "c>22:66 c>20:1 c>22:40 >900 c<20:1 c<22:40 +9 <330 close.local",
     "0 answered 13+12 >900 <330"},
    {"TLS 1.2 alert is no data", READY12 ">900 +9 <330 c<21:26 c>21:26 close.local",
     "0 answered 16+10 >900 <330"},

    {"TLS 1.1",
     "connect.tls hello est shello11 c<22:80 c>22:66 c>20:1 c>22:48 c<20:1 c<22:48 >900 +9 <330 "
     "close.local",
     "0 answered 11+10 >900 <330"},
    {"body that waits for 100 Continue", READY13 ">300 +9 <42 >1300 +9 <800 close.local",
     "0 answered 14+21 >300 >1300 <800"},
    {"resumption offered, server's hello not seen",
     "connect.tls hello.psk est gap.in >69 >900 +9 <800 close.local",
     "0 answered 6+10 >900 <800 ?"},

    {"HTTP/2: preface, settings, request",
     "connect.tls hello.h2 est shello13 >53 >81 <250 <56 >26 >200 +30 <120 <900 >30 close.local",
     "0 answered 10+31 >200 <120 <900 h2"},
    {"HTTP/2: request in one record with the preface",
     "connect.tls hello.h2 est shello13 >53 >300 <56 <26 >26 +30 <120 <900 close.local",
     "0 answered 6+34 >300 <120 <900 h2"},
    {"HTTP/2 offered, HTTP/1.1 spoken",
     "connect.tls hello.h2 est shello13 >53 >430 >1403 +30 <1900 close.local",
     "0 answered 6+32 >430 >1403 <1900"},
    {"HTTP/2: pings between",
     "connect.tls hello.h2 est shello13 >53 >81 <56 >200 +30 <120 <900 "
     ">34 <34 >34 <34 +500 tick",
     "0 answered 8+31 >200 <120 <900 h2"},
    {"HTTP/2: another's answer between a head and its body",
     "connect.tls hello.h2 est shello13 >53 >81 <56 >65 >65 +30 <644 >67 <644 >1455 +30 <1623 "
     "close.local",
     "0 answered 8+32 >65 >65 <644 h2; 1 answered 41+1 >67 >1455 <644 <1623 h2"},
    {"HTTP/2: the next request after an answer",
     "connect.tls hello.h2 est shello13 >53 >81 <56 >67 >1455 +3 <644 +3 >67 >1455 +30 <1623 "
     "close.local",
     "0 answered 8+5 >67 >1455 <644 h2; 1 answered 17+32 >67 >1455 <1623 h2"},
    {"HTTP/1.1: requests one after another are not together",
     READY13 ">900 <800 >901 <801 close.local",
     "0 answered 14+1 >900 <800; 1 answered 16+1 >901 <801"},
    {"curl: a request as long as an HTTP/2 preface",
     "connect.tls hello.h2 est shello13.384 >69 <250 <250 >108 +1 <5221 <19 >19 close.remote",
     "0 answered 8+2 >108 <5221"},
    {"… and an answer that took its time",
     "connect.tls hello.h2 est shello13.384 >69 <250 <250 >108 +90 <200 close.local",
     "0 answered 8+91 >108 <200"},
    {"HTTP/2: a connection on which nothing is asked",
     "connect.tls hello.h2 est shello13 >53 >81 <250 <250 <56 <26 +900 <60 <19 close.remote", ""},

    {"certificate refused: alert in the clear", OPEN13 "c>21:2 close.local", "0 tls_failed 1+12"},
    {"certificate refused: encrypted alert", OPEN13 ">19 close.local", "0 tls_failed 1+12"},
    {"certificate refused: closed", OPEN13 "close.local", "0 tls_failed 1+11"},
    {"server refuses the hello", "connect.tls hello est c>22:200 c<21:2 close.remote",
     "0 tls_failed 1+5"},
    {"warning alert, then all is well",
     "connect.tls hello est c<21:2 shello13 >53 >900 +9 <800 close.local",
     "0 answered 7+10 >900 <800"},
    {"hello retried, then closed", "connect.tls hello est shello.retry close.local",
     "0 tls_failed 1+4"},
    {"hello without answer, reset", "connect.tls hello est +7 close.rst", "0 reset 1+10"},
    {"hello without answer, closed", "connect.tls hello est close.remote", "0 no_response 1+3"},
    {"hello without answer, given up", "connect.tls hello est +900 close.local",
     "0 abandoned 1+903"},
    {"TLS 1.2 handshake broken off", OPEN12 "close.rst", "0 tls_failed 1+9"},
    {"never established", "connect.tls failed.refused", "0 refused 1+1"},

    {"a gap", READY13 ">900 gap.in +9 <800 close.local", "0 answered 14+11 >900 <800 ?"},
    {"a gap, then the end", READY13 ">900 gap.out +9 close.local", "0 ~unknown 14+11 >900 ?"},
    {"a lost record", READY13 ">900 !>1300 +9 <800 >901 +9 <801 close.local +300 tick",
     "0 answered 14+11 >900 <800 ?; 1 answered 26+10 >901 <801 ?"},
    {"records out of order", READY13 "~>459 >1330 +9 <800 close.local",
     "0 answered 14+11 >459 >1330 <800"},

    {"through a proxy",
     "connect.proxy est tunnel:sts.amazonaws.com:443 resp:200 hello shello13 >53 >900 +9 <800 "
     "close.local",
     "0 answered 8+10 >900 <800"},
};

static void test_cases(void **state)
{
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct result result = {.len = 0};
        struct cs_assembler_options options = {.sink = collect, .user = &result};
        struct script script = {.assembler = cs_assembler_new(&options)};

        script_run(&script, cases[i].script);
        cs_assembler_free(script.assembler);
        if (strcmp(result.text, cases[i].exchanges) == 0)
            continue;
        print_error("%s:\n  want %s\n  got  %s\n", cases[i].name, cases[i].exchanges, result.text);
        failed++;
    }
    assert_int_equal(failed, 0);
}

static void keep_connection(const struct cs_exchange *exchange, void *user)
{
    *(struct cs_connection *)user = *exchange->connection;
}

static void test_connection(void **state)
{
    struct cs_connection connection;
    struct cs_assembler_options options = {.sink = keep_connection, .user = &connection};
    struct script script = {.assembler = cs_assembler_new(&options)};

    (void)state;
    script_run(&script, "connect.tls hello.h2:STS.Amazonaws.COM est shello13.384 >69 >900 +9 <800 "
                        "close.local");
    assert_string_equal(connection.server_name, "sts.amazonaws.com");
    assert_int_equal(connection.hello_flags, CS_HELLO_TLS13 | CS_HELLO_ALPN_H2);
    assert_int_equal(connection.tls_version, 0x0304);
    assert_int_equal(connection.tls_cipher, 0x1302);
    assert_int_equal(connection.client_hello_ns, 2 * MS);
    assert_int_equal(connection.tls_ready_ns, 5 * MS);
    cs_assembler_free(script.assembler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
