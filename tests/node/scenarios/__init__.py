# SPDX-License-Identifier: Apache-2.0
"""Scenarios are data: which pods, what each of their containers does, how end-points behave.

Each module of this package has TABLE, a dict name -> Scenario.
"""
import dataclasses
import importlib
import pkgutil


@dataclasses.dataclass
class Container:
    """steps: see node.clients. python: "system" or "venv" (has boto3). start: seconds after go.

    command: a program of its own instead of steps; its environment is env, of which the pod's
    object tells; declares: what a webhook projected into the pod (objects.VOLUMES). {truth} in
    them stands for the truth files' directory, {ca} for the authority's file. Its output goes to
    POD.log beside the truth files. It writes no truth: the servers' lines must do.
    endless: it must run until all others have ended, and is then told to end.
    """
    steps: list
    name: str = "app"
    start: float = 0.0
    python: str = "system"
    uid: int = 0
    init: bool = False
    command: tuple = ()
    env: dict = dataclasses.field(default_factory=dict)
    declares: tuple = ()
    endless: bool = False
    server: str = ""  # a role from node.servers instead of steps: a sidecar
    image: str = "registry.example/app:1.0"


@dataclasses.dataclass
class Pod:
    """behaviours: {server name: [behaviour, ...]} for requests from this pod (servers/httpd.py).

    static: a static pod, whose cgroup is named by 32 hex digits without dashes.
    intercept: the interceptor that the node's DNAT sends this pod's IMDS traffic to (a name of
    simulation.INTERCEPTORS). annotations, labels: its object's.
    mesh: how its connections come to a proxy, a kind of node.mesh.
    proxied: requests' names of a pod that is a proxy: nobody can know for whom it makes them.
    drop, reject: destinations that the node leaves unanswered / answers with RST for this pod.
    expect: outcomes that its exchanges must have, in the order they began, "refused+" being
    one or more; empty: all good. The truth is held against it, so that a fault of the node does
    not become "truth".
    findings: what credscope must find of this pod, "name!" as expected, and nothing else.
    timeline: when, in order: ("+finding" opens or "-finding" clears, index of an exchange of this
    pod, seconds after its end), or with "start" as a fourth, after its start. tests/e2e/hours.py
    """
    name: str
    containers: list
    namespace: str = "shop"
    service_account: str = "default"
    workload: str = ""
    workload_kind: str = "Deployment"  # or DaemonSet
    driver: str = "systemd"
    qos: str = "burstable"
    host_network: bool = False
    static: bool = False
    ipv6: bool = True
    intercept: str = ""
    annotations: dict = dataclasses.field(default_factory=dict)
    labels: dict = dataclasses.field(default_factory=dict)
    mesh: str = ""
    proxied: tuple = ()
    drop: tuple = ()
    reject: tuple = ()
    token_bytes: int = 1152  # length of the tokens that are projected into it
    behaviours: dict = dataclasses.field(default_factory=dict)
    expect: tuple = ()
    findings: tuple = ()
    timeline: tuple = ()


@dataclasses.dataclass
class HostProcess:
    """A client on the node itself, in a systemd unit's cgroup."""
    unit: str
    steps: list
    start: float = 0.0


@dataclasses.dataclass
class Scenario:
    """agent_start: seconds after go; seconds: bound on the whole run. at_once: how many commands
    may run at a time, 0 any number; environment: of all commands, not told in the pods' objects.
    interceptors: instead of simulation.INTERCEPTORS' of the same names. cloud: names of
    simulation.OPTIONAL. rules: {server: behaviours for requests that have "path" in their target and
    "body" in their body, or in the claims of a token there}, which come before any other, each
    "times" (default always)."""
    pods: list
    host: list = dataclasses.field(default_factory=list)
    agent_start: float = 0.0
    agent_delay: float = 0.004
    agent_addresses: tuple = ("169.254.170.23", "fd00:ec2::23")
    nmi_delay: float = 0.010
    sts_delay: float = 0.030
    imds_v1: bool = True
    findings: tuple = ()  # of the node itself
    timeline: tuple = ()  # of the node: as a pod's, with "finding address" and the pod before index
    seconds: float = 60.0
    at_once: int = 0
    environment: dict = dataclasses.field(default_factory=dict)
    interceptors: dict = dataclasses.field(default_factory=dict)
    cloud: tuple = ()
    rules: dict = dataclasses.field(default_factory=dict)


def app(steps, **fields):
    return [Container(steps if isinstance(steps, list) else [steps], **fields)]


def load():
    table = {}
    for module in pkgutil.iter_modules(__path__):
        table.update(importlib.import_module(f"{__name__}.{module.name}").TABLE)
    return table
