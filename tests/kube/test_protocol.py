# SPDX-License-Identifier: Apache-2.0
"""List and watch as real API servers speak them, and as broken ones do."""
import time
import unittest

from api_server import bookmark, dump, error_event, event, pod, pod_list, status
from harness import Case


def lists(*pods, size=None, **options):
    def step(request):
        assert not request.watch, request.target
        request.chunked(pod_list(*pods, **options), size)
    return step


def watches(*events, then="hold", size=None):
    def step(request):
        assert request.watch, request.target
        request.head()
        for data in events:
            request.chunk(data, size)
        if then == "end":
            request.end()
        elif then == "cut":
            request.cut()
        else:
            request.hold()
    return step


def says(code, body=b"", **options):
    return lambda request: request.answer(body, code, **options)


EXPIRED_TOKEN = dump(status(410, "Expired", "The provided continue parameter is too old",
                            proceed="fresh"))


class Listing(Case):
    def test_list_then_watch(self):
        server, client = self.run_script(
            lists(pod("a"), pod("b")),
            watches(event("ADDED", pod("c", 101)), event("MODIFIED", pod("c", 102)),
                    event("DELETED", pod("a", 103)), bookmark(110)))
        client.wait("DELETED a")
        self.assertEqual([line.rsplit(" ", 1)[0] for line in client.events()],
                         ["LIST_BEGIN", "POD a", "POD b", "LIST_END", "POD c", "POD c",
                          "DELETED a"])
        first, second = server.requests
        self.assertEqual(first.path, "/api/v1/pods")
        self.assertEqual(first.query, {"fieldSelector": "spec.nodeName%3Dnode-1",
                                       "resourceVersion": "0"})
        self.assertEqual(first.headers["accept"], "application/json")
        self.assertEqual(first.headers["authorization"],
                         "Bearer eyJhbGciOiJSUzI1NiJ9.first.token")
        self.assertNotIn("accept-encoding", first.headers)
        self.assertEqual(second.query["resourceVersion"], "100")
        self.assertEqual(second.query["allowWatchBookmarks"], "true")
        self.assertEqual(second.query["fieldSelector"], "spec.nodeName%3Dnode-1")
        self.assertTrue(240 <= int(second.query["timeoutSeconds"]) <= 300)
        self.assertIs(first.connection, second.connection)
        time.sleep(0.1)
        stats = client.stop()
        self.assertEqual((stats["count_listed"], stats["count_changed"], stats["count_deleted"],
                          stats["count_bookmark"], stats["code_200"]), (2, 2, 1, 1, 2))

    def test_any_chunks(self):
        """Borders in strings, escapes, UTF-8 sequences, between events."""
        for size in 1, 7, 64:
            _, client = self.run_script(
                lists(pod("a"), pod("b"), size=size),
                watches(event("ADDED", pod("c")), event("DELETED", pod("a")), size=size))
            client.wait("DELETED a")
            self.assertEqual(client.stop()["skip_malformed"], 0)

    def test_metadata_last_and_no_items(self):
        server, client = self.run_script(
            lists(pod("a"), version="77", items_first=True), watches(error_event(410, "Expired")),
            lists(version="78"), watches())
        client.wait("LIST_END", 2)
        client.wait("POD a")
        self.assertEqual(server.requests[1].query["resourceVersion"], "77")

    def test_pages(self):
        """An API that pages although it was asked for its cache."""
        server, client = self.run_script(
            lists(pod("a"), proceed="t/1+&"), lists(pod("b"), proceed="t2"), lists(pod("c")),
            watches())
        client.wait("LIST_END 0")
        self.assertEqual(client.events()[0], "LIST_BEGIN")
        self.assertEqual(sum(line == "LIST_BEGIN" for line in client.lines), 1)
        self.assertEqual(server.requests[1].query["continue"], "t%2F1%2B%26")
        self.assertEqual(client.stop()["lists"], 1)

    def test_expired_continue(self):
        server, client = self.run_script(
            lists(pod("a"), proceed="old"), says(410, EXPIRED_TOKEN),
            lists(pod("a"), pod("b"), version="200"), watches())
        client.wait("LIST_END 0")
        retry = server.requests[2].query
        self.assertEqual(retry, {"fieldSelector": "spec.nodeName%3Dnode-1"})
        self.assertEqual(sum(line == "LIST_BEGIN" for line in client.lines), 2)
        self.assertEqual(client.stop()["code_410"], 1)

    def test_bad_elements(self):
        """Skipped, counted, and LIST_END says how many there were."""
        good = dump(pod("good"))
        bad = [b"null", b"7", b"[]", b'{"metadata":}', b'{"a":"\xff"}',
               b'{"a":' * 100 + b"1" + b"}" * 100, dump(pod("big", text="x" * 5000))]
        body = (b'{"metadata":{"resourceVersion":"5"},"items":[' +
                b",".join([good, *bad, good]) + b"]}")

        def step(request):
            request.chunked(body, 11)
        _, client = self.run_script(step, watches(), pod_max=4096)
        client.wait(f"LIST_END {len(bad)}")
        stats = client.stop()
        self.assertEqual((stats["count_listed"], stats["skip_malformed"], stats["skip_bad_utf8"],
                          stats["skip_too_deep"], stats["skip_too_large"]), (2, 4, 1, 1, 1))

    def test_no_list(self):
        """Answers that are no list are failures, and tried again."""
        for body in b"", b"{}", b"[]", b"nonsense", b'{"items":{}}', b'{"items":[', b"\0" * 100:
            _, client = self.run_script(says(200, body), lists(pod("a")), watches())
            client.wait("LIST_END 0")
            self.assertEqual(client.stop()["failure_protocol"], 1, body)

    def test_list_cut(self):
        def cut(request):
            request.head()
            request.chunk(pod_list(pod("a"), pod("b"))[:-40])
            request.cut()
        _, client = self.run_script(cut, lists(pod("a")), watches())
        client.wait("LIST_END 0")
        self.assertEqual(client.stop()["failure_cut"], 1)

    def test_hundred_megabytes(self):
        """A string of 100 MB: skipped in bounded memory."""
        def step(request):
            request.head()
            request.chunk(b'{"metadata":{"resourceVersion":"5"},"items":[{"a":"')
            for _ in range(100):
                request.chunk(b"x" * 1048576)
            request.chunk(b'"},')
            request.chunk(dump(pod("after")) + b"]}")
            request.end()
        _, client = self.run_script(step, watches())
        client.wait("POD after", seconds=40)
        stats = client.stop()
        self.assertEqual(stats["skip_too_large"], 1)
        self.assertLess(stats["rss_peak_kib"], 32768)

    def test_long_token_and_version(self):
        _, client = self.run_script(lists(pod("a"), proceed="x" * 5000), lists(pod("b")),
                                    watches())
        client.wait("POD b")
        client.wait("LIST_END 0")
        self.assertEqual(client.stop()["failure_expired"], 1)


