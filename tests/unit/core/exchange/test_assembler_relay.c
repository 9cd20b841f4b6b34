/* SPDX-License-Identifier: Apache-2.0 */
/* Which connection another one passes on, and what both say of interception then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../facts/facts.h"

#include "base/util.h"

static unsigned int in_flight;

static void ignore(const struct cs_exchange *exchange, void *user)
{
    (void)exchange;
    (void)user;
}

static void count(const struct cs_exchange *exchange, void *user)
{
    (void)exchange;
    (void)user;
    in_flight++;
}

/* user: the connections that may be passed on, as digits; NULL any. */
static bool may(const struct cs_connection *asked, const struct cs_connection *relay, void *user)
{
    (void)relay;
    return !user || strchr(user, (char)('0' + asked->id.cookie));
}

#define APP     "connect.tls icept.pod:15001 est:2 hello "
#define PROXY   "2:connect.tls 2:est:2 2:hello "
#define PLAIN   "connect icept.pod:15001 est:2 "
#define ASKED   PLAIN "req "
#define CONNECT "2:connect 2:est:2 "

static const struct {
    const char *name;
    const char *before; /* connection 2 is asked about after it */
    const char *after;
    const char *may;
    unsigned int of;               /* what 2 passes on; 0 nothing */
    unsigned int via, intercepted; /* ports, of connection 1 at the end */
} rows[] = {
    {"the hello of one that waits", APP PROXY, "", NULL, 1, 15001, 0},
    {"in another letter case", APP "2:connect.tls 2:est 2:hello:STS.us-east-1.AMAZONAWS.COM", "",
     NULL, 1, 15001, 0},
    {"not redirected in its own namespace", "connect.tls est hello " PROXY, "", NULL, 1, 0, 0},
    {"another server", APP "2:connect.tls 2:hello:sts.eu-west-1.amazonaws.com", "", NULL, 0, 0,
     15001},
    {"another client's hello", APP "2:connect.tls 2:hello.h2", "", NULL, 0, 0, 15001},
    {"its hello was answered over another", APP "shello13 " PROXY, "", NULL, 1, 15001, 0},
    {"… long ago", APP "shello13 +10000 " PROXY, "", NULL, 0, 0, 15001},
    {"… and no redirect brought it there", "connect.tls est hello shello13 " PROXY, "", NULL, 0, 0,
     0},
    {"began after it", "2:connect.tls 2:est " APP "2:hello", "", NULL, 0, 0, 15001},
    {"ended before it", APP "close.local " PROXY, "", NULL, 0, 0, 0},
    {"may not be", APP PROXY, "", "3", 0, 0, 15001},
    {"another kind", PLAIN PROXY, "", NULL, 0, 0, 15001},
    {"a failed connect has no name", APP "2:connect.tls", "2:failed.refused", NULL, 1, 15001, 0},

    {"a request in clear", ASKED CONNECT "2:req", "", NULL, 1, 15001, 0},
    {"connects before it is asked", PLAIN CONNECT, "", NULL, 1, 15001, 0},
    {"nothing is asked any more", ASKED "resp:200 " CONNECT, "", NULL, 0, 0, 15001},
    {"the next request", ASKED "resp:200 req " CONNECT, "", NULL, 1, 15001, 0},
    {"meets an interceptor later", ASKED CONNECT "2:req", "2:icept.node:2579", NULL, 1, 15001,
     2579},
    {"met an interceptor", ASKED CONNECT "2:icept.node:8181 2:req", "", NULL, 1, 15001, 8181},

    {"of two, from the same address", APP "3:connect.tls 3:est:3 3:hello " PROXY, "", NULL, 1,
     15001, 0},
    {"of two, that which came first", APP "3:connect.tls 3:est:2 3:hello " PROXY, "", NULL, 1,
     15001, 0},
    {"through a CONNECT proxy",
     "connect.proxy icept.pod:15001 est tunnel:sts.amazonaws.com:443 "
     "2:connect.proxy 2:est",
     "", NULL, 1, 15001, 0},
};

static void test_rows(void **state)
{
    const struct cs_assembler_options options = {.sink = ignore};
    unsigned int failed = 0;

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(rows); i++) {
        struct script script = {.assembler = cs_assembler_new(&options)};
        const struct cs_connection *asked, *relay;
        unsigned int of, via = 0, intercepted = 0;
        bool relays;

        script_run(&script, rows[i].before);
        relays =
            cs_assembler_relay(script.assembler, 2, 0,
                               strstr(rows[i].after, "failed") ? CS_RELAY_FAILED : CS_RELAY_USUAL,
                               may, (void *)rows[i].may);
        relay = cs_assembler_connection(script.assembler, 2, 0);
        of = (unsigned int)relay->relay_of.cookie;
        script_run(&script, rows[i].after);
        asked = cs_assembler_connection(script.assembler, 1, 0);
        if (asked) {
            via = asked->relay_port;
            intercepted = asked->intercept_place ? asked->intercept_port : 0;
        }
        if (of != rows[i].of || relays != (of != 0) || via != rows[i].via ||
            intercepted != rows[i].intercepted) {
            print_error("%s: of %u, via %u, intercepted %u\n", rows[i].name, of, via, intercepted);
            failed++;
        }
        cs_assembler_free(script.assembler);
    }
    assert_int_equal(failed, 0);
}

/* Several applications at once, whose proxies' connections come in any order: in the end each of
 * them has its own, also one that was answered over a connection taken for another's. */
