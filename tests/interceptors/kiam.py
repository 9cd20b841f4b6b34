# SPDX-License-Identifier: Apache-2.0
"""kiam's agent and server, both on this node, with the arguments of deploy/agent.yaml and
deploy/server.daemonset.yaml: the agent on 8181 with its own iptables rule."""
from node.scenarios import Scenario
from node.simulation import Interceptor

from .kube_api import LOCKED
from .kube2iam import STS
from .program import KUBE, Program
from .scenario import BOTO3, FIRST_FAILED, NODE, RETIRING, asks, at, kube_api, raw, runs, urllib


def pod(name, steps, role="", **more):
    return asks(name, steps, role, intercept="kiam", **more)


def tls(name):
    return (f"--cert={KUBE}/{name}.pem", f"--key={KUBE}/{name}.key", f"--ca={KUBE}/ca.pem")


def scenario():
    return Scenario(
        pods=[
            kube_api(),
            runs("kiam-server", "kiam", "server", "--bind=127.0.0.1:9610", *tls("server"),
                 f"--kubeconfig={KUBE}/config", "--region=us-east-1", "--sync=1m",
                 "--role-base-arn=arn:aws:iam::111122223333:role/",
                 "--assume-role-arn=arn:aws:iam::111122223333:role/kiam-server"),
            runs("kiam-agent", "kiam", "agent", "--iptables", "--host-interface=pod+",
                 "--port=8181", f"--host={NODE}", *tls("client"),
                 "--server-address=localhost:9610", "--gateway-timeout-creation=5s", start=1.5),
            asks("early", raw("imdsv1"), "payments", start=0.0,
                 findings=("node-identity-fallback", "imdsv1")),
            pod("v1", raw("imdsv1", repeat=3, every=0.3), "payments", findings=RETIRING),
            pod("v2", urllib("imdsv2", repeat=3, every=0.3), "payments", findings=RETIRING),
            pod("curl", {"do": "imdsv2", "role": "orders"}, "orders", findings=RETIRING),
            pod("boto3", BOTO3, "payments", python="venv", findings=RETIRING),
            pod("alive", {"do": "connection", "requests": ["imds-list", "imds-list", "imds-region"]},
                "payments", expect=("ok", "ok", "not_found")),
            pod("blocked", [{"do": "imds-region"}, raw("imds-document"), raw("imds-extended"),
                            raw("imds-list", path="/latest/meta-data/iam/security-credentials")],
                "payments", expect=("ok", "not_found", "not_found", "not_found", "redirected")),
            pod("no-role", raw("imdsv1"), expect=("not_found",)),
            # it has no 403: what is forbidden fails, at once
            pod("locked", raw("imdsv1"), "payments", namespace=LOCKED,
                expect=("ok", "server_error"), findings=FIRST_FAILED),
            pod("another-role", [raw("imds-list"), raw("imdsv1-role", role="another")], "payments",
                expect=("ok", "server_error"), findings=FIRST_FAILED),
            # what fails at STS, or is not known yet, is asked for again and again
            pod("denied", raw("imdsv1", timeout=9.0), "denied", expect=("ok", "server_error"),
                findings=FIRST_FAILED),
            # it gets the credentials of a pod as soon as it hears of it: of these while they ask
            pod("slow", at(6, raw("imdsv1")), "slow", known_after=6.2, findings=RETIRING),
            pod("gives-up", at(6, raw("imdsv1", timeout=1.0)), "later", expect=("ok", "abandoned"),
                known_after=6.2, findings=FIRST_FAILED),
            pod("late", at(6, raw("imdsv1")), "orders", known_after=7, findings=RETIRING),
            pod("unknown", raw("imds-list", timeout=9.0), "orders", expect=("server_error",),
                known_after=1000),
        ],
        interceptors={"kiam": Interceptor(NODE, 8181, redirects=True)},
        agent_addresses=(), rules={"sts": STS}, seconds=60.0)


PROGRAM = Program("kiam", ("kiam",), scenario, own=("metadata", "imdsv2", "sts"),
                  findings=True,
                  # by turns that grow: it stops before the one that would end after five seconds
                  holds={"late": (0.2, 5.0), "unknown": (1.5, 6.0), "denied": (1.5, 6.0)})
