// SPDX-License-Identifier: Apache-2.0
/* Who stands in between: by the listener's own pod, by what the caller's pod declares, else by
 * behaviour; and callers that are such a one themselves. */
#include "classify_cases.h"

#include "core/pods/declared.h"

#define BOUND    CS_DECLARED_BIT(AAD_POD_IDENTITY)
#define AZURE    CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY)
#define KUBE2IAM CS_DECLARED_BIT(KUBE2IAM)
#define NO       0x4000 /* the spec is known and has none */

static const struct {
    const char *name;
    const char *path;
    uint16_t status;
    const char *server;
    char place; /* 'n' node, 'p' pod, 's' node, by the caller itself, '-' not */
    uint16_t port;
    const char *workload, *container, *image; /* of the listener; all NULL: not known */
    uint16_t declared;                        /* 0: the spec isn't known */
    const char *verdict, *interceptor;
} cases[] = {
    {"NMI by its pod, any port", TOKEN, 200, "", 'n', 7777, "nmi", "nmi", NULL, BOUND,
     "aad-pod-identity D h", "nmi"},
    {"NMI's chart", TOKEN, 200, "", 'n', 2579, "aad-pod-identity-nmi", NULL, NULL, BOUND,
     "aad-pod-identity D h", "nmi"},
    {"NMI by its image only", TOKEN, 403, "", 'n', 7777, "ds", "c",
     "registry.example/oss/azure/aad-pod-identity/nmi:v1.8.17", BOUND, "aad-pod-identity h", "nmi"},
    {"NMI, pod unknown, bound", TOKEN, 200, "", 'n', 2579, NULL, NULL, NULL, BOUND,
     "aad-pod-identity D h", "nmi"},
    {"NMI, exempt pod", TOKEN, 200, "", 'n', 2579, NULL, NULL, NULL, NO, "azure-imds D m", "nmi"},
    {"NMI by its pod, exempt pod", TOKEN, 200, "", 'n', 2579, "nmi", NULL, NULL, AZURE,
     "azure-imds D m", "nmi"},
    {"NMI, exempt pod, refused by IMDS", TOKEN, 403, "", 'n', 2579, NULL, NULL, NULL, NO,
     "azure-imds m", "nmi"},
    {"NMI by its pod, exempt pod, refused by IMDS", TOKEN, 403, "", 'n', 2579, "nmi", NULL, NULL,
     AZURE, "azure-imds m", "nmi"},
    {"NMI, refused, spec unknown", TOKEN, 403, "", 'n', 2579, NULL, NULL, NULL, 0,
     "aad-pod-identity m", "nmi"},
    {"NMI, refused, bound", TOKEN, 403, "", 'n', 2579, NULL, NULL, NULL, BOUND,
     "aad-pod-identity h", "nmi"},
    {"NMI, its own trouble, no binding", TOKEN, 500, "", 'n', 2579, NULL, NULL, NULL, NO,
     "aad-pod-identity h", "nmi"},
    {"NMI, no binding, refused", TOKEN, 404, "", 'n', 2579, "nmi", NULL, NULL, NO,
     "aad-pod-identity h", "nmi"},
    {"NMI holds", TOKEN, 0, "", 'n', 2579, "nmi", NULL, NULL, BOUND, "aad-pod-identity h", "nmi"},
    {"NMI passes on", TOKEN, 200, "IMDS/1", 'n', 2579, "nmi", NULL, NULL, BOUND, "azure-imds D m",
     "nmi"},
    {"NMI's port, another pod", TOKEN, 200, "", 'n', 2579, "corp-metadata", "proxy", NULL, BOUND,
     "aad-pod-identity D m", "nmi"},
    {"another name with nmi in it", TOKEN, 200, "", 'n', 9999, "nmitools", "xnmi", NULL, BOUND,
     "intercepted D m", "unknown"},

    {"kube2iam by its pod", ROLES "/r", 200, "EC2ws", 'n', 9000, "kube2iam", "kube2iam", NULL, 0,
     "kube2iam D h", "kube2iam"},
    {"kube2iam, -extended", ROLES "-extended/r", 200, "EC2ws", 'n', 8181, "kube2iam", NULL, NULL, 0,
     "imdsv1 D m", "kube2iam"},
    {"kube2iam hangs", ROLES "/r", 0, "", 'n', 8181, "my-kube2iam", NULL, NULL, 0, "kube2iam h",
     "kube2iam"},
    {"kiam on kube2iam's port, by its pod", ROLES "/r", 200, "", 'n', 8181, "kiam-agent",
     "kiam-agent", NULL, 0, "kiam D h", "kiam"},
    {"a kiam that says EC2ws", ROLES "/r", 200, "EC2ws", 'n', 8181, "kiam-agent", NULL, NULL, 0,
     "kiam D h", "kiam"},
    {"kube2iam's port, another pod", ROLES "/r", 200, "EC2ws", 'n', 8181, "corp-metadata", NULL,
     NULL, 0, "kube2iam D m", "kube2iam"},
    {"NMI asked for a role", ROLES "/r", 200, "", 'n', 2579, "nmi", NULL, NULL, 0,
     "intercepted D m", "unknown"},

    {"kube2iam answers -extended itself", ROLES "-extended/r", 404, "", 'n', 8181, "kube2iam", NULL,
     NULL, 0, "kube2iam m", "kube2iam"},
    {"kiam, -extended passed on", ROLES "-extended/r", 200, "EC2ws", 'n', 3100, "kiam-agent", NULL,
     NULL, 0, "imdsv1 D m", "kiam"},
    {"kiam, -extended", ROLES "-extended/r", 404, "", 'n', 8181, "kiam-agent", NULL, NULL, 0,
     "kiam m", "kiam"},
    {"kiam's port, -extended", ROLES "-extended/r", 404, "", 'n', 3100, NULL, NULL, NULL, 0,
     "kiam m", "kiam"},
    {"8181, -extended hangs", ROLES "-extended/r", 0, "", 'n', 8181, NULL, NULL, NULL, 0,
     "intercepted m", "unknown"},
    {"kiam hangs on kube2iam's port", ROLES "/r", 0, "", 'n', 8181, "kiam-agent", NULL, NULL, 0,
     "kiam h", "kiam"},
    {"nobody knows, -extended", ROLES "-extended/r", 200, "corp", 'n', 9999, NULL, NULL, NULL, 0,
     "intercepted D m", "unknown"},
    {"a node's Envoy, -extended", ROLES "-extended/r", 200, "x", 'n', 4321, "node-envoy", NULL,
     NULL, 0, "imdsv1 D l", "mesh"},
    {"mesh, -extended", ROLES "-extended/r", 200, "envoy", 'p', 15001, NULL, NULL, NULL, 0,
     "imdsv1 D l", "mesh"},
    {"a node's Envoy, Azure", TOKEN, 200, "x", 'n', 4321, "node-envoy", NULL, NULL, 0,
     "azure-imds D l", "mesh"},
    {"NMI passes on, pod unknown", TOKEN, 200, "IMDS/1", 'n', 2579, NULL, NULL, NULL, BOUND,
     "azure-imds D m", "nmi"},
    {"somebody passes on", TOKEN, 200, "IMDS/1", 'n', 4321, NULL, NULL, NULL, 0, "azure-imds D m",
     "unknown"},

    {"sidecar by its pod", TOKEN, 200, "", 'n', 8123, "web", "azwi-proxy", NULL, AZURE,
     "azure-workload-identity-proxy D h", "azwi-proxy"},
    {"sidecar by its header", TOKEN, 200, AZWI, 'p', 8000, NULL, NULL, NULL, AZURE,
     "azure-workload-identity-proxy D h", "azwi-proxy"},
    {"sidecar, its router moves the client", TOKEN, 301, "", 'p', 8000, NULL, NULL, NULL, AZURE,
     "azure-workload-identity-proxy m", "azwi-proxy"},
    {"sidecar's port, an answer without its header", TOKEN, 200, "", 'p', 8000, NULL, NULL, NULL,
     AZURE, "intercepted D m", "unknown"},
    {"sidecar's header, NMI's pod listens", TOKEN, 200, AZWI, 'n', 2579, "nmi", NULL, NULL, AZURE,
     "azure-workload-identity-proxy D m", "nmi"},
    {"mesh, heads passed on", ROLES "/r", 200, "EC2ws", 'p', 15001, NULL, NULL, NULL, 0,
     "imdsv1 D l", "mesh"},
    {"mesh that writes its own", ROLES "/r", 200, "envoy", 'p', 15001, NULL, NULL, NULL, 0,
     "imdsv1 D l", "mesh"},
    {"mesh, Azure", TOKEN, 200, "envoy", 'p', 15001, NULL, NULL, NULL, 0, "azure-imds D l", "mesh"},
    {"mesh, no answer", ROLES "/r", 0, "", 'p', 15001, NULL, NULL, NULL, 0, "imdsv1 l", "mesh"},
    {"a node's Envoy by its pod", ROLES "/r", 200, "x", 'n', 4321, "node-envoy", "envoy", NULL, 0,
     "imdsv1 D l", "mesh"},
    {"nobody knows", ROLES "/r", 200, "", 'n', 4321, NULL, NULL, NULL, 0, "intercepted D m",
     "unknown"},
    {"nobody knows, pod known", ROLES "/r", 200, "", 'n', 4321, "corp-metadata", NULL, NULL, 0,
     "intercepted D m", "unknown"},
    {"the agent, in between", "/v1/credentials", 200, "", 'n', 4321, NULL, NULL, NULL, 0,
     "eks-pod-identity D m", "unknown"},

    {"an interceptor that reaches itself", ROLES "/r", 200, "EC2ws", 's', 8181, NULL, NULL, NULL, 0,
     "imdsv1 D h", "none"},
    {"not intercepted", TOKEN, 200, "IMDS/1", '-', 0, NULL, NULL, NULL, BOUND, "azure-imds D h",
     "none"},
};

