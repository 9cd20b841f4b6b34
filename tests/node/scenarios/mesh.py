# SPDX-License-Identifier: Apache-2.0
"""Meshes: what an application asks through its sidecar or its node's proxy is the application's,
counted once, and never the proxy's. Kinds: see node.mesh."""
from . import Container, Pod, Scenario
from .situations import FIRST, RETIRING, UNDECLARED, agent, raw

AGENT = 2.0
BEGIN = AGENT + 1.0
PROXY = "docker.io/istio/proxyv2:1.27.1"
ZTUNNEL = "docker.io/istio/ztunnel:1.27.1-distroless"


def app(*steps, **fields):
    return Container(list(steps), start=BEGIN, **fields)


def sidecar(name, *containers, mesh="istio", server="envoy", **fields):
    proxy = Container([], name="istio-proxy", server=server, uid=1337, image=PROXY, start=0.5)
    return Pod(name, [proxy, *containers], mesh=mesh, namespace="meshed", **fields)


def reader(name, *containers, **fields):
    """Behind a sidecar that reads HTTP, and makes requests anew."""
    return sidecar(f"http-{name}", *containers, mesh="istio-open", server="envoy-http", **fields)


def ambient(name, *containers, mesh="ambient", **fields):
    return Pod(name, list(containers), mesh=mesh, namespace="ambient", **fields)


def connection(*requests):
    return {"do": "connection", "requests": list(requests)}


BOTO3_IRSA = {"do": "boto3", "declares": "irsa", "calls": ["gci"]}

SIDECARS = [
    sidecar("irsa", app(raw("irsa", repeat=3, every=0.3)), findings=(RETIRING,)),
    sidecar("irsa-curl", app({"do": "irsa"}), findings=(RETIRING,)),
    sidecar("irsa-boto3", app(BOTO3_IRSA, python="venv"), findings=(RETIRING,)),
    sidecar("irsa-alive", app(connection("irsa", "gci", "gci")), findings=(RETIRING,)),
    sidecar("sts-6", app(raw("gci6"))),
    sidecar("wi", app(raw("entra-wi"), raw("entra-secret"))),
    sidecar("pia", app(raw("pia", repeat=3, every=0.2), raw("pia", family=6),
                       connection("pia", "pia"))),
    sidecar("bystander", app(raw("web", repeat=3), raw("web-plain"))),
    # IMDS past the sidecar, and through it
    sidecar("imds", app(raw("imdsv2")), findings=(UNDECLARED,)),
    sidecar("imds-open", app(raw("imdsv2")), mesh="istio-open", findings=(UNDECLARED,)),
    # through the sidecar, and then into an interceptor's hands
    sidecar("nmi-open", app(raw("azure-token")), mesh="istio-open", intercept="nmi",
            findings=(RETIRING,)),
    sidecar("kube2iam-open", app(raw("imdsv1")), mesh="istio-open", intercept="kube2iam",
            findings=(RETIRING, "undeclared-interception")),
    # what the sidecar meets is its application's: it has accepted already, and resets
    sidecar("refused", app(raw("pia")), reject=("169.254.170.23",), expect=("reset",),
            findings=(FIRST,)),
    sidecar("unanswered", app(raw("pia", timeout=1.0)), drop=("169.254.170.23",),
            expect=("abandoned",), findings=(FIRST,)),
    sidecar("sts-refused", app(raw("gci")), reject=("203.0.113.10",), expect=("reset",)),
    sidecar("sts-unanswered", app(raw("gci", timeout=1.0)), drop=("203.0.113.10",),
            expect=("abandoned",)),
    sidecar("throttled", app(raw("pia", repeat=2, every=0.2)),
            behaviours=agent({"status": 429}, {}), expect=("throttled", "ok"),
            findings=(FIRST, "throttled")),
    # two applications at once, and a sidecar with a call of its own
    sidecar("pair", app(raw("irsa", repeat=4, every=0.15), name="one"),
            app(raw("irsa", repeat=4, every=0.15), name="two"), findings=(RETIRING,)),
    sidecar("own", Container([raw("irsa")], name="istio-agent", uid=1337, image=PROXY,
                             start=BEGIN + 1.5),
            app(raw("gci", repeat=2, every=0.2)), findings=(RETIRING,)),
]

READERS = [
    reader("pia", app(raw("pia", repeat=3, every=0.2), connection("pia", "pia"))),
    reader("irsa", app(raw("irsa")), findings=(RETIRING,)),
    reader("imds", app(raw("imdsv2")), findings=(UNDECLARED,)),
    reader("azure", app(raw("azure-token", repeat=2, every=0.2), raw("azure-instance")),
           findings=(UNDECLARED,)),
    reader("nmi", app(raw("azure-token", repeat=2, every=0.2)), intercept="nmi",
           findings=(RETIRING,)),
    reader("kube2iam", app(raw("imdsv1")), intercept="kube2iam",
           findings=(RETIRING, "undeclared-interception")),
    reader("throttled", app(raw("pia", repeat=2, every=0.2)),
           behaviours=agent({"status": 429}, {}), expect=("throttled", "ok"),
           findings=(FIRST, "throttled")),
    reader("refused", app(raw("pia")), reject=("169.254.170.23",), expect=("server_error",),
           findings=(FIRST,)),
    reader("unanswered", app(raw("pia", timeout=1.0)), drop=("169.254.170.23",),
           expect=("abandoned",), findings=(FIRST,)),
    reader("pair", app(raw("pia", repeat=4, every=0.15), name="one"),
           app(raw("pia", repeat=4, every=0.15), name="two")),
]

NODE_PROXY = [
    # what it asks for those who are not seen (they began before, or are on another node) is nobody's
    Pod("ztunnel", [Container([], name="istio-proxy", server="ztunnel", image=ZTUNNEL, start=0.5),
                    Container([raw("gci", repeat=2, every=0.2), raw("imdsv2")], name="unseen",
                              image=ZTUNNEL, start=BEGIN + 6.0)],
        namespace="istio-system", service_account="ztunnel",
        proxied=("gci", "imds-token", "imds-list", "imdsv2-role")),
    Pod("egress", [app(raw("gci", repeat=2, every=0.2), raw("pia"), name="istio-proxy",
                       image=PROXY)], namespace="istio-system", proxied=("gci",)),
    ambient("ambient-irsa", app(raw("irsa", repeat=3, every=0.3)), findings=(RETIRING,)),
    ambient("ambient-alive", app(connection("irsa", "gci", "gci")), findings=(RETIRING,)),
    ambient("ambient-wi", app(raw("entra-wi"))),
    ambient("ambient-pia", app(raw("pia", repeat=2, every=0.2), raw("pia", family=6),
                               connection("pia", "pia"))),
    ambient("ambient-imds", app(raw("imdsv2")), findings=(UNDECLARED,)),
    ambient("ambient-refused", app(raw("pia")), reject=("169.254.170.23",), expect=("reset",),
            findings=(FIRST,)),
    ambient("routed-irsa", app(raw("irsa", repeat=3, every=0.3)), mesh="ambient-node",
            findings=(RETIRING,)),
    ambient("routed-imds", app(raw("imdsv2")), mesh="ambient-node", findings=(UNDECLARED,)),
    ambient("outside", app(raw("irsa", repeat=3, every=0.3)), mesh="", findings=(RETIRING,)),
]

TABLE = {"mesh": Scenario(SIDECARS + READERS + NODE_PROXY, agent_start=AGENT, seconds=40.0)}
