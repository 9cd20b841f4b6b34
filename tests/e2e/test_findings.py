# SPDX-License-Identifier: Apache-2.0
"""The situations of real migrations on the simulated node: each pod raises the findings that it
must, and no other; they open in time, and gauges, API and event log agree.

Some are judged once more with a minute made an hour (hours.py).

Every scenario is a node and an observer of its own, in a process of its own, all at once."""
import collections
import json
import multiprocessing
import os
import re
import subprocess
import tempfile
import time

import checks
import hours
import replays
from node import scenarios, session, truth
from tap import Results

NAMES = ("situations", "agent-down", "stock-eks", "stock-aks", "hour")
# what is decided some time after its evidence
LATE = ("hop-limit", "hop-limit-harmless", "token-read-no-exchange")
HOP_SECONDS = 64.0  # a hop limit is judged a minute after the request


def api(observer, path):
    done = subprocess.run([session.CURL, "-sSf", "--unix-socket", observer.api,
                           f"http://credscope/api/v1/{path}"], capture_output=True, text=True,
                          timeout=15, check=True)
    return json.loads(done.stdout)


def observe(name, directory, expect):
    """Play one scenario; what is to be compared goes to files of the directory."""
    os.makedirs(directory)
    with session.Node(name, directory) as node, \
            session.Observer(node, session.binary(), directory, "--expect", expect,
                             *replays.recorded(directory)) as observer:
        node.go()
        fine = node.finished()
        checks.settle(observer)
        if name == "situations":  # its last token request, and what comes a minute after
            time.sleep(3.0)
        said = {"fine": fine, "metrics": observer.metrics(), "findings": api(observer, "findings"),
                "workloads": api(observer, "workloads")}
        said["status"] = observer.close()
        said["log"] = observer.log_tail()
    with open(f"{directory}/said.json", "w", encoding="utf-8") as f:
        json.dump(said, f)


def label(row):
    return row["finding"] + ("!" if row["expected"] else "")


def found(events):
    """{pod, None for the node, or a host's unit: set of findings that were ever opened}"""
    by = collections.defaultdict(set)
    for row in events:
        if row.get("kind") == "finding" and row["open"]:
            whose = None if row.get("workload_kind") == "Node" else row.get("pod", row["workload"])
            by[whose].add(label(row))
    return by


def each_pod(name, scenario, events, results):
    by = found(events)
    for pod in scenario.pods:
        got, wanted = by.pop(pod.name, set()), set(pod.findings)
        results.check(got == wanted,
                      f"{name}: {pod.name} raises {', '.join(sorted(wanted)) or 'nothing'}",
                      [f"also {sorted(got - wanted)}, not {sorted(wanted - got)}"])
    got = by.pop(None, set())
    results.check(got == set(scenario.findings), f"{name}: of the node itself: "
                  f"{', '.join(scenario.findings) or 'nothing'}", [f"got {sorted(got)}"])
    results.check(not by, f"{name}: nobody else raises anything", [str(dict(by))])


def in_time(name, events, results):
    """Open within 10 s of the evidence."""
    slow = []
    for row in events:
        if row.get("kind") == "finding" and row["open"]:
            limit = HOP_SECONDS if row["finding"].startswith("hop-limit") else \
                35.0 if row["finding"] in LATE else 10.0
            if truth_seconds(row["time"]) - truth_seconds(row["since"]) > limit:
                slow.append(f"{row.get('pod')} {row['finding']}: {row['since']} {row['time']}")
    results.check(not slow, f"{name}: each opens in time", slow)


def truth_seconds(text):
    clock = re.match(r".*T(\d+):(\d+):([\d.]+)Z", text)
    return int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3])


