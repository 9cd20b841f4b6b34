# SPDX-License-Identifier: Apache-2.0
"""Secrets in what a client says to a metadata service."""
import os
import socket

from places import place
from world import disconnect

BOTH = ("request", "response")


@place("Authorization, first header", BOTH)
def _(row):
    c = row.open()
    c.ask(row.get(before=f"Authorization: {row.secret()}\r\n"))
    c.answer(row.ok())


@place("Authorization, last header", BOTH)
def _(row):
    c = row.open("agent6")
    c.ask(row.get(f"Authorization: Bearer {row.secret()}\r\n"))
    c.answer(row.ok())


@place("aUTHORIZATION, no space, IPv4-mapped socket", BOTH)
def _(row):
    c = row.opened(row.network.open_mapped())
    c.ask(row.get(f"aUTHORIZATION:{row.secret()}\r\n"))
    c.answer(row.ok())


@place("Authorization folded over lines", BOTH)
def _(row):
    c = row.open()
    c.ask(row.get(f"Authorization: Bearer\r\n {row.secret()}\r\n\t{row.secret()}\r\n"))
    c.answer(row.ok())


@place("Authorization behind a folded User-Agent", ["request"])
def _(row):
    c = row.open()
    c.ask(row.get(f" {row.neutral()}\r\nAuthorization: {row.secret()}\r\n"))


@place("IMDS token, response of the PUT", BOTH)
def _(row):
    c = row.open("imds")
    c.ask(row.get("X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n", "/latest/api/token", "PUT"))
    c.answer(row.ok(row.secret()))


@place("IMDS token, request header", BOTH)
def _(row):
    c = row.open("imds")
    c.ask(row.get(f"X-aws-ec2-metadata-token: {row.secret()}==\r\n", "/latest/meta-data/"))
    c.answer(row.ok("node-role"))


@place("query values of names that are not allowed", BOTH)
def _(row):
    c = row.open("imds")
    c.ask(row.get(target=f"/x?token={row.secret()}&resource={row.seen()}&Signature={row.secret()}"
                         f";client_id={row.seen()}&=={row.secret()}"))
    c.answer(row.ok())


@place("query values, names like allowed ones", BOTH)
def _(row):
    c = row.open("imds")
    s = row.secret
    c.ask(row.get(target=f"/x?Resource={s()}&resourc%65={s()}&resource%20={s()}&xresource={s()}"
                         f"&resource[]={s()}&resources={s()}&api-version={row.seen()}"))
    c.answer(row.ok())


@place("query parameters without a value", BOTH)
def _(row):
    c = row.open("imds")
    c.ask(row.get(target=f"/x?{row.secret()}&{row.secret()};{row.secret()}"))
    c.answer(row.ok())


@place("query parameters' names", BOTH)
def _(row):
    c = row.open("imds")
    s = row.secret
    c.ask(row.get(target=f"/x?{s()}==&{s()}=1&resource{s()}=1&resource={row.seen()};{s()}="))
    c.answer(row.ok())


@place("path parameters, a query without its mark", BOTH)
def _(row):
    c = row.open("imds")
    for target in (";token={}", ";{}/{}", "&token={}", "%3Ftoken={}", "%3f{}", "%253F{}", "%3B{}",
                   "%23{}", "%c0%bf{}", "%{}", "?resource=a%3F{}", "?resource=a?{}"):
        c.ask(row.get(target=f"/{row.seen(1)}" + target.format(row.secret(), row.secret())))
        c.answer(row.ok())


@place("an authority that is none", BOTH)
def _(row):
    c = row.open("imds")
    for target in ("http://u:{}/x", "http://h?{}", "http://h%3F{}/", "http://h;{}/", "x={}"):
        c.ask(row.get(target=target.format(row.secret())))
        c.answer(row.ok())


@place("query: a second question mark, an empty name", BOTH)
def _(row):
    c = row.open("imds")
    c.ask(row.get(target=f"/x?a?b={row.secret()}&={row.secret()}&?{row.secret()}"))
    c.answer(row.ok())


@place("query value, request line over its limit", BOTH)
def _(row):
    c = row.open("imds")
    c.ask(row.get(target="/" + row.seen(4) + "p" * 180 + f"?token={row.secret(40)}"))
    c.answer(row.ok())


@place("query value of 40 KB", BOTH)
def _(row):
    c = row.open("imds")
    c.ask(row.get(target=f"/x?token={row.secret(5000)}&resource={row.seen()}"))
    c.answer(row.ok())


@place("fragment", BOTH)
def _(row):
    c = row.open("imds")
    c.ask(row.get(target=f"/{row.seen()}#{row.secret()}"))
    c.answer(row.ok())


@place("userinfo of an absolute-form target", BOTH)
def _(row):
    c = row.open("imds")
    c.ask(row.get(target=f"http://u:{row.secret()}@169.254.169.254/{row.seen()}"))
    c.answer(row.ok())


