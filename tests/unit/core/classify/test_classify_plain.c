// SPDX-License-Identifier: Apache-2.0
/* Requests in clear: every way to ask an agent or a metadata service, and who may answer. */
#include "classify_cases.h"

static const struct {
    const char *name, *address, *method, *path;
    uint16_t status, flags;
    const char *server;
    char place; /* 'n' node, 'p' pod */
    uint16_t port;
    const char *verdict;
} plain[] = {
    {"agent", PIA, "GET", "/v1/credentials", 200, 0, "", 0, 0, "eks-pod-identity D h"},
    {"agent, IPv6", PIA6, "GET", "/v1/credentials", 200, 0, "", 0, 0, "eks-pod-identity D h"},
    {"agent, any method", PIA, "POST", "/v1/credentials?x=1", 200, 0, "", 0, 0,
     "eks-pod-identity D h"},
    {"agent refuses", PIA, "GET", "/v1/credentials", 404, 0, "", 0, 0, "eks-pod-identity h"},
    {"agent, no answer yet", PIA, "GET", "/v1/credentials", 0, 0, "", 0, 0, "eks-pod-identity h"},
    {"agent redirects", PIA, "GET", "//v1/credentials", 301, 0, "", 0, 0, "eks-pod-identity h"},
    {"agent, another path", PIA, "GET", "/v1/credentials/", 404, 0, "", 0, 0, "metadata h"},
    {"agent, deeper", PIA, "GET", "/v1/credentials/x", 404, 0, "", 0, 0, "metadata h"},
    {"agent, letter case", PIA, "GET", "/V1/credentials", 404, 0, "", 0, 0, "metadata h"},
    {"agent's probe of itself", PIA, "GET", "/", 404, 0, "", 0, 0, "metadata P h"},
    {"agent asked for a role", PIA, "GET", ROLES "/r", 404, 0, "", 0, 0, "metadata h"},

    {"IMDSv1", IMDS, "GET", ROLES "/r", 200, 0, "EC2ws", 0, 0, "imdsv1 D h"},
    {"IMDSv1 refused", IMDS, "GET", ROLES "/r", 401, 0, "EC2ws", 0, 0, "imdsv1 h"},
    {"IMDSv2", IMDS, "GET", ROLES "/r", 200, CS_REQUEST_IMDS_TOKEN, "EC2ws", 0, 0, "imdsv2 D h"},
    {"IMDSv2, IPv6", IMDS6, "GET", ROLES "/r", 200, CS_REQUEST_IMDS_TOKEN, "", 0, 0, "imdsv2 D h"},
    {"IMDSv2, no answer", IMDS, "GET", ROLES "/r", 0, CS_REQUEST_IMDS_TOKEN, "", 0, 0, "imdsv2 h"},
    {"another version", IMDS, "GET", "/2021-03-23/meta-data/iam/security-credentials/r", 200, 0,
     "EC2ws", 0, 0, "imdsv1 D h"},
    {"extended", IMDS, "GET", ROLES "-extended/r", 200, CS_REQUEST_IMDS_TOKEN, "EC2ws", 0, 0,
     "imdsv2 D h"},
    {"extended is not there", IMDS, "GET", ROLES "-extended/", 404, CS_REQUEST_IMDS_TOKEN, "EC2ws",
     0, 0, "metadata P h"},
    {"instance identity role", IMDS, "GET",
     "/latest/meta-data/identity-credentials/ec2/security-credentials/ec2-instance", 200, 0,
     "EC2ws", 0, 0, "imdsv1 D h"},
    {"role's name", IMDS, "GET", ROLES "/", 200, 0, "EC2ws", 0, 0, "metadata h"},
    {"role's name, no slash", IMDS, "GET", ROLES, 200, 0, "EC2ws", 0, 0, "metadata h"},
    {"role with needless slashes", IMDS, "GET", "//latest/meta-data/iam//security-credentials/r/",
     200, 0, "EC2ws", 0, 0, "imdsv1 D h"},
    {"absolute form", IMDS, "GET", "http://169.254.169.254" ROLES "/r", 200, 0, "EC2ws", 0, 0,
     "imdsv1 D h"},
    {"only the head", IMDS, "HEAD", ROLES "/r", 200, 0, "EC2ws", 0, 0, "metadata h"},
    {"token", IMDS, "PUT", "/latest/api/token", 200, CS_REQUEST_IMDS_TTL, "EC2ws", 0, 0,
     "metadata h"},
    {"region", IMDS, "GET", "/latest/meta-data/placement/region", 200, 0, "EC2ws", 0, 0,
     "metadata h"},
    {"name that only begins so", IMDS, "GET", ROLES "-x/r", 404, 0, "EC2ws", 0, 0, "metadata h"},
    {"path in the query", IMDS, "GET", "/?p=" ROLES "/r", 404, 0, "EC2ws", 0, 0, "metadata h"},

    {"kube2iam", IMDS, "GET", ROLES "/r", 200, 0, "EC2ws", 'n', 8181, "kube2iam D h"},
    {"kube2iam for IMDSv2", IMDS, "GET", ROLES "/r", 200, CS_REQUEST_IMDS_TOKEN, "EC2ws", 'n', 8181,
     "kube2iam D h"},
    {"kube2iam refuses a role", IMDS, "GET", ROLES "/r", 403, 0, "EC2ws", 'n', 8181, "kube2iam h"},
    {"kube2iam hangs, or kiam", IMDS, "GET", ROLES "/r", 0, 0, "", 'n', 8181, "intercepted m"},
    {"kube2iam passes the region on", IMDS, "GET", "/latest/meta-data/placement/region", 200, 0,
     "EC2ws", 'n', 8181, "metadata h"},
    {"kube2iam lets -extended through", IMDS, "GET", ROLES "-extended/r", 200, 0, "EC2ws", 'n',
     8181, "imdsv1 D m"},
    {"kiam", IMDS, "GET", ROLES "/r", 200, 0, "", 'n', 3100, "kiam D h"},
    {"kiam on kube2iam's port", IMDS, "GET", ROLES "/r", 200, 0, "", 'n', 8181, "kiam D m"},
    {"kiam fails on kube2iam's port", IMDS, "GET", ROLES "/r", 500, 0, "", 'n', 8181, "kiam m"},
    {"kiam, role's name", IMDS, "GET", ROLES, 301, 0, "", 'n', 3100, "metadata h"},
    {"kiam hangs", IMDS, "GET", ROLES "/r", 0, 0, "", 'n', 3100, "kiam m"},
    {"somebody else on kube2iam's port", IMDS, "GET", ROLES "/r", 200, 0, "nginx", 'n', 8181,
     "intercepted D m"},
    {"somebody else on kiam's port", IMDS, "GET", ROLES "/r", 200, 0, "nginx", 'n', 3100,
     "intercepted D m"},
    {"an unknown interceptor", IMDS, "GET", ROLES "/r", 200, 0, "corp/1", 'n', 9999,
     "intercepted D m"},
    {"one that fakes EC2ws", IMDS, "GET", ROLES "/r", 200, 0, "EC2ws", 'n', 9999,
     "intercepted D m"},
    {"one in the pod", IMDS, "GET", ROLES "/r", 200, 0, "", 'p', 8181, "intercepted D m"},
    {"a mesh's sidecar passes it on", IMDS, "GET", ROLES "/r", 200, 0, "EC2ws", 'p', 15001,
     "imdsv1 D l"},

    {"Azure", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, "IMDS/150.870.65.1103", 0, 0,
     "azure-imds D h"},
    {"Azure, letter case", IMDS, "GET", "/MetaData/identity/oauth2/token?resource=x", 200,
     CS_REQUEST_METADATA, "IMDS/1", 0, 0, "azure-imds D h"},
    {"Azure, slash at the end", IMDS, "GET", "/metadata/identity/oauth2/token/?resource=x", 200,
     CS_REQUEST_METADATA, "IMDS/1", 0, 0, "azure-imds D h"},
    {"Azure, two slashes", IMDS, "GET", "//metadata/identity/oauth2/token/?resource=x", 200,
     CS_REQUEST_METADATA, "IMDS/1", 0, 0, "azure-imds D h"},
    {"Azure refuses", IMDS, "GET", TOKEN, 400, CS_REQUEST_METADATA, "IMDS/1", 0, 0, "azure-imds h"},
    {"Azure, no answer", IMDS, "GET", TOKEN, 0, CS_REQUEST_METADATA, "", 0, 0, "azure-imds m"},
    {"no Server header, but nobody in between", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, "", 0,
     0, "azure-imds D m"},
    {"Azure probe", IMDS, "GET", "/metadata/identity/oauth2/token", 400, 0, "IMDS/1", 0, 0,
     "metadata P h"},
    {"Azure probe with a version", IMDS, "GET", "/metadata/identity/oauth2/token?api-version=1",
     400, CS_REQUEST_METADATA, "IMDS/1", 0, 0, "metadata P h"},
    {"Azure, Metadata header forgotten", IMDS, "GET", TOKEN, 400, 0, "IMDS/1", 0, 0,
     "metadata P h"},
    {"Azure, resource cut off", IMDS, "GET", "/metadata/identity/oauth2/token?client_id=0", 0,
     CS_REQUEST_METADATA | CS_REQUEST_LINE_CUT, "", 0, 0, "azure-imds m"},
    {"Azure instance", IMDS, "GET", "/metadata/instance?api-version=1", 200, CS_REQUEST_METADATA,
     "IMDS/1", 0, 0, "metadata h"},
    {"MSI v2, platform", IMDS, "GET", "/metadata/identity/getplatformmetadata?cred-api-version=2",
     200, CS_REQUEST_METADATA, "IMDS/1", 0, 0, "azure-imds h"},
    {"MSI v2, certificate", IMDS, "POST", "/metadata/identity/issuecredential?cred-api-version=2",
     200, CS_REQUEST_METADATA, "IMDS/1", 0, 0, "azure-imds D h"},

    {"NMI", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, "", 'n', 2579, "aad-pod-identity D m"},
    {"NMI without Metadata header", IMDS, "GET", TOKEN, 200, 0, "", 'n', 2579,
     "aad-pod-identity D m"},
    {"NMI knows nobody", IMDS, "GET", TOKEN, 404, CS_REQUEST_METADATA, "", 'n', 2579,
     "aad-pod-identity h"},
    {"NMI holds", IMDS, "GET", TOKEN, 0, CS_REQUEST_METADATA, "", 'n', 2579, "aad-pod-identity m"},
    {"NMI passes on", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, "IMDS/1", 'n', 2579,
     "azure-imds D m"},
    {"NMI passes the instance on", IMDS, "GET", "/metadata/instance", 200, CS_REQUEST_METADATA,
     "IMDS/1", 'n', 2579, "metadata h"},
    {"somebody else on NMI's port", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, "nginx", 'n',
     2579, "intercepted D m"},
    {"somebody else on the sidecar's port", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, "", 'p',
     8000, "intercepted D m"},
    {"migration sidecar", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, AZWI, 'p', 8000,
     "azure-workload-identity-proxy D h"},
    {"migration sidecar, another port", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, AZWI, 'p',
     8123, "azure-workload-identity-proxy D h"},
    {"migration sidecar hangs", IMDS, "GET", TOKEN, 0, CS_REQUEST_METADATA, "", 'p', 8000,
     "azure-workload-identity-proxy m"},
    {"migration sidecar, redirect not seen", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, AZWI, 0,
     0, "azure-workload-identity-proxy D m"},
    {"Azure, unknown interceptor", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, "", 'n', 9999,
     "intercepted D m"},
};

