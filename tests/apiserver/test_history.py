# SPDX-License-Identifier: Apache-2.0
"""What time does to a watch: API servers that go and come back, revisions that are compacted, an
etcd that is put back to an earlier state."""
import os
import shutil
import threading
import time
import unittest

import cluster
from case import Case


class Restart(Case):
    def settled(self, **options):
        client = self.client(**options)
        client.wait("LIST_END 0")
        return client

    def test_told_to_stop(self):
        """It ends its watches properly, and refuses connections until it is back."""
        self.pod("before")
        client = self.settled()
        self.cluster.stop(cluster.FRONT)
        client.wait("STATE disconnected synced can't connect")
        self.pod("meanwhile")
        self.delete("before")
        self.cluster.start(cluster.FRONT)
        client.wait("POD meanwhile", seconds=30)
        self.pod("after")
        client.wait("POD after")
        self.gone(client, "before")

    def test_killed(self):
        self.pod("before")
        client = self.settled()
        for i in range(3):
            self.cluster.stop(cluster.FRONT, kill=True)
            client.wait("STATE disconnected synced can't connect", i + 1)
            self.pod(f"meanwhile{i}")
            self.cluster.start(cluster.FRONT)
            client.wait(f"POD meanwhile{i}", seconds=30)
        self.delete("before")
        self.gone(client, "before")

    def gone(self, client, name):
        """By a deletion, or by a whole list without it after the last that had it."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            picture = set()
            for line in client.events():
                kind, *rest = line.split()
                if kind == "LIST_BEGIN":
                    listed = set()
                elif kind == "POD":
                    picture.add(rest[0])
                    listed.add(rest[0])
                elif kind == "DELETED":
                    picture.discard(rest[0])
                elif kind == "LIST_END":
                    picture = set(listed)
            if name not in picture:
                return
            time.sleep(0.1)
        self.fail(f"{name} is still there: {client.events()}")

    def test_etcd_away(self):
        """The API server stays, its etcd goes: what it says then is no reason to stop."""
        client = self.settled(watch_seconds=6)
        self.cluster.etcd.stop(kill=True)
        time.sleep(12)
        self.cluster.start_etcd()
        for port in cluster.STEADY, cluster.FRONT:
            self.cluster.servers[port].wait(lambda port=port: self.cluster.is_ready(port))
        self.pod("after")
        client.wait("POD after", seconds=30)
        print(f"failures {self.failures(client.stop())}", end=" ")


class Expired(Case):
    def miss(self, client, *extra):
        """The client's API server goes; while it is away a pod comes, a pod goes, and etcd
        forgets how."""
        self.cluster.stop(cluster.FRONT, kill=True)
        client.wait("STATE disconnected synced can't connect")
        self.pod("meanwhile")
        self.delete("before")
        self.cluster.compact()
        self.cluster.start(cluster.FRONT, *extra)
        client.wait("POD meanwhile", seconds=30)
        client.wait("LIST_END 0", 2)
        events = client.events()
        second = events[len(events) - 1 - events[::-1].index("LIST_BEGIN"):]
        self.assertEqual([line.split()[:2] for line in second],
                         [["LIST_BEGIN"], ["POD", "meanwhile"], ["LIST_END", "0"]])
        self.pod("after")
        client.wait("POD after")
        return client.stop()

    def test_by_the_watch_cache(self):
        """410 as the API server's cache says it: an ERROR event in an answer of status 200."""
        self.pod("before")
        client = self.client()
        client.wait("LIST_END 0")
        stats = self.miss(client)
        self.assertEqual((stats["failure_expired"], stats["relists"]), (1, 1))
        self.assertEqual(stats["count_error"], 1)

    def test_by_etcd(self):
        """410 without that cache: etcd's own word that the revision is compacted."""
        without = "--watch-cache=false"
        self.cluster.restart(cluster.FRONT, without)
        self.addCleanup(self.cluster.restart, cluster.FRONT)
        self.pod("before")
        client = self.client()
        client.wait("LIST_END 0")
        stats = self.miss(client, without)
        self.assertEqual((stats["failure_expired"], stats["relists"]), (1, 1))

    def forget(self, name):
        """Two changes on another node, since the newest revision itself is never compacted."""
        self.pod(f"{name}0", node="other")
        self.pod(f"{name}1", node="other")
        self.cluster.compact()

    def forget_again(self, client):
        """Until the third expiry, or a bound."""
        for i in range(300):
            if sum("(410)" in line for line in client.lines) >= 3:
                return
            self.forget(f"again{i}-")
            time.sleep(0.02)

    def test_between_pages(self):
        """410 as the answer itself: a second expiry in a row leads to a list in pages, whose
        revision is compacted between two of them."""
        options = ("--watch-cache=false",)
        self.cluster.restart(cluster.FRONT, *options)
        self.addCleanup(self.cluster.restart, cluster.FRONT)
        names = {f"p{i}" for i in range(300)}
        for name in names:
            self.pod(name)
        client = self.client(page=1)
        client.wait("LIST_END 0")
        for i in range(2):
            self.cluster.stop(cluster.FRONT, kill=True)
            client.wait("STATE disconnected synced can't connect", i + 1)
            self.forget(f"between{i}-")
            if i == 0:
                self.cluster.start(cluster.FRONT, *options)
                client.wait("LIST_END 0", 2, seconds=30)
        # Before the server says that it is ready, the client may be at its pages.
        threading.Thread(target=self.forget_again, args=(client,), daemon=True).start()
        self.cluster.start(cluster.FRONT, *options)
        client.wait("LIST_END 0", 3, seconds=30)
        events = client.events()
        last = events[len(events) - 1 - events[::-1].index("LIST_BEGIN"):]
        self.assertEqual({line.split()[1] for line in last if line.startswith("POD")}, names)
        stats = client.stop()
        self.assertGreaterEqual(stats.get("code_410", 0), 1, stats)
        self.assertGreaterEqual(stats["failure_expired"], 3)


class Backup(Case):
    def test_restored(self):
        """etcd is put back to a copy: versions that were given out are in the future. What came
        after the copy is gone, and nobody says so: the watch stays silent and is given up."""
        for i in range(5):
            self.pod(f"old{i}")
        saved = self.save()
        client = self.client(watch_seconds=8, page=2)
        client.wait("LIST_END 0")
        for i in range(50):
            self.pod(f"lost{i}")
        client.wait("POD lost49")
        self.restore(saved)
        client.wait("LIST_END 0", 2, seconds=60)
        events = client.events()
        last = events[len(events) - 1 - events[::-1].index("LIST_BEGIN"):]
        self.assertEqual({line.split()[1] for line in last if line.startswith("POD")},
                         {f"old{i}" for i in range(5)})
        self.pod("new")
        client.wait("POD new", seconds=30)
        print(f"failures {self.failures(client.stop())}", end=" ")

    def stop_all(self):
        for port in cluster.FRONT, cluster.STEADY:
            self.cluster.stop(port, kill=True)
        self.cluster.etcd.stop()

    def start_all(self):
        self.cluster.start_etcd()
        for port in cluster.STEADY, cluster.FRONT:
            self.cluster.start(port)

    def save(self):
        self.stop_all()
        saved = self.path("etcd-copy")
        shutil.copytree(self.path("etcd"), saved)
        self.start_all()
        return saved

    def restore(self, saved):
        self.stop_all()
        shutil.rmtree(self.path("etcd"))
        os.rename(saved, self.path("etcd"))
        self.start_all()


if __name__ == "__main__":
    unittest.main()
