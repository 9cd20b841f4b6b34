// SPDX-License-Identifier: Apache-2.0
/*
 * What opens each finding: one row and one small function each; here those of what a container
 * uses, in finding_failing.c those of what fails. Those that only time shows are in finding_time.c,
 * those of an end-point's addresses in finding_address.c.
 */
#include "core/findings/finding_private.h"

#include "base/util.h"
#include "core/classify/server_name.h"
#include "core/http_line.h"

#include <stdio.h>
#include <string.h>

/* An STS answer of that many bytes holds credentials (core/classify/classify_tls.c);
 * GetCallerIdentity's has half. */
#define STS_CREDENTIALS 1000

/* An identity of the pod's own, whatever becomes of it. */
#define OWN                                                                         \
    (CS_DECLARED_BIT(IRSA) | CS_DECLARED_BIT(EKS_POD_IDENTITY) |                    \
     CS_DECLARED_BIT(AAD_POD_IDENTITY) | CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY) | \
     CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY_PROXY) | CS_DECLARED_BIT(KUBE2IAM))

static bool confident(const struct cs_verdict *verdict)
{
    return verdict->confidence >= CS_CONFIDENCE_MEDIUM;
}

static enum cs_mechanism_class class_of(enum cs_mechanism mechanism)
{
    return cs_mechanism_info(mechanism)->class;
}

bool cs_finding_spec_tells(const struct cs_finding_container *container)
{
    /* When no container of the pod declares any, this one doesn't. */
    return container->spec_known && (container->spec_whole || container->declared == 0);
}

/* What was asked for, or is declared: "role NAME", "client NAME". */
static void tell_identity(struct cs_finding_case *c)
{
    const struct cs_pod_facts *facts = c->input->facts;
    char text[CS_FINDING_DETAIL_MAX - 10]; /* "identity " before it */
    bool azure = strcmp(cs_mechanism_info(c->mechanism)->cloud, "azure") == 0;

    if (cs_exchange_identity(c->input->exchange, text, sizeof(text)))
        snprintf(c->detail, sizeof(c->detail), "%s %s", azure ? "identity" : "role", text);
    else if (facts && facts->role_arn && c->mechanism == CS_MECHANISM_IRSA)
        snprintf(c->detail, sizeof(c->detail), "%.*s", CS_FINDING_DETAIL_MAX - 1, facts->role_arn);
}

static bool retiring(struct cs_finding_case *c)
{
    if (!c->input->verdict->delivered || !confident(c->input->verdict) ||
        class_of(c->mechanism) != CS_CLASS_RETIRING)
        return false;
    tell_identity(c);
    return true;
}

static bool irsa_left_behind(struct cs_finding_case *c)
{
    return c->mechanism == CS_MECHANISM_IRSA &&
           (c->container->declared & CS_DECLARED_BIT(EKS_POD_IDENTITY));
}

static bool node_identity_fallback(struct cs_finding_case *c)
{
    if (class_of(c->mechanism) != CS_CLASS_NODE || !(c->container->declared & OWN))
        return false;
    if (c->input)
        tell_identity(c);
    return true;
}

/* CNI, CSI node plug-ins, the agent itself: on the node's network because they serve the node. And
 * interceptors, which ask for others. */
static bool is_system_addon(const struct cs_finding_container *container)
{
    size_t len;

    if (container->interceptor)
        return true;
    return container->host_network && container->workload &&
           strcmp(cs_label_text(container->workload, &len), "kube-system") == 0;
}

static bool undeclared_node_identity(struct cs_finding_case *c)
{
    if (class_of(c->mechanism) != CS_CLASS_NODE || (c->container->declared & OWN) ||
        is_system_addon(c->container))
        return false;
    if (c->input)
        tell_identity(c);
    return true;
}

