// SPDX-License-Identifier: Apache-2.0
#include "core/classify.h"

#include "base/util.h"
#include "core/watchlist.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEC UINT64_C(1000000000)
#define START (100 * SEC)

#define PIA "169.254.170.23"
#define PIA6 "fd00:ec2::23"
#define IMDS "169.254.169.254"
#define IMDS6 "fd00:ec2::254"
#define ROLES "/latest/meta-data/iam/security-credentials"
#define TOKEN "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fv"
#define AZWI "azure-workload-identity/proxy/v1.6.0 (linux/amd64) d8/2026-04-10"

static const struct cs_watchlist *watchlist(void)
{
    static struct cs_watchlist list;

    if (list.address_count == 0)
        cs_watchlist_init(&list);
    return &list;
}

static void set_address(uint8_t addr[16], const char *text)
{
    memset(addr, 0, 16);
    if (inet_pton(AF_INET6, text, addr) == 1)
        return;
    addr[10] = addr[11] = 0xff;
    assert_int_equal(inet_pton(AF_INET, text, addr + 12), 1);
}

/* What follows the mechanism: D delivered, P probe; then "h", "m" or "l" for the confidence. */
static void describe(const struct cs_verdict *verdict, char *text, size_t size)
{
    snprintf(text, size, "%s%s%s %c", cs_mechanism_info(verdict->mechanism)->name,
             verdict->delivered ? " D" : "", verdict->probe ? " P" : "",
             cs_confidence_name(verdict->confidence)[0]);
}

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
    {"IMDSv2, IPv6", IMDS6, "GET", ROLES "/r", 200, CS_REQUEST_IMDS_TOKEN, "", 0, 0,
     "imdsv2 D h"},
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
    {"kube2iam for IMDSv2", IMDS, "GET", ROLES "/r", 200, CS_REQUEST_IMDS_TOKEN, "EC2ws", 'n',
     8181, "kube2iam D h"},
    {"kube2iam hangs", IMDS, "GET", ROLES "/r", 0, 0, "", 'n', 8181, "kube2iam m"},
    {"kube2iam passes the region on", IMDS, "GET", "/latest/meta-data/placement/region", 200, 0,
     "EC2ws", 'n', 8181, "metadata h"},
    {"kube2iam lets -extended through", IMDS, "GET", ROLES "-extended/r", 200, 0, "EC2ws", 'n',
     8181, "imdsv1 D m"},
    {"kiam", IMDS, "GET", ROLES "/r", 200, 0, "", 'n', 3100, "kiam D h"},
    {"kiam on kube2iam's port", IMDS, "GET", ROLES "/r", 200, 0, "", 'n', 8181, "kiam D m"},
    {"kiam, role's name", IMDS, "GET", ROLES, 301, 0, "", 'n', 3100, "metadata h"},
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
    {"Azure refuses", IMDS, "GET", TOKEN, 400, CS_REQUEST_METADATA, "IMDS/1", 0, 0,
     "azure-imds h"},
    {"Azure, no answer", IMDS, "GET", TOKEN, 0, CS_REQUEST_METADATA, "", 0, 0, "azure-imds m"},
    {"no Server header, but nobody in between", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, "",
     0, 0, "azure-imds D m"},
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

    {"NMI", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, "", 'n', 2579, "aad-pod-identity D h"},
    {"NMI without Metadata header", IMDS, "GET", TOKEN, 200, 0, "", 'n', 2579,
     "aad-pod-identity D h"},
    {"NMI knows nobody", IMDS, "GET", TOKEN, 404, CS_REQUEST_METADATA, "", 'n', 2579,
     "aad-pod-identity h"},
    {"NMI holds", IMDS, "GET", TOKEN, 0, CS_REQUEST_METADATA, "", 'n', 2579,
     "aad-pod-identity m"},
    {"NMI passes on", IMDS, "GET", TOKEN, 200, CS_REQUEST_METADATA, "IMDS/1", 'n', 2579,
     "azure-imds D m"},
    {"NMI passes the instance on", IMDS, "GET", "/metadata/instance", 200, CS_REQUEST_METADATA,
     "IMDS/1", 'n', 2579, "metadata h"},
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
        struct cs_exchange exchange = {.connection = &connection, .observed = true};
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
        exchange.outcome = plain[i].status ? cs_outcome_from_status(plain[i].status)
                                           : CS_OUTCOME_ABANDONED;
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

