// SPDX-License-Identifier: Apache-2.0
/* The label tables and the small functions of an exchange. */
#include "core/mechanism.h"

#include "base/util.h"
#include "core/exchange/exchange.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    enum cs_mechanism mechanism;
    const char *name, *cloud, *class_name, *successor;
} mechanisms[] = {
    {CS_MECHANISM_EKS_POD_IDENTITY, "eks-pod-identity", "aws", "current", "none"},
    {CS_MECHANISM_IRSA, "irsa", "aws", "retiring", "eks-pod-identity"},
    {CS_MECHANISM_STS, "sts", "aws", "other", "none"},
    {CS_MECHANISM_IMDSV1, "imdsv1", "aws", "node", "eks-pod-identity"},
    {CS_MECHANISM_IMDSV2, "imdsv2", "aws", "node", "eks-pod-identity"},
    {CS_MECHANISM_KUBE2IAM, "kube2iam", "aws", "retiring", "eks-pod-identity"},
    {CS_MECHANISM_KIAM, "kiam", "aws", "retiring", "eks-pod-identity"},
    {CS_MECHANISM_AAD_POD_IDENTITY, "aad-pod-identity", "azure", "retiring",
     "azure-workload-identity"},
    {CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, "azure-workload-identity", "azure", "current", "none"},
    {CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY, "azure-workload-identity-proxy", "azure",
     "retiring", "azure-workload-identity"},
    {CS_MECHANISM_AZURE_IMDS, "azure-imds", "azure", "node", "azure-workload-identity"},
    {CS_MECHANISM_ENTRA, "entra", "azure", "other", "none"},
    {CS_MECHANISM_INTERCEPTED, "intercepted", "any", "retiring", "none"},
    {CS_MECHANISM_EKS_AUTH, "eks-auth", "aws", "other", "none"},
    {CS_MECHANISM_METADATA, "metadata", "any", "other", "none"},
    {CS_MECHANISM_UNKNOWN, "~unknown", "any", "other", "none"},
};

static void test_mechanisms(void **state)
{
    (void)state;
    assert_int_equal(CS_ARRAY_SIZE(mechanisms), CS_MECHANISM_END);
    for (size_t i = 0; i < CS_ARRAY_SIZE(mechanisms); i++) {
        const struct cs_mechanism_info *info = cs_mechanism_info(mechanisms[i].mechanism);
        static const char *const classes[] = {"retiring", "current", "node", "other"};

        assert_int_equal(mechanisms[i].mechanism, i);
        assert_string_equal(info->name, mechanisms[i].name);
        assert_string_equal(info->cloud, mechanisms[i].cloud);
        assert_string_equal(info->class_name, mechanisms[i].class_name);
        assert_string_equal(info->class_name, classes[info->class]);
        assert_string_equal(info->successor, mechanisms[i].successor);
    }
}

static const struct {
    uint16_t status;
    const char *outcome;
    enum cs_result result;
} statuses[] = {
    {101, "answered", CS_RESULT_NEITHER},     {200, "ok", CS_RESULT_SUCCESS},
    {299, "ok", CS_RESULT_SUCCESS},           {300, "redirected", CS_RESULT_NEITHER},
    {307, "redirected", CS_RESULT_NEITHER},   {400, "client_error", CS_RESULT_FAILURE},
    {401, "denied", CS_RESULT_FAILURE},       {402, "client_error", CS_RESULT_FAILURE},
    {403, "denied", CS_RESULT_FAILURE},       {404, "not_found", CS_RESULT_FAILURE},
    {405, "client_error", CS_RESULT_FAILURE}, {410, "client_error", CS_RESULT_FAILURE},
    {429, "throttled", CS_RESULT_FAILURE},    {499, "client_error", CS_RESULT_FAILURE},
    {500, "server_error", CS_RESULT_FAILURE}, {503, "server_error", CS_RESULT_FAILURE},
    {999, "server_error", CS_RESULT_FAILURE},
};

