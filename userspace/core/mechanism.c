// SPDX-License-Identifier: Apache-2.0
#include "core/mechanism.h"

#include "base/util.h"

#include <assert.h>

#define RETIRING "retiring", CS_CLASS_RETIRING
#define CURRENT  "current", CS_CLASS_CURRENT
#define NODE     "node", CS_CLASS_NODE
#define OTHER    "other", CS_CLASS_OTHER

static const struct cs_mechanism_info mechanisms[] = {
    [CS_MECHANISM_EKS_POD_IDENTITY] = {"eks-pod-identity", "aws", CURRENT, "none"},
    [CS_MECHANISM_IRSA] = {"irsa", "aws", RETIRING, "eks-pod-identity"},
    [CS_MECHANISM_STS] = {"sts", "aws", OTHER, "none"},
    [CS_MECHANISM_IMDSV1] = {"imdsv1", "aws", NODE, "eks-pod-identity"},
    [CS_MECHANISM_IMDSV2] = {"imdsv2", "aws", NODE, "eks-pod-identity"},
    [CS_MECHANISM_KUBE2IAM] = {"kube2iam", "aws", RETIRING, "eks-pod-identity"},
    [CS_MECHANISM_KIAM] = {"kiam", "aws", RETIRING, "eks-pod-identity"},
    [CS_MECHANISM_AAD_POD_IDENTITY] = {"aad-pod-identity", "azure", RETIRING,
                                       "azure-workload-identity"},
    [CS_MECHANISM_AZURE_WORKLOAD_IDENTITY] = {"azure-workload-identity", "azure", CURRENT, "none"},
    [CS_MECHANISM_AZURE_WORKLOAD_IDENTITY_PROXY] = {"azure-workload-identity-proxy", "azure",
                                                    RETIRING, "azure-workload-identity"},
    [CS_MECHANISM_AZURE_IMDS] = {"azure-imds", "azure", NODE, "azure-workload-identity"},
    [CS_MECHANISM_ENTRA] = {"entra", "azure", OTHER, "none"},
    [CS_MECHANISM_INTERCEPTED] = {"intercepted", "any", RETIRING, "none"},
    [CS_MECHANISM_EKS_AUTH] = {"eks-auth", "aws", OTHER, "none"},
    [CS_MECHANISM_METADATA] = {"metadata", "any", OTHER, "none"},
    [CS_MECHANISM_UNKNOWN] = {"~unknown", "any", OTHER, "none"},
};
static_assert(CS_ARRAY_SIZE(mechanisms) == CS_MECHANISM_END, "a row for every mechanism");

const struct cs_mechanism_info *cs_mechanism_info(enum cs_mechanism mechanism)
{
    return &mechanisms[mechanism];
}
