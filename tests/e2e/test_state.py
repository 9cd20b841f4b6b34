# SPDX-License-Identifier: Apache-2.0
"""What outlives a restart: times that were seen last and how long nobody watched, but no counter.
And whatever is wrong with the state directory is warned of once and stops nothing."""
import fcntl
import json
import os
import re
import shutil
import signal
import stat
import tempfile
import time

import checks
from node import linux, session
from tap import Results

STAMPS = ("credscope_last_success_timestamp_seconds", "credscope_last_failure_timestamp_seconds",
          "credscope_endpoint_last_success_timestamp_seconds",
          "credscope_endpoint_last_failure_timestamp_seconds")
UNOBSERVED = "credscope_unobserved_seconds_total"
NAME = "state.json"


def stamps(metrics):
    return sorted(line for line in metrics.splitlines() if line.startswith(STAMPS))


def gap(metrics):
    """Unobserved seconds; None: not said."""
    found = re.search(rf"^{UNOBSERVED} (\S+)$", metrics, re.M)
    return float(found.group(1)) if found else None


def warnings(observer):
    with open(observer.log, encoding="utf-8", errors="replace") as f:
        return [line.strip() for line in f if "--state-dir" in line and "warn" in line.lower()]


def saved(path, since, seconds=10.0):
    """The document of the first save after a time, or None."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with open(os.path.join(path, NAME), encoding="utf-8") as f:
                document = json.load(f)
            # credscope reads its two clocks one after the other
            if document["saved_ms"] >= (since - 0.1) * 1000:
                return document
        except FileNotFoundError:
            pass
        time.sleep(0.05)
    return None


class Runs:
    """Runs of credscope on one node, each with a directory of its own for its log."""

    def __init__(self, node, directory):
        self.node, self.directory, self.count = node, directory, 0

    def start(self, state, *extra, **options):
        self.count += 1
        directory = os.path.join(self.directory, f"run-{self.count}")
        os.mkdir(directory)
        return session.Observer(self.node, session.binary(), directory, *extra, state=state,
                                **options)


def across_a_stop(runs, state, results):
    """Traffic, SIGTERM, a pause, and again without traffic. The timestamps of the first run."""
    first = runs.start(state)
    runs.node.go()
    results.check(runs.node.finished(), "the node's clients ended well")
    checks.settle(first)
    metrics = first.metrics()
    before = stamps(metrics)
    results.check(len(before) >= 4, f"{len(before)} times that were seen last")
    results.check(gap(metrics) == 0.0, "without an earlier run nothing was unobserved",
                  str(gap(metrics)))
    asked = time.time()
    results.check(first.close() == 0, "SIGTERM ends it with status 0")
    ended = time.time()
    info = os.stat(os.path.join(state, NAME))
    results.check(stat.S_IMODE(info.st_mode) == 0o600
                  and stat.S_IMODE(os.stat(state).st_mode) == 0o700
                  and os.listdir(state) == [NAME], "the state is private, and alone", str(info))
    results.check(saved(state, asked) is not None, "it was saved at the stop")
    time.sleep(3)
    begun = time.time()
    second = runs.start(state)
    ready = time.time()
    metrics = second.metrics()
    results.check(stamps(metrics) == before, "restarted, it has every time again",
                  set(before) ^ set(stamps(metrics)))
    counted = checks.value(metrics, "credscope_requests_total") + \
        checks.value(metrics, "credscope_credentials_total") + \
        checks.value(metrics, "credscope_node_requests_total")
    results.check(counted == 0, "counters begin at 0", f"{counted:.0f}")
    unobserved = gap(metrics)
    results.check(unobserved and begun - ended - 0.05 <= unobserved <= ready - asked + 0.05,
                  f"{unobserved} s were unobserved, between {begun - ended:.2f} and "
                  f"{ready - asked:.2f}")
    results.check(0 <= checks.value(metrics, "credscope_observed_seconds_total") < 5,
                  "observed seconds are this run's")
    results.check(not warnings(first) and not warnings(second), "nothing to warn of",
                  warnings(first) + warnings(second))
    return second, begun, before


def across_a_kill(runs, state, second, begun, before, results):
    """SIGKILL: at most the time since the last save is counted too much."""
    document = saved(state, begun)
    results.check(document is not None, "it is saved at the start too")
    # the save may have ended a moment before its process
    time.sleep(0.5)
    second.process.send_signal(signal.SIGKILL)
    second.process.wait()
    killed = time.time()
    time.sleep(2)
    third = runs.start(state)
    ready = time.time()
    metrics = third.metrics()
    unobserved = gap(metrics)
    last = document["intervals"][-1][1] / 1000
    results.check(unobserved and 2.0 <= unobserved <= ready - last + 0.05,
                  f"killed: {unobserved} s unobserved, since the last save {ready - last:.2f}, "
                  f"since the kill {ready - killed:.2f}")
    results.check(stamps(metrics) == before, "killed and restarted, it has every time again",
                  set(before) ^ set(stamps(metrics)))
    after = saved(state, killed)
    spans = after["intervals"] if after else []
    results.check(len(spans) == 3 and all(a <= b for a, b in spans)
                  and all(a[1] <= b[0] for a, b in zip(spans, spans[1:])),
                  "the file has the three runs, in order and apart", map(str, spans))
    return third


def held_by_another(runs, state, results):
    other = runs.start(state, listen="127.0.0.1:9811")
    time.sleep(1.5)
    metrics = other.metrics()
    told = warnings(other)
    results.check(len(told) == 1 and "another credscope holds it" in told[0],
                  "a second one on the same directory warns once", told)
    results.check(gap(metrics) is None and not stamps(metrics),
                  "and claims nothing of what it can't read")
    results.check(lost(metrics, "not_saved") >= 1, "and counts what it does not save")
    results.check(other.close() == 0, "and ends with status 0")


def lost(metrics, reason):
    return checks.value(metrics, "credscope_lost_total", 'hop="state"', f'reason="{reason}"')


class Late:
    """A directory that somebody holds when credscope starts, and lets go soon after."""

    def __init__(self, runs, state):
        self.state = os.path.join(runs.directory, "late")
        os.mkdir(self.state, 0o700)
        shutil.copy(os.path.join(state, NAME), self.state)
        held = os.open(self.state, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(held, fcntl.LOCK_EX)
        self.begun = time.time()
        self.observer = runs.start(self.state, listen="127.0.0.1:9812")
        os.close(held)

    def check(self, before, results):
        """A minute later it has found what it could not have at first."""
        early = self.observer.metrics()
        results.check(not stamps(early) and gap(early) is None and len(warnings(self.observer)) == 1,
                      "late: nothing is claimed while it can't be read")
        document = saved(self.state, self.begun, self.begun + 70 - time.time())
        time.sleep(2)  # it looks once a second what came of a save
        metrics = self.observer.metrics()
        results.check(document is not None and len(warnings(self.observer)) == 1
                      and "works again" in self.observer.log_tail(),
                      "late: saved by the next minute's attempt", warnings(self.observer))
        spans = document["intervals"] if document else [(0, 0), (0, 0)]
        results.check(stamps(metrics) == before and gap(metrics) is not None and
                      abs(gap(metrics) * 1000 - (spans[-1][0] - spans[-2][1])) < 2 and
                      spans[-1][1] - spans[-1][0] > 58000,
                      "late: times and gap are there, and the whole run was observed",
                      [str(gap(metrics)), *map(str, spans)])
        results.check(self.observer.close() == 0, "late: ends with status 0")


def unusable_files(runs, state, results):
    """Put aside, never thrown away; and a new one is begun."""
    path = os.path.join(state, NAME)
    with open(path, "rb") as f:
        good = f.read()
    other_node = re.sub(rb'"node":"[^"]*"', b'"node":"somebody-else"', good, count=1)
    cases = (("cut in the middle", good[:len(good) // 2], ".corrupt", "damaged"),
             ("random bytes", os.urandom(4096), ".corrupt", "damaged"),
             ("empty", b"", ".corrupt", "damaged"),
             ("huge", b" " * (3 << 20), ".corrupt", "too large"),
             ("a newer schema", good.replace(b'"schema":1', b'"schema":2', 1), ".corrupt", "newer"),
             ("another node's", other_node, ".other-node", "another node"))
    for name, content, suffix, why in cases:
        with open(path, "wb") as f:
            f.write(content)
        begun = time.time()
        with runs.start(state) as observer:
            metrics = observer.metrics()
            told = warnings(observer)
            document = saved(state, begun)
            with open(path + suffix, "rb") as f:
                aside = f.read()
        results.check(aside == content and len(told) == 1 and why in told[0],
                      f"{name}: kept as it was, with one warning", told)
        results.check(gap(metrics) is None and not stamps(metrics) and
                      lost(metrics, "put_aside") == 1 and document is not None,
                      f"{name}: nothing of it is believed, and a new state is begun")
        os.unlink(path + suffix)
    with open(path, "wb") as f:
        f.write(good)


def bad_disks(runs, state, before, results):
    """tmpfs in this program's own mount namespace: one that is full, one that is read-only."""
    with open(os.path.join(state, NAME), "rb") as f:
        good = f.read()
    for name in ("full", "read-only"):
        disk = os.path.join(runs.directory, name)
        os.mkdir(disk)
        linux.mount("none", disk, "tmpfs", data="size=128k,mode=700")
        with open(os.path.join(disk, NAME), "wb") as f:
            f.write(good)
        if name == "full":
            fill(os.path.join(disk, "filler"))
        else:
            linux.mount("none", disk, None, linux.MS_REMOUNT | linux.MS_RDONLY)
        observer = runs.start(disk)
        time.sleep(2.5)
        metrics = observer.metrics()
        told = warnings(observer)
        results.check(len(told) == 1 and lost(metrics, "not_saved") >= 1,
                      f"{name} disk: one warning, and counted", told)
        results.check(stamps(metrics) == before and gap(metrics) is not None,
                      f"{name} disk: what it holds is read")
        if name == "full":
            os.unlink(os.path.join(disk, "filler"))
        now = time.time()
        results.check(observer.close() == 0, f"{name} disk: ends with status 0")
        if name == "full":
            results.check(saved(disk, now, 0.1), "with room again it is saved at the stop")
        else:
            with open(os.path.join(disk, NAME), "rb") as f:
                content = f.read()
            results.check(content == good and os.listdir(disk) == [NAME],
                          "read-only disk: the file is as it was")


def fill(path):
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError:
            pass


def main():
    results = Results()
    linux.private_mounts()
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        state = os.path.join(directory, "made", "by-itself")
        with session.Node("smoke") as node:
            runs = Runs(node, directory)
            second, begun, before = across_a_stop(runs, state, results)
            third = across_a_kill(runs, state, second, begun, before, results)
            held_by_another(runs, state, results)
            results.check(third.close() == 0, "the holder ends with status 0")
            late = Late(runs, state)
            bad_disks(runs, state, before, results)
            unusable_files(runs, state, results)
            late.check(before, results)
        for name in ("full", "read-only"):
            linux.umount(os.path.join(directory, name))
    results.finish()


if __name__ == "__main__":
    main()