static void place(struct cs_connection *connection, char letter, uint16_t port)
{
    connection->cgroup_id = 100;
    if (letter == '-')
        return;
    connection->intercept_place = letter == 'p' ? CS_INTERCEPT_POD : CS_INTERCEPT_NODE;
    connection->intercept_port = port;
    connection->intercept_cgroup_id = letter == 's' ? 100 : letter == 'n' ? 200 : 0;
}

static void test_interception(void **state)
{
    size_t failed = 0;

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        struct cs_connection connection = {.kind = CS_WATCH_PLAIN, .dport = 80};
        struct cs_exchange exchange = {.connection = &connection,
                                       .observed = true,
                                       .method = "GET",
                                       .status = cases[i].status,
                                       .request_flags = CS_REQUEST_METADATA,
                                       .response_length = UINT64_MAX};
        struct cs_evidence evidence = {.exchange = &exchange,
                                       .watchlist = watchlist(),
                                       .declared_known = cases[i].declared != 0,
                                       .declared = cases[i].declared & ~NO,
                                       .listener = {.known = cases[i].workload != NULL,
                                                    .workload = cases[i].workload,
                                                    .container = cases[i].container,
                                                    .image = cases[i].image}};
        struct cs_verdict verdict;
        char got[80];

        set_address(connection.daddr, strstr(cases[i].path, "/v1/c") ? PIA : IMDS);
        place(&connection, cases[i].place, cases[i].port);
        strcpy(exchange.path, cases[i].path);
        strcpy(exchange.server, cases[i].server);
        cs_classify(&evidence, &verdict);
        describe(&verdict, got, sizeof(got));
        if (strcmp(got, cases[i].verdict) == 0 &&
            strcmp(cs_interceptor_name(verdict.interceptor), cases[i].interceptor) == 0 &&
            verdict.upstream == (cases[i].place == 's'))
            continue;
        print_error("%s: want %s by %s, got %s by %s%s\n", cases[i].name, cases[i].verdict,
                    cases[i].interceptor, got, cs_interceptor_name(verdict.interceptor),
                    verdict.upstream ? ", upstream" : "");
        failed++;
    }
    assert_int_equal(failed, 0);
}

