# SPDX-License-Identifier: Apache-2.0
"""Connections, certificates, tokens, proxies, time-outs, and the sources besides the API."""
import json
import os
import select
import shutil
import socket
import subprocess
import threading
import time
import unittest

import api_server
from api_server import dump, event, pod, pod_list, status
from harness import Case
from test_protocol import lists, says, watches


class Statuses(Case):
    def test_throttled(self):
        """429 has a text/plain body; Retry-After is kept."""
        server, client = self.run_script(
            says(429, b"Too many requests, please try again later.\n", kind="text/plain",
                 headers=["Retry-After: 1"]),
            lists(pod("a")), watches())
        client.wait("POD a")
        self.assertGreaterEqual(server.requests[1].time - server.requests[0].time, 1.0)
        stats = client.stop()
        self.assertEqual((stats["failure_throttled"], stats["code_429"]), (1, 1))

    def test_throttled_watch(self):
        server, client = self.run_script(
            lists(pod("a")), says(429, b"later", kind="text/plain", headers=["Retry-After: 1"]),
            watches(event("ADDED", pod("b"))))
        client.wait("POD b")
        self.assertGreaterEqual(server.requests[2].time - server.requests[1].time, 1.0)
        self.assertEqual(client.stop()["lists"], 1)

    def test_server_errors(self):
        """500, 502 of a proxy, 503, 504 with Retry-After; with no, wrong and odd bodies."""
        server, client = self.run_script(
            says(500, dump(status(500, "InternalError"))),
            says(502, b"<html>Bad Gateway</html>", kind="text/html"), says(503), says(504, b"{"),
            lists(pod("a")), watches())
        client.wait("POD a")
        self.assertEqual(client.stop()["failure_server"], 4)
        self.assertEqual(len([r for r in server.requests if not r.watch]), 5)

    def test_backoff_grows(self):
        server, client = self.run_script(says(500), backoff_min_ms=50, backoff_max_ms=800)
        time.sleep(3)
        client.stop()
        gaps = [b.time - a.time for a, b in zip(server.requests, server.requests[1:])]
        self.assertGreaterEqual(min(gaps), 0.049)
        self.assertLess(max(gaps), 1.0)
        self.assertLess(len(gaps), 30)
        self.assertGreater(max(gaps), 0.15)

    def test_denied(self):
        _, client = self.run_script(says(403, dump(status(403, "Forbidden"))), lists(pod("a")),
                                    watches())
        client.wait("STATE disconnected unsynced access denied")
        client.wait("STATE connected synced -")
        self.assertEqual(client.stop()["failure_denied"], 1)

    def test_redirect_is_not_followed(self):
        other = self.serve(lists(pod("evil")))
        server, client = self.run_script(
            says(302, headers=[f"Location: {other.url}/api/v1/pods"]), lists(pod("a")), watches())
        client.wait("POD a")
        self.assertEqual(other.requests, [])
        self.assertEqual(client.stop()["failure_protocol"], 1)
        self.assertEqual({r.path for r in server.requests}, {"/api/v1/pods"})

    def test_no_http(self):
        def garbage(request):
            request.raw(b"\x15\x03\x01\x00\x02\x02\x16 not http\r\n\r\n")
            request.hangs_up = True

        def endless_head(request):
            request.raw(b"HTTP/1.1 200 OK\r\n")
            for _ in range(100000):
                request.raw(b"X-Padding: " + b"x" * 1000 + b"\r\n")
        _, client = self.run_script(garbage, endless_head, lists(pod("a")), watches())
        client.wait("POD a")
        stats = client.stop()
        self.assertEqual(stats["failure_protocol"], 2)
        self.assertLess(stats["rss_peak_kib"], 32768)