static const struct {
    enum cs_outcome outcome;
    const char *name;
    enum cs_result result;
} others[] = {
    {CS_OUTCOME_REFUSED, "refused", CS_RESULT_FAILURE},
    {CS_OUTCOME_UNREACHABLE, "unreachable", CS_RESULT_FAILURE},
    {CS_OUTCOME_RESET, "reset", CS_RESULT_FAILURE},
    {CS_OUTCOME_NO_RESPONSE, "no_response", CS_RESULT_FAILURE},
    {CS_OUTCOME_ABANDONED, "abandoned", CS_RESULT_FAILURE},
    {CS_OUTCOME_TLS_FAILED, "tls_failed", CS_RESULT_FAILURE},
    {CS_OUTCOME_OK_INFERRED, "ok_inferred", CS_RESULT_SUCCESS},
    {CS_OUTCOME_REJECTED_INFERRED, "rejected_inferred", CS_RESULT_FAILURE},
    {CS_OUTCOME_UNOBSERVED, "~unknown", CS_RESULT_NEITHER},
};

static void test_outcomes(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(statuses); i++) {
        enum cs_outcome outcome = cs_outcome_from_status(statuses[i].status);

        if (strcmp(cs_outcome_name(outcome), statuses[i].outcome) != 0 ||
            cs_outcome_result(outcome) != statuses[i].result)
            fail_msg("%u: %s", statuses[i].status, cs_outcome_name(outcome));
    }
    for (size_t i = 0; i < CS_ARRAY_SIZE(others); i++) {
        assert_string_equal(cs_outcome_name(others[i].outcome), others[i].name);
        assert_int_equal(cs_outcome_result(others[i].outcome), others[i].result);
    }
}

/* A look-up that finds nothing has not failed; asking for credentials in vain has. */
static void test_results(void **state)
{
    (void)state;
    for (enum cs_mechanism mechanism = 0; mechanism < CS_MECHANISM_END; mechanism++)
        for (enum cs_outcome outcome = 0; outcome < CS_OUTCOME_END; outcome++) {
            bool look_up = mechanism == CS_MECHANISM_METADATA &&
                           (outcome == CS_OUTCOME_NOT_FOUND || outcome == CS_OUTCOME_CLIENT_ERROR);

            assert_int_equal(cs_request_result(mechanism, outcome),
                             look_up ? CS_RESULT_NEITHER : cs_outcome_result(outcome));
        }
}

static const struct {
    const char *address;
    uint16_t port;
    const char *text;
} addresses[] = {
    {"::ffff:169.254.170.23", 80, "169.254.170.23:80"},
    {"fd00:ec2::23", 80, "[fd00:ec2::23]:80"},
    {"::1", 65535, "[::1]:65535"},
    {"::", 0, "[::]:0"},
    {"2001:db8:1111:2222:3333:4444:5555:6666", 12345,
     "[2001:db8:1111:2222:3333:4444:5555:6666]:12345"},
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(addresses); i++) {
        char text[CS_ADDRESS_TEXT_MAX];
        struct in6_addr in6;

        assert_int_equal(inet_pton(AF_INET6, addresses[i].address, &in6), 1);
        cs_address_format(text, in6.s6_addr, addresses[i].port);
        assert_string_equal(text, addresses[i].text);
    }
    assert_string_equal(cs_family_name(4), "ipv4");
    assert_string_equal(cs_family_name(6), "ipv6");
}

static const struct {
    const char *name;
    uint64_t start, answer, end, duration;
} durations[] = {
    {"answered", 100, 150, 160, 50},
    {"unanswered", 100, 0, 160, 60},
    {"in flight", 100, 0, 0, 0},
    {"clocks apart", 100, 99, 160, 0},
};

static void test_durations(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(durations); i++) {
        struct cs_exchange exchange = {.start_ns = durations[i].start,
                                       .answer_ns = durations[i].answer,
                                       .end_ns = durations[i].end};

        if (cs_exchange_duration(&exchange) != durations[i].duration)
            fail_msg("%s", durations[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mechanisms), cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_results),    cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_durations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
