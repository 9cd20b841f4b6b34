// SPDX-License-Identifier: Apache-2.0
/*
 * Requests in clear, to the Pod Identity agent and to instance metadata services. Sources of what
 * the servers say of themselves: eks-pod-identity-agent (no Server header), kube2iam
 * server/server.go (port 8181, fakes EC2ws), kiam cmd/kiam (3100 or 8181, Go's heads),
 * aad-pod-identity pkg/nmi (2579, no Server header on token answers), azure-workload-identity
 * pkg/proxy (8000 in the pod, names itself).
 */
#include "core/classify_path.h"
#include "core/classify_private.h"

#include "base/util.h"
#include "core/http_line.h"

#include <string.h>

#define ANY_PORT     0
#define EC2_SERVER   "EC2ws"
#define AZURE_SERVER "IMDS/"
#define AZWI_SERVER  "azure-workload-identity/proxy/"

static bool answered(const struct cs_exchange *exchange)
{
    return exchange->status != 0;
}

static void set(struct cs_verdict *verdict, enum cs_mechanism mechanism,
                enum cs_confidence confidence, uint32_t reasons)
{
    verdict->mechanism = mechanism;
    verdict->confidence = confidence;
    verdict->reasons = reasons;
}

void cs_classify_agent(const struct cs_exchange *exchange, struct cs_verdict *verdict)
{
    uint32_t reasons = CS_REASON_BIT(ADDRESS);

    if (exchange->connection->intercept_place)
        reasons |= CS_REASON_BIT(INTERCEPTED);
    if (exchange->connect_failed) {
        set(verdict, CS_MECHANISM_EKS_POD_IDENTITY, CS_CONFIDENCE_MEDIUM, reasons);
        return;
    }
    reasons |= CS_REASON_BIT(PATH);
    switch (cs_path_classify(exchange->path)) {
    case CS_PATH_AGENT:
    case CS_PATH_AGENT_UNCLEAN:
        set(verdict, CS_MECHANISM_EKS_POD_IDENTITY, CS_CONFIDENCE_HIGH, reasons);
        verdict->delivered = exchange->status == 200;
        break;
    case CS_PATH_ROOT:
        verdict->probe = true;
        /* fall through */
    default:
        set(verdict, CS_MECHANISM_METADATA, CS_CONFIDENCE_HIGH, reasons);
        break;
    }
}

/* Who answers IMDS: the first row that fits. place 0 is any; a server of NULL fits always, ""
 * an answer without the header, NOT_YET none so far. */
static const char NOT_YET[] = "(no answer)";

enum asked { ASKED_AWS, ASKED_AWS_EXTENDED, ASKED_AZURE };

static const struct answerer {
    enum asked asked;
    bool intercepted;
    uint8_t place;               /* enum cs_intercept_place; 0 any */
    uint16_t port;               /* of the listener; ANY_PORT */
    const char *server;          /* prefix of the Server header */
    enum cs_mechanism mechanism; /* IMDSV1 stands for either version */
    enum cs_confidence confidence;
} answerers[] = {
    {ASKED_AWS, false, 0, ANY_PORT, NULL, CS_MECHANISM_IMDSV1, CS_CONFIDENCE_HIGH},
    {ASKED_AWS_EXTENDED, false, 0, ANY_PORT, NULL, CS_MECHANISM_IMDSV1, CS_CONFIDENCE_HIGH},
    {ASKED_AWS, true, CS_INTERCEPT_NODE, 8181, EC2_SERVER, CS_MECHANISM_KUBE2IAM,
     CS_CONFIDENCE_HIGH},
    {ASKED_AWS, true, CS_INTERCEPT_NODE, 3100, "", CS_MECHANISM_KIAM, CS_CONFIDENCE_HIGH},
    {ASKED_AWS, true, CS_INTERCEPT_NODE, 3100, NOT_YET, CS_MECHANISM_KIAM, CS_CONFIDENCE_MEDIUM},
    {ASKED_AWS, true, CS_INTERCEPT_NODE, 8181, "", CS_MECHANISM_KIAM, CS_CONFIDENCE_MEDIUM},
    {ASKED_AWS, true, CS_INTERCEPT_NODE, 8181, NOT_YET, CS_MECHANISM_KUBE2IAM,
     CS_CONFIDENCE_MEDIUM},
    /* A redirect in the pod that passes the real service's heads on: a mesh's sidecar. */
    {ASKED_AWS, true, CS_INTERCEPT_POD, ANY_PORT, EC2_SERVER, CS_MECHANISM_IMDSV1,
     CS_CONFIDENCE_LOW},
    {ASKED_AWS, true, 0, ANY_PORT, NULL, CS_MECHANISM_INTERCEPTED, CS_CONFIDENCE_MEDIUM},
    /* kube2iam and kiam know no -extended: what they let through is the node's own. */
    {ASKED_AWS_EXTENDED, true, 0, ANY_PORT, EC2_SERVER, CS_MECHANISM_IMDSV1, CS_CONFIDENCE_MEDIUM},
    {ASKED_AWS_EXTENDED, true, CS_INTERCEPT_NODE, 3100, "", CS_MECHANISM_KIAM,
     CS_CONFIDENCE_MEDIUM},
    {ASKED_AWS_EXTENDED, true, CS_INTERCEPT_NODE, 8181, NOT_YET, CS_MECHANISM_KUBE2IAM,
     CS_CONFIDENCE_LOW},
    {ASKED_AWS_EXTENDED, true, 0, ANY_PORT, NULL, CS_MECHANISM_INTERCEPTED, CS_CONFIDENCE_MEDIUM},

    {ASKED_AZURE, false, 0, ANY_PORT, AZWI_SERVER, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY,
     CS_CONFIDENCE_MEDIUM},
    {ASKED_AZURE, false, 0, ANY_PORT, AZURE_SERVER, CS_MECHANISM_AZURE_IMDS, CS_CONFIDENCE_HIGH},
    {ASKED_AZURE, false, 0, ANY_PORT, NULL, CS_MECHANISM_AZURE_IMDS, CS_CONFIDENCE_MEDIUM},
    {ASKED_AZURE, true, 0, ANY_PORT, AZWI_SERVER, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY,
     CS_CONFIDENCE_HIGH},
    {ASKED_AZURE, true, 0, ANY_PORT, AZURE_SERVER, CS_MECHANISM_AZURE_IMDS, CS_CONFIDENCE_MEDIUM},
    {ASKED_AZURE, true, CS_INTERCEPT_NODE, 2579, "", CS_MECHANISM_AAD_POD_IDENTITY,
     CS_CONFIDENCE_HIGH},
    {ASKED_AZURE, true, CS_INTERCEPT_POD, 8000, NOT_YET, CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY,
     CS_CONFIDENCE_MEDIUM},
    {ASKED_AZURE, true, CS_INTERCEPT_NODE, 2579, NOT_YET, CS_MECHANISM_AAD_POD_IDENTITY,
     CS_CONFIDENCE_MEDIUM},
    {ASKED_AZURE, true, 0, ANY_PORT, NULL, CS_MECHANISM_INTERCEPTED, CS_CONFIDENCE_MEDIUM},
};

