# SPDX-License-Identifier: Apache-2.0
"""Every exchange on the simulated node against ground truth; nothing missing, nothing extra."""
import collections
import os
import re
import shutil
import sys
import tempfile
import time

import compare
from node import scenarios, session
from tap import Results


GOOD = ("ok", "ok_inferred", "answered")


def settle(observer, node, seconds=8.0):
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


def run(scenario, directory, results):
    with session.Node(scenario, directory) as node:
        with session.Observer(node, session.binary(), directory) as observer:
            node.go()
            results.check(node.finished(), f"{scenario}: every client of the node ended well")
            settle(observer, node)
            metrics = observer.metrics()
            status = observer.close()
            results.check(status == 0, f"{scenario}: credscope ends with status 0 on SIGTERM",
                          observer.log_tail())
    return metrics


def topics(scenario, match, results):
    """A test a pod: all its exchanges are there and each field agrees."""
    bad, count = collections.defaultdict(list), collections.Counter()
    for pair in match.pairs:
        topic = pair.truth.get("pod") or pair.truth["unit"]
        count[topic] += 1
        bad[topic] += [f"{compare.describe(pair.truth)}: {p}" for p in compare.problems(pair)]
    for row in match.missing:
        topic = row.get("pod") or row["unit"]
        count[topic] += 1
        bad[topic].append(f"not observed: {compare.describe(row)}")
    table = scenarios.load()[scenario]
    names = [p.name for p in table.pods] + [h.unit for h in table.host]
    names = [n for n in names if not n.startswith(("bystander", "garbage"))]
    for topic in [*names, *sorted(set(count) - set(names))]:
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
        if pod.name.startswith("garbage"):
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


def accounting(scenario, metrics, results):
    """Every watched connection ends as observed, lost by a named reason, or is still open."""
    sums = collections.Counter()
    for line in metrics.splitlines():
        name = re.match(r"(credscope_connections\w*)", line)
        if name:
            sums[name[1].removesuffix("_total")] += float(line.rpartition(" ")[2])
    total, observed = sums["credscope_connections"], sums["credscope_connections_observed"]
    lost, still_open = sums["credscope_connections_lost"], sums["credscope_connections_open"]
    text = f"{total:.0f} = {observed:.0f} observed + {lost:.0f} lost + {still_open:.0f} open"
    results.check(total > 0 and total == observed + lost + still_open,
                  f"{scenario}: the accounting identity holds", text)
    if scenario != "garbage":
        results.check(lost == 0 and still_open == 0, f"{scenario}: all connections observed", text)


def garbage(match, results):
    """No garbage is a delivery or a success of an agent that answered nothing good."""
    wrong = [f"{e.get('destination')} {e.get('mechanism')} {e.get('outcome')} {e.get('path')}"
             for e in match.garbage if e.get("delivered")]
    results.check(not wrong, "garbage: none of it delivers credentials", wrong)


def injected(match, results):
    """The bracket test means something only if delays were there and were matched."""
    delayed = [p for p in match.pairs if p.lower >= 0.1]
    close = [p for p in delayed if p.event.get("duration_seconds", 0.0) <= p.lower * 1.05 + 0.25]
    results.check(len(delayed) >= 5, "at least five exchanges have an injected delay of 100 ms")
    results.check(2 * len(close) >= len(delayed),
                  "half of the injected delays are seen to 5 % (250 ms of a busy machine apart)",
                  [f"{p.lower} s seen as {p.event.get('duration_seconds')} s" for p in delayed])


def main():
    results = Results()
    for scenario in sys.argv[1:] or ("e2e", "churn", "garbage"):
        with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
            metrics = run(scenario, directory, results)
            rows = compare.load(directory, f"{directory}/events.jsonl")
            keep = os.environ.get("E2E_KEEP")
            if keep:  # for a look at what went wrong
                shutil.copytree(directory, os.path.join(keep, scenario), dirs_exist_ok=True,
                                ignore=shutil.ignore_patterns("*.sock"))
            match = compare.Match(*rows)
            topics(scenario, match, results)
            results.check(not match.missing, f"{scenario}: no exchange is missing",
                          map(compare.describe, match.missing))
            results.check(not match.extra, f"{scenario}: no exchange is extra",
                          map(compare.describe, match.extra))
            if scenario == "e2e":
                injected(match, results)
            if scenario == "garbage":
                garbage(match, results)
            else:
                sums(scenario, match, metrics, results)
            accounting(scenario, metrics, results)
            losses = [e for e in rows[2] if e.get("kind") == "loss"]
            results.check(not losses or scenario == "garbage", f"{scenario}: no losses",
                          map(str, losses))
            intended(scenario, rows[0], results)
    results.finish()


if __name__ == "__main__":
    main()
