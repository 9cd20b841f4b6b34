// SPDX-License-Identifier: Apache-2.0
/* Every row of the table of clients: what was measured of it has the row's shape, in TLS 1.2 and
 * 1.3, for every name of the end-point, and with shorter and longer tokens. */
#include "classify_cases.h"

#include "core/classify/classify_shape.h"

#define TLS12 0x0303, 0xc02f, 24
#define TLS13 0x0304, 0x1301, 17

static const struct suite {
    uint16_t version, cipher, overhead;
} suites[] = {{TLS12}, {TLS13}, {0x0303, 0xcca8, 16}, {0, 0, 17}};

static const char *const names[] = {
    "sts.amazonaws.com",
    STS,
    "sts-fips.ap-southeast-4.api.amazonwebservices.com.cn",
    "vpce-0123456789abcdef0-01234567-us-east-1a.sts.us-east-1.vpce.amazonaws.com",
};
static const int tokens[] = {900, 1152, 1400, 2000};

static enum cs_call_shape shape_of(const struct cs_shape_row *row, const struct suite *suite,
                                   const char *name, int token)
{
    int more = row->token ? token - row->token_length : 0;
    struct cs_connection connection = {.tls_version = suite->version, .tls_cipher = suite->cipher};
    struct cs_exchange exchange = {.connection = &connection};
    int first = row->measured[0] - 17 - row->host_length + (int)strlen(name) + suite->overhead;
    int second = row->measured[1] ? row->measured[1] - 17 + suite->overhead : 0;
    uint16_t records[4] = {(uint16_t)(row->one ? first + more : first),
                           (uint16_t)(second ? second + more : 0)};

    strcpy(connection.server_name, name);
    fill_burst(&exchange.request_records, records);
    return cs_call_shape(&exchange, row->endpoint);
}

static bool as_wanted(const struct cs_shape_row *row, enum cs_call_shape shape)
{
    if (row->token)
        return shape == (row->one ? CS_SHAPE_ONE : CS_SHAPE_KNOWN);
    return shape == CS_SHAPE_SMALL || shape == CS_SHAPE_SIGNED;
}

static void test_rows(void **state)
{
    const struct cs_shape_row *row;
    size_t tried = 0, failed = 0;

    (void)state;
    for (size_t r = 0; (row = cs_shape_row(r)); r++) {
        assert_true(row->client && row->source && row->head_min < row->head_max);
        for (size_t s = 0; row->measured[0] && s < CS_ARRAY_SIZE(suites); s++) {
            for (size_t n = 0; n < CS_ARRAY_SIZE(names); n++) {
                for (size_t t = 0; t < CS_ARRAY_SIZE(tokens); t++) {
                    const char *name = row->endpoint == CS_ENDPOINT_STS ? names[n] : ENTRA;
                    enum cs_call_shape shape = shape_of(row, &suites[s], name, tokens[t]);

                    tried++;
                    if (as_wanted(row, shape))
                        continue;
                    print_error("%s, %s, TLS %x, token %d: shape %d\n", row->client, name,
                                suites[s].version, tokens[t], shape);
                    failed++;
                }
            }
        }
    }
    assert_true(tried > 1000);
    assert_int_equal(failed, 0);
}

static const struct {
    const char *name;
    uint16_t records[4];
    bool h2;
    enum cs_call_shape shape;
} odd[] = {
    {"nothing", {0}, false, CS_SHAPE_NONE},
    {"Finished only", {53}, false, CS_SHAPE_SMALL},
    {"body in two records", {459, 700, 700}, false, CS_SHAPE_LIKE},
    {"client not in the table", {600, 1330}, false, CS_SHAPE_LIKE},
    {"a head that is signed for sure", {709, 1330}, false, CS_SHAPE_OTHER},
    {"signed head, body with a policy, Go v1", {502, 1500}, false, CS_SHAPE_LIKE},
    {"SAML", {440, 6000}, false, CS_SHAPE_OTHER},
    {"one record too large", {9000}, false, CS_SHAPE_OTHER},
    {"all small", {600, 600}, false, CS_SHAPE_SIGNED},
    {"HTTP/2, token", {260, 1340}, true, CS_SHAPE_LIKE},
    {"HTTP/2, GetCallerIdentity", {1300, 69}, true, CS_SHAPE_SIGNED},
    {"HTTP/2, small", {300, 69}, true, CS_SHAPE_SMALL},
    {"HTTP/2, in one record", {1600}, true, CS_SHAPE_ONE},
    {"HTTP/2, two requests, a token among them", {260, 1340, 400, 69}, true, CS_SHAPE_NONE},
    {"HTTP/2, two signed ones", {1300, 69, 400, 130}, true, CS_SHAPE_SIGNED},
    {"HTTP/2, a large head", {1300, 1300}, true, CS_SHAPE_OTHER},
};

