# SPDX-License-Identifier: Apache-2.0
"""Lists and watches as the real API server answers them."""
import time
import unittest

import harness
from case import PODS, Case


class Watch(Case):
    def test_own_node_only(self):
        self.pod("listed")
        self.pod("listed-elsewhere", node="other")
        self.pod("listed-nowhere", node=None)
        client = self.client()
        client.wait("LIST_END 0")
        self.pod("watched-elsewhere", node="other")
        self.pod("watched")
        client.wait("POD watched ")
        self.assertEqual(self.names(client), ["listed", "watched"])
        self.assertEqual(self.failures(client.stop()), {})

    def test_no_pods(self):
        client = self.client()
        client.wait("LIST_END 0")
        self.pod("first")
        client.wait("POD first")

    def test_bound_later(self):
        """What the scheduler does: the pod enters the selection, which the API server says by
        ADDED."""
        client = self.client()
        client.wait("LIST_END 0")
        self.pod("waiting", node=None)
        self.pod("bound", node=None)
        self.cluster.create(f"{PODS}/bound/binding", {
            "metadata": {"name": "bound"},
            "target": {"apiVersion": "v1", "kind": "Node", "name": self.node}})
        client.wait("POD bound")
        self.assertEqual(self.names(client), ["bound"])

    def test_life(self):
        client = self.client()
        client.wait("LIST_END 0")
        self.pod("a")
        client.wait("POD a")
        self.label("a", "x")
        client.wait("POD a", 2)
        self.cluster.call("PATCH", f"{PODS}/a/status", {"status": {
            "phase": "Running", "podIP": "10.0.0.7", "containerStatuses": [
                {"name": "c", "image": "i", "imageID": "", "ready": True, "restartCount": 0,
                 "containerID": "containerd://" + "5a" * 32}]}},
            kind="application/strategic-merge-patch+json")
        client.wait("POD a", 3)
        # With a grace the object stays, marked, until the kubelet has ended the containers.
        self.delete("a", grace=30)
        client.wait("POD a", 4)
        self.assertEqual(self.names(client, "DELETED"), [])
        # Forced: its grace becomes 0, a change of its own, then it is gone.
        self.delete("a")
        client.wait("DELETED a")
        stats = client.stop()
        self.assertEqual((stats["count_changed"], stats["count_deleted"]), (5, 1))
        self.assertEqual((stats["lists"], stats["watches"]), (1, 1))

    def test_same_name_again(self):
        """Another pod of the same name: its own UID, and told after the first one's end."""
        client = self.client()
        client.wait("LIST_END 0")
        for _ in range(3):
            self.pod("again")
            self.delete("again")
        client.wait("DELETED again", 3)
        self.assertEqual([line.split()[0] for line in client.events()[2:]],
                         ["POD", "POD", "DELETED"] * 3)

    def test_bookmarks(self):
        """Watches of a node where nothing happens, in a cluster where something does: a bookmark
        before each one's end moves the version on, so that they follow one another and no list."""
        client = self.client(watch_seconds=8)
        client.wait("LIST_END 0")
        for i in range(20):
            self.pod(f"elsewhere{i}", node="other")
            time.sleep(1)
        self.pod("here")
        client.wait("POD here")
        stats = client.stop()
        print(f"{stats['watches']} watches, {stats['count_bookmark']} bookmarks", end=" ")
        self.assertEqual(self.failures(stats), {})
        self.assertEqual(stats["lists"], 1)
        self.assertGreaterEqual(stats["reconnects"], 1)
        self.assertGreaterEqual(stats["count_bookmark"], 1)

    def test_kubectl_wrote_it(self):
        """The same pods from a file, as kubectl prints them."""
        for name in "a", "b":
            self.pod(name)
        text = self.cluster.kubectl("get", "pods", "--all-namespaces", "-o", "json")
        client = harness.Client(file=self.write("pods.json", text), node=self.node)
        self.addCleanup(self.check_client, client)
        client.wait("LIST_END 0")
        self.assertEqual(self.names(client), ["a", "b"])

    def test_large_pods(self):
        """110 pods of 20 KB, and one near etcd's limit."""
        for i in range(110):
            self.pod(f"p{i}", annotations={"big": "x" * 20000})
        # All annotations of an object together: 256 KiB at most. So the rest is env.
        spec = {"nodeName": self.node, "containers": [{"name": "c", "image": "i", "env": [
            {"name": f"V{i}", "value": "y" * 100000} for i in range(13)]}]}
        self.cluster.create(PODS, {"metadata": {"name": "huge"}, "spec": spec})
        start = time.monotonic()
        client = self.client()
        client.wait("LIST_END 0")
        print(f"111 pods listed in {time.monotonic() - start:.2f} s", end=" ")
        self.label("huge", "x")
        client.wait("POD huge", 2)
        stats = client.stop()
        print(f"{stats['bytes'] >> 10} KiB, {stats['rss_anon_kib']} KiB private", end=" ")
        self.assertEqual(len(set(self.names(client))), 111)
        self.assertEqual(self.failures(stats), {})

    def test_many_changes(self):
        """Each pod's last word comes through, in its order, at the speed of the API server."""
        client = self.client()
        client.wait("LIST_END 0")
        for i in range(100):
            self.pod(f"m{i}")
            self.label(f"m{i}", "x")
            if i % 2:
                self.delete(f"m{i}")
        client.wait("DELETED", 50, seconds=30)
        self.pod("last")
        client.wait("POD last")
        stats = client.stop()
        # A forced deletion is a change and an end.
        self.assertEqual((stats["count_changed"], stats["count_deleted"]), (251, 50))
        self.assertEqual(stats["lists"], 1)


if __name__ == "__main__":
    unittest.main()
