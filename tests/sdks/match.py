# SPDX-License-Identifier: Apache-2.0
"""Matches credscope's event log with what the end-points were really asked for.

The truth is the servers': they see inside TLS. An exchange is known by its client's address and
port and its index on the connection; who has an address, by the scenario.
"""
import bisect
import collections
import dataclasses
import json

from e2e import compare
from node import net, truth

from . import table

# (server, action) -> mechanism; "" any action of that server that has no row
MECHANISM = {
    ("agent", "credentials"): "eks-pod-identity",
    ("imds", "role-v1"): "imdsv1", ("imds", "role-v2"): "imdsv2", ("imds", "token"): "azure-imds",
    ("imds", ""): "metadata",
    ("sts", "AssumeRoleWithWebIdentity"): "irsa", ("sts", ""): "sts",
    ("entra", "federated"): "azure-workload-identity", ("entra", ""): "entra",
}
JUDGED = ("irsa", "azure-workload-identity")
MISSING, NOTHING = "(no event)", "(no request)"
CLOCK_SECONDS = 30.0  # a port is used again after longer than this
SLACK_SECONDS = 0.001  # of the wall clock, against that of facts
LAG_SECONDS = 0.02  # from a request to the server that has read it


@dataclasses.dataclass
class Call:
    """One request as its server saw it, and credscope's event of it."""
    row: dict
    sdk: str
    operation: str
    pod: str
    mechanism: str
    event: dict = None

    @property
    def verdict(self):
        return self.event["mechanism"] if self.event else MISSING


def mechanism_of(row):
    server, action = row["server"].partition("-")[0], row.get("action", "")
    return MECHANISM.get((server, action)) or MECHANISM.get((server, ""))


def owners_of(sdks, pods):
    """{address: (sdk, operation, pod)} of those SDKs' pods. pods: a PodList."""
    known = {table.pod_name(sdk, operation): (sdk.name, operation, table.pod_name(sdk, operation))
             for sdk in sdks for operation in sdk.operations}
    owners = {}
    for pod in pods["items"]:
        name, address = pod["metadata"]["name"], pod["status"].get("podIP", "")
        if name in known:
            index = int(address.split(".")[2])
            owners[net.pod4(index)] = owners[net.pod6(index)] = known[name]
    return owners


class Finder:
    """Finds the event of a request, asked for in the order in which servers read them: one each;
    but requests of an HTTP/2 connection that were sent together share one."""

    def __init__(self, events):
        self.by_source = collections.defaultdict(list)
        for event in sorted(events, key=lambda e: e["time"]):
            self.by_source[event.get("source")].append(event)
        self.found = set()
        self.last = {}  # source -> index of the HTTP/2 event found last

    def find(self, row):
        at = compare.wall(row["received_wall"])
        events = self.by_source.get(row["source"], ())
        if row.get("alpn") == "h2":
            best = self._next(row["source"], events, at)
        else:
            best = self._nearest(events, row["exchange"], at)
        if best:
            self.found.add(id(best))
        return best

    def _next(self, source, events, at):
        """The event after that of the request before, if it has begun; but servers don't lag."""
        times = [compare.wall(e["time"]) for e in events]
        begun = bisect.bisect_right(times, at + SLACK_SECONDS) - 1
        if begun < 0:
            return None
        least = bisect.bisect_right(times, at - LAG_SECONDS) - 1
        index = min(begun, max(self.last.get(source, -1) + 1, least))
        self.last[source] = index
        return events[index]

    def _nearest(self, events, index, at):
        """The one of that index that is nearest in time and of no other request."""
        mine = [e for e in events if e.get("exchange", 0) == index and id(e) not in self.found
                and abs(compare.wall(e["time"]) - at) < CLOCK_SECONDS]
        return min(mine, key=lambda e: abs(compare.wall(e["time"]) - at), default=None)

    def left(self):
        return [e for events in self.by_source.values() for e in events if id(e) not in self.found]


class Result:
    """calls; extra: events of these pods for which no server saw a request; wrong: events that
    name another container than the one that asked."""

    def __init__(self, sdks, pods, servers, events):
        owners = owners_of(sdks, pods)
        self.calls, self.extra, self.wrong = [], [], []
        finder = Finder(compare.exchanges(events))
        clients = {row["upstream"]: row["source"] for row in servers if "upstream" in row}
        for row in sorted(servers, key=lambda r: r["received_ns"]):
            if row["server"] != "connect-proxy" and row["source"] in clients:
                row |= {"source": clients[row["source"]], "proxied": True}
            who = owners.get(row["source"].rpartition(":")[0].strip("[]"))
            mechanism = mechanism_of(row)
            if who is None or mechanism is None:
                continue
            call = Call(row, *who, mechanism)
            call.event = finder.find(row)
            self.calls.append(call)
            if call.event and call.event.get("pod") != call.pod:
                self.wrong.append(call)
        mine = {pod for _, _, pod in owners.values()}
        self.extra = [e for e in finder.left() if e.get("pod") in mine]

    def counts(self, sdk=None):
        """{(truth, verdict): number}, of one SDK or all."""
        found = collections.Counter((c.mechanism, c.verdict) for c in self.calls
                                    if sdk in (None, c.sdk))
        names = {table.pod_name(s, o): s.name for s in table.SDKS for o in s.operations}
        found.update((NOTHING, e["mechanism"]) for e in self.extra
                     if e["mechanism"] in JUDGED and sdk in (None, names[e["pod"]]))
        return found


def load(directory, events):
    """What Result wants: the pods, the servers' rows, the events (a path)."""
    with open(f"{directory}/pods.json", encoding="utf-8") as f:
        pods = json.load(f)
    return pods, truth.read(f"{directory}/servers.jsonl"), truth.read(events)
