# SPDX-License-Identifier: Apache-2.0
"""Matches credscope's event log with what the end-points were really asked for, and counts.

The truth is the servers': they see inside TLS. An exchange is known by its client's address and
port and its index on the connection; who has an address, by the scenario.
"""
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
    server, action = row["server"].removesuffix("-tls12"), row.get("action", "")
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


class Result:
    """calls; extra: events of these pods for which no server saw a request; wrong: events that
    name another container than the one that asked."""

    def __init__(self, sdks, pods, servers, events):
        owners = owners_of(sdks, pods)
        self.calls, self.extra, self.wrong = [], [], []
        by_key = collections.defaultdict(list)
        for event in compare.exchanges(events):
            by_key[(event.get("source"), event.get("exchange", 0))].append(event)
        for row in servers:
            who = owners.get(row["source"].rpartition(":")[0].strip("[]"))
            mechanism = mechanism_of(row)
            if who is None or mechanism is None:
                continue
            call = Call(row, *who, mechanism)
            call.event = self._take(by_key, row)
            self.calls.append(call)
            if call.event and call.event.get("pod") != call.pod:
                self.wrong.append(call)
        mine = {pod for _, _, pod in owners.values()}
        self.extra = [e for events in by_key.values() for e in events if e.get("pod") in mine]

    @staticmethod
    def _take(by_key, row):
        """The event of that connection and index that is nearest in time; it is used up."""
        events = by_key.get((row["source"], row["exchange"]), [])
        at = compare.wall(row["received_wall"])
        near = [e for e in events if abs(compare.wall(e["time"]) - at) < CLOCK_SECONDS]
        if not near:
            return None
        best = min(near, key=lambda e: abs(compare.wall(e["time"]) - at))
        events.remove(best)
        return best

    def counts(self, sdk=None):
        """{(truth, verdict): number}, of one SDK or all."""
        found = collections.Counter((c.mechanism, c.verdict) for c in self.calls
                                    if sdk in (None, c.sdk))
        names = {table.pod_name(s, o): s.name for s in table.SDKS for o in s.operations}
        found.update((NOTHING, e["mechanism"]) for e in self.extra
                     if e["mechanism"] in JUDGED and sdk in (None, names[e["pod"]]))
        return found


def score(counts, mechanism):
    """(precision, recall, how many there were); a ratio of nothing is None."""
    right = counts[(mechanism, mechanism)]
    said = sum(n for (_, verdict), n in counts.items() if verdict == mechanism)
    were = sum(n for (real, _), n in counts.items() if real == mechanism)
    return (right / said if said else None, right / were if were else None, were)


def matrix_lines(counts):
    """Truth down, credscope's mechanism across; what is zero is a dot."""
    rows = sorted({real for real, _ in counts})
    columns = sorted({verdict for _, verdict in counts})
    width = max([len("truth")] + [len(r) for r in rows])
    yield f"{'truth':{width}}  " + "  ".join(columns)
    for real in rows:
        cells = [str(counts[(real, c)] or ".").rjust(len(c)) for c in columns]
        yield f"{real:{width}}  " + "  ".join(cells)


def problems(result, counts, least):
    """What must not be, as texts."""
    for mechanism in JUDGED:
        precision, recall, were = score(counts, mechanism)
        for name, value in (("precision", precision), ("recall", recall)):
            if were and (value or 0.0) < least:
                yield f"{name} of {mechanism} is {value or 0.0:.4f}, must be {least}"
    for call in result.wrong:
        yield (f"{call.pod}'s {call.mechanism} was attributed to "
               f"{call.event.get('pod')} {call.event.get('container')}")


def mistakes(result):
    """What was taken for something else, as texts."""
    mistaken = collections.Counter(
        (c.sdk, c.operation, c.row.get("action", ""), c.verdict) for c in result.calls
        if c.verdict != c.mechanism and (c.mechanism in JUDGED or c.verdict in JUDGED))
    for (sdk, operation, action, verdict), count in sorted(mistaken.items()):
        yield f"{sdk} {operation}: {action} said to be {verdict}, {count} times"


def undone(sdks, result):
    """Operations of which the end-points did not see what each turn must do."""
    seen = collections.Counter((c.sdk, c.operation, c.row.get("action")) for c in result.calls
                               if c.row.get("status") == 200)
    for sdk in sdks:
        for name, operation in sdk.operations.items():
            if name in sdk.lacks:
                continue
            for action in operation.actions:
                count, wanted = seen[(sdk.name, name, action)], sdk.turns + sdk.workers
                if count < wanted:
                    yield f"{sdk.name} {name}: {action} {count} times, expected {wanted}"


def load(directory, events):
    """What Result wants: the pods, the servers' rows, the events (a path)."""
    with open(f"{directory}/pods.json", encoding="utf-8") as f:
        pods = json.load(f)
    return pods, truth.read(f"{directory}/servers.jsonl"), truth.read(events)
