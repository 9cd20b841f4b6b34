# SPDX-License-Identifier: Apache-2.0
"""Traffic to watched addresses that is no request, or a monstrous one. Deterministic bytes."""
import hashlib
import socket
import time

from .. import truth

GET = b"GET /v1/credentials HTTP/1.1\r\nHost: 169.254.170.23\r\n"


def noise(length, seed=b"noise"):
    out = b""
    while len(out) < length:
        seed = hashlib.sha256(seed).digest()
        out += seed
    return out[:length]


def _hello(length, body):
    """A TLS record header that promises length bytes, then body."""
    return b"\x16\x03\x01" + length.to_bytes(2, "big") + body


# name -> chunks, each sent by itself; a number is a pause in seconds
KINDS = {
    "binary": [noise(3000)],
    "zeros": [b"\0" * 5000],
    "newlines": [b"\r\n" * 2000],
    "no-newline": [b"GET " + b"A" * 20000],
    "huge-head": [GET, b"".join(b"X-Filler-%d: %s\r\n" % (n, b"f" * 400) for n in range(120))],
    "bad-method": [b"G\x00T /v1/credentials HTTP/1.1\r\n\r\n"],
    "bad-version": [b"GET /v1/credentials HTTP/9.9\r\nHost: x\r\n\r\n"],
    "answer-like": [b"HTTP/1.1 200 OK\r\nServer: EC2ws\r\nContent-Length: 2\r\n\r\n{}"],
    "half-head": [GET],
    "bad-length": [GET + b"Content-Length: 99999999999999999999\r\n\r\n"],
    "negative-length": [GET + b"Content-Length: -5\r\n\r\n"],
    "bad-chunks": [b"POST /v1/credentials HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"],
    "drip": [bytes([b]) for b in GET],
    "hello-cut": [_hello(500, noise(100)), 0.1],
    "hello-zero": [_hello(0, b"")],
    "hello-huge": [_hello(65535, noise(20000))],
    "hello-lies": [_hello(200, b"\x01\x00\x00\xc4\x03\x03" + noise(32) + b"\xff" * 170)],
}


def send(kind, address, recorder, seconds=1.0):
    """Send one kind to (host, port), read what comes for a moment, hang up."""
    sock = socket.create_connection(address, 3)
    with sock:
        sock.settimeout(seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        recorder.writer.write(kind="garbage", mechanism="garbage", garbage=kind,
                              source=truth.endpoint(sock.getsockname()), pid=recorder.pid,
                              destination=truth.endpoint(address), start_ns=truth.now()[0])
        try:
            for chunk in KINDS[kind]:
                if isinstance(chunk, float):
                    time.sleep(chunk)
                else:
                    sock.sendall(chunk)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
        except OSError:
            pass  # a server may hang up on garbage as it likes
