# SPDX-License-Identifier: Apache-2.0
"""Builds one simulated node from a scenario and runs it. Lives in namespaces of its own."""
import json
import os
import subprocess
import sys
import time
import typing

from . import cgroups, envoy, linux, mesh, net, objects, pods, tls
from .processes import PYTHON, VENV_PYTHON, Processes

SERVICES = f"{cgroups.NODE}/system.slice"


class Interceptor(typing.NamedTuple):
    """Where the node sends a pod's requests to 169.254.169.254:80. It is a process of a systemd
    unit, or of a DaemonSet's pod on the host's network, or (neither) of a pod of the scenario.
    redirects: by a rule of its own, or in the asking pod; the node has none for it."""
    host: str
    port: int
    role: str = ""
    unit: str = ""
    workload: str = ""
    redirects: bool = False


# NMI up to 1.6.1 listened on the node's address. kiam's own port is 3100, its sample deployment's
# kube2iam's: it then needs an address of its own to be beside it.
INTERCEPTORS = {
    "nmi": Interceptor("127.0.0.1", 2579, "nmi", "nmi.service"),
    "nmi-host-ip": Interceptor(net.NODE4, 2579, "nmi", "nmi-old.service"),
    "kube2iam": Interceptor(net.NODE4, 8181, "kube2iam", "kube2iam.service"),
    "kube2iam-pod": Interceptor(net.NODE4, 8282, "kube2iam", workload="kube2iam"),
    "kiam": Interceptor(net.NODE4, 3100, "kiam", "kiam.service"),
    "kiam-8181": Interceptor(net.NODE4_SECOND, 8181, "kiam", "kiam-8181.service"),
    "kiam-pod": Interceptor(net.NODE4_SECOND, 8282, "kiam", workload="kiam-agent"),
    "interceptor": Interceptor(net.NODE4, 9999, "interceptor", "corp-metadata.service"),
    "proxy-sidecar": Interceptor("127.0.0.1", 8000, redirects=True),
}
# What TLS is like there (servers/httpd.py). Entra's real end-points take P-384 alone, so that most
# clients must say hello twice.
ENTRA = {"curve": "secp384r1"}
# name -> role, addresses, TLS or None. A name is its role's, with what is special of it.
CLOUD = {"imds": ("metadata", [(net.IMDS4, 80), (net.IMDS6, 80)], None),
         "sts": ("sts", [(tls.STS4, 443), (tls.STS6, 443)], {}),
         "sts-tls12": ("sts", [(tls.STS12, 443)], {"old": True}),
         "entra": ("entra", [(tls.ENTRA4, 443)], ENTRA),
         "entra-tls12": ("entra", [(tls.ENTRA12, 443)], {"old": True}),
         "eks-auth": ("eks-auth", [(tls.EKSAUTH4, 443)], {}),
         "shop": ("shop", [(tls.SHOP4, 443), (tls.EVIL4, 443)], {}),
         "shop-plain": ("shop", [(tls.SHOP4, 80)], None),
         "connect-proxy": ("connect-proxy", [(tls.PROXY4, 3128)], None)}
# … of scenarios that name them
OPTIONAL = {"ec2": ("ec2", [(tls.EC24, 443)], {}),
            "sts-h2": ("sts", [(tls.STS_H2, 443)], {"h2": True}),
            "sts-once": ("sts", [(tls.STS_ONCE, 443)], {"once": True}),
            "sts-tls12-once": ("sts", [(tls.STS12_ONCE, 443)], {"old": True, "once": True}),
            "entra-h2": ("entra", [(tls.ENTRA_H2, 443)], {**ENTRA, "h2": True}),
            "entra-once": ("entra", [(tls.ENTRA_ONCE, 443)], {**ENTRA, "once": True})}
AGENT = "eks-pod-identity-agent"
NODE_NAME = "simulated"


