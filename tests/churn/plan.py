# SPDX-License-Identifier: Apache-2.0
"""What happens in a churn test: pods, when each lives, and when the API server tells of it. Pure
data from a seed; the names that credscope has to find are worked out here, not by its rules."""
import dataclasses
import datetime
import hashlib
import json
import random
import uuid

from node import cgroups

NODE = "churn-node"
MADE = "2026-11-21T00:00:00Z"
MINUTES = int(datetime.datetime.fromisoformat("2026-11-21T00:00:00+00:00").timestamp()) // 60
QOS = ("burstable", "besteffort", "guaranteed")
SCRIPTS = ("ab", "aia", "a.a", "tia", "kb", "ra", "ai.", "bx", "k.k", "a", "aa.r", "tiax")
RANDOM = "bcdfghjklmnpqrstvwxz2456789"  # apimachinery's alphabet
# When the pod's object is told of: class -> share of the pods.
ARRIVALS = (("early", 30), ("late", 40), ("deleted-first", 15), ("late-deleted", 5), ("never", 10))
NEVER = float("inf")


@dataclasses.dataclass
class Pod:
    number: int
    slot: int
    start: float  # seconds after T0, as all times here
    life: float
    address: str
    namespace_index: int  # which network namespace
    script: str
    arrival: str
    driver: str
    qos: str
    fields: dict  # what an event of a named exchange says
    cgroup_uid: str  # a static pod's is not its object's
    owner: dict
    labels: dict
    containers: tuple
    added: float = NEVER
    running: float = NEVER
    finished: float = NEVER
    deleted: float = NEVER

    @property
    def name(self):
        """Its name for the truth; other pods may bear the same name in Kubernetes."""
        return f"p{self.number}"

    @property
    def cgroup(self):
        return cgroups.container_path(self.driver, self.cgroup_uid, self.qos,
                                      self.fields["container_id"])

    def object(self, phase):
        """The API object in that phase, as JSON values. Only the status knows container ids."""
        told = self.fields
        metadata = {"name": told["pod"], "namespace": told["namespace"], "uid": told["pod_uid"],
                    "creationTimestamp": MADE, "labels": self.labels,
                    "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": {
                        "f:status": {f"f:field{i}": {} for i in range(20)}}}]}
        metadata.update({k: v for k, v in self.owner.items() if k != "spec"})
        spec = {"nodeName": NODE, "containers": [
            {"name": name, "image": f"registry.example/{name}:1",
             "env": [{"name": f"SETTING_{i}", "value": f"value-{i}"} for i in range(10)]}
            for name in self.containers], **self.owner.get("spec", {})}
        status = {"phase": phase, "podIP": self.address}
        if phase != "Pending":
            status["containerStatuses"] = [
                {"name": name, "image": f"registry.example/{name}:1", "restartCount": 0,
                 "containerID": "containerd://" + (
                     told["container_id"] if name == told["container"]
                     else _digest("other", self.number))} for name in self.containers]
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec,
                "status": status}


def _digest(*what):
    return hashlib.sha256("/".join(map(str, what)).encode()).hexdigest()


def _owned_by(kind, name):
    return {"ownerReferences": [{"apiVersion": "v1", "kind": kind, "name": name, "uid": "0",
                                 "controller": True}]}


def _identity(kind, which, number, ending):
    """(workload_kind, workload, pod name, what the object says of its owner, labels)."""
    pod_hash = f"{number * 2654435761 % 2**32:08x}"
    return {
        "Deployment": ("Deployment", f"web{which}", f"web{which}-{pod_hash}-{ending}",
                       _owned_by("ReplicaSet", f"web{which}-{pod_hash}"),
                       {"pod-template-hash": pod_hash}),
        "CronJob": ("CronJob", f"nightly{which}", f"nightly{which}-{MINUTES - number}-{ending}",
                    _owned_by("Job", f"nightly{which}-{MINUTES - number}"), {}),
        "Job": ("Job", f"migrate{which}", f"migrate{which}-{ending}",
                _owned_by("Job", f"migrate{which}"), {}),
        # pods of these two have one name, one after the other and at once
        "StatefulSet": ("StatefulSet", f"set{which}", f"set{which}-0",
                        _owned_by("StatefulSet", f"set{which}"), {}),
        "StaticPod": ("StaticPod", f"static{which}", f"static{which}-{NODE}",
                      _owned_by("Node", NODE), {}),
        "DaemonSet": ("DaemonSet", f"agent{which}", f"agent{which}-{ending}",
                      _owned_by("DaemonSet", f"agent{which}"), {}),
        "Pod": ("Pod", f"run{which}", f"run{which}-{ending}", {"generateName": f"run{which}-"}, {}),
    }[kind]


WORKLOADS = 7  # of each kind
KINDS = ("Deployment", "CronJob", "Job", "StatefulSet", "Pod", "DaemonSet", "Job", "StaticPod")


