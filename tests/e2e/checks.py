# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests have in common: waiting, and checks of truth, log and metrics."""
import collections
import os
import re
import time

import compare
from node import scenarios

GOOD = ("ok", "ok_inferred", "answered")


def settle(observer, seconds=8.0):
    """Wait until credscope's log has stopped growing: TLS exchanges end after an idle time."""
    last, since = -1, time.monotonic()
    deadline = since + seconds
    while time.monotonic() < deadline:
        size = os.path.getsize(observer.events) if os.path.exists(observer.events) else 0
        if size != last:
            last, since = size, time.monotonic()
        elif time.monotonic() - since > 2.0:
            return
        time.sleep(0.1)


def value(metrics, name, *labels):
    """Sum of a metric's samples whose label text holds all of labels."""
    return sum(float(line.rpartition(" ")[2]) for line in metrics.splitlines()
               if re.match(rf"{name}[{{ ]", line) and all(text in line for text in labels))


def topic_of(row):
    """A pod or a host's unit; pods that differ in a number only are one topic."""
    return re.sub(r"-\d+$", "", row.get("pod") or row["unit"])


def acts(pod):
    """Whether the truth has lines of it: other programs write none."""
    return any(c.steps for c in pod.containers)


def topics(scenario, match, results):
    """A test a topic: all its exchanges are there and each field agrees."""
    bad, count = collections.defaultdict(list), collections.Counter()
    for pair in match.pairs:
        topic = topic_of(pair.truth)
        count[topic] += 1
        bad[topic] += [f"{compare.describe(pair.truth)}: {p}" for p in compare.problems(pair)]
    for row in match.missing:
        topic = topic_of(row)
        count[topic] += 1
        bad[topic].append(f"not observed: {compare.describe(row)}")
    table = scenarios.load()[scenario]
    names = [topic_of({"pod": p.name}) for p in table.pods if acts(p)] + [h.unit for h in table.host]
    names = [n for n in names if n not in ("bystander", "garbage")]
    for topic in dict.fromkeys([*names, *sorted(count)]):
        results.check(count[topic] and not bad[topic],
                      f"{scenario}: {topic}, {count[topic]} exchanges agree", bad[topic])


def intended(scenario, clients, results):
    """The truth itself is what the scenario meant: each outcome, in order."""
    table, bad = scenarios.load()[scenario], []
    began = collections.defaultdict(list)
    for row in sorted(clients, key=lambda c: c["start_ns"]):
        if row["mechanism"] == "garbage":
            continue
        if row.get("container") != "azwi-proxy":
            began[row.get("pod")].append(row["outcome"])
        elif row["outcome"] not in GOOD:
            bad.append(compare.describe(row))
    for pod in table.pods:
        if pod.name.startswith("garbage") or not acts(pod):
            continue
        wanted = pod.expect or (f"(?:{'|'.join(GOOD)})+",)
        pattern = "".join(f"(?:{o[:-1]} )+" if o.endswith("+") else f"{o} " for o in wanted)
        got = "".join(f"{o} " for o in began[pod.name])
        if not re.fullmatch(pattern, got):
            bad.append(f"{pod.name}: {got or 'nothing'}, meant {pattern}")
    results.check(not bad, f"{scenario}: the node did what the scenario says", bad)


def sums(scenario, match, metrics, results):
    """credscope_requests_total of the pods' series adds up to the truth, by mechanism."""
    wanted = collections.Counter(compare.claimable(p.truth, p.event)["mechanism"]
                                 for p in match.pairs)
    wanted.update(row["mechanism"] for row in match.missing)
    got = collections.Counter()
    for line in metrics.splitlines():
        if line.startswith("credscope_requests_total{") and 'namespace="' in line:
            labels, _, value = line.rpartition(" ")
            name = labels.partition('mechanism="')[2].partition('"')[0]
            got[name] += int(float(value))
    names = sorted(n for n in set(wanted) | set(got) if wanted[n] != got[n])
    results.check(not names, f"{scenario}: credscope_requests_total agrees by mechanism",
                  [f"{n}: counter {got[n]}, truth {wanted[n]}" for n in names])


def accounting(scenario, metrics, results, lossless=True):
    """Every watched connection ends as observed, lost by a named reason, or is still open."""
    total, observed, lost = (value(metrics, f"credscope_connections{name}_total")
                             for name in ("", "_observed", "_lost"))
    still_open = value(metrics, "credscope_connections_open")
    text = f"{total:.0f} = {observed:.0f} observed + {lost:.0f} lost + {still_open:.0f} open"
    results.check(total > 0 and total == observed + lost + still_open,
                  f"{scenario}: the accounting identity holds", text)
    if lossless:
        results.check(lost == 0 and still_open == 0, f"{scenario}: all connections observed", text)
