// SPDX-License-Identifier: Apache-2.0
/* Encrypted calls in HTTP/2, where several share a connection and heads are compressed. */
#include "classify_tls_cases.h"

/* HTTP/2: later heads are some bytes, since what was sent before is known by its number. A row with
 * an earlier exchange of this process is a later call on its connection. */
static const struct tls_case sts_cases[] = {
    {"Go v1", {134, 1343}, 2190, 'p', IRSA, '?', "irsa D m"},
    {"refused", {134, 1343}, 450, 'p', IRSA, '?', "irsa R m"},
    {"Go v1, renewed", {1343}, 2139, 'p', IRSA, 't', "irsa m"},
    {"Go v1, renewed, a head that counts", {134, 1343}, 2190, 'p', IRSA, 't', "irsa m"},
    {"Go v1, renewed, an earlier call's answer", {134, 1343}, 449, 'p', IRSA, 't', "irsa m"},
    {"renewed, no hook", {1343}, 2139, 'u', IRSA, 't', "irsa l"},
    {"renewed, opens are others'", {1343}, 2139, 't', IRSA, 't', "irsa l"},
    {"many at once", {1343, 1343, 1343}, 2139, 'p', IRSA, 't', "irsa m"},
    {"many at once, no hook", {1343, 1343, 1343}, 2139, 'u', IRSA, 't', "irsa l"},
    {"many at once, no hook, the first calls", {134, 1343, 1343}, 2139, 'u', IRSA, '0', "irsa l"},
    {"Go v1, GetCallerIdentity", {1144, 69}, 452, 'p', IRSA, 't', "sts m"},
    {"Go v1, GetCallerIdentity again", {69}, 449, 'p', IRSA, 't', "sts m"},
    {"many identities at once", {1144, 69, 230, 69}, 2177, 'u', IRSA, 't', "sts m"},
    {"AssumeRole", {1144, 149}, 1964, '-', IRSA, 't', "sts m"},
    {"a body as large as a token's, undeclared", {1343}, 2139, '-', NO, '?', "sts m"},
    {"keys with a policy, no hook", {1450, 1343}, 2139, 'u', KEYS, '?', "sts l"},
};

static const struct tls_case entra_cases[] = {
    {"Go", {148, 1343}, 1627, 'p', AZURE, '?', "azure-workload-identity D m"},
    {"Go, the next scope", {68, 1343}, 1623, 't', AZURE, 't', "azure-workload-identity m"},
    {"Go, the next scope, no hook", {68, 1343}, 1623, 'u', AZURE, 't', "azure-workload-identity m"},
    {"certificate", {68, 1113}, 1623, 't', AZURE, 't', "entra l"},
    {"certificates, many at once", {148, 1113, 68, 1113}, 2525, 'u', AZURE, 'o', "entra l"},
    {"many at once", {148, 1343, 68, 1343}, 2525, 't', AZURE, 't', "azure-workload-identity m"},
    {"many at once, no hook",
     {148, 1343, 68, 1343},
     2525,
     'u',
     AZURE,
     't',
     "azure-workload-identity m"},
    {"many at once, no hook, the first",
     {148, 1343, 68, 1343},
     2525,
     'u',
     AZURE,
     '0',
     "azure-workload-identity l"},
    {"certificates, many at once, opens", {148, 1113, 68, 1113}, 2525, 't', AZURE, 't', "entra l"},
    {"discovery, many at once", {122, 65, 65, 65}, 2432, 'p', AZURE, 't', "entra m"},
    {"secret", {148, 210}, 1627, 'p', AZURE | KEYS, 't', "entra m"},
};

static void test_sts(void **state)
{
    (void)state;
    assert_int_equal(check(sts_cases, CS_ARRAY_SIZE(sts_cases), STS, true), 0);
}

static void test_entra(void **state)
{
    (void)state;
    assert_int_equal(check(entra_cases, CS_ARRAY_SIZE(entra_cases), ENTRA, true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sts),
        cmocka_unit_test(test_entra),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