def _make(number, slot, start, life, dice, networks):
    kind = KINDS[(slot + number // 50) % len(KINDS)]
    ending = "".join(dice.choice(RANDOM) for _ in range(5))
    which = slot % WORKLOADS
    workload_kind, workload, name, owner, labels = _identity(kind, which, number, ending)
    uid = str(uuid.UUID(int=dice.getrandbits(128), version=4))
    cgroup_uid = uid
    if kind == "StaticPod":
        cgroup_uid = _digest("static", number)[:32]
        owner = {**owner, "annotations": {"kubernetes.io/config.hash": cgroup_uid,
                                          "kubernetes.io/config.mirror": cgroup_uid,
                                          "kubernetes.io/config.source": "file"}}
        account = "~none"
    else:
        account = f"sa-{(which + len(kind)) % 11}"
        owner = {**owner, "spec": {"serviceAccountName": account}}
    containers = ("app",) if dice.random() < 0.5 else ("proxy", "app")
    fields = {"namespace": f"ns-{(which * 3 + len(kind)) % 5}", "service_account": account, "pod": name,
              "pod_uid": uid, "workload_kind": workload_kind, "workload": workload,
              "container": "app", "container_id": _digest("container", number, uid),
              "image": "registry.example/app:1"}
    drivers = [d for d in cgroups.DRIVERS if kind != "StaticPod" or d in ("systemd", "cgroupfs")]
    return Pod(number, slot, start, life, f"10.244.0.{slot % 10 + 1}", min(slot, networks - 1),
               dice.choice(SCRIPTS), "", drivers[number % len(drivers)],
               QOS[number % len(QOS)], fields, cgroup_uid, owner, labels, containers)


def _arrive(pod, arrival, dice):
    """When the API server tells what. A request is made within 10 ms of the start."""
    pod.arrival, end = arrival, pod.start + pod.life
    stays = dice.random() < 0.5  # a finished job's pod is listed until somebody deletes it
    if arrival == "never":
        return
    if arrival in ("early", "deleted-first"):
        pod.added = pod.start - dice.uniform(0.2, 1.0)
    else:
        pod.added = pod.start + dice.uniform(0.2, 5.0)
    if arrival == "deleted-first":  # by force: the process runs on without its object
        pod.deleted = pod.start - dice.uniform(0.0, 0.1)
        return
    if arrival == "late-deleted":  # there and gone before a status was told
        pod.added = max(pod.added, end + 0.1)
        pod.deleted = pod.added + 0.01
        return
    pod.running = max(pod.start, pod.added) + dice.uniform(0.1, 0.5)
    pod.finished = max(end, pod.running) + 0.1
    if not stays:
        pod.deleted = pod.finished + dice.uniform(0.1, 2.0)


def make(count=1000, at_once=50, networks=41, seed=1):
    """count pods, at_once of them at any time. The slots from networks - 1 on share one network
    namespace, as hostNetwork pods do; five slots each share an address."""
    dice = random.Random(seed)
    arrivals = [name for name, share in ARRIVALS for _ in range(share)]
    pods, free = [], [dice.uniform(0, 1) for _ in range(at_once)]
    for number in range(count):
        slot = min(range(at_once), key=free.__getitem__)
        start, life = round(free[slot], 3), round(dice.uniform(0.8, 1.15), 3)
        free[slot] = start + life + 0.02  # then its address is another pod's
        pod = _make(number, slot, start, life, dice, networks)
        _arrive(pod, dice.choice(arrivals), dice)
        pods.append(pod)
    return sorted(pods, key=lambda pod: pod.start)


def spawn_lines(pods, netns_fds):
    return "".join(f"{round(p.start * 1000)} {round(p.life * 1000)} "
                   f"{netns_fds[p.namespace_index]} {p.address} {p.name} {p.script} {p.cgroup}\n"
                   for p in pods)


@dataclasses.dataclass
class Change:
    at: float
    version: int
    kind: str  # ADDED, MODIFIED, DELETED
    pod: Pod
    text: bytes  # the object's JSON, its resourceVersion included


FIRST_VERSION = 1000


def changes(pods):
    """Every change of an object, in order, as the API server will tell of it."""
    steps = []
    for pod in pods:
        for at, kind, phase in ((pod.added, "ADDED", "Pending"),
                                (pod.running, "MODIFIED", "Running"),
                                (pod.finished, "MODIFIED", "Succeeded"),
                                (pod.deleted, "DELETED", "Pending" if pod.running == NEVER
                                 else "Succeeded")):
            if at != NEVER:
                steps.append((at, kind, pod, phase))
    found = []
    for version, (at, kind, pod, phase) in enumerate(
            sorted(steps, key=lambda s: s[0]), FIRST_VERSION + 1):
        value = pod.object(phase)
        value["metadata"]["resourceVersion"] = str(version)
        found.append(Change(at, version, kind, pod,
                            json.dumps(value, separators=(",", ":")).encode()))
    return found
