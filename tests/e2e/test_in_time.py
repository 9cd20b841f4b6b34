# SPDX-License-Identifier: Apache-2.0
"""How soon things are seen: an exchange within 1 s of its answer, on connections that stay open
too; a request that hangs within 2 s, as in flight, for as long as it does."""
import os
import re
import tempfile
import threading
import time

import checks
import compare
from node import session, truth
from tap import Results

CLASSIFIED = 1.0
IN_FLIGHT = 2.0
SLACK = 0.3  # from a client's end to its line of truth, on a busy machine
GAUGE = re.compile(r'^credscope_requests_in_flight\{mechanism="([^"]+)"\} (\S+)$', re.M)
OLDEST = re.compile(r'^credscope_oldest_in_flight_seconds\{mechanism="([^"]+)"\} (\S+)$', re.M)


class Lines(threading.Thread):
    """When each line of the event log was there to be read: (event, CLOCK_MONOTONIC)."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.seen, self.over = path, [], threading.Event()

    def run(self):
        at = 0
        while not self.over.is_set():
            rows, at = session.follow(self.path, at)
            now = time.monotonic()
            self.seen += [(row, now) for row in rows]
            time.sleep(0.02)


class Scrapes(threading.Thread):
    """What the gauges said and when: (before, after, requests in flight, the oldest's age)."""

    def __init__(self, observer):
        super().__init__(daemon=True)
        self.observer, self.seen, self.over = observer, [], threading.Event()

    def run(self):
        while not self.over.is_set():
            before = time.monotonic()
            text = self.observer.metrics()
            self.seen.append((before, time.monotonic(),
                              sum(float(n) for _, n in GAUGE.findall(text)),
                              max(float(n) for _, n in OLDEST.findall(text))))
            time.sleep(0.2)


def observe(directory, results):
    with session.Node("in-time", directory) as node, \
            session.Observer(node, session.binary(), directory) as observer:
        watchers = Lines(observer.events), Scrapes(observer)
        for watcher in watchers:
            watcher.start()
        node.go()
        results.check(node.finished(), "in-time: every client of the node ended well")
        checks.settle(observer)
        for watcher in watchers:
            watcher.over.set()
            watcher.join(20)
    return watchers[0].seen, watchers[1].seen


def soon(rows, lines, results):
    """Each exchange's line is there within a second of its end, pods that keep theirs open too."""
    at = {(e["source"], e.get("exchange", 0)): when for e, when in lines
          if e.get("kind") == "exchange" and "source" in e}
    late, longest, opened = [], 0.0, 0
    for row in rows:
        if "source" not in row:
            continue
        after = at.get((row["source"], row["exchange"]), float("inf")) - row["end_ns"] / 1e9
        if after > CLASSIFIED:
            late.append(f"{compare.describe(row)}: {after:.3f} s")
        longest = max(longest, after)
        opened += row.get("pod", "").startswith("open-")
    results.check(opened == 18 and not late, f"in-time: {len(at)} exchanges are classified within "
                  f"{CLASSIFIED} s of their end ({longest:.3f} s), {opened} on connections that "
                  "stay open", late)


def hanging(rows, scrapes, results):
    """Between start + 2 s and its end each hanging request is counted; nothing else ever is."""
    spans = [(r["start_ns"] / 1e9, r["end_ns"] / 1e9) for r in rows]
    hung = [s for s in spans if s[1] - s[0] > IN_FLIGHT + 1.0]
    few, many, ages, most = [], [], [], 0
    for before, after, count, oldest in scrapes:
        must = [s for s in hung if s[0] + IN_FLIGHT <= before and after <= s[1]]
        may = [s for s in spans if s[0] - SLACK <= after and before <= s[1] + SLACK]
        most = max(most, len(must))
        if count < len(must):
            few.append(f"{count:.0f} in flight at {before:.3f}, {len(must)} were")
        if count > len(may):
            many.append(f"{count:.0f} in flight at {before:.3f}, at most {len(may)} were")
        if must and not before - min(s[0] for s in must) - SLACK <= oldest \
                <= after - min(s[0] for s in may) + SLACK:
            ages.append(f"oldest {oldest:.3f} s at {before:.3f}, since {min(must)[0]:.3f}")
    results.check(most == 9 and not few,
                  f"in-time: all {most} hanging requests are in flight within {IN_FLIGHT} s", few)
    results.check(not many, "in-time: nothing is in flight that isn't", many)
    results.check(most and not ages, "in-time: the oldest has the age that it has", ages)


def main():
    results = Results()
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        lines, scrapes = observe(directory, results)
        rows = truth.read(os.path.join(directory, "clients.jsonl"))
        checks.intended("in-time", rows, results)
        soon(rows, lines, results)
        hanging(rows, scrapes, results)
    results.finish()


if __name__ == "__main__":
    main()
