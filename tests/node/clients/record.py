# SPDX-License-Identifier: Apache-2.0
"""A client's truth lines, and the names for what a socket error means to a client."""
import errno
import http.client
import os
import ssl

from .. import linux, truth

UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.EINPROGRESS)


def connect_outcome(error):
    """Outcome of a connect() that failed; the client's own time-out is an unanswered SYN."""
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, TimeoutError) or error.errno in UNREACHABLE:
        return "unreachable"
    raise error


def answer_outcome(error):
    """Outcome of a request that got no answer."""
    if isinstance(error, (http.client.RemoteDisconnected, EOFError)):
        return "no_response"
    if isinstance(error, TimeoutError):
        return "abandoned"
    if isinstance(error, ConnectionResetError):
        return "reset"
    if isinstance(error, ssl.SSLError):
        return "tls_failed"
    raise error


class Recorder:
    """Writes one line an exchange. identity: the container's fields, the same in each line."""

    def __init__(self, path, identity):
        self.writer = truth.Writer(path, **identity)
        self.pid = linux.host_pid()
        self.connections = 0

    def connection(self):
        self.connections += 1
        return f"{self.pid}-{self.connections}"

    def exchange(self, request, **fields):
        """request: a catalog.Request (its mechanism and delivers say what was intended)."""
        outcome = fields["outcome"]
        if request.tls and outcome not in NO_ANSWER:
            good = outcome == "ok"
            fields["outcome"] = ("answered" if not request.sized else
                                 "ok_inferred" if good else "rejected_inferred")
        fields.setdefault("pid", self.pid)
        self.writer.write(
            kind="exchange", request=request.name, method=request.method,
            path=truth.public_path(request.path), mechanism=request.mechanism,
            destination=truth.endpoint((request.address, request.port)),
            host=request.host if request.tls else None,
            intercepted_by=request.intercepted_by or None,
            via=fields.pop("via", None) or request.via or None,
            proxied=request.proxied or None,
            delivered=bool(request.delivers and outcome == "ok"), tls=request.tls, **fields)


NO_ANSWER = ("refused", "unreachable", "reset", "no_response", "abandoned", "tls_failed")


def comm():
    with open("/proc/self/comm", encoding="ascii") as f:
        return f.read().strip()


def spawn_pid_pipe():
    """(read end, function for the child to call before exec): tells a child's host pid."""
    read, write = os.pipe()

    def tell():
        os.write(write, str(linux.host_pid()).encode())
        os.close(write)

    return read, write, tell
