# SPDX-License-Identifier: Apache-2.0
"""credscope as a user runs it outside of a cluster: --kube api with a URL, a token and a CA."""
import http.client
import json
import os
import re
import signal
import subprocess
import time

import plan
from node import linux
from node.session import Failed, end

SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Observer:
    def __init__(self, binary, directory, api, cgroup, port):
        self.port, self.name = port, api.scenario.name
        self.events = os.path.join(directory, f"{self.name}.jsonl")
        self.log = os.path.join(directory, f"{self.name}.log")
        argv = [binary, "run", "--kube", "api", "--kube-api", api.url,
                "--kube-token", os.path.join(directory, "token"),
                "--kube-ca", os.path.join(directory, "ca.pem"), "--node-name", plan.NODE,
                "--cgroup", cgroup, "--listen", f"127.0.0.1:{port}", "--events", self.events,
                "--api-listen", f"unix:{directory}/{self.name}.sock", "--state-dir", "none"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=directory, preexec_fn=linux.die_with_parent)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def await_attached(self, seconds=30.0):
        """Until it watches: /readyz is 200, or wants for nothing but the list of pods."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                status, body = self.get("/readyz")
                if status == 200 or "list of pods" in body:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise Failed(f"credscope ({self.name}) did not get ready: {self.log_tail()}")

    def log_tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-1500:].strip()

    def metrics(self):
        """(name, labels, value) of every sample."""
        found = []
        for line in self.get("/metrics")[1].splitlines():
            match = SAMPLE.fullmatch(line)
            if match:
                found.append((match[1], dict(LABEL.findall(match[2] or "")), float(match[3])))
        return found

    def cpu_seconds(self):
        with open(f"/proc/{self._host_pid()}/schedstat", encoding="ascii") as f:
            return int(f.read().split()[0]) / 1e9

    def _host_pid(self):
        """/proc is the machine's, this process's PID namespace is not."""
        fd = os.pidfd_open(self.process.pid)
        try:
            with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as f:
                return next(int(line.split()[1]) for line in f if line.startswith("Pid:"))
        finally:
            os.close(fd)

    def stop(self):
        """Its exit status."""
        return end(self.process, signal.SIGTERM, 20)

    def lines(self):
        with open(self.events, encoding="utf-8") as f:
            return [json.loads(line) for line in f]