static void test_plain(void **state)
{
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(plain); i++) {
        struct cs_connection connection = {.kind = CS_WATCH_PLAIN, .dport = 80};
        struct cs_exchange exchange = {
            .connection = &connection, .observed = true, .response_length = UINT64_MAX};
        struct cs_evidence evidence = {.exchange = &exchange, .watchlist = watchlist()};
        struct cs_verdict verdict;
        char got[64];

        set_address(connection.daddr, plain[i].address);
        connection.intercept_place = plain[i].place == 'n'   ? CS_INTERCEPT_NODE
                                     : plain[i].place == 'p' ? CS_INTERCEPT_POD
                                                             : 0;
        connection.intercept_port = plain[i].port;
        strcpy(exchange.method, plain[i].method);
        strcpy(exchange.path, plain[i].path);
        strcpy(exchange.server, plain[i].server);
        exchange.status = plain[i].status;
        exchange.request_flags = plain[i].flags;
        exchange.outcome =
            plain[i].status ? cs_outcome_from_status(plain[i].status) : CS_OUTCOME_ABANDONED;
        cs_classify(&evidence, &verdict);
        describe(&verdict, got, sizeof(got));
        assert_int_equal(verdict.outcome, exchange.outcome);
        if (strcmp(got, plain[i].verdict) == 0)
            continue;
        print_error("%s: want %s, got %s\n", plain[i].name, plain[i].verdict, got);
        failed++;
    }
    assert_int_equal(failed, 0);
}

static void test_reasons(void **state)
{
    struct cs_connection connection = {.kind = CS_WATCH_PLAIN,
                                       .dport = 80,
                                       .intercept_place = CS_INTERCEPT_NODE,
                                       .intercept_port = 2579};
    struct cs_exchange exchange = {.connection = &connection,
                                   .observed = true,
                                   .status = 200,
                                   .response_length = UINT64_MAX,
                                   .path = TOKEN,
                                   .method = "GET"};
    struct cs_evidence evidence = {.exchange = &exchange, .watchlist = watchlist()};
    struct cs_verdict verdict;

    (void)state;
    set_address(connection.daddr, IMDS);
    cs_classify(&evidence, &verdict);
    assert_int_equal(verdict.reasons,
                     1u << CS_REASON_ADDRESS | 1u << CS_REASON_PATH | 1u << CS_REASON_INTERCEPTED |
                         1u << CS_REASON_LISTENER_PORT | 1u << CS_REASON_NO_SERVER_HEADER);
    for (unsigned int i = 0; i < CS_REASON_END; i++)
        assert_true(cs_reason_name(i)[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
