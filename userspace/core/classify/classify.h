/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names the mechanism of one exchange from named evidence: the exchange itself, token files
 * opened, what the pod declares, who listened in between, and what preceded it. Pure: the same
 * input gives the same verdict. Never looks at the User-Agent: many clients send none.
 * docs/mechanisms.md says in words what the tables behind it say.
 */
#ifndef CS_CORE_CLASSIFY_H
#define CS_CORE_CLASSIFY_H

#include "core/exchange/exchange.h"
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
    CS_REASON_TOKEN_OPEN_OTHER, /* … by another process of the container */
    CS_REASON_TOKEN_OPEN_POD,   /* … by another container of the pod, which redirects */
    CS_REASON_TOKEN_OPEN_PAST,  /* … once, too long ago to be this call's */
    CS_REASON_NO_TOKEN_OPEN,    /* nobody opened one */
    CS_REASON_NO_TOKEN_HOOK,    /* opens can't be seen on this node */
    CS_REASON_NOT_DECLARED,     /* the pod's spec has none of it */
    CS_REASON_PRECEDED,         /* what the container did before */
    CS_REASON_ANSWER_SIZE,      /* how much was answered */
    CS_REASON_LISTENER_POD,     /* the pod that the listener belongs to */
    CS_REASON_PROXIED,          /* a node's proxy connected, for nobody knows whom */
    CS_REASON_END,
};

const char *cs_reason_name(enum cs_reason reason);

/* Who answers in another's place. */
enum cs_interceptor {
    CS_INTERCEPTOR_NONE,
    CS_INTERCEPTOR_UNKNOWN,
    CS_INTERCEPTOR_NMI,
    CS_INTERCEPTOR_KUBE2IAM,
    CS_INTERCEPTOR_KIAM,
    CS_INTERCEPTOR_AZWI_PROXY,
    CS_INTERCEPTOR_MESH, /* Envoy and the like: passes on what it is asked */
    CS_INTERCEPTOR_END,
};

/* "none", "unknown", "nmi", "kube2iam", "kiam", "azwi-proxy", "mesh". */
const char *cs_interceptor_name(enum cs_interceptor interceptor);

/* What an encrypted call was, as far as its sizes tell. */
enum cs_call {
    CS_CALL_UNKNOWN,
    CS_CALL_WEB_IDENTITY, /* a token was exchanged: the mechanism says which */
    CS_CALL_IDENTITY,     /* GetCallerIdentity */
    CS_CALL_ASSUME_ROLE,  /* signed, and answered with credentials' size */
};

/* How near an open of a token file is to the caller. */
enum cs_token_match {
    CS_TOKEN_NONE,
    CS_TOKEN_OF_POD,       /* another container of the pod opened it */
    CS_TOKEN_OF_CONTAINER, /* another process of the container */
    CS_TOKEN_OF_PROCESS,   /* the caller, or a process of its container not known which */
};

/* What the container did before, as far as it was watched. */
enum cs_preceded {
    CS_PRECEDED_UNKNOWN,
    CS_PRECEDED_NOTHING,      /* watched from its beginning: it got no credentials so far */
    CS_PRECEDED_TOKEN,        /* this process exchanged a token for credentials */
    CS_PRECEDED_TOKEN_FAILED, /* … and was refused or failed, seconds ago: may try again */
    CS_PRECEDED_TOKEN_OTHER,  /* another process of the container exchanged a token */
    CS_PRECEDED_TOKEN_BESIDE, /* … which it had opened itself, or is about to */
    CS_PRECEDED_OTHER,        /* it got credentials by another mechanism */
    CS_PRECEDED_CALL,         /* this process began a call before, whose end isn't known yet */
};

/* A pod at an end of a connection; "" or NULL is not known. */
struct cs_party {
    bool known; /* its pod is; false: all else is unset */
    bool host_network;
    bool alone; /* the pod has no other regular container */
    const char *workload;
    const char *container;
    const char *image;
};

