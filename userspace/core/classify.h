/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names the mechanism of one exchange from what was observed of it. Pure: the same input gives
 * the same verdict. Never looks at the User-Agent: many clients send none.
 */
#ifndef CS_CORE_CLASSIFY_H
#define CS_CORE_CLASSIFY_H

#include "core/exchange.h"
#include "core/mechanism.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Label `endpoint` of the node-level series. */
enum cs_endpoint {
    CS_ENDPOINT_POD_IDENTITY_AGENT,
    CS_ENDPOINT_IMDS,
    CS_ENDPOINT_STS,
    CS_ENDPOINT_ENTRA,
    CS_ENDPOINT_EKS_AUTH,
    CS_ENDPOINT_PROXY,
    CS_ENDPOINT_UNKNOWN, /* a TLS port whose name was never seen: "~unknown" */
    CS_ENDPOINT_END,
};

const char *cs_endpoint_name(enum cs_endpoint endpoint);

enum cs_confidence {
    CS_CONFIDENCE_LOW,
    CS_CONFIDENCE_MEDIUM,
    CS_CONFIDENCE_HIGH,
    CS_CONFIDENCE_END
};

const char *cs_confidence_name(enum cs_confidence confidence);

/* Why; a set, in the event log by name. The names are one table in classify.c. */
enum cs_reason {
    CS_REASON_ADDRESS,          /* destination address and port */
    CS_REASON_PATH,             /* request target */
    CS_REASON_SERVER_HEADER,    /* response's Server */
    CS_REASON_NO_SERVER_HEADER, /* an answer without one */
    CS_REASON_INTERCEPTED,      /* a local listener answered */
    CS_REASON_LISTENER_PORT,    /* … on a port known for that interceptor */
    CS_REASON_SNI,              /* server name of the ClientHello */
    CS_REASON_TOKEN_HEADER,     /* presence of the IMDSv2 token header */
    CS_REASON_TOKEN_OPEN,       /* a watched token file was opened by the same container */
    CS_REASON_RECORD_SHAPE,     /* TLS record lengths */
    CS_REASON_DECLARED,         /* the pod's spec */
    CS_REASON_CONNECT_FAILED,   /* nothing was sent: only the destination speaks */
    CS_REASON_GAP,              /* part of the exchange was not seen */
    CS_REASON_END,
};

const char *cs_reason_name(enum cs_reason reason);

struct cs_verdict {
    enum cs_mechanism mechanism;
    enum cs_endpoint endpoint;
    enum cs_outcome outcome; /* the exchange's, refined (TLS: *_inferred, answered) */
    enum cs_confidence confidence;
    uint32_t reasons; /* bit (1 << enum cs_reason) */
    bool delivered;   /* this answer carried credentials */
    bool probe;       /* an SDK's or agent's probe, no credential attempt */
};

/* What it says for success and failure times: a probe that fails is no failure. */
enum cs_result cs_verdict_result(const struct cs_verdict *verdict);

struct cs_watchlist; /* core/watchlist.h */

/* Evidence beyond the exchange itself; zero is “nothing known”; the first two are required. */
struct cs_evidence {
    const struct cs_exchange *exchange;
    const struct cs_watchlist *watchlist; /* what each address and server name stands for */
    /* Last open of a web-identity token by this container that no earlier exchange has used up;
     * 0 none. One open explains one call: Go and JS send AssumeRoleWithWebIdentity and the next
     * signed call on the same connection. */
    uint64_t token_open_ns;
    enum cs_mechanism token_mechanism; /* what that token is for: IRSA, AZURE_WORKLOAD_IDENTITY */
};

/* An exchange in flight (end_ns 0) gets the verdict that is possible before its answer. */
void cs_classify(const struct cs_evidence *evidence, struct cs_verdict *verdict);

/* What was asked for in clear: the role's name (AWS), or the value of client_id, object_id,
 * principal_id, msi_res_id or mi_res_id (Azure). False and "" when the request names none. */
bool cs_exchange_identity(const struct cs_exchange *exchange, char *to, size_t size);

#endif
