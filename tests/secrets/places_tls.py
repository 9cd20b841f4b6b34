# SPDX-License-Identifier: Apache-2.0
"""Secrets in TLS handshakes and records (RFC 8446), and in front of tunnels."""
import os
import struct

from places import place

STS = "sts.us-east-1.amazonaws.com"
HELLOS = ("client_hello", "server_hello", "tls_record")


def vector(size, data):
    data = data.encode() if isinstance(data, str) else data
    return len(data).to_bytes(size, "big") + data


def extension(kind, data):
    return struct.pack("!H", kind) + vector(2, data)


def server_name(*names):
    return extension(0, vector(2, b"".join(bytes([kind]) + vector(2, name)
                                           for kind, name in names)))


def handshake(kind, data):
    return bytes([kind]) + vector(3, data)


def record(kind, data):
    return struct.pack("!BH", kind, 0x0301) + vector(2, data)


def client_hello(name, more=b"", session=b"", before=b""):
    extensions = before + server_name((0, name)) + more
    return handshake(1, b"\3\3" + os.urandom(32) + vector(1, session)
                     + vector(2, b"\x13\1\x13\2\xc0\x2f") + vector(1, b"\0")
                     + vector(2, extensions))


def server_hello(random, session, more=b""):
    return handshake(2, b"\3\3" + random + vector(1, session) + b"\x13\1\0"
                     + vector(2, extension(43, b"\3\4") + more))


@place("TLS: session id, ALPN, unknown extensions", HELLOS)
def _(row):
    c = row.open("sts")
    session = row.secret(4).encode()
    alpn = vector(2, vector(1, row.secret()) + vector(1, "http/1.1"))
    c.ask(record(22, client_hello(STS, extension(16, alpn) + extension(0x1234, row.secret(20))
                                  + extension(21, row.secret()) + extension(51, row.secret(160)),
                                  session, extension(0x4321, row.secret(9)))))
    c.answer(record(22, server_hello(row.secret(4).encode(), session,
                                     extension(51, row.secret()))))
    c.answer(record(20, b"\1") + record(23, row.secret()) + record(21, b"\2\x28"))


@place("TLS: tickets, PSK identities and binders", HELLOS)
def _(row):
    c = row.open("sts")
    psk = vector(2, vector(2, row.secret(20)) + b"\0\0\0\0") + vector(2, vector(1, row.secret(4)))
    c.ask(record(22, client_hello(STS, extension(35, row.secret(20)) + extension(41, psk))))
    c.answer(record(22, server_hello(os.urandom(32), b"")))


@place("TLS: ClientHello cut after every byte", HELLOS)
def _(row):
    c = row.open("sts")
    session = row.secret(4).encode()
    c.ask(record(22, client_hello(STS, extension(0x1234, row.secret()), session,
                                  extension(16, vector(2, vector(1, row.secret()))))), pieces=1)
    c.answer(record(22, server_hello(row.secret(4).encode(), session)), pieces=1)


@place("TLS: ClientHello over several records", ["client_hello", "tls_record"])
def _(row):
    c = row.open("sts")
    hello = client_hello(STS, extension(0x1234, row.secret(20)), row.secret(4).encode())
    for start in range(0, len(hello), 150):
        c.ask(record(22, hello[start:start + 150]))


@place("TLS: ClientHello that stays unfinished, in a session id", watched=False)
def _(row):
    c = row.open("sts")
    c.ask(record(22, client_hello(STS, b"", row.secret(4).encode()))[:5 + 4 + 2 + 32 + 1 + 30])


@place("TLS: ClientHello that stays unfinished, behind the name", watched=False)
def _(row):
    c = row.open("sts")
    c.ask(record(22, client_hello(STS, extension(0x1234, row.secret(20)),
                                  row.secret(4).encode()))[:-8])


