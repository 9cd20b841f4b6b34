# SPDX-License-Identifier: Apache-2.0
"""Secrets in what a metadata service says to a client."""
from places import place

BOTH = ("request", "response")


def asked(row, name="agent", method="GET"):
    c = row.open(name)
    c.ask(row.get(method=method))
    return c


@place("credential JSON", BOTH)
def _(row):
    c = asked(row)
    c.answer(row.ok(f'{{"AccessKeyId":"{row.secret()}","SecretAccessKey":"{row.secret()}",'
                    f'"Token":"{row.secret(60)}"}}'))


@place("response body that looks like heads", BOTH)
def _(row):
    c = asked(row)
    c.answer(row.ok(f"Server: {row.secret()}\r\n\r\nHTTP/1.1 200 OK\r\nServer: {row.secret()}\r\n"
                    f"\r\nServer: {row.secret()}\r\n"))
    c.ask(row.get())
    c.answer(row.ok())


@place("chunked response: data, extensions, trailers", BOTH)
def _(row):
    c = asked(row)
    body = f"HTTP/1.1 200 OK\r\nServer: {row.secret()}\r\n\r\n"
    c.answer(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nServer: {row.seen()}\r\n\r\n")
    for pieces in (0, 1, 7):
        c.answer(f"{len(body):X}; {row.secret()}={row.secret()}\r\n{body}\r\n", pieces)
    c.answer(f"0\r\nServer: {row.secret()}\r\nSet-Cookie: {row.secret()}\r\n\r\n")
    c.ask(row.get())
    c.answer(row.ok())


@place("Set-Cookie, Location, WWW-Authenticate, ETag", BOTH)
def _(row):
    c = asked(row)
    c.answer(f"HTTP/1.1 302 Found\r\nSet-Cookie: a={row.secret()}\r\nServer: {row.seen()}\r\n"
             f"Location: http://{row.secret()}@x/?code={row.secret()}\r\nETag: {row.secret()}\r\n"
             f"WWW-Authenticate: Basic realm=\"{row.secret()}\"\r\nContent-Length: 0\r\n\r\n")


@place("headers named nearly Server", BOTH)
def _(row):
    c = asked(row)
    names = ("Serverx", "X-Server", "Serve", "Server-Timing", "User-Agent")
    c.answer(row.ok(extra="".join(f"{n}: {row.secret()}\r\n" for n in names)))


@place("reason phrase", BOTH)
def _(row):
    c = asked(row)
    c.answer(f"HTTP/1.1 500 {row.secret()}\r\nServer: {row.seen()}\r\nContent-Length: 0\r\n\r\n")


@place("response body longer than its Content-Length", ["response", "gap"])
def _(row):
    c = asked(row)
    c.answer(row.ok("12345") + row.secret() + f"\r\nServer: {row.secret()}\r\n\r\n")


@place("response body shorter than its Content-Length", BOTH)
def _(row):
    c = asked(row)
    c.answer(f"HTTP/1.1 200 OK\r\nServer: {row.seen()}\r\nContent-Length: 900\r\n\r\n"
             f"HTTP/1.1 200 OK\r\nServer: {row.secret()}\r\n\r\n")


@place("body up to the end of the connection", BOTH)
def _(row):
    c = asked(row)
    c.answer(f"HTTP/1.0 200 OK\r\nServer: {row.seen()}\r\n\r\n{row.secret()}\r\n\r\n"
             f"HTTP/1.1 200 OK\r\nServer: {row.secret()}\r\n\r\n")


@place("body behind 204 and 304", ["request", "response", "gap"])
def _(row):
    for status in (204, 304):
        c = asked(row)
        c.answer(f"HTTP/1.1 {status} X\r\nServer: {row.seen()}\r\n\r\n{row.secret()}\r\n\r\n")


@place("body behind the answer to HEAD", ["response", "gap"])
def _(row):
    c = asked(row, method="HEAD")
    c.answer(row.ok(row.secret()))


@place("behind 101 Switching Protocols", ["response", "gap"])
def _(row):
    c = asked(row)
    c.answer(f"HTTP/1.1 101 X\r\nUpgrade: {row.secret()}\r\n\r\n{row.secret()}\r\n"
             f"HTTP/1.1 200 OK\r\nServer: {row.secret()}\r\n\r\n")


@place("headers of interim responses", BOTH)
def _(row):
    c = asked(row)
    c.answer(f"HTTP/1.1 103 Early Hints\r\nLink: {row.secret()}\r\n\r\n" + row.ok())


@place("answer that nobody asked for", ["response"])
def _(row):
    c = row.open()
    c.answer(f"HTTP/1.1 200 OK\r\nX: {row.secret()}\r\nContent-Length: 48\r\n\r\n{row.secret()}")


@place("answer before its HEAD, then a body that looks like a head", ["response"])
def _(row):
    c = row.open()
    c.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    c.ask(row.get(method="HEAD") + row.get())
    body = f"HTTP/1.1 200 OK\r\nServer: {row.secret()}\r\n\r\n"
    c.answer(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}")


@place("response head of 40 KB", BOTH)
def _(row):
    c = asked(row)
    c.answer(row.ok(extra="".join(f"X: {row.secret(60)}\r\n" for _ in range(80))))


@place("response head cut after every byte", BOTH)
def _(row):
    c = asked(row)
    c.answer(row.ok(row.secret(), f"Set-Cookie: {row.secret()}\r\n"), pieces=1)


@place("response head that stays unfinished", ["request"])
def _(row):
    c = asked(row)
    c.answer(f"HTTP/1.1 200 {row.secret()}\r\nSet-Cookie: {row.secret()}")


@place("no HTTP at all as an answer", ["request", "gap"])
def _(row):
    c = asked(row)
    c.answer(f"{row.secret()}\r\n\r\n{row.secret()}")