@place("userinfo of an authority-form target", ["request"])
def _(row):
    c = row.open()
    c.ask(row.get(target=f"{row.secret()}:{row.secret()}@x:443", method="OPTIONS"))


@place("request body that looks like a head", BOTH)
def _(row):
    body = (f"GET /{row.secret()} HTTP/1.1\r\nUser-Agent: {row.secret()}\r\n\r\n"
            f"\r\nUser-Agent: {row.secret()}\r\n")
    c = row.open("imds")
    c.ask(row.get(f"Content-Length: {len(body)}\r\n", method="POST") + body)
    c.answer(row.ok())
    c.ask(row.get())
    c.answer(row.ok())


@place("chunked request: data, extensions, trailers", BOTH)
def _(row):
    body = f"GET /{row.secret()} HTTP/1.1\r\nUser-Agent: {row.secret()}\r\n\r\n"
    c = row.open("imds")
    c.ask(row.get("Transfer-Encoding: chunked\r\n", method="POST"))
    for _ in range(3):
        c.ask(f"{len(body):x};{row.secret()}=\"{row.secret()}\"\r\n{body}\r\n")
    c.ask(f"0;{row.secret()}\r\nUser-Agent: {row.secret()}\r\n{row.secret()}: 1\r\n\r\n")
    c.answer(row.ok())
    c.ask(row.get())


@place("request body longer than its Content-Length", ["request", "gap"])
def _(row):
    c = row.open()
    c.ask(row.get("Content-Length: 5\r\n", method="POST") + f"12345{row.secret()}\r\n"
          f"User-Agent: {row.secret()}\r\n\r\n")


@place("body behind Content-Length and chunked at once", ["gap"])
def _(row):
    c = row.open()
    c.ask(row.get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", method="POST")
          + f"30\r\nGET /{row.secret()} HTTP/1.1\r\nUser-Agent: {row.secret()}\r\n\r\n0\r\n\r\n")


@place("body behind a Content-Length that is no number", ["gap"])
def _(row):
    c = row.open()
    c.ask(row.get("Content-Length: 0x10\r\n", method="POST")
          + f"GET /{row.secret()} HTTP/1.1\r\nUser-Agent: {row.secret()}\r\n\r\n")


@place("Cookie, Proxy-Authorization, X-Forwarded-For", BOTH)
def _(row):
    c = row.open()
    c.ask(row.get(f"Cookie: a={row.secret()}; b={row.secret()}\r\nProxy-Authorization: Basic "
                  f"{row.secret()}\r\nX-Forwarded-For: {row.secret()}\r\n"))
    c.answer(row.ok())


@place("headers named nearly User-Agent", BOTH)
def _(row):
    c = row.open()
    names = ("User-Agentx", "X-User-Agent", "User-Agen", "User_Agent", "UserAgent", "Server", "ser")
    c.ask(row.get("".join(f"{n}: {row.secret()}\r\n" for n in names)))
    c.answer(row.ok())


@place("User-Agent with a space before its colon", ["gap"])
def _(row):
    c = row.open()
    c.ask(row.get(f"User-Agent : {row.secret()}\r\n", agent=False))


@place("a header's name", BOTH)
def _(row):
    c = row.open()
    c.ask(row.get(f"{row.secret()}: 1\r\n"))
    c.answer(row.ok())


@place("behind a bare CR in User-Agent and in another header", ["request"])
def _(row):
    c = row.open()
    c.ask(f"GET /{row.seen()} HTTP/1.1\r\nUser-Agent: {row.seen()}\rAuthorization: {row.secret()}"
          f"\r\nX: 1\rUser-Agent: {row.secret()}\r\n\r\n")


@place("head of bare LF lines", ["request"])
def _(row):
    c = row.open()
    c.ask(row.get(f"Authorization: {row.secret()}\r\n").replace("\r\n", "\n"))


@place("head of 64 KB, secrets in all of it", ["request"])
def _(row):
    c = row.open()
    fill = "".join(f"X-{i}: {row.secret(30)}\r\n" for i in range(240))
    c.ask(row.get(fill + f"Authorization: {row.secret()}\r\n"))


@place("head beyond any limit", ["gap"])
def _(row):
    c = row.open()
    c.ask(row.get(f"Authorization: {row.secret(9000)}\r\nX: {row.secret()}\r\n", agent=False))


@place("head cut after every byte", BOTH)
def _(row):
    c = row.open()
    c.ask(row.get(f"Authorization: {row.secret()}\r\nCookie: {row.secret()}\r\n",
                  f"/{row.seen()}?token={row.secret()}"), pieces=1)
    c.answer(row.ok(row.secret(), f"Set-Cookie: {row.secret()}\r\n"), pieces=1)


@place("head that stays unfinished, in Authorization")
def _(row):
    c = row.open()
    c.ask(f"GET /{row.held()} HTTP/1.1\r\nUser-Agent: {row.held()}\r\nAuthorization: "
          f"Bearer {row.secret()}")