static void test_odd(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(odd); i++) {
        struct cs_connection connection = {
            .tls_version = 0x0304, .tls_cipher = 0x1301, .server_name = STS};
        struct cs_exchange exchange = {.connection = &connection, .multiplexed = odd[i].h2};
        enum cs_call_shape shape;

        fill_burst(&exchange.request_records, odd[i].records);
        shape = cs_call_shape(&exchange, CS_ENDPOINT_STS);
        if (shape != odd[i].shape)
            fail_msg("%s: got %d", odd[i].name, shape);
    }
}

/* Of the certificate logins that were measured, and tokens somewhat longer. */
static void test_assertions(void **state)
{
    static const struct {
        enum cs_endpoint endpoint;
        uint16_t records[4];
        bool h2;
        enum cs_call_shape shape;
    } assertions[] = {
        {CS_ENDPOINT_ENTRA, {427, 1072}, false, CS_SHAPE_BRIEF},
        {CS_ENDPOINT_ENTRA, {467, 1108}, false, CS_SHAPE_BRIEF},
        {CS_ENDPOINT_ENTRA, {617, 1107}, false, CS_SHAPE_BRIEF},
        {CS_ENDPOINT_ENTRA, {68, 1113}, true, CS_SHAPE_BRIEF},
        {CS_ENDPOINT_ENTRA, {427, 1150}, false, CS_SHAPE_KNOWN},
        {CS_ENDPOINT_ENTRA, {148, 1190}, true, CS_SHAPE_LIKE},
        {CS_ENDPOINT_STS, {371, 1107}, false, CS_SHAPE_KNOWN},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(assertions); i++) {
        struct cs_connection connection = {
            .tls_version = 0x0304, .tls_cipher = 0x1301, .server_name = ENTRA};
        struct cs_exchange exchange = {.connection = &connection, .multiplexed = assertions[i].h2};

        fill_burst(&exchange.request_records, assertions[i].records);
        assert_int_equal(cs_call_shape(&exchange, assertions[i].endpoint), assertions[i].shape);
    }
}

/* Lengths that no client sends must not run over anything. */
static void test_extremes(void **state)
{
    static const uint16_t lengths[] = {0, 1, 16, 17, 18, 640, 1100, 16640, UINT16_MAX};
    struct cs_connection connection = {.tls_version = 0x0304, .server_name = STS};
    struct cs_exchange exchange = {.connection = &connection};

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(lengths); i++) {
        for (uint16_t count = 0; count < CS_BURST_RECORDS_MAX + 3; count++) {
            exchange.request_records = (struct cs_burst){.count = count};
            for (size_t k = 0; k < CS_BURST_RECORDS_MAX; k++)
                exchange.request_records.lengths[k] = lengths[i];
            exchange.request_records.bytes = (uint64_t)lengths[i] * count;
            for (int h2 = 0; h2 < 2; h2++) {
                exchange.multiplexed = h2;
                assert_true(cs_call_shape(&exchange, CS_ENDPOINT_STS) <= CS_SHAPE_OTHER);
                assert_true(cs_call_shape(&exchange, CS_ENDPOINT_ENTRA) <= CS_SHAPE_OTHER);
                cs_call_body(&exchange);
            }
        }
    }
}

static void test_calls(void **state)
{
    static const struct {
        uint16_t records[4];
        uint32_t answer;
        enum cs_call call;
    } calls[] = {
        {{1615, 60}, 650, CS_CALL_IDENTITY},       {{708, 60}, 650, CS_CALL_IDENTITY},
        {{709, 132}, 2100, CS_CALL_ASSUME_ROLE},   {{959}, 2100, CS_CALL_ASSUME_ROLE},
        {{709, 132}, 560, CS_CALL_UNKNOWN},        {{886}, 650, CS_CALL_UNKNOWN},
        {{459, 1330}, 2100, CS_CALL_WEB_IDENTITY}, {{0}, 0, CS_CALL_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(calls); i++) {
        struct cs_connection connection = {.kind = CS_WATCH_TLS, .server_name = STS};
        struct cs_exchange exchange = {
            .connection = &connection, .outcome = CS_OUTCOME_ANSWERED, .observed = true};
        struct cs_evidence evidence = {.exchange = &exchange, .watchlist = watchlist()};
        struct cs_verdict verdict;

        fill_burst(&exchange.request_records, calls[i].records);
        exchange.response_records.bytes = calls[i].answer;
        cs_classify(&evidence, &verdict);
        assert_int_equal(verdict.call, calls[i].call);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_odd),
        cmocka_unit_test(test_assertions), cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
