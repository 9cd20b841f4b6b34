# SPDX-License-Identifier: Apache-2.0
"""The API server of one observer: it tells the plan's changes at their times, and is as unwell as
its scenario says. What it has sent whole it writes down: only that can be named."""
import dataclasses
import threading
import time

from api_server import ApiServer, bookmark, dump, error_event

import plan

# Bytes on their way when the server was cut off may not have been read: no promise covers them.
UNSURE_SECONDS = 0.5
BOOKMARK_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    down_until: float = 0.0  # it does not listen before; seconds after T0, as all times here
    restarts: tuple = ()               # (stops at, listens again at)
    late: float = 0.0                  # every answer's first byte, and every event, by so much


class Api:
    """Before begin() there are no pods."""

    def __init__(self, scenario, directory, changes):
        self.scenario, self.directory, self.changes = scenario, directory, changes
        self.t0 = None
        self.ended = threading.Event()
        self.served, self.unsure = {}, set()  # pod's number -> when last; pods' numbers
        self.problems, self.requests, self.lists = [], 0, 0
        self.oldest = 0  # of the versions that can still be watched from
        self.server = ApiServer(directory, [self._answer])
        self.port, self.url = self.server.port, self.server.url
        if scenario.down_until > 0:
            self._stop_server()
        self.thread = None

    def begin(self, t0):
        """t0: CLOCK_MONOTONIC seconds (time.monotonic) at which the plan begins."""
        self.t0 = t0
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()

    def now(self):
        return float("-inf") if self.t0 is None else time.monotonic() - self.t0

    # ---- coming and going ----
    def _live(self):
        if self.scenario.down_until > 0:
            self.ended.wait(self.scenario.down_until - self.now())
            self._listen()
        for stops, again in self.scenario.restarts:
            self.ended.wait(max(0.0, stops - self.now()))
            if self.ended.is_set():
                return
            self._stop_server()
            cut = self.now()
            self.unsure.update(n for n, at in self.served.items() if at > cut - UNSURE_SECONDS)
            self.ended.wait(max(0.0, again - self.now()))
            self.oldest = self._version()  # a new watch cache knows no history
            self._listen()

    def _listen(self):
        if not self.ended.is_set():
            self.server = ApiServer(self.directory, [self._answer], port=self.port)

    def _stop_server(self):
        if self.server:
            self.server.stop()
            self.problems += self.server.problems
            self.requests += len(self.server.requests)
            self.server = None

    def stop(self):
        self.ended.set()
        if self.thread:
            self.thread.join(20)
        self._stop_server()

    # ---- answers ----
    def _version(self):
        """The newest version that has been made."""
        now = self.now()
        return max((c.version for c in self.changes if c.at <= now), default=plan.FIRST_VERSION)

    def _told(self, pods):
        now = self.now()
        for pod in pods:
            self.served[pod.number] = now
            self.unsure.discard(pod.number)  # told again after a restart: this time for good

    def _answer(self, request):
        if request.path != "/api/v1/pods" or \
                request.query.get("fieldSelector") != f"spec.nodeName%3D{plan.NODE}" or \
                not request.headers.get("authorization", "").startswith("Bearer "):
            raise ValueError(f"not as it should ask: {request.target}")
        if self.scenario.late:
            self._pause(request, self.scenario.late)
        if request.watch:
            self._watch(request, int(request.query["resourceVersion"]))
        else:
            self._list(request)

    @staticmethod
    def _pause(request, seconds):
        request.server.stopping.wait(seconds)

    def _list(self, request):
        version, there = self._version(), {}
        for change in self.changes:
            if change.version > version:
                break
            there.pop(change.pod.number, None)
            if change.kind != "DELETED":
                there[change.pod.number] = change
        head = dump({"kind": "PodList", "apiVersion": "v1",
                     "metadata": {"resourceVersion": str(version)}})
        items = b",".join(change.text for change in there.values())
        request.chunked(head[:-1] + b',"items":[' + items + b"]}", 16384)
        self._told(change.pod for change in there.values())
        self.lists += 1

    def _watch(self, request, version):
        request.head()
        if version < self.oldest:
            request.chunk(error_event(410, "Expired"))
            request.end()
            return
        spoken = time.monotonic()
        at = next((i for i, c in enumerate(self.changes) if c.version > version),
                  len(self.changes))
        while not request.server.stopping.is_set():
            batch = []
            while at < len(self.changes) and self.changes[at].at + self.scenario.late <= self.now():
                batch.append(self.changes[at])
                at += 1
            if batch:
                request.chunk(b"".join(b'{"type":"%s","object":%s}\n' % (c.kind.encode(), c.text)
                                       for c in batch))
                version = batch[-1].version
                self._told(c.pod for c in batch)
            elif time.monotonic() - spoken > BOOKMARK_SECONDS:
                spoken = time.monotonic()
                request.chunk(bookmark(version))
            self._pause(request, self._until_next(at))
        request.cut()

    def _until_next(self, at):
        if at == len(self.changes):
            return BOOKMARK_SECONDS
        due = self.changes[at].at + self.scenario.late - self.now()
        return min(max(due, 0.002), BOOKMARK_SECONDS)
