// SPDX-License-Identifier: Apache-2.0
/* Encrypted calls: a table of what is known of one, and what it must be called. */
#include "classify_tls_cases.h"

/* Those of the SDKs as measured: request lengths, then what was answered. */
static const struct tls_case sts_cases[] = {
    /* --- a token opened by the calling process: the ordinary case */
    {"boto3", {459, 1330}, 2100, 'p', NO_POD, '?', "irsa D h"},
    {"Go", {371, 1318}, 2100, 'p', NO_POD, '?', "irsa D h"},
    {"JS", {1724}, 2100, 'p', NO_POD, '?', "irsa D m"},
    {"Java", {1812}, 2100, 'p', NO_POD, '?', "irsa D m"},
    {"JS, declared", {1724}, 2100, 'p', IRSA, '?', "irsa D h"},
    {"JS, refused", {1724}, 560, 'p', IRSA, '?', "irsa R m"},
    {"JS, renewed", {1724}, 2100, 'p', IRSA, 't', "irsa D h"},
    {"boto3, refused", {459, 1330}, 560, 'p', IRSA, '?', "irsa R h"},
    {"boto3, no answer", {459, 1330}, 0, 'p', IRSA, '?', "irsa h"},
    {"Pod Identity declared too", {459, 1330}, 2100, 'p', IRSA | EKS, 'c', "irsa D h"},
    {"declared nothing, opened all the same", {459, 1330}, 2100, 'p', NO, '0', "irsa D h"},
    {"failed before a record", {0}, 0, 'p', NO_POD, '?', "irsa m"},

    /* --- the next calls on the same connection, an open unused (the CLI opens twice) */
    {"GetCallerIdentity", {1615, 60}, 600, 'p', IRSA, 't', "sts h"},
    {"AssumeRole", {1609, 132}, 2100, 'p', IRSA, 't', "sts h"},
    {"AssumeRole with a policy", {1609, 1300}, 2100, 'p', IRSA, 't', "sts l"},
    {"too small", {952}, 600, 'p', IRSA, '?', "sts h"},

    /* --- threads of one process: one record, and the open is perhaps another's */
    {"Java GetCallerIdentity beside", {1859}, 650, 'p', IRSA, 't', "sts l"},
    {"Java GetCallerIdentity beside, first", {2099}, 584, 'q', IRSA, '?', "sts l"},
    {"Java, others beside", {1820}, 2275, 'q', IRSA, '?', "irsa D l"},
    {"JS, others beside, as before", {1724}, 2275, 'q', IRSA, 't', "irsa D m"},
    {"boto3, others beside", {459, 1342}, 2275, 'q', NO_POD, '?', "irsa D h"},
    {"others beside, failed before a record", {0}, 0, 'q', NO_POD, '?', "irsa m"},
    {"Rust, an earlier call isn't over", {2041}, 1964, '-', IRSA, 'u', "sts l"},
    {"JS AssumeRole beside", {1866}, 2100, 'p', IRSA, 't', "sts l"},
    {"JS GetCallerIdentity beside, near in size", {1760}, 650, 'p', IRSA, 't', "sts l"},
    {"JS, all opens are others', as before", {1724}, 2275, 't', IRSA, 't', "irsa D l"},
    {"JS AssumeRole, all opens are others'", {1866}, 2100, 't', IRSA, 't', "sts l"},
    {"JS GetCallerIdentity, the same size", {1724}, 650, 't', IRSA, 't', "sts l"},
    {"JS, as before, declares keys too", {1724}, 2275, 't', IRSA | KEYS, 't', "sts l"},

    /* --- opened by another process of the container */
    {"cat, then boto3-like", {459, 1330}, 2100, 'c', NO_POD, '?', "irsa D m"},
    {"cat, then curl", {1510}, 2100, 'c', IRSA, '0', "irsa D m"},
    {"cat, then curl, spec unknown", {1510}, 2100, 'c', NO_POD, '0', "sts l"},
    {"cat, then a client not in the table", {620, 1330}, 2100, 'c', IRSA, '?', "irsa D l"},
    {"… spec unknown", {620, 1330}, 2100, 'c', NO_POD, '?', "sts l"},
    /* Or another process's GetCallerIdentity: sooner nothing than what isn't so. */
    {"cat, then curl, refused", {1510}, 560, 'c', IRSA, '0', "sts l"},
    {"cat, then curl, refused again", {1724}, 560, 'c', IRSA, 'f', "irsa R l"},
    {"Java, another JVM's GetCallerIdentity first", {2099}, 584, 'c', IRSA, '0', "sts l"},
    {"Java, another JVM's, which opens its own", {2099}, 584, 'c', IRSA, 'b', "sts l"},
    {"cat, then curl, once more", {1724}, 2100, 'c', IRSA, 'o', "irsa D l"},
    {"two processes: the other one's GetCallerIdentity", {1795}, 650, 'c', IRSA, 'o', "sts l"},
    {"two processes: the other one's AssumeRole", {1866}, 2100, 'c', IRSA, 't', "sts l"},
    {"two processes: static keys with a policy", {502, 1500}, 2100, 'c', NO, '?', "sts l"},
    {"two processes: keys in clear two records", {708, 60}, 650, 'c', IRSA, '?', "sts h"},

    /* --- by another container of the pod */
    {"mesh sidecar", {459, 1330}, 2100, 'm', IRSA, '?', "irsa D m"},
    {"mesh sidecar, Java", {1812}, 2100, 'm', IRSA, '?', "irsa D l"},
    {"mesh sidecar, Java, not declared", {1812}, 2100, 'm', NO, '?', "sts l"},
    {"mesh sidecar, GetCallerIdentity", {1615, 60}, 600, 'm', IRSA, '?', "sts h"},
    {"no redirect: a neighbour's open", {1812}, 2100, 'o', NO, '?', "sts l"},
    {"no redirect: init container opened", {459, 1330}, 2100, 'o', NO, '?', "irsa D m"},

    /* --- long before, or at a path set by hand */
    {"long ago", {459, 1330}, 2100, 't', NO_POD, '?', "irsa D m"},
    {"long ago, one record", {1724}, 2100, 't', NO_POD, '?', "sts l"},
    {"long ago, one record, its first call", {1724}, 2100, 't', IRSA, '0', "irsa D l"},
    {"path by hand", {371, 1318}, 2100, '-', IRSA, '?', "irsa D m"},
    {"path by hand, one record, first", {1812}, 2100, '-', IRSA, '0', "irsa D l"},
    {"path by hand, one record, later", {1812}, 2100, '-', IRSA, '?', "sts l"},
    {"path by hand, a client not in the table", {620, 1330}, 2100, '-', IRSA, '?', "irsa D l"},
    {"no hook, a client not in the table", {620, 1330}, 2100, 'u', IRSA, '?', "irsa D l"},
    {"… that declares keys too", {620, 1330}, 2100, '-', IRSA | KEYS, '?', "sts l"},
    {"an SDK's next try", {1724}, 2100, '-', IRSA, 'f', "irsa D l"},
    {"another cloud's token", {1724}, 2100, 'x', NO_POD, '?', "sts m"},

    /* --- delegated: no token of its own */
    {"External Secrets", {371, 1318}, 2100, '-', NO, 'c', "irsa D l delegated"},
    {"External Secrets, spec unknown", {371, 1318}, 2100, '-', NO_POD, '?', "irsa D l delegated"},
    {"a delegator that has IRSA itself", {371, 1318}, 2100, '-', IRSA, 't', "irsa D m"},
    {"a delegator with one record", {1724}, 2100, '-', NO, '?', "sts m"},

    /* --- never IRSA: it must not be called so */
    {"static keys", {708, 60}, 650, '-', KEYS, '?', "sts h"},
    {"static keys, JS", {886}, 650, '-', KEYS, '?', "sts h"},
    {"static keys, AssumeRole", {678, 132}, 2100, '-', KEYS, '?', "sts h"},
    {"static keys, AssumeRole, JS", {959}, 2100, '-', KEYS, '?', "sts h"},
    {"static keys with a policy, Go v1", {502, 1500}, 2100, '-', KEYS, '?', "sts l"},
    {"… spec unknown", {502, 1500}, 2100, '-', NO_POD, '?', "sts l"},
    {"static keys with a policy, boto3", {709, 1500}, 2100, '-', KEYS, '?', "sts m"},
    {"session token, GetCallerIdentity", {1582, 60}, 600, '-', EKS, 'c', "sts h"},
    {"session token, Rust", {1672}, 600, '-', EKS, 'c', "sts m"},
    {"Pod Identity, then AssumeRole, Java", {1932}, 2100, '-', EKS, 'c', "sts m"},
    {"… and IRSA left behind", {1932}, 2100, '-', EKS | IRSA, 'c', "sts l"},
    {"SAML assertion", {400, 7000}, 2100, '-', NO, '?', "sts m"},
    {"no records at all", {0}, 0, '-', NO, '?', "sts m"},

    /* --- opens can't be seen: the spec and the shape, less sure */
    {"no hook", {459, 1330}, 2100, 'u', IRSA, '?', "irsa D m"},
    {"no hook, spec unknown", {459, 1330}, 2100, 'u', NO_POD, '?', "irsa D l"},
    {"no hook, delegator", {371, 1318}, 2100, 'u', NO, '?', "irsa D l"},
    {"no hook, JS, first", {1724}, 2100, 'u', IRSA, '0', "irsa D l"},
    {"no hook, JS, first, refused or GetCallerIdentity", {1724}, 560, 'u', IRSA, '0', "sts l"},
    {"no hook, JS, refused again", {1724}, 560, 'u', IRSA, 'f', "irsa R l"},
    {"no hook, JS, renewed", {1725}, 2100, 'u', IRSA, 't', "irsa D l"},
    {"no hook, JS, another process", {1724}, 2100, 'u', IRSA, 'o', "irsa D l"},
    {"no hook, JS, signed after", {1866}, 2100, 'u', IRSA, 't', "sts l"},
    {"no hook, JS, on a reused connection", {1795}, 650, 'u', IRSA, 'r', "sts l"},
    {"no hook, JS, not known what preceded", {1724}, 2100, 'u', IRSA, '?', "irsa D l"},
    {"no hook, GetCallerIdentity, Java", {1859}, 650, 'u', IRSA, '?', "sts l"},
    {"no hook, Pod Identity then AssumeRole", {1932}, 2100, 'u', EKS | IRSA, '?', "sts l"},
    {"no hook, static keys and IRSA", {1724}, 2100, 'u', KEYS | IRSA, '0', "sts l"},
    {"no hook, static keys", {1866}, 2100, 'u', KEYS, '?', "sts l"},
    {"no hook, TLS failed", {0}, 0, 'u', IRSA, '0', "irsa l"},
    {"no hook, static keys with a policy", {502, 1500}, 2100, 'u', NO_POD, '?', "sts l"},
};