class Pauses(Case):
    def test_no_answer(self):
        _, client = self.run_script(lambda r: r.hold(), lists(pod("a")), watches(),
                                    first_byte_ms=300)
        client.wait("POD a")
        self.assertEqual(client.stop()["failure_silent"], 1)

    def test_five_seconds_late(self):
        def late(request):
            time.sleep(5)
            request.chunked(pod_list(pod("a")))
        _, client = self.run_script(late, watches())
        client.wait("POD a")
        self.assertEqual(client.stop()["failure_silent"], 0)

    def test_list_stalls(self):
        def stalls(request):
            request.head()
            request.chunk(pod_list(pod("a"))[:-20])
            request.hold()
        _, client = self.run_script(stalls, lists(pod("b")), watches(), list_idle_ms=300)
        client.wait("POD b")
        self.assertEqual(client.stop()["failure_silent"], 1)

    def test_list_drips(self):
        def drips(request):
            request.head()
            for byte in pod_list(pod("a")):
                request.chunk(bytes([byte]))
                time.sleep(0.05)
        _, client = self.run_script(drips, lists(pod("b")), watches(), list_longest_ms=500)
        client.wait("POD b")
        self.assertEqual(client.stop()["failure_slow"], 1)

    def test_server_comes_late(self):
        probe = socket.create_server(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        client = self.client(f"https://127.0.0.1:{port}")
        client.wait("STATE disconnected unsynced can't connect")
        self.serve(lists(pod("a")), watches(), port=port)
        client.wait("POD a")
        self.assertGreater(client.stop()["failure_connect"], 0)

    def test_server_restarts(self):
        server = self.serve(lists(pod("a")), watches(event("ADDED", pod("b", 101))))
        client = self.client(server.url)
        client.wait("POD b")
        server.stop()
        client.wait("STATE disconnected synced")
        again = self.serve(watches(event("ADDED", pod("c", 102))), port=server.port)
        client.wait("POD c")
        self.assertEqual(again.requests[0].query["resourceVersion"], "101")
        self.assertEqual(client.stop()["lists"], 1)


class Trust(Case):
    def test_other_authority(self):
        """The server's certificate must be the CA file's; nothing is sent before."""
        server = self.serve(lists(pod("a")))
        client = self.client(server.url, ca=self.path("other-ca.pem"))
        client.wait("STATE disconnected unsynced the server's certificate")
        self.assertEqual(server.requests, [])
        self.assertGreater(client.stop()["failure_certificate"], 0)

    @unittest.skipUnless(os.geteuid() == 0, "mounts need root")
    def test_system_authorities_are_not_added(self):
        """The server's authority is in the system's directory here, and that says nothing: only
        without a CA file."""
        store = self.path("system-store")
        os.makedirs(store, exist_ok=True)
        shutil.copy(self.path("ca.pem"), store)
        subprocess.run([api_server.OPENSSL, "rehash", store], check=True, timeout=30)
        inside = ["unshare", "--mount", "sh", "-c",
                  f"mount --bind {store} /etc/ssl/certs && exec \"$@\"", "sh"]
        server = self.serve(lists(pod("a")), watches())
        client = self.client(server.url, ca=self.path("other-ca.pem"), prefix=inside)
        client.wait("STATE disconnected unsynced the server's certificate")
        self.assertEqual(server.requests, [])
        # /etc/ssl/certs/ca-certificates.crt is not there now, so that this fails in another way
        # than by not trusting the directory.
        shutil.copy(self.path("ca.pem"), os.path.join(store, "ca-certificates.crt"))
        self.client(server.url, ca="", prefix=inside).wait("POD a")

    def test_other_name(self):
        server = self.serve(lists(pod("a")), address="127.0.0.2")
        client = self.client(server.url)
        client.wait("STATE disconnected unsynced the server's certificate")
        self.assertEqual(server.requests, [])

    def test_authority_replaced(self):
        """The CA file is read again at each connection."""
        server = self.serve(lists(pod("a")), watches())
        with open(self.path("other-ca.pem"), encoding="ascii") as f:
            ca = self.write("mounted-ca.pem", f.read())
        client = self.client(server.url, ca=ca)
        client.wait("STATE disconnected unsynced the server's certificate")
        with open(self.path("ca.pem"), encoding="ascii") as f:
            self.write("mounted-ca.pem", f.read())
        client.wait("POD a")

    def test_no_authority_file(self):
        server = self.serve(lists(pod("a")))
        client = self.client(server.url, ca=self.path("absent.pem"))
        client.wait("STATE disconnected unsynced the token, CA or client certificate file")
        self.assertEqual(server.requests, [])

    def test_client_certificate(self):
        server = self.serve(lists(pod("a")), watches(), client_certificate=True)
        client = self.client(server.url, cert=self.path("client.pem"), key=self.path("client.key"))
        client.wait("POD a")
        self.assertNotIn("authorization", server.requests[0].headers)

    def test_no_client_certificate(self):
        server = self.serve(lists(pod("a")), client_certificate=True)
        client = self.client(server.url)
        client.wait("STATE disconnected")
        self.assertEqual(server.requests, [])

    def test_token_is_not_sent_in_the_clear(self):
        server = self.serve(lists(pod("a")), watches(), tls=False)
        client = self.client(server.url)
        client.wait("POD a")
        client.stop()  # what it has logged is read by a thread of its own
        self.assertNotIn("authorization", server.requests[0].headers)
        self.assertTrue(any("not https" in line for line in client.log))

    def test_addresses(self):
        for address in "::1", "127.0.0.1":
            server = self.serve(lists(pod("a")), watches(), address=address)
            client = self.client(cluster=True, node="n", ca=self.path("ca.pem"), environment={
                "KUBERNETES_SERVICE_HOST": address, "KUBERNETES_SERVICE_PORT": str(server.port)})
            client.wait("POD a")

    def test_host_name(self):
        server = self.serve(lists(pod("a")), watches())
        client = self.client(f"https://localhost:{server.port}/")
        client.wait("POD a")
        self.assertEqual(server.requests[0].path, "/api/v1/pods")

    def test_path_prefix(self):
        server = self.serve(lists(pod("a")), watches())
        client = self.client(server.url + "/k8s/clusters/c-1/")
        client.wait("POD a")
        self.assertEqual(server.requests[0].path, "/k8s/clusters/c-1/api/v1/pods")


class Tokens(Case):
    def test_rotated(self):
        """A new file is used with the next request, before the old token is refused."""
        server, client = self.run_script(
            lists(pod("a")), watches(event("ADDED", pod("b", 101)), then="end"),
            watches(event("ADDED", pod("c", 102)), then="end"), watches())
        client.wait("POD b")
        self.write("token", "second.token")
        client.wait("POD c")
        seen = [r.headers["authorization"] for r in server.requests]
        self.assertEqual(seen[0], "Bearer " + api_server.TOKEN)
        self.assertEqual(seen[2], "Bearer second.token")

    def test_refused(self):
        """401: the file is read again, though it looks the same."""
        token = self.write("same", "AAAA")

        def refuse(request):
            # Same size, inode and time: only the refusal says that it changed.
            before = os.stat(token)
            with open(token, "r+", encoding="ascii") as f:
                f.write("BBBB")
            os.utime(token, ns=(before.st_atime_ns, before.st_mtime_ns))
            request.answer(dump(status(401, "Unauthorized")), 401)
        server, client = self.run_script(refuse, lists(pod("a")), watches(), token=token)
        client.wait("POD a")
        self.assertEqual([r.headers["authorization"] for r in server.requests[:2]],
                         ["Bearer AAAA", "Bearer BBBB"])

    def test_unusable(self):
        """Absent, empty, too large, not one line: a state, nothing is sent; then it appears."""
        for text in None, "", "\n", "a\r\nX-Evil: 1", "x" * 20000:
            server = self.serve(lists(pod("a")), watches())
            path = self.path("token-file")
            if text is None:
                if os.path.exists(path):
                    os.unlink(path)
            else:
                self.write("token-file", text)
            client = self.client(server.url, token=path)
            client.wait("STATE disconnected unsynced the token")
            self.assertEqual(server.requests, [])
            self.write("token-file", "good.token")
            client.wait("POD a")
            self.assertEqual(server.requests[0].headers["authorization"], "Bearer good.token")

    def test_nothing_is_logged(self):
        secret = pod("a")
        secret["spec"]["containers"][0]["env"] = [{"name": "PASSWORD", "value": "hunter2"}]
        _, client = self.run_script(
            says(500, b"hunter2"), says(200, b'{"items":[{"hunter2"}'), lists(secret),
            watches(event("ADDED", secret), b'{"hunter2":\n', then="cut"), watches())
        client.wait("STATE disconnected synced")
        time.sleep(0.5)
        client.stop()
        text = "\n".join(client.lines + client.log)
        self.assertNotIn("hunter2", text)
        self.assertNotIn(api_server.TOKEN, text)
        self.assertTrue(client.log)

    def test_log_is_limited(self):
        _, client = self.run_script(says(500), says(403), says(410), backoff_max_ms=30)
        time.sleep(2)
        stats = client.stop()
        self.assertGreater(sum(v for k, v in stats.items() if k.startswith("failure_")), 20)
        self.assertLess(len(client.log), 4)


class Proxy:
    """An HTTP proxy that knows CONNECT, on a loopback address."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.1)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.heads, self.stopping = [], threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
        self.listener.close()

    def _serve(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = client.recv(1)
            if not byte:
                return
            head += byte
        self.heads.append(head.decode())
        host, _, port = self.heads[-1].split(" ")[1].rpartition(":")
        with socket.create_connection((host, int(port))) as server, client:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            pair = {client: server, server: client}
            while not self.stopping.is_set():
                for ready in select.select(list(pair), [], [], 0.1)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    pair[ready].sendall(data)

    def stop(self):
        self.stopping.set()


class Proxies(Case):
    def test_proxy(self):
        proxy = Proxy()
        self.addCleanup(proxy.stop)
        server = self.serve(lists(pod("a")), watches())
        client = self.client(server.url, environment={"https_proxy": proxy.url})
        client.wait("POD a")
        self.assertTrue(proxy.heads[0].startswith(f"CONNECT 127.0.0.1:{server.port} "))
        self.assertNotIn("Bearer", "".join(proxy.heads))
        self.assertIn("authorization", server.requests[0].headers)

    def test_no_proxy(self):
        proxy = Proxy()
        self.addCleanup(proxy.stop)
        server = self.serve(lists(pod("a")), watches())
        client = self.client(server.url, environment={"https_proxy": proxy.url,
                                                      "no_proxy": "127.0.0.0/8"})
        client.wait("POD a")
        self.assertEqual(proxy.heads, [])


class OtherSources(Case):
    def test_kubelet(self):
        server = self.serve(
            says(200, b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":null}'),
            says(200, pod_list(pod("a"), pod("b"))), says(200, pod_list(pod("b"))), says(500),
            says(200, pod_list(pod("c"))))
        client = self.client(kubelet=server.url, token=self.write("token", "t.t"),
                             ca=self.path("ca.pem"), poll_ms=100)
        client.wait("POD c")
        self.assertEqual([line.split()[:2] for line in client.events()[:9]],
                         [["LIST_BEGIN"], ["LIST_END", "0"], ["LIST_BEGIN"], ["POD", "a"],
                          ["POD", "b"], ["LIST_END", "0"], ["LIST_BEGIN"], ["POD", "b"],
                          ["LIST_END", "0"]])
        self.assertEqual({r.target for r in server.requests}, {"/pods"})
        self.assertEqual(server.requests[0].headers["authorization"], "Bearer t.t")
        self.assertGreaterEqual(server.requests[2].time - server.requests[1].time, 0.1)
        self.assertEqual(client.stop()["relists"], 0)

    def test_file(self):
        """As kubectl writes it, indented; again when it changes, whole or not."""
        def write(*pods, cut=0):
            text = json.dumps({"apiVersion": "v1", "items": pods, "kind": "List",
                               "metadata": {"resourceVersion": ""}}, indent=4) + "\n"
            return self.write("pods.json", text[:len(text) - cut])
        client = self.client(file=write(pod("a"), pod("b")), poll_ms=50)
        client.wait("LIST_END 0")
        time.sleep(0.3)
        self.assertEqual(len(client.events()), 4)
        write(pod("b"), cut=30)
        client.wait("STATE disconnected synced the answer is no pod list")
        write(pod("c"))
        client.wait("POD c")
        os.unlink(self.path("pods.json"))
        client.wait("STATE disconnected synced the file can't be read")
        write(pod("d"))
        client.wait("POD d")
        client.wait("STATE connected synced", 3)

    def test_no_file(self):
        for path in self.path("absent"), self.directory.name, "/dev/zero":
            client = self.client(file=path)
            client.wait("STATE disconnected unsynced the file can't be read")

    def test_five_thousand_pods(self):
        """Bounded memory, from a file and from an API that ignores the selector."""
        big = pod("p", text="x" * 20000)
        text = pod_list(*[{**big, "metadata": {"name": f"p{i}"}} for i in range(5000)])
        with open(self.path("many.json"), "wb") as f:
            f.write(text)
        server = self.serve(says(200, text), watches())
        for client in (self.client(file=self.path("many.json"), quiet=True),
                       self.client(server.url, quiet=True)):
            start = time.monotonic()
            client.wait("LIST_END 0", seconds=60)
            print(f"5000 pods, {len(text) >> 20} MiB: {time.monotonic() - start:.2f} s, "
                  f"{client.stop()['rss_peak_kib']} KiB at most", end=" ")
            self.assertEqual(client.stats["count_listed"], 5000)
            self.assertLess(client.stats["rss_peak_kib"], 24576)


if __name__ == "__main__":
    unittest.main()
