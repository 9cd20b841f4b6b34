# SPDX-License-Identifier: Apache-2.0
"""Who may: the manifest's rights, tokens that are rotated and revoked, authorities, throttling."""
import http.client
import time
import unittest

import cluster
from case import PODS, Case, template

FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
ACCOUNTS = "/api/v1/namespaces/credscope/serviceaccounts"
DENIED = "STATE disconnected unsynced access denied"


class Manifest(Case):
    def test_rights(self):
        """Pods may be listed and watched, and nothing else that holds more than names."""
        spec, namespace = template()
        self.pod("secret-keeper")
        token = self.cluster.token(namespace, spec["serviceAccountName"])
        path = "/api/v1/pods?fieldSelector=spec.nodeName%3D" + self.node
        self.assertEqual(len(self.cluster.call("GET", path, token=token)["items"]), 1)
        for method, path, body in (
                ("GET", f"{PODS}/secret-keeper", None),
                ("GET", f"{PODS}/secret-keeper/log", None),
                ("POST", PODS, {"metadata": {"name": "x"}}),
                ("DELETE", f"{PODS}/secret-keeper", None),
                ("GET", "/api/v1/secrets", None), ("GET", "/api/v1/configmaps", None),
                ("GET", "/api/v1/nodes", None), ("GET", "/api/v1/nodes/n/proxy/pods", None),
                ("GET", "/apis/apps/v1/replicasets", None),
                ("POST", f"{ACCOUNTS}/{spec['serviceAccountName']}/token", {"spec": {}})):
            with self.assertRaises(cluster.Failed, msg=f"{method} {path}") as caught:
                self.cluster.call(method, path, body, token=token)
            self.assertEqual(caught.exception.code, 403, f"{method} {path}")

    def test_pod_is_admitted(self):
        """The DaemonSet's pod, as its controller would make it: admitted, with the token mounted
        where credscope looks for it."""
        spec, namespace = template()
        made = self.cluster.create(f"/api/v1/namespaces/{namespace}/pods", {
            "metadata": {"name": "made"}, "spec": {**spec, "nodeName": self.node}})
        self.addCleanup(self.cluster.call, "DELETE", f"/api/v1/namespaces/{namespace}/pods/made",
                        {"gracePeriodSeconds": 0})
        self.assertIn("/var/run/secrets/kubernetes.io/serviceaccount", [
            m["mountPath"] for m in made["spec"]["containers"][0]["volumeMounts"]])
        # Its class exists in every cluster, and says that it is not the first to go.
        self.assertGreater(made["spec"]["priority"], 10 ** 9)


class Rights(Case):
    def stranger(self):
        """A service account without any right, and its token."""
        self.cluster.create(ACCOUNTS, {"metadata": {"name": self.node}})
        return self.write("stranger", self.cluster.token("credscope", self.node))

    def allow(self, role="credscope"):
        self.bind(role, {"kind": "ServiceAccount", "name": self.node, "namespace": "credscope"})

    def test_missing(self):
        """403 is said clearly, and mended without a restart."""
        self.pod("a")
        client = self.client(token=self.stranger())
        client.wait(DENIED)
        self.assertTrue(any("HTTP status 403" in line and "list and watch pods" in line
                            for line in client.log), client.log)
        self.allow()
        client.wait("POD a")
        client.wait("STATE connected")

    def test_withdrawn(self):
        """A watch that is running goes on; the next one is refused, and resumes when allowed."""
        token = self.stranger()
        self.allow()
        client = self.client(token=token, watch_seconds=6)
        client.wait("LIST_END 0")
        self.pod("before")
        client.wait("POD before")
        self.unbind()
        client.wait("STATE disconnected synced access denied")
        self.pod("meanwhile")
        self.allow()
        client.wait("POD meanwhile")
        stats = client.stop()
        self.assertEqual(stats["lists"], 1)
        self.assertGreater(stats["code_403"], 0)

    def test_list_without_watch(self):
        """Half of the right: the pods come, the state says that watching is denied."""
        token = self.stranger()
        self.pod("a")
        self.role("list")
        self.allow(role=self.node)
        client = self.client(token=token)
        client.wait("POD a")
        client.wait("STATE disconnected synced access denied")


