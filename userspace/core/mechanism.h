/* SPDX-License-Identifier: Apache-2.0 */
/* The closed sets that label every series: mechanisms and outcomes, each one table. */
#ifndef CS_CORE_MECHANISM_H
#define CS_CORE_MECHANISM_H

#include <stdint.h>

enum cs_mechanism {
    CS_MECHANISM_EKS_POD_IDENTITY,
    CS_MECHANISM_IRSA,
    CS_MECHANISM_STS,
    CS_MECHANISM_IMDSV1,
    CS_MECHANISM_IMDSV2,
    CS_MECHANISM_KUBE2IAM,
    CS_MECHANISM_KIAM,
    CS_MECHANISM_AAD_POD_IDENTITY,
    CS_MECHANISM_AZURE_WORKLOAD_IDENTITY,
    CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY,
    CS_MECHANISM_AZURE_IMDS,
    CS_MECHANISM_ENTRA,
    CS_MECHANISM_INTERCEPTED,
    CS_MECHANISM_EKS_AUTH,
    CS_MECHANISM_METADATA,
    CS_MECHANISM_UNKNOWN, /* watched traffic that is none of the above, as TLS that failed before
                             a name was seen: label "~unknown" */
    CS_MECHANISM_END,
};

/* What a migration does with it. */
enum cs_mechanism_class { CS_CLASS_RETIRING, CS_CLASS_CURRENT, CS_CLASS_NODE, CS_CLASS_OTHER };

struct cs_mechanism_info {
    const char *name;  /* label value */
    const char *cloud; /* "aws", "azure" or "any" */
    const char *class_name;
    enum cs_mechanism_class class;
    const char *successor; /* label value of the mechanism to move to, or "none" */
};

/* Never NULL for a value below CS_MECHANISM_END. */
const struct cs_mechanism_info *cs_mechanism_info(enum cs_mechanism mechanism);

enum cs_outcome {
    CS_OUTCOME_OK,
    CS_OUTCOME_REDIRECTED,
    CS_OUTCOME_DENIED,
    CS_OUTCOME_NOT_FOUND,
    CS_OUTCOME_THROTTLED,
    CS_OUTCOME_CLIENT_ERROR,
    CS_OUTCOME_SERVER_ERROR,
    CS_OUTCOME_REFUSED,
    CS_OUTCOME_UNREACHABLE,
    CS_OUTCOME_RESET,
    CS_OUTCOME_NO_RESPONSE,
    CS_OUTCOME_ABANDONED,
    CS_OUTCOME_TLS_FAILED,
    CS_OUTCOME_OK_INFERRED,
    CS_OUTCOME_REJECTED_INFERRED,
    CS_OUTCOME_ANSWERED,
    CS_OUTCOME_UNOBSERVED, /* the answer was in a gap: label "~unknown" */
    CS_OUTCOME_END,
};

const char *cs_outcome_name(enum cs_outcome outcome);

/* What an outcome says of the request, for success and failure times and ratios. */
enum cs_result {
    CS_RESULT_SUCCESS, /* ok, ok_inferred */
    CS_RESULT_FAILURE,
    CS_RESULT_NEITHER, /* redirected, answered, unobserved */
};

enum cs_result cs_outcome_result(enum cs_outcome outcome);

/* The same, of a request by that mechanism: 404 and 400 to a metadata request are what was to be
 * told (no spot notice, no such path, a probe without its header), so they are neither. */
enum cs_result cs_request_result(enum cs_mechanism mechanism, enum cs_outcome outcome);

/* What it says of the end-point that was asked: one that refuses works. */
enum cs_result cs_outcome_endpoint_result(enum cs_outcome outcome);

/* The outcome of an HTTP status, 100 … 999 (RFC 9110 15). */
enum cs_outcome cs_outcome_from_status(uint16_t status);

#endif
