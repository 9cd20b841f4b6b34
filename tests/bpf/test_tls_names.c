// SPDX-License-Identifier: Apache-2.0
/* Which names are watched, and what is no hello at all. */
#include "harness.h"
#include "hello.h"
#include "tls_traffic.h"
#include "traffic.h"
#include "transcript.h"

#include <string.h>

#define BYTES(text) text, sizeof(text) - 1

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

    tls_send(hello, 0, 0);
    facts_poll(harness.sensor, &facts);
    if (facts_count(&facts, CS_FACT_CLIENT_HELLO) != watched ||
        facts_count(&facts, CS_FACT_CONNECT) != watched ||
        stats->tls_unwatched - unwatched != !watched || stats->tls_no_name - nameless != no_name)
        fail_msg("%s: hellos %zu, unwatched %d, no name %d", what,
                 facts_count(&facts, CS_FACT_CLIENT_HELLO), (int)(stats->tls_unwatched - unwatched),
                 (int)(stats->tls_no_name - nameless));
    if (!watched)
        assert_int_equal(facts_of_sockets(&facts), 0);
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
    hello_build(&hello, &(struct hello_shape){.tls13 = true, .ech = true}, TLS_NAME);
    check_outcome("GREASE for an encrypted hello", &hello, true, false);
}

struct damage {
    const char *what;
    size_t at; /* byte of the hello below that is replaced */
    uint8_t value;
};

/* Of a hello whose record header is 0…4, message header 5…8, session id 43 (32 bytes), ciphers
 * 76 (26), compression 104 (1), extensions' length 106, server_name 108. */
static const struct damage damages[] = {
    {"not a handshake", 0, 23},
    {"version 2", 1, 2},
    {"length over the limit", 3, 0x41},
    {"not a ClientHello", 5, 2},
    {"message of 64 KiB and more", 6, 1},
    {"legacy version 2", 9, 2},
    {"session id of 33", 43, 33},
    {"ciphers beyond the end", 76, 0xff},
    {"compression beyond the end", 104, 0xff},
    {"extensions too short", 107, 1},
    {"extensions too long", 106, 0xff},
    {"extension beyond the end", 110, 0xff},
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
        {BYTES("\x15\x03\x01\x00\x02\x02\x28")},                 /* an alert */
        {BYTES("\x16\x03\x01\xff\xff")},
    };
    struct hello hello;

    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        hello_build(&hello, &shape, TLS_NAME);
        hello.bytes[damages[i].at] = damages[i].value;
        check_outcome(damages[i].what, &hello, false, false);
    }
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        hello.len = other[i].len;
        memcpy(hello.bytes, other[i].bytes, hello.len);
        check_outcome("another protocol", &hello, false, false);
    }
}

int test_tls_names(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(names_by_suffix_and_label, tls_setup),
        cmocka_unit_test_setup(longest_names, tls_setup),
        cmocka_unit_test_setup(no_name_to_go_by, tls_setup),
        cmocka_unit_test_setup(what_is_not_a_hello, tls_setup),
    };

    return cmocka_run_group_tests_name("tls-names", tests, NULL, NULL);
}
