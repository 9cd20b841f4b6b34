# SPDX-License-Identifier: Apache-2.0
"""The end-to-end tests' traffic: each mechanism, each outcome, each odd shape, in seconds.

A pod is one topic, so a failed comparison names what broke.
"""
from . import Container, HostProcess, Pod, Scenario, app

BOTO = {"python": "venv"}
SLOW = 0.25
AGENT = 4.0  # when the agent starts, after those that ask too early


def raw(what, **more):
    return {"do": what, "tool": "raw", **more}


def urllib(what, **more):
    return {"do": what, "tool": "urllib", **more}


def connection(*requests, **more):
    return {"do": "connection", "requests": list(requests), **more}


def agent(*behaviours):
    return {"agent": list(behaviours)}


POD_IDENTITY = [
    Pod("pia-curl", app({"do": "pia", "repeat": 3, "every": 0.2})),
    Pod("pia-urllib", app(urllib("pia", repeat=3, every=0.2)), driver="cgroupfs"),
    Pod("pia-boto3", app({"do": "boto3", "declares": "pod-identity"}, **BOTO)),
    Pod("pia-ipv6", app([{"do": "pia", "family": 6}, raw("pia", family=6)]),
        driver="crio"),
    Pod("pia-mapped", app(raw("pia", mapped=True, repeat=2, every=0.1)), qos="guaranteed"),
    Pod("pia-chunked", app(raw("pia", repeat=2, every=0.1)), driver="kind",
        behaviours=agent({"session": 3000})),
    Pod("pia-keepalive", app(connection("pia", "pia", "pia")), driver="docker"),
    Pod("pia-chunked-alive", app(connection("pia", "pia", "pia")),
        behaviours=agent({"session": 3000})),
    Pod("pia-pipelined", app(connection("pia", "pia", "pia", pipelined=True)),
        driver="colon"),
    Pod("pia-pieces", app(raw("pia", pieces=9)), qos="besteffort"),
    Pod("pia-drip", app(raw("pia")), behaviours=agent({"drip": 40})),
    Pod("pia-slow", app({"do": "pia", "repeat": 2, "every": 0.1}),
        behaviours=agent({"delay": SLOW}, {"delay": 1.2})),
    Pod("pia-sub-cgroup", app(raw("pia")), driver="sub-cgroup"),
    Pod("pia-kind-on-host", app(raw("pia")), driver="kind-on-host"),
    Pod("pia-static", app(raw("pia")), static=True),
    Pod("pia-host", app({"do": "pia"}), host_network=True),
]

LATE = [
    Pod("agent-late", app({"do": "pia", "repeat": 60, "every": 0.7, "enough": 2}),
        expect=("refused+", "ok", "ok")),
    Pod("agent-late-v6", app(urllib("pia", family=6, repeat=60, every=0.7, enough=2)),
        expect=("refused+", "ok", "ok")),
]

AGENT_TROUBLE = [
    Pod("agent-429", app({"do": "pia", "repeat": 3, "every": 0.1}),
        behaviours=agent({"status": 429}, {"status": 429}, {}),
        expect=("throttled", "throttled", "ok")),
    Pod("agent-429-boto3", app({"do": "boto3", "declares": "pod-identity"}, **BOTO),
        behaviours=agent({"status": 429}, {}),
        expect=("throttled", "ok")),
    Pod("agent-404", app({"do": "pia", "repeat": 3, "every": 0.1}),
        behaviours=agent({"status": 404, "delay": 0.1}, {"status": 404, "delay": 0.1}, {}),
        expect=("not_found", "not_found", "ok")),
    Pod("agent-4xx", app(raw("pia", repeat=3, every=0.1)),
        behaviours=agent({"status": 400}, {"status": 403}, {}),
        expect=("client_error", "denied", "ok")),
    Pod("agent-5xx", app(raw("pia", repeat=3, every=0.1)),
        behaviours=agent({"status": 500}, {"status": 503}, {}),
        expect=("server_error", "server_error", "ok")),
    Pod("agent-307", app(raw("pia", path="//v1/credentials")),
        expect=("redirected",)),
    Pod("agent-hangs", app([{"do": "pia", "timeout": 1.5}, raw("pia", timeout=0.6)]),
        behaviours=agent({"fault": "hang"}),
        expect=("abandoned", "abandoned")),
    Pod("agent-resets", app([raw("pia"), {"do": "pia"}]),
        behaviours=agent({"fault": "reset", "delay": 0.1}),
        expect=("reset", "reset")),
    Pod("agent-closes", app([raw("pia"), {"do": "pia"}]),
        behaviours=agent({"fault": "close", "delay": 0.1}),
        expect=("no_response", "no_response")),
    Pod("agent-rejected", app([{"do": "pia"}, raw("pia", family=6)]),
        reject=("169.254.170.23", "fd00:ec2::23"),
        expect=("refused", "refused")),
    Pod("agent-dropped", app([{"do": "pia", "timeout": 1.0}, raw("pia", timeout=0.4)]),
        drop=("169.254.170.23",),
        expect=("unreachable", "unreachable")),
    Pod("no-ipv6", app([raw("pia", family=6), raw("pia")]), ipv6=False,
        expect=("unreachable", "ok")),
]

