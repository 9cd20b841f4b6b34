# SPDX-License-Identifier: Apache-2.0
"""A pod of the simulated node: its ids, cgroups, network namespace, mounts and pause process."""
import hashlib
import os
import subprocess
import uuid

from . import cgroups, linux, mesh, net
from .servers import bodies

# directory below /run/secrets, file, audience: what kubelet and the webhooks project
TOKENS = (
    ("pods.eks.amazonaws.com/serviceaccount", "eks-pod-identity-token", "pods.eks.amazonaws.com"),
    ("eks.amazonaws.com/serviceaccount", "token", "sts.amazonaws.com"),
    ("azure/wi/token", "azure-identity-token", "api://AzureADTokenExchange"),
    ("azure/tokens", "azure-identity-token", "api://AzureADTokenExchange"),
    ("kubernetes.io/serviceaccount", "token", "https://kubernetes.default.svc"),
)
SIDECAR_UID = 1501


def pod_uid(node, namespace, name):
    """node: this one alone. The sensor's cgroup and token-file hooks see the whole machine: two
    nodes of one scenario at a time must not take each other's pods for their own."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{node}/{namespace}/{name}"))


def container_id(uid, name):
    return hashlib.sha256(f"{uid}/{name}".encode()).hexdigest()


def project_token(directory, name, token):
    """A projected volume as kubelet's atomic writer makes it: name -> ..data -> ..<time>."""
    real = os.path.join(directory, "..2026_01_02_03_04_05.123456789")
    os.makedirs(real)
    with open(os.path.join(real, name), "w", encoding="ascii") as f:
        f.write(token)
    os.symlink(os.path.basename(real), os.path.join(directory, "..data"))
    os.symlink(os.path.join("..data", name), os.path.join(directory, name))


def only_process(directory):
    """Machine-wide pid of a cgroup's one process. cgroup.procs speaks in pids of the reader's
    namespace, /proc in the machine's: a pidfd's fdinfo translates."""
    with open(os.path.join(directory, "cgroup.procs"), encoding="ascii") as f:
        inner = int(f.read().split()[0])
    fd = os.pidfd_open(inner)
    try:
        with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Pid:"))
    finally:
        os.close(fd)


class RunningPod:
    """spec: the scenario's row; holder: pid of the pause process, whose namespaces it has."""

    def __init__(self, node, index, spec):
        self.spec, self.index = spec, index
        self.uid = pod_uid(node, spec.namespace, spec.name)
        self.object_uid = self.uid
        if spec.static:
            # a mirror pod: its object has a UID of its own, its cgroups have the file's hash
            self.uid = self.uid.replace("-", "")
            self.object_uid = f"{self.uid[:8]}-0000-4000-8000-{self.uid[20:]}"
        self.addresses = ([net.NODE4, net.AGENT4, net.AGENT6, net.NODE6] if spec.host_network
                          else [net.pod4(index), net.pod6(index)])
        self.holder = self.pause = self.netns = None

    def cgroup(self, container):
        path = cgroups.container_path(self.spec.driver, self.uid, self.spec.qos,
                                      container_id(self.uid, container))
        return f"{cgroups.NODE}/{path}"

    def identity(self, container):
        """Who a container is, for truth lines."""
        return {"pod": self.spec.name, "namespace": self.spec.namespace,
                "pod_uid": self.object_uid,
                "service_account": "~none" if self.spec.static else self.spec.service_account,
                "workload_kind": "StaticPod" if self.spec.static else self.spec.workload_kind,
                "workload": self.spec.workload or self.spec.name, "container": container,
                "container_id": container_id(self.uid, container),
                "host_network": self.spec.host_network}

    def start(self, network, cgroup_base):
        """Make the namespaces and the pause process; it must be kept and ended by the caller."""
        netns = self.netns = network.node if self.spec.host_network else \
            network.add_pod(self.index, self.spec.ipv6)
        if self.spec.intercept == "proxy-sidecar":
            net.redirect_in_pod(netns, SIDECAR_UID)
        if self.spec.mesh:
            mesh.redirect_in_pod(self.spec.mesh, netns)
        directory = os.path.join(cgroup_base, self.cgroup("pause"))
        os.makedirs(directory)

        def enter():
            cgroups.enter(directory)
            linux.setns(netns, linux.CLONE_NEWNET)
            linux.private_mounts()
            linux.mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
            subject = f"system:serviceaccount:{self.spec.namespace}:{self.spec.service_account}"
            for where, name, audience in TOKENS:
                project_token(f"/run/secrets/{where}", name,
                              bodies.jwt(subject, audience, self.spec.token_bytes))

        self.pause = subprocess.Popen(["/usr/bin/sleep", "1000000"], preexec_fn=enter, cwd="/",
                                      stdin=subprocess.DEVNULL)
        self.holder = only_process(directory)

    def describe(self):
        """Its row of node.json: a pod as kubectl would list it."""
        return {"name": self.spec.name, "namespace": self.spec.namespace, "uid": self.uid,
                "service_account": self.spec.service_account,
                "workload": self.spec.workload or self.spec.name, "holder_pid": self.holder,
                "host_network": self.spec.host_network,
                "containers": {c.name: container_id(self.uid, c.name)
                               for c in self.spec.containers}}
