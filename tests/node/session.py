# SPDX-License-Identifier: Apache-2.0
"""For programs that watch a simulated node: starts the node, and credscope on it.

Both end with the program that started them, however that one ends.
"""
import json
import os
import select
import signal
import subprocess
import sys
import time

from . import linux

PYTHON = "/usr/bin/python3"
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CURL = "/usr/bin/curl"
PORT = 9810


class Failed(Exception):
    """Something that a test or the demo needs did not come up; the message says what."""


def _in_namespace(path):
    """For preexec_fn: enter a network namespace and die with the parent."""
    def enter():
        fd = os.open(path, os.O_RDONLY)
        linux.setns(fd, linux.CLONE_NEWNET)
        linux.die_with_parent()
    return enter


def end(process, sig=signal.SIGTERM, seconds=10.0):
    """Signal a process and wait; SIGKILL when it does not end. Its exit status."""
    if process.poll() is None:
        process.send_signal(sig)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


class Node:
    """A simulated node whose clients wait for go()."""

    def __init__(self, scenario, truth=None, parent=None):
        argv = [PYTHON, "-B", "-m", "node", "run", "--scenario", scenario, "--wait", "--hold"]
        if truth:
            argv += ["--truth", truth]
        if parent:
            argv += ["--parent", parent]
        self.ended = False
        # a session of its own: Ctrl-C at the terminal is for the program that started us
        self.process = subprocess.Popen(
            argv, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True, preexec_fn=linux.die_with_parent)
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            raise Failed(f"the simulated node did not start: {line.strip()}")
        with open(line.split(" ", 1)[1].strip(), encoding="utf-8") as f:
            self.info = json.load(f)

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def finished(self):
        """Wait for the clients; True when all ended well."""
        return self.process.stdout.readline().strip() == "done"

    def finished_already(self):
        """True as soon as the clients have ended, well or not; does not wait."""
        if not self.ended:
            ready, _, _ = select.select([self.process.stdout], [], [], 0)
            self.ended = bool(ready)
        return self.ended

    def curl(self, url, *args, seconds=10):
        """An HTTP request from inside the node; the body, or Failed."""
        try:
            done = subprocess.run([CURL, "-sS", "--max-time", str(seconds), "-f", *args, url],
                                  preexec_fn=_in_namespace(self.info["netns"]),
                                  capture_output=True, text=True, timeout=seconds + 5, check=False)
        except subprocess.SubprocessError as error:  # the namespace went with the node
            raise Failed(f"{url}: the node is gone") from error
        if done.returncode != 0:
            raise Failed(f"{url}: {done.stderr.strip()}")
        return done.stdout

    def spawn(self, argv, **popen):
        """A process on the node's network, in this program's cgroup."""
        return subprocess.Popen(argv, preexec_fn=_in_namespace(self.info["netns"]),
                                start_new_session=True, stdin=subprocess.DEVNULL, **popen)

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
        return end(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Observer:
    """credscope run on a node, attached to the node's cgroup or to another."""

    def __init__(self, node, binary, directory, *extra, listen=f"127.0.0.1:{PORT}", cgroup=None,
                 kube=None, state="none", ready=True):
        self.node, self.directory, self.listen = node, directory, listen
        self.events = os.path.join(directory, "events.jsonl")
        self.log = os.path.join(directory, "credscope.log")
        self.api = os.path.join(directory, "api.sock")
        argv = [binary, "run", "--kube", kube or f"file:{node.info['pods_file']}",
                "--node-name", node.info["name"],
                "--cgroup", cgroup or node.info["cgroup"], "--listen", listen,
                "--api-listen", f"unix:{self.api}", "--events", self.events,
                "--state-dir", state, "--proxy-address", "203.0.113.50:3128", *extra]
        with open(self.log, "ab") as log:
            self.process = node.spawn(argv, stdout=log, stderr=log, cwd=directory)
        if ready:
            self.await_ready()

    def readiness(self):
        """What /readyz says now: status and body."""
        deadline = time.monotonic() + 10
        while True:
            try:
                text = self.node.curl(f"http://{self.listen}/readyz", "--no-fail", "-w",
                                      "%{http_code}", seconds=2)
                return int(text[-3:]), text[:-3]
            except Failed:  # it does not listen yet
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def await_ready(self, seconds=20.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failed(f"credscope ended with status {self.process.returncode}: "
                             + self.log_tail())
            try:
                self.node.curl(f"http://{self.listen}/readyz", seconds=2)
                return
            except Failed:
                time.sleep(0.05)
        self.close()
        raise Failed("credscope was not ready in time: " + self.log_tail())

    def log_tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-1500:].strip()

    def metrics(self, accept=None):
        extra = ["-H", f"Accept: {accept}"] if accept else []
        return self.node.curl(f"http://{self.listen}/metrics", *extra)

    def close(self, sig=signal.SIGTERM):
        return end(self.process, sig)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def binary():
    """The program under test: $BUILD/credscope below the repository."""
    top = os.path.dirname(TESTS)
    path = os.path.join(top, os.environ.get("BUILD", "build"), "credscope")
    if not os.access(path, os.X_OK):
        print(f"{path} is not there: run make", file=sys.stderr)
        raise SystemExit(2)
    return path


def follow(path, seen):
    """Whole lines of a growing JSON lines file from byte offset seen: (objects, new offset)."""
    try:
        with open(path, "rb") as f:
            f.seek(seen)
            data = f.read()
    except FileNotFoundError:
        return [], seen
    whole = data[:data.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.splitlines() if line], seen + len(whole)
