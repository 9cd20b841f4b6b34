// SPDX-License-Identifier: Apache-2.0
/*
 * Requests in clear, to the Pod Identity agent and to instance metadata services. Sources of what
 * the servers say of themselves: eks-pod-identity-agent (no Server header), kube2iam
 * server/server.go (port 8181, fakes EC2ws), kiam cmd/kiam (3100 or 8181, Go's heads),
 * aad-pod-identity pkg/nmi (2579, no Server header on token answers), azure-workload-identity
 * pkg/proxy (8000 in the pod, names itself).
 */
#include "core/classify/classify_party.h"
#include "core/classify/classify_path.h"
#include "core/classify/classify_private.h"

#include "base/util.h"
#include "core/http_line.h"
#include "core/pods/declared.h"

#include <string.h>

#define ANY_PORT     0
#define EC2_SERVER   "EC2ws"
#define AZURE_SERVER "IMDS/"
#define AZWI_SERVER  "azure-workload-identity/proxy/"
#define AZWI_PORT    8000    /* unless the pod's annotation names another */
#define ENVOY_SERVER "envoy" /* Envoy writes it over the answerer's own */
#define ENVOY_PORT   15001   /* Istio's outbound listener */

/* Credentials take more: a session token alone has 300 characters, an Azure one 1,000. IMDS answers
 * 200 with some 250 bytes, and no credentials, when the role can't be assumed. */
#define CREDENTIALS_MIN 400

static bool answered(const struct cs_exchange *exchange)
{
    return exchange->status != 0;
}

static bool delivers(const struct cs_exchange *exchange)
{
    return exchange->status == 200 && exchange->response_length >= CREDENTIALS_MIN;
}

static void set(struct cs_verdict *verdict, enum cs_mechanism mechanism,
                enum cs_confidence confidence, uint32_t reasons)
{
    verdict->mechanism = mechanism;
    verdict->confidence = confidence;
    verdict->reasons = reasons;
}

void cs_classify_agent(const struct cs_evidence *evidence, struct cs_verdict *verdict)
{
    const struct cs_exchange *exchange = evidence->exchange;
    bool intercepted = cs_evidence_intercepted(evidence);
    uint32_t reasons = CS_REASON_BIT(ADDRESS);

    if (intercepted) {
        reasons |= CS_REASON_BIT(INTERCEPTED);
        verdict->interceptor = cs_party_interceptor(&evidence->listener);
    }
    if (exchange->connect_failed) {
        set(verdict, CS_MECHANISM_EKS_POD_IDENTITY, CS_CONFIDENCE_MEDIUM, reasons);
        return;
    }
    reasons |= CS_REASON_BIT(PATH);
    switch (cs_path_classify(exchange->path)) {
    case CS_PATH_AGENT:
    case CS_PATH_AGENT_UNCLEAN:
        set(verdict, CS_MECHANISM_EKS_POD_IDENTITY,
            intercepted ? CS_CONFIDENCE_MEDIUM : CS_CONFIDENCE_HIGH, reasons);
        verdict->delivered = delivers(exchange);
        break;
    case CS_PATH_ROOT:
        verdict->probe = true;
        /* fall through */
    default:
        set(verdict, CS_MECHANISM_METADATA, CS_CONFIDENCE_HIGH, reasons);
        break;
    }
}

/* Who answers IMDS: the first row that fits. A server of NULL fits always, "" an answer without
 * the header, NOT_YET none so far. */
static const char NOT_YET[] = "(no answer)";
/* A Go router's own answer to a path that isn't clean: the program behind it has said nothing. */
static const char MOVED[] = "(moved)";

enum asked { ASKED_AWS, ASKED_AWS_EXTENDED, ASKED_AZURE };

/* Nobody: the connection isn't intercepted. BY_ITS_POD: the listener's pod says that it is
 * `interceptor`. BY_BEHAVIOUR: that is told by place, port and Server. */
enum told { NOBODY, BY_ITS_POD, BY_BEHAVIOUR };

#define UNBOUND true /* what NMI answers to pods without a binding only where it exempts them */

