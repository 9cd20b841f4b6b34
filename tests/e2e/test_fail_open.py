# SPDX-License-Identifier: Apache-2.0
"""Clients never notice credscope: killed, restarted, starved of series. Nothing stays behind."""
import json
import os
import signal
import subprocess
import tempfile
import time

from node import session, truth
from tap import Results

GOOD = ("ok", "ok_inferred", "answered")
BPFTOOL = "/usr/sbin/bpftool"
KINDS = ("prog", "map", "link")


def bpftool(*args):
    done = subprocess.run([BPFTOOL, "-j", *args], capture_output=True, text=True, timeout=30,
                          check=False)
    return json.loads(done.stdout) if done.stdout.strip() else []


def held_by(pid):
    """Ids of the BPF objects that a process has open, by kind, from its descriptors' fdinfo."""
    held = {kind: set() for kind in KINDS}
    directory = f"/proc/{pid}/fdinfo"
    for fd in os.listdir(directory):
        try:
            with open(f"{directory}/{fd}", encoding="ascii") as f:
                lines = dict(line.split(":", 1) for line in f if ":" in line)
        except OSError:
            continue  # closed meanwhile
        for kind in KINDS:
            if f"{kind}_id" in lines:
                held[kind].add(int(lines[f"{kind}_id"]))
    return held


def still_there(objects):
    return [f"{kind} {i}" for kind in KINDS
            for i in sorted(objects[kind] & {o["id"] for o in bpftool(kind, "show")})]


def gone(objects, seconds=5.0):
    """The kernel frees programs after a grace period. What is left of objects after waiting."""
    deadline = time.monotonic() + seconds
    while (left := still_there(objects)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def attached(cgroup):
    return [str(p) for p in bpftool("cgroup", "show", cgroup) or []]


def failures(directory):
    """Exchanges of the clients that went wrong, by their own account."""
    return [f"{c.get('pod')}: {c['outcome']} {c.get('error', '')}"
            for c in truth.read(f"{directory}/clients.jsonl") if c["outcome"] not in GOOD]


def main():
    results = Results()
    binary = session.binary()
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        with session.Node("steady", directory) as node:
            observer = session.Observer(node, binary, directory)
            mine = held_by(observer.process.pid)
            results.check(len(mine["prog"]) >= 5 and still_there(mine)
                          and attached(node.info["cgroup"]),
                          "while it runs its programs are there to be found",
                          map(str, mine.items()))
            node.go()
            time.sleep(2)
            kill_and_look(observer, mine, node, results)
            observer = session.Observer(node, binary, directory)
            time.sleep(2)
            seen = len(truth.read(observer.events))
            results.check(seen > 0, f"restarted, it observes again ({seen} events)")
            status = observer.close(signal.SIGTERM)
            results.check(status == 0, "SIGTERM ends it with status 0")
            starved = session.Observer(node, binary, directory, "--max-series", "1500")
            time.sleep(1)
            results.check(starved.process.poll() is None, "with few series allowed it goes on")
            results.check(node.finished(), "steady: every client ended well")
            mine = held_by(starved.process.pid)
            starved.close()
            results.check(not gone(mine), "ended, it leaves no BPF object", gone(mine))
            count = len(truth.read(f"{directory}/clients.jsonl"))
            bad = failures(directory)
            results.check(count > 300 and not bad, f"all {count} requests of all clients succeeded",
                          bad)
    results.check(not os.path.exists(node.info["cgroup"]), "the simulated node is gone")
    results.finish()


def kill_and_look(observer, mine, node, results):
    observer.process.kill()
    observer.process.wait()
    left = gone(mine)
    results.check(not left, "killed with SIGKILL it leaves no BPF program, map or link", left)
    results.check(not attached(node.info["cgroup"]), "nothing is attached to the cgroup any more",
                  attached(node.info["cgroup"]))
    os.rename(observer.events, observer.events + ".before")


if __name__ == "__main__":
    main()
