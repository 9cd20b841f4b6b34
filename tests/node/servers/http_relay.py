# SPDX-License-Identifier: Apache-2.0
"""Envoy's way with HTTP, which Istio has it do on port 80 as soon as some service there speaks HTTP:
requests are read and made anew, on connections that are kept for whoever asks next, and the answer
says `server: envoy`, whoever gave it."""
import threading

from ..clients.wire import Answer
from . import httpd, message

METHODS = (b"GET", b"PUT", b"POS", b"HEA", b"DEL", b"OPT", b"PAT")
HOP = ("server", "connection", "transfer-encoding", "content-length", "date")

_idle, _lock = {}, threading.Lock()


def is_http(first):
    return first[:3] in METHODS


def _ask(request, upstream):
    """(status, headers, body) of one request on a connection."""
    headers = {**request.headers, "x-forwarded-proto": "http",
               "x-request-id": "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"}
    lines = [f"{request.method} {request.path} HTTP/1.1", *[f"{k}: {v}" for k, v in headers.items()
                                                            if k != "connection"]]
    upstream.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body)
    return Answer(upstream).read()[:3]


def _kept(wanted):
    with _lock:
        queue = _idle.setdefault(wanted, [])
        return queue.pop() if queue else None


def _keep(wanted, upstream):
    with _lock:
        _idle.setdefault(wanted, []).append(upstream)


def _answer(request, wanted, connect):
    """As the end-point says, or 503 where none could be asked."""
    for _ in range(2):  # one that was kept may have been closed meanwhile
        upstream = _kept(wanted)
        kept = upstream is not None
        upstream = upstream or connect()
        if upstream is None:
            break
        try:
            status, headers, body = _ask(request, upstream)
        except (OSError, EOFError):
            upstream.close()
            if kept:
                continue
            break
        if any(k.lower() == "connection" and v.lower() == "close" for k, v in headers):
            upstream.close()
        else:
            _keep(wanted, upstream)
        return message.Response(status, body, [
            *[(k, v) for k, v in headers if k.lower() not in HOP],
            ("x-envoy-upstream-service-time", "1"), ("server", "envoy")])
    return message.Response(503, b"upstream connect error or disconnect/reset before headers",
                          [("content-type", "text/plain"), ("server", "envoy")])


def serve(conn, peer, wanted, connect):
    """connect: makes a connection to wanted, or None."""
    reader = httpd.Reader(conn)
    while True:
        try:
            request = reader.request(peer, wanted)
        except httpd.Closed:
            return
        head, body = httpd.encode(_answer(request, wanted, connect))
        conn.sendall(head + body)
