# SPDX-License-Identifier: Apache-2.0
"""Builds one simulated node from a scenario and runs it. Lives in namespaces of its own."""
import hashlib
import json
import os
import random
import select
import subprocess
import sys
import time
import uuid

from . import cgroups, linux, net, tls, truth
from .servers import bodies

PYTHON = "/usr/bin/python3"
SERVICES = "system.slice"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV_PYTHON = os.path.join(TOP, ".cache/venv/bin/python")

# name -> (role, port, where it runs, unit or None for the agent's own pod)
INTERCEPTORS = {"nmi": ("127.0.0.1", 2579, "nmi.service"),
                "kube2iam": (net.NODE4, 8181, "kube2iam.service"),
                "interceptor": (net.NODE4, 9999, "corp-metadata.service")}
CLOUD = {"imds": ("metadata", [(net.IMDS4, 80), ("fd00:ec2::254", 80)], False),
         "sts": ("sts", [(tls.STS4, 443), (tls.STS6, 443)], True),
         "entra": ("entra", [(tls.ENTRA4, 443)], True),
         "eks-auth": ("eks-auth", [(tls.EKSAUTH4, 443)], True),
         "shop": ("shop", [(tls.SHOP4, 443), (tls.EVIL4, 443)], True),
         "shop-plain": ("shop", [(tls.SHOP4, 80)], False),
         "connect-proxy": ("connect-proxy", [(tls.PROXY4, 3128)], False)}
TOKENS = (
    ("pods.eks.amazonaws.com/serviceaccount", "eks-pod-identity-token", "pods.eks.amazonaws.com"),
    ("eks.amazonaws.com/serviceaccount", "token", "sts.amazonaws.com"),
    ("azure/wi/token", "azure-identity-token", "api://AzureADTokenExchange"),
    ("azure/tokens", "azure-identity-token", "api://AzureADTokenExchange"),
    ("kubernetes.io/serviceaccount", "token", "https://kubernetes.default.svc"),
)


def identity_of(scenario, pod, container):
    """Deterministic ids: the same scenario has the same UIDs and container ids in each run."""
    seed = f"{scenario}/{pod.namespace}/{pod.name}"
    uid = str(uuid.uuid5(uuid.NAMESPACE_URL, seed))
    return uid, hashlib.sha256(f"{seed}/{container}".encode()).hexdigest()


def project_token(directory, name, token):
    """A projected volume as kubelet's atomic writer makes it: name -> ..data -> ..<time>."""
    real = os.path.join(directory, "..2026_01_02_03_04_05.123456789")
    os.makedirs(real)
    with open(os.path.join(real, name), "w", encoding="ascii") as f:
        f.write(token)
    os.symlink(os.path.basename(real), os.path.join(directory, "..data"))
    os.symlink(os.path.join("..data", name), os.path.join(directory, name))


