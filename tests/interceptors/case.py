# SPDX-License-Identifier: Apache-2.0
"""Runs one program's node under credscope, and holds what credscope says against the truth.

Of the pods' requests the truth is the clients'; of the program's own calls the servers', which see
inside TLS. An exchange is known by its client's address and port and its index on the connection.
"""
import collections
import json
import os
import re
import subprocess
import threading
import time

import checks
import compare
import test_findings
from node import session, truth
from node.clients import record
from sdks import match

MECHANISM = {**match.MECHANISM, ("eks-auth", ""): "eks-auth"}
INTERCEPTED = ("kube2iam", "kiam", "aad-pod-identity", "azure-workload-identity-proxy",
               "intercepted")
HUNG_NS = 2_000_000_000


class InFlight(threading.Thread):
    """Reads how many requests are in flight, by mechanism, until stopped. seen: (ns, {mechanism:
    number})."""

    def __init__(self, observer):
        super().__init__(daemon=True)
        self.observer, self.seen, self.over = observer, [], threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.2):
            at = time.monotonic_ns()
            found = re.findall(r'^credscope_requests_in_flight{mechanism="([^"]+)"} (\d+)',
                               self.observer.metrics(), re.M)
            self.seen.append((at, {name: int(number) for name, number in found}))

    def stop(self):
        self.over.set()
        self.join(15)
        return self.seen


