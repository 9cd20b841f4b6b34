# SPDX-License-Identifier: Apache-2.0
"""A stock EKS and a stock AKS node with their usual add-ons: nothing there is unexpected.

An hour's calls in a minute: a second here is a minute there, which tests/e2e/hours.py makes of it.
Real add-ons ask less often (a role's credentials last for hours, a session token of instance
metadata for 5 minutes or more); here each asks every minute, as if it started anew.
"""
from . import HostProcess, Pod, Scenario, app

UNDECLARED = "undeclared-node-identity"
MINUTES = 60
EVERY = {"repeat": MINUTES, "every": 1.0}


def raw(what, **more):
    return {"do": what, "tool": "raw", **EVERY, **more}


def boto3(declares, **more):
    return {"do": "boto3", "declares": declares, **more}


def add_on(name, account, steps, **more):
    """start: not all in the same second, nor before the agent."""
    start = 1.0 + len(name) % 10 / 10
    return Pod(name, app(steps, start=start, python=more.pop("python", "system")),
               namespace=more.pop("namespace", "kube-system"), service_account=account, **more)


EKS = [
    # with the node's role, by design
    add_on("aws-node", "aws-node", raw("imdsv2"), host_network=True),
    add_on("aws-node-metadata", "aws-node", raw("imds-region"), host_network=True),
    add_on("ebs-csi-node", "ebs-csi-node-sa", raw("imdsv2"), findings=(UNDECLARED + "!",)),
    add_on("efs-csi-node", "efs-csi-node-sa", raw("imdsv2"), host_network=True),
    add_on("cloudwatch-agent", "cloudwatch-agent", raw("imdsv2"), host_network=True,
           namespace="amazon-cloudwatch", findings=(UNDECLARED + "!",)),
    add_on("fluent-bit", "fluent-bit", raw("imdsv2"), host_network=True,
           namespace="amazon-cloudwatch", findings=(UNDECLARED + "!",)),
    # with an association
    add_on("ebs-csi-controller", "ebs-csi-controller-sa", raw("pia")),
    add_on("aws-load-balancer-controller", "aws-load-balancer-controller",
           [raw("pia", repeat=1), raw("imds-region", repeat=1), raw("pia")]),
    add_on("cluster-autoscaler", "cluster-autoscaler", raw("pia", family=6)),
    add_on("external-dns", "external-dns", {"do": "connection", "requests": ["pia"] * MINUTES,
                                            "pause": 1.0, "timeout": 5.0}),
    # with none
    add_on("coredns", "coredns", raw("web")),
    add_on("kube-proxy", "kube-proxy", raw("web"), host_network=True),
    add_on("metrics-server", "metrics-server", raw("web-plain")),
    add_on("eks-node-monitoring-agent", "eks-node-monitoring-agent", raw("imds-region"),
           host_network=True),
    # workloads that are as they should be: one asks, one runs every minute, one is Python's SDK
    Pod("shop", app([raw("pia", repeat=1), raw("gci")], start=2.0)),
    Pod("nightly", app(raw("pia"), start=2.3), namespace="batch"),
    Pod("shop-boto3", app(boto3("pod-identity", repeat=6, every=9.0), start=2.0, python="venv")),
]
AKS = [
    add_on("azure-cns", "azure-cns", raw("azure-token"), host_network=True),
    add_on("cloud-node-manager", "cloud-node-manager", raw("azure-instance"), host_network=True),
    add_on("csi-azuredisk-node", "csi-azuredisk-node-sa", raw("azure-token"), host_network=True),
    add_on("csi-azurefile-node", "csi-azurefile-node-sa", raw("azure-token"), host_network=True),
    add_on("ama-logs", "ama-logs", raw("azure-token"), findings=(UNDECLARED + "!",)),
    add_on("konnectivity-agent", "konnectivity-agent", raw("web")),
    add_on("azure-ip-masq-agent", "azure-ip-masq-agent", raw("web-plain"), host_network=True),
    add_on("node-problem-detector", "node-problem-detector", raw("azure-instance")),
    Pod("shop", app(raw("entra-wi"), start=2.0)),
    Pod("legacy", app(raw("entra-secret"), start=2.4)),
    Pod("legacy-kept", app({"do": "connection", "requests": ["entra-secret"] * MINUTES,
                            "pause": 1.0, "timeout": 5.0}, start=2.2)),
]
PROBES = [HostProcess("kubelet.service", [raw("imdsv2")], start=0.5),
          HostProcess("agent-probe.service", [raw("agent-probe")], start=1.2),
          HostProcess("amazon-ssm-agent.service", [raw("imdsv2")], start=1.4)]
SERVICES = [HostProcess("kubelet.service", [raw("azure-token")], start=0.5),
            HostProcess("walinuxagent.service", [raw("azure-instance")], start=1.2)]

TABLE = {
    "stock-eks": Scenario(EKS, host=PROBES, seconds=100.0),
    "stock-aks": Scenario(AKS, host=SERVICES, agent_addresses=(), seconds=100.0),
}
