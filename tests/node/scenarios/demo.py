# SPDX-License-Identifier: Apache-2.0
"""The demonstration: what a migration looks like from a node, in under a minute."""
from . import Container, HostProcess, Pod, Scenario, app

BOTO = {"python": "venv"}
EVERY = {"repeat": 5, "every": 7.0}


def boto3(declares, calls=(), **more):
    return {"do": "boto3", "declares": declares, "calls": list(calls), **EVERY, **more}


PODS = [
    Pod("checkout-7c9d", app(boto3("pod-identity"), start=8.0, **BOTO)),
    Pod("payments-5f6b", app(boto3("irsa", ["gci"]), start=1.0, **BOTO)),
    Pod("orders-66d8", app(boto3("irsa+pod-identity"), start=2.0, **BOTO)),
    Pod("search-84fc", app({"do": "pia", "family": 6, "tool": "urllib", **EVERY}, start=8.5)),
    Pod("early-bird-0", app({"do": "pia", "tool": "curl", "repeat": 7, "every": 2.0})),
    Pod("import-x2b7", app({"do": "pia", "tool": "urllib", "repeat": 8, "every": 3.0}, start=9.0),
        behaviours={"agent": [{"status": 429, "delay": 0.002}] * 5 + [{"delay": 0.02}]}),
    Pod("ledger-9k2m", app({"do": "pia", "tool": "curl", "repeat": 8, "every": 4.0}, start=8.0),
        behaviours={"agent": [{"status": 404, "delay": 0.2}] * 4 + [{"delay": 0.03}]}),
    Pod("stuck-5c5c", app({"do": "pia", "tool": "curl", "timeout": 6.0, "repeat": 5, "every": 1.0},
                          start=8.0), behaviours={"agent": [{"fault": "hang"}]}),
    Pod("catalog-77fd", app(boto3("", attempts=2), start=3.0, **BOTO)),
    # its SDK goes on to IMDS when the agent is not there yet, and tells nobody
    Pod("reviews-5d4c", app([{"do": "pia", "tool": "curl"},
                             {"do": "imdsv2", "tool": "curl", "declares": "pod-identity", **EVERY}],
                            start=2.0)),
    Pod("report-legacy", app({"do": "imdsv1", "tool": "curl", **EVERY}, start=4.0),
        driver="cgroupfs"),
    Pod("etl-old-1", app({"do": "imdsv1", "tool": "urllib", **EVERY}, start=5.0),
        intercept="kube2iam", driver="crio"),
    Pod("etl-old-2", app({"do": "imdsv2", "tool": "urllib", **EVERY}, start=5.5), intercept="kiam"),
    Pod("cross-account", app([{"do": "pia", "tool": "raw"}, {"do": "sleep", "seconds": 0.2},
                              {"do": "assume-role", "tool": "raw", **EVERY}], start=9.0)),
    Pod("vault-sync-2d", app({"do": "azure-token", "tool": "curl", "timeout": 10.0, **EVERY},
                             start=1.5), namespace="azure-apps", intercept="nmi",
        behaviours={"nmi": [{"delay": 6.0}, {"status": 404, "delay": 1.0}, {"delay": 0.05}]}),
    Pod("invoicing-8b", app({"do": "entra-wi", "tool": "curl", **EVERY}, start=2.5),
        namespace="azure-apps"),
    Pod("mailer-3e3e", [Container([], name="azwi-proxy", server="proxy-sidecar", uid=1501),
                        Container([{"do": "azure-token", "tool": "urllib", **EVERY}], start=3.5)],
        namespace="azure-apps", intercept="proxy-sidecar"),
    Pod("storefront-11", app({"do": "web", "tool": "curl", "repeat": 20, "every": 2.0})),
]

TABLE = {
    "demo": Scenario(
        PODS, seconds=48.0, agent_start=7.0, agent_delay=0.006,
        host=[HostProcess("kubelet.service", [{"do": "imdsv2", "tool": "curl", "repeat": 2,
                                               "every": 20.0}], start=2.0)]),
}
