# SPDX-License-Identifier: Apache-2.0
"""The churn test: 1,000 pods that live about a second, 50 at a time, watched by four credscopes
whose API servers differ. Each event log is compared with what the pods wrote down themselves.

CHURN_PODS and CHURN_SEED change the plan; CHURN_KEEP=DIR keeps logs and truth there."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import api
import api_server
import match
import plan
import test_match
from node import cgroups, linux, net, sandbox
from observer import Observer
from tap import Results

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
CHURN = os.path.join(BUILD, "tests", "churn")
NETWORKS, AT_ONCE = 41, 50
FIRST_REQUEST_MS = 10.0
LIST_SECONDS = 12.0  # until an API server that is there again has been asked: the client's backoff
SHARE = 0.999  # of the requests whose pod's object was served

SCENARIOS = (
    api.Scenario("steady"),
    api.Scenario("down", down_until=27.0),  # for the first 30 s of credscope, about
    api.Scenario("restarted", restarts=((7.0, 9.0), (14.0, 14.3))),
    api.Scenario("late", late=5.0),
)


def make_networks(addresses):
    """Descriptors of namespaces that lead nowhere: the end-points are on their loopback, and so
    are the addresses that pods have."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    net.ip_batch(["link set lo up"])
    batch = ["link set lo up", *[f"addr add {a}/32 dev lo" for a in
                                 (net.AGENT4, net.IMDS4, *addresses)],
             *[f"addr add {a}/128 dev lo nodad" for a in (net.AGENT6, net.IMDS6)]]
    found = []
    for _ in range(NETWORKS):
        found.append(net.new_namespace(home))
        net.ip_batch(batch, netns=found[-1])
    return found


