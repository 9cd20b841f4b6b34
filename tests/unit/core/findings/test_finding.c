/* SPDX-License-Identifier: Apache-2.0 */
/* The table of findings against docs/findings.md and the explanations. */
#include "core/findings/finding_private.h"

#include "base/file.h"
#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char document[65536];

static int read_document(void **state)
{
    (void)state;
    return cs_file_read("docs/findings.md", document, sizeof(document)) > 0 ? 0 : -1;
}

static const char *clears(const struct cs_finding_info *info, char *to, size_t size)
{
    static const char *const SUCCESS[] = {
        [CS_SUCCESS_NONE] = "",
        [CS_SUCCESS_CREDENTIALS] = "credentials, or ",
        [CS_SUCCESS_AGENT] = "the agent serves it, or ",
        [CS_SUCCESS_ASSOCIATION] = "the agent serves it, or ",
        [CS_SUCCESS_ADDRESS] = "an answer, or ",
    };

    if (info->scope == CS_SCOPE_OF_CLUSTER)
        return "–";
    if (info->clear == CS_CLEAR_QUIET)
        snprintf(to, size, "%s%u min", SUCCESS[info->success],
                 (unsigned int)(info->hold_ns / (60 * CS_NSEC_PER_SEC)));
    else
        snprintf(to, size, "%suse%s", SUCCESS[info->success],
                 info->clear == CS_CLEAR_SUPERSEDED ? ", or its own identity again" : "");
    return to;
}

static void is_documented(void **state)
{
    static const char *const SCOPES[] = {[CS_SCOPE_OF_CONTAINER] = "container",
                                         [CS_SCOPE_OF_NODE] = "node",
                                         [CS_SCOPE_OF_CLUSTER] = "cluster"};

    (void)state;
    for (enum cs_finding i = 0; i < CS_FINDING_END; i++) {
        const struct cs_finding_info *info = cs_finding_info(i);
        char row[256], rule[96], heading[64];

        snprintf(row, sizeof(row), "\n| `%s` | %s | %s | %s |\n", info->name,
                 cs_severity_name(info->severity), SCOPES[info->scope],
                 clears(info, rule, sizeof(rule)));
        snprintf(heading, sizeof(heading), "\n### %s\n", info->name);
        if (!strstr(document, row) || !strstr(document, heading))
            fail_msg("docs/findings.md lacks:%s", row);
    }
}

