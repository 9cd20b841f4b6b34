# SPDX-License-Identifier: Apache-2.0
"""Meshes: each exchange once, the application's, with the findings that it must raise and no
other; every connection that a proxy passed it on with is counted apart; what only a proxy is seen
to ask is nobody's."""
import json
import os
import shutil
import tempfile

import checks
import compare
import test_findings
from node import scenarios, session, truth
from tap import Results

# what is not the application's own name for it
PROXIES = ("istio-proxy", "ztunnel", "egress")


def observe(name, directory):
    """Play the scenario; what the observer says at its end."""
    with session.Node(name, directory) as node, \
            session.Observer(node, session.binary(), directory) as observer:
        node.go()
        fine = node.finished()
        checks.settle(observer)
        said = {"fine": fine, "metrics": observer.metrics(),
                "findings": test_findings.api(observer, "findings"),
                "workloads": test_findings.api(observer, "workloads")}
        said["status"] = observer.close()
        said["log"] = observer.log_tail()
    return said


def passed_on(clients):
    """Exchanges that a proxy repeated on a connection of its own."""
    meshes = {pod.name: pod.mesh for pod in scenarios.load()["mesh"].pods}
    return [row for row in clients if row["mechanism"] != "none" and
            (row.get("via") or meshes.get(row.get("pod")) == "ambient-node")]


def counted_once(clients, match, metrics, results):
    wanted = len(passed_on(clients))
    got = checks.value(metrics, "credscope_relayed_total")
    results.check(wanted > 40 and got == wanted,
                  f"mesh: {wanted} exchanges were seen again and counted apart", f"got {got}")
    nobodys = sum(1 for row in clients if row.get("proxied"))
    got = checks.value(metrics, "credscope_attributions_total", 'result="proxied"')
    results.check(nobodys > 0 and got == nobodys,
                  f"mesh: {nobodys} that only a node's proxy was seen to make are nobody's",
                  f"got {got}")
    waiting = checks.value(metrics, "credscope_requests_in_flight")
    results.check(waiting == 0, "mesh: nothing stays in flight", f"got {waiting}")
    kinds = {scenarios.load()["mesh"].pods[n].mesh: 0 for n in range(len(
        scenarios.load()["mesh"].pods))}
    for pair in match.pairs:
        for pod in scenarios.load()["mesh"].pods:
            if pod.name == pair.truth.get("pod"):
                kinds[pod.mesh] += 1
    results.check(all(kinds.values()), "mesh: each kind of mesh was there", str(kinds))


def never_the_proxy(events, metrics, results):
    """No proxy is named, but for what one asks for itself."""
    own = {"own", "egress"}
    named = [f"{e.get('pod')} {e.get('container')} {e['mechanism']}" for e in events
             if e["kind"] == "exchange" and e.get("pod") not in own
             and (e.get("container") in PROXIES or e.get("workload") in PROXIES)]
    results.check(not named, "mesh: no proxy is an exchange's consumer", named)
    lines = [line for line in metrics.splitlines() if line.startswith("credscope_")
             and 'workload="ztunnel' in line and "_declaring{" not in line]
    results.check(not lines, "mesh: no series is the node's proxy's", lines)


def main():
    results, name = Results(), "mesh"
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        said = observe(name, directory)
        results.check(said["fine"] and said["status"] == 0, "mesh: all ended well", said["log"])
        clients, servers, events = compare.load(directory, f"{directory}/events.jsonl")
        if keep := os.environ.get("E2E_KEEP"):
            shutil.copytree(directory, os.path.join(keep, name), dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("*.sock"))
            with open(os.path.join(keep, name, "said.json"), "w", encoding="utf-8") as f:
                json.dump(said, f)
    match = compare.Match(clients, servers, events)
    checks.intended(name, clients, results)
    checks.topics(name, match, results)
    results.check(not match.missing, "mesh: no exchange is missing",
                  map(compare.describe, match.missing))
    results.check(not match.extra, "mesh: no exchange is extra",
                  map(compare.describe, match.extra))
    checks.sums(name, match, said["metrics"], results)
    # a sidecar that reads HTTP keeps its connections
    checks.accounting(name, said["metrics"], results, lossless=False)
    lost = checks.value(said["metrics"], "credscope_connections_lost_total")
    results.check(lost == 0, "mesh: no connection is lost", f"{lost}")
    counted_once(clients, match, said["metrics"], results)
    never_the_proxy(events, said["metrics"], results)
    test_findings.each_pod(name, scenarios.load()[name], events, results)
    test_findings.in_time(name, events, results)
    test_findings.agreement(name, events, said, results)
    test_findings.texts(name, events, results)
    losses = [e for e in events if e.get("kind") == "loss"]
    results.check(not losses, "mesh: no losses", map(str, losses))
    results.finish()


if __name__ == "__main__":
    main()
