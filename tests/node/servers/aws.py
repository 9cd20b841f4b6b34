# SPDX-License-Identifier: Apache-2.0
"""EKS Pod Identity agent, EC2 IMDS, STS, EKS Auth and EC2: heads, codes and bodies of the real ones."""
import json
import time
import urllib.parse

from .. import net, truth
from . import bodies, upstream
from .message import Response

GO_ERROR = [("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff")]
AGENT_ERRORS = {
    400: "[0a1b2c3d-4e5f]: (InvalidRequestException): token rejected, fault: client",
    403: "Access Denied. Called agent through invalid address",
    404: "[0a1b2c3d-4e5f]: (ResourceNotFoundException): No association found, fault: client",
    429: "Too Many Requests", 500: "Internal Server Error occurred",
    503: "Service Unavailable",
}


def source_host(request):
    return truth.endpoint(request.peer).rpartition(":")[0]


def go_error(status, message):
    return Response(status, message.encode() + b"\n", list(GO_ERROR))


def agent(request, how, server):
    """eks-pod-identity-agent: no Server header, Go's errors, chunked above 2 KB."""
    host = request.headers.get("host", "").removesuffix(":80").strip("[]")
    if request.path == "//v1/credentials":
        return Response(307, b"", [("Location", "/v1/credentials")])
    if request.path != "/v1/credentials":
        return go_error(404, "404 page not found")
    if host not in (net.AGENT4, net.AGENT6):
        return go_error(403, AGENT_ERRORS[403])
    if not request.headers.get("authorization"):
        return go_error(400, "Service account token cannot be empty")
    status = how.get("status", 200)
    spent = 0.0
    if status != 429 and server.spec.get("upstream") and _first(server, request):
        started = time.monotonic()
        upstream.call(server, "eks-auth")
        spent = time.monotonic() - started
    if status != 200:
        response = go_error(status, AGENT_ERRORS[status])
        response.upstream = spent
        return response
    body = bodies.pod_identity(source_host(request), how.get("session", 1100))
    chunked = len(body) > 2048
    return Response(200, body, [("Content-Type", "application/json")], chunked, upstream=spent,
                    action="credentials")


def _first(server, request):
    """The agent caches by token: it asks EKS Auth once for each caller."""
    with server.lock:
        seen = server.__dict__.setdefault("asked", set())
        host = source_host(request)
        new = host not in seen
        seen.add(host)
    return new


EC2 = [("Content-Type", "text/plain"), ("Server", "EC2ws"), ("Connection", "close")]
ROLE = "node-instance-role"
EC2_VALUES = {
    "/latest/meta-data/placement/region": b"us-east-1",
    "/latest/meta-data/placement/availability-zone/": b"us-east-1a",
    "/latest/meta-data/instance-id": b"i-0123456789abcdef0",
    "/latest/dynamic/instance-identity/document": b'{"region" : "us-east-1"}',
}


def imds(request, how, server):
    """EC2 IMDS; one connection a request. Spec keys: v1 (bool), hop_limit."""
    def reply(status, body=b"", ttl=0, action="metadata", more=()):
        return Response(status, body, [*EC2, *more], close=True, ttl=ttl, action=action)

    path = request.path.partition("?")[0]
    if how.get("status"):
        return reply(how["status"])
    if path == "/latest/api/token":
        if request.method != "PUT":
            return reply(405)
        lifetime = request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
        if not lifetime.isdigit():
            return reply(400)
        on_node = source_host(request) in (net.NODE4, net.NODE6)
        ttl = server.spec.get("hop_limit", 2)
        if how.get("hop_limit"):
            ttl = how["hop_limit"]
        return reply(200, bodies.text("imds" + source_host(request), 56).encode(),
                     0 if on_node else ttl,
                     more=[("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", lifetime)])
    if "x-aws-ec2-metadata-token" not in request.headers and not server.spec.get("v1", True):
        return reply(401)
    roles = "/latest/meta-data/iam/security-credentials"
    if path.rstrip("/") == roles:
        return reply(200, ROLE.encode())
    if path == f"{roles}/{ROLE}":
        return reply(200, bodies.imds_role(source_host(request)), action="role-v2" if
                     "x-aws-ec2-metadata-token" in request.headers else "role-v1")
    if path in EC2_VALUES:
        return reply(200, EC2_VALUES[path])
    return reply(404, b"<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html>404</html>\n")


REQUEST_ID = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
STS_ERRORS = {400: ("InvalidIdentityToken", "No OpenIDConnect provider found"),
              403: ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
              429: ("Throttling", "Rate exceeded"), 500: ("InternalFailure", "internal failure")}


def sts(request, how, _server):
    form = urllib.parse.parse_qs(request.body.decode("latin-1"))
    action = form.get("Action", ["none"])[0]
    status = how.get("status", 200)
    seed = source_host(request)
    if status != 200:
        body = bodies.sts_error(*STS_ERRORS[status])
    elif action in ("AssumeRoleWithWebIdentity", "AssumeRole"):
        body = bodies.sts_credentials(action, seed, how.get("lifetime", 3600))
    elif action == "GetCallerIdentity":
        body = bodies.sts_identity()
    else:
        status, body = 400, bodies.sts_error("InvalidAction", "Could not find operation")
    return Response(status, body, [("x-amzn-RequestId", REQUEST_ID),
                                   ("Content-Type", "text/xml")], action=action,
                    credential_bytes=len(form.get("WebIdentityToken", [""])[0]))


# botocore data/eks-auth/2023-11-26/service-2.json
EKS_AUTH_ERRORS = {400: "AccessDeniedException", 404: "ResourceNotFoundException",
                   429: "ThrottlingException", 500: "InternalServerException",
                   503: "ServiceUnavailableException"}


def eks_auth(request, how, _server):
    kind = [("Content-Type", "application/json")]
    if not request.path.endswith("/assume-role-for-pod-identity"):
        return Response(404, b"{}", kind)
    status = how.get("status", 200)
    if status != 200:
        name = EKS_AUTH_ERRORS[status]
        return Response(status, json.dumps({"message": "made up"}).encode(),
                        [*kind, ("x-amzn-ErrorType", name), ("x-amzn-RequestId", REQUEST_ID)])
    return Response(200, bodies.eks_auth("eks-auth"), kind)


def ec2(_request, _how, _server):
    """DescribeRegions, which kube2iam asks for before it calls STS."""
    regions = "".join(f"<item><regionName>{r}</regionName><regionEndpoint>ec2.{r}.amazonaws.com"
                      "</regionEndpoint></item>" for r in ("us-east-1", "eu-west-1"))
    return Response(200, f"""<?xml version="1.0" encoding="UTF-8"?>
<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<requestId>0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9</requestId><regionInfo>{regions}</regionInfo>
</DescribeRegionsResponse>""".encode(), [("Content-Type", "text/xml;charset=UTF-8")])
