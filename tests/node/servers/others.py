# SPDX-License-Identifier: Apache-2.0
"""kube2iam, kiam, an unknown interceptor, bystanders and the cloud's shared IMDS address."""
import re
import time

from . import aws, azure, upstream
from .message import Response


def metadata(request, how, server):
    """169.254.169.254 of a test cloud that is both: the path says whose IMDS is asked."""
    if request.path.lower().startswith("/metadata/"):
        return azure.imds(request, how, server)
    return aws.imds(request, how, server)


def kube2iam(request, how, server):
    """Credential paths are answered as if by EC2ws, from STS; everything else goes to IMDS."""
    started = time.monotonic()
    head = [("Server", "EC2ws"), ("Content-Type", "text/plain; charset=utf-8")]
    role = "/meta-data/iam/security-credentials/"
    if role not in request.path:
        status, headers, body = upstream.call(server, "imds-any", path=request.path,
                                              method=request.method)
        kept = [(k, v) for k, v in headers if k.lower() in ("content-type", "server")]
        return Response(status, body, kept, upstream=time.monotonic() - started)
    if how.get("status"):
        return Response(how["status"], b"unable to get role\n", head)
    if request.path.endswith(role):
        return Response(200, b"kube2iam-role", head)
    upstream.call(server, "assume-role")
    body = aws.bodies.imds_role(aws.source_host(request))
    return Response(200, body, head, upstream=time.monotonic() - started)


KIAM_ROLE = re.compile("/[^/]+/meta-data/iam/security-credentials(/?)(.*)")
KIAM_TOKEN = re.compile("/[^/]+/api/token")
KIAM_ERRORS = {
    404: "empty role",
    # it asks its server again for five seconds, then says why not: there is no 403
    500: "rpc error: code = Unknown desc = pod not found",
}


def kiam(request, how, server):
    """kiam's agent (pkg/aws/metadata): Go's heads and errors, nothing of IMDS but session tokens.

    Its server's call to STS is made from here too, as on a node that has both.
    """
    started = time.monotonic()
    path = request.path.partition("?")[0]
    asked = KIAM_ROLE.fullmatch(path)
    if request.method == "PUT" and KIAM_TOKEN.fullmatch(path):
        status, headers, body = upstream.call(server, "imds-token")
        kept = [(k, v) for k, v in headers if k.lower() not in ("connection", "content-length")]
        return Response(status, body, kept, upstream=time.monotonic() - started)
    if not asked or asked[2] and not asked[1]:  # security-credentials-extended, the region, all
        return aws.go_error(404, f'request blocked by allow-route-regexp "^$": {path}')
    if not asked[1]:
        return Response(301, b"<a href=\"/\">Moved Permanently</a>.\n\n", [
            ("Content-Type", "text/html; charset=utf-8"), ("Location", f"{path}/")])
    if how.get("status"):
        prefix = "error fetching credentials: " if asked[2] else ""
        return aws.go_error(how["status"], prefix + KIAM_ERRORS[how["status"]])
    text = [("Content-Type", "text/plain; charset=utf-8")]
    if not asked[2]:
        return Response(200, b"kiam-role", text)
    upstream.call(server, "assume-role")
    body = aws.bodies.imds_role(aws.source_host(request))
    return Response(200, body, text, upstream=time.monotonic() - started)


def interceptor(request, _how, _server):
    """A local process that answers IMDS and is none of the known ones."""
    head = [("Server", "corp-metadata/1.0"), ("Content-Type", "text/plain")]
    if "/security-credentials/" in request.path and not request.path.endswith("/"):
        return Response(200, aws.bodies.imds_role(aws.source_host(request)), head)
    return Response(200, b"corp-role", head)


def shop(request, how, _server):
    return Response(how.get("status", 200), b"<html>shop " + request.path.encode() + b"</html>",
                    [("Server", "nginx"), ("Content-Type", "text/html")])