class Simulation:
    def __init__(self, name, scenario, options):
        self.name, self.scenario, self.options = name, scenario, options
        self.root = os.path.join(options.cgroup, "node")
        self.work = options.work
        self.clients = os.path.join(options.truth, "clients.jsonl")
        self.servers = os.path.join(options.truth, "servers.jsonl")
        self.processes, self.programs = [], []
        self.net = None
        self.pods = {}
        self.go = 0.0

    # ---- processes ----
    def spawn(self, argv, cgroup, netns=None, holder=None, **popen):
        """Start a program in a cgroup, and in a namespace or a pod (holder: its pause pid)."""
        directory = os.path.join(self.options.cgroup, cgroup)
        os.makedirs(directory, exist_ok=True)

        def enter():
            cgroups.enter(directory)
            if holder is not None:
                netns_fd = os.open(f"/proc/{holder}/ns/net", os.O_RDONLY)
                mounts_fd = os.open(f"/proc/{holder}/ns/mnt", os.O_RDONLY)
                linux.setns(netns_fd, linux.CLONE_NEWNET)
                linux.setns(mounts_fd, linux.CLONE_NEWNS)
            elif netns is not None:
                linux.setns(netns, linux.CLONE_NEWNET)

        process = subprocess.Popen(argv, preexec_fn=enter, env=self.environment(),
                                   stdin=subprocess.DEVNULL, cwd="/", **popen)
        self.processes.append(process)
        return process

    def environment(self):
        ca = os.path.join(self.work, "tls/ca.pem")
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPATH": os.path.join(TOP, "tests"), "LANG": "C.UTF-8", "HOME": "/nonexistent",
                "SSL_CERT_FILE": ca, "CURL_CA_BUNDLE": ca, "AWS_CA_BUNDLE": ca}

    def relative(self, cgroup):
        """Path below the cgroup2 root, as credscope reports it."""
        whole = os.path.join(self.options.cgroup, cgroup)
        return "/" + os.path.relpath(whole, linux.cgroup2_root())

    def spec(self, name, fields):
        path = os.path.join(self.work, f"{name}.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(fields, f)
        return path

    def server(self, name, role, listen, cgroup, *, with_tls=False, identity=None, holder=None,
               netns=None, **more):
        """Start a server and wait until it listens. behaviours come from the scenario's pods."""
        behaviours = {}
        for pod, state in self.pods.items():
            rows = state["pod"].behaviours.get(name)
            for address in state["addresses"] if rows else ():
                behaviours[address] = rows
        default = {"agent": self.scenario.agent_delay, "nmi": self.scenario.nmi_delay,
                   "sts": self.scenario.sts_delay, "entra": self.scenario.sts_delay}
        behaviours["*"] = [{"delay": default.get(name, 0.001)}]
        key = {"cert": f"{self.work}/tls/server.pem", "key": f"{self.work}/tls/server.key"}
        spec = self.spec(f"server-{name}", {
            "name": name, "role": role, "listen": listen, "truth": self.servers,
            "client_truth": self.clients, "cgroup": self.relative(cgroup),
            "behaviours": behaviours, "tls": key if with_tls else None, **more,
            "identity": {"cgroup": self.relative(cgroup), **(identity or {})}})
        process = self.spawn([PYTHON, "-m", "node.servers", spec], cgroup, netns=netns,
                             holder=holder, stdout=subprocess.PIPE)
        self.await_ready(process, name)

    @staticmethod
    def await_ready(process, name):
        ready, _, _ = select.select([process.stdout], [], [], 20)
        if not ready or process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"server {name} did not start")

    # ---- construction ----
    def build(self):
        os.makedirs(os.path.join(self.work, "tls"))
        os.chmod(self.work, 0o711)  # the sidecar's uid must reach ca.pem
        tls.make_ca(os.path.join(self.work, "tls"))
        hosts, resolv_conf = (os.path.join(self.work, n) for n in ("hosts", "resolv.conf"))
        tls.write_resolution(hosts, resolv_conf)
        linux.mount(hosts, "/etc/hosts", None, linux.MS_BIND)
        # the real one may be a link into /run, which the pods' mounts hide
        linux.mount(resolv_conf, os.path.realpath("/etc/resolv.conf"), None, linux.MS_BIND)
        self.net = net.Network([net.IMDS4, "fd00:ec2::254", *tls.NAMES])
        for index, pod in enumerate(self.scenario.pods, 1):
            self.add_pod(index, pod)
        self.net.rules(
            [(net.pod4(s["index"]), "%s:%d" % INTERCEPTORS[s["pod"].intercept][:2])
             for s in self.pods.values() if s["pod"].intercept in INTERCEPTORS],
            self.blocked("drop"), self.blocked("reject"))
        for name, (role, listen, with_tls) in CLOUD.items():
            self.server(name, role, listen, f"cloud/{name}", with_tls=with_tls,
                        netns=self.net.cloud, v1=self.scenario.imds_v1)
        for role in sorted({p.intercept for p in self.scenario.pods} & set(INTERCEPTORS)):
            host, port, unit = INTERCEPTORS[role]
            self.server(role, role, [(host, port)], f"node/{SERVICES}/{unit}",
                        identity={"unit": unit})
        self.write_node()

    def blocked(self, verdict):
        pairs = []
        for state in self.pods.values():
            for destination in getattr(state["pod"], verdict):
                address = net.pod6 if ":" in destination else net.pod4
                pairs.append((address(state["index"]), destination))
        return pairs

    def add_pod(self, index, pod):
        """The pod's namespace and its pause process, which is also what holds them open."""
        uid, pause_id = identity_of(self.name, pod, "pause")
        netns = self.net.node if pod.host_network else self.net.add_pod(index, pod.ipv6)
        if pod.intercept == "proxy-sidecar":
            net.redirect_in_pod(netns, 1501)
        cgroup = "node/" + cgroups.container_path(pod.driver, uid, pod.qos, pause_id)
        tokens = [(f"/run/secrets/{d}", n,
                   bodies.jwt(f"system:serviceaccount:{pod.namespace}:{pod.service_account}", a))
                  for d, n, a in TOKENS]

        def mounts():
            linux.setns(netns, linux.CLONE_NEWNET)
            linux.private_mounts()
            linux.mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
            for directory, name, token in tokens:
                project_token(directory, name, token)

        directory = os.path.join(self.options.cgroup, cgroup)
        os.makedirs(directory)

        def enter():
            cgroups.enter(directory)
            mounts()

        pause = subprocess.Popen(["/usr/bin/sleep", "1000000"], preexec_fn=enter, cwd="/",
                                 stdin=subprocess.DEVNULL)
        self.processes.append(pause)
        holder = self.outer_pid(directory)
        addresses = ([net.NODE4, net.AGENT4, net.AGENT6, net.NODE6] if pod.host_network
                     else [net.pod4(index), net.pod6(index)])
        self.pods[pod.name] = {"pod": pod, "uid": uid, "index": index, "holder": holder,
                               "addresses": addresses, "containers": {}}

    @staticmethod
    def outer_pid(directory):
        """The one process of a cgroup; pids in cgroup.procs are the reader's namespace's, and
        /proc is the machine's, so ask the kernel by way of a pidfd's own namespace instead."""
        with open(os.path.join(directory, "cgroup.procs"), encoding="ascii") as f:
            inner = int(f.read().split()[0])
        fd = os.pidfd_open(inner)
        try:
            with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as f:
                for line in f:
                    if line.startswith("Pid:"):
                        return int(line.split()[1])
        finally:
            os.close(fd)
        raise RuntimeError("no pid")

    def container_identity(self, pod, name):
        state = self.pods[pod.name]
        uid, cid = identity_of(self.name, pod, name)
        cgroup = "node/" + cgroups.container_path(pod.driver, uid, pod.qos, cid)
        state["containers"][name] = cid
        return cgroup, {"pod": pod.name, "namespace": pod.namespace, "pod_uid": uid,
                        "service_account": pod.service_account, "container": name,
                        "container_id": cid, "host_network": pod.host_network,
                        "cgroup": self.relative(cgroup)}

    def write_node(self):
        """node.json: what a person or a test needs to find its way; pods as kubectl lists them."""
        rows = []
        for state in self.pods.values():
            pod = state["pod"]
            for container in pod.containers:
                self.container_identity(pod, container.name)
            rows.append({"name": pod.name, "namespace": pod.namespace, "uid": state["uid"],
                         "service_account": pod.service_account,
                         "workload": pod.workload or pod.name, "holder_pid": state["holder"],
                         "host_network": pod.host_network, "containers": state["containers"]})
        node = {"scenario": self.name, "pid": linux.host_pid(), "cgroup": self.root,
                "cgroup_root": linux.cgroup2_root(), "seconds": self.scenario.seconds, "agent_uid": self.agent_ids()[0],
                "netns": f"/proc/{linux.host_pid()}/ns/net", "pods": rows}
        path = os.path.join(self.options.truth, "node.json")
        with open(path + ".new", "w", encoding="utf-8") as f:
            json.dump(node, f, indent=1)
        os.rename(path + ".new", path)

    # ---- running ----
    def agenda(self):
        """(seconds after go, what to do), in order; the same each time."""
        agenda = []
        for pod in self.scenario.pods:
            for container in pod.containers:
                agenda.append((container.start, self.start_container, pod, container))
        for process in self.scenario.host:
            agenda.append((process.start, self.start_host, process, None))
        if self.scenario.agent_addresses:
            agenda.append((self.scenario.agent_start, self.start_agent, None, None))
        # servers before the clients of the same instant
        return sorted(agenda, key=lambda a: (a[0], a[1] != self.start_agent,
                                             not (a[3] is not None and a[3].server)))

    def agent_ids(self):
        seed = f"{self.name}/agent"
        return (str(uuid.uuid5(uuid.NAMESPACE_URL, seed)),
                hashlib.sha256(seed.encode()).hexdigest())

    def start_agent(self, *_):
        uid, cid = self.agent_ids()
        cgroup = "node/" + cgroups.container_path("systemd", uid, "burstable", cid)
        identity = {"pod": "eks-pod-identity-agent", "namespace": "kube-system", "pod_uid": uid,
                    "container": "agent", "container_id": cid, "host_network": True}
        self.server("agent", "agent", [(a, 80) for a in self.scenario.agent_addresses], cgroup,
                    identity=identity, upstream=True)

    def start_container(self, pod, container):
        state = self.pods[pod.name]
        cgroup, identity = self.container_identity(pod, container.name)
        if container.server:
            self.server(container.server, container.server, [("0.0.0.0", 8000)], cgroup,
                        identity=identity, holder=state["holder"], uid=container.uid)
            return
        spec = self.spec(f"client-{pod.name}-{container.name}", {
            "identity": identity, "truth": self.clients, "steps": container.steps,
            "intercept": pod.intercept})
        python = PYTHON if container.python == "system" else VENV_PYTHON
        self.programs.append(self.spawn([python, "-m", "node.clients", spec], cgroup,
                                        holder=state["holder"]))

    def start_host(self, process, _):
        cgroup = f"node/{SERVICES}/{process.unit}"
        spec = self.spec(f"client-{process.unit}", {
            "identity": {"unit": process.unit, "cgroup": self.relative(cgroup)},
            "truth": self.clients, "steps": process.steps})
        self.programs.append(self.spawn([PYTHON, "-m", "node.clients", spec], cgroup))

    def run(self):
        """Run all programs to their end; True when each ended well and in time."""
        random.seed(self.name)
        self.go = time.monotonic()
        for at, action, first, second in self.agenda():
            time.sleep(max(0.0, self.go + at - time.monotonic()))
            action(first, second)
        fine = True
        for program in self.programs:
            left = self.go + self.scenario.seconds - time.monotonic()
            try:
                fine &= program.wait(max(0.1, left)) == 0
            except subprocess.TimeoutExpired:
                print(f"node: still running after {self.scenario.seconds} s: {program.args[-1]}",
                      file=sys.stderr)
                program.kill()
                fine = False
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