METADATA = [
    Pod("imdsv2-curl", app({"do": "imdsv2", "repeat": 2, "every": 0.2})),
    Pod("imdsv2-boto3", app({"do": "boto3", "declares": ""}, **BOTO)),
    Pod("imdsv1-curl", app({"do": "imdsv1"}), driver="cgroupfs"),
    Pod("imds-region", app([{"do": "imds-region"}, raw("imds-document"), raw("imds-extended")]),
        expect=("ok", "ok", "ok", "not_found")),
    Pod("hop-limit", app(raw("imds-token", timeout=1.0)),
        behaviours={"imds": [{"hop_limit": 1}]},
        expect=("abandoned",)),
    Pod("azure-imds", app([{"do": "azure-token"}, {"do": "azure-instance"}, raw("azure-probe")]),
        expect=("ok", "ok", "client_error")),
    Pod("nmi-token", app({"do": "azure-token", "repeat": 2, "every": 0.2}), intercept="nmi",
        behaviours={"nmi": [{"delay": SLOW}]}),
    Pod("nmi-held", app({"do": "azure-token", "timeout": 8.0}), intercept="nmi",
        behaviours={"nmi": [{"delay": 4.0}]}),
    Pod("nmi-refuses", app(raw("azure-token", repeat=3, every=0.1)), intercept="nmi",
        behaviours={"nmi": [{"status": 404}, {"status": 403}, {}]},
        expect=("not_found", "denied", "ok")),
    Pod("nmi-host-ip", app({"do": "azure-token"}), intercept="nmi-host-ip"),
    Pod("nmi-proxied", app({"do": "azure-instance"}), intercept="nmi"),
    Pod("kube2iam", app([{"do": "imdsv1", "tool": "urllib"}, {"do": "imds-region"}]),
        intercept="kube2iam"),
    Pod("kube2iam-pod", app({"do": "imdsv2"}), intercept="kube2iam-pod"),
    Pod("kiam", app([{"do": "imdsv2"}, urllib("imdsv1"), {"do": "imds-region"},
                     raw("imds-list", path="/latest/meta-data/iam/security-credentials"),
                     raw("imds-extended")]),
        intercept="kiam", expect=(*["ok"] * 6, "not_found", "redirected", "not_found")),
    Pod("kiam-8181", app(raw("imdsv1", repeat=2)), intercept="kiam-8181"),
    Pod("kiam-pod", app({"do": "boto3", "declares": ""}, **BOTO), intercept="kiam-pod"),
    # its server has not heard of the pod yet; the pod has no role; the role is forbidden
    Pod("kiam-late", app(raw("imdsv1", timeout=8.0, repeat=2, every=0.2)), intercept="kiam",
        behaviours={"kiam": [{"status": 500, "delay": 5.0}, {}]},
        expect=("server_error", "ok", "ok")),
    Pod("kiam-errors", app([raw("imds-list"), raw("imdsv1-role", role="another")]),
        intercept="kiam", behaviours={"kiam": [{"status": 404}, {"status": 500}]},
        expect=("not_found", "server_error")),
    Pod("kiam-hangs", app(raw("imdsv1-role", timeout=1.0)), intercept="kiam",
        behaviours={"kiam": [{"fault": "hang"}]}, expect=("abandoned",)),
    Pod("intercepted", app({"do": "imdsv1"}), intercept="interceptor"),
    Pod("azwi-proxy", [Container([], name="azwi-proxy", server="proxy-sidecar", uid=1501),
                       Container([urllib("azure-token"), {"do": "azure-token"}], start=1.0)],
        intercept="proxy-sidecar"),
]

