# SPDX-License-Identifier: Apache-2.0
"""At its limits credscope counts what it loses, and its clients lose nothing: a ring that nobody
empties, more workloads than series, and an attachment to the root of cgroup v2."""
import signal
import tempfile
import time

import checks
import compare
from node import session, truth
from tap import Results


def told_of_loss(observer, seconds):
    """Losses are written some seconds apart, summed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if any(e.get("kind") == "loss" and e["hop"] == "ring" and e["count"] > 0
               for e in truth.read(observer.events)):
            return True
        time.sleep(0.5)
    return False


def starved_ring(results):
    """credscope stopped while clients make thousands of requests."""
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        with session.Node("storm", directory) as node, \
                session.Observer(node, session.binary(), directory) as observer:
            observer.process.send_signal(signal.SIGSTOP)
            node.go()
            fine = node.finished()
            observer.process.send_signal(signal.SIGCONT)
            time.sleep(1)
            checks.settle(observer)
            metrics = observer.metrics()
            clients = truth.read(f"{directory}/clients.jsonl")
            bad = [c["outcome"] for c in clients if c["outcome"] not in checks.GOOD]
            results.check(fine and len(clients) >= 3000 and not bad,
                          f"ring: all {len(clients)} requests succeeded while nobody emptied it",
                          bad)
            lost = checks.value(metrics, "credscope_lost_total", 'hop="ring"')
            results.check(lost > 0, f"ring: {lost:.0f} facts that found no room are counted")
            checks.accounting("ring", metrics, results, lossless=False)
            results.check(told_of_loss(observer, 15.0), "ring: the event log tells of the loss")
            wrong = [str(e) for e in compare.exchanges(truth.read(observer.events))
                     if e.get("mechanism") not in ("eks-pod-identity", "eks-auth", "~unknown")]
            results.check(not wrong, "ring: what was seen in part is not taken for another thing",
                          wrong)


def few_series(results):
    """Sixty workloads with room for fewer: folded, not lost."""
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        with session.Node("churn", directory) as node, session.Observer(
                node, session.binary(), directory, "--max-series", "1500") as observer:
            node.go()
            node.finished()
            checks.settle(observer)
            metrics = observer.metrics()
            wanted = sum(c["mechanism"] == "eks-pod-identity"
                         for c in truth.read(f"{directory}/clients.jsonl"))
    got = checks.value(metrics, "credscope_requests_total", 'mechanism="eks-pod-identity"')
    folded = checks.value(metrics, "credscope_series_overflow_total")
    samples = sum(not line.startswith("#") for line in metrics.splitlines())
    results.check(folded > 0, f"series: {folded:.0f} updates went to less precise labels")
    results.check('workload="~other"' in metrics, "series: there is a ~other workload")
    results.check(samples <= 1500, f"series: {samples} samples keep to --max-series 1500")
    results.check(got == wanted > 0, f"series: all {wanted} requests are in the counters",
                  f"counted {got:.0f}")


def at_the_root(results):
    """The default: the root of cgroup v2, where the cloud's sockets are seen too."""
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        with session.Node("smoke", directory) as node, session.Observer(
                node, session.binary(), directory, cgroup=node.info["cgroup_root"]) as observer:
            node.go()
            results.check(node.finished(), "root: every client ended well")
            checks.settle(observer)
            mine = node.info["cgroup"].removeprefix(node.info["cgroup_root"])
            # other programs of this machine are under the root as well
            events = [e for e in truth.read(observer.events)
                      if e.get("cgroup", "").startswith(mine.rpartition("/")[0])]
            rows = compare.load(directory, observer.events)
            match = compare.Match(rows[0], rows[1], events)
            checks.topics("smoke", match, results)
            results.check(not match.missing and not match.extra,
                          "root: nothing is missing and nothing extra",
                          map(compare.describe, match.missing + match.extra))


def main():
    results = Results()
    starved_ring(results)
    few_series(results)
    at_the_root(results)
    results.finish()


if __name__ == "__main__":
    main()
