# SPDX-License-Identifier: Apache-2.0
"""The proof's own row, and secrets in segments that come out of order, twice or with lies."""
import socket

from places import place
from wire import Peer

REORDERED = "10.250.0.2"


@place("a path, a User-Agent and a Server that may be seen", ("request", "response"))
def _(row):
    c = row.open("imds")
    c.ask(row.get("X-aws-ec2-metadata-token: x\r\n",
                  f"/latest/meta-data/iam/security-credentials/{row.seen()}"))
    c.answer(row.ok("{}"))


def asked(row, head):
    """A client whose peer is ours, segment by segment."""
    peer = Peer(row.network.tun, REORDERED)
    client = socket.socket()
    row.network.connections.append(peer)
    peer.connect(client)
    row.ports.add(client.getsockname()[1])
    client.sendall(head.encode())
    peer.drain()
    return peer


@place("segments of a response head, each before its turn", ("request", "gap"))
def _(row):
    peer = asked(row, row.get(f"Authorization: {row.secret()}\r\n"))
    head = (f"HTTP/1.1 200 OK\r\nServer: {row.neutral()}\r\nSet-Cookie: {row.secret()}\r\n"
            f"Content-Length: 48\r\n\r\n{row.secret()}").encode()
    cuts = list(range(0, len(head), 20))
    for start in cuts[1:] + cuts[:1]:
        peer.send(start, head[start:start + 20])


@place("segments of a body, in pairs swapped", ("request", "response"))
def _(row):
    peer = asked(row, row.get(f"Cookie: {row.secret()}\r\n"))
    body = "".join(f"Server: {row.secret()}\r\n\r\nHTTP/1.1 200 OK\r\n" for _ in range(20))
    answer = row.ok(body).encode()
    start = answer.index(b"\r\n\r\n") + 4
    peer.send(0, answer[:start])
    for at in range(start, len(answer), 100):
        peer.send(at + 50, answer[at + 50:at + 100])
        peer.send(at, answer[at:at + 50])
    again = row.ok().encode()
    peer.send(len(answer), again)


@place("a head sent again with other bytes", ("request", "response"))
def _(row):
    peer = asked(row, row.get())
    answer = row.ok().encode()
    peer.send(0, answer)
    peer.send(0, f"HTTP/1.1 200 OK\r\nServer: {row.secret()}".encode()[:len(answer)])
    peer.send(1 << 30, f"HTTP/1.1 200 OK\r\nServer: {row.secret()}\r\n\r\n".encode())


@place("a head whose checksum is wrong, then the true one", ["request"])
def _(row):
    peer = asked(row, row.get())
    peer.send(0, f"HTTP/1.1 200 OK\r\nSet-Cookie: {row.secret()}\r\n".encode(), damaged=True)
    peer.send(0, f"HTTP/1.1 200 OK\r\nServer: {row.neutral()}\r\n\r\n".encode())


@place("a head lost in the middle", ("request", "gap"))
def _(row):
    peer = asked(row, row.get())
    peer.send(0, b"HTTP/1.1 200 OK\r\n")
    for at in range(100, 1500, 200):
        peer.send(at, f"Server: {row.secret()}\r\n".encode())
    peer.send(17, b"X" * 83)
