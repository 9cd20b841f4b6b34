# SPDX-License-Identifier: Apache-2.0
"""Holds an event log to what the pods themselves wrote down, request by request. The marker is in
the User-Agent that the pod sent, so that it says who asked without any attribution. A refused
connection has none: its process says who it was."""
import collections
import dataclasses

MECHANISM = {"a": "eks-pod-identity", "b": "eks-pod-identity", "k": "eks-pod-identity",
             "x": "eks-pod-identity", "i": "imdsv2", "t": "metadata"}
# Only a pod's object tells these; without it they must be absent (docs/events.md).
NAMES = ("namespace", "pod", "service_account", "workload_kind", "workload")
# These may be unknown for longer, and be then absent: a status comes after its container.
LATER = ("container", "image")


@dataclasses.dataclass
class Result:
    requests: int = 0
    named: int = 0
    unnamed: int = 0
    must_be_named: int = 0   # requests of pods whose object was served for certain
    missed: list = dataclasses.field(default_factory=list)  # of those: not named
    wrong: list = dataclasses.field(default_factory=list)   # named, but otherwise than it is
    lost: list = dataclasses.field(default_factory=list)    # requests without a line
    extra: list = dataclasses.field(default_factory=list)   # lines without a request
    by_workload: collections.Counter = dataclasses.field(default_factory=collections.Counter)

    @property
    def share(self):
        """Of the requests that must be named, how many are."""
        return 1.0 - len(self.missed) / self.must_be_named if self.must_be_named else 1.0


def named(event):
    return "pod" in event


def problems(row, pod, event, served):
    """What one event says that is not so, as texts. served: the pod's object was ever told."""
    found = []

    def differs(name, wanted, got):
        if got != wanted:
            found.append(f"{name} is {got!r}, truth {wanted!r}")

    if named(event):
        if not served:
            found.append(f"named {event.get('pod')!r} though no object was served")
        for name in NAMES:
            differs(name, pod.fields[name], event.get(name))
        differs("pod_uid", pod.fields["pod_uid"], event.get("pod_uid"))
        for name in LATER:
            if name in event:
                differs(name, pod.fields[name], event[name])
    else:
        for name in ("namespace", "service_account"):
            differs(name, None, event.get(name))
        differs("pod_uid", pod.cgroup_uid, event.get("pod_uid"))
    differs("container_id", pod.fields["container_id"], event.get("container_id"))
    differs("pid", row["pid"], event.get("pid"))
    differs("cgroup", pod.cgroup, event.get("cgroup", "")[-len(pod.cgroup):])
    if row["step"] in MECHANISM:
        differs("mechanism", MECHANISM[row["step"]], event.get("mechanism"))
    if row["step"] == "r":
        differs("outcome", "refused", event.get("outcome"))
    elif row["status"]:
        differs("outcome", "ok", event.get("outcome"))
        differs("status", row["status"], event.get("status"))
    return found


def _key(event):
    marker = event.get("user_agent")
    if marker is None and event.get("outcome") == "refused":
        return ("refused", event.get("pid"))
    return marker


def match(truth, pods, events, served, unsure=frozenset()):
    """truth: rows of the clients; pods: name -> plan.Pod; served: numbers of the pods whose object
    was told, unsure: those of them of which it is not certain that it was read."""
    result = Result(requests=len(truth))
    lines = collections.defaultdict(list)
    for event in events:
        lines[_key(event)].append(event)
    for row in truth:
        pod = pods[row["pod"]]
        mine = lines[("refused", row["pid"]) if row["step"] == "r" else row["marker"]]
        if not mine:
            result.lost.append(f"{row['marker']} step {row['step']} of {pod.arrival} pod")
            continue
        event = mine.pop(0)
        wrong = problems(row, pod, event, pod.number in served)
        if wrong:
            result.wrong.append(f"{row['marker']} ({pod.arrival}): {'; '.join(wrong)}")
        must = pod.number in served and pod.number not in unsure
        result.must_be_named += must
        if named(event):
            result.named += 1
            result.by_workload[tuple(event.get(n) for n in NAMES if n != "pod")] += 1
        else:
            result.unnamed += 1
            if must:
                result.missed.append(f"{row['marker']} ({pod.arrival})")
    for key, rest in lines.items():
        result.extra += [f"{key}: {event.get('mechanism')} {event.get('pod', '')}"
                         for event in rest]
    return result
