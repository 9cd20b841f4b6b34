# SPDX-License-Identifier: Apache-2.0
"""Names from an API server that is down at first, from nobody, and what the metrics say of pods."""
import json
import os
import subprocess
import tempfile
import time

import checks
import compare
import pods_api
from kube import api_server
from node import session, truth
from tap import Results

PORT = 6443
GAUGES = ("credscope_pods_declaring", "credscope_pods_using", "credscope_identity_info")
HERE = os.path.dirname(os.path.abspath(__file__))


def start_api(node, directory):
    process = node.spawn([session.PYTHON, "-B", os.path.join(HERE, "pods_api.py"), directory,
                          str(PORT), node.info["pods_file"]], stdout=subprocess.PIPE, text=True)
    if process.stdout.readline() != "ready\n":
        raise session.Failed("the API server did not start")
    return process


def api_flags(directory):
    api_server.make_certificates(directory)
    token = os.path.join(directory, "token")
    with open(token, "w", encoding="ascii") as f:
        f.write(pods_api.TOKEN + "\n")
    return ("--kube-api", f"https://127.0.0.1:{PORT}", "--kube-token", token,
            "--kube-ca", os.path.join(directory, "ca.pem"))


def write(path, document):
    """As whoever keeps such a file should: at once."""
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump(document, f)
    os.rename(path + ".new", path)


def named(events):
    return [e for e in compare.exchanges(events) if e.get("workload_kind") == "Deployment"]


def late_api(results):
    """Every request is made before the API server answers; each gets its name all the same."""
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        with session.Node("smoke", directory) as node, session.Observer(
                node, session.binary(), directory, *api_flags(directory), kube="api",
                ready=False) as observer:
            code, body = observer.readiness()
            results.check(code == 503 and "list of pods" in body,
                          "late: not ready before the first list, and says so", f"{code} {body}")
            node.go()
            node.finished()
            checks.settle(observer)
            events = truth.read(observer.events)
            results.check(not named(events), "late: nothing is named while nobody tells of pods")
            results.check(not any(e.get("pod_uid") for e in compare.exchanges(events)),
                          "late: pods' requests wait", map(str, compare.exchanges(events)))
            api = start_api(node, directory)
            observer.await_ready()
            checks.settle(observer)
            metrics = observer.metrics()
            status = observer.close()
            session.end(api)
        rows = compare.load(directory, f"{directory}/events.jsonl")
        match = compare.Match(*rows)
        checks.topics("smoke", match, results)
        results.check(not match.missing and not match.extra, "late: nothing is missing or extra",
                      map(compare.describe, match.missing + match.extra))
        checks.sums("smoke", match, metrics, results)
        results.check(checks.value(metrics, "credscope_waited_requests_total", 'end="known"') > 0
                      and checks.value(metrics, "credscope_waited_requests_total",
                                       'end="timeout"') == 0, "late: the waiting is counted")
        results.check(status == 0, "late: credscope ends with status 0", observer.log_tail())
        with open(os.path.join(directory, "requests.jsonl"), encoding="utf-8") as f:
            asked = f.read()
        results.check("fieldSelector" in asked and "spec.nodeName" in asked.replace("%3D", "="),
                      "late: it asks for its own node's pods only", asked)
        with open(observer.log, encoding="utf-8") as f:
            results.check(pods_api.TOKEN not in f.read() + metrics, "late: the token is not told")
    of_pods(metrics, results)


def of_pods(metrics, results):
    """What /metrics says of running pods: what they declare, use and were given at first."""
    def has(name, *labels, wanted=1):
        got = checks.value(metrics, name, *labels)
        results.check(got == wanted, f"metrics: {name} {' '.join(labels)} is {wanted}", str(got))

    has("credscope_pods_declaring", 'declared="irsa"')
    has("credscope_pods_declaring", 'workload="irsa-curl"', 'declared="irsa"')
    has("credscope_pods_using", 'workload="pia-curl"', 'mechanism="eks-pod-identity"')
    has("credscope_pods_using", 'workload="nmi-token"', 'mechanism="aad-pod-identity"')
    has("credscope_first_requests_total", 'workload="pia-curl"', 'result="ok"')
    has("credscope_first_requests_total", 'workload="pia-curl"', 'result="failed"', wanted=0)
    has("credscope_identity_info", 'workload="irsa-curl"', 'source="declared"',
        'identity="arn:aws:iam::111122223333:role/payments"')
    has("credscope_identity_info", 'workload="imdsv2-curl"', 'source="requested"')
    has("credscope_kube_connected", 'source="api"')
    has("credscope_tracked", 'set="pods"', wanted=6)


def nobody(results):
    """--kube none: the UID is the name, and nothing waits."""
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        with session.Node("smoke", directory) as node, session.Observer(
                node, session.binary(), directory, kube="none") as observer:
            node.go()
            node.finished()
            checks.settle(observer)
            metrics = observer.metrics()
            events = compare.exchanges(truth.read(observer.events))
            log = observer.log_tail()
        pods = [e for e in events if "pod_uid" in e]
        results.check(len(pods) > 5 and not named(events)
                      and all(e["workload"] == e["pod_uid"] and "namespace" not in e
                              and "declared" not in e for e in pods),
                      "none: pods are named by their UID", map(str, pods))
        results.check("--kube none" in log, "none: the log says that names are missing", log)
        results.check(checks.value(metrics, "credscope_pods_using") > 3,
                      "none: pods that were seen asking are counted")
        results.check("credscope_kube_" not in metrics, "none: no metrics of a source of pods")


def changed_file(results):
    """A pod that goes takes its gauges along; what it did stays counted."""
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        pods = os.path.join(directory, "mine.json")
        with session.Node("smoke", directory) as node:
            with open(node.info["pods_file"], encoding="utf-8") as f:
                whole = json.load(f)
            write(pods, whole)
            with session.Observer(node, session.binary(), directory,
                                  kube=f"file:{pods}") as observer:
                node.go()
                node.finished()
                checks.settle(observer)
                before = observer.metrics()
                whole["items"] = [p for p in whole["items"]
                                  if p["metadata"]["name"] != "irsa-curl"]
                write(pods, whole)
                after, gone = before, False
                deadline = time.monotonic() + 15
                while not gone and time.monotonic() < deadline:
                    time.sleep(0.5)
                    after = observer.metrics()
                    gone = not any('workload="irsa-curl"' in line and line.startswith(GAUGES)
                                   for line in after.splitlines())
                with open(pods, "w", encoding="utf-8") as f:
                    f.write("{ not json")
                time.sleep(3)
                broken = observer.metrics()
                code, _ = observer.readiness()
    mine = 'workload="irsa-curl"'
    results.check(all(checks.value(before, name, mine) >= 1 for name in GAUGES),
                  "file: a running pod has its gauges")
    results.check(gone, "file: they go with the pod")
    results.check(checks.value(after, "credscope_requests_total", mine)
                  == checks.value(before, "credscope_requests_total", mine) > 0,
                  "file: what it asked for stays counted")
    results.check(checks.value(broken, "credscope_pods_declaring", 'workload="pia-curl"') == 1
                  and checks.value(broken, "credscope_kube_connected", 'source="file"') == 0
                  and code == 200, "file: one that can't be read changes no name, and is told")


def main():
    results = Results()
    changed_file(results)
    late_api(results)
    nobody(results)
    results.finish()


if __name__ == "__main__":
    main()
