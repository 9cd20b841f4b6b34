# SPDX-License-Identifier: Apache-2.0
"""Runs kube-cat, the Kubernetes client by itself, against a scripted API server."""
import os
import re
import subprocess
import tempfile
import threading
import time
import unittest

import api_server

KUBE_CAT = os.path.join(os.environ.get("BUILD", "build"), "tests", "kube-cat")
# Short enough for a test; what is tested is the order of things, and that pauses are kept.
QUICK = {"backoff-min-ms": 20, "backoff-max-ms": 100, "connect-ms": 2000, "run-ms": 60000}


class Client:
    """kube-cat, its output as it comes."""

    def __init__(self, environment=None, prefix=(), **options):
        command = [*prefix, KUBE_CAT]
        for name, value in {**QUICK, **options}.items():
            name = "--" + name.replace("_", "-")
            command += [name] if value is True else [name, str(value)]
        clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**clean, **(environment or {})})
        self.lines, self.times, self.log = [], [], []
        self.stats, self.changed = {}, threading.Condition()
        self.readers = [threading.Thread(target=self._read, daemon=True),
                        threading.Thread(target=self._read_log, daemon=True)]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                line = line.rstrip("\n")
                if line.startswith("STAT "):
                    _, name, value = line.split()
                    self.stats[name] = int(value)
                else:
                    self.lines.append(line)
                    self.times.append(time.monotonic())
                self.changed.notify_all()

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line.rstrip("\n"))

    def wait(self, pattern, count=1, seconds=15):
        """Until so many lines of output match; returns the last of them."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                found = [line for line in self.lines if re.search(pattern, line)]
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"no {count} × {pattern!r} in {self.lines[-40:]}, log "
                                         f"{self.log[-10:]}")
                self.changed.wait(left)

    def events(self):
        return [line for line in self.lines if not line.startswith("STATE")]

    def stop(self):
        """End it and return its statistics."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        for reader in self.readers:
            reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        return self.stats


class Case(unittest.TestCase):
    """A test with a server and a client, both gone at its end."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="kube-test-")
        api_server.make_certificates(cls.directory.name)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, text):
        """Replace the file in one step, as the kubelet and kubectl's users do."""
        with open(self.path(name + ".new"), "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(self.path(name + ".new"), self.path(name))
        return self.path(name)

    def serve(self, *script, **options):
        server = api_server.ApiServer(self.directory.name, script, **options)
        self.addCleanup(self.check_server, server)
        return server

    def check_server(self, server):
        server.stop()
        self.assertEqual(server.problems, [])

    def client(self, url=None, environment=None, prefix=(), **options):
        if url:
            options.setdefault("api", url)
            options.setdefault("node", "node-1")
            if "cert" not in options:
                options.setdefault("token", self.write("token", api_server.TOKEN + "\n"))
            options.setdefault("ca", self.path("ca.pem"))
        client = Client(environment, prefix, **options)
        self.addCleanup(self.check_client, client)
        return client

    def check_client(self, client):
        """A sanitizer's finding, a leak too, is an exit status."""
        client.stop()
        self.assertEqual(client.process.returncode, 0, client.log)

    def run_script(self, *script, **options):
        server = self.serve(*script)
        return server, self.client(server.url, **options)
