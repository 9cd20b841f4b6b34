# SPDX-License-Identifier: Apache-2.0
"""The situations of real migrations, a pod or two each, with the findings that they must raise.

A pod's name begins with the situation's: what each is stands beside it. "none other" is part of
every row: what is not in `findings` must not be found.
"""
from . import Container, HostProcess, Pod, Scenario, app

BOTO = {"python": "venv"}
AGENT = 4.0
MINUTE = 66.0  # what must be true for 60 s, with room for a busy machine

RETIRING = "retiring-mechanism"
FIRST = "first-call-failed"
PROPAGATING = "association-propagating"
UNDECLARED = "undeclared-node-identity"


def raw(what, **more):
    return {"do": what, "tool": "raw", **more}


def boto3(declares, **more):
    return {"do": "boto3", "declares": declares, **more}


def agent(*behaviours):
    return {"agent": list(behaviours)}


def after(seconds, steps, **fields):
    return app(steps, start=AGENT + seconds, **fields)


RACE = [
    # the pod asks before the agent listens
    Pod("race", app(raw("pia", repeat=20, every=1.0, enough=2)), expect=("refused+", "ok", "ok"),
        findings=(FIRST,)),
    # NMI holds the first request until it has synced
    Pod("held-race", app({"do": "azure-token", "timeout": 15.0, "repeat": 2}), intercept="nmi",
        behaviours={"nmi": [{"delay": 7.0}, {}]}, findings=(RETIRING, "interceptor-slow")),
    Pod("held-race-404", app(raw("azure-token", repeat=2, every=0.5)), intercept="nmi",
        behaviours={"nmi": [{"status": 404}, {}]}, expect=("not_found", "ok"),
        findings=(RETIRING, FIRST)),
]

MIGRATION = [
    # association and IRSA variables: the SDK keeps using IRSA
    Pod("left-behind", after(1, boto3("irsa+pod-identity"), **BOTO),
        findings=(RETIRING, "irsa-left-behind")),
    # pods older than the association: IRSA still, or nothing at all
    Pod("old-pod-irsa", after(2, boto3("irsa"), **BOTO), findings=(RETIRING,)),
    Pod("old-pod-none", after(3, boto3(""), **BOTO), findings=(UNDECLARED,)),
    # the agent errs and the SDK goes on to the node's role
    Pod("fallback", after(1, [raw("pia"), raw("imdsv2")]),
        behaviours=agent({"status": 404, "delay": 0.1}),
        expect=("not_found", "ok", "ok", "ok"),
        findings=(FIRST, PROPAGATING, "node-identity-fallback")),
    Pod("too-old", after(2, raw("imdsv2", agent="Boto3/1.26.10 Python/3.9 Botocore/1.29.10")),
        findings=(UNDECLARED, "sdk-too-old")),
    # its own credentials, then a role of another account; and a call that is no chain
    Pod("chain", after(1, [raw("pia"), raw("assume-role", repeat=2, every=0.5)]),
        findings=("chained-assume-role",)),
    Pod("no-chain", after(1, [raw("pia"), raw("gci", repeat=2, every=0.5)])),
    Pod("global", after(1, [raw("gci-global")]), findings=("global-sts-endpoint",)),
    # per namespace, pods on the new path and on the old one
    Pod("cutover-new", after(2, raw("pia")), namespace="cutover"),
    Pod("cutover-old", after(2, raw("irsa")), namespace="cutover", findings=(RETIRING,)),
    # once a day, by a service account that nobody remembers
    Pod("long-tail", after(2, {"do": "azure-token"}), intercept="nmi", namespace="forgotten",
        service_account="nightly", findings=(RETIRING,)),
    Pod("forgotten-binding", after(2, {"do": "imdsv1", "tool": "urllib"}), intercept="kube2iam",
        findings=(RETIRING, "undeclared-interception")),
    Pod("kiam", after(2, raw("imdsv2")), intercept="kiam",
        annotations={"iam.amazonaws.com/role": "kiam-role"}, findings=(RETIRING,)),
    Pod("kiam-forgotten", after(2, {"do": "imdsv1", "tool": "urllib"}), intercept="kiam-pod",
        findings=(RETIRING, "undeclared-interception")),
    # kiam asks its server for the pod again and again for five seconds
    Pod("kiam-slow", after(2, raw("imdsv1", timeout=9.0)), intercept="kiam",
        annotations={"iam.amazonaws.com/role": "kiam-role"},
        behaviours={"kiam": [{"delay": 5.5}, {}]}, findings=(RETIRING, "interceptor-slow")),
    Pod("unknown-listener", after(3, raw("imdsv1")), intercept="interceptor", findings=(RETIRING,)),
    # a migrated pod, by each provider's current way
    Pod("migrated-aws", after(2, boto3("pod-identity"), **BOTO)),
    Pod("migrated-azure", after(2, [raw("entra-wi")])),
    Pod("migrating-azure", [Container([], name="azwi-proxy", server="proxy-sidecar", uid=1501),
                            Container([raw("azure-token")], start=AGENT + 2)],
        intercept="proxy-sidecar", findings=(RETIRING,)),
]

