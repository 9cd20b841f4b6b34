# SPDX-License-Identifier: Apache-2.0
"""A mesh's proxy as a connection passes it that it knows nothing of: bytes both ways, over a
connection of its own to where the caller wanted. Envoy's PassthroughCluster, ztunnel's passthrough.

The spec's keys: inside, paths of the network namespaces to listen in, and mark, of all it sends
(ztunnel); transparent: TPROXY brings the connections; http: HTTP is not passed on unread. With none
of them it is a sidecar.
"""
import errno
import fcntl
import os
import select
import socket
import struct

from .. import linux, truth
from . import http_relay

SO_ORIGINAL_DST = 80  # linux/netfilter_ipv4.h; the same number for IPv6
IP_TRANSPARENT = 19
SIOCGSKNS = 0x894C
SECONDS = 30.0


def listen(server):
    """Listening sockets in each network namespace that the spec tells, of any address."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    sockets = []
    for path in server.spec.get("inside") or ["/proc/thread-self/ns/net"]:
        fd = os.open(path, os.O_RDONLY)
        linux.setns(fd, linux.CLONE_NEWNET)
        sockets += server.listen()
        linux.setns(home, linux.CLONE_NEWNET)
        os.close(fd)
    if server.spec.get("transparent"):
        for sock in sockets:
            sock.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
    os.close(home)
    return sockets


def _wanted(conn):
    """Where the caller wanted to go."""
    local = conn.getsockname()
    try:
        if conn.family == socket.AF_INET6:
            raw = conn.getsockopt(socket.IPPROTO_IPV6, SO_ORIGINAL_DST, 28)
            return socket.inet_ntop(socket.AF_INET6, raw[8:24]), struct.unpack("!H", raw[2:4])[0]
        raw = conn.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), struct.unpack("!H", raw[2:4])[0]
    except OSError:  # nobody translated it: TPROXY
        return local[:2]


def _socket(server, conn):
    """A socket where the caller's connection came from: in its network namespace."""
    if server.spec.get("mark"):
        netns = fcntl.ioctl(conn, SIOCGSKNS)
        linux.setns(netns, linux.CLONE_NEWNET)
        os.close(netns)
    upstream = socket.socket(conn.family)
    upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if server.spec.get("mark"):
        upstream.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, server.spec["mark"])
    return upstream


def _connect(upstream, conn, wanted):
    """True when connected; a proxy gives up when the one for whom it connects has."""
    upstream.setblocking(False)
    error = upstream.connect_ex(wanted)
    if error == errno.EINPROGRESS:
        poll = select.poll()
        poll.register(upstream, select.POLLOUT)
        poll.register(conn, select.POLLRDHUP)
        ready = dict(poll.poll(SECONDS * 1000))
        if upstream.fileno() not in ready:
            return False
        error = upstream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    upstream.settimeout(SECONDS)
    return error == 0


def _upstream(server, conn, wanted):
    """A connection to where the caller wanted; None when there is no way."""
    upstream = _socket(server, conn)
    if _connect(upstream, conn, wanted):
        return upstream
    upstream.close()
    return None


def _relay(one, other):
    ends = {one: other, other: one}
    while True:
        ready, _, _ = select.select(list(ends), [], [], SECONDS)
        if not ready:
            return
        for sock in ready:
            data = sock.recv(65536)
            if not data:
                return
            ends[sock].sendall(data)


def serve(server, conn, peer):
    """One connection of a caller's, on a thread of its own."""
    conn.settimeout(SECONDS)
    wanted = _wanted(conn)
    first = conn.recv(3, socket.MSG_PEEK)  # Envoy looks for TLS or HTTP before it connects
    if not first:
        return
    server.writer.write(source=truth.endpoint(peer), path=truth.endpoint(wanted), method="relay",
                        received_ns=truth.now()[0], pid=linux.host_pid(), exchange=0,
                        delay_seconds=0.0)
    if server.spec.get("http") and http_relay.is_http(first):
        http_relay.serve(conn, peer, wanted, lambda: _upstream(server, conn, wanted))
        return
    upstream = _upstream(server, conn, wanted)
    if upstream:  # else: to close with bytes unread sends a reset
        with upstream:
            _relay(conn, upstream)
