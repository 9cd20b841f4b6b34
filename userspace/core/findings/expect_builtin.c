// SPDX-License-Identifier: Apache-2.0
/*
 * The providers' add-ons, and interceptors, that take the node's identity by design. Names are
 * those of their own manifests, which `source` tells by repository and path; where a chart leaves
 * the namespace to whoever installs it, any fits. An add-on that is given a role of its own stops
 * matching: the entry is for the node's identity only.
 */
#include "core/findings/expect.h"

#include "base/util.h"

#define NODE_V2(namespace, account, reason, source)                           \
    {                                                                         \
        namespace, account, CS_MECHANISM_IMDSV2, INT64_MAX, reason, source, 0 \
    }
#define NODE_AZURE(namespace, account, reason, source)                            \
    {                                                                             \
        namespace, account, CS_MECHANISM_AZURE_IMDS, INT64_MAX, reason, source, 0 \
    }
#define SYSTEM "kube-system"

static const struct cs_expect_entry entries[] = {
    NODE_V2(SYSTEM, "aws-node", "VPC CNI: attaches interfaces with the node's role by default",
            "aws/amazon-vpc-cni-k8s config/master/aws-k8s-cni.yaml"),
    NODE_V2(SYSTEM, "ebs-csi-node-sa", "EBS CSI node plug-in: reads its instance's data",
            "kubernetes-sigs/aws-ebs-csi-driver deploy/kubernetes/base/node.yaml"),
    NODE_V2(SYSTEM, "efs-csi-node-sa", "EFS CSI node plug-in: mounts with the node's role",
            "kubernetes-sigs/aws-efs-csi-driver deploy/kubernetes/base/node-daemonset.yaml"),
    NODE_V2(SYSTEM, "eks-pod-identity-agent", "Pod Identity Agent: signs its calls to EKS Auth",
            "aws/eks-pod-identity-agent charts/eks-pod-identity-agent/templates"),
    NODE_V2("amazon-cloudwatch", "cloudwatch-agent",
            "CloudWatch agent and Fluent Bit: CloudWatchAgentServerPolicy on the node's role",
            "aws-observability/helm-charts charts/amazon-cloudwatch-observability"),
    NODE_V2("amazon-cloudwatch", "fluent-bit", "Fluent Bit of Container Insights",
            "aws-samples/amazon-cloudwatch-container-insights fluent-bit/fluent-bit.yaml"),
    NODE_V2(NULL, "kube2iam", "kube2iam: assumes pods' roles with the node's",
            "jtblin/kube2iam README.md"),
    NODE_V2(NULL, "kiam-server", "kiam server: assumes pods' roles with the node's",
            "uswitch/kiam deploy/server-rbac.yaml"),

    NODE_AZURE(SYSTEM, "azure-cns", "Azure CNI's network service",
               "Azure/azure-container-networking cns/azure-cns.yaml"),
    NODE_AZURE(SYSTEM, "cloud-node-manager", "Azure cloud provider on the node",
               "kubernetes-sigs/cloud-provider-azure examples/out-of-tree/cloud-node-manager.yaml"),
    NODE_AZURE(SYSTEM, "csi-azuredisk-node-sa", "Azure Disk CSI node plug-in: kubelet's identity",
               "kubernetes-sigs/azuredisk-csi-driver deploy/csi-azuredisk-node.yaml"),
    NODE_AZURE(SYSTEM, "csi-azurefile-node-sa", "Azure File CSI node plug-in: kubelet's identity",
               "kubernetes-sigs/azurefile-csi-driver deploy/rbac-csi-azurefile-node.yaml"),
    NODE_AZURE(SYSTEM, "csi-blob-node-sa", "Azure Blob CSI node plug-in: kubelet's identity",
               "kubernetes-sigs/blob-csi-driver deploy/rbac-csi-blob-node.yaml"),
    NODE_AZURE(SYSTEM, "ama-logs", "Azure Monitor's agent: the cluster's monitoring identity",
               "microsoft/Docker-Provider charts/azuremonitor-containers"),
    NODE_AZURE(NULL, "aad-pod-identity-nmi", "NMI: asks for pods' tokens itself",
               "Azure/aad-pod-identity charts/aad-pod-identity/templates/nmi-serviceaccount.yaml"),
    NODE_AZURE(NULL, "aad-pod-id-nmi-service-account", "NMI: asks for pods' tokens itself",
               "Azure/aad-pod-identity deploy/infra/deployment-rbac.yaml"),
};

const struct cs_expect_entry *cs_expect_builtin(size_t *count)
{
    *count = CS_ARRAY_SIZE(entries);
    return entries;
}
