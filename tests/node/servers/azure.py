# SPDX-License-Identifier: Apache-2.0
"""Azure IMDS, NMI of AAD Pod Identity, the migration sidecar's proxy, Entra."""
import base64
import json
import time
import urllib.parse

from . import bodies, upstream
from .aws import go_error, source_host
from .message import Response

JSON = ("Content-Type", "application/json; charset=utf-8")
IMDS = ("Server", "IMDS/150.870.65.1103")


def _is_token(path):
    return path.lower().startswith("/metadata/") and "/identity/oauth2/token" in path


def imds(request, how, _server):
    def reply(status, body, action="metadata"):
        return Response(status, body, [JSON, IMDS], action=action)

    asks_token = _is_token(request.path) and "resource=" in request.path
    if request.headers.get("metadata", "").lower() != "true":
        return reply(400, b'{ "error": "Bad request. Required metadata header not specified" }')
    if how.get("status"):
        return reply(how["status"], b'{"error":"invalid_request"}',
                     "token" if asks_token else "metadata")
    if _is_token(request.path):
        if not asks_token:
            return reply(400, b'{"error":"invalid_request"}')
        return reply(200, bodies.azure_token(source_host(request)), "token")
    if request.path.startswith("/metadata/instance"):
        return reply(200, b'{"compute":{"location":"westeurope","azEnvironment":"AzurePublic"}}')
    return reply(404, b'{ "error": "Not found" }')


def nmi(request, how, server):
    """Token requests are answered without a Server header, all else is proxied to IMDS."""
    started = time.monotonic()
    if not _is_token(request.path):
        status, headers, body = upstream.call(
            server, "azure-instance", path=request.path,
            metadata=request.headers.get("metadata"))
        kept = [(k, v) for k, v in headers if k.lower() in ("content-type", "server")]
        return Response(status, body, kept, upstream=time.monotonic() - started)
    if request.headers.get("metadata", "").lower() != "true":
        return Response(400, b'{"error":"invalid_request"}', [JSON])
    status = how.get("status", 200)
    if status != 200:
        return go_error(status, {404: "no AzureAssignedIdentity found for pod",
                                 403: "failed to acquire token"}.get(status, "failed"))
    upstream.call(server, "azure-token")
    return Response(200, bodies.azure_token(source_host(request), nmi=True),
                    [("Content-Type", "application/json")], upstream=time.monotonic() - started)


def proxy_sidecar(request, how, server):
    """azwi-proxy in the pod: a token request becomes a federated one to Entra."""
    name = [("Content-Type", "application/json"),
            ("Server", "azure-workload-identity/proxy/v1.6.0 (linux/amd64) d878231/2026-04-10")]
    started = time.monotonic()
    if not _is_token(request.path):
        return Response(404, b"{}", name)
    upstream.call(server, "entra-wi")
    return Response(how.get("status", 200), bodies.azure_token(source_host(request)), name,
                    upstream=time.monotonic() - started)


def _login(request):
    """What a login proves itself by, and the length of that proof when it is a token."""
    form = urllib.parse.parse_qs(request.body.decode("latin-1"))
    assertion = form.get("client_assertion", [""])[0]
    if not assertion:
        return "secret" if "client_secret" in form else "other", 0
    if assertion.count(".") != 2:
        return "other", len(assertion)
    claims = assertion.split(".")[1]
    subject = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))).get("sub", "")
    kind = "federated" if subject.startswith("system:serviceaccount:") else "certificate"
    return kind, len(assertion)


def entra(request, how, _server):
    heads = [("Cache-Control", "no-store, no-cache"), JSON,
             ("x-ms-request-id", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9")]
    path = request.path.partition("?")[0]
    # the second is the end-point before version 2.0, which adal knows
    login = request.method == "POST" and path.endswith(("/oauth2/v2.0/token", "/oauth2/token"))
    action, proof = _login(request) if login else ("discovery", 0)
    more = {"action": action, "credential_bytes": proof}
    if how.get("status"):
        return Response(how["status"], b'{"error":"invalid_client"}', heads, **more)
    if login:
        token = bodies.entra_token if path.endswith("/oauth2/v2.0/token") else bodies.azure_token
        return Response(200, token(source_host(request)), heads, **more)
    return Response(200, bodies.entra_discovery(request.headers["host"], request.path), heads, **more)