static const struct tls_case entra_cases[] = {
    /* --- two processes, one logs in with a certificate: its assertion is shorter (EARLIER) */
    {"certificate beside", {427, 1068}, 1815, 'c', AZURE, 'b', "entra l"},
    {"certificate beside, open long ago", {427, 1068}, 1815, 't', AZURE, 'b', "entra l"},
    {"certificate after a token's login", {427, 1068}, 1815, 't', AZURE, 't', "entra l"},
    {"certificate beside, no hook", {427, 1068}, 1815, 'u', AZURE, 'o', "entra l"},
    {"certificate first, a token beside", {617, 1123}, 1815, 'c', AZURE, '?', "entra l"},
    {"certificate first, no hook", {617, 1123}, 1815, 'u', AZURE, '0', "entra l"},
    {"certificate first, a token of old", {617, 1123}, 1815, 't', AZURE, '0', "entra l"},
    {"a short token, opened", {617, 1123}, 1815, 'p', AZURE, '0', "azure-workload-identity D m"},
    {"a short token, the next scope",
     {617, 1107},
     1815,
     't',
     AZURE,
     't',
     "azure-workload-identity D m"},
    {"token beside, no hook, longer",
     {427, 1403},
     1815,
     'u',
     AZURE,
     'o',
     "azure-workload-identity D m"},
    {"token beside, the same size",
     {427, 1297},
     1815,
     't',
     AZURE,
     'b',
     "azure-workload-identity D m"},

    {"Python", {427, 1403}, 2500, 'p', NO_POD, '?', "azure-workload-identity D h"},
    {"JS", {2147}, 2500, 'p', NO_POD, '?', "azure-workload-identity D m"},
    {"JS, declared", {2147}, 2500, 'p', AZURE, '?', "azure-workload-identity D h"},
    {"Go, discovery", {497}, 1500, 'p', AZURE, '?', "entra h"},
    {"JS, beside others", {2146}, 1815, 'q', NO_POD, '?', "azure-workload-identity D m"},
    {"the next scope, nothing opened",
     {1724},
     1815,
     't',
     NO_POD,
     't',
     "azure-workload-identity D m"},
    {"the next scope after a guess", {1724}, 1815, 't', NO_POD, 'g', "azure-workload-identity D l"},
    {"a certificate after it", {427, 1107}, 1815, 't', NO_POD, 't', "entra l"},
    {"Go, reused connection", {467, 1447}, 2500, 'p', AZURE, 'r', "azure-workload-identity D h"},
    {"refused", {427, 1403}, 700, 'p', AZURE, '?', "azure-workload-identity R h"},
    {"could be either", {427, 1403}, 1450, 'p', AZURE, '?', "azure-workload-identity h"},
    {"secret", {500, 300}, 2500, '-', KEYS, '?', "entra h"},
    {"secret, JS", {900}, 2500, '-', KEYS, '?', "entra h"},
    {"secret, beside a token", {500, 300}, 2500, 'p', AZURE | KEYS, '?', "entra h"},
    {"certificate", {427, 1403}, 2500, '-', NO_POD, '?', "entra l"},
    {"certificate, declared", {427, 1403}, 2500, '-', AZURE | KEYS, '?', "entra l"},
    {"certificate, no hook", {427, 1403}, 2500, 'u', AZURE | KEYS, '?', "entra l"},
    {"certificate in a bystander", {427, 1403}, 2500, '-', NO, '?', "entra l"},
    {"a user's refresh token", {2147}, 2500, '-', NO, '?', "entra m"},
    {"cat", {427, 1403}, 2500, 'c', AZURE, '?', "azure-workload-identity D m"},
    {"cat, JS", {2147}, 2500, 'c', AZURE, '?', "azure-workload-identity D l"},
    {"cat, spec unknown", {427, 1403}, 2500, 'c', NO_POD, '?', "azure-workload-identity D l"},
    {"a head unlike any", {900, 1403}, 2500, 'p', NO_POD, '?', "azure-workload-identity D l"},
    {"cat, certificate beside", {427, 1403}, 2500, 'c', NO, '?', "entra l"},
    {"mesh sidecar", {467, 1447}, 2500, 'm', AZURE, '?', "azure-workload-identity D m"},
    {"path by hand", {467, 1447}, 2500, '-', AZURE, '?', "azure-workload-identity D l"},
    {"another cloud's token", {467, 1447}, 2500, 'x', NO, '?', "entra l"},
    {"no hook", {467, 1447}, 2500, 'u', AZURE, '?', "azure-workload-identity D m"},
    {"no hook, JS", {2147}, 2500, 'u', AZURE, '?', "azure-workload-identity D l"},
    {"no hook, spec unknown", {467, 1447}, 2500, 'u', NO_POD, '?', "entra l"},
    {"no hook, TLS failed", {0}, 0, 'u', AZURE, '?', "azure-workload-identity l"},
};

