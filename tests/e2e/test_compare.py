# SPDX-License-Identifier: Apache-2.0
"""The comparison itself: a faithful log passes, and each way of being wrong is noticed."""
import copy

import compare
from tap import Results

CGROUP = "/node/kubepods/burstable/pod1/c1"
NAMES = {"pod": "p", "namespace": "n", "service_account": "s", "workload_kind": "Deployment",
         "workload": "w", "container": "c"}
START, WALL = 1_000_000_000, "2026-01-02T03:04:05.000000Z"


def client(**fields):
    return {**NAMES, "host_network": False, "pod_uid": "u1", "container_id": "c1",
            "cgroup": CGROUP, "pid": 42,
            "mechanism": "eks-pod-identity", "outcome": "ok", "delivered": True, "tls": False,
            "method": "GET", "path": "/v1/credentials", "status": 200, "exchange": 0,
            "destination": "169.254.170.23:80", "source": "10.244.1.2:1000",
            "start_ns": START, "end_ns": START + 500_000_000, "start_wall": WALL, **fields}


def refused():
    row = client(outcome="refused", delivered=False, end_ns=START + 1_000_000)
    for name in ("source", "status"):
        del row[name]
    return row


CLIENTS = [client(), client(source="10.244.1.2:1001", exchange=1, outcome="throttled", status=429,
                            delivered=False), refused(),
           client(mechanism="none", source="10.244.1.2:2000")]
SERVERS = [{"source": "10.244.1.2:1000", "exchange": 0, "delay_seconds": 0.1,
            "received_ns": START, "answered_ns": START + 200_000_000}]


def event(**fields):
    return {**NAMES, "cgroup": CGROUP, "pod_uid": "u1", "container_id": "c1", "pid": 42,
            "mechanism": "eks-pod-identity", "outcome": "ok", "delivered": True, "method": "GET",
            "path": "/v1/credentials", "status": 200, "destination": "169.254.170.23:80",
            "source": "10.244.1.2:1000", "exchange": 0, "duration_seconds": 0.25,
            "time": "2026-01-02T03:04:05.000100000Z", **fields}


EVENTS = [event(), event(source="10.244.1.2:1001", exchange=1, outcome="throttled", status=429,
                         delivered=False),
          {k: v for k, v in event(outcome="refused", delivered=False, duration_seconds=0.001,
                                  pid=42).items()
           if k not in ("source", "status", "method", "path")}]

# name, how the log is spoilt; each must be noticed
SPOILT = [
    ("another mechanism", lambda log: log[0].update(mechanism="irsa")),
    ("another outcome", lambda log: log[1].update(outcome="ok")),
    ("another container", lambda log: log[0].update(container_id="c2")),
    ("another pod", lambda log: log[0].update(pod_uid="u2")),
    ("another workload", lambda log: log[0].update(workload="x")),
    ("another service account", lambda log: log[0].update(service_account="x")),
    ("no name", lambda log: log[0].pop("pod")),
    ("on the host's network", lambda log: log[0].update(host_network=True)),
    ("another process", lambda log: log[0].update(pid=43)),
    ("another path", lambda log: log[0].update(path="/")),
    ("another status", lambda log: log[0].update(status=201)),
    ("another destination", lambda log: log[0].update(destination="169.254.169.254:80")),
    ("another cgroup", lambda log: log[0].update(cgroup=CGROUP + "x")),
    ("not delivered", lambda log: log[0].update(delivered=False)),
    ("faster than the server", lambda log: log[0].update(duration_seconds=0.19)),
    ("slower than the client", lambda log: log[0].update(duration_seconds=0.51)),
    ("no duration", lambda log: log[0].pop("duration_seconds")),
    ("lost", lambda log: log.pop(0)),
    ("lost refusal", lambda log: log.pop()),
    ("counted twice", lambda log: log.append(dict(log[0]))),
    ("a bystander seen", lambda log: log.append(event(source="10.244.1.2:2000"))),
]


def faults(events):
    match = compare.Match(CLIENTS, SERVERS, events)
    return (len(match.missing) + len(match.extra)
            + sum(len(compare.problems(p)) for p in match.pairs))


def main():
    results = Results()
    results.check(faults(copy.deepcopy(EVENTS)) == 0, "compare: a faithful log has no fault")
    for name, spoil in SPOILT:
        log = copy.deepcopy(EVENTS)
        spoil(log)
        results.check(faults(log) > 0, f"compare: notices {name}")
    results.finish()


if __name__ == "__main__":
    main()