static void passes_each_on_once(void **state)
{
    const struct cs_assembler_options options = {.sink = ignore};
    struct script script = {.assembler = cs_assembler_new(&options)};

    (void)state;
    script_run(&script, APP "3:connect.tls 3:icept.pod:15001 3:est:2 3:hello " PROXY);
    assert_true(cs_assembler_relay(script.assembler, 2, 0, CS_RELAY_USUAL, may, "13"));
    assert_int_equal(cs_assembler_connection(script.assembler, 2, 0)->relay_of.cookie, 1);
    /* That was 3's all the same. */
    script_run(&script, "2:shello13 3:shello13 4:connect.tls 4:est:2 4:hello");
    assert_true(cs_assembler_relay(script.assembler, 4, 0, CS_RELAY_USUAL, may, "3"));
    assert_int_equal(cs_assembler_connection(script.assembler, 3, 0)->relay_port, 15001);
    /* Nobody is left; or one that still waits, and whose connection was taken for another's. */
    script_run(&script, "5:connect.tls 5:est:2 5:hello");
    assert_false(cs_assembler_relay(script.assembler, 5, 0, CS_RELAY_USUAL, may, "3"));
    assert_true(cs_assembler_relay(script.assembler, 5, 0, CS_RELAY_USUAL, may, "13"));
    cs_assembler_each_in_flight(script.assembler, count, NULL);
    assert_int_equal(in_flight, 2);
    assert_false(cs_assembler_relay(script.assembler, 9, 0, CS_RELAY_USUAL, may, NULL));
    cs_assembler_free(script.assembler);
}

/* A proxy that couldn't connect tries another time. */
static void passes_on_what_failed_before(void **state)
{
    const struct cs_assembler_options options = {.sink = ignore};
    struct script script = {.assembler = cs_assembler_new(&options)};

    (void)state;
    script_run(&script, APP "2:connect.tls");
    assert_true(cs_assembler_relay(script.assembler, 2, 0, CS_RELAY_FAILED, may, NULL));
    script_run(&script, "2:failed.refused 3:connect.tls 3:est 3:hello");
    assert_true(cs_assembler_relay(script.assembler, 3, 0, CS_RELAY_USUAL, may, NULL));
    cs_assembler_free(script.assembler);
}

/* A second application, known to be redirected only after its connect: the first remains what it
 * was known to be. */
static void is_redirected_itself(void **state)
{
    const struct cs_assembler_options options = {.sink = ignore};
    struct script script = {.assembler = cs_assembler_new(&options)};

    (void)state;
    script_run(&script, ASKED "2:connect");
    assert_true(cs_assembler_relay(script.assembler, 2, 0, CS_RELAY_USUAL, may, NULL));
    script_run(&script, "2:icept.pod:15001 2:est:2");
    assert_int_equal(cs_assembler_connection(script.assembler, 2, 0)->relay_of.cookie, 0);
    assert_int_equal(cs_assembler_connection(script.assembler, 1, 0)->intercept_place,
                     CS_INTERCEPT_POD);
    assert_int_equal(cs_assembler_connection(script.assembler, 1, 0)->relay_port, 0);
    assert_int_equal(cs_assembler_connection(script.assembler, 2, 0)->intercept_port, 15001);
    cs_assembler_free(script.assembler);
}

/* A proxy of HTTP keeps its connection for the next application that asks. */
static void passes_on_for_another(void **state)
{
    const struct cs_assembler_options options = {.sink = ignore};
    struct script script = {.assembler = cs_assembler_new(&options)};

    (void)state;
    script_run(&script, ASKED CONNECT "2:req");
    assert_true(cs_assembler_relay(script.assembler, 2, 0, CS_RELAY_USUAL, may, NULL));
    script_run(&script, "2:resp:200 resp:200 close.local 3:connect 3:icept.pod:15001 3:est:2 3:req "
                        "2:req");
    assert_true(cs_assembler_relay(script.assembler, 2, 0, CS_RELAY_USUAL, may, NULL));
    assert_int_equal(cs_assembler_connection(script.assembler, 2, 0)->relay_of.cookie, 3);
    assert_int_equal(cs_assembler_connection(script.assembler, 3, 0)->relay_port, 15001);
    assert_false(cs_assembler_connection(script.assembler, 3, 0)->relay_answered);
    script_run(&script, "2:resp:200");
    assert_true(cs_assembler_connection(script.assembler, 3, 0)->relay_answered);
    assert_string_equal(cs_assembler_connection(script.assembler, 3, 0)->relay_server, "EC2ws");
    /* Once it does, it does, whoever is there. */
    script_run(&script, "3:resp:200 3:close.local 2:req");
    assert_true(cs_assembler_relay(script.assembler, 2, 0, CS_RELAY_USUAL, may, NULL));
    cs_assembler_free(script.assembler);
}

/* A migration sidecar's: counted once as well, but what it meets is not said of the other, whose
 * next request it may answer itself. */
static void asks_anew(void **state)
{
    static const struct {
        const char *before, *after;
    } scripts[] = {
        {ASKED CONNECT "2:req", ""},
        {ASKED CONNECT "2:icept.node:2579 2:req", ""},
        {ASKED CONNECT "2:req", "2:icept.node:2579"},
    };
    const struct cs_assembler_options options = {.sink = ignore};

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(scripts); i++) {
        struct script script = {.assembler = cs_assembler_new(&options)};
        const struct cs_connection *asked;

        script_run(&script, scripts[i].before);
        assert_true(cs_assembler_relay(script.assembler, 2, 0, CS_RELAY_APART, may, NULL));
        script_run(&script, scripts[i].after);
        asked = cs_assembler_connection(script.assembler, 1, 0);
        assert_int_equal(asked->intercept_port, 15001);
        assert_int_equal(asked->relay_port, 0);
        cs_assembler_free(script.assembler);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(passes_each_on_once),
        cmocka_unit_test(passes_on_what_failed_before),
        cmocka_unit_test(is_redirected_itself),
        cmocka_unit_test(passes_on_for_another),
        cmocka_unit_test(asks_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