static bool server_fits(const struct cs_exchange *exchange, const char *server)
{
    if (!server)
        return true;
    if (server == NOT_YET || !answered(exchange))
        return server == NOT_YET && !answered(exchange);
    if (!server[0])
        return exchange->server[0] == '\0';
    return strncmp(exchange->server, server, strlen(server)) == 0;
}

static const struct answerer *answerer_of(const struct cs_exchange *exchange, enum asked asked)
{
    const struct cs_connection *connection = exchange->connection;

    for (size_t i = 0; i < CS_ARRAY_SIZE(answerers); i++) {
        const struct answerer *row = &answerers[i];

        if (row->asked == asked && row->intercepted == (connection->intercept_place != 0) &&
            (!row->place || row->place == connection->intercept_place) &&
            (row->port == ANY_PORT || row->port == connection->intercept_port) &&
            server_fits(exchange, row->server))
            return row;
    }
    return NULL;
}

static void credentials(const struct cs_exchange *exchange, enum asked asked,
                        struct cs_verdict *verdict)
{
    const struct answerer *row = answerer_of(exchange, asked);
    uint32_t reasons = CS_REASON_BIT(ADDRESS) | CS_REASON_BIT(PATH);
    enum cs_mechanism mechanism;

    if (!row)
        return;
    mechanism = row->mechanism;
    if (row->intercepted)
        reasons |= CS_REASON_BIT(INTERCEPTED);
    if (row->port != ANY_PORT)
        reasons |= CS_REASON_BIT(LISTENER_PORT);
    if (row->server && row->server != NOT_YET)
        reasons |= row->server[0] ? CS_REASON_BIT(SERVER_HEADER) : CS_REASON_BIT(NO_SERVER_HEADER);
    if (mechanism == CS_MECHANISM_IMDSV1) {
        reasons |= CS_REASON_BIT(TOKEN_HEADER);
        if (exchange->request_flags & CS_REQUEST_IMDS_TOKEN)
            mechanism = CS_MECHANISM_IMDSV2;
    }
    set(verdict, mechanism, row->confidence, reasons);
    verdict->delivered = exchange->status == 200;
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

static void metadata(const struct cs_exchange *exchange, struct cs_verdict *verdict)
{
    uint32_t reasons = CS_REASON_BIT(ADDRESS) | CS_REASON_BIT(PATH);

    if (exchange->connection->intercept_place)
        reasons |= CS_REASON_BIT(INTERCEPTED);
    set(verdict, CS_MECHANISM_METADATA, CS_CONFIDENCE_HIGH, reasons);
}

void cs_classify_imds(const struct cs_exchange *exchange, struct cs_verdict *verdict)
{
    bool head = strcmp(exchange->method, "HEAD") == 0;

    if (exchange->connect_failed || !exchange->path[0]) {
        /* AWS or Azure, v1 or v2, credentials or region: nothing was said yet. */
        verdict->reasons = CS_REASON_BIT(ADDRESS);
        return;
    }
    metadata(exchange, verdict);
    switch (cs_path_classify(exchange->path)) {
    case CS_PATH_AWS_ROLE:
    case CS_PATH_AWS_INSTANCE:
        if (!head)
            credentials(exchange, ASKED_AWS, verdict);
        break;
    case CS_PATH_AWS_EXTENDED:
        if (!head)
            credentials(exchange, ASKED_AWS_EXTENDED, verdict);
        break;
    case CS_PATH_AWS_EXTENDED_NAME:
        verdict->probe = true;
        break;
    case CS_PATH_AZURE_TOKEN:
        if (asks_azure_token(exchange))
            credentials(exchange, ASKED_AZURE, verdict);
        else
            verdict->probe = true;
        break;
    case CS_PATH_AZURE_PLATFORM:
        credentials(exchange, ASKED_AZURE, verdict);
        verdict->delivered = false; /* what the certificate request needs, no secret */
        break;
    case CS_PATH_AZURE_ISSUE:
        credentials(exchange, ASKED_AZURE, verdict);
        break;
    default:
        break;
    }
}