static void test_sts(void **state)
{
    (void)state;
    assert_int_equal(check(sts_cases, CS_ARRAY_SIZE(sts_cases), STS, false), 0);
    /* … and through a name that is longer, one that is shorter. */
    assert_int_equal(
        check(sts_cases, CS_ARRAY_SIZE(sts_cases), "sts-fips.us-east-1.api.aws", false), 0);
}

static void test_entra(void **state)
{
    (void)state;
    assert_int_equal(check(entra_cases, CS_ARRAY_SIZE(entra_cases), ENTRA, false), 0);
}

static const struct {
    const char *name, *host, *verdict;
} hosts[] = {
    {"global", "sts.amazonaws.com", "irsa D h"},
    {"VPC endpoint", "vpce-0a-1b.sts.us-east-1.vpce.amazonaws.com", "irsa D h"},
    {"agent's own", "eks-auth.us-east-1.api.aws", "eks-auth h"},
    {"nobody's", "evilsts.amazonaws.com", "~unknown l"},
    {"no name", "", "~unknown l"},
};

static void test_hosts(void **state)
{
    const struct tls_case boto3 = {"", {459, 1330}, 2100, 'p', NO_POD, '?', ""};

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(hosts); i++) {
        struct cs_verdict verdict;
        char got[80];

        classify_case(&boto3, hosts[i].host, false, &verdict);
        describe(&verdict, got, sizeof(got));
        if (strcmp(got, hosts[i].verdict) != 0 && verdict.mechanism != CS_MECHANISM_EKS_AUTH)
            fail_msg("%s: got %s", hosts[i].name, got);
        if (verdict.mechanism == CS_MECHANISM_EKS_AUTH)
            assert_false(verdict.delivered);
    }
}

