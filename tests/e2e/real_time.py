# SPDX-License-Identifier: Apache-2.0
"""Minutes of hangs and failing renewals in real time, on nodes of their own, all at once: each
finding opens and clears when it is due. Not among the tests that run each time: it takes 6 min."""
import multiprocessing
import os
import resource
import subprocess
import tempfile
import time

import checks
import hours
import replays
from node import scenarios, session, truth
from tap import Results

NAMES = ("slow", "slow-silent")
LATE = 3.0  # of a machine that does other things besides


def observe(name, directory):
    os.makedirs(directory)
    with session.Node(name, directory) as node, \
            session.Observer(node, session.binary(), directory,
                             *replays.recorded(directory)) as observer:
        node.go()
        fine = node.finished()
        checks.settle(observer)
        with open(f"{directory}/metrics", "w", encoding="utf-8") as f:
            f.write(observer.metrics())
        status = observer.close()
    if fine and status == 0:
        with open(f"{directory}/fine", "w", encoding="utf-8"):
            pass


def judge(name, directory, results):
    scenario, events = scenarios.load()[name], truth.read(f"{directory}/events.jsonl")
    results.check(os.path.exists(f"{directory}/fine"), f"{name}: all ended well")
    checks.intended(name, truth.read(f"{directory}/clients.jsonl"), results)
    hours.timelines(name, scenario, events, results, LATE)
    with open(f"{directory}/metrics", encoding="utf-8") as f:
        checks.accounting(name, f.read(), results)
    # what real time showed a replay shows too, to the second
    hours.timelines(f"{name}, replayed", scenario, replays.replay(directory)[0], results)


def main():
    results, start = Results(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        children = [multiprocessing.Process(target=observe, args=(n, f"{directory}/{n}"))
                    for n in NAMES]
        for child in children:
            child.start()
            time.sleep(2.0)  # building a node takes a core for that long
        for child in children:
            child.join(500)
        if keep := os.environ.get("E2E_KEEP"):
            subprocess.run(["cp", "-r", directory, keep], check=False)
        for name in NAMES:
            judge(name, f"{directory}/{name}", results)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"# {time.monotonic() - start:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of a processor")
    results.finish()


if __name__ == "__main__":
    main()
