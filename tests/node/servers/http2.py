# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 (RFC 9113) for the servers, by python3-h2: requests of a connection are answered as they
are ready, in any order."""
import queue
import select
import socket
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from .message import Request

REQUESTS_MAX = 10000
IDLE_SECONDS = 120.0


class _Connection:
    """All of the connection's input and output is the calling thread's; each request has one."""

    def __init__(self, server, conn, peer, local, number):
        self.server, self.conn, self.number = server, conn, number
        self.peer, self.local = peer, local
        self.state = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.streams = {}  # id -> [header list, body]
        self.answers = queue.SimpleQueue()
        self.wake, self.woken = socket.socketpair()
        self.index = 0

    def run(self):
        with self.wake, self.woken:
            self.state.initiate_connection()
            while self.index < REQUESTS_MAX:
                self._answer()
                self.conn.sendall(self.state.data_to_send())
                if not self._input():
                    return

    def _input(self):
        """Wait for input or an answer; False at the connection's end."""
        if not self.conn.pending():
            ready, _, _ = select.select([self.conn, self.woken], [], [], IDLE_SECONDS)
            if self.woken in ready:
                self.woken.recv(4096)
            if self.conn not in ready:
                return bool(ready)
        data = self.conn.recv(65536)
        try:
            events = self.state.receive_data(data) if data else []
        except h2.exceptions.ProtocolError:
            return False
        for event in events:
            self._event(event)
        return bool(data)

    def _event(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.streams[event.stream_id] = [event.headers, b""]
        elif isinstance(event, h2.events.DataReceived):
            self.streams[event.stream_id][1] += event.data
            self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self._request(event.stream_id, *self.streams.pop(event.stream_id))
        elif isinstance(event, h2.events.StreamReset):
            self.streams.pop(event.stream_id, None)

    def _request(self, stream, headers, body):
        fields = dict(headers)
        fields["host"] = fields.get(":authority", "")
        request = Request(fields[":method"], fields[":path"], fields, body, self.peer, self.local)
        row = self.server.row(self.conn, request, self.number, self.index)
        self.index += 1
        threading.Thread(target=self._respond, args=(stream, request, row), daemon=True).start()

    def _respond(self, stream, request, row):
        how = self.server.behaviour(request)
        self.answers.put((stream, self.server.respond(request, how, row)))
        try:
            self.wake.send(b"x")
        except OSError:
            pass  # the connection has ended

    def _answer(self):
        """Answers of some kilobytes: the client's window of 64 KiB is never full."""
        while not self.answers.empty():
            stream, response = self.answers.get()
            heads = [(":status", str(response.status)),
                     *((name.lower(), value) for name, value in response.headers),
                     ("content-length", str(len(response.body)))]
            try:
                self.state.send_headers(stream, heads)
                self.state.send_data(stream, response.body, end_stream=True)
            except h2.exceptions.StreamClosedError:
                pass  # the client gave up on it


def serve(server, conn, peer, local, number):
    _Connection(server, conn, peer, local, number).run()
