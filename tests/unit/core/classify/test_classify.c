// SPDX-License-Identifier: Apache-2.0
/* Failed connects, tunnels, what is never inferred, and what a request names. */
#include "classify_cases.h"

static const struct {
    const char *name, *address;
    uint16_t dport;
    enum cs_watch_kind kind;
    enum cs_endpoint endpoint;
    const char *verdict;
} failures[] = {
    {"agent", PIA, 80, CS_WATCH_PLAIN, CS_ENDPOINT_POD_IDENTITY_AGENT, "eks-pod-identity m"},
    {"agent, IPv6", PIA6, 80, CS_WATCH_PLAIN, CS_ENDPOINT_POD_IDENTITY_AGENT, "eks-pod-identity m"},
    {"IMDS: for what is not known", IMDS, 80, CS_WATCH_PLAIN, CS_ENDPOINT_IMDS, "~unknown l"},
    {"TLS before a name was seen", "203.0.113.1", 443, CS_WATCH_TLS, CS_ENDPOINT_UNKNOWN,
     "~unknown l"},
    {"proxy", "203.0.113.2", 3128, CS_WATCH_PROXY, CS_ENDPOINT_PROXY, "~unknown l"},
};

static void test_connect_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(failures); i++) {
        struct cs_connection connection = {.kind = failures[i].kind, .dport = failures[i].dport};
        struct cs_exchange exchange = {.connection = &connection,
                                       .observed = true,
                                       .connect_failed = true,
                                       .outcome = CS_OUTCOME_REFUSED};
        struct cs_evidence evidence = {.exchange = &exchange, .watchlist = watchlist()};
        struct cs_verdict verdict;
        char got[64];

        set_address(connection.daddr, failures[i].address);
        cs_classify(&evidence, &verdict);
        describe(&verdict, got, sizeof(got));
        if (strcmp(got, failures[i].verdict) != 0 || verdict.endpoint != failures[i].endpoint)
            fail_msg("%s: got %s at %s", failures[i].name, got, cs_endpoint_name(verdict.endpoint));
        assert_true(verdict.reasons & (1u << CS_REASON_CONNECT_FAILED));
        assert_int_equal(verdict.outcome, CS_OUTCOME_REFUSED);
    }
}

/* What was unanswered, unseen or multiplexed is never inferred. */
static void test_tls_not_inferred(void **state)
{
    struct cs_connection connection = {.kind = CS_WATCH_TLS, .server_name = STS};
    struct cs_exchange exchange = {.connection = &connection, .start_ns = START};
    struct cs_evidence evidence = {.exchange = &exchange,
                                   .watchlist = watchlist(),
                                   .token_open_ns = START - SEC,
                                   .token_mechanism = CS_MECHANISM_IRSA};
    struct cs_verdict verdict;

    (void)state;
    exchange.outcome = CS_OUTCOME_TLS_FAILED;
    exchange.observed = true;
    cs_classify(&evidence, &verdict);
    assert_int_equal(verdict.outcome, CS_OUTCOME_TLS_FAILED);
    assert_int_equal(verdict.mechanism, CS_MECHANISM_IRSA);
    assert_false(verdict.delivered);

    fill_burst(&exchange.request_records, (const uint16_t[4]){1724});
    evidence.token_open_ns = START + 1; /* read for the next call */
    cs_classify(&evidence, &verdict);
    assert_int_equal(verdict.mechanism, CS_MECHANISM_STS);
    exchange.request_records = (struct cs_burst){0};
    fill_burst(&exchange.request_records, (const uint16_t[4]){459, 1330});
    evidence.token_open_ns = START;
    exchange.outcome = CS_OUTCOME_ANSWERED;
    exchange.response_records = (struct cs_burst){.count = 1, .bytes = 5000};
    exchange.observed = false;
    cs_classify(&evidence, &verdict);
    assert_int_equal(verdict.outcome, CS_OUTCOME_ANSWERED);
    assert_int_equal(verdict.confidence, CS_CONFIDENCE_MEDIUM);
    assert_true(verdict.reasons & (1u << CS_REASON_GAP));

    exchange.observed = true;
    exchange.multiplexed = true;
    cs_classify(&evidence, &verdict);
    assert_int_equal(verdict.outcome, CS_OUTCOME_OK_INFERRED);
    assert_int_equal(verdict.confidence, CS_CONFIDENCE_MEDIUM);
    exchange.index = 1; /* perhaps an earlier request's answer */
    cs_classify(&evidence, &verdict);
    assert_int_equal(verdict.outcome, CS_OUTCOME_ANSWERED);
    exchange.index = 0;
    fill_burst(&exchange.request_records, (const uint16_t[4]){459, 1330}); /* two requests */
    cs_classify(&evidence, &verdict);
    assert_int_equal(verdict.outcome, CS_OUTCOME_ANSWERED);
}

