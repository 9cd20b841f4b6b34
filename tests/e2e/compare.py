# SPDX-License-Identifier: Apache-2.0
"""Matches credscope's event log with the ground truth of a simulated node, exchange by exchange."""
import collections
import dataclasses
import datetime
import os

from node import truth

# Time between the clocks of a truth line and of a fact: both read CLOCK_MONOTONIC on one machine,
# but a client notes a failure only once it runs again.
SLACK_SECONDS = 0.3
ROUNDING = 2e-6  # of the log and of the truth, seconds
# Under TLS a web-identity exchange shows only as a call to its end-point where nothing proves more
# (a kernel without a hook for token opens). Such an event must then claim nothing: no delivery,
# outcome "answered". E2E_PROVEN=1 demands the proof.
UNPROVEN = {} if os.environ.get("E2E_PROVEN") else {
    "irsa": "sts", "azure-workload-identity": "entra"}
NAMES = ("namespace", "pod", "service_account", "workload_kind", "workload", "container")
COMPARED = ("container_id", "pod_uid", "destination", "method", "path", "status",
            "intercepted_by", "via")


@dataclasses.dataclass
class Pair:
    truth: dict
    event: dict
    lower: float  # the server's time from request to answer, seconds
    upper: float  # the client's own time


def wall(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")[:26] + "+00:00").timestamp()


def exchanges(events):
    return [e for e in events if e.get("kind", "exchange") == "exchange"]


class Match:
    """pairs, missing (truth without an event), extra (events without a truth)."""

    def __init__(self, clients, servers, events):
        self.delays = collections.defaultdict(list)
        for seen in servers:
            if "source" in seen:
                self.delays[(seen["source"], seen["exchange"])].append(seen)
        self.pairs, self.missing = [], []
        wanted = [c for c in clients if c["mechanism"] not in ("none", "garbage")]
        # what a connection full of garbage is called is open; see test_truth for its limits
        sources = {c.get("source") for c in clients if c["mechanism"] == "garbage"}
        self.garbage = [e for e in exchanges(events) if e.get("source") in sources]
        left = [e for e in exchanges(events) if e.get("source") not in sources]
        self._taken, self._by = set(), collections.defaultdict(list)
        for event in left:
            self._by[event.get("cgroup")].append(event)
            self._by[(event.get("cgroup"), event.get("source"))].append(event)
        # connections whose address is known first: the others then have fewer to choose from
        for row in sorted(wanted, key=lambda c: ("source" not in c, c["start_ns"])):
            event = self._take(row)
            if event is None:
                self.missing.append(row)
            else:
                self.pairs.append(Pair(row, event, self._lower(row), self._upper(row)))
        self.extra = [e for e in left if id(e) not in self._taken]

    def _take(self, row):
        cgroup = None if row.get("proxied") else row["cgroup"]
        if "source" in row:
            mine = [e for e in self._by[(cgroup, row["source"])]
                    if id(e) not in self._taken and e.get("exchange", 0) == row["exchange"]]
            # a port may be used for several servers
            mine.sort(key=lambda e: e.get("destination") != row["destination"])
        else:
            start = wall(row["start_wall"])
            mine = [e for e in self._by[cgroup]
                    if id(e) not in self._taken and e.get("destination") == row["destination"]
                    and e.get("status") is None
                    and start - 0.01 <= wall(e["time"]) <= start + self._upper(row)]
        if not mine:
            return None
        self._taken.add(id(mine[0]))
        return mine[0]

    def _lower(self, row):
        """Seconds that the server held the request: its own clock, the injected delay included."""
        for seen in self.delays.get((row.get("source"), row["exchange"]), ()):
            if "answered_ns" in seen and row["start_ns"] <= seen["received_ns"] <= row["end_ns"]:
                return max(seen["delay_seconds"],
                           (seen["answered_ns"] - seen["received_ns"]) / 1e9)
        return 0.0

    @staticmethod
    def _upper(row):
        seconds = (row["end_ns"] - row["start_ns"]) / 1e9
        answered = "status" in row
        return seconds + (0.0 if answered else SLACK_SECONDS)


def claimable(row, event):
    """The truth, less what this event rightly doesn't claim (UNPROVEN)."""
    lesser = UNPROVEN.get(row["mechanism"])
    if not lesser or event.get("mechanism") != lesser:
        return row
    inferred = row["outcome"].endswith("_inferred")
    return {**row, "mechanism": lesser, "delivered": False,
            "outcome": "answered" if inferred else row["outcome"]}


def problems(pair):
    """What one event says that is not so, as texts; empty is good."""
    row, event = pair.truth, pair.event
    found = []

    def differs(name, wanted, got):
        if got != wanted:
            found.append(f"{name} is {got!r}, truth {wanted!r}")

    row = claimable(row, event)
    differs("mechanism", row["mechanism"], event.get("mechanism"))
    differs("outcome", row["outcome"], event.get("outcome"))
    for name in COMPARED:
        wanted = row.get(name)
        if name in ("method", "path", "status") and (row["tls"] or "source" not in row):
            wanted = None  # under TLS and before a request nobody can know
        if name in ("container_id", "pod_uid") and ("pod" not in row or row.get("proxied")):
            wanted = None
        if name in ("intercepted_by", "via") and "status" not in row:
            continue  # without an answer the listener may not have accepted, or passed it on
        differs(name, wanted, event.get(name))
    if row.get("proxied"):
        differs("reasons", True, "proxied" in event.get("reasons", []))
        for name in NAMES:
            differs(name, None, event.get(name))
    elif "pod" in row:
        for name in NAMES:
            differs(name, row[name], event.get(name))
        differs("host_network", row["host_network"], event.get("host_network", False))
    differs("delivered", row["delivered"], event.get("delivered", False))
    if row["tls"] and row["outcome"] not in ("refused", "unreachable"):
        differs("sni", row.get("host"), event.get("sni"))
    if "pod" not in row:
        differs("namespace", "~host", event.get("namespace"))
        differs("workload", row["unit"], event.get("workload"))
    differs("pid", row["pid"], event.get("pid"))
    found += bracket(pair)
    return found


def bracket(pair):
    """The observed duration lies between what the server spent and what the client waited."""
    seen = pair.event.get("duration_seconds")
    if seen is None:
        return ["no duration_seconds"]
    if seen < pair.lower - ROUNDING:
        return [f"duration {seen:.6f} s is under the server's own {pair.lower:.6f} s"]
    if seen > pair.upper + ROUNDING:
        return [f"duration {seen:.6f} s is over the client's own {pair.upper:.6f} s"]
    return []


def load(directory, events_path):
    clients = truth.read(f"{directory}/clients.jsonl")
    servers = truth.read(f"{directory}/servers.jsonl")
    return clients, servers, truth.read(events_path)


def describe(row):
    who = row.get("pod") or row.get("unit") or row.get("cgroup", "?")
    return (f"{who}: {row.get('mechanism')} {row.get('method', '')} {row.get('path', '')} "
            f"{row.get('outcome')} {row.get('source', '')} -> {row.get('destination', '')}")