class Churn:
    def __init__(self, place):
        self.work, self.node = place.work, os.path.join(place.cgroup, cgroups.NODE)
        os.makedirs(self.node)
        api_server.make_certificates(self.work)
        with open(os.path.join(self.work, "token"), "w", encoding="ascii") as f:
            f.write(api_server.TOKEN + "\n")
        seed = int(os.environ.get("CHURN_SEED", "1"))
        self.pods = plan.make(int(os.environ.get("CHURN_PODS", "1000")), AT_ONCE, NETWORKS, seed)
        self.changes = plan.changes(self.pods)
        self.networks = make_networks(sorted({pod.address for pod in self.pods}))
        self.truth_path = os.path.join(self.work, "truth.jsonl")
        self.server = subprocess.Popen(
            [CHURN, "serve", *map(str, self.networks)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, pass_fds=self.networks, preexec_fn=linux.die_with_parent)
        if self.server.stdout.readline() != b"ready\n":
            raise RuntimeError("the end-points did not start")
        self.apis = [api.Api(scenario, self.work, self.changes) for scenario in SCENARIOS]
        self.observers = [Observer(os.path.join(BUILD, "credscope"), self.work, one, self.node,
                                   9810 + i) for i, one in enumerate(self.apis)]
        for observer in self.observers:
            observer.await_attached()
        self.cpu_at_start = {o.name: o.cpu_seconds() for o in self.observers}

    def live(self):
        """All pods' lives. True when each did what it should."""
        t0 = time.monotonic() + 1.5
        for one in self.apis:
            one.begin(t0)
        truth = os.open(self.truth_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        done = subprocess.run(
            [CHURN, "spawn", str(int(t0 * 1e9)), self.node, str(truth)],
            input=plan.spawn_lines(self.pods, self.networks), text=True, timeout=120,
            pass_fds=[truth, *self.networks], preexec_fn=linux.die_with_parent, check=False)
        os.close(truth)
        self.await_told(t0)
        return done.returncode == 0

    def await_told(self, t0):
        """Until every API server has told all that it ever will."""
        last = max(change.at for change in self.changes)
        for one in self.apis:
            time.sleep(max(0.0, t0 + last + one.scenario.late + 1.0 - time.monotonic()))
            patience = t0 + one.scenario.down_until + LIST_SECONDS
            while one.lists == 0 and time.monotonic() < patience:
                time.sleep(0.05)
        time.sleep(1.0)

    def truth(self):
        with open(self.truth_path, encoding="ascii") as f:
            return [json.loads(line) for line in f]

    def close(self):
        for one in self.apis:
            one.stop()
        self.server.stdin.close()
        self.server.wait(5)
        keep = os.environ.get("CHURN_KEEP")
        if keep:
            shutil.copytree(self.work, keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns(
                "*.sock", "*.key", "*.csr"))


def check_first_requests(results, truth, pods):
    """The test's own promise: each pod asks at once."""
    first = [row["after_ms"] for row in truth if row["marker"].endswith("/0")]
    at_once = sum(ms < FIRST_REQUEST_MS for ms in first) / len(first)
    results.check(len(first) == len(pods) and statistics.median(first) < FIRST_REQUEST_MS,
                  f"pods: {len(first)} of {len(pods)} asked, {100 * at_once:.1f} % within 10 ms, "
                  f"median {statistics.median(first):.1f} ms", f"slowest {max(first):.1f} ms")


def check_metrics(results, name, samples, found):
    """What the counters say, before those that still wait are given up."""
    requests = [(labels, value) for metric, labels, value in samples
                if metric == "credscope_requests_total"]
    waiting = sum(v for m, l, v in samples
                  if m == "credscope_tracked" and l.get("set") == "waiting_requests")
    total = sum(value for _, value in requests)
    results.check(total + waiting == found.requests, f"{name}: the counters' total is conserved",
                  f"{total:.0f} counted, {waiting:.0f} waiting, {found.requests} made")
    given_up = sum(v for m, l, v in samples if m == "credscope_waited_requests_total"
                   and l["end"] in ("timeout", "full"))
    results.check(given_up == 0, f"{name}: no request stopped waiting before its pod could be told",
                  f"{given_up:.0f} did")
    counted = {}
    for labels, value in requests:
        if not labels["namespace"].startswith("~"):
            key = tuple(labels[n] for n in match.NAMES if n != "pod")
            counted[key] = counted.get(key, 0) + value
    differ = [f"{key}: counted {counted.get(key, 0):.0f}, logged {found.by_workload.get(key, 0)}"
              for key in sorted(set(counted) | set(found.by_workload))
              if counted.get(key, 0) != found.by_workload.get(key, 0)]
    results.check(not differ, f"{name}: the counters agree with the log, workload by workload",
                  differ)


def check_observer(results, churn, observer, one, truth, samples):
    name = observer.name
    cpu = observer.cpu_seconds() - churn.cpu_at_start[name]
    status = observer.stop()
    one.stop()  # after the client: its connections are gone
    results.check(status == 0, f"{name}: credscope ended well", observer.log_tail())
    lines = observer.lines()
    events = [line for line in lines if line.get("kind", "exchange") == "exchange"]
    # token files are watched on the whole machine, and these pods open none
    lost = [line for line in lines if line.get("kind") == "loss" and line["hop"] != "token_opens"]
    found = match.match(truth, {pod.name: pod for pod in churn.pods}, events, one.served,
                        one.unsure)
    results.check(not found.wrong, f"{name}: 0 of {found.requests} attributed wrong", found.wrong)
    results.check(found.share >= SHARE and found.must_be_named > 0,
                  f"{name}: {100 * found.share:.2f} % of {found.must_be_named} requests named, "
                  f"{found.unnamed} counted as unknown, {cpu:.2f} s CPU", found.missed)
    results.check(not found.lost and not found.extra, f"{name}: each request is one line",
                  [*found.lost, *found.extra])
    results.check(not lost, f"{name}: nothing was lost", map(str, lost))
    check_metrics(results, name, samples, found)
    results.check(not one.problems, f"{name}: the API server was asked as it should be",
                  one.problems)


def body(place):
    results = Results()
    test_match.run(results)
    churn = Churn(place)
    try:
        results.check(churn.live(), "pods: all lived as planned")
        # of all at once: what waits for a pod that nobody tells of does so for a minute only
        samples = [observer.metrics() for observer in churn.observers]
        truth = churn.truth()
        check_first_requests(results, truth, churn.pods)
        for observer, one, scraped in zip(churn.observers, churn.apis, samples):
            check_observer(results, churn, observer, one, truth, scraped)
    finally:
        churn.close()
    print(f"{results.passed} passed, {results.failed} failed", flush=True)
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(sandbox.run(body))