/* Where the open lies in time: a slow connect may stand between it and the call. */
static void test_window(void **state)
{
    static const struct {
        uint64_t before_ms, connect_ms;
        uint32_t index;
        bool own;
    } cases[] = {
        {40, 10, 0, true},      {0, 10, 0, true},       {7000, 3000, 0, true},
        {9000, 3000, 0, false}, {7000, 3000, 1, false}, {4900, 3000, 1, true},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_connection connection = {.kind = CS_WATCH_TLS, .server_name = STS};
        struct cs_exchange exchange = {.connection = &connection,
                                       .index = cases[i].index,
                                       .start_ns = START,
                                       .outcome = CS_OUTCOME_ANSWERED,
                                       .observed = true};
        struct cs_evidence evidence = {
            .exchange = &exchange, .watchlist = watchlist(), .token_mechanism = CS_MECHANISM_IRSA};
        struct cs_verdict verdict;

        connection.connect_ns = START - cases[i].connect_ms * (SEC / 1000);
        evidence.token_open_ns = START - cases[i].before_ms * (SEC / 1000);
        fill_burst(&exchange.request_records, (const uint16_t[4]){1724});
        cs_classify(&evidence, &verdict);
        assert_int_equal(verdict.mechanism == CS_MECHANISM_IRSA, cases[i].own);
        assert_int_equal(!!(verdict.reasons & 1u << CS_REASON_TOKEN_OPEN_PAST), !cases[i].own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sts),
        cmocka_unit_test(test_entra),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
