# SPDX-License-Identifier: Apache-2.0
"""python3 -m node.clients SPEC.json: a container's program, a list of steps.

Step keys: do (a request's name, a flow's name, "boto3", "read-token", "sleep", or "until" a time
in seconds after go), tool (curl, urllib, raw), repeat, every (seconds), enough (stop after that many
200s), timeout, and what the tool or request understands. See scenarios/.
"""
import json
import os
import subprocess
import sys
import time

from .. import linux
from . import catalog, curl, record, wire

# flow -> requests; an IMDS token from the first is used by the others
FLOWS = {
    "imdsv2": ("imds-token", "imds-list", "imdsv2-role"),
    "imdsv1": ("imds-list", "imdsv1-role"),
    "imds-region": ("imds-token", "imds-region"),
}
RAW_OPTIONS = ("mapped", "pieces", "proxy", "version", "verify", "pause", "hold")


class Program:
    def __init__(self, spec):
        self.path = catalog.Path(**spec.get("path", {}))
        self.recorder = record.Recorder(spec["truth"], spec["identity"])
        self.tracer, self.go = None, spec.get("go", 0.0)

    def trace(self):
        if self.tracer is None:
            from . import trace
            self.tracer = trace.Tracer(self.recorder, self.path)

    def one(self, request, step):
        tool, timeout = step.get("tool", "curl"), step.get("timeout", 5.0)
        if tool == "curl":
            return curl.run(request, self.recorder, timeout)
        if tool == "urllib":
            from . import sdk
            self.trace()
            return sdk.urllib_step(request, timeout)
        options = {k: step[k] for k in RAW_OPTIONS if k in step}
        if "proxy" in options:
            options["proxy"] = tuple(options["proxy"])
        return wire.run(request, self.recorder, timeout, **options)

    def flow(self, names, step):
        """The requests in turn; the last one's status, 0 without an answer."""
        status = 0
        options = dict(step)
        for name in names:
            path = self.path if step.get("intercepted", True) else catalog.Path()
            status, _, body = self.one(catalog.request(name, options, path), step)
            if status != 200 and name in ("imds-token", "imds-list"):
                break
            if name == "imds-token":
                options["token"] = body.decode("latin-1") or "T" * 56
            if name == "imds-list" and body:
                options["role"] = body.decode("latin-1")
        return status

    def connection(self, step):
        """Several requests on one connection, in order or pipelined."""
        requests = [catalog.request(n, step, self.path) for n in step["requests"]]
        wire.run_many(requests, self.recorder, step.get("timeout", 5.0),
                      pipelined=step.get("pipelined", False),
                      **{k: step[k] for k in RAW_OPTIONS if k in step})

    def step(self, step):
        what = step["do"]
        if what == "sleep":
            time.sleep(step["seconds"])
        elif what == "until":
            time.sleep(max(0.0, self.go + step["seconds"] - time.monotonic()))
        elif what == "boto3":
            from . import sdk
            self.trace()
            sdk.boto3_step(step)
        elif what == "read-token":
            with open(catalog.IRSA_TOKEN, encoding="ascii") as f:
                f.read()
        elif what == "cat-token":  # by another process of the container
            subprocess.run(["/usr/bin/cat", catalog.IRSA_TOKEN], stdout=subprocess.DEVNULL,
                           check=True)
        elif what == "connection":
            self.connection(step)
        elif what == "garbage":
            from . import garbage
            for kind in garbage.KINDS:
                garbage.send(kind, tuple(step["to"]), self.recorder)
        elif what == "storm":
            self.storm(step)
        else:
            return self.flow(FLOWS.get(what, (what,)), step)
        return None

    def storm(self, step):
        """Many requests, each on a connection of its own, as fast as one process can."""
        for _ in range(step["count"]):
            self.one(catalog.request(step["request"], step, self.path),
                     dict(step, tool="raw"))

    def run(self, steps):
        for step in steps:
            good = 0
            for turn in range(step.get("repeat", 1)):
                if turn:
                    time.sleep(step.get("every", 1.0))
                good += self.step(step) == 200
                if good == step.get("enough"):
                    break


def main():
    linux.die_with_parent()
    with open(sys.argv[1], encoding="utf-8") as f:
        spec = json.load(f)
    program = Program(spec)
    if spec.get("uid"):
        os.setgid(spec["uid"])
        os.setuid(spec["uid"])
        linux.die_with_parent()  # the kernel forgets it with a change of uid
    program.run(spec["steps"])


if __name__ == "__main__":
    main()
