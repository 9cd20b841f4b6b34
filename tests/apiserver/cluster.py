# SPDX-License-Identifier: Apache-2.0
"""etcd and kube-apiserver on 127.0.0.1, for a test in a network namespace of its own."""
import base64
import http.client
import json
import os
import ssl
import subprocess
import time

import api_server

PROGRAM = os.environ["CLUSTER_PROGRAM"]
ETCD_URL, ETCD_PEER = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
# Two, as in a cluster of several masters: the client's can be away while the other one writes.
STEADY, FRONT = 6443, 6444
REQUEST_SECONDS = 15
PATCH = "application/merge-patch+json"


class Failed(Exception):
    """An answer of the API server that is no success."""

    def __init__(self, what, code, answer):
        super().__init__(f"{what}: {code} {answer.get('message', answer)}")
        self.code, self.answer = code, answer


class Program:
    """One of the program's parts as a process that does not outlive this one."""

    def __init__(self, directory, name, arguments):
        self.path = os.path.join(directory, f"{name}.log")
        with open(self.path, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", PROGRAM, *arguments], stdout=log,
                stderr=subprocess.STDOUT, cwd=directory,
                env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")})

    def wait(self, ready, seconds=120):
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(self.path, encoding="utf-8", errors="replace") as f:
                    raise AssertionError(f"not ready: {''.join(f.readlines()[-20:])}")
            time.sleep(0.1)

    def stop(self, kill=False):
        if self.process.poll() is None:
            (self.process.kill if kill else self.process.terminate)()
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise


def make_certificates(directory):
    """Those of tests/kube; besides admin.pem and .key of the group that may do everything, the
    key that signs service accounts' tokens, and renewed.pem: server.pem's like of other-ca.pem."""
    api_server.make_certificates(directory)

    def run(*arguments):
        subprocess.run([api_server.OPENSSL, *arguments], check=True, capture_output=True,
                       timeout=30, cwd=directory)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name, subject, ca in (("admin", "/O=system:masters/CN=admin", "ca"),
                              ("renewed", "/CN=test server", "other-ca")):
        run("req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
        run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
            "-CAcreateserial", "-out", f"{name}.pem", "-days", "2", "-extfile", "san.ext")
    run("genrsa", "-out", "accounts.key", "2048")


class Cluster:
    def __init__(self, directory):
        self.directory = directory
        self.etcd, self.servers = None, {}
        make_certificates(directory)
        self.trust = ssl.create_default_context(cafile=self.path("ca.pem"))
        self.trust.load_verify_locations(self.path("other-ca.pem"))
        self.trust.load_cert_chain(self.path("admin.pem"), self.path("admin.key"))
        self.start_etcd()
        self.start(STEADY)
        self.start(FRONT)

    def path(self, name):
        return os.path.join(self.directory, name)

    # ---- processes ----
    def start_etcd(self):
        self.etcd = Program(self.directory, "etcd", [
            "etcd", "--data-dir", self.path("etcd"), "--listen-client-urls", ETCD_URL,
            "--advertise-client-urls", ETCD_URL, "--listen-peer-urls", ETCD_PEER,
            "--initial-advertise-peer-urls", ETCD_PEER, "--initial-cluster",
            f"default={ETCD_PEER}", "--unsafe-no-fsync", "--log-level", "warn",
            # What Kubernetes' own deployments set.
            "--watch-progress-notify-interval=5s"])
        self.etcd.wait(self._etcd_is_ready)

    def _etcd_is_ready(self):
        try:
            return self.etcd_call("/v3/kv/range", {"key": "AA=="}) is not None
        except OSError:
            return False

    def etcd_call(self, path, body):
        """etcd's gRPC by its JSON gateway."""
        connection = http.client.HTTPConnection("127.0.0.1", 2379, timeout=10)
        try:
            connection.request("POST", path, json.dumps(body))
            answer = connection.getresponse()
            value = json.loads(answer.read())
            assert answer.status == 200, value
            return value
        finally:
            connection.close()

    def compact(self):
        """Forget every revision but the newest, as the API server does once in five minutes."""
        revision = self.etcd_call("/v3/kv/range", {"key": "AA=="})["header"]["revision"]
        self.etcd_call("/v3/kv/compaction", {"revision": revision, "physical": True})

    def start(self, port, *extra, certificate="server"):
        # No Endpoints of the service "kubernetes": an address of the loopback may not be one.
        # Told to stop, it serves watches on for the time-out of a request, 60 s by default.
        self.servers[port] = Program(self.directory, f"kube-apiserver-{port}", [
            "kube-apiserver", f"--etcd-servers={ETCD_URL}", "--bind-address=127.0.0.1",
            f"--secure-port={port}", "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none", f"--client-ca-file={self.path('ca.pem')}",
            f"--tls-cert-file={self.path(f'{certificate}.pem')}",
            f"--tls-private-key-file={self.path(f'{certificate}.key')}",
            "--authorization-mode=RBAC", "--service-account-issuer=https://cluster.test",
            f"--service-account-key-file={self.path('accounts.key')}",
            f"--service-account-signing-key-file={self.path('accounts.key')}",
            "--service-cluster-ip-range=10.96.0.0/24", "--profiling=false",
            f"--request-timeout={REQUEST_SECONDS}s", *extra])
        self.servers[port].wait(lambda: self.is_ready(port))

    def is_ready(self, port):
        try:
            return self.call("GET", "/readyz", port=port) is not None
        except (OSError, http.client.HTTPException, Failed):
            return False

    def stop(self, port, kill=False):
        self.servers.pop(port).stop(kill)

    def restart(self, port, *extra, **options):
        self.stop(port, kill=True)
        self.start(port, *extra, **options)

    def close(self):
        for port in list(self.servers):
            self.stop(port, kill=True)
        if self.etcd:
            self.etcd.stop(kill=True)

    def log(self, port):
        with open(self.path(f"kube-apiserver-{port}.log"), encoding="utf-8",
                  errors="replace") as f:
            return f.read()

    # ---- the API, as administrator or with a token ----
    def call(self, method, path, body=None, kind="application/json", port=STEADY, token=None):
        trust, headers = self.trust, {"Content-Type": kind}
        if token:
            trust = ssl.create_default_context(cafile=self.path("ca.pem"))
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=trust)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        value = json.loads(text) if text[:1] == b"{" else {"message": text.decode()}
        if answer.status >= 300:
            raise Failed(f"{method} {path}", answer.status, value)
        return value

    def create(self, path, body):
        return self.call("POST", path, body)

    def kubectl(self, *arguments, text=None):
        """Its output; it must succeed."""
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "c", "clusters": [
            {"name": "c", "cluster": {"server": f"https://127.0.0.1:{STEADY}",
                                      "certificate-authority": self.path("ca.pem")}}],
            "users": [{"name": "c", "user": {"client-certificate": self.path("admin.pem"),
                                             "client-key": self.path("admin.key")}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}]}
        with open(self.path("kubeconfig"), "w", encoding="utf-8") as f:
            json.dump(config, f)
        done = subprocess.run(
            [PROGRAM, "kubectl", f"--kubeconfig={self.path('kubeconfig')}", *arguments],
            input=text, capture_output=True, text=True, timeout=60,
            env={"HOME": self.directory, "PATH": os.environ["PATH"]})
        assert done.returncode == 0, f"kubectl {arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def token(self, namespace, account, pod=None, seconds=600):
        """A token as the kubelet gets it: bound to a pod, if one is named, and gone with it."""
        spec = {"expirationSeconds": seconds}
        if pod:
            spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", "name": pod["name"],
                                      "uid": pod["uid"]}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        return self.create(path, {"spec": spec})["status"]["token"]


def claims(token):
    text = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
