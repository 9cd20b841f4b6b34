# SPDX-License-Identifier: Apache-2.0
"""kube2iam, an unknown interceptor, bystanders and the cloud's shared IMDS address."""
import time

from . import aws, azure, upstream
from .httpd import Response


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


def interceptor(request, _how, _server):
    """A local process that answers IMDS and is none of the known ones."""
    head = [("Server", "corp-metadata/1.0"), ("Content-Type", "text/plain")]
    if "/security-credentials/" in request.path and not request.path.endswith("/"):
        return Response(200, aws.bodies.imds_role(aws.source_host(request)), head)
    return Response(200, b"corp-role", head)


def shop(request, how, _server):
    return Response(how.get("status", 200), b"<html>shop " + request.path.encode() + b"</html>",
                    [("Server", "nginx"), ("Content-Type", "text/html")])