class Simulation:
    """options: cgroup (this instance's directory), truth and work (directories)."""

    def __init__(self, name, scenario, options):
        self.name, self.scenario, self.options = name, scenario, options
        self.unique = f"{name}/{os.path.basename(options.cgroup)}"
        self.processes = Processes(options.cgroup, options.work)
        self.clients = os.path.join(options.truth, "clients.jsonl")
        self.servers = os.path.join(options.truth, "servers.jsonl")
        self.programs, self.endless, self.go = [], [], 0.0
        self.network = None
        self.pods = [pods.RunningPod(self.unique, index, spec)
                     for index, spec in enumerate(scenario.pods, 1)]
        used = {p.spec.intercept for p in self.pods if p.spec.intercept}
        known = {**INTERCEPTORS, **scenario.interceptors}
        self.interceptors = {name: known[name] for name in sorted(used)}
        # DaemonSets' pods on the host's network: workload -> its container's cgroup and identity
        self.daemons = {workload: self.daemon(workload) for workload in dict.fromkeys(
            [*([AGENT] if scenario.agent_addresses else []), *(i.workload for i in self.interceptors.values() if i.workload)])}

    # ---- construction ----
    def build(self):
        work = self.options.work
        os.makedirs(os.path.join(work, "tls"))
        os.chmod(work, 0o711)  # the sidecar's uid must reach ca.pem
        tls.make_ca(os.path.join(work, "tls"))
        hosts, resolv_conf = (os.path.join(work, n) for n in ("hosts", "resolv.conf"))
        tls.write_resolution(hosts, resolv_conf)
        linux.mount(hosts, "/etc/hosts", None, linux.MS_BIND)
        # the real one may be a link into /run, which the pods' mounts hide
        linux.mount(resolv_conf, os.path.realpath("/etc/resolv.conf"), None, linux.MS_BIND)
        self.network = net.Network([net.IMDS4, net.IMDS6, *tls.NAMES])
        for pod in self.pods:
            pod.start(self.network, self.options.cgroup)
        self.rules()
        for pod in (p for p in self.pods if any(c.server == "ztunnel" for c in p.spec.containers)):
            mesh.route_to_proxy([p.index for p in self.pods if p.spec.mesh == "ambient-node"],
                                pod.index, pod.netns)
        cloud = {**CLOUD, **{name: OPTIONAL[name] for name in self.scenario.cloud}}
        for name, (role, listen, with_tls) in cloud.items():
            self.server(name, role, listen, f"cloud/{name}", with_tls=with_tls,
                        netns=self.network.cloud, v1=self.scenario.imds_v1)
        for name, one in self.interceptors.items():
            where = {"cgroup": f"{SERVICES}/{one.unit}", "identity": {"unit": one.unit}} \
                if one.unit else self.daemons.get(one.workload)
            if where:
                self.server(name, one.role, [(one.host, one.port)], **where)
        self.write_node()

    def daemon(self, workload):
        uid = pods.pod_uid(self.unique, "kube-system", workload)
        container = pods.container_id(uid, workload)
        path = cgroups.container_path("systemd", uid, "burstable", container)
        return {"cgroup": f"{cgroups.NODE}/{path}", "identity": {
            "pod": workload, "namespace": "kube-system", "pod_uid": uid,
            "service_account": workload, "workload_kind": "DaemonSet", "workload": workload,
            "container": workload, "container_id": container, "host_network": True}}

    def rules(self):
        def blocked(verdict):
            return [((net.pod6 if ":" in to else net.pod4)(pod.index), to)
                    for pod in self.pods for to in getattr(pod.spec, verdict)]

        to = {name: f"{i.host}:{i.port}" for name, i in self.interceptors.items()
              if not i.redirects}
        dnat = [(net.pod4(pod.index), to[pod.spec.intercept]) for pod in self.pods
                if pod.spec.intercept in to]
        self.network.rules(dnat, blocked("drop"), blocked("reject"))

    def server(self, name, role, listen, cgroup, *, with_tls=None, identity=None, holder=None,
               netns=None, **more):
        """Start a server and wait until it listens. behaviours come from the scenario's pods."""
        behaviours = {address: pod.spec.behaviours[name] for pod in self.pods
                      if name in pod.spec.behaviours for address in pod.addresses}
        usual = {"agent": self.scenario.agent_delay, "nmi": self.scenario.nmi_delay,
                 "sts": self.scenario.sts_delay, "entra": self.scenario.sts_delay}
        behaviours["*"] = [{"delay": usual.get(role, 0.001)}]
        directory = os.path.join(self.options.work, "tls")
        key = {"cert": f"{directory}/server.pem", "key": f"{directory}/server.key"}
        where = self.processes.relative(cgroup)
        spec = self.processes.spec(f"server-{name}", {
            "name": name, "role": role, "listen": listen, "truth": self.servers,
            "client_truth": self.clients, "cgroup": where, "behaviours": behaviours,
            "rules": self.scenario.rules.get(name, ()),
            "tls": None if with_tls is None else {**key, **with_tls},
            "identity": {"cgroup": where, **(identity or {})},
            **more})
        process = self.processes.spawn([PYTHON, "-m", "node.servers", spec], cgroup, netns=netns,
                                       holder=holder, stdout=subprocess.PIPE)
        self.processes.await_ready(process, name)

    def write_node(self):
        """node.json: what a person or a test needs to find its way; pods.json for --kube file."""
        node = {"scenario": self.name, "name": NODE_NAME,
                "pods_file": os.path.join(self.options.truth, "pods.json"), "pid": linux.host_pid(),
                "cgroup": os.path.join(self.options.cgroup, cgroups.NODE),
                "cgroup_root": linux.cgroup2_root(), "seconds": self.scenario.seconds,
                "netns": f"/proc/{linux.host_pid()}/ns/net",
                "pods": [pod.describe() for pod in self.pods]}
        kube = objects.pod_list(self.pods, NODE_NAME)
        kube["items"] += [objects.daemon(d["identity"], NODE_NAME)
                          for d in self.daemons.values()]
        for name, content in (("pods.json", kube), ("node.json", node)):
            with open(os.path.join(self.options.truth, name), "w", encoding="utf-8") as f:
                json.dump(content, f, indent=1)

    # ---- running ----
    def agenda(self):
        """(seconds after go, rank, what to do, its arguments), in order; the same each time."""
        agenda = []
        for pod in self.pods:
            for container in pod.spec.containers:
                # servers before the clients of the same instant
                agenda.append((container.start, 0 if container.server else 2,
                               self.start_container, (pod, container)))
        for process in self.scenario.host:
            agenda.append((process.start, 1, self.start_host, (process,)))
        if self.scenario.agent_addresses:
            agenda.append((self.scenario.agent_start, 0, self.start_agent, ()))
        return sorted(agenda, key=lambda a: a[:2])

    def start_agent(self):
        self.server("agent", "agent", [(a, 80) for a in self.scenario.agent_addresses],
                    upstream=True, **self.daemons[AGENT])

    def path_of(self, spec, container):
        """What stands between a container and whom it asks: fields of clients' catalog.Path."""
        path = {"intercept": spec.intercept, "proxied": spec.proxied}
        if spec.intercept:
            path["takers"] = {net.IMDS4: "%s:%d" % self.interceptors[spec.intercept][:2]}
        if spec.mesh and container.uid != mesh.SIDECAR_UID:
            path["relays"] = mesh.listeners(spec.mesh)
        return path

    def start_container(self, pod, container):
        cgroup, identity = pod.cgroup(container.name), pod.identity(container.name)
        identity["cgroup"] = self.processes.relative(cgroup)
        if container.server:
            self.start_sidecar(pod, container, cgroup, identity)
            return
        if container.command:
            self.start_command(pod, container, cgroup)
            return
        spec = self.processes.spec(f"client-{pod.spec.name}-{container.name}", {
            "identity": identity, "truth": self.clients, "steps": container.steps, "go": self.go,
            "uid": container.uid, "path": self.path_of(pod.spec, container)})
        python = PYTHON if container.python == "system" else VENV_PYTHON
        self.programs.append(self.processes.spawn([python, "-m", "node.clients", spec], cgroup,
                                                  holder=pod.holder))

    def start_sidecar(self, pod, container, cgroup, identity):
        role, more = container.server, {}
        if envoy.PROGRAM and role.startswith("envoy"):
            envoy.start(self.processes, f"{role}-{pod.spec.name}", role == "envoy-http", cgroup,
                        pod.holder, os.path.join(self.options.truth, f"{pod.spec.name}.envoy"))
            return
        listen = [("0.0.0.0", 8000)]
        if role in mesh.ROLES:
            more = {"http": role == "envoy-http"}
            listen = [("0.0.0.0", mesh.PORT), ("::", mesh.PORT)]
        if role == "ztunnel":
            taken = [p for p in self.pods if p.spec.mesh == "ambient"]
            more = {"inside": [f"/proc/{p.holder}/ns/net" for p in (pod, *taken)],
                    "mark": mesh.MARK, "transparent": True}
        self.server(f"{role}-{pod.spec.name}", role, listen, cgroup, identity=identity,
                    holder=pod.holder, uid=container.uid, **more)

    def start_command(self, pod, container, cgroup):
        """A program that knows nothing of this node."""
        while 0 < self.scenario.at_once <= sum(p.poll() is None for p in self.programs):
            time.sleep(0.02)

        def told(text):
            return text.replace("{truth}", self.options.truth)

        with open(os.path.join(self.options.truth, f"{pod.spec.name}.log"), "ab") as log:
            process = self.processes.spawn(
                [told(word) for word in container.command], cgroup, holder=pod.holder, stdout=log,
                stderr=log, env={k: told(v) for k, v in
                                 {**self.scenario.environment, **container.env}.items()})
        (self.endless if container.endless else self.programs).append(process)

    def start_host(self, process):
        cgroup = f"{SERVICES}/{process.unit}"
        spec = self.processes.spec(f"client-{process.unit}", {
            "identity": {"unit": process.unit, "cgroup": self.processes.relative(cgroup)},
            "truth": self.clients, "steps": process.steps})
        self.programs.append(self.processes.spawn([PYTHON, "-m", "node.clients", spec], cgroup))

    def run(self):
        """Run all programs to their end; True when each ended well and in time."""
        go = self.go = time.monotonic()
        for at, _, action, arguments in self.agenda():
            time.sleep(max(0.0, go + at - time.monotonic()))
            action(*arguments)
        fine = True
        for program in self.programs:
            left = go + self.scenario.seconds - time.monotonic()
            try:
                fine &= program.wait(max(0.1, left)) == 0
            except subprocess.TimeoutExpired:
                print(f"node: still running after {self.scenario.seconds} s: {program.args[-1]}",
                      file=sys.stderr)
                program.kill()
                fine = False
        return self.end_endless() and fine

    def end_endless(self):
        """Last started, first ended. True when all were still running and did as told."""
        fine = True
        for program in reversed(self.endless):
            if program.poll() is not None:
                print(f"node: ended with {program.returncode}: {program.args[0]}", file=sys.stderr)
                fine = False
                continue
            program.terminate()
            try:
                program.wait(5)
            except subprocess.TimeoutExpired:
                program.kill()
        return fine


def main(name, scenario, options):
    """Body of the process inside the namespaces. Speaks lines on stdout, listens on stdin."""
    os.makedirs(options.truth, exist_ok=True)
    for leaf in ("clients.jsonl", "servers.jsonl", "node.json"):
        path = os.path.join(options.truth, leaf)
        if os.path.exists(path):
            os.unlink(path)
    simulation = Simulation(name, scenario, options)
    simulation.build()
    print(f"ready {os.path.join(options.truth, 'node.json')}", flush=True)
    if options.wait and sys.stdin.readline().strip() != "go":
        return 1
    fine = simulation.run()
    print("done" if fine else "failed", flush=True)
    if options.hold:
        sys.stdin.readline()
    return 0 if fine else 1