static const struct answerer {
    enum asked asked;
    enum told told;
    uint8_t place;      /* enum cs_intercept_place; 0 any */
    uint16_t port;      /* of the listener; ANY_PORT */
    const char *server; /* prefix of the Server header */
    enum cs_interceptor interceptor;
    bool unbound;
    enum cs_mechanism mechanism; /* IMDSV1 stands for either version */
    enum cs_confidence confidence;
} answerers[] = {
#define AWS      ASKED_AWS
#define EXTENDED ASKED_AWS_EXTENDED
#define AZURE    ASKED_AZURE
#define POD      CS_INTERCEPT_POD
#define NODE     CS_INTERCEPT_NODE
#define WHO(w)   CS_INTERCEPTOR_##w
#define IS(m)    CS_MECHANISM_##m
#define HIGH     CS_CONFIDENCE_HIGH
#define MEDIUM   CS_CONFIDENCE_MEDIUM
#define LOW      CS_CONFIDENCE_LOW
#define NMI      IS(AAD_POD_IDENTITY)
#define AZWI     IS(AZURE_WORKLOAD_IDENTITY_PROXY)
    {AWS, NOBODY, 0, ANY_PORT, NULL, WHO(NONE), false, IS(IMDSV1), HIGH},
    {EXTENDED, NOBODY, 0, ANY_PORT, NULL, WHO(NONE), false, IS(IMDSV1), HIGH},
    {AZURE, NOBODY, 0, ANY_PORT, AZWI_SERVER, WHO(AZWI_PROXY), false, AZWI, MEDIUM},
    {AZURE, NOBODY, 0, ANY_PORT, AZURE_SERVER, WHO(NONE), false, IS(AZURE_IMDS), HIGH},
    {AZURE, NOBODY, 0, ANY_PORT, NULL, WHO(NONE), false, IS(AZURE_IMDS), MEDIUM},

    {AWS, BY_ITS_POD, 0, ANY_PORT, NULL, WHO(KUBE2IAM), false, IS(KUBE2IAM), HIGH},
    {AWS, BY_ITS_POD, 0, ANY_PORT, NULL, WHO(KIAM), false, IS(KIAM), HIGH},
    /* kube2iam and kiam know no -extended: what they let through is the node's own. */
    {EXTENDED, BY_ITS_POD, 0, ANY_PORT, EC2_SERVER, WHO(KUBE2IAM), false, IS(IMDSV1), MEDIUM},
    {EXTENDED, BY_ITS_POD, 0, ANY_PORT, NULL, WHO(KUBE2IAM), false, IS(KUBE2IAM), MEDIUM},
    {EXTENDED, BY_ITS_POD, 0, ANY_PORT, EC2_SERVER, WHO(KIAM), false, IS(IMDSV1), MEDIUM},
    {EXTENDED, BY_ITS_POD, 0, ANY_PORT, NULL, WHO(KIAM), false, IS(KIAM), MEDIUM},
    /* A mesh passes on; who answered it is to be seen on its own connection. */
    {AWS, BY_ITS_POD, 0, ANY_PORT, NULL, WHO(MESH), false, IS(IMDSV1), LOW},
    {EXTENDED, BY_ITS_POD, 0, ANY_PORT, NULL, WHO(MESH), false, IS(IMDSV1), LOW},
    {AZURE, BY_ITS_POD, 0, ANY_PORT, NULL, WHO(AZWI_PROXY), false, AZWI, HIGH},
    {AZURE, BY_ITS_POD, 0, ANY_PORT, AZURE_SERVER, WHO(NMI), false, IS(AZURE_IMDS), MEDIUM},
    /* Behind the sidecar: asked by it for another request of the connection's. */
    {AZURE, BY_ITS_POD, 0, ANY_PORT, AZWI_SERVER, WHO(NMI), false, AZWI, MEDIUM},
    /* NMI gets the node's token for the pods that it exempts, and answers it in its own words. */
    {AZURE, BY_ITS_POD, 0, ANY_PORT, "", WHO(NMI), UNBOUND, IS(AZURE_IMDS), MEDIUM},
    {AZURE, BY_ITS_POD, 0, ANY_PORT, NULL, WHO(NMI), false, NMI, HIGH},
    {AZURE, BY_ITS_POD, 0, ANY_PORT, NULL, WHO(MESH), false, IS(AZURE_IMDS), LOW},

    /* 8181 is kube2iam's own port and that of kiam's sample deployment: without an answer nothing
     * tells them apart. */
    {AWS, BY_BEHAVIOUR, NODE, 8181, EC2_SERVER, WHO(KUBE2IAM), false, IS(KUBE2IAM), HIGH},
    {AWS, BY_BEHAVIOUR, NODE, 3100, "", WHO(KIAM), false, IS(KIAM), HIGH},
    {AWS, BY_BEHAVIOUR, NODE, 3100, NOT_YET, WHO(KIAM), false, IS(KIAM), MEDIUM},
    {AWS, BY_BEHAVIOUR, NODE, 8181, "", WHO(KIAM), false, IS(KIAM), MEDIUM},
    /* A redirect in the pod that passes the real service's heads on, or writes its own. */
    {AWS, BY_BEHAVIOUR, POD, ANY_PORT, EC2_SERVER, WHO(MESH), false, IS(IMDSV1), LOW},
    {AWS, BY_BEHAVIOUR, POD, ANY_PORT, ENVOY_SERVER, WHO(MESH), false, IS(IMDSV1), LOW},
    {AWS, BY_BEHAVIOUR, POD, ENVOY_PORT, NOT_YET, WHO(MESH), false, IS(IMDSV1), LOW},
    {AWS, BY_BEHAVIOUR, 0, ANY_PORT, NULL, WHO(UNKNOWN), false, IS(INTERCEPTED), MEDIUM},
    {EXTENDED, BY_BEHAVIOUR, 0, ANY_PORT, EC2_SERVER, WHO(UNKNOWN), false, IS(IMDSV1), MEDIUM},
    {EXTENDED, BY_BEHAVIOUR, POD, ANY_PORT, ENVOY_SERVER, WHO(MESH), false, IS(IMDSV1), LOW},
    {EXTENDED, BY_BEHAVIOUR, NODE, 3100, "", WHO(KIAM), false, IS(KIAM), MEDIUM},
    {EXTENDED, BY_BEHAVIOUR, 0, ANY_PORT, NULL, WHO(UNKNOWN), false, IS(INTERCEPTED), MEDIUM},
    {AZURE, BY_BEHAVIOUR, 0, ANY_PORT, AZWI_SERVER, WHO(AZWI_PROXY), false, AZWI, HIGH},
    {AZURE, BY_BEHAVIOUR, NODE, 2579, AZURE_SERVER, WHO(NMI), false, IS(AZURE_IMDS), MEDIUM},
    {AZURE, BY_BEHAVIOUR, 0, ANY_PORT, AZURE_SERVER, WHO(UNKNOWN), false, IS(AZURE_IMDS), MEDIUM},
    {AZURE, BY_BEHAVIOUR, NODE, 2579, "", WHO(NMI), UNBOUND, IS(AZURE_IMDS), MEDIUM},
    {AZURE, BY_BEHAVIOUR, NODE, 2579, "", WHO(NMI), false, NMI, HIGH},
    {AZURE, BY_BEHAVIOUR, POD, AZWI_PORT, MOVED, WHO(AZWI_PROXY), false, AZWI, MEDIUM},
    {AZURE, BY_BEHAVIOUR, POD, AZWI_PORT, NOT_YET, WHO(AZWI_PROXY), false, AZWI, MEDIUM},
    {AZURE, BY_BEHAVIOUR, NODE, 2579, NOT_YET, WHO(NMI), false, NMI, MEDIUM},
    {AZURE, BY_BEHAVIOUR, POD, ANY_PORT, ENVOY_SERVER, WHO(MESH), false, IS(AZURE_IMDS), LOW},
    {AZURE, BY_BEHAVIOUR, 0, ANY_PORT, NULL, WHO(UNKNOWN), false, IS(INTERCEPTED), MEDIUM},
};