/* Bound to an interceptor that is at work on the node, and not intercepted: more likely missed than
 * true, but where the answer itself shows who gave it, or the path that none of them knows. */
static void test_missed(void **state)
{
    static const struct {
        const char *name, *path, *server;
        uint16_t declared;
        bool known, near;
        const char *verdict;
    } rows[] = {
        {"kube2iam", ROLES "/r", "EC2ws", KUBE2IAM, true, true, "imdsv1 D l"},
        {"none at work here", ROLES "/r", "EC2ws", KUBE2IAM, true, false, "imdsv1 D h"},
        {"not bound", ROLES "/r", "EC2ws", 0, true, true, "imdsv1 D h"},
        {"bound to the other cloud's", ROLES "/r", "EC2ws", BOUND, true, true, "imdsv1 D h"},
        {"not known", ROLES "/r", "EC2ws", 0, false, true, "imdsv1 D h"},
        {"-extended passes through", ROLES "-extended/r", "EC2ws", KUBE2IAM, true, true,
         "imdsv1 D h"},
        {"NMI", TOKEN, "", BOUND, true, true, "azure-imds D l"},
        {"the service itself", TOKEN, "IMDS/150", BOUND, true, true, "azure-imds D h"},
    };
    struct cs_connection connection = {.kind = CS_WATCH_PLAIN, .dport = 80};
    struct cs_exchange exchange = {.connection = &connection,
                                   .observed = true,
                                   .method = "GET",
                                   .status = 200,
                                   .request_flags = CS_REQUEST_METADATA,
                                   .response_length = UINT64_MAX};

    (void)state;
    set_address(connection.daddr, IMDS);
    for (size_t i = 0; i < CS_ARRAY_SIZE(rows); i++) {
        struct cs_evidence evidence = {.exchange = &exchange,
                                       .watchlist = watchlist(),
                                       .declared_known = rows[i].known,
                                       .declared = rows[i].declared,
                                       .interceptor_near = rows[i].near};
        struct cs_verdict verdict;
        char got[80];

        strcpy(exchange.path, rows[i].path);
        strcpy(exchange.server, rows[i].server);
        cs_classify(&evidence, &verdict);
        describe(&verdict, got, sizeof(got));
        if (strcmp(got, rows[i].verdict) != 0)
            fail_msg("%s: want %s, got %s", rows[i].name, rows[i].verdict, got);
        assert_int_equal(!!(verdict.reasons & 1u << CS_REASON_DECLARED), strstr(got, " l") != NULL);
    }
}