static bool undeclared_interception(struct cs_finding_case *c)
{
    switch (c->mechanism) {
    case CS_MECHANISM_AAD_POD_IDENTITY:
    case CS_MECHANISM_KUBE2IAM:
    case CS_MECHANISM_KIAM:
        if (c->container->declared & OWN)
            return false;
        if (c->input)
            tell_identity(c);
        return true;
    default:
        return false;
    }
}

/* A read of AWS's metadata that came without a session token and that the real service answered:
 * /VERSION/{meta-data,user-data,dynamic}… */
static bool is_tokenless_read(const struct cs_finding_case *c)
{
    static const char *const TREES[] = {"meta-data", "user-data", "dynamic"};
    const struct cs_exchange *exchange = c->input->exchange;
    struct cs_slice path = cs_http_target_path(exchange->path);

    if (c->input->verdict->endpoint != CS_ENDPOINT_IMDS || !exchange->observed ||
        exchange->connection->intercept_place ||
        (exchange->request_flags & CS_REQUEST_IMDS_TOKEN) ||
        (strcmp(exchange->method, "GET") != 0 && strcmp(exchange->method, "HEAD") != 0))
        return false;
    cs_slice_split(&path, '/');
    cs_slice_split(&path, '/');
    path = cs_slice_split(&path, '/');
    for (size_t i = 0; i < CS_ARRAY_SIZE(TREES); i++)
        if (cs_slice_is(path, TREES[i]))
            return true;
    return false;
}

static bool tokenless(struct cs_finding_case *c, uint16_t status)
{
    struct cs_slice path;

    if (c->input->exchange->status != status || !is_tokenless_read(c))
        return false;
    path = cs_http_target_path(c->input->exchange->path);
    cs_text_copy(c->detail, sizeof(c->detail), path.data, path.len);
    c->mechanism = CS_MECHANISM_IMDSV1;
    return true;
}

static bool imdsv1(struct cs_finding_case *c)
{
    return tokenless(c, 200);
}

static bool imdsv1_attempted(struct cs_finding_case *c)
{
    return tokenless(c, 401);
}

static bool chained_assume_role(struct cs_finding_case *c)
{
    static const enum cs_mechanism OWN_CREDENTIALS[] = {
        CS_MECHANISM_EKS_POD_IDENTITY, CS_MECHANISM_IRSA, CS_MECHANISM_KUBE2IAM, CS_MECHANISM_KIAM};
    const struct cs_exchange *exchange = c->input->exchange;

    if (c->mechanism != CS_MECHANISM_STS || exchange->multiplexed || !exchange->observed ||
        exchange->response_records.bytes < STS_CREDENTIALS)
        return false;
    for (size_t i = 0; i < CS_ARRAY_SIZE(OWN_CREDENTIALS); i++)
        if (cs_finding_uses(c->findings, c->container, OWN_CREDENTIALS[i], c->now_ns) &&
            c->container->delivered_ns[OWN_CREDENTIALS[i]] <= exchange->start_ns)
            return true;
    return false;
}

static bool global_sts_endpoint(struct cs_finding_case *c)
{
    const struct cs_connection *connection = c->input->exchange->connection;
    struct cs_server_name name;

    return c->input->verdict->endpoint == CS_ENDPOINT_STS && connection->server_name[0] &&
           cs_server_name_parse(c->findings->options.watchlist, connection->server_name, &name) &&
           name.global;
}

/* The mechanism which the SDK's successor is to replace: the one asked for, or one in use. */
static enum cs_mechanism replaced_by(const struct cs_finding_case *c, enum cs_mechanism successor)
{
    const char *name = cs_mechanism_info(successor)->name;

    if (strcmp(cs_mechanism_info(c->mechanism)->successor, name) == 0)
        return c->mechanism;
    for (enum cs_mechanism i = 0; i < CS_MECHANISM_END; i++)
        if (strcmp(cs_mechanism_info(i)->successor, name) == 0 &&
            cs_finding_uses(c->findings, c->container, i, c->now_ns))
            return i;
    return CS_MECHANISM_END;
}