/* Whoever gave the answer, though a mesh's proxy may have written its own name over it. */
static const char *server_of(const struct cs_exchange *exchange)
{
    const struct cs_connection *connection = exchange->connection;

    if (connection->relay_answered && strcmp(exchange->server, ENVOY_SERVER) == 0)
        return connection->relay_server;
    return exchange->server;
}

static bool server_fits(const struct cs_exchange *exchange, const char *server)
{
    if (!server)
        return true;
    if (server == NOT_YET || !answered(exchange))
        return server == NOT_YET && !answered(exchange);
    if (server == MOVED)
        return exchange->status / 100 == 3 && server_of(exchange)[0] == '\0';
    if (!server[0])
        return server_of(exchange)[0] == '\0';
    return strncmp(server_of(exchange), server, strlen(server)) == 0;
}

/* NMI had a token for the pod, or asked IMDS for one and was refused; without an identity 404. */
static bool asked_for_it(const struct cs_exchange *exchange)
{
    return exchange->status == 200 || exchange->status == 403;
}

static bool is_unbound(const struct cs_evidence *evidence)
{
    return evidence->declared_known && !(evidence->declared & CS_DECLARED_BIT(AAD_POD_IDENTITY)) &&
           asked_for_it(evidence->exchange);
}

static bool fits(const struct answerer *row, const struct cs_evidence *evidence,
                 enum cs_interceptor by_pod)
{
    const struct cs_connection *connection = evidence->exchange->connection;
    bool intercepted = cs_evidence_intercepted(evidence);

