# SPDX-License-Identifier: Apache-2.0
"""Writes truth lines for what http.client based libraries do (urllib, urllib3, botocore), by
wrapping socket.connect, the TLS handshake and http.client's request and response methods."""
import http.client
import re
import socket
import ssl

from .. import truth
from . import catalog, record

# (path pattern, method or "", mechanism, delivers) for plaintext requests that a library makes
PLAIN = (
    (r"/v1/credentials$", "", "eks-pod-identity", True),
    (r"/latest/api/token$", "PUT", "metadata", False),
    (r"/latest/meta-data/iam/security-credentials/?$", "", "metadata", False),
    (r"/latest/meta-data/iam/security-credentials/.+", "", "imdsv2", True),
    (r"/latest/meta-data/", "", "metadata", False),
    (r"/metadata/identity/oauth2/token", "", "azure-imds", True),
)
STS = {b"Action=AssumeRoleWithWebIdentity": ("irsa", True)}


class Tracer:
    def __init__(self, recorder, path):
        self.recorder, self.path = recorder, path
        self.sockets = {}  # local address -> connection's fields
        self.install()

    def install(self):
        tracer = self
        connect, handshake = socket.socket.connect, ssl.SSLSocket.do_handshake
        putrequest = http.client.HTTPConnection.putrequest
        send = http.client.HTTPConnection.send
        getresponse = http.client.HTTPConnection.getresponse
        close = http.client.HTTPConnection.close

        def traced_connect(sock, address):
            return tracer.connect(connect, sock, address)

        def traced_handshake(sock, *args, **kwargs):
            return tracer.handshake(handshake, sock, *args, **kwargs)

        def traced_putrequest(conn, method, url, *args, **kwargs):
            conn.sim = {"method": method, "path": url, "sent": None, "body": b"", "error": None}
            return putrequest(conn, method, url, *args, **kwargs)

        def traced_send(conn, data):
            tracer.sending(conn, data)
            return send(conn, data)

        def traced_getresponse(conn, *args, **kwargs):
            try:
                response = getresponse(conn, *args, **kwargs)
            except (OSError, http.client.HTTPException) as error:
                if getattr(conn, "sim", None):
                    conn.sim["error"] = error
                    conn.sim["source"] = tracer.source(conn.sock)
                raise
            tracer.answered(conn, response.status)
            return response

        def traced_close(conn):
            if conn.sock is not None and getattr(conn, "sim", None):
                conn.sim.setdefault("source", tracer.source(conn.sock))
            close(conn)
            tracer.closed(conn)

        socket.socket.connect = traced_connect
        ssl.SSLSocket.do_handshake = traced_handshake
        http.client.HTTPConnection.putrequest = traced_putrequest
        http.client.HTTPConnection.send = traced_send
        http.client.HTTPConnection.getresponse = traced_getresponse
        http.client.HTTPConnection.close = traced_close

    @staticmethod
    def source(sock):
        try:
            return truth.endpoint(sock.getsockname())
        except (OSError, AttributeError):
            return None

    def connect(self, original, sock, address):
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return original(sock, address)
        start, wall = truth.now()
        try:
            original(sock, address)
        except OSError as error:
            request = self.request(address, "GET", "", b"", False)
            self.recorder.exchange(request, outcome=record.connect_outcome(error), exchange=0,
                                   start_ns=start, start_wall=wall, end_ns=truth.now()[0],
                                   error=str(error), connection=self.recorder.connection())
            raise
        self.sockets[self.source(sock)] = {
            "address": address, "connection": self.recorder.connection(), "exchange": 0,
            "tls": False, "family": 6 if sock.family == socket.AF_INET6 else 4}

    def handshake(self, original, sock, *args, **kwargs):
        fields = self.sockets.get(self.source(sock))
        if fields:
            fields["tls"], fields["host"] = True, sock.server_hostname
        return original(sock, *args, **kwargs)

    @staticmethod
    def sending(conn, data):
        sim = getattr(conn, "sim", None)
        if not sim:
            return
        if sim["sent"] is None:
            sim["sent"] = truth.now()
        if isinstance(data, str):
            data = data.encode()
        if isinstance(data, (bytes, bytearray)) and len(sim["body"]) < 4096:
            sim["body"] += bytes(data)

    def request(self, address, method, path, body, tls, host=""):
        mechanism, delivers = ("sts", False) if tls else ("metadata", False)
        if tls:
            for mark, meaning in STS.items():
                if mark in body:
                    mechanism, delivers = meaning
        elif not path and address[0] in (catalog.net.AGENT4, catalog.net.AGENT6):
            mechanism = "eks-pod-identity"
        else:
            for pattern, verb, name, carries in PLAIN:
                if re.match(pattern, path) and verb in ("", method):
                    mechanism, delivers = name, carries
                    break
        mechanism = self.path.mechanism(mechanism)
        return catalog.Request("library", mechanism, address[0], path, method, address[1],
                               host=host, tls=tls, delivers=delivers,
                               sized=mechanism in catalog.SIZED,
                               **self.path.between(address[0]))

    def _write(self, conn, outcome, **more):
        sim, conn.sim = conn.sim, None
        source = more.pop("source", None) or sim.get("source")
        fields = self.sockets.get(source)
        if fields is None or sim["sent"] is None:
            return
        request = self.request(fields["address"], sim["method"], sim["path"], sim["body"],
                               fields["tls"], fields.get("host", ""))
        self.recorder.exchange(
            request, outcome=outcome, start_ns=sim["sent"][0], start_wall=sim["sent"][1],
            end_ns=truth.now()[0], source=source, connection=fields["connection"],
            exchange=fields["exchange"], family=fields["family"], **more)
        fields["exchange"] += 1

    def answered(self, conn, status):
        if getattr(conn, "sim", None):
            self._write(conn, truth.outcome_of_status(status), status=status,
                        source=self.source(conn.sock) or conn.sim.get("source"))

    def closed(self, conn):
        sim = getattr(conn, "sim", None)
        if sim and sim["error"] is not None:
            self._write(conn, record.answer_outcome(sim["error"]), error=str(sim["error"]))
