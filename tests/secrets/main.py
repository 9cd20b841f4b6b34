# SPDX-License-Identifier: Apache-2.0
"""Secrets stay where they are: known ones are sent wherever one can be, on watched connections,
then everything that credscope remembers, writes and serves is searched for them. One row a place,
and rows which show that the search finds what it has to. Ends with "N passed, N failed"."""
import base64
import collections
import os
import shutil
import sys
import tempfile
import time

import facts
import pods
import places_request  # noqa: F401 (each fills PLACES)
import places_response  # noqa: F401
import places_tls  # noqa: F401
import places_wire
from observer import Observer
from places import PLACES, Row
from units import Registry
from wire import open_tun
from world import Cgroup, Network, enter_namespaces

PLANTED = {"raw": str, "hex": lambda t: t.encode().hex(),
           "base64": lambda t: "x" + base64.b64encode(b"y" + t.encode()).decode(),
           "reversed": lambda t: t[::-1]}


class Findings:
    """What the searches found, by owner."""

    def __init__(self, registry):
        self._registry = registry
        self.places = collections.defaultdict(set)  # (kind, row) -> {"memory [heap] (raw)", …}
        self.in_source = collections.defaultdict(set)  # source's first word -> units found
        self.searched = collections.Counter()

    def search(self, when, sources):
        for source, data in sources:
            self.searched[source.split()[0]] += len(data)
            for owner, spelling, unit in self._registry.find(data):
                self.places[owner].add(f"{source} ({spelling}, {when})")
                self.in_source[source].add(unit)

    def secrets_of(self, name):
        """Where a row's secrets were found: the verdict on it."""
        return sorted(self.places[("secret", name)])

    def seen_in(self, prefix):
        return set().union(*(units for source, units in self.in_source.items()
                             if source.startswith(prefix)))


def judge(place, row, findings, by_port):
    """None, or why a row failed."""
    leaks = findings.secrets_of(place.name)
    if leaks:
        return f"SECRET FOUND in {'; '.join(leaks[:4])}" + (" …" if len(leaks) > 4 else "")
    counts = sum((by_port.get(port, collections.Counter()) for port in row.ports),
                 collections.Counter())
    if not place.watched:
        return f"unwatched, but facts: {dict(counts)}" if counts else None
    missing = [f for f in ("connect", *place.facts) if not counts[f]]
    if missing:
        return f"not sensed, so that nothing is proven: no {', '.join(missing)} fact"
    for texts, source in ((row.visible, "file facts"), (row.stored, "map sockets")):
        unseen = texts - findings.in_source[source]
        if unseen:
            return f"{len(unseen)} units that have to be seen are not in {source}"
    return None


def run_rows(network, registry, directory):
    rows, errors = {}, {}
    for place in PLACES:
        row = rows[place.name] = Row(network, registry, place.name, directory)
        try:
            place.act(row)
        except Exception as error:  # one broken row must not hide the others' verdicts
            errors[place.name] = f"{type(error).__name__}: {error}"
    return rows, errors


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def line(self, name, why, note=""):
        if why:
            self.failed += 1
            print(f"FAILED  {name}: {why}")
        else:
            self.passed += 1
            print(f"ok      {name}{note}")


def prove_search(report, rows, planted, findings):
    """The search finds what may be there, where it may be; and what may not counts as a failure."""
    name = "a path, a User-Agent and a Server that may be seen"
    row = rows[name]
    for source in ("memory", "memory anon_inode:bpf-map", "file facts", "file events.jsonl",
                   "served /api/v1/exchanges"):
        missing = row.visible - findings.seen_in(source)
        report.line(f"search: what may be seen is found in {source}",
                    f"{len(missing)} of {len(row.visible)} units are not" if missing else None)
    for spelling in PLANTED:
        where = [f for f in findings.secrets_of(f"planted {spelling}") if f"({spelling}" in f]
        report.line(f"search: a secret in credscope's environment, {spelling}, is a failure",
                    None if where else "it was not found")
    kinds = ("memory", "map", "served", "file")
    empty = [kind for kind in kinds if not findings.searched[kind]]
    report.line("search: memory, maps, pages and files were read",
                f"nothing from {empty}" if empty else None,
                " (" + ", ".join(f"{k} {findings.searched[k]:,} B" for k in kinds) + ")")
    report.line("search: the storage of open sockets was read",
                None if planted["storage"] else "no open socket has any")


def search_all(observer, network, findings):
    open_sockets = [c.client for c in network.connections if c.client.fileno() >= 0]
    stages = {"open": open_sockets, "closed": []}
    storage = 0
    for when, sockets in stages.items():
        if when == "closed":
            network.close()
        time.sleep(2.5)  # decode, classify within 1 s of the answer, write
        remembered = list(observer.remembered(sockets))
        if when == "open":
            storage = sum(len(d) for n, d in remembered if n == "map sockets")
        findings.search(when, remembered)
        findings.search(when, observer.served())
        findings.search(when, observer.written())
    return storage


def test(program, directory):
    registry, report = Registry(), Report()
    cgroups = Cgroup()
    enter_namespaces()
    planted = {f"CS_TEST_{spelling.upper()}": spell(registry.new(("secret", f"planted {spelling}")))
               for spelling, spell in PLANTED.items()}
    told = pods.Pods(registry, f"{directory}/given")
    observer = Observer(program, directory, cgroups, planted, told.serve())
    Cgroup.enter(cgroups.pod)
    try:
        network = Network(open_tun("10.250.0.1", places_wire.REORDERED))
        rows, errors = run_rows(network, registry, directory)
        findings = Findings(registry)
        storage = search_all(observer, network, findings)
    finally:
        status = observer.stop()
        Cgroup.enter(cgroups.root)
        told.stop()
    findings.search("stopped", observer.written())
    with open(observer.facts, "rb") as f:
        by_port = facts.by_port(f.read())
    for place in PLACES:
        report.line(place.name, errors.get(place.name)
                    or judge(place, rows[place.name], findings, by_port))
    told.judge(report, findings)
    prove_search(report, rows, {"storage": storage}, findings)
    report.line("credscope stopped on SIGTERM", None if status == 0 else f"status {status}")
    return report


def main():
    program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/credscope")
    directory = tempfile.mkdtemp(prefix="credscope-secrets-")
    report = None
    try:
        report = test(program, directory)
    finally:
        if report is None or report.failed:
            print(f"files are kept in {directory}")
        else:
            shutil.rmtree(directory)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