static bool sdk_too_old(struct cs_finding_case *c)
{
    const struct cs_exchange *exchange = c->input->exchange;
    enum cs_mechanism mechanism;
    struct cs_sdk sdk;

    if (c->container->interceptor || !exchange->user_agent[0] ||
        !cs_sdk_parse(exchange->user_agent, exchange->request_flags & CS_REQUEST_USER_AGENT_CUT,
                      &sdk) ||
        !cs_sdk_too_old(&sdk, sdk.successor))
        return false;
    mechanism = replaced_by(c, sdk.successor);
    if (mechanism == CS_MECHANISM_END)
        return false;
    c->mechanism = mechanism;
    snprintf(c->detail, sizeof(c->detail), "%s %s, older than %s", sdk.name, sdk.version,
             sdk.minimum);
    return true;
}

#define EXCHANGE  CS_FINDING_ON_EXCHANGE
#define IN_FLIGHT CS_FINDING_ON_IN_FLIGHT
#define DELIVERY  CS_FINDING_ON_DELIVERY

static const struct {
    enum cs_finding finding;
    enum cs_finding_event on;
    bool host; /* also of processes in no pod */
    bool (*shows)(struct cs_finding_case *c);
} rules[] = {
    {CS_FINDING_RETIRING_MECHANISM, EXCHANGE, false, retiring},
    {CS_FINDING_IRSA_LEFT_BEHIND, DELIVERY, false, irsa_left_behind},
    {CS_FINDING_NODE_IDENTITY_FALLBACK, DELIVERY, false, node_identity_fallback},
    {CS_FINDING_UNDECLARED_NODE_IDENTITY, DELIVERY, false, undeclared_node_identity},
    {CS_FINDING_UNDECLARED_INTERCEPTION, DELIVERY, false, undeclared_interception},
    {CS_FINDING_IMDSV1, EXCHANGE, true, imdsv1},
    {CS_FINDING_IMDSV1_ATTEMPTED, EXCHANGE, true, imdsv1_attempted},
    {CS_FINDING_FIRST_CALL_FAILED, EXCHANGE, false, cs_finding_shows_first_call_failed},
    {CS_FINDING_REFRESH_FAILING, EXCHANGE, false, cs_finding_shows_refresh_failing},
    {CS_FINDING_REFRESH_FAILING, IN_FLIGHT, false, cs_finding_shows_refresh_hanging},
    {CS_FINDING_ASSOCIATION_MISSING, EXCHANGE, false, cs_finding_shows_association_missing},
    {CS_FINDING_ASSOCIATION_PROPAGATING, EXCHANGE, false, cs_finding_shows_association_propagating},
    {CS_FINDING_CREDENTIALS_REFUSED, EXCHANGE, false, cs_finding_shows_credentials_refused},
    {CS_FINDING_THROTTLED, EXCHANGE, false, cs_finding_shows_throttled},
    {CS_FINDING_INTERCEPTOR_SLOW, EXCHANGE, false, cs_finding_shows_interceptor_slow},
    {CS_FINDING_INTERCEPTOR_SLOW, IN_FLIGHT, false, cs_finding_shows_interceptor_slow},
    {CS_FINDING_CHAINED_ASSUME_ROLE, EXCHANGE, false, chained_assume_role},
    {CS_FINDING_GLOBAL_STS_ENDPOINT, EXCHANGE, false, global_sts_endpoint},
    {CS_FINDING_SDK_TOO_OLD, EXCHANGE, false, sdk_too_old},
};

void cs_finding_rules(struct cs_finding_case *c, enum cs_finding_event event)
{
    for (size_t i = 0; i < CS_ARRAY_SIZE(rules); i++) {
        struct cs_finding_case tried;

        if (rules[i].on != event || (!c->container->pod && !rules[i].host))
            continue;
        tried = *c;
        if (rules[i].shows(&tried))
            cs_finding_note(&tried, rules[i].finding);
    }
}