def agreement(name, events, said, results):
    """Event log, API and gauges say the same of what is open at the end."""
    still = collections.Counter()
    for row in events:
        if row.get("kind") == "finding":
            key = (row.get("container_id"), row["finding"], row["mechanism"], row["explanation"]
                   if row.get("workload_kind") == "Node" else "")
            still[key[:3]] += 1 if row["open"] else -1
    listed = collections.Counter((r.get("container_id"), r["finding"], r["mechanism"])
                                 for r in said["findings"]["findings"])
    results.check(+still == listed, f"{name}: the API lists what the event log left open",
                  [f"log {dict(+still - listed)}, API {dict(listed - +still)}"])
    wanted = {(r["namespace"], r["workload"], r["finding"], str(r["expected"]).lower())
              for r in said["findings"]["findings"]}
    gauges = set()
    for line in said["metrics"].splitlines():
        if line.startswith("credscope_finding{"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            gauges.add((labels["namespace"], labels["workload"], labels["finding"],
                        labels["expected"]))
    results.check(gauges == wanted, f"{name}: credscope_finding shows them, and no others",
                  [f"gauges {sorted(gauges - wanted)}, API {sorted(wanted - gauges)}"])


def texts(name, events, results):
    bad = [f"{r['finding']}: {r['explanation']}" for r in events if r.get("kind") == "finding"
           and (len(r["explanation"]) < 40 or re.search(r"[{}]|~unknown", r["explanation"]))]
    results.check(not bad, f"{name}: each explains itself", bad)


def delegated(events, results):
    """IRSA by record shape, at lower confidence, with the caller named."""
    calls = [e for e in events if e["kind"] == "exchange" and e.get("pod") == "delegator"]
    results.check(len(calls) == 2 and all(
        e["mechanism"] == "irsa" and e["confidence"] == "low" and "on_behalf_of" not in e
        and e["service_account"] == "default" for e in calls),
        "situations: a delegated identity is IRSA by shape, at low confidence",
        [f"{e['mechanism']} {e['confidence']} {e['reasons']}" for e in calls])


def metrics_of_situations(said, results):
    """What needs more than one node to decide is there to be added up."""
    text = said["metrics"]
    results.check(checks.value(text, "credscope_credentials_total", 'namespace="cutover"',
                               'mechanism="irsa"') == 1
                  and checks.value(text, "credscope_credentials_total", 'namespace="cutover"',
                                   'mechanism="eks-pod-identity"') == 1,
                  "situations: a namespace's deliveries, by old path and new")
    results.check(checks.value(text, "credscope_last_success_timestamp_seconds",
                               'service_account="nightly"', 'mechanism="aad-pod-identity"') > 1e9,
                  "situations: when a forgotten service account last depended on NMI")
    results.check(checks.value(text, "credscope_observed_seconds_total") > 60,
                  "situations: for how long the node was watched")
    results.check(checks.value(text, "credscope_sdk_info", 'sdk="boto3"', 'version="1.26.10"') == 1,
                  "situations: the SDK that a request named")
    severities = re.findall(r'credscope_finding_info{finding="([^"]+)",severity="([^"]+)"} 1', text)
    results.check(len(severities) == 24 and ("imdsv1", "warning") in severities,
                  "situations: credscope_finding_info has every finding")
    one = [w for w in said["workloads"]["workloads"] if w["workload"] == "left-behind"]
    results.check(one and {f["finding"] for f in one[0]["findings"]} ==
                  {"retiring-mechanism", "irsa-left-behind"},
                  "situations: /api/v1/workloads has a workload's findings", [str(one)])


def cleared(events, results):
    """The agent's coming ends what its absence opened, at once."""
    rows = [(r["open"], r["finding"], r["explanation"]) for r in events
            if r.get("kind") == "finding" and r.get("workload_kind") == "Node"]
    v4 = [open_ for open_, finding, text in rows
          if finding == "endpoint-unreachable" and "169.254.170.23" in text]
    results.check(v4 == [True, False], "agent-down: the IPv4 address is reachable again", rows)


def refuses(results, directory):
    """A file with an error stops the start, and says where."""
    path = f"{directory}/wrong"
    with open(path, "w", encoding="utf-8") as f:
        f.write("# expectations\nshop/payer irsa 2027-02-30 why\n")
    with session.Node("smoke", f"{directory}/node") as node:
        done = node.spawn([session.binary(), "run", "--cgroup", node.info["cgroup"], "--kube",
                           "none", "--api-listen", f"unix:{directory}/api.sock", "--listen",
                           "127.0.0.1:9811", "--state-dir", "none", "--expect", path],
                          stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            text = done.communicate(timeout=20)[1]
        except subprocess.TimeoutExpired:
            done.kill()
            text = done.communicate()[1]
    results.check(done.returncode == 2 and "line 2: '2027-02-30' is no day" in text,
                  "--expect: an error names file and line, exit status 2",
                  [f"{done.returncode} {text}"])


def main():
    results = Results()
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        expect = f"{directory}/expect"
        with open(expect, "w", encoding="utf-8") as f:
            f.write("gone/by irsa 2020-01-31 was agreed for a while\n")
        children = [multiprocessing.Process(target=observe, args=(n, f"{directory}/{n}", expect))
                    for n in NAMES]
        for child in children:
            child.start()
            time.sleep(2.0)  # building a node takes a core for that long
        for child in children:
            child.join(300)
        for name in NAMES:
            path = f"{directory}/{name}"
            if not results.check(os.path.exists(f"{path}/said.json"), f"{name}: was observed"):
                continue
            with open(f"{path}/said.json", encoding="utf-8") as f:
                said = json.load(f)
            scenario, events = scenarios.load()[name], truth.read(f"{path}/events.jsonl")
            results.check(said["fine"] and said["status"] == 0, f"{name}: all ended well",
                          said["log"])
            results.check("the last day of gone/by irsa is over" in said["log"],
                          f"{name}: credscope warned of an expectation whose day is over")
            checks.intended(name, truth.read(f"{path}/clients.jsonl"), results)
            if name in hours.TAIL:
                hours.judge(name, scenario, path, events, results)
            else:
                hours.clears(name, path, events, results)
            if name != "hour":  # what its pods raise takes longer than a minute
                each_pod(name, scenario, events, results)
            in_time(name, events, results)
            agreement(name, events, said, results)
            texts(name, events, results)
            if name == "situations":
                metrics_of_situations(said, results)
                delegated(events, results)
            if name == "agent-down":
                cleared(events, results)
            if keep := os.environ.get("E2E_KEEP"):
                subprocess.run(["cp", "-r", path, keep], check=False)
        refuses(results, f"{directory}")
    results.finish()


if __name__ == "__main__":
    main()
