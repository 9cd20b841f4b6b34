# SPDX-License-Identifier: Apache-2.0
"""What the tests have in common: one cluster with deploy/ applied, pods, and clients of it."""
import atexit
import json
import os
import signal
import sys
import tempfile
import unittest

import cluster
import harness

DEPLOY = os.path.join(os.path.dirname(__file__), "..", "..", "deploy", "daemonset.yaml")
PODS = "/api/v1/namespaces/default/pods"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_shared = []
_told_to_stop = []


def _stop(*_):
    """What a time-out or a CI sends: clean up as at any end. unittest takes it for an error of one
    test, so that the others have to hear of it."""
    _told_to_stop.append(True)
    sys.exit(1)


signal.signal(signal.SIGTERM, _stop)


def shared():
    """The cluster: made with the first test that wants it, gone with this process."""
    if not _shared:
        directory = tempfile.TemporaryDirectory(prefix="apiserver-test-")
        atexit.register(directory.cleanup)
        one = cluster.Cluster(directory.name)
        atexit.register(one.close)
        # kube-controller-manager would make it; without it no pod is admitted.
        one.create("/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
        one.kubectl("apply", "--validate=strict", "-f", DEPLOY)
        _shared.append(one)
    return _shared[0]


def template():
    """The pod of deploy/'s DaemonSet, and the namespace it is in."""
    daemon_set = json.loads(shared().kubectl("get", "daemonset", "credscope", "-n", "credscope",
                                             "-o", "json"))
    return daemon_set["spec"]["template"]["spec"], daemon_set["metadata"]["namespace"]


class Case(unittest.TestCase):
    """A test with pods on a node of its own, all gone at its end."""

    def setUp(self):
        if _told_to_stop:
            sys.exit(1)
        self.cluster = shared()
        for port in cluster.STEADY, cluster.FRONT:  # a failed test may have left one stopped
            if port not in self.cluster.servers:
                self.cluster.start(port)
        self.node = self.id().rpartition(".")[2].replace("_", "-")
        self.addCleanup(self.clear)

    def clear(self):
        """Also those that wait for a node: of one test at a time."""
        self.cluster.call("DELETE", PODS, {"gracePeriodSeconds": 0})

    def bind(self, role, subject):
        """Give the subject a ClusterRole, until unbind or the test's end."""
        group = "rbac.authorization.k8s.io"
        if subject["kind"] == "User":
            subject = {**subject, "apiGroup": group}
        self.cluster.create(BINDINGS, {"metadata": {"name": self.node}, "subjects": [subject],
                                       "roleRef": {"apiGroup": group, "kind": "ClusterRole",
                                                   "name": role}})
        self.addCleanup(self.unbind)

    def role(self, *verbs):
        """A ClusterRole to do this with pods, named as the node."""
        self.cluster.create(BINDINGS.replace("bindings", "s"), {
            "metadata": {"name": self.node},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}]})

    def unbind(self):
        try:
            self.cluster.call("DELETE", f"{BINDINGS}/{self.node}")
        except cluster.Failed as failed:
            if failed.code != 404:
                raise

    def path(self, name):
        return self.cluster.path(name)

    def write(self, name, text):
        """Replace the file in one step, as the kubelet does."""
        with open(self.path(name + ".new"), "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(self.path(name + ".new"), self.path(name))
        return self.path(name)

    def pod(self, name, node="", **metadata):
        """On this test's node, or on another, or with None on none. Its metadata."""
        spec = {"containers": [{"name": "c", "image": "i", "env": [
            {"name": "NOT_FOR_LOGS", "value": "s3cr3t"}]}]}
        if node is not None:
            spec["nodeName"] = node or self.node
        return self.cluster.create(PODS, {"metadata": {"name": name, **metadata},
                                          "spec": spec})["metadata"]

    def label(self, name, value):
        self.cluster.call("PATCH", f"{PODS}/{name}", {"metadata": {"labels": {"l": value}}},
                          kind=cluster.PATCH)

    def delete(self, name, grace=0):
        self.cluster.call("DELETE", f"{PODS}/{name}", {"gracePeriodSeconds": grace})

    def client(self, port=cluster.FRONT, **options):
        """With the service account of deploy/, unless another token is given."""
        if "token" not in options and "cert" not in options:
            spec, namespace = template()
            options["token"] = self.write("token", self.cluster.token(
                namespace, spec["serviceAccountName"]))
        options = {"api": f"https://127.0.0.1:{port}", "node": self.node,
                   "ca": self.path("ca.pem"), "run_ms": 300000, **options}
        client = harness.Client(**options)
        self.addCleanup(self.check_client, client)
        return client

    def check_client(self, client):
        client.stop()
        self.assertEqual(client.process.returncode, 0, client.log)
        self.assertNotIn("s3cr3t", "\n".join(client.lines + client.log))
        for name, value in client.stats.items():
            if name.startswith("skip_"):
                self.assertEqual(value, 0, name)

    def names(self, client, kind="POD"):
        """Of the pods it was told of, in order."""
        return [line.split()[1] for line in client.events() if line.split()[0] == kind]

    def failures(self, stats):
        """Why requests failed, and how often."""
        return {name[8:]: count for name, count in stats.items()
                if name.startswith("failure_") and count}