static const struct {
    enum cs_finding finding;
    struct cs_finding_entry entry;
    uint16_t declared;
    const char *text;
} explanations[] = {
    {CS_FINDING_RETIRING_MECHANISM,
     {.mechanism = CS_MECHANISM_IRSA, .detail = "arn:aws:iam::1:role/pay"},
     0,
     "Got credentials through irsa (arn:aws:iam::1:role/pay), which is to be retired. Move "
     "shop/payer to eks-pod-identity."},
    {CS_FINDING_RETIRING_MECHANISM,
     {.mechanism = CS_MECHANISM_INTERCEPTED},
     0,
     "Got credentials through an unknown interceptor, which is to be retired. Find out which "
     "program "
     "answers, and replace it."},
    {CS_FINDING_INTERCEPTOR_SLOW,
     {.mechanism = CS_MECHANISM_AAD_POD_IDENTITY,
      .span_ns = 6300 * CS_NSEC_PER_MSEC,
      .outcome = CS_OUTCOME_UNOBSERVED},
     0,
     "aad-pod-identity held a request for 6.3 s (no answer yet). NMI waits up to 80 s for an "
     "identity that is not assigned yet: look at its log and at the binding."},
    {CS_FINDING_INTERCEPTOR_SLOW,
     {.mechanism = CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY,
      .span_ns = 6300 * CS_NSEC_PER_MSEC,
      .outcome = CS_OUTCOME_OK},
     0,
     "azure-workload-identity-proxy held a request for 6.3 s (ok). The sidecar answers when Entra "
     "has answered it: see its own calls, and its log."},
    {CS_FINDING_FIRST_CALL_FAILED,
     {.mechanism = CS_MECHANISM_EKS_POD_IDENTITY, .span_ns = 158307, .outcome = CS_OUTCOME_REFUSED},
     0,
     "The container's first request for credentials (eks-pod-identity) failed: refused after 0.1 "
     "ms. On a fresh node pods are faster than the agent: keep them away until it is ready (a "
     "startup taint). Else see the agent's pod on this node."},
    {CS_FINDING_FIRST_CALL_FAILED,
     {.mechanism = CS_MECHANISM_EKS_POD_IDENTITY,
      .span_ns = 207 * CS_NSEC_PER_MSEC,
      .outcome = CS_OUTCOME_NOT_FOUND},
     0,
     "The container's first request for credentials (eks-pod-identity) failed: not_found after "
     "207.0 ms. The pod identity association is new or missing: it should be there before the "
     "pod is."},
    {CS_FINDING_FIRST_CALL_FAILED,
     {.mechanism = CS_MECHANISM_AAD_POD_IDENTITY, .span_ns = 99999, .outcome = CS_OUTCOME_REFUSED},
     0,
     "The container's first request for credentials (aad-pod-identity) failed: refused after less "
     "than 0.1 ms. NMI ended and left its rule behind: see its pod on this node."},
    {CS_FINDING_FIRST_CALL_FAILED,
     {.mechanism = CS_MECHANISM_AAD_POD_IDENTITY, .span_ns = 8400000, .outcome = CS_OUTCOME_DENIED},
     0,
     "The container's first request for credentials (aad-pod-identity) failed: denied after 8.4 "
     "ms. NMI has an identity for it, which IMDS or Entra refused: see its log, and whether the "
     "identity is assigned to the node's virtual machine."},
    {CS_FINDING_FIRST_CALL_FAILED,
     {.mechanism = CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY,
      .span_ns = 158307,
      .outcome = CS_OUTCOME_REFUSED},
     0,
     "The container's first request for credentials (azure-workload-identity-proxy) failed: "
     "refused after 0.1 ms. The pod's sidecar does not listen yet: run it as a native sidecar, or "
     "retry."},
    {CS_FINDING_FIRST_CALL_FAILED,
     {.mechanism = CS_MECHANISM_KIAM,
      .span_ns = 6001 * CS_NSEC_PER_MSEC,
      .outcome = CS_OUTCOME_SERVER_ERROR},
     0,
     "The container's first request for credentials (kiam) failed: server_error after 6.0 s. See "
     "what answers it, and its log."},
    {CS_FINDING_ENDPOINT_UNREACHABLE,
     {.address = CS_FINDING_IMDS_4,
      .span_ns = 61 * CS_NSEC_PER_SEC,
      .outcome = CS_OUTCOME_UNREACHABLE},
     0,
     "Instance metadata over IPv4 has given nobody on this node an answer for 61 s (last: "
     "unreachable). Look at the instance's metadata options (is the end-point enabled?), routes, "
     "and network policies."},
    {CS_FINDING_CREDENTIALS_REFUSED,
     {.status = 400},
     0,
     "The agent refused shop/payer with 400. Its log says why: an expired token, a role whose "
     "trust policy lacks pods.eks.amazonaws.com, or a wrong Host header."},
    {CS_FINDING_CHAINED_ASSUME_ROLE,
     {.mechanism = CS_MECHANISM_STS,
      .count = 21,
      .since_ns = CS_NSEC_PER_SEC,
      .last_ns = 36001 * CS_NSEC_PER_SEC},
     0,
     "Calls STS after it got its own credentials, 2 times an hour: a role chain. Pod Identity "
     "can assume the target role itself (--target-role-arn)."},
    {CS_FINDING_SDK_TOO_OLD,
     {.mechanism = CS_MECHANISM_IRSA, .detail = "boto3 1.26.0, older than 1.34.41"},
     0,
     "Its SDK is boto3 1.26.0, older than 1.34.41, the oldest that knows eks-pod-identity. "
     "Update it before the pod is moved, or it will take the node's identity or fail."},
    {CS_FINDING_FAMILY_UNREACHABLE,
     {.address = CS_FINDING_AGENT_6,
      .span_ns = 61 * CS_NSEC_PER_SEC,
      .outcome = CS_OUTCOME_REFUSED},
     0,
     "The Pod Identity Agent at fd00:ec2::23 has given nobody an answer for 61 s (last: refused) "
     "while the same end-point answers over the other address family. Look at the addresses the "
     "agent was told to bind."},
};

static void explains(void **state)
{
    static const struct cs_workload WORKLOAD = {"shop", "payer", "Deployment", "web"};

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(explanations); i++) {
        struct cs_finding_container container = {.declared = explanations[i].declared};
        struct cs_finding_entry entry = explanations[i].entry;
        char text[CS_FINDING_TEXT_MAX];

        entry.finding = explanations[i].finding;
        cs_finding_explain(&container, &entry, &WORKLOAD, text);
        assert_string_equal(text, explanations[i].text);
    }
}

/* Every name in braces is one that is filled in; nothing is cut. */
static void fills_in_all(void **state)
{
    struct cs_workload workload;

    (void)state;
    memset(&workload, 'x', sizeof(workload));
    workload.namespace[63] = '\0';
    workload.service_account[253] = '\0';
    for (enum cs_finding i = 0; i < CS_FINDING_END; i++) {
        struct cs_finding_container container = {.declared = UINT16_MAX};
        struct cs_finding_entry entry = {.finding = i,
                                         .mechanism = CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY,
                                         .span_ns = UINT64_MAX,
                                         .status = 999};
        char text[CS_FINDING_TEXT_MAX];

        memset(entry.detail, 'y', sizeof(entry.detail) - 1);
        cs_finding_explain(&container, &entry, &workload, text);
        assert_null(strchr(text, '{'));
        assert_null(strstr(text, "  "));
        assert_int_equal(text[strlen(text) - 1], '.');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_documented),
        cmocka_unit_test(explains),
        cmocka_unit_test(fills_in_all),
    };

    return cmocka_run_group_tests(tests, read_document, NULL);
}