static const struct {
    const char *name, *workload, *container;
    bool host_network, listens, upstream, proxied, alone, opened;
} callers[] = {
    {"a workload", "shop", "app", .proxied = false},
    {"NMI asks IMDS", "nmi", "nmi", .host_network = true, .upstream = true},
    {"kube2iam asks STS", "kube2iam", "kube2iam", .host_network = true, .upstream = true},
    {"a workload of that name stands between nobody", "kiam-demo", "nmi", .upstream = false},
    {"a migration sidecar", "shop", "azwi-proxy", .upstream = true},
    {"a mesh's sidecar: its pod's call", "shop", "istio-proxy", .proxied = false},
    {"a node's proxy: nobody's call", "ztunnel", "istio-proxy", .proxied = true},
    {"a mesh's gateway: not its own", "egress", "istio-proxy", .proxied = true, .alone = true},
    {"… which has opened a token", "egress", "istio-proxy", .alone = true, .opened = true},
    {"an application alone in its pod", "shop", "app", .alone = true},
    {"an unknown interceptor", "corp-metadata", "app", .listens = true, .upstream = true},
};

static void test_callers(void **state)
{
    struct cs_connection connection = {.kind = CS_WATCH_TLS, .server_name = STS};
    struct cs_exchange exchange = {
        .connection = &connection, .observed = true, .outcome = CS_OUTCOME_ANSWERED};

    (void)state;
    fill_burst(&exchange.request_records, (const uint16_t[4]){708, 60});
    for (size_t i = 0; i < CS_ARRAY_SIZE(callers); i++) {
        struct cs_evidence evidence = {.exchange = &exchange,
                                       .watchlist = watchlist(),
                                       .caller_listens = callers[i].listens,
                                       .token_opened_before = callers[i].opened,
                                       .caller = {.known = true,
                                                  .host_network = callers[i].host_network,
                                                  .alone = callers[i].alone,
                                                  .workload = callers[i].workload,
                                                  .container = callers[i].container}};
        struct cs_verdict verdict;

        cs_classify(&evidence, &verdict);
        if (verdict.upstream != callers[i].upstream || verdict.proxied != callers[i].proxied)
            fail_msg("%s: upstream %d, proxied %d", callers[i].name, verdict.upstream,
                     verdict.proxied);
        assert_int_equal(verdict.confidence,
                         callers[i].proxied ? CS_CONFIDENCE_LOW : CS_CONFIDENCE_HIGH);
        assert_int_equal(!!(verdict.reasons & 1u << CS_REASON_PROXIED), callers[i].proxied);
    }
}

