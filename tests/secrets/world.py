# SPDX-License-Identifier: Apache-2.0
"""A network namespace and a cgroup of our own, and both ends of every connection in it."""
import ctypes
import itertools
import os
import signal
import socket
import struct
import subprocess
import time

AGENT4, AGENT6, IMDS4 = "169.254.170.23", "fd00:ec2::23", "169.254.169.254"
STS4, PROXY4 = "203.0.113.10", "203.0.113.30"
PROXY_PORT = 3128
TCP_FASTOPEN_CONNECT = 30

_CLONE_NEWNET, _CLONE_NEWNS = 0x40000000, 0x00020000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        err = ctypes.get_errno()
        raise OSError(err, f"{what}: {os.strerror(err)}")


def enter_namespaces():
    """New network and mount namespaces; no device in them leads anywhere."""
    _check(_libc.unshare(_CLONE_NEWNET | _CLONE_NEWNS), "unshare")
    _check(_libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None), "mount")
    batch = ["link set lo up"]
    batch += [f"addr add {a}/32 dev lo" for a in (AGENT4, IMDS4, STS4, PROXY4)]
    batch += [f"addr add {AGENT6}/128 dev lo nodad"]
    subprocess.run(["/usr/sbin/ip", "-batch", "-"], input="\n".join(batch), text=True, check=True)
    with open("/proc/sys/net/ipv4/tcp_fastopen", "w", encoding="ascii") as f:
        f.write("5")  # data in the SYN without a cookie (RFC 7413)


def die_with_parent():
    _check(_libc.prctl(1, signal.SIGKILL, 0, 0, 0), "prctl")


class Cgroup:
    """Two cgroups below the root of cgroup v2: `pod`, watched, and `observer`. A child outlives
    us until they are removed, however we end."""

    def __init__(self):
        with open("/proc/self/mountinfo", encoding="ascii", errors="surrogateescape") as lines:
            roots = [f[4] for f in (line.split() for line in lines)
                     if f[f.index("-") + 1] == "cgroup2" and f[3] == "/"]
        if not roots:
            raise SystemExit("secrets: no cgroup v2 mount found")
        self.root = roots[0]
        self.directory = f"{self.root}/credscope-secrets-{os.getpid()}"
        self.pod, self.observer = f"{self.directory}/pod", f"{self.directory}/observer"
        self._guard()
        for path in (self.directory, self.pod, self.observer):
            os.mkdir(path)

    def _guard(self):
        ours, theirs = os.pipe()
        if os.fork() == 0:
            os.setsid()
            os.close(theirs)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            os.read(ours, 1)
            for _ in range(250):
                for path in (self.pod, self.observer, self.directory):
                    try:
                        os.rmdir(path)
                    except OSError:
                        pass
                if not os.path.isdir(self.directory):
                    break
                time.sleep(0.02)
            os._exit(0)
        os.close(ours)
        self._held_open = theirs  # for as long as we live

    @staticmethod
    def enter(path):
        with open(f"{path}/cgroup.procs", "w", encoding="ascii") as f:
            f.write("0")


# Facts are told apart by the client's port, which the kernel would share across destinations.
PORTS = itertools.count(20000)


class Connection:
    """A client and the server that it reached, both ours; what one sends the other reads."""

    def __init__(self, listener, address, first=None, family=None):
        self.client = socket.socket(family or listener.family, socket.SOCK_STREAM)
        self.client.settimeout(5)
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.bind(("", next(PORTS)))
        if first:
            self.client.sendto(first, socket.MSG_FASTOPEN, address)
        else:
            self.client.connect(address)
        self.server, _ = listener.accept()
        self.server.settimeout(5)
        self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.client.getsockname()[1]
        if first:
            self._read(self.server, len(first))

    @staticmethod
    def _read(from_socket, count):
        while count > 0:
            part = from_socket.recv(min(count, 1 << 20))
            if not part:
                raise ConnectionError("the other end is gone")
            count -= len(part)

    def _pass(self, data, pieces, from_socket, to_socket):
        data = data.encode("latin-1") if isinstance(data, str) else data
        size = pieces or 1 << 15
        for start in range(0, len(data), size):
            part = data[start:start + size]
            from_socket.sendall(part)
            self._read(to_socket, len(part))

    def ask(self, data, pieces=0):
        """The client says data, in segments of so many bytes (0: as few as there can be)."""
        self._pass(data, pieces, self.client, self.server)

    def answer(self, data, pieces=0):
        self._pass(data, pieces, self.server, self.client)

    def close(self):
        self.client.close()
        self.server.close()


class Network:
    """Listeners for everything that is watched; tun: the device of wire.Peer."""

    def __init__(self, tun):
        self.tun = tun
        self.connections = []
        self._listeners = {}
        for name, address, port in (("agent", AGENT4, 80), ("agent6", AGENT6, 80),
                                    ("imds", IMDS4, 80), ("sts", STS4, 443),
                                    ("other", STS4, 8080), ("proxy", PROXY4, PROXY_PORT)):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen(16)
            listener.settimeout(5)
            self._listeners[name] = (listener, (address, port))

    def open(self, name, first=None):
        connection = Connection(*self._listeners[name], first=first)
        self.connections.append(connection)
        return connection

    def open_mapped(self):
        """IPv4 from an IPv6 socket, as Java and Go do."""
        listener, (address, port) = self._listeners["agent"]
        connection = Connection(listener, (f"::ffff:{address}", port), family=socket.AF_INET6)
        self.connections.append(connection)
        return connection

    def address(self, name):
        return self._listeners[name][1]

    def accept(self, name):
        return self._listeners[name][0].accept()[0]

    def close(self):
        for connection in self.connections:
            connection.close()


def disconnect(client):
    """connect(2) to AF_UNSPEC: the socket can be connected anew."""
    raw = struct.pack("=H14x", socket.AF_UNSPEC)
    _check(_libc.connect(client.fileno(), raw, len(raw)), "disconnect")
