# SPDX-License-Identifier: Apache-2.0
"""kube2iam with the options of its README: its own iptables rule, namespace restrictions, the
region's STS."""
from node.scenarios import Scenario
from node.simulation import Interceptor

from .kube_api import LOCKED
from .program import KUBE, Program
from .scenario import BOTO3, FIRST_FAILED, NODE, RETIRING, asks, at, kube_api, raw, runs, urllib

# what it asks of STS names the role: (in the request's body, how STS answers)
STS = [{"body": "role%2Fdenied", "status": 403},
       {"body": "role%2Fslow", "delay": 2.5},
       {"body": "role%2Flater", "delay": 3.0},
       {"body": "role%2Fthrottled", "status": 429, "times": 1}]


def pod(name, steps, role="", **more):
    return asks(name, steps, role, intercept="kube2iam", **more)


def scenario():
    return Scenario(
        pods=[
            kube_api(),
            runs("kube2iam", "kube2iam", f"--kubeconfig={KUBE}/config", "--node=simulated",
                 "--base-role-arn=arn:aws:iam::111122223333:role/", "--iptables=true",
                 f"--host-ip={NODE}", "--host-interface=pod+", "--namespace-restrictions",
                 "--use-regional-sts-endpoint", "--verbose",
                 findings=("imdsv1",)),  # it passes on what pods ask without a token
            # before it has made its rule, IMDS itself answers, with the node's role
            asks("early", raw("imdsv1"), "payments", start=0.0,
                 findings=("node-identity-fallback", "imdsv1")),
            pod("v1", raw("imdsv1", repeat=3, every=0.3), "payments", findings=RETIRING),
            pod("v2", urllib("imdsv2", repeat=3, every=0.3), "payments", findings=RETIRING),
            pod("curl", {"do": "imdsv2", "role": "orders"}, "orders", findings=RETIRING),
            pod("boto3", BOTO3, "payments", python="venv", findings=RETIRING),
            pod("alive", {"do": "connection", "requests": ["imds-list", "imds-list", "imds-region"]},
                "payments"),
            pod("region", [{"do": "imds-region"}, raw("imds-document"), raw("imds-extended")],
                "payments", expect=("ok", "ok", "ok", "not_found")),
            # its default role is then the base ARN: the list is a 200 with nothing in it
            pod("no-role", [raw("imds-list"), raw("imdsv1-role", role="payments")],
                expect=("ok", "denied"), findings=FIRST_FAILED),
            # asked for again and again for two seconds
            pod("locked", raw("imdsv1"), "payments", namespace=LOCKED, expect=("not_found",)),
            pod("unknown", raw("imdsv1-role", role="payments"), "payments",
                expect=("not_found",), known_after=1000, findings=FIRST_FAILED),
            pod("another-role", [raw("imds-list"), raw("imdsv1-role", role="another")], "payments",
                expect=("ok", "denied"), findings=FIRST_FAILED),
            pod("denied", raw("imdsv1"), "denied", expect=("ok", "server_error"),
                findings=FIRST_FAILED),
            # the AWS SDK asks STS again after up to two seconds
            pod("throttled", raw("imdsv1", timeout=20.0), "throttled", findings=RETIRING),
            pod("slow", raw("imdsv1"), "slow", findings=RETIRING),
            pod("gives-up", raw("imdsv1", timeout=1.0), "later", expect=("ok", "abandoned"),
                findings=FIRST_FAILED),
            # it hears of this pod while it is already asking
            pod("late", at(6, raw("imdsv1")), "orders", known_after=6.7, findings=RETIRING),
        ],
        interceptors={"kube2iam": Interceptor(NODE, 8181, redirects=True)},
        agent_addresses=(), cloud=("ec2",), rules={"sts": STS}, seconds=60.0)


PROGRAM = Program("kube2iam", ("kube2iam",), scenario, own=("metadata", "imdsv2", "sts"),
                  findings=True,
                  holds={"slow": (2.5, 5.0), "locked": (1.5, 5.0), "unknown": (1.5, 5.0),
                         "late": (0.05, 3.0)})