/* IMDS says 200 and names what went wrong where the node's role can't be assumed. */
static void test_answer_size(void **state)
{
    static const struct {
        uint64_t length;
        bool delivered;
    } sizes[] = {{UINT64_MAX, true}, {1400, true}, {400, true}, {399, false}, {253, false}, {0}};
    struct cs_connection connection = {.kind = CS_WATCH_PLAIN, .dport = 80};
    struct cs_exchange exchange = {
        .connection = &connection, .observed = true, .path = ROLES "/r", .status = 200};
    struct cs_evidence evidence = {.exchange = &exchange, .watchlist = watchlist()};
    struct cs_verdict verdict;

    (void)state;
    set_address(connection.daddr, IMDS);
    for (size_t i = 0; i < CS_ARRAY_SIZE(sizes); i++) {
        exchange.response_length = sizes[i].length;
        cs_classify(&evidence, &verdict);
        assert_int_equal(verdict.delivered, sizes[i].delivered);
        assert_int_equal(!!(verdict.reasons & 1u << CS_REASON_ANSWER_SIZE), !sizes[i].delivered);
    }
}

/* A connect that failed says no more than where to, but for a pod that can mean one thing only. */
static void test_nothing_said(void **state)
{
    static const struct {
        bool known;
        uint16_t declared;
        char place;
        uint16_t port;
        enum cs_mechanism mechanism;
    } specs[] = {
        {false, BOUND, '-', 0, CS_MECHANISM_UNKNOWN},
        {true, 0, '-', 0, CS_MECHANISM_UNKNOWN},
        {true, BOUND, '-', 0, CS_MECHANISM_AAD_POD_IDENTITY},
        {true, BOUND | AZURE, '-', 0, CS_MECHANISM_UNKNOWN},
        {true, AZURE, '-', 0, CS_MECHANISM_UNKNOWN},
        {true, AZURE, 'p', 8000, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY},
        {true, BOUND | AZURE, 'p', 8000, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY},
        {true, AZURE, 'p', 15001, CS_MECHANISM_UNKNOWN},
        {true, 0, 'p', 8000, CS_MECHANISM_UNKNOWN},
        {false, AZURE, 'p', 8000, CS_MECHANISM_UNKNOWN},
    };
    struct cs_connection connection = {.kind = CS_WATCH_PLAIN, .dport = 80};
    struct cs_exchange exchange = {
        .connection = &connection, .observed = true, .connect_failed = true};

    (void)state;
    set_address(connection.daddr, IMDS);
    for (size_t i = 0; i < CS_ARRAY_SIZE(specs); i++) {
        struct cs_evidence evidence = {.exchange = &exchange,
                                       .watchlist = watchlist(),
                                       .declared_known = specs[i].known,
                                       .declared = specs[i].declared};
        struct cs_verdict verdict;

        connection.intercept_place = 0;
        place(&connection, specs[i].place, specs[i].port);
        cs_classify(&evidence, &verdict);
        assert_int_equal(verdict.mechanism, specs[i].mechanism);
        assert_int_equal(verdict.confidence, CS_CONFIDENCE_LOW);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interception), cmocka_unit_test(test_missed),
        cmocka_unit_test(test_callers),      cmocka_unit_test(test_answer_size),
        cmocka_unit_test(test_nothing_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