class Watching(Case):
    def test_resume(self):
        server, client = self.run_script(
            lists(pod("a")), watches(event("ADDED", pod("b", 101)), bookmark(150), then="end"),
            watches(event("ADDED", pod("c", 151)), then="cut"),
            watches(event("ADDED", pod("d", 152))))
        client.wait("POD d")
        self.assertEqual([r.query.get("resourceVersion") for r in server.requests],
                         ["0", "100", "150", "151"])
        stats = client.stop()
        self.assertEqual((stats["lists"], stats["watches"], stats["reconnects"]), (1, 3, 2))

    def test_expired_as_event(self):
        server, client = self.run_script(
            lists(pod("a")), watches(bookmark(120), error_event(410, "Expired"), then="end"),
            lists(pod("b"), version="300"), watches(event("ADDED", pod("c"))))
        client.wait("POD c")
        self.assertEqual(server.requests[2].query["resourceVersion"], "0")
        self.assertEqual(server.requests[3].query["resourceVersion"], "300")
        self.assertEqual(client.stop()["relists"], 1)

    def test_expired_as_status(self):
        _, client = self.run_script(
            lists(pod("a")), says(410, dump(status(410, "Expired"))), lists(pod("b")), watches())
        client.wait("LIST_END", 2)
        self.assertEqual(client.stop()["failure_expired"], 1)

    def test_expired_again_and_again(self):
        """The cache's version is what is too old: ask etcd, in pages; and never in a quick loop."""
        expired = watches(error_event(410, "Expired"), then="end")
        server, client = self.run_script(
            lists(pod("a")), expired, lists(pod("a")), expired, lists(pod("a")), watches())
        client.wait("LIST_END", 3)
        self.assertEqual(server.requests[4].query["limit"], "500")
        self.assertNotIn("resourceVersion", server.requests[4].query)
        times = [r.time for r in server.requests]
        self.assertGreaterEqual(times[2] - times[1], 0.018)
        self.assertGreaterEqual(times[4] - times[3], 0.018)

    def test_future_version(self):
        """A watch that stays silent, without even the bookmark before its end."""
        server, client = self.run_script(
            lists(pod("a"), version="999999"), watches(), lists(pod("b"), version="10"), watches(),
            watch_idle_ms=300)
        client.wait("POD b")
        self.assertNotIn("resourceVersion", server.requests[2].query)
        self.assertEqual(client.stop()["failure_silent"], 1)

    def test_future_version_timed_out(self):
        def silent_until_timeout(request):
            request.head()
            time.sleep(1)
            request.end()
        server, client = self.run_script(
            lists(pod("a"), version="999999"), silent_until_timeout, lists(pod("b")), watches(),
            watch_seconds=1)
        client.wait("POD b")
        self.assertNotIn("resourceVersion", server.requests[2].query)

    def test_silence_after_events(self):
        """As after the API server's SIGTERM: go on where it ended, no list."""
        server, client = self.run_script(
            lists(pod("a")), watches(event("ADDED", pod("b", 101))),
            watches(event("ADDED", pod("c", 102))), watch_idle_ms=300)
        client.wait("POD c")
        self.assertEqual(server.requests[2].query["resourceVersion"], "101")
        self.assertEqual(client.stop()["lists"], 1)

    def test_bad_events(self):
        """Skipped and counted; the watch goes on."""
        bad = [b"nonsense\n", b"{}\n", b'{"type":"ADDED"}\n', b'{"type":"ADDED","object":null}\n',
               b'{"type":"ADDED","object":{},"object":{}}\n',
               b'{"type":"ADDED","type":"DELETED","object":{}}\n',
               b'{"type":"ADDED","object":{"a":"\xc3\x28"}}\n',
               b'{"type":"PATCHED","object":{}}\n', b"\n", b" \r\n",
               b'{"type":"ADDED","object":' + b"[" * 3000 + b"]" * 3000 + b"}\n",
               event("ADDED", pod("big", text="x" * 9000))]
        server, client = self.run_script(
            lists(pod("a")), watches(*bad, event("ADDED", pod("good", 120)), b'{"type":"AD',
                                     then="end"), watches(), pod_max=8192)
        client.wait("POD good")
        client.wait("POD good")
        time.sleep(0.3)
        self.assertEqual(len(server.requests), 3)
        self.assertEqual(server.requests[2].query["resourceVersion"], "120")
        stats = client.stop()
        self.assertEqual((stats["skip_malformed"], stats["skip_bad_utf8"],
                          stats["skip_unknown_type"], stats["skip_too_deep"],
                          stats["skip_too_large"], stats["skip_truncated"]), (6, 1, 1, 1, 1, 1))

    def test_event_of_a_hundred_megabytes(self):
        def step(request):
            request.head()
            request.chunk(b'{"type":"ADDED","object":{"a":"')
            for _ in range(100):
                request.chunk(b"x" * 1048576)
            request.chunk(b'"}}\n')
            request.chunk(event("ADDED", pod("after")))
            request.hold()
        _, client = self.run_script(lists(pod("a")), step)
        client.wait("POD after", seconds=40)
        stats = client.stop()
        self.assertEqual(stats["skip_too_large"], 1)
        self.assertLess(stats["rss_peak_kib"], 32768)

    def test_error_events(self):
        """Another ERROR than 410 is no reason to list; five in a row without an event are."""
        failing = watches(error_event(500, "InternalError"), then="end")
        server, client = self.run_script(lists(pod("a")), *[failing] * 5, lists(pod("b")),
                                         watches())
        client.wait("POD b")
        self.assertEqual([r.watch for r in server.requests[:7]], [False] + [True] * 5 + [False])
        self.assertEqual(client.stop()["failure_server"], 5)

    def test_endless_error_body(self):
        def step(request):
            request.head(500)
            for _ in range(1000):
                request.chunk(b"x" * 65536)
        _, client = self.run_script(step, lists(pod("a")), watches())
        client.wait("POD a")
        self.assertLess(client.stop()["bytes"], 1000000)


if __name__ == "__main__":
    unittest.main()