class Case:
    """clients, servers, events: rows; match: of the pods' requests."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.name = f"interceptors-{program.name}"
        self.spec = program.scenario()
        self.clients = self.servers = self.events = self.match = None
        self.in_flight = []

    def observe(self, results):
        with session.Node(self.name, self.directory) as node, \
                session.Observer(node, session.binary(), self.directory, "--record-facts",
                                 os.path.join(self.directory, "facts")) as observer:
            node.go()
            watcher = InFlight(observer)
            results.check(node.finished(), f"{self.program.name}: all programs did as they should",
                          self.logs())
            self.in_flight = watcher.stop()
            checks.settle(observer)
            metrics = observer.metrics()
            results.check(observer.close() == 0, f"{self.program.name}: credscope ends well",
                          observer.log_tail())
        self.load(os.path.join(self.directory, "events.jsonl"))
        return metrics

    def load(self, events):
        self.clients, self.servers, self.events = compare.load(self.directory, events)
        self.match = compare.Match(self.clients, self.servers, self.events)

    def logs(self):
        """The last lines of what the programs wrote."""
        for name in sorted(os.listdir(self.directory)):
            if name.endswith(".log") and name != "credscope.log":
                with open(os.path.join(self.directory, name), encoding="utf-8",
                          errors="replace") as f:
                    yield from (f"{name}: {line.rstrip()}" for line in f.readlines()[-8:])

    # ---- the pods ----
    def pods(self, results):
        checks.topics(self.name, self.match, results)
        checks.intended(self.name, self.clients, results)
        results.check(not self.match.missing, f"{self.program.name}: no exchange is missing",
                      map(compare.describe, self.match.missing))

    def held(self, results):
        """Who had to wait did, and credscope saw for how long."""
        for pod, (least, most) in self.program.holds.items():
            seen = max((p.event.get("duration_seconds", 0.0) for p in self.match.pairs
                        if p.truth.get("pod") == pod), default=0.0)
            results.check(least <= seen <= most,
                          f"{self.program.name}: {pod} was held {least} to {most} s", f"{seen} s")

    def hangs(self, results):
        """Who had to wait for longer than that was seen in flight within two seconds."""
        unseen, count = [], 0
        for pair in self.match.pairs:
            row = pair.truth
            if row.get("pod") not in self.program.holds or row["end_ns"] - row["start_ns"] < HUNG_NS:
                continue
            count += 1
            if not any(row["start_ns"] <= at <= row["start_ns"] + HUNG_NS
                       and numbers.get(row["mechanism"]) for at, numbers in self.in_flight):
                unseen.append(compare.describe(row))
        if count:
            results.check(not unseen, f"{self.program.name}: {count} requests that hung were seen "
                          "in flight within 2 s", unseen)

    # ---- the program's own calls ----
    def own(self, results, metrics):
        """Every call of the program's own is its own pod's, and is there once."""
        asked = {c.get("source") for c in self.clients}
        by_key, seen, bad = {}, collections.Counter(), []
        for event in self.match.extra:
            if by_key.setdefault((event.get("source"), event.get("exchange", 0)), event) != event:
                bad.append(f"there twice: {compare.describe(event)}")
        for row in self.servers:
            wanted = MECHANISM.get((row["server"], row.get("action", ""))) or \
                MECHANISM.get((row["server"], ""))
            if wanted is None or row["source"] in asked:
                continue
            event = by_key.pop((row["source"], row["exchange"]), None)
            what = f"{row['server']} {row['method']} {row['path']} {row.get('action', '')}"
            if event is None and self.program.relayed and row["server"] == "imds":
                continue  # its pod's request, and counted as such
            if event is None:
                bad.append(f"{what}: not observed")
                continue
            seen[wanted] += 1
            bad += [f"{what}: {text}" for text in self.own_problems(row, event, wanted)]
        counted = checks.value(metrics, "credscope_relayed_total")
        if counted != self.program.relayed:
            bad.append(f"{counted:.0f} of {self.program.relayed} were counted as passed on")
        itself = [e for e in by_key.values()
                  if (e.get("path"), e.get("status")) in self.program.itself]
        bad += [f"asked itself as {e.get('pod')}: {e['mechanism']}" for e in itself
                if e["mechanism"] != "metadata" or e.get("pod") not in self.mine()]
        if self.program.itself and not itself:
            bad.append("it asked nothing of itself")
        # given up before the server had read it
        unread = [e for e in by_key.values() if e["outcome"] in record.NO_ANSWER
                  and e["mechanism"] in self.program.own and e.get("pod") in self.mine()]
        bad += [f"nobody was asked: {compare.describe(e)}" for e in by_key.values()
                if e not in itself and e not in unread]
        results.check(not bad, f"{self.program.name}: its own calls are its own: "
                      + ", ".join(f"{n} {m}" for m, n in sorted(seen.items())), bad)
        none = [m for m in self.program.own if not seen[m]]
        results.check(not none, f"{self.program.name}: it made calls of each kind", none)

    def is_sidecar(self, event):
        return bool(self.program.sidecar) and event.get("container") == self.program.sidecar

    def mine(self):
        return {p.name for p in self.spec.pods if not checks.acts(p)}

    def own_problems(self, row, event, wanted):
        if event["mechanism"] != wanted:
            yield f"said to be {event['mechanism']}"
        if event.get("pod") not in self.mine() and not self.is_sidecar(event):
            yield f"attributed to {event.get('pod') or event.get('workload')}"
        if event.get("intercepted_by"):
            yield f"intercepted by {event['intercepted_by']}"
        if not row.get("tls") and event["outcome"] != truth.outcome_of_status(row["status"]):
            yield f"outcome {event['outcome']} of {row['status']}"
        gave_up = event["outcome"] == "abandoned" and \
            event["duration_seconds"] < row["delay_seconds"]
        if row.get("tls") and row["status"] == 200 and not gave_up and \
                event["outcome"] not in checks.GOOD:
            yield f"outcome {event['outcome']} of {row['status']}"

    # ---- figures ----
    def precision(self, results, how, unnamed=False):
        """Of what the program stands for: how much of it was said so, and rightly. With its pod
        unknown, "intercepted" is right for what nobody answered, and what was refused nobody
        knows."""
        kinds = INTERCEPTED if self.program.intercepts else ("eks-pod-identity",)
        wrong, right, unsaid = [], 0, 0
        for pair in self.match.pairs:
            wanted, got = pair.truth["mechanism"], pair.event["mechanism"]
            if wanted not in kinds and got not in kinds:
                continue
            if unnamed and got == "~unknown" and pair.truth["outcome"] == "refused":
                unsaid += 1
                continue
            if got == wanted or unnamed and got == "intercepted" and "status" not in pair.truth:
                right += 1
            else:
                wrong.append(f"{compare.describe(pair.truth)}: {got}")
        were = sum(c["mechanism"] in kinds for c in self.clients) - unsaid
        said = sum(e["mechanism"] in kinds for e in compare.exchanges(self.events))
        precision, recall = right / max(1, said), right / max(1, were)
        results.check(were > 0 and precision == recall == 1.0,
                      f"{self.program.name}, {how}: {were} requests, precision {precision:.4f}, "
                      f"recall {recall:.4f}", wrong)

    def interception(self, results):
        """Who answered in another's place, of all that was answered in clear; whatever it is
        taken for."""
        pairs = [(p.truth.get("intercepted_by"), p.event.get("intercepted_by"))
                 for p in self.match.pairs if "status" in p.truth and not p.truth["tls"]]
        right = sum(bool(wanted) and got == wanted for wanted, got in pairs)
        said, were = (sum(bool(pair[i]) for pair in pairs) for i in (1, 0))
        results.check(right == said == were > 0,
                      f"{self.program.name}: {were} of {len(pairs)} requests were intercepted: "
                      f"precision {right / max(1, said):.4f}, recall {right / max(1, were):.4f}")

    def unnamed(self, results):
        """The same facts again, with nothing known of the program's own pods: port and behaviour
        must tell."""
        with open(os.path.join(self.directory, "pods.json"), encoding="utf-8") as f:
            pods = json.load(f)
        pods["items"] = [
            p for p in pods["items"] if p["metadata"]["namespace"] != "kube-system"
            and all(c["name"] != self.program.sidecar for c in p["spec"]["containers"])]
        path = os.path.join(self.directory, "pods-unnamed.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(pods, f)
        events = os.path.join(self.directory, "events-unnamed.jsonl")
        replay = os.path.join(os.path.dirname(session.binary()), "tools/replay")
        with open(events, "wb") as out:
            subprocess.run([replay, "--kube", path, os.path.join(self.directory, "facts")],
                           stdout=out, stderr=subprocess.DEVNULL, timeout=120, check=True)
        self.load(events)
        self.precision(results, "its pod unknown", unnamed=True)


def figures(case):
    """What the program was seen to do: a line for each kind of answer."""
    seen = collections.defaultdict(list)
    for pair in case.match.pairs:
        e = pair.event
        path = e.get("path", "").rpartition("/")
        kind = path[0] + "/" + ("ROLE" if path[2] and path[0].endswith("-credentials") else path[2])
        seen[(e.get("method", ""), kind, e.get("status") or e["outcome"], e.get("server", "-"))
             ].append(e.get("duration_seconds", 0.0))
    for (method, path, status, server), times in sorted(seen.items(), key=str):
        yield (f"{method} {path} {status}, Server {server}: {len(times)}, "
               f"{min(times) * 1e3:.1f} to {max(times) * 1e3:.1f} ms")


def run(program, directory, results):
    case = Case(program, directory)
    metrics = case.observe(results)
    case.pods(results)
    case.held(results)
    case.hangs(results)
    case.own(results, metrics)
    checks.accounting(program.name, metrics, results)
    if program.findings:
        test_findings.each_pod(program.name, case.spec, case.events, results)
        test_findings.in_time(program.name, case.events, results)
    case.precision(results, "its pod known")
    for line in figures(case):
        print(f"#   {line}")
    if program.intercepts:
        case.interception(results)
        case.unnamed(results)