    if (intercepted != (row->told != NOBODY))
        return false;
    if (row->told == BY_ITS_POD && row->interceptor != by_pod)
        return false;
    return (!row->place || row->place == connection->intercept_place) &&
           (row->port == ANY_PORT || row->port == connection->intercept_port) &&
           (!row->unbound || is_unbound(evidence)) && server_fits(evidence->exchange, row->server);
}

static const struct answerer *answerer_of(const struct cs_evidence *evidence, enum asked asked)
{
    enum cs_interceptor by_pod = cs_party_interceptor(&evidence->listener);

    for (size_t i = 0; i < CS_ARRAY_SIZE(answerers); i++) {
        if (answerers[i].asked == asked && fits(&answerers[i], evidence, by_pod))
            return &answerers[i];
    }
    return NULL;
}

static uint32_t reasons_of(const struct answerer *row)
{
    uint32_t reasons = CS_REASON_BIT(ADDRESS) | CS_REASON_BIT(PATH);

    if (row->told != NOBODY)
        reasons |= CS_REASON_BIT(INTERCEPTED);
    if (row->told == BY_ITS_POD)
        reasons |= CS_REASON_BIT(LISTENER_POD);
    if (row->port != ANY_PORT)
        reasons |= CS_REASON_BIT(LISTENER_PORT);
    if (row->server && row->server != NOT_YET)
        reasons |= row->server[0] && row->server != MOVED ? CS_REASON_BIT(SERVER_HEADER)
                                                          : CS_REASON_BIT(NO_SERVER_HEADER);
    if (row->unbound)
        reasons |= CS_REASON_BIT(NOT_DECLARED);
    if (row->mechanism == CS_MECHANISM_IMDSV1)
        reasons |= CS_REASON_BIT(TOKEN_HEADER);
    return reasons;
}

/* The pod is bound to an interceptor that is at work here: that it didn't take this connection is
 * more likely unseen than so. But NMI never says that it is IMDS, and kube2iam and kiam let
 * -extended through. */
static bool is_doubtful(const struct cs_evidence *evidence, const struct answerer *row)
{
    uint16_t binding =
        row->asked == ASKED_AZURE ? CS_DECLARED_BIT(AAD_POD_IDENTITY) : CS_DECLARED_BIT(KUBE2IAM);

    return row->told == NOBODY && !row->server && row->asked != ASKED_AWS_EXTENDED &&
           evidence->interceptor_near && evidence->declared_known && evidence->declared & binding;
}

/* What is known of the pod and speaks for or against the row. */
static void adjust(const struct cs_evidence *evidence, const struct answerer *row,
                   struct cs_verdict *verdict)
{
    /* A pod that is known and goes by another name than the port suggests. */
    bool other_pod = row->told == BY_BEHAVIOUR && evidence->listener.known;
    /* NMI may have answered with the node's token. */
    bool perhaps_exempt =
        row->mechanism == NMI && asked_for_it(evidence->exchange) && !evidence->declared_known;

    if ((other_pod || perhaps_exempt) && verdict->confidence == HIGH)
        verdict->confidence = MEDIUM;
    if (row->mechanism == NMI && evidence->declared_known &&
        evidence->declared & CS_DECLARED_BIT(AAD_POD_IDENTITY))
        verdict->reasons |= CS_REASON_BIT(DECLARED);
    if (is_doubtful(evidence, row)) {
        verdict->confidence = LOW;
        verdict->reasons |= CS_REASON_BIT(DECLARED);
    }
}

static void credentials(const struct cs_evidence *evidence, enum asked asked,
                        struct cs_verdict *verdict)
{
    const struct cs_exchange *exchange = evidence->exchange;
    const struct answerer *row = answerer_of(evidence, asked);
    enum cs_mechanism mechanism;