@place("TLS: certificate and messages in clear (1.2)", ["tls_record"])
def _(row):
    c = row.open("sts")
    c.ask(record(22, client_hello(STS)))
    c.answer(record(22, handshake(2, b"\3\3" + os.urandom(32) + b"\0\xc0\x2f\0")
                    + handshake(11, row.secret(100)) + handshake(12, row.secret())))
    c.ask(record(22, handshake(16, row.secret())) + record(20, b"\1")
          + record(22, row.secret(5)))
    c.answer(record(20, b"\1") + record(22, row.secret(5)))
    for _ in range(5):
        c.ask(record(23, row.secret(20)))
        c.answer(record(23, row.secret(200)), pieces=100)


@place("TLS: application data that looks like heads and records", ["client_hello", "tls_record"])
def _(row):
    c = row.open("sts")
    c.ask(record(22, client_hello(STS)))
    c.ask(record(23, f"GET /{row.secret()} HTTP/1.1\r\nUser-Agent: {row.secret()}\r\n\r\n".encode()
                 + record(22, client_hello("sts.amazonaws.com", extension(7, row.secret())))))


@place("TLS: behind something that is no record", ["client_hello", "gap"])
def _(row):
    c = row.open("sts")
    c.ask(record(22, client_hello(STS)) + f"{row.secret()}".encode() + b"\x16\3\1\0\x30"
          + row.secret().encode())


@place("TLS: a name that is not watched", watched=False)
def _(row):
    c = row.open("sts")
    c.ask(record(22, client_hello(f"{row.secret(3)}.example.com", extension(7, row.secret()),
                                  row.secret(4).encode())))
    c.answer(record(22, server_hello(row.secret(4).encode(), b"")) + record(23, row.secret()))


@place("TLS: names beside the one of type host", ["client_hello"])
def _(row):
    c = row.open("sts")
    names = server_name((0, STS), (1, row.secret(3)), (0, row.secret(3)))
    body = (b"\3\3" + os.urandom(32) + vector(1, b"") + vector(2, b"\x13\1") + vector(1, b"\0")
            + vector(2, names + extension(7, row.secret())))
    c.ask(record(22, handshake(1, body)))


@place("TLS: encrypted ClientHello", ["client_hello"])
def _(row):
    c = row.open("sts")
    c.ask(record(22, client_hello(STS, extension(0xfe0d, row.secret(40)))))


@place("HTTP on a TLS port", watched=False)
def _(row):
    c = row.open("sts")
    c.ask(f"GET /{row.secret()} HTTP/1.1\r\nAuthorization: {row.secret()}\r\n"
          f"User-Agent: {row.secret()}\r\n\r\n")


@place("CONNECT: Proxy-Authorization, Cookie, userinfo", ["tunnel", "client_hello"])
def _(row):
    c = row.open("proxy")
    c.ask(f"CONNECT u:{row.secret()}@{STS}:443 HTTP/1.1\r\nHost: {row.secret()}\r\n"
          f"Proxy-Authorization: Basic {row.secret()}\r\nCookie: {row.secret()}\r\n"
          f"User-Agent: {row.secret()}\r\n\r\n")
    c.answer(f"HTTP/1.1 200 {row.secret()}\r\nVia: {row.secret()}\r\n\r\n")
    c.ask(record(22, client_hello(STS, extension(7, row.secret()), row.secret(4).encode())))
    c.ask(record(23, row.secret(20)))


@place("CONNECT: refused, body of the refusal", ["tunnel"])
def _(row):
    c = row.open("proxy")
    c.ask(f"CONNECT {STS}:443 HTTP/1.1\r\nProxy-Authorization: {row.secret()}\r\n\r\n")
    body = f"HTTP/1.1 200 OK\r\nServer: {row.secret()}\r\n\r\n"
    c.answer(f"HTTP/1.1 407 No\r\nProxy-Authenticate: {row.secret()}\r\nContent-Length: "
             f"{len(body)}\r\n\r\n{body}")


@place("proxy: a request to somebody else")
def _(row):
    c = row.open("proxy")
    c.ask(f"GET http://example.com/{row.secret()}?resource={row.secret()} HTTP/1.1\r\n"
          f"User-Agent: {row.secret()}\r\nAuthorization: {row.secret()}\r\n\r\n")
    c.answer(f"HTTP/1.1 200 OK\r\nServer: {row.secret()}\r\nContent-Length: 48\r\n\r\n"
             f"{row.secret()}")
