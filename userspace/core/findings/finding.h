/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The closed set of findings: one table with what each means, when it clears, and the sentence
 * that explains it. docs/findings.md is the reference for people; a unit test compares the two.
 */
#ifndef CS_CORE_FINDING_H
#define CS_CORE_FINDING_H

#include <stddef.h>
#include <stdint.h>

enum cs_finding {
    CS_FINDING_RETIRING_MECHANISM,
    CS_FINDING_IRSA_LEFT_BEHIND,
    CS_FINDING_NODE_IDENTITY_FALLBACK,
    CS_FINDING_UNDECLARED_NODE_IDENTITY,
    CS_FINDING_UNDECLARED_INTERCEPTION,
    CS_FINDING_IMDSV1,
    CS_FINDING_IMDSV1_ATTEMPTED,
    CS_FINDING_FIRST_CALL_FAILED,
    CS_FINDING_REFRESH_FAILING,
    CS_FINDING_ENDPOINT_UNREACHABLE,
    CS_FINDING_FAMILY_UNREACHABLE,
    CS_FINDING_ASSOCIATION_MISSING,
    CS_FINDING_ASSOCIATION_PROPAGATING,
    CS_FINDING_CREDENTIALS_REFUSED,
    CS_FINDING_THROTTLED,
    CS_FINDING_HOP_LIMIT,
    CS_FINDING_HOP_LIMIT_HARMLESS,
    CS_FINDING_INTERCEPTOR_SLOW,
    CS_FINDING_CHAINED_ASSUME_ROLE,
    CS_FINDING_GLOBAL_STS_ENDPOINT,
    CS_FINDING_TOKEN_READ_NO_EXCHANGE,
    CS_FINDING_SDK_TOO_OLD,
    CS_FINDING_DECLARED_UNUSED,
    CS_FINDING_STALE_POD,
    CS_FINDING_END,
};

enum cs_severity { CS_SEVERITY_INFO, CS_SEVERITY_WARNING, CS_SEVERITY_CRITICAL, CS_SEVERITY_END };

const char *cs_severity_name(enum cs_severity severity);

enum cs_finding_scope {
    CS_SCOPE_OF_CONTAINER,
    CS_SCOPE_OF_NODE,    /* one address, as this node sees it */
    CS_SCOPE_OF_CLUSTER, /* needs the whole cluster: for a report, never raised by a node */
};

/* When it clears. Every finding stays for CS_FINDING_HOLD_NS after its last evidence, unless
 * success ends it: an alert that fires and goes between two scrapes is of no use. */
#define CS_FINDING_HOLD_NS (UINT64_C(900) * 1000000000)
/* For what only a success can end well: retries may be far apart. */
#define CS_FINDING_LONG_HOLD_NS (UINT64_C(3600) * 1000000000)

enum cs_finding_clear {
    CS_CLEAR_QUIET,      /* hold_ns after the last evidence */
    CS_CLEAR_USE,        /* when the container ends, or a credential's longest life after the last
                          * evidence: what is cached, or set up so, comes back hours later */
    CS_CLEAR_SUPERSEDED, /* as CS_CLEAR_USE, or once the container got credentials of its own
                          * since */
};

/* What ends it at once. */
enum cs_finding_success {
    CS_SUCCESS_NONE,
    CS_SUCCESS_CREDENTIALS, /* the container got credentials, by whatever mechanism */
    CS_SUCCESS_AGENT,       /* … from the agent */
    CS_SUCCESS_ASSOCIATION, /* the agent served that service account */
    CS_SUCCESS_ADDRESS,     /* the address answered anybody */
};

struct cs_finding_info {
    const char *name; /* label value */
    enum cs_severity severity;
    enum cs_finding_scope scope;
    enum cs_finding_clear clear;
    enum cs_finding_success success;
    uint64_t hold_ns;
    /* One sentence of evidence and one of what to do; {names} are filled in (finding_text.c). */
    const char *text;
};

/* Never NULL for a value below CS_FINDING_END. */
const struct cs_finding_info *cs_finding_info(enum cs_finding finding);

#endif
