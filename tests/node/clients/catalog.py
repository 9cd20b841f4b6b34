# SPDX-License-Identifier: Apache-2.0
"""Every request that a client of the simulated node can make: one row each.

The mechanism is what the caller means to do, in the words of credscope's documentation.
"""
import dataclasses
import os
import urllib.parse

from .. import net, tls

PIA_TOKEN = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token"
IRSA_TOKEN = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
OWN_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # for the API server alone
AZURE_TOKEN = "/var/run/secrets/azure/wi/token/azure-identity-token"
AZURE_TOKEN_OLD = "/var/run/secrets/azure/tokens/azure-identity-token"

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
ROLES = "/latest/meta-data/iam/security-credentials/"
VERSION = "Version=2011-06-15"


@dataclasses.dataclass(frozen=True)
class Request:
    name: str
    mechanism: str
    address: str
    path: str
    method: str = "GET"
    port: int = 80
    host: str = ""  # Host header and SNI
    headers: tuple = ()
    body: bytes = b""
    tls: bool = False
    delivers: bool = False
    sized: bool = False  # under TLS, known well enough for the answer's size to tell its outcome
    intercepted_by: str = ""
    via: str = ""
    proxied: bool = False

    def head(self):
        """The bytes of the request, Authorization first as the JS SDK sends it."""
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{k}: {v}" for k, v in self.headers if k == "Authorization"]
        lines.append(f"Host: {self.host or self.address}")
        lines += [f"{k}: {v}" for k, v in self.headers if k != "Authorization"]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def _token(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def _pia(options):
    six = options.get("family") == 6
    address = net.AGENT6 if six else net.AGENT4
    return {"address": address,
            "host": options.get("host") or (f"[{address}]" if six else address),
            "path": options.get("path", "/v1/credentials"),
            "headers": (("Authorization", _token(PIA_TOKEN)), ("Accept", "application/json"))}


def _imds(path, method="GET"):
    def build(options):
        heads = [("User-Agent", options["agent"])] if options.get("agent") else []
        if method == "PUT" or options.get("method") == "PUT":
            heads.append(("X-aws-ec2-metadata-token-ttl-seconds", "21600"))
        elif options.get("token"):
            heads.append(("X-aws-ec2-metadata-token", options["token"]))
        address = net.IMDS6 if options.get("family") == 6 else net.IMDS4
        where = options.get("path", path)
        if path == ROLES + "?":
            where = ROLES + options.get("role", "node-instance-role")
        return {"address": address, "host": f"[{address}]" if ":" in address else address,
                "path": where, "method": options.get("method", method),
                "headers": tuple(heads)}
    return build


def _azure(path, needs_metadata=True):
    def build(options):
        on = options.get("metadata", "true") if needs_metadata else None
        return {"address": net.IMDS4, "path": options.get("path", path) + options.get("query", ""),
                "headers": (("Metadata", on),) if on else ()}
    return build


def _sts(address, host, form):
    def build(options):
        body = form(options)
        heads = [("Content-Type", "application/x-www-form-urlencoded")]
        if "WebIdentity" not in body:
            heads.append(("Authorization", "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260101/"
                          "us-east-1/sts/aws4_request, SignedHeaders=host, Signature=" + "0" * 64))
            if session := options.get("session", 900):
                heads.append(("X-Amz-Security-Token", "T" * session))
        built = {"address": address, "host": host, "port": 443, "method": "POST", "path": "/",
                 "headers": tuple(heads), "body": body.encode()}
        return _as_large_as(built, options.get("head", 0))
    return build


def _as_large_as(built, size):
    """The same with a User-Agent that makes its head as large as some SDK's."""
    have = len(Request(name="", mechanism="", **built).head())
    more = size - have - len("User-Agent: \r\n")
    if size and more < 1:
        raise ValueError(f"a head of {size} bytes can't hold what takes {have}")
    if size:
        built["headers"] += (("User-Agent", "s" * more),)
    return built


def _web_identity(options):
    path = OWN_TOKEN if options.get("borrowed") else \
        os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE", IRSA_TOKEN)
    token = _token(path)
    role = urllib.parse.quote("arn:aws:iam::111122223333:role/payments", safe="")
    return (f"Action=AssumeRoleWithWebIdentity&{VERSION}&RoleArn={role}"
            f"&RoleSessionName=session-1&WebIdentityToken={token}")


def _identity(_options):
    return f"Action=GetCallerIdentity&{VERSION}"


def _assume(_options):
    role = urllib.parse.quote("arn:aws:iam::444455556666:role/cross-account", safe="")
    return f"Action=AssumeRole&{VERSION}&RoleArn={role}&RoleSessionName=chain"


def _entra(form):
    def build(options):
        return {"address": tls.ENTRA4, "host": "login.microsoftonline.com", "port": 443,
                "method": "POST", "path": f"/{TENANT}/oauth2/v2.0/token",
                "headers": (("Content-Type", "application/x-www-form-urlencoded"),),
                "body": form(options).encode()}
    return build


def _assertion(options):
    path = AZURE_TOKEN_OLD if options.get("old_token") else AZURE_TOKEN
    kind = urllib.parse.quote("urn:ietf:params:oauth:client-assertion-type:jwt-bearer", safe="")
    return (f"client_assertion={_token(path)}&client_assertion_type={kind}"
            "&client_id=11111111-2222-3333-4444-555555555555&grant_type=client_credentials"
            "&scope=https%3A%2F%2Fvault.azure.net%2F.default")


def _certificate(options):
    """Signed by the application itself: a token as well, and smaller than a service account's."""
    kind = urllib.parse.quote("urn:ietf:params:oauth:client-assertion-type:jwt-bearer", safe="")
    return (f"client_assertion={'c' * options.get('assertion', 820)}&client_assertion_type={kind}"
            "&client_id=11111111-2222-3333-4444-555555555555&grant_type=client_credentials"
            "&scope=https%3A%2F%2Fvault.azure.net%2F.default")


def _secret(_options):
    return ("client_id=11111111-2222-3333-4444-555555555555&grant_type=client_credentials"
            "&client_secret=made-up-value&scope=https%3A%2F%2Fvault.azure.net%2F.default")


def _fixed(**fields):
    return lambda _options: fields


def _web(address, host, port):
    return lambda options: {"address": address, "host": host, "port": port,
                            "path": options.get("path", "/cart")}


AZURE_PATH = ("/metadata/identity/oauth2/token?api-version=2018-02-01"
              "&resource=https%3A%2F%2Fvault.azure.net")
STS_HOST = "sts.us-east-1.amazonaws.com"

# the size of the answer tells whether credentials came, though they may not be a consumer's
SIZED = ("irsa", "azure-workload-identity", "eks-auth")

# name: (mechanism, uses TLS, the answer carries credentials, builder)
TABLE = {
    "pia": ("eks-pod-identity", False, True, _pia),
    "agent-probe": ("metadata", False, False, _fixed(address=net.AGENT4, path="/")),
    "imds-token": ("metadata", False, False, _imds("/latest/api/token", "PUT")),
    "imds-list": ("metadata", False, False, _imds(ROLES)),
    "imds-region": ("metadata", False, False, _imds("/latest/meta-data/placement/region")),
    "imds-document": ("metadata", False, False,
                      _imds("/latest/dynamic/instance-identity/document")),
    "imds-extended": ("metadata", False, False,
                      _imds("/latest/meta-data/iam/security-credentials-extended/")),
    "imds-any": ("metadata", False, False, _imds("/latest/meta-data/instance-id")),
    "imdsv1-role": ("imdsv1", False, True, _imds(ROLES + "?")),
    "imdsv2-role": ("imdsv2", False, True, _imds(ROLES + "?")),
    "azure-token": ("azure-imds", False, True, _azure(AZURE_PATH)),
    "azure-instance": ("metadata", False, False,
                       _azure("/metadata/instance?api-version=2021-02-01")),
    "azure-unheaded": ("azure-imds", False, True, _azure(AZURE_PATH, False)),
    "azure-probe": ("metadata", False, False, _azure("/metadata/identity/oauth2/token", False)),
    "irsa": ("irsa", True, True, _sts(tls.STS4, STS_HOST, _web_identity)),
    "irsa-vpce": ("irsa", True, True, _sts(tls.STS4, tls.VPCE, _web_identity)),
    "gci": ("sts", True, False, _sts(tls.STS4, STS_HOST, _identity)),
    "gci-global": ("sts", True, False, _sts(tls.STS4, "sts.amazonaws.com", _identity)),
    "gci6": ("sts", True, False, _sts(tls.STS6, "sts.us-east-1.api.aws", _identity)),
    "assume-role": ("sts", True, False, _sts(tls.STS4, STS_HOST, _assume)),
    "entra-wi": ("azure-workload-identity", True, True, _entra(_assertion)),
    "entra-secret": ("entra", True, False, _entra(_secret)),
    "entra-certificate": ("entra", True, False, _entra(_certificate)),
    "eks-auth": ("eks-auth", True, False,
                 _fixed(address=tls.EKSAUTH4, host="eks-auth.us-east-1.api.aws", port=443,
                        method="POST", path="/clusters/demo/assume-role-for-pod-identity",
                        headers=(("Content-Type", "application/json"),),
                        body=b'{"token":"' + b"t" * 1152 + b'"}')),
    # nobody's business: credscope must say nothing about these
    "web": ("none", True, False, _web(tls.SHOP4, "shop.example.com", 443)),
    "web-plain": ("none", False, False, _web(tls.SHOP4, "shop.example.com", 80)),
    "web-evil": ("none", True, False, _web(tls.EVIL4, "evilsts.amazonaws.com", 443)),
}

# what an interceptor makes of a request that carries credentials
INTERCEPTED = {
    **dict.fromkeys(("nmi", "nmi-host-ip", "unbound-nmi"),
                    {"azure-imds": "aad-pod-identity"}),
    "proxy-sidecar": {"azure-imds": "azure-workload-identity-proxy"},
    **dict.fromkeys(("kube2iam", "kube2iam-pod"), {"imdsv1": "kube2iam", "imdsv2": "kube2iam"}),
    **dict.fromkeys(("kiam", "kiam-8181", "kiam-pod"), {"imdsv1": "kiam", "imdsv2": "kiam"}),
    "interceptor": {"imdsv1": "intercepted", "imdsv2": "intercepted"},
}


@dataclasses.dataclass
class Path:
    """What stands between a container and whom it asks. intercept: role of the interceptor, which
    answers in place of 169.254.169.254:80; takers, relays: who takes a connection there, and what
    mesh's proxy passes it on, by address, "*4" or "*6" -> listener; proxied: names of requests
    that the container makes for nobody knows whom."""
    intercept: str = ""
    takers: dict = dataclasses.field(default_factory=dict)
    relays: dict = dataclasses.field(default_factory=dict)
    proxied: tuple = ()

    def mechanism(self, meant):
        return INTERCEPTED.get(self.intercept, {}).get(meant, meant)

    def between(self, address):
        """Request's fields."""
        every = "*6" if ":" in address else "*4"
        return {"intercepted_by": self.takers.get(address, self.takers.get(every, "")),
                "via": self.relays.get(address, self.relays.get(every, ""))}


def request(name, options=None, path=Path()):
    mechanism, uses_tls, delivers, build = TABLE[name]
    mechanism = path.mechanism(mechanism)
    fields = {"name": name, "mechanism": mechanism, "tls": uses_tls, "delivers": delivers,
              "sized": mechanism in SIZED}
    built = build(options or {})
    if options and options.get("address"):
        built["address"] = options["address"]
    return Request(**{**fields, **built, **path.between(built["address"]),
                      "proxied": name in path.proxied})
