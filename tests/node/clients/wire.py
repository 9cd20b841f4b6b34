# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 by hand on real sockets, for what libraries won't do: IPv4-mapped addresses, heads cut
over segments, pipelining, several requests a connection, giving up, a CONNECT proxy."""
import dataclasses
import functools
import socket
import ssl
import time

from .. import truth
from . import record

TCP_CLOSE = 7  # include/net/tcp_states.h


def connect(request, recorder, timeout, mapped=False):
    """A connected socket, or None after writing the failed attempt's line."""
    six = mapped or ":" in request.address
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
    sock.settimeout(timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    address = f"::ffff:{request.address}" if mapped else request.address
    start, wall = truth.now()
    try:
        sock.connect((address, request.port))
    except OSError as error:
        outcome = record.connect_outcome(error)
        sock.close()
        recorder.exchange(request, outcome=outcome, error=str(error), start_ns=start,
                          start_wall=wall, end_ns=truth.now()[0], exchange=0,
                          connection=recorder.connection())
        return None
    return sock


def _through_proxy(sock, request, proxy):
    sock.sendall(f"CONNECT {request.host}:{request.port} HTTP/1.1\r\n"
                 f"Host: {request.host}:{request.port}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(4096)
    if not head.startswith(b"HTTP/1.1 200"):
        raise OSError(f"proxy {proxy}: {head[:60]!r}")


@functools.lru_cache
def _context(version, verify):
    if not verify:  # trust nobody: the handshake fails on the certificate
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.create_default_context()
    if version == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def _secure(sock, request, version, verify):
    return _context(version, verify).wrap_socket(sock, server_hostname=request.host)


class Answer:
    """Reads one framed response at a time from a socket."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def _more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("closed without an answer")
        self.buffer += data

    def _exactly(self, count):
        while len(self.buffer) < count:
            self._more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read(self):
        """(status, headers, body, monotonic ns when the head was complete)."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        at = truth.now()[0]
        headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
        low = {k.lower(): v for k, v in headers}
        body = b""
        if low.get("transfer-encoding") == "chunked":
            while size := int(self._until(b"\r\n"), 16):
                body += self._exactly(size + 2)[:-2]
            self._exactly(2)
        else:
            body = self._exactly(int(low.get("content-length", 0)))
        return int(lines[0].split()[1]), headers, body, at


def _send(sock, request, pieces):
    """pieces: number of segments; each leaves alone because of the pause and TCP_NODELAY. 0: head
    and body are two writes, under TLS two records."""
    data = request.head() + request.body
    if pieces == 0:
        sock.sendall(request.head())
        sock.sendall(request.body)
        return
    if pieces == 1:
        sock.sendall(data)
        return
    step = -(-len(data) // pieces)
    for at in range(0, len(data), step):
        sock.sendall(data[at:at + step])
        time.sleep(0.02)


def run(request, recorder, timeout=5.0, **how):
    """One request on a connection of its own; (status, headers, body), status 0 if unanswered."""
    results = run_many([request], recorder, timeout, **how)
    return results[0] if results else (0, [], b"")


def run_many(requests, recorder, timeout=5.0, *, mapped=False, pieces=1,
             pipelined=False, proxy=None, version=None, verify=True, pause=0.0, hold=0.0):
    """Requests in order on one connection. proxy: (host, port) of a CONNECT proxy; pause: seconds
    between an answer and the next request; hold: for which it stays open after the last."""
    target = requests[0]
    dial = _at(target, proxy)
    started = truth.now()[0]
    sock = connect(dial, recorder, timeout, mapped)
    if sock is None:
        return []
    common = {"source": truth.endpoint(sock.getsockname()),
              "connection": recorder.connection(), "via": truth.endpoint(proxy),
              "family": "mapped" if mapped else 6 if ":" in target.address else 4}
    wall = truth.now()[1]
    try:
        if proxy:
            _through_proxy(sock, target, proxy)
        if target.tls:
            sock = _secure(sock, target, version, verify)
    except OSError as error:
        sock.close()
        recorder.exchange(dial, outcome=record.answer_outcome(error), error=str(error),
                          start_ns=started, start_wall=wall, end_ns=truth.now()[0], exchange=0,
                          **common)
        return []
    with sock:
        results = _exchanges(sock, [_at(r, proxy) for r in requests], recorder, common, pieces,
                             pipelined, pause)
        if len(results) == len(requests):
            time.sleep(hold)
        return results


def _was_reset(sock, error):
    """OpenSSL reports a reset as an end of file; the kernel knows: TCP_CLOSE, not CLOSE_WAIT."""
    state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return isinstance(error, EOFError) and state == TCP_CLOSE


def _at(request, proxy):
    """The request as it is dialled: by way of a proxy, that is its address."""
    return dataclasses.replace(request, address=proxy[0], port=proxy[1]) if proxy else request


def _exchanges(sock, requests, recorder, common, pieces, pipelined, pause):
    reader, results, begun = Answer(sock), [], []
    if pipelined:
        begun = [truth.now()] * len(requests)
        sock.sendall(b"".join(r.head() + r.body for r in requests))
    for index, request in enumerate(requests):
        if not pipelined:
            time.sleep(pause if index else 0.0)
            begun.append(truth.now())
        start, wall = begun[index]
        where = dict(common, exchange=index, start_ns=start, start_wall=wall)
        try:
            if not pipelined:
                _send(sock, request, pieces)
            status, headers, body, at = reader.read()
        except (OSError, EOFError) as error:
            outcome = "reset" if _was_reset(sock, error) else record.answer_outcome(error)
            sock.close()
            recorder.exchange(request, outcome=outcome, error=str(error),
                              end_ns=truth.now()[0], **where)
            return results
        recorder.exchange(request, outcome=truth.outcome_of_status(status), status=status,
                          end_ns=at, **where)
        results.append((status, headers, body))
    return results