class Tokens(Case):
    def bound(self, name):
        """A token bound to a pod of credscope's own, as in its real life."""
        spec, namespace = template()
        pod = self.cluster.create(f"/api/v1/namespaces/{namespace}/pods", {
            "metadata": {"name": name}, "spec": {**spec, "nodeName": "other"}})["metadata"]
        token = self.cluster.token(namespace, spec["serviceAccountName"], pod)
        self.assertEqual(cluster.claims(token)["kubernetes.io"]["pod"]["uid"], pod["uid"])
        return token

    def revoke(self, name):
        _, namespace = template()
        self.cluster.call("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}",
                          {"gracePeriodSeconds": 0})

    def test_rotated(self):
        """The kubelet replaces the file before the old token's end: no request fails."""
        token = self.write("rotated", self.bound("first"))
        client = self.client(token=token, watch_seconds=6)
        client.wait("LIST_END 0")
        self.write("rotated", self.bound("second"))
        self.revoke("first")
        # The API server keeps a token's being good for 10 s.
        for i in range(10):
            self.pod(f"after{i}")
            client.wait(f"POD after{i}")
            time.sleep(2)
        stats = client.stop()
        self.revoke("second")
        self.assertEqual(self.failures(stats), {})
        self.assertGreaterEqual(stats["reconnects"], 2)

    def test_revoked(self):
        """401 until the new token is there, then on from where it was."""
        token = self.write("revoked", self.bound("third"))
        client = self.client(token=token, watch_seconds=6)
        client.wait("LIST_END 0")
        self.revoke("third")
        # What happens keeps the watches from being silent, which would be a reason to list.
        for i in range(40):
            if any("access denied" in line for line in client.lines):
                break
            self.pod(f"before{i}")
            time.sleep(1)
        client.wait("STATE disconnected synced access denied")
        self.pod("meanwhile")
        self.assertTrue(any("HTTP status 401" in line for line in client.log), client.log)
        self.write("revoked", self.bound("fourth"))
        client.wait("POD meanwhile")
        stats = client.stop()
        self.revoke("fourth")
        self.assertEqual(stats["lists"], 1)
        self.assertGreater(stats["code_401"], 0)

    def test_other_audience(self):
        """A pod's token for a cloud is none for the API server."""
        spec, namespace = template()
        token = self.cluster.create(
            f"/api/v1/namespaces/{namespace}/serviceaccounts/{spec['serviceAccountName']}/token",
            {"spec": {"audiences": ["sts.amazonaws.com"]}})["status"]["token"]
        client = self.client(token=self.write("audience", token))
        client.wait(DENIED)
        self.assertEqual(self.failures(client.stop()).keys(), {"denied"})

    def test_none(self):
        """Without one it is anonymous."""
        client = self.client(token="")
        client.wait(DENIED)

    def test_client_certificate(self):
        self.pod("a")
        client = self.client(cert=self.path("admin.pem"), key=self.path("admin.key"))
        client.wait("POD a")


class Authority(Case):
    def test_others_are_not_trusted(self):
        """The system's authorities, or another CA file: nothing is sent."""
        for authority in self.path("other-ca.pem"), "":
            client = self.client(ca=authority)
            client.wait("STATE disconnected unsynced the server's certificate")
            self.assertFalse([name for name in client.stop() if name.startswith("code_")])

    def test_renewed(self):
        """The cluster's authority is replaced while it runs: first the mounted file holds both,
        then the API server has a certificate of the new one."""
        def text(name):
            with open(self.path(name), encoding="ascii") as f:
                return f.read()
        client = self.client(ca=self.write("mounted-ca.pem", text("ca.pem")))
        client.wait("LIST_END 0")
        self.cluster.restart(cluster.FRONT, certificate="renewed")
        self.addCleanup(self.cluster.restart, cluster.FRONT)
        client.wait("STATE disconnected synced the server's certificate")
        self.pod("meanwhile")
        self.write("mounted-ca.pem", text("ca.pem") + text("other-ca.pem"))
        client.wait("POD meanwhile")


class Throttled(Case):
    def level(self):
        """Seats for one request of credscope's namespace, and no queue for the others."""
        self.cluster.create(f"{FLOW}/prioritylevelconfigurations", {
            "metadata": {"name": "one"}, "spec": {"type": "Limited", "limited": {
                "nominalConcurrencyShares": 0, "borrowingLimitPercent": 0,
                "limitResponse": {"type": "Reject"}}}})
        self.cluster.create(f"{FLOW}/flowschemas", {
            "metadata": {"name": "one"}, "spec": {
                "priorityLevelConfiguration": {"name": "one"}, "matchingPrecedence": 10,
                "rules": [{"subjects": [{"kind": "Group", "group": {
                    "name": "system:serviceaccounts:credscope"}}],
                    "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"],
                                       "namespaces": ["*"], "clusterScope": True}]}]}})

    def remove(self):
        self.cluster.call("DELETE", f"{FLOW}/flowschemas/one")
        self.cluster.call("DELETE", f"{FLOW}/prioritylevelconfigurations/one")

    def occupy(self):
        """A request that has its seat and doesn't end: its body never comes. The connection."""
        connection = http.client.HTTPSConnection("127.0.0.1", cluster.FRONT, timeout=30,
                                                 context=self.cluster.trust)
        connection.putrequest("POST", PODS)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", "100"),
                            ("Impersonate-User", "slow"),
                            ("Impersonate-Group", "system:serviceaccounts:credscope")):
            connection.putheader(name, value)
        connection.endheaders(b"{")
        self.addCleanup(connection.close)
        return connection

    def test_priority_and_fairness(self):
        """The real 429, with its Retry-After."""
        self.pod("a")
        self.bind("cluster-admin", {"kind": "User", "name": "slow"})
        self.level()
        self.addCleanup(self.remove)
        time.sleep(2)  # until the API server has taken it up
        slow = self.occupy()
        time.sleep(1)
        start = time.monotonic()
        client = self.client()
        client.wait("STATE disconnected unsynced throttled")
        time.sleep(5)
        self.assertEqual(len(client.lines), 1, client.lines)
        slow.close()
        client.wait("POD a")
        stats = client.stop()
        print(f"{stats['code_429']} in {time.monotonic() - start:.1f} s", end=" ")
        # Retry-After is one second, and each try comes after it.
        self.assertLessEqual(stats["code_429"], 1 + (time.monotonic() - start))
        self.assertGreater(stats["code_429"], 2)


if __name__ == "__main__":
    unittest.main()