/* Evidence that explains one call and then is used up, so that it can't be asked for again. */
struct cs_kept_evidence {
    uint64_t token_open_ns; /* 0 none */
    uint8_t token_match;    /* enum cs_token_match; NONE with a time: OF_PROCESS */
    bool token_opened_before;
    bool token_contested;
    uint8_t preceded;          /* enum cs_preceded */
    bool token_call_guessed;   /* that exchange was a guess of low confidence */
    uint32_t token_call_bytes; /* cs_call_size of the container's last token exchange; 0 */
};

struct cs_verdict {
    enum cs_mechanism mechanism;
    enum cs_endpoint endpoint;
    enum cs_outcome outcome; /* the exchange's, refined (TLS: *_inferred, answered) */
    enum cs_confidence confidence;
    uint32_t reasons; /* bit (1 << enum cs_reason) */
    bool delivered;   /* this answer carried credentials */
    bool probe;       /* an SDK's or agent's probe, no credential attempt */
    bool delegated;   /* a token of which nobody here opened a file: on behalf of whom is unknown */
    bool proxied;     /* the caller is a node's proxy: whose call it was is unknown */
    bool upstream;    /* an interceptor's own call, for those who ask it */
    enum cs_interceptor interceptor; /* who answered; NONE also where that is no question */
    enum cs_call call;
    struct cs_kept_evidence kept; /* the evidence's, for classifying again */
};

/* What it says for success and failure times: a probe that fails is no failure. */
enum cs_result cs_verdict_result(const struct cs_verdict *verdict);

struct cs_watchlist; /* core/classify/watchlist.h */

/* Evidence beyond the exchange itself; zero is “nothing known”; the first two are required. */
struct cs_evidence {
    const struct cs_exchange *exchange;
    const struct cs_watchlist *watchlist; /* what each address and server name stands for */

    /* Last open of a web-identity token by this container that no earlier exchange has used up;
     * 0 none. One open explains one call: Go and JS send AssumeRoleWithWebIdentity and the next
     * signed call on the same connection. */
    uint64_t token_open_ns;
    enum cs_mechanism token_mechanism; /* what that token is for: IRSA, AZURE_WORKLOAD_IDENTITY */
    enum cs_token_match token_match;   /* NONE, with an open: OF_PROCESS */
    bool token_opened_before;          /* container or pod opened one, at whatever time */
    bool token_contested; /* other calls of the process are under way: it may be theirs */
    bool no_token_hook;   /* opens can't be seen: that there is none says nothing */
    bool pod_redirects;   /* the pod's connections go to a listener in it: a mesh's sidecar */

    bool declared_known; /* the pod's spec is known; false: nothing of it says anything */
    uint16_t declared;   /* set of enum cs_declared_flag, of the container or its pod */

    struct cs_party caller;
    struct cs_party listener; /* of an intercepted connection */
    bool interceptor_near;    /* one is at work on this node that would have taken this connection
                               * to instance metadata */
    bool caller_listens;      /* the caller's cgroup answers in another's place itself */

    enum cs_preceded preceded;
    bool token_call_guessed;   /* as in struct cs_kept_evidence */
    uint32_t token_call_bytes; /* likewise */
};

/* An exchange in flight (end_ns 0) gets the verdict that is possible before its answer. */
void cs_classify(const struct cs_evidence *evidence, struct cs_verdict *verdict);

/* What was asked for in clear: the role's name (AWS), or the value of client_id, object_id,
 * principal_id, msi_res_id or mi_res_id (Azure). False and "" when the request names none. */
bool cs_exchange_identity(const struct cs_exchange *exchange, char *to, size_t size);

/* An IMDSv2 token request; and one that the real service left without an answer, as it does for
 * pods behind a hop limit of 1. */
bool cs_exchange_is_put(const struct cs_exchange *exchange);
bool cs_exchange_is_unanswered_put(const struct cs_exchange *exchange);

/* What it says of the end-point: of an unanswered token request it can't be told. */
enum cs_result cs_exchange_endpoint_result(const struct cs_exchange *exchange,
                                           enum cs_outcome outcome);

#endif
