# SPDX-License-Identifier: Apache-2.0
"""The comparison itself: a faithful log passes, and each way of being wrong is noticed."""
import copy

import match
import plan

PODS = plan.make(count=60, at_once=10, networks=8)


def _row(pod, step, number, **more):
    return {"pod": pod.name, "marker": f"churn/{pod.name}/{number}", "step": step,
            "pid": 1000 + pod.number, "status": 200, **more}


def _event(pod, row, name):
    step, told = row["step"], pod.fields
    event = {"mechanism": match.MECHANISM.get(step, "eks-pod-identity"), "pid": row["pid"],
             "cgroup": f"/somewhere/node.slice/{pod.cgroup}", "outcome": "ok", "status": 200,
             "container_id": told["container_id"], "pod_uid": pod.cgroup_uid,
             "user_agent": row["marker"]}
    if step == "r":
        event["outcome"] = "refused"
        del event["status"], event["user_agent"]
    if name:
        event.update({n: told[n] for n in match.NAMES + match.LATER + ("pod_uid",)})
    return event


def _faithful():
    """A static pod, a Deployment's, one that was never told of; truth, events, served."""
    static = next(p for p in PODS if p.fields["workload_kind"] == "StaticPod")
    usual = next(p for p in PODS if p.fields["workload_kind"] == "Deployment")
    never = next(p for p in PODS if p is not usual and p.fields["workload_kind"] != "StaticPod")
    truth, events = [], []
    for pod in (static, usual, never):
        for number, step in enumerate("ar"):
            row = _row(pod, step, number)
            if step == "r":
                row["status"] = 0
            truth.append(row)
            events.append(_event(pod, row, pod is not never))
    return truth, events, {static.number, usual.number}, never


def _unname(event):
    for name in match.NAMES + match.LATER:
        event.pop(name, None)
    event["pod_uid"] = PODS[int(event["user_agent"].split("/")[1][1:])].cgroup_uid


# what is done to the log, how, and the list of the result that it must show in
SPOILT = [
    *[(f"another {name}", lambda log, name=name: log[0].update({name: "other"}), "wrong")
      for name in match.NAMES + match.LATER + ("pod_uid", "container_id", "mechanism", "outcome")],
    *[(f"no {name}", lambda log, name=name: log[0].pop(name), "wrong")
      for name in ("namespace", "service_account", "workload_kind", "workload", "container_id")],
    ("another process", lambda log: log[2].update(pid=1), "wrong"),
    ("another cgroup", lambda log: log[2].update(cgroup="/node.slice/other"), "wrong"),
    ("the name of a pod that was never told", lambda log: log[4].update(
        {n: PODS[0].fields[n] for n in match.NAMES}), "wrong"),
    ("a guessed namespace", lambda log: log[4].update(namespace="ns-1"), "wrong"),
    ("another pod's UID without a name", lambda log: log[4].update(pod_uid="other"), "wrong"),
    ("a line lost", lambda log: log.pop(2), "lost"),
    ("a refusal lost", lambda log: log.pop(3), "lost"),
    ("a line twice", lambda log: log.append(dict(log[0])), "extra"),
    ("a line of nobody", lambda log: log.append({"mechanism": "imdsv1"}), "extra"),
    ("a line unnamed", lambda log: _unname(log[2]), "missed"),
]


def run(results):
    truth, events, served, never = _faithful()
    pods = {pod.name: pod for pod in PODS}
    good = match.match(truth, pods, copy.deepcopy(events), served)
    results.check(not (good.wrong or good.lost or good.extra or good.missed)
                  and (good.requests, good.named, good.unnamed, good.must_be_named) == (6, 4, 2, 4)
                  and good.share == 1.0, "match: a faithful log has no fault", repr(good))
    for name, spoil, where in SPOILT:
        log = copy.deepcopy(events)
        spoil(log)
        found = match.match(truth, pods, log, served)
        results.check(getattr(found, where), f"match: notices {name}", repr(found))
    log = copy.deepcopy(events)
    _unname(log[2])
    found = match.match(truth, pods, log, served)
    results.check(found.share == 0.75, "match: counts the share of named", str(found.share))
    unsure = {int(truth[2]["pod"][1:])}
    found = match.match(truth, pods, log, served, unsure)
    results.check(not found.missed and found.must_be_named == 2,
                  "match: demands no name that may not have arrived", repr(found))
    found = match.match(truth, pods, copy.deepcopy(events), served | {never.number})
    results.check(found.missed and not found.wrong, "match: demands a name that was served",
                  repr(found))
