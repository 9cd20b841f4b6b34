# SPDX-License-Identifier: Apache-2.0
"""A scripted API server: TLS, one step of the script a request, every byte and pause of an
answer the script's own. Listens on a loopback address and nowhere else."""
import json
import os
import socket
import ssl
import subprocess
import threading
import time

OPENSSL = "/usr/bin/openssl"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.first.token"


def make_certificates(directory):
    """ca.pem, server.pem, server.key (for 127.0.0.1, ::1, localhost), client.pem, client.key, and
    other-ca.pem, an authority that signed none of them."""
    def path(name):
        return os.path.join(directory, name)

    def run(*args):
        subprocess.run([OPENSSL, *args], check=True, capture_output=True, timeout=30)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in "ca", "other-ca":
        run("req", "-x509", *curve, "-keyout", path(f"{name}.key"), "-out", path(f"{name}.pem"),
            "-days", "2", "-subj", f"/CN=test {name}")
    with open(path("san.ext"), "w", encoding="ascii") as f:
        f.write("subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost\n")
    for name in "server", "client":
        run("req", *curve, "-keyout", path(f"{name}.key"), "-out", path(f"{name}.csr"), "-subj",
            f"/CN=test {name}")
        run("x509", "-req", "-in", path(f"{name}.csr"), "-CA", path("ca.pem"), "-CAkey",
            path("ca.key"), "-CAcreateserial", "-out", path(f"{name}.pem"), "-days", "2",
            "-extfile", path("san.ext"))


def pod(name, version=1, **extra):
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}",
                "resourceVersion": str(version), "annotations": {
                    "json": '{"a":["b\\"",{}]}', "escaped": "<&>\u2028", "utf8": "grüße 💚"}}
    return {"metadata": metadata, "spec": {"nodeName": "node-1", "containers": [
        {"name": "c", "image": "i"}]}, "status": {"phase": "Running"}, **extra}


def dump(value):
    """As Go's encoder writes it: compact, with <, > and & escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for c in "<>&\u2028\u2029":
        text = text.replace(c, f"\\u{ord(c):04x}")
    return text.encode()


def pod_list(*pods, version="100", proceed=None, items_first=False):
    metadata = {"resourceVersion": version}
    if proceed:
        metadata["continue"] = proceed
    head = {"kind": "PodList", "apiVersion": "v1"}
    if items_first:
        return dump({"items": list(pods), **head, "metadata": metadata})
    return dump({**head, "metadata": metadata, "items": list(pods) or None})


def event(kind, obj):
    return dump({"type": kind, "object": obj}) + b"\n"


def bookmark(version):
    return event("BOOKMARK", {"kind": "Pod", "apiVersion": "v1", "metadata": {
        "resourceVersion": str(version), "creationTimestamp": None},
        "spec": {"containers": None}, "status": {}})


def status(code, reason, message="", proceed=None):
    return {"kind": "Status", "apiVersion": "v1", "metadata":
            {"continue": proceed} if proceed else {}, "status": "Failure", "message": message,
            "reason": reason, "code": code}


def error_event(code, reason):
    return event("ERROR", status(code, reason, "too old resource version: 1 (100)"))


class Request:
    """One request, and the means to answer it."""

    def __init__(self, server, connection, line, headers, number):
        self.server, self.connection, self.number = server, connection, number
        self.method, self.target, _ = line.split(" ")
        self.path, _, query = self.target.partition("?")
        self.query = dict(p.split("=", 1) for p in query.split("&") if p)
        self.headers = headers
        self.time = time.monotonic()
        self.hangs_up = False

    @property
    def watch(self):
        return self.query.get("watch") == "true"

    def raw(self, data):
        self.connection.sendall(data)

    def head(self, code=200, kind="application/json", length=None, headers=()):
        lines = [f"HTTP/1.1 {code} Scripted", f"Content-Type: {kind}", *headers,
                 "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"]
        self.raw(("\r\n".join(lines) + "\r\n\r\n").encode())

    def chunk(self, data, size=None):
        """Send data as chunks of at most size bytes: each its own TLS record."""
        size = size or len(data) or 1
        for i in range(0, len(data), size):
            part = data[i:i + size]
            self.raw(b"%x\r\n%s\r\n" % (len(part), part))

    def end(self):
        self.raw(b"0\r\n\r\n")

    def answer(self, body, code=200, kind="application/json", headers=()):
        self.head(code, kind, len(body), headers)
        self.raw(body)

    def chunked(self, body, size=None):
        self.head()
        self.chunk(body, size)
        self.end()

    def cut(self):
        """End the connection with a reset, without TLS's or HTTP's good-bye."""
        self.hangs_up = True
        raw = self.connection
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        os.close(raw.detach())

    def hold(self, seconds=30):
        """Say nothing until the client hangs up, the server stops or the time is over."""
        deadline = time.monotonic() + seconds
        self.connection.settimeout(0.05)
        while time.monotonic() < deadline and not self.server.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.hangs_up = True


class ApiServer:
    """Answers request n with script[n](request); after the script's end with its last step."""

    def __init__(self, directory, script, tls=True, address="127.0.0.1", port=0,
                 client_certificate=False):
        self.script, self.requests = script, []
        self.stopping, self.lock = threading.Event(), threading.Lock()
        self.problems, self.threads = [], []
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(os.path.join(directory, "server.pem"),
                                         os.path.join(directory, "server.key"))
            if client_certificate:
                self.context.load_verify_locations(os.path.join(directory, "ca.pem"))
                self.context.verify_mode = ssl.CERT_REQUIRED
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, port), family=family)
        self.listener.settimeout(0.1)
        self.port = self.listener.getsockname()[1]
        host = f"[{address}]" if ":" in address else address
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self._start(self._accept)

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                break
            self._start(self._serve, connection)
        self.listener.close()

    def _serve(self, connection):
        connection.settimeout(20)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            while not self.stopping.is_set() and self._one(connection):
                pass
        except OSError:
            pass  # the client hung up, or refused the certificate: tests look at its side
        finally:
            try:
                connection.close()
            except OSError:
                pass

    def _one(self, connection):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte or len(head) > 65536:
                return False
            head += byte
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            if name:
                headers[name.lower()] = value.strip()
        with self.lock:
            request = Request(self, connection, lines[0], headers, len(self.requests))
            self.requests.append(request)
            step = self.script[min(request.number, len(self.script) - 1)]
        try:
            step(request)
        except OSError:
            return False
        except Exception as error:  # pylint: disable=broad-except
            self.problems.append(f"request {request.number} {request.target}: {error!r}")
            return False
        return not request.hangs_up

    def stop(self):
        self.stopping.set()
        for thread in list(self.threads):
            thread.join(5)
