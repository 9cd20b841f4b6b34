# SPDX-License-Identifier: Apache-2.0
"""kube2iam with the options of its README: its own iptables rule, namespace restrictions, the
region's STS."""
from node.scenarios import Scenario
from node.simulation import Interceptor

from .kube_api import LOCKED
from .program import KUBE, Program
from .scenario import BOTO3, NODE, asks, at, kube_api, raw, runs, urllib

# what it asks of STS names the role: (in the request's body, how STS answers)
STS = [{"body": "role%2Fdenied", "status": 403},
       {"body": "role%2Fslow", "delay": 2.5},
       {"body": "role%2Flater", "delay": 3.0},
       {"body": "role%2Fthrottled", "status": 429}]


def pod(name, steps, role="", **more):
    return asks(name, steps, role, intercept="kube2iam", **more)


def scenario():
    return Scenario(
        pods=[
            kube_api(),
            runs("kube2iam", "kube2iam", f"--kubeconfig={KUBE}/config", "--node=simulated",
                 "--base-role-arn=arn:aws:iam::111122223333:role/", "--iptables=true",
                 f"--host-ip={NODE}", "--host-interface=pod+", "--namespace-restrictions",
                 "--use-regional-sts-endpoint", "--verbose"),
            pod("v1", raw("imdsv1", repeat=3, every=0.3), "payments"),
            pod("v2", urllib("imdsv2", repeat=3, every=0.3), "payments"),
            pod("curl", {"do": "imdsv2", "role": "orders"}, "orders"),
            pod("boto3", BOTO3, "payments", python="venv"),
            pod("alive", {"do": "connection", "requests": ["imds-list", "imds-list", "imds-region"]},
                "payments"),
            pod("region", [{"do": "imds-region"}, raw("imds-document"), raw("imds-extended")],
                "payments", expect=("ok", "ok", "ok", "not_found")),
            # its default role is then the base ARN: the list is a 200 with nothing in it
            pod("no-role", [raw("imds-list"), raw("imdsv1-role", role="payments")],
                expect=("ok", "denied")),
            # asked for again and again for two seconds
            pod("locked", raw("imdsv1"), "payments", namespace=LOCKED, expect=("not_found",)),
            pod("unknown", raw("imdsv1-role", role="payments"), "payments",
                expect=("not_found",), known_after=1000),
            pod("another-role", [raw("imds-list"), raw("imdsv1-role", role="another")], "payments",
                expect=("ok", "denied")),
            pod("denied", raw("imdsv1"), "denied", expect=("ok", "server_error")),
            # the AWS SDK asks STS three times
            pod("throttled", raw("imdsv1", timeout=20.0), "throttled", expect=("ok", "server_error")),
            pod("slow", raw("imdsv1"), "slow"),
            pod("gives-up", raw("imdsv1", timeout=1.0), "later", expect=("ok", "abandoned")),
            # it hears of this pod while it is already asking
            pod("late", at(6, raw("imdsv1")), "orders", known_after=6.7),
        ],
        interceptors={"kube2iam": Interceptor(NODE, 8181, redirects=True)},
        agent_addresses=(), cloud=("ec2",), rules={"sts": STS}, seconds=60.0)


PROGRAM = Program("kube2iam", ("kube2iam",), scenario, own=("metadata", "imdsv2", "sts"),
                  holds={"slow": (2.5, 5.0), "locked": (1.5, 5.0), "unknown": (1.5, 5.0),
                         "late": (0.05, 3.0)})