TLS = [
    Pod("irsa-boto3", app({"do": "boto3", "declares": "irsa", "calls": ["gci"]}, **BOTO)),
    Pod("irsa-curl", app({"do": "irsa"})),
    Pod("irsa-raw12", app(raw("irsa", version="1.2"))),
    Pod("irsa-vpce", app(raw("irsa-vpce"))),
    # by the process that read the token: of a shell and curl it can not be told, see mechanisms.md
    Pod("irsa-refused", app(raw("irsa")), behaviours={"sts": [{"status": 403}]},
        expect=("rejected_inferred",)),
    Pod("irsa-and-pia", app({"do": "boto3", "declares": "irsa+pod-identity"}, **BOTO)),
    Pod("sts-alive", app(connection("irsa", "gci", "gci"))),
    Pod("sts-global", app([{"do": "gci-global"}, raw("gci6")])),
    Pod("sts-slow", app({"do": "gci"}), behaviours={"sts": [{"delay": 1.0}]}),
    Pod("sts-hangs", app(raw("gci", timeout=1.0)), behaviours={"sts": [{"fault": "hang"}]},
        expect=("abandoned",)),
    Pod("sts-resets", app(raw("gci")), behaviours={"sts": [{"fault": "reset", "delay": 0.2}]},
        expect=("reset",)),
    Pod("sts-untrusted", app(raw("gci", verify=False)),
        expect=("tls_failed",)),
    Pod("sts-proxied", app(raw("gci", proxy=["203.0.113.50", 3128]))),
    Pod("entra-wi", app([{"do": "entra-wi"}, raw("entra-wi", old_token=True)])),
    Pod("entra-secret", app({"do": "entra-secret"})),
]

OTHERS = [
    Pod("sts-chain", app([raw("pia"), raw("assume-role")])),
    Pod("bystander", app([{"do": "web", "repeat": 5, "every": 0.1}, {"do": "web-plain"},
                          {"do": "web-evil"}, raw("web"), raw("web-plain")])),
    Pod("two-containers", [Container([{"do": "pia"}], name="one"),
                           Container([raw("irsa")], name="two")]),
    # jobs that are over in a moment
    *[Pod(f"job-{n}", app(raw("pia")), namespace="batch") for n in range(5)],
]

HOST = [
    HostProcess("kubelet.service", [{"do": "imdsv2"}], start=1.0),
    HostProcess("node-probe.service", [raw("agent-probe", repeat=2, every=0.2)], start=AGENT + 1.0),
]

CHURN = [Pod(f"churn-{n}", app(raw("pia", repeat=2, every=0.05), start=0.5 + n * 0.15),
             namespace="batch", driver=("systemd", "cgroupfs", "crio")[n % 3])
         for n in range(60)]

# what must neither break credscope nor be taken for a delivery, beside pods that are as usual
GARBAGE = [Pod(f"garbage-{n}", app({"do": "garbage", "to": [host, port]}, start=0.5))
           for n, (host, port) in enumerate((("169.254.170.23", 80), ("169.254.169.254", 80),
                                             ("203.0.113.10", 443), ("fd00:ec2::23", 80)))]
GARBAGE += [Pod(f"usual-{n}", app([raw(what, repeat=20, every=0.3)], start=0.5))
            for n, what in enumerate(("pia", "imdsv2", "gci", "azure-token"))]

STORM = [Pod(f"storm-{n}", app({"do": "storm", "request": "pia", "count": 1500}, start=0.2))
         for n in range(2)]

LONG = [Pod(f"steady-{n}", app([raw(what, repeat=90, every=0.1)], start=0.5))
        for n, what in enumerate(("pia", "imdsv2", "gci", "azure-token", "web"))]

def spread(pods, first, seconds):
    """Start the pods' programs one by one over a time: two cores start some ten a second."""
    for n, pod in enumerate(pods):
        for container in pod.containers:
            container.start += first + seconds * n / len(pods)
    return pods


TABLE = {
    "e2e": Scenario(LATE + spread(METADATA + TLS, 0.0, AGENT)
                    + spread(POD_IDENTITY + AGENT_TROUBLE + OTHERS, AGENT + 0.5, 4.0), host=HOST,
                    agent_start=AGENT, seconds=90.0),
    # a few of everything that succeeds: a quick look at the node itself
    "smoke": Scenario([p for p in POD_IDENTITY + METADATA + TLS
                       if p.name in ("pia-curl", "pia-ipv6", "imdsv2-curl", "irsa-curl",
                                     "nmi-token")], seconds=15.0),
    "churn": Scenario(CHURN, seconds=30.0),
    "garbage": Scenario(GARBAGE, seconds=60.0),
    # more than a ring holds while nobody empties it
    "storm": Scenario(STORM, seconds=90.0, agent_delay=0.0),
    # clients that must all succeed while credscope is killed and restarted
    "steady": Scenario(LONG, seconds=30.0),
}
