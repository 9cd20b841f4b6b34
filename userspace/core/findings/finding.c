// SPDX-License-Identifier: Apache-2.0
#include "core/findings/finding.h"

#include "base/util.h"

#include <assert.h>

static const char *const severity_names[] = {
    [CS_SEVERITY_INFO] = "info",
    [CS_SEVERITY_WARNING] = "warning",
    [CS_SEVERITY_CRITICAL] = "critical",
};
static_assert(CS_ARRAY_SIZE(severity_names) == CS_SEVERITY_END, "a name for every severity");

#define CONTAINER CS_SCOPE_OF_CONTAINER
#define NODE      CS_SCOPE_OF_NODE
#define CLUSTER   CS_SCOPE_OF_CLUSTER
#define INFO      CS_SEVERITY_INFO
#define WARNING   CS_SEVERITY_WARNING
#define CRITICAL  CS_SEVERITY_CRITICAL
#define QUIET     CS_CLEAR_QUIET
#define USE       CS_CLEAR_USE
#define HOLD      CS_FINDING_HOLD_NS
#define LONG_HOLD CS_FINDING_LONG_HOLD_NS
#define NOTHING   CS_SUCCESS_NONE

/* What opens each stands beside its name in finding_rules.c. */
static const struct cs_finding_info findings[] = {
    [CS_FINDING_RETIRING_MECHANISM] =
        {"retiring-mechanism", WARNING, CONTAINER, USE, NOTHING, HOLD,
         "Got credentials through {mechanism}{identity}, which is to be retired. {move}"},
    [CS_FINDING_IRSA_LEFT_BEHIND] =
        {"irsa-left-behind", WARNING, CONTAINER, USE, NOTHING, HOLD,
         "Declares {declared}, yet got credentials through irsa: SDKs prefer the web identity. "
         "Remove the annotation eks.amazonaws.com/role-arn, or the AWS_ROLE_ARN and "
         "AWS_WEB_IDENTITY_TOKEN_FILE set by hand, and re-create the pod."},
    [CS_FINDING_NODE_IDENTITY_FALLBACK] =
        {"node-identity-fallback", CRITICAL, CONTAINER, CS_CLEAR_SUPERSEDED, NOTHING, HOLD,
         "Declares {declared}, yet got the node's identity through {mechanism}{identity}. Look "
         "for failed requests of the declared mechanism and for an SDK too old for it; block "
         "instance metadata for pods once nothing needs it."},
    [CS_FINDING_UNDECLARED_NODE_IDENTITY] =
        {"undeclared-node-identity", WARNING, CONTAINER, USE, NOTHING, HOLD,
         "Declares no identity and took the node's through {mechanism}{identity}. {move} If it "
         "is meant to be so, list it with --expect."},
    [CS_FINDING_UNDECLARED_INTERCEPTION] =
        {"undeclared-interception", WARNING, CONTAINER, USE, NOTHING, HOLD,
         "Declares nothing, yet {mechanism} gave it credentials{identity}: a binding or default "
         "that nobody sees in the pod. {move}"},
    [CS_FINDING_IMDSV1] =
        {"imdsv1", WARNING, CONTAINER, USE, NOTHING, HOLD,
         "Instance metadata answered {path} without a session token (IMDSv1). Update the client, "
         "then require tokens (http-tokens=required)."},
    [CS_FINDING_IMDSV1_ATTEMPTED] =
        {"imdsv1-attempted", INFO, CONTAINER, USE, NOTHING, HOLD,
         "Asked instance metadata for {path} without a session token and was refused. Update the "
         "client, or raise the hop limit if its token request was not answered."},
    [CS_FINDING_FIRST_CALL_FAILED] =
        {"first-call-failed", WARNING, CONTAINER, QUIET, NOTHING, HOLD,
         "The container's first request for credentials ({mechanism}) failed: {outcome} after "
         "{time}. {first}"},
    [CS_FINDING_REFRESH_FAILING] =
        {"refresh-failing", CRITICAL, CONTAINER, QUIET, CS_SUCCESS_CREDENTIALS, LONG_HOLD,
         "Had credentials through {mechanism} and has failed to renew them for {seconds} s (last: "
         "{outcome}): it will break when they expire. Look at the end-point's health on this "
         "node."},
    [CS_FINDING_ENDPOINT_UNREACHABLE] =
        {"endpoint-unreachable", CRITICAL, NODE, QUIET, CS_SUCCESS_ADDRESS, LONG_HOLD,
         "{address} has given nobody on this node an answer for {seconds} s (last: {outcome}). "
         "{look}"},
    [CS_FINDING_FAMILY_UNREACHABLE] =
        {"family-unreachable", WARNING, NODE, QUIET, CS_SUCCESS_ADDRESS, LONG_HOLD,
         "{address} has given nobody an answer for {seconds} s (last: {outcome}) while the same "
         "end-point answers over the other address family. Look at the addresses the agent was "
         "told to bind."},
    [CS_FINDING_ASSOCIATION_MISSING] =
        {"association-missing", CRITICAL, CONTAINER, QUIET, CS_SUCCESS_ASSOCIATION, HOLD,
         "The agent answered 404 for {seconds} s: there is no pod identity association for "
         "{sa}. Create it (aws eks create-pod-identity-association)."},
    [CS_FINDING_ASSOCIATION_PROPAGATING] =
        {"association-propagating", INFO, CONTAINER, QUIET, CS_SUCCESS_ASSOCIATION, HOLD,
         "The agent answered 404 for {sa}: a new pod identity association needs up to half a "
         "minute to be known, or there is none. Wait; after a minute see association-missing."},
    [CS_FINDING_CREDENTIALS_REFUSED] =
        {"credentials-refused", CRITICAL, CONTAINER, QUIET, CS_SUCCESS_AGENT, HOLD,
         "The agent refused {sa} with {status}. Its log says why: an expired token, a role whose "
         "trust policy lacks pods.eks.amazonaws.com, or a wrong Host header."},
    [CS_FINDING_THROTTLED] =
        {"throttled", WARNING, CONTAINER, QUIET, NOTHING, HOLD,
         "{mechanism} answered 429. Cache credentials in the client, spread the start of pods, "
         "or raise the agent's limit."},
    [CS_FINDING_HOP_LIMIT] =
        {"hop-limit", WARNING, CONTAINER, USE, CS_SUCCESS_CREDENTIALS, HOLD,
         "The IMDSv2 token request was not answered while instance metadata answers this node, "
         "and no credentials came within a minute: the hop limit is 1. Give the pod an identity "
         "of its own, or raise http-put-response-hop-limit to 2."},
    [CS_FINDING_HOP_LIMIT_HARMLESS] =
        {"hop-limit-harmless", INFO, CONTAINER, USE, NOTHING, HOLD,
         "The IMDSv2 token request was not answered (hop limit 1), but the container has "
         "credentials. It loses a second each time: set AWS_EC2_METADATA_DISABLED=true."},
    [CS_FINDING_INTERCEPTOR_SLOW] =
        {"interceptor-slow", WARNING, CONTAINER, QUIET, NOTHING, HOLD,
         "{mechanism} held a request for {seconds} s ({outcome}). {hold}"},
    [CS_FINDING_CHAINED_ASSUME_ROLE] =
        {"chained-assume-role", INFO, CONTAINER, USE, NOTHING, HOLD,
         "Calls STS after it got its own credentials, {rate} times an hour: a role chain. Pod "
         "Identity can assume the target role itself (--target-role-arn)."},
    [CS_FINDING_GLOBAL_STS_ENDPOINT] =
        {"global-sts-endpoint", INFO, CONTAINER, USE, NOTHING, HOLD,
         "Uses sts.amazonaws.com, which is in one region. Set AWS_STS_REGIONAL_ENDPOINTS=regional "
         "and AWS_REGION."},
    [CS_FINDING_TOKEN_READ_NO_EXCHANGE] =
        {"token-read-no-exchange", WARNING, CONTAINER, QUIET, CS_SUCCESS_CREDENTIALS, HOLD,
         "Read its {mechanism} token three times in {seconds} s and got no credentials by any "
         "route that is watched. Look for a proxy, an unknown STS name (--sts-host), or a client "
         "that only checks the file."},
    [CS_FINDING_SDK_TOO_OLD] =
        {"sdk-too-old", WARNING, CONTAINER, USE, NOTHING, HOLD,
         "Its SDK is {detail}, the oldest that knows {successor}. Update it before the pod is "
         "moved, or it will take the node's identity or fail."},
    [CS_FINDING_DECLARED_UNUSED] =
        {"declared-unused", INFO, CLUSTER, QUIET, NOTHING, HOLD,
         "Declares {declared}, which no pod of the workload has used for 7 days."},
    [CS_FINDING_STALE_POD] =
        {"stale-pod", WARNING, CLUSTER, QUIET, NOTHING, HOLD,
         "The pod is older than the change that its siblings already have: re-create it."},
};
static_assert(CS_ARRAY_SIZE(findings) == CS_FINDING_END, "a row for every finding");

const char *cs_severity_name(enum cs_severity severity)
{
    return severity_names[severity];
}

const struct cs_finding_info *cs_finding_info(enum cs_finding finding)
{
    return &findings[finding];
}
