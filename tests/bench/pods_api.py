# SPDX-License-Identifier: Apache-2.0
"""A local API server for the benchmark, over TLS: a node's pods of 20 KB each. Spoken to in lines
on stdin, a line of answer each:

    pods COUNT OWN       what a list holds: so many pods, of which so many on this node
    hold, go             keep lists waiting, or let them go
    answered             when the last list's first byte was sent, CLOCK_MONOTONIC ns
    updates COUNT SECONDS   MODIFIED events, evenly spread, over the open watch
    file PATH            write the list as kubectl would, in one step
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kube"))
import api_server  # pylint: disable=wrong-import-position

POD_BYTES = 20 << 10
NODE = "bench-node"


def pod(number, node, version=1):
    """As the API server prints one: many short strings, a quarter of it field ownership."""
    value = {
        "metadata": {
            "name": f"app{number}-5d4f8-x{number}", "namespace": f"ns-{number % 12}",
            "uid": f"{number:08x}-0000-4000-8000-{number:012x}", "resourceVersion": str(version),
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {"app": f"app{number}", "pod-template-hash": "5d4f8"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": True,
                                 "name": f"app{number}-5d4f8", "uid": "0"}],
            "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": {
                f"f:field{i}": {".": {}, "f:name": {}} for i in range(140)}}]},
        "spec": {"nodeName": node, "serviceAccountName": f"sa-{number}", "containers": [
            {"name": "app", "image": "registry.example/app:1.0", "env": []}]},
        "status": {"phase": "Running", "podIP": f"10.0.{number >> 8 & 255}.{number & 255}",
                   "containerStatuses": [{"name": "app", "restartCount": 0, "ready": True,
                                          "containerID": f"containerd://{number:064x}"}]}}
    env = value["spec"]["containers"][0]["env"]
    missing = POD_BYTES - len(api_server.dump(value))
    while missing > 60:
        env.append({"name": f"VARIABLE_{len(env)}", "value": f"value-{len(env)}"})
        missing -= len(api_server.dump(env[-1])) + 1
    env.append({"name": "LAST", "value": "x" * missing})
    return api_server.dump(value)


class Api:
    def __init__(self, directory):
        api_server.make_certificates(directory)
        with open(os.path.join(directory, "token"), "w", encoding="ascii") as f:
            f.write(api_server.TOKEN + "\n")
        self.count = self.own = 0
        self.free = threading.Event()
        self.free.set()
        self.answered_ns = 0
        self.watch, self.watching = None, threading.Event()
        self.server = api_server.ApiServer(directory, [self.answer])

    def pods(self):
        """One at a time: all of them would not do this process good."""
        model = pod(0, NODE).decode()
        strange = pod(0, "other-node").decode()
        for number in range(self.count):
            if number < min(self.own, 200):
                yield pod(number, NODE)
                continue
            text = model if number < self.own else strange
            yield text.replace("00000000-0000-4000-8000-000000000000",
                               f"{number:08x}-0000-4000-8000-{number:012x}").replace(
                "app0-5d4f8", f"app{number}-5d4f8").replace(
                "0" * 64, f"{number:064x}").replace("sa-0", f"sa-{number}").encode()

    def answer(self, request):
        if request.watch:
            request.head()
            self.watch = request
            self.watching.set()
            request.server.stopping.wait()
            return
        self.free.wait()
        self.answered_ns = time.monotonic_ns()
        request.head()
        request.chunk(b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"100"},'
                      b'"items":[')
        for number, text in enumerate(self.pods()):
            request.chunk((b"," if number else b"") + text)
        request.chunk(b"]}")
        request.end()

    def updates(self, count, seconds):
        if not self.watching.wait(10):
            raise RuntimeError("nobody watches")
        events = [b'{"type":"MODIFIED","object":%s}\n' % pod(i, NODE, 200 + i)
                  for i in range(self.own)]
        start = time.monotonic()
        for i in range(count):
            self.watch.chunk(events[i % len(events)])
            time.sleep(max(0.0, start + (i + 1) * seconds / count - time.monotonic()))

    def file(self, path):
        with open(path + ".new", "wb") as f:
            f.write(b'{"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":""},"items":[')
            for number, text in enumerate(self.pods()):
                f.write((b",\n" if number else b"\n") + text)
            f.write(b"]}\n")
        os.replace(path + ".new", path)

    def command(self, name, *arguments):
        if name == "pods":
            self.count, self.own = map(int, arguments)
        elif name in ("hold", "go"):
            (self.free.set if name == "go" else self.free.clear)()
        elif name == "updates":
            self.updates(int(arguments[0]), float(arguments[1]))
        elif name == "file":
            self.file(arguments[0])
        return self.answered_ns if name == "answered" else 0


def main():
    api = Api(sys.argv[1])
    print(api.server.url, flush=True)
    for line in sys.stdin:
        print(api.command(*line.split()), flush=True)
    os._exit(1 if api.server.problems else 0)


if __name__ == "__main__":
    main()