static const struct {
    const char *authority, *server_name;
    enum cs_endpoint endpoint;
} tunnels[] = {
    {"sts.amazonaws.com:443", "", CS_ENDPOINT_STS},
    {"STS.us-east-1.Amazonaws.com:8443", "", CS_ENDPOINT_STS},
    {"login.microsoftonline.com", "", CS_ENDPOINT_ENTRA},
    {"203.0.113.10:443", "sts.amazonaws.com", CS_ENDPOINT_STS},
    {"example.com:443", "", CS_ENDPOINT_PROXY},
    {"[2001:db8::1]:443", "", CS_ENDPOINT_PROXY},
    {"", "", CS_ENDPOINT_PROXY},
};

static void test_tunnel(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(tunnels); i++) {
        struct cs_connection connection = {.kind = CS_WATCH_PROXY};
        struct cs_exchange exchange = {.connection = &connection, .observed = true};
        struct cs_evidence evidence = {.exchange = &exchange, .watchlist = watchlist()};
        struct cs_verdict verdict;

        strcpy(connection.authority, tunnels[i].authority);
        strcpy(connection.server_name, tunnels[i].server_name);
        cs_classify(&evidence, &verdict);
        if (verdict.endpoint != tunnels[i].endpoint)
            fail_msg("%s: %s", tunnels[i].authority, cs_endpoint_name(verdict.endpoint));
    }
}

static const struct {
    const char *path;
    uint16_t flags;
    const char *identity;
} identities[] = {
    {ROLES "/payments-role", 0, "payments-role"},
    {ROLES "/payments-role/", 0, "payments-role"},
    {ROLES "-extended/r?x=1", 0, "r"},
    {ROLES "/", 0, ""},
    {"/latest/meta-data/iam/info", 0, ""},
    {TOKEN, 0, ""},
    {TOKEN "&client_id=1-2-3", 0, "1-2-3"},
    {"/metadata/identity/oauth2/token?msi_res_id=%2Fsub&resource=x", 0, "%2Fsub"},
    {"/metadata/identity/oauth2/token?xclient_id=no&resource=client_id=no", 0, ""},
    {"/metadata/identity/oauth2/token?client_id=&resource=x", 0, ""},
    {TOKEN "&client_id=1-2", CS_REQUEST_LINE_CUT, ""},
    {"/metadata/identity/oauth2/token?client_id=1-2&resource=x", CS_REQUEST_LINE_CUT, "1-2"},
    {"", 0, ""},
};

static void test_identity(void **state)
{
    char got[64], tiny[4];
    struct cs_exchange exchange = {0};

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(identities); i++) {
        strcpy(exchange.path, identities[i].path);
        exchange.request_flags = identities[i].flags;
        assert_int_equal(cs_exchange_identity(&exchange, got, sizeof(got)),
                         identities[i].identity[0] != '\0');
        assert_string_equal(got, identities[i].identity);
    }
    strcpy(exchange.path, ROLES "/long-name");
    assert_false(cs_exchange_identity(&exchange, tiny, sizeof(tiny)));
    assert_string_equal(tiny, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect_failures),
        cmocka_unit_test(test_tls_not_inferred),
        cmocka_unit_test(test_tunnel),
        cmocka_unit_test(test_identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
