# SPDX-License-Identifier: Apache-2.0
"""An HTTP CONNECT proxy: one request line, then bytes both ways."""
import select
import socket

from .. import linux, truth


def serve(server, conn, peer):
    head = b""
    conn.settimeout(10)
    while b"\r\n\r\n" not in head:
        data = conn.recv(4096)
        if not data or len(head) > 65536:
            return
        head += data
    method, authority = head.decode("latin-1").split(" ")[:2]
    host, _, port = authority.rpartition(":")
    row = {"source": truth.endpoint(peer), "method": method, "path": authority, "exchange": 0,
           "received_ns": truth.now()[0], "pid": linux.host_pid(), "delay_seconds": 0.0}
    if method != "CONNECT":
        server.writer.write(**row)
        conn.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
        return
    with socket.create_connection((host, int(port)), 10) as upstream:
        # as the server beyond sees it
        server.writer.write(**row, upstream=truth.endpoint(upstream.getsockname()))
        conn.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        _relay(conn, upstream)


def _relay(one, other):
    ends = {one: other, other: one}
    while True:
        ready, _, _ = select.select(list(ends), [], [], 120)
        if not ready:
            return
        for sock in ready:
            try:
                data = sock.recv(65536)
                ends[sock].sendall(data)
            except OSError:  # a client that is in a hurry resets
                return
            if not data:
                return
