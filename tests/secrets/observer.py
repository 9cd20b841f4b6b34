# SPDX-License-Identifier: Apache-2.0
"""credscope under test: started, asked for all that it serves, searched, stopped."""
import gzip
import http.client
import os
import signal
import socket
import subprocess
import time

import memory
from world import Cgroup, PROXY4, PROXY_PORT, die_with_parent

PORT = 9810
PAGES = (("/metrics", {}), ("/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"}),
         ("/metrics", {"Accept-Encoding": "gzip"}), ("/healthz", {}), ("/readyz", {}))
API = (("/", {}), ("/api/v1/status", {}), ("/api/v1/exchanges", {}), ("/api/v1/workloads", {}))


class _Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self._path)


def _get(connection, path, headers):
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    if response.getheader("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    head = "".join(f"{k}: {v}\r\n" for k, v in response.getheaders()).encode()
    return response.status, head + body


class Observer:
    def __init__(self, program, directory, cgroups, environment, kube):
        self.directory = directory
        self.events, self.facts = f"{directory}/events.jsonl", f"{directory}/facts"
        self.socket, self.state = f"{directory}/api.sock", f"{directory}/state"
        self.log = f"{directory}/log"
        self.given = f"{directory}/given/"  # what credscope is given, not what it writes
        os.mkdir(self.state)

        def prepare():
            die_with_parent()
            Cgroup.enter(cgroups.observer)

        with open(self.log, "wb") as log:
            # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
            self.process = subprocess.Popen(
                [program, "run", *kube, "--events", self.events, "--record-facts",
                 self.facts, "--listen", f"127.0.0.1:{PORT}", "--api-listen",
                 f"unix:{self.socket}", "--cgroup", cgroups.pod, "--state-dir", self.state,
                 "--log-level", "debug", "--proxy-address", f"{PROXY4}:{PROXY_PORT}",
                 "--metadata-address", "10.250.0.2:80"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=prepare,
                env={**os.environ, **environment})
        self._wait_ready()

    @property
    def pid(self):
        return self.process.pid

    def _wait_ready(self):
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        with open(self.log, encoding="utf-8", errors="replace") as log:
            raise SystemExit(f"secrets: credscope did not get ready:\n{log.read()[-3000:]}")

    def get(self, path, headers=None, api=False):
        connection = (_Unix(self.socket) if api
                      else http.client.HTTPConnection("127.0.0.1", PORT, timeout=10))
        return _get(connection, path, headers or {})

    def served(self):
        """(what, bytes) of every page, in every form; a page that isn't served is an error."""
        for pages, api in ((PAGES, False), (API, True)):
            for path, headers in pages:
                status, body = self.get(path, headers, api)
                if status != 200:
                    raise RuntimeError(f"{path}: status {status}")
                yield f"served {path} {' '.join(headers.values())}".strip(), body

    def written(self):
        """(what, bytes) of every file in the run's directory."""
        for top, _, names in os.walk(self.directory):
            for name in names:
                path = os.path.join(top, name)
                if path.endswith("serviceaccount/token") or path.startswith(self.given) or not os.path.isfile(path):
                    continue  # what the row itself has written
                with open(path, "rb") as f:
                    yield f"file {os.path.relpath(path, self.directory)}", f.read()

    def remembered(self, sockets):
        """(what, bytes) of memory and BPF maps; sockets: those whose storage is to be read."""
        ring_mapped = False
        for name, data in memory.read_memory(self.pid):
            ring_mapped |= "bpf" in name and len(data) >= 1 << 20
            yield f"memory {name}", data
        if not ring_mapped:
            raise RuntimeError("the mapped ring is not among credscope's readable mappings")
        _, maps = memory.bpf_objects(self.pid)
        if not maps:
            raise RuntimeError("credscope holds no BPF map")
        for map_id in sorted(maps):
            with memory.Map(map_id) as bpf_map:
                yield f"map {bpf_map.name}", bpf_map.dump(sockets)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(5)
