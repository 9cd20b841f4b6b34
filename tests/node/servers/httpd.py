# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 server with full control of heads, framing, delays and faults.

http.server would add Server and Date in its own order; the real end-points' heads matter here.
"""
import base64
import email.utils
import re
import socket
import ssl
import struct
import threading
import time

from .. import linux, truth
from . import http2
from .message import Request

REASONS = {200: "OK", 301: "Moved Permanently",
           307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}
MAX_HEAD = 64 * 1024
HANG_SECONDS = 600.0
TOKEN = re.compile(rb"[\w-]+\.([\w-]+)\.[\w-]+")


class Closed(Exception):
    """The peer ended the connection between requests or inside one."""


class Reader:
    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def _more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed
        self.buffer += data

    def request(self, peer, local):
        while b"\r\n\r\n" not in self.buffer:
            if len(self.buffer) > MAX_HEAD:
                raise Closed
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = (lines[0].split(" ") + ["", ""])[:3]
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        while len(self.buffer) < length:
            self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Request(method, path, headers, body, peer, local)


def encode(response):
    head = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Status')}"]
    head += [f"{k}: {v}" for k, v in response.headers]
    if not any(k == "Date" for k, _ in response.headers):
        head.append(f"Date: {email.utils.formatdate(usegmt=True)}")
    if response.chunked:
        head.append("Transfer-Encoding: chunked")
        parts = [response.body[i:i + 2048] for i in range(0, len(response.body), 2048)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"
    else:
        head.append(f"Content-Length: {len(response.body)}")
        body = response.body
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n", body


def said(request):
    """The body and, in clear, what a token in it claims."""
    token = TOKEN.search(request.body)
    if not token:
        return request.body
    return request.body + base64.urlsafe_b64decode(token[1] + b"=" * (-len(token[1]) % 4))


def _context(spec):
    """cert, key; old: TLS 1.2 at most; curve: the only one; h2: HTTP/2 for whom offers it. (once:
    the connection ends with its first answer.)"""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(spec["cert"], spec["key"])
    if spec.get("old"):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if spec.get("curve"):
        context.set_ecdh_curve(spec["curve"])
    if spec.get("h2"):
        context.set_alpn_protocols(["h2", "http/1.1"])
    return context


class Server:
    """Accepts on several addresses and answers each request by the role's function.

    Behaviours: a list of dicts per source address, one used up per request, the last one stays.
    Keys: delay (seconds before the answer), status, fault (reset, close, hang), chunked, drip,
    lifetime (of STS credentials, seconds).
    """

    def __init__(self, spec, role):
        self.spec, self.role = spec, role
        self.writer = truth.Writer(spec["truth"], server=spec["name"], pid=linux.host_pid(),
                                   cgroup=spec.get("cgroup"))
        self.behaviours = {k: list(v) for k, v in spec.get("behaviours", {}).items()}
        self.rules = spec.get("rules", ())
        self.lock = threading.Lock()
        self.connections = 0
        self.tls = _context(spec["tls"]) if spec.get("tls") else None
        self.once = (spec.get("tls") or {}).get("once", False)

    def listen(self):
        sockets = []
        for host, port in self.spec["listen"]:
            sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if sock.family == socket.AF_INET6 and (host != "::" or len(self.spec["listen"]) > 1):
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((host, port))
            sock.listen(512)
            sockets.append(sock)
        return sockets

    def accept_on(self, sock):
        while True:
            try:
                conn, peer = sock.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn, peer), daemon=True).start()

    def behaviour(self, request):
        for rule in self.rules:
            if rule.get("path", "") in request.path and \
                    rule.get("body", "").encode() in said(request):
                with self.lock:
                    rule["times"] = rule.get("times", 1 << 30) - 1
                if rule["times"] >= 0:
                    return rule
        key = truth.endpoint(request.peer).rpartition(":")[0].strip("[]")
        with self.lock:
            for name in (key, "*"):
                queue = self.behaviours.get(name)
                if not queue:
                    continue
                first = queue[0]
                match = first.get("path")
                if match and match not in request.path:
                    continue
                return queue.pop(0) if len(queue) > 1 else first
        return {}

    def _serve(self, conn, peer):
        with self.lock:
            self.connections += 1
            number = self.connections
        local = conn.getsockname()
        try:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn.settimeout(HANG_SECONDS)
            if self.tls:
                conn = self.tls.wrap_socket(conn, server_side=True)
            if self.tls and conn.selected_alpn_protocol() == "h2":
                http2.serve(self, conn, peer, local, number)
            else:
                self._requests(conn, peer, local, number)
        except (Closed, OSError):
            pass
        finally:
            conn.close()

    def row(self, conn, request, number, index):
        """What is known of a request when it has arrived."""
        received, wall = truth.now()
        row = {"connection": number, "exchange": index, "source": truth.endpoint(request.peer),
               "local": truth.endpoint(request.local), "method": request.method,
               "path": truth.public_path(request.path), "received_ns": received,
               "received_wall": wall}
        if self.tls:
            row |= {"tls": conn.version(), "resumed": conn.session_reused,
                    "alpn": conn.selected_alpn_protocol()}
        return row

    def respond(self, request, how, row):
        """Have the role answer, and note it."""
        response = self.role(request, how, self)
        delay = how.get("delay", 0.0)
        time.sleep(delay)
        self.writer.write(**row, delay_seconds=delay, status=response.status,
                          answered_ns=truth.now()[0],
                          upstream_seconds=round(response.upstream, 6),
                          body_bytes=len(response.body), action=response.action or None,
                          credential_bytes=response.credential_bytes or None)
        return response

    def _requests(self, conn, peer, local, number):
        reader = Reader(conn)
        for index in range(10000):
            request = reader.request(peer, local)
            row, how = self.row(conn, request, number, index), self.behaviour(request)
            if how.get("fault"):
                time.sleep(how.get("delay", 0.0))
                self.writer.write(**row, delay_seconds=how.get("delay", 0.0), fault=how["fault"])
                self._fault(conn, how["fault"])
                return
            response = self.respond(request, how, row)
            if self.once:
                response.headers.append(("Connection", "close"))
                response.close = True
            self._answer(conn, response, how)
            if response.close or request.headers.get("connection", "").lower() == "close":
                return

    @staticmethod
    def _answer(conn, response, how):
        head, body = encode(response)
        if response.ttl:
            conn.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, response.ttl)
        if how.get("drip"):
            data = head + body
            step = max(1, len(data) // how["drip"])
            for at in range(0, len(data), step):
                conn.sendall(data[at:at + step])
                time.sleep(0.005)
        else:
            conn.sendall(head + body)

    @staticmethod
    def _fault(conn, fault):
        if fault == "reset":
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault == "hang":
            while conn.recv(4096):
                pass  # until the peer goes, at most HANG_SECONDS