    if (!row)
        return;
    mechanism = row->mechanism;
    if (mechanism == CS_MECHANISM_IMDSV1 && (exchange->request_flags & CS_REQUEST_IMDS_TOKEN))
        mechanism = CS_MECHANISM_IMDSV2;
    set(verdict, mechanism, row->confidence, reasons_of(row));
    adjust(evidence, row, verdict);
    verdict->interceptor = row->interceptor;
    verdict->delivered = delivers(exchange);
    if (exchange->status == 200 && !verdict->delivered)
        verdict->reasons |= CS_REASON_BIT(ANSWER_SIZE);
}

/* A token request names its resource and carries the Metadata header; the SDKs' probe of whether
 * there is an IMDS has neither. What was answered with 200 was a request all the same (NMI can be
 * told not to require the header); a line that was cut may have named the resource. */
static bool asks_azure_token(const struct cs_exchange *exchange)
{
    bool resource = cs_http_target_query(exchange->path, "resource").len > 0;

    if (exchange->status == 200)
        return true;
    return (resource || (exchange->request_flags & CS_REQUEST_LINE_CUT)) &&
           (exchange->request_flags & CS_REQUEST_METADATA);
}

static void metadata(const struct cs_evidence *evidence, struct cs_verdict *verdict)
{
    uint32_t reasons = CS_REASON_BIT(ADDRESS) | CS_REASON_BIT(PATH);

    if (cs_evidence_intercepted(evidence)) {
        reasons |= CS_REASON_BIT(INTERCEPTED);
        verdict->interceptor = cs_party_interceptor(&evidence->listener);
    }
    set(verdict, CS_MECHANISM_METADATA, CS_CONFIDENCE_HIGH, reasons);
}

/* AWS or Azure, v1 or v2, credentials or region: nothing was said yet. A pod that is bound to an
 * identity of NMI's and declares nothing else was about to ask for that; one whose webhook put the
 * migration sidecar in front of it, the sidecar, which does not listen yet. */
static void nothing_said(const struct cs_evidence *evidence, struct cs_verdict *verdict)
{
    const struct cs_connection *connection = evidence->exchange->connection;
    bool sidecar =
        connection->intercept_place == CS_INTERCEPT_POD && connection->intercept_port == AZWI_PORT;

    verdict->reasons = CS_REASON_BIT(ADDRESS);
    if (!evidence->declared_known)
        return;
    if (sidecar && (evidence->declared & CS_DECLARED_BIT(AZURE_WORKLOAD_IDENTITY))) {
        verdict->mechanism = CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY;
        verdict->interceptor = CS_INTERCEPTOR_AZWI_PROXY;
        verdict->reasons |= CS_REASON_BIT(INTERCEPTED) | CS_REASON_BIT(LISTENER_PORT);
    } else if (evidence->declared == CS_DECLARED_BIT(AAD_POD_IDENTITY)) {
        verdict->mechanism = CS_MECHANISM_AAD_POD_IDENTITY;
    } else {
        return;
    }
    verdict->reasons |= CS_REASON_BIT(DECLARED);
}

void cs_classify_imds(const struct cs_evidence *evidence, struct cs_verdict *verdict)
{
    const struct cs_exchange *exchange = evidence->exchange;
    bool head = strcmp(exchange->method, "HEAD") == 0;

    if (exchange->connect_failed || !exchange->path[0]) {
        nothing_said(evidence, verdict);
        return;
    }
    metadata(evidence, verdict);
    switch (cs_path_classify(exchange->path)) {
    case CS_PATH_AWS_ROLE:
    case CS_PATH_AWS_INSTANCE:
        if (!head)
            credentials(evidence, ASKED_AWS, verdict);
        break;
    case CS_PATH_AWS_EXTENDED:
        if (!head)
            credentials(evidence, ASKED_AWS_EXTENDED, verdict);
        break;
    case CS_PATH_AWS_EXTENDED_NAME:
        verdict->probe = true;
        break;
    case CS_PATH_AZURE_TOKEN:
        if (asks_azure_token(exchange))
            credentials(evidence, ASKED_AZURE, verdict);
        else
            verdict->probe = true;
        break;
    case CS_PATH_AZURE_PLATFORM:
        credentials(evidence, ASKED_AZURE, verdict);
        verdict->delivered = false; /* what the certificate request needs, no secret */
        break;
    case CS_PATH_AZURE_ISSUE:
        credentials(evidence, ASKED_AZURE, verdict);
        break;
    default:
        break;
    }
}
