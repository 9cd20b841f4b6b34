# SPDX-License-Identifier: Apache-2.0
"""What the client costs: memory with a node's 110 pods of 20 KB, CPU with 10,000 updates a
minute. The figures are printed; the bounds are generous ones that catch a blunder."""
import os
import time
import unittest

from api_server import event, pod, pod_list
from harness import Case


def real_pod(name, version=1):
    """About 20 KB of many short strings, a quarter of it escaped JSON: like a real pod."""
    return pod(name, version, fields=[
        {"name": f"VARIABLE_{i}", "value": f"value-{i}", "x": {"k": None, "n": i}}
        for i in range(230)], applied='{"k":"v"}' * 500)


class Load(Case):
    def test_load(self):
        pods = [real_pod(f"p{i}") for i in range(110)]
        updates = [event("MODIFIED", real_pod("p1", 200 + i)) for i in range(100)]
        seconds = 3

        def watch(request):
            request.head()
            start = time.monotonic()
            for i in range(500):
                request.chunk(updates[i % 100])
                left = start + (i + 1) * seconds / 500 - time.monotonic()
                if left > 0:
                    time.sleep(left)
            request.hold()
        server = self.serve(lambda r: r.chunked(pod_list(*pods)), watch)
        client = self.client(server.url, quiet=True)
        client.wait("LIST_END 0")
        with open(f"/proc/{client.process.pid}/stat", encoding="ascii") as f:
            before = f.read().split()
        time.sleep(seconds + 0.5)
        with open(f"/proc/{client.process.pid}/stat", encoding="ascii") as f:
            after = f.read().split()
        ticks = sum(int(after[i]) - int(before[i]) for i in (13, 14))
        percent = 100 * ticks / os.sysconf("SC_CLK_TCK") / seconds
        stats = client.stop()
        self.assertEqual((stats["count_listed"], stats["count_changed"]), (110, 500))
        print(f"110 pods of {len(updates[0]) >> 10} KiB: RssAnon {stats['rss_anon_kib']} KiB; "
              f"10,000 updates a minute: {percent:.1f} % of a core", end=" ")
        self.assertLess(stats["rss_anon_kib"], 4096)
        self.assertLess(percent, 10)


if __name__ == "__main__":
    unittest.main()