TROUBLE = [
    Pod("propagating", after(1, raw("pia", repeat=4, every=1.0)),
        behaviours=agent(*[{"status": 404, "delay": 0.05}] * 3, {}),
        service_account="propagating", expect=("not_found", "not_found", "not_found", "ok"),
        findings=(FIRST, PROPAGATING)),
    Pod("missing", after(1, raw("pia", repeat=23, every=3.0)),
        behaviours=agent({"status": 404, "delay": 0.05}), expect=("not_found+",),
        service_account="missing", findings=(FIRST, PROPAGATING, "association-missing")),
    Pod("throttled", after(1, raw("pia", repeat=3, every=0.3)),
        behaviours=agent({"status": 429}, {"status": 429}, {}),
        expect=("throttled", "throttled", "ok"), findings=(FIRST, "throttled")),
    Pod("refused", after(1, raw("pia", repeat=2, every=0.3)),
        behaviours=agent({"status": 400}, {}), expect=("client_error", "ok"),
        findings=(FIRST, "credentials-refused")),
    # one call that failed later is neither the first nor a failing renewal
    Pod("hiccup", after(1, raw("pia", repeat=3, every=0.3)),
        behaviours=agent({}, {"status": 500}, {}), expect=("ok", "server_error", "ok")),
    # hop limit 1: nothing else works; or the client falls back to IMDSv1; or asks for a region
    Pod("hop-limit", after(1, raw("imds-token", timeout=1.0, repeat=2, every=1.0)),
        behaviours={"imds": [{"hop_limit": 1}]}, expect=("abandoned+",),
        findings=("hop-limit",)),
    Pod("hop-limit-v1", after(1, [raw("imds-token", timeout=1.0), raw("imdsv1")]),
        behaviours={"imds": [{"hop_limit": 1}]}, expect=("abandoned", "ok", "ok"),
        findings=(UNDECLARED, "imdsv1", "hop-limit-harmless")),
    Pod("hop-limit-region", after(1, [raw("pia"), raw("imds-token", timeout=1.0)]),
        behaviours={"imds": [{"hop_limit": 1}]}, expect=("ok", "abandoned"),
        findings=("hop-limit-harmless",)),
    Pod("imdsv1", after(1, raw("imds-any")), findings=("imdsv1",)),
    # the agent's IPv6 address is not routed for this pod alone: it takes IPv4 later
    Pod("v6-first", after(1, [raw("pia", family=6), raw("pia")]), reject=("fd00:ec2::23",),
        expect=("refused", "ok"), findings=(FIRST,)),
    # the ordinary 404 of newer SDKs and a probe of the other cloud
    Pod("probes", after(1, [raw("imds-token"), raw("imds-extended", token="x"),
                            raw("azure-probe"), raw("pia")]),
        expect=("ok", "not_found", "client_error", "ok")),
    # the token is read and nothing follows
    Pod("token-unused", after(1, [{"do": "sleep", "seconds": 1.0},
                                  {"do": "read-token", "declares": "irsa", "repeat": 4,
                                   "every": 2.0}, raw("web")]),
        findings=("token-read-no-exchange",)),
    # … and where a proxy takes it
    Pod("connect-proxy", after(1, raw("irsa", proxy=["203.0.113.50", 3128], repeat=3, every=1.0)),
        findings=(RETIRING,)),
]

DELEGATED = [
    # a token for another service account, got from the API: seen as IRSA by its shape alone,
    # which is not enough to say that this pod is to be migrated
    Pod("delegator", after(2, {"do": "irsa", "tool": "urllib", "borrowed": True, "repeat": 2}),
        namespace="external-secrets"),
]

BYSTANDERS = [
    Pod("web", after(0, [raw("web", repeat=10, every=1.0), raw("web-evil")])),
    Pod("host-network", after(2, raw("pia")), host_network=True),
    *[Pod(f"job-{n}", after(3 + n, raw("pia")), namespace="batch") for n in range(4)],
    Pod("job-irsa", after(4, raw("irsa")), namespace="batch", findings=(RETIRING,)),
]

HOST = [HostProcess("kubelet.service", [raw("imdsv2", repeat=8, every=8.0)], start=1.0),
        HostProcess("agent-probe.service", [raw("agent-probe", repeat=6, every=10.0)],
                    start=AGENT + 1.0)]

LATE = 72.0
DOWN = [
    # the agent comes after more than a minute, and for IPv4 alone
    Pod("waits-v4", app(raw("pia", repeat=60, every=3.0, enough=3)), expect=("refused+", "ok", "ok",
                                                                            "ok"),
        findings=(FIRST,)),
    Pod("waits-v6", app(raw("pia", family=6, repeat=40, every=2.5)), expect=("refused+",),
        findings=(FIRST,)),
]

TABLE = {
    "situations": Scenario(RACE + MIGRATION + TROUBLE + DELEGATED + BYSTANDERS, host=HOST, agent_start=AGENT,
                           seconds=AGENT + MINUTE + 35.0),
    "agent-down": Scenario(DOWN, agent_start=LATE, agent_addresses=("169.254.170.23",),
                           findings=("endpoint-unreachable", "family-unreachable"),
                           seconds=LATE + 60.0),
}