static const struct {
    const char *name, *address;
    uint16_t dport;
    enum cs_watch_kind kind;
    enum cs_endpoint endpoint;
    const char *verdict;
} failures[] = {
    {"agent", PIA, 80, CS_WATCH_PLAIN, CS_ENDPOINT_POD_IDENTITY_AGENT, "eks-pod-identity m"},
    {"agent, IPv6", PIA6, 80, CS_WATCH_PLAIN, CS_ENDPOINT_POD_IDENTITY_AGENT,
     "eks-pod-identity m"},
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
            fail_msg("%s: got %s at %s", failures[i].name, got,
                     cs_endpoint_name(verdict.endpoint));
        assert_true(verdict.reasons & (1u << CS_REASON_CONNECT_FAILED));
        assert_int_equal(verdict.outcome, CS_OUTCOME_REFUSED);
    }
}

#define STS "sts.us-east-1.amazonaws.com"
#define ENTRA "login.microsoftonline.com"
#define NO_TOKEN 0

static const struct {
    const char *name, *host;
    uint16_t request[4];
    uint32_t answer;                     /* bytes */
    uint64_t token_before;               /* opened so many ms before the request; NO_TOKEN */
    enum cs_mechanism token;
    uint32_t index;
    const char *verdict, *outcome;
} tls[] = {
    {"boto3", STS, {459, 1330}, 2100, 40, CS_MECHANISM_IRSA, 0, "irsa D h", "ok_inferred"},
    {"Go", STS, {371, 1318}, 2100, 40, CS_MECHANISM_IRSA, 0, "irsa D h", "ok_inferred"},
    {"JS", STS, {1724}, 2100, 40, CS_MECHANISM_IRSA, 0, "irsa D m", "ok_inferred"},
    {"Java", STS, {1812}, 2100, 40, CS_MECHANISM_IRSA, 0, "irsa D m", "ok_inferred"},
    {"refused", STS, {459, 1330}, 560, 40, CS_MECHANISM_IRSA, 0, "irsa h", "rejected_inferred"},
    {"no token was opened", STS, {459, 1330}, 2100, NO_TOKEN, 0, 0, "sts l", "answered"},
    {"no token, one record", STS, {1724}, 2100, NO_TOKEN, 0, 0, "sts m", "answered"},
    {"token, but GetCallerIdentity", STS, {1615, 60}, 600, 40, CS_MECHANISM_IRSA, 0, "sts h",
     "answered"},
    {"token, but a signed AssumeRole", STS, {1609, 132}, 2100, 40, CS_MECHANISM_IRSA, 0, "sts h",
     "answered"},
    {"token, but too small a call", STS, {952}, 600, 40, CS_MECHANISM_IRSA, 0, "sts h",
     "answered"},
    {"token of long ago", STS, {459, 1330}, 2100, 60000, CS_MECHANISM_IRSA, 0, "sts l",
     "answered"},
    {"slow connect between", STS, {459, 1330}, 2100, 7000, CS_MECHANISM_IRSA, 0, "irsa D h",
     "ok_inferred"},
    {"… but not on an open connection", STS, {459, 1330}, 2100, 7000, CS_MECHANISM_IRSA, 1,
     "sts l", "answered"},
    {"another cloud's token", STS, {459, 1330}, 2100, 40, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, 0,
     "sts l", "answered"},
    {"global", "sts.amazonaws.com", {459, 1330}, 2100, 40, CS_MECHANISM_IRSA, 0, "irsa D h",
     "ok_inferred"},
    {"VPC endpoint", "vpce-0a-1b.sts.us-east-1.vpce.amazonaws.com", {459, 1330}, 2100, 40,
     CS_MECHANISM_IRSA, 0, "irsa D h", "ok_inferred"},

    {"azidentity Python", ENTRA, {427, 1403}, 2500, 40, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, 0,
     "azure-workload-identity D h", "ok_inferred"},
    {"azidentity JS", ENTRA, {2147}, 2500, 40, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, 0,
     "azure-workload-identity D m", "ok_inferred"},
    {"azidentity Go, discovery", ENTRA, {497}, 1500, 40, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, 0,
     "entra h", "answered"},
    {"azidentity Go, reused connection", ENTRA, {467, 1447}, 2500, 1,
     CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, 2, "azure-workload-identity D h", "ok_inferred"},
    {"Entra refuses", ENTRA, {427, 1403}, 700, 40, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY, 0,
     "azure-workload-identity h", "rejected_inferred"},
    {"Entra, could be either", ENTRA, {427, 1403}, 1450, 40, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY,
     0, "azure-workload-identity h", "answered"},
    {"secret", ENTRA, {500, 300}, 2500, NO_TOKEN, 0, 0, "entra h", "answered"},
    {"certificate", ENTRA, {427, 1403}, 2500, NO_TOKEN, 0, 0, "entra l", "answered"},

    {"agent's own", "eks-auth.us-east-1.api.aws", {900, 1200}, 2000, NO_TOKEN, 0, 0, "eks-auth h",
     "ok_inferred"},
    {"agent's own, refused", "eks-auth.us-east-1.api.aws", {900, 1200}, 400, NO_TOKEN, 0, 0,
     "eks-auth h", "rejected_inferred"},
    {"nobody's", "evilsts.amazonaws.com", {459, 1330}, 2100, 40, CS_MECHANISM_IRSA, 0,
     "~unknown l", "answered"},
    {"no name", "", {459, 1330}, 2100, 40, CS_MECHANISM_IRSA, 0, "~unknown l", "answered"},
};