@place("head that stays unfinished, behind cut query and userinfo")
def _(row):
    c = row.open()
    c.ask(f"GET http://u:{row.secret()}@x/{row.held()}?{row.secret()}&token={row.secret()}&a "
          f"HTTP/1.1\r\nA: {row.secret()}")


@place("connection reset within a head")
def _(row):
    c = row.open()
    c.ask(f"GET / HTTP/1.1\r\nAuthorization: {row.secret()}")
    c.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    c.server.close()


@place("socket connected anew to somewhere unwatched")
def _(row):
    c = row.open()
    c.ask(f"GET / HTTP/1.1\r\nAuthorization: {row.secret()}\r\nCookie: {row.secret()}")
    disconnect(c.client)
    c.client.connect(row.network.address("other"))
    c.server.close()
    c.server = row.network.accept("other")
    c.ask(f"GET /{row.secret()} HTTP/1.1\r\nUser-Agent: {row.secret()}\r\n\r\n")


@place("a method", ["gap"])
def _(row):
    c = row.open()
    c.ask(f"{row.secret()} / HTTP/1.1\r\n\r\n")


@place("a version", ["gap"])
def _(row):
    c = row.open()
    c.ask(f"GET / {row.secret()}\r\nUser-Agent: {row.secret()}\r\n\r\n")


@place("garbage before the first line", ["gap"])
def _(row):
    c = row.open()
    c.ask(f"{row.secret()}\r\nGET /{row.secret()} HTTP/1.1\r\nUser-Agent: {row.secret()}\r\n\r\n")


@place("garbage between pipelined requests", ["request", "gap"])
def _(row):
    c = row.open()
    c.ask(row.get() + f"{row.secret()} {row.secret()}\r\n" + f"GET /{row.secret()} HTTP/1.1\r\n\r\n")


@place("behind a NUL in a header and in the target", ["request", "gap"])
def _(row):
    c = row.open()
    c.ask(row.get(f"X: a\0{row.secret()}\r\n"))
    c.ask(f"GET /\0{row.secret()} HTTP/1.1\r\n\r\n")


@place("behind binary garbage", ["gap"])
def _(row):
    c = row.open()
    c.ask(os.urandom(64).replace(b"Q", b"\xff") + f"{row.secret()}\r\n\r\n{row.secret()}".encode())


@place("HTTP/2 preface and frames", ["gap"])
def _(row):
    c = row.open()
    c.ask(f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x30\1\5\0\0\0\1{row.secret()}")


@place("pipelined requests in one segment", ["request"])
def _(row):
    c = row.open()
    body = f"User-Agent: {row.secret()}\r\n\r\n"
    c.ask(row.get(f"Content-Length: {len(body)}\r\n", method="PUT") + body
          + row.get(f"Authorization: {row.secret()}\r\n") + row.get(f"X: {row.secret()}\r\n"))


@place("body that waits for 100 Continue", BOTH)
def _(row):
    body = f"GET /{row.secret()} HTTP/1.1\r\n\r\n"
    c = row.open()
    c.ask(row.get(f"Expect: 100-continue\r\nContent-Length: {len(body)}\r\n", method="PUT"))
    c.answer(f"HTTP/1.1 100 Continue\r\nLink: {row.secret()}\r\n\r\n")
    c.ask(body)
    c.answer(row.ok())


@place("head in the SYN (TCP Fast Open)", BOTH)
def _(row):
    head = row.get(f"Authorization: {row.secret()}\r\n", f"/{row.seen()}?token={row.secret()}")
    c = row.open(first=head.encode())
    c.answer(row.ok())


@place("urgent data", ["request"])
def _(row):
    c = row.open()
    c.server.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    head = row.get(f"Authorization: {row.secret()}\r\n").encode()
    c.ask(head[:-1])
    c.client.send(head[-1:], socket.MSG_OOB)


@place("a client's environment and arguments", ["request"])
def _(row):
    import sys
    import subprocess
    code = ("import os, socket\n"
            "s = socket.create_connection(('169.254.170.23', 80), 5)\n"
            "s.sendall(os.environ['HEAD'].encode())\ns.recv(1)\n")
    head = row.get(f"Authorization: {row.secret()}\r\n")
    listener = row.network
    child = subprocess.Popen([sys.executable, "-c", code, row.secret()],
                             env={"HEAD": head, "AWS_SECRET_ACCESS_KEY": row.secret()})
    server = listener.accept("agent")
    row.ports.add(server.getpeername()[1])
    server.settimeout(5)
    while b"\r\n\r\n" not in server.recv(65536):
        pass
    server.close()
    child.wait(10)


@place("a token file's content")
def _(row):
    path = f"{row.directory}/{row.neutral()}/eks.amazonaws.com/serviceaccount"
    os.makedirs(path)
    with open(f"{path}/token", "w", encoding="ascii") as f:
        f.write(row.secret(100))
    with open(f"{path}/token", encoding="ascii") as f:
        f.read()
    row.open().ask("GET / HTTP/1.1\r\n\r\n")
