# SPDX-License-Identifier: Apache-2.0
"""credscope itself with the real API server: ready, its requests named by pods that it serves,
what `check` says of its rights. Root; a cgroup of its own below the root of cgroup v2."""
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import unittest

import cluster
from case import PODS, Case, template
from node import cgroups, linux

CREDSCOPE = os.path.join(os.environ.get("BUILD", "build"), "credscope")
LISTEN = 9810
IMDS = "169.254.169.254"  # an address of this network namespace's own loopback device
CONTAINER = "5a" * 32


class Metadata(http.server.BaseHTTPRequestHandler):
    """What an instance metadata service answers to a request for a role's credentials."""

    def do_GET(self):
        body = json.dumps({"Code": "Success", "AccessKeyId": "ASIAEXAMPLE"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Run(Case):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["ip", "address", "replace", f"{IMDS}/32", "dev", "lo"], check=True)
        cls.imds = http.server.ThreadingHTTPServer((IMDS, 80), Metadata)
        threading.Thread(target=cls.imds.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.imds.shutdown()
        cls.imds.server_close()

    def setUp(self):
        super().setUp()
        self.cgroup = os.path.join(linux.cgroup2_root(), cgroups.instance_name(os.getpid()))
        cgroups.sweep(linux.cgroup2_root())
        os.makedirs(self.cgroup)
        self.addCleanup(cgroups.remove, self.cgroup)

    def options(self, **changed):
        spec, namespace = template()
        options = {"kube": "api", "kube-api": f"https://127.0.0.1:{cluster.FRONT}",
                   "kube-ca": self.path("ca.pem"), "node-name": self.node,
                   "cgroup": self.cgroup, "listen": f"127.0.0.1:{LISTEN}",
                   "api-listen": f"unix:{self.path('api.sock')}", **changed}
        if "kube-token" not in options:
            options["kube-token"] = self.write("token", self.cluster.token(
                namespace, spec["serviceAccountName"]))
        return [f"--{name}={value}" for name, value in options.items()]

    def run_observer(self, **changed):
        self.spawn([CREDSCOPE, "run", "--state-dir=none", *self.options(**changed)])

    def spawn(self, command, environment=None):
        with open(self.path("credscope.log"), "wb") as log:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "timeout", "120", *command], stdout=log,
                stderr=log, env=environment)

        def stop():
            process.terminate()
            self.assertEqual(process.wait(20), 0, self.log())
        self.addCleanup(stop)

    def log(self):
        with open(self.path("credscope.log"), encoding="utf-8", errors="replace") as f:
            return f.read()[-2000:]

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", LISTEN, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def workloads(self):
        connection = http.client.HTTPConnection("credscope", timeout=5)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.path("api.sock"))
        try:
            connection.request("GET", "/api/v1/workloads")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def until(self, what, check, seconds=20):
        deadline = time.monotonic() + seconds
        while True:
            try:
                value = check()
            except OSError:
                value = None
            if value:
                return value
            self.assertLess(time.monotonic(), deadline, f"{what}: {self.log()}")
            time.sleep(0.1)

    def readiness(self):
        status, text = self.get("/readyz")
        return status == 200, text

    def metric(self, name, *labels):
        return sum(float(line.rpartition(" ")[2]) for line in self.get("/metrics")[1].splitlines()
                   if line.startswith((name + "{", name + " ")) and
                   all(label in line for label in labels))

    def owned_pod(self, name, workload, container):
        """A running pod of a Deployment, as kubelet and runtime make it: object and cgroup."""
        made = self.pod(name, labels={"pod-template-hash": "6d4cf56db6"}, ownerReferences=[
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{workload}-6d4cf56db6",
             "uid": "7b0c1c5e-1111-4c50-9d4c-7c2f1c3c0d5e", "controller": True}])
        self.cluster.call("PATCH", f"{PODS}/{name}/status", {"status": {
            "phase": "Running", "qosClass": "BestEffort", "containerStatuses": [
                {"name": "c", "image": "i", "imageID": "", "ready": True, "restartCount": 0,
                 "containerID": f"containerd://{container}"}]}},
            kind="application/strategic-merge-patch+json")
        path = os.path.join(self.cgroup, cgroups.container_path(
            "systemd", made["uid"], "besteffort", container))
        os.makedirs(path)
        return path

    def request(self, cgroup):
        """A container's request for its role's credentials."""
        done = subprocess.run(
            ["curl", "-sS", "--max-time", "5", "-o", "/dev/null", "-f",
             f"http://{IMDS}/latest/meta-data/iam/security-credentials/role"],
            preexec_fn=lambda: cgroups.enter(cgroup), timeout=20, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_requests_are_named(self):
        """By the object that the API server serves: of a pod that was there, of one that comes,
        and over a restart of the API server."""
        first = self.owned_pod("web-6d4cf56db6-aaaaa", "web", CONTAINER)
        self.run_observer()
        self.until("ready", lambda: self.readiness()[0])
        self.assertEqual(self.metric("credscope_kube_connected"), 1)
        self.request(first)
        second = self.owned_pod("late-6d4cf56db6-bbbbb", "late", "6b" * 32)
        self.request(second)
        self.cluster.stop(cluster.FRONT, kill=True)
        self.until("disconnected", lambda: self.metric("credscope_kube_connected") == 0)
        third = self.owned_pod("away-6d4cf56db6-ccccc", "away", "7c" * 32)
        self.request(third)
        self.cluster.start(cluster.FRONT)
        for workload in "web", "late", "away":
            labels = ('namespace="default"', f'workload="{workload}"',
                      'workload_kind="Deployment"')
            self.until(f"{workload} counted", lambda labels=labels: self.metric(
                "credscope_requests_total", *labels) == 1, seconds=60)
        self.assertEqual(self.metric("credscope_requests_total"), 3)
        self.assertIn("web", json.dumps(self.workloads()))

    def test_not_ready_without_rights(self):
        """Not before the first list; then without a restart."""
        self.cluster.create("/api/v1/namespaces/credscope/serviceaccounts",
                            {"metadata": {"name": self.node}})
        self.run_observer(**{"kube-token": self.write(
            "stranger", self.cluster.token("credscope", self.node))})
        self.until("denied", lambda: self.metric("credscope_kube_failures_total",
                                                 'reason="denied"'))
        ready, why = self.readiness()
        self.assertFalse(ready, why)
        self.bind("credscope", {"kind": "ServiceAccount", "name": self.node,
                                "namespace": "credscope"})
        self.until("ready", lambda: self.readiness()[0], seconds=40)

    def mount(self, pod):
        """The token and authority of a pod as the kubelet's AtomicWriter puts them: a directory a
        version, and one link that is replaced."""
        spec, namespace = template()
        bound = self.cluster.create(f"/api/v1/namespaces/{namespace}/pods", {
            "metadata": {"name": pod}, "spec": {**spec, "nodeName": "other"}})["metadata"]
        self.addCleanup(self.unmount, pod)
        top = self.path("serviceaccount")
        version = os.path.join(top, f"..{pod}")
        os.makedirs(version)
        with open(os.path.join(version, "token"), "w", encoding="ascii") as f:
            f.write(self.cluster.token(namespace, spec["serviceAccountName"], bound))
        shutil.copy(self.path("ca.pem"), os.path.join(version, "ca.crt"))
        os.symlink(f"..{pod}", os.path.join(top, "..data_tmp"))
        os.rename(os.path.join(top, "..data_tmp"), os.path.join(top, "..data"))
        for name in "token", "ca.crt":
            if not os.path.lexists(os.path.join(top, name)):
                os.symlink(f"..data/{name}", os.path.join(top, name))

    def unmount(self, pod):
        """Its token is revoked with it."""
        _, namespace = template()
        try:
            self.cluster.call("DELETE", f"/api/v1/namespaces/{namespace}/pods/{pod}",
                              {"gracePeriodSeconds": 0})
        except cluster.Failed as failed:
            self.assertEqual(failed.code, 404)

    def test_as_in_its_pod(self):
        """With the DaemonSet's own arguments, and all else found as in a cluster: environment and
        mounted files, whose token is replaced and the old one revoked."""
        spec, _ = template()
        self.mount("observer-1")
        inside = ("mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount"
                  f" && mount --bind {self.path('serviceaccount')} "
                  "/run/secrets/kubernetes.io/serviceaccount && exec \"$@\"")
        self.spawn(["unshare", "--mount", "sh", "-c", inside, "sh", CREDSCOPE,
                    *spec["containers"][0]["args"], "--state-dir=none", f"--cgroup={self.cgroup}",
                    f"--listen=127.0.0.1:{LISTEN}", f"--api-listen=unix:{self.path('api.sock')}"],
                   {**os.environ, "NODE_NAME": self.node, "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                    "KUBERNETES_SERVICE_PORT": str(cluster.FRONT)})
        self.until("ready", lambda: self.readiness()[0])
        self.mount("observer-2")
        self.unmount("observer-1")
        self.cluster.restart(cluster.FRONT)
        self.pod("seen")
        # Neither listed nor changed before: this is after the restart.
        self.until("seen with the new token", lambda: sum(
            self.metric("credscope_kube_events_total", f'type="{kind}"')
            for kind in ("listed", "changed")), seconds=40)

    # ---- credscope check ----
    def check(self, **changed):
        """What it says of the source of pods' names."""
        done = subprocess.run([CREDSCOPE, "check", "--json", *self.options(**changed)],
                              capture_output=True, text=True, timeout=60)
        lines = json.loads(done.stdout)
        return next(line for line in lines["checks"] if line["name"] == "pods' names")

    def test_check_names_the_rights(self):
        self.pod("a")
        line = self.check()
        self.assertEqual(line["status"], "ok", line)
        self.assertIn("1 pods", line["detail"])
        line = self.check(**{"node-name": "no-such-node"})
        self.assertEqual(line["status"], "degraded")
        self.assertIn("no pod of node no-such-node", line["detail"])
        line = self.check(**{"kube-ca": self.path("other-ca.pem")})
        self.assertIn("--kube-ca", line["advice"])

    def test_check_without_rights(self):
        self.cluster.create("/api/v1/namespaces/credscope/serviceaccounts",
                            {"metadata": {"name": self.node}})
        token = {"kube-token": self.write("stranger", self.cluster.token("credscope", self.node))}
        line = self.check(**token)
        self.assertEqual(line["status"], "degraded", line)
        self.assertIn("403", line["detail"])
        self.assertIn("list and watch pods", line["advice"])
        # Half of the right is not enough.
        self.role("list")
        self.bind(self.node, {"kind": "ServiceAccount", "name": self.node,
                              "namespace": "credscope"})
        self.until("bound", lambda: "not watched" in self.check(**token)["detail"])
        self.assertEqual(self.check(**token)["status"], "degraded")


if __name__ == "__main__":
    unittest.main()