static void fill_burst(struct cs_burst *burst, const uint16_t lengths[4])
{
    for (size_t i = 0; i < 4 && lengths[i]; i++) {
        burst->lengths[burst->count++] = lengths[i];
        burst->bytes += lengths[i];
    }
}

static void test_tls(void **state)
{
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(tls); i++) {
        /* connected 3 s before the request */
        struct cs_connection connection = {
            .kind = CS_WATCH_TLS, .dport = 443, .connect_ns = START - 3 * SEC};
        struct cs_exchange exchange = {.connection = &connection,
                                       .index = tls[i].index,
                                       .start_ns = START,
                                       .answer_ns = START + SEC,
                                       .outcome = CS_OUTCOME_ANSWERED,
                                       .observed = true};
        struct cs_evidence evidence = {.exchange = &exchange,
                                       .watchlist = watchlist(),
                                       .token_mechanism = tls[i].token};
        struct cs_verdict verdict;
        char got[64];

        strcpy(connection.server_name, tls[i].host);
        fill_burst(&exchange.request_records, tls[i].request);
        exchange.response_records = (struct cs_burst){.count = 2, .bytes = tls[i].answer};
        if (tls[i].token_before)
            evidence.token_open_ns = START - tls[i].token_before * (SEC / 1000);
        cs_classify(&evidence, &verdict);
        describe(&verdict, got, sizeof(got));
        if (strcmp(got, tls[i].verdict) == 0 &&
            strcmp(cs_outcome_name(verdict.outcome), tls[i].outcome) == 0)
            continue;
        print_error("%s: want %s, %s; got %s, %s\n", tls[i].name, tls[i].verdict, tls[i].outcome,
                    got, cs_outcome_name(verdict.outcome));
        failed++;
    }
    assert_int_equal(failed, 0);
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

    fill_burst(&exchange.request_records, (const uint16_t[4]){459, 1330});
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
    assert_int_equal(verdict.outcome, CS_OUTCOME_ANSWERED);
    assert_int_equal(verdict.confidence, CS_CONFIDENCE_MEDIUM);
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

static void test_reasons(void **state)
{
    struct cs_connection connection = {
        .kind = CS_WATCH_PLAIN, .dport = 80, .intercept_place = CS_INTERCEPT_NODE,
        .intercept_port = 2579};
    struct cs_exchange exchange = {.connection = &connection, .observed = true, .status = 200,
                                   .path = TOKEN, .method = "GET"};
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
        cmocka_unit_test(test_plain),    cmocka_unit_test(test_connect_failures),
        cmocka_unit_test(test_tls),      cmocka_unit_test(test_tls_not_inferred),
        cmocka_unit_test(test_tunnel),   cmocka_unit_test(test_identity),
        cmocka_unit_test(test_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
