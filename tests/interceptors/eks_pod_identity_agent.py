# SPDX-License-Identifier: Apache-2.0
"""The EKS Pod Identity Agent with its chart's arguments, on both of its addresses."""
from node.scenarios import Scenario

from .program import Program
from .scenario import FIRST_FAILED, asks, once, raw, runs, urllib

# what a pod gets depends on its service account, of which its token tells
EKS_AUTH = [{"body": ":sa-missing\"", "status": 404},
            {"body": ":sa-propagating\"", "status": 404, "times": 2},
            {"body": ":sa-denied\"", "status": 400},
            {"body": ":sa-throttled\"", "status": 429},
            {"body": ":sa-failing\"", "status": 500},
            {"body": ":sa-away\"", "status": 503},
            {"body": ":sa-slow\"", "delay": 0.6},
            {"body": ":sa-hangs\"", "delay": 4.0},
            {"body": ":sa-gives-up\"", "delay": 4.0}]


def pod(name, steps, **more):
    return asks(name, steps, service_account=f"sa-{name}", **more)


def scenario():
    return Scenario(
        pods=[
            runs("eks-pod-identity-agent", "eks-pod-identity-agent", "server", "--port=80",
                 "--cluster-name=demo", "--probe-port=2703"),
            # kubelet's probe: the agent asks itself, at both addresses
            once("probe", "/usr/bin/curl", "-sSf", "http://localhost:2703/readyz"),
            # before it listens
            pod("early", raw("pia", repeat=60, every=0.1, enough=2), start=0.2,
                expect=("refused+", "ok", "ok"), findings=FIRST_FAILED),
            pod("curl", {"do": "pia", "repeat": 3, "every": 0.2}),
            pod("ipv6", [{"do": "pia", "family": 6}, raw("pia", family=6)]),
            pod("mapped", raw("pia", mapped=True)),
            pod("urllib", urllib("pia", repeat=2, every=0.2)),
            pod("boto3", {"do": "boto3", "declares": "pod-identity"}, python="venv"),
            pod("alive", {"do": "connection", "requests": ["pia", "pia", "pia"]}),
            pod("pipelined", {"do": "connection", "requests": ["pia", "pia", "pia"],
                              "pipelined": True}),
            pod("host", {"do": "pia"}, host_network=True),
            pod("unclean", raw("pia", path="//v1/credentials"), expect=("redirected",)),
            pod("elsewhere", raw("pia", host="127.0.0.1"), expect=("denied",),
                findings=(*FIRST_FAILED, "credentials-refused")),
            pod("missing", raw("pia", repeat=2, every=0.2), expect=("not_found+",),
                findings=(*FIRST_FAILED, "association-propagating")),
            pod("propagating", raw("pia", repeat=4, every=0.3),
                expect=("not_found", "not_found", "ok", "ok"),
                findings=(*FIRST_FAILED, "association-propagating")),
            pod("denied", raw("pia"), expect=("client_error",),
                findings=(*FIRST_FAILED, "credentials-refused")),
            # the AWS SDK asks EKS Auth three times
            pod("throttled", raw("pia", timeout=20.0), expect=("throttled",),
                findings=(*FIRST_FAILED, "throttled")),
            pod("failing", raw("pia", timeout=20.0), expect=("server_error",),
                findings=FIRST_FAILED),
            pod("away", raw("pia", timeout=20.0), expect=("server_error",), findings=FIRST_FAILED),
            pod("slow", raw("pia")),
            # it waits one second for EKS Auth
            pod("hangs", raw("pia", timeout=20.0), expect=("server_error",), findings=FIRST_FAILED),
            pod("gives-up", raw("pia", timeout=0.5), expect=("abandoned",), findings=FIRST_FAILED),
        ],
        agent_addresses=(), rules={"eks-auth": EKS_AUTH}, seconds=60.0)


PROGRAM = Program("eks-pod-identity-agent", ("eks-pod-identity-agent",), scenario,
                  own=("metadata", "imdsv2", "eks-auth"), intercepts=False, findings=True,
                  itself=(("/", 404),),
                  holds={"slow": (0.6, 2.0), "hangs": (0.9, 12.0), "propagating": (0.0, 1.0)})
