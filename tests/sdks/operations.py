# SPDX-License-Identifier: Apache-2.0
"""What the SDKs are to do, as data: environments and what the end-points must see of each."""
import dataclasses
import os

from node import objects, tls
from node.clients import catalog

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.path.dirname(os.path.dirname(HERE)), ".cache/sdks")
CERTIFICATE = os.path.join(CACHE, "login.pem")  # of client-certificate; see toolchains.py


@dataclasses.dataclass(frozen=True)
class Operation:
    """verb: what the client programs understand. env: the container's environment. declares: what
    a webhook projects into the pod. actions: in the servers' words, what each turn must make
    happen at least once. behaviours: of the end-points (node.scenarios.Pod).
    beside: the environment of a second process of the container, which does the same, or VERB.
    seen: of those actions, what the end-points must have seen beside: a field and its value."""
    verb: str
    env: tuple
    actions: tuple
    declares: tuple = ()
    behaviours: tuple = ()
    token_bytes: int = 1152
    beside: tuple = ()
    seen: tuple = ()


AWS_COMMON = (("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-1"),
              ("AWS_STS_REGIONAL_ENDPOINTS", "regional"))
STATIC = (("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
          ("AWS_SECRET_ACCESS_KEY", "made-up-value-of-forty-characters-or-so"))
SESSION = (*STATIC, ("AWS_SESSION_TOKEN", "T" * 1100))


def _region(name):
    return ("AWS_REGION", name), ("AWS_DEFAULT_REGION", name)


def _authority(host):
    return (("AZURE_AUTHORITY_HOST", f"https://{host}/"),)


# What is special of these regions' and clouds' end-points: node/tls.py.
TLS12_REGION, H2_REGION = _region("eu-west-1"), _region("eu-central-1")
ONCE_REGION, TLS12_ONCE_REGION = _region("eu-west-2"), _region("eu-west-3")
TLS12_AUTHORITY = _authority("login.microsoftonline.us")
H2_AUTHORITY = _authority("login.chinacloudapi.cn")
ONCE_AUTHORITY = _authority("login.partner.microsoftonline.cn")
POD_IDENTITY_6 = (("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[fd00:ec2::23]/v1/credentials"),
                  ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", catalog.PIA_TOKEN))
TENANT = (("AZURE_TENANT_ID", catalog.TENANT),
          ("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555"))
# credentials that are as good as expired: each call has the SDK get new ones first
SHORT = {"lifetime": 240, "delay": 0.03}
SHORT_LIVED = tuple((name, (SHORT,)) for name in ("sts", "sts-once", "sts-tls12-once"))
TOKEN_REFUSED = (("imds", ({"path": "/latest/api/token", "status": 403},)),)
# Java looks for a proxy under the other name, and where it is told to.
PROXY = (("HTTPS_PROXY", "http://proxy.internal.example:3128"),
         ("HTTP_PROXY", "http://proxy.internal.example:3128"),
         ("NO_PROXY", "169.254.169.254,169.254.170.23"),
         ("JAVA_TOOL_OPTIONS", "-Djava.net.useSystemProxies=true"))
PROXIED, HTTP2 = ("proxied", True), ("alpn", "h2")
IRSA_CALL, IDENTITY_CALL = "AssumeRoleWithWebIdentity", "GetCallerIdentity"

BY_CERTIFICATE = (*TENANT, ("AZURE_CLIENT_CERTIFICATE_PATH", CERTIFICATE))

AWS = {
    "pod-identity": Operation("credentials", objects.ENV["pod-identity"], ("credentials",),
                              ("pod-identity",)),
    "pod-identity-6": Operation("credentials", POD_IDENTITY_6, ("credentials",),
                                ("pod-identity",)),
    "irsa": Operation("identities", objects.ENV["irsa"], (IRSA_CALL, IDENTITY_CALL), ("irsa",)),
    "irsa-assume": Operation("identity", (("AWS_PROFILE", "cross-account"),
                                          ("AWS_CONFIG_FILE", os.path.join(HERE, "aws-config"))),
                             (IRSA_CALL, "AssumeRole", IDENTITY_CALL), ("irsa",)),
    "static-identity": Operation("identities", STATIC, (IDENTITY_CALL,)),
    "static-assume": Operation("assume", STATIC, ("AssumeRole",)),
    # signed with a session token: as long as a web-identity call
    "session-identity": Operation("identities", SESSION, (IDENTITY_CALL,)),
    "irsa-tls12": Operation("identities", (*objects.ENV["irsa"], *TLS12_REGION),
                            (IRSA_CALL, IDENTITY_CALL), ("irsa",)),
    "session-tls12": Operation("identities", (*SESSION, *TLS12_REGION), (IDENTITY_CALL,)),
    "irsa-vpce": Operation("identities", (*objects.ENV["irsa"],
                                          ("AWS_ENDPOINT_URL_STS", f"https://{tls.VPCE}")),
                           (IRSA_CALL, IDENTITY_CALL), ("irsa",)),
    "irsa-ipv6": Operation("identities", (*objects.ENV["irsa"],
                                          ("AWS_USE_DUALSTACK_ENDPOINT", "true")),
                           (IRSA_CALL, IDENTITY_CALL), ("irsa",)),
    "irsa-fips": Operation("identities", (*objects.ENV["irsa"], ("AWS_USE_FIPS_ENDPOINT", "true")),
                           (IRSA_CALL, IDENTITY_CALL), ("irsa",)),
    "irsa-long": Operation("identities", objects.ENV["irsa"], (IRSA_CALL, IDENTITY_CALL),
                           ("irsa",), token_bytes=1500),
    "irsa-beside": Operation("identities", objects.ENV["irsa"], (IRSA_CALL, IDENTITY_CALL),
                             ("irsa",), beside=SESSION),
    "irsa-renewed": Operation("identities", objects.ENV["irsa"], (IRSA_CALL, IDENTITY_CALL),
                              ("irsa",), SHORT_LIVED),
    # a connection a call: whoever keeps sessions resumes them
    "irsa-once": Operation("identities", (*objects.ENV["irsa"], *ONCE_REGION),
                           (IRSA_CALL, IDENTITY_CALL), ("irsa",), SHORT_LIVED),
    "session-once": Operation("identities", (*SESSION, *ONCE_REGION), (IDENTITY_CALL,)),
    "irsa-tls12-once": Operation("identities", (*objects.ENV["irsa"], *TLS12_ONCE_REGION),
                                 (IRSA_CALL, IDENTITY_CALL), ("irsa",), SHORT_LIVED),
    "irsa-global": Operation("identities", (*objects.ENV["irsa"],
                                            ("AWS_STS_REGIONAL_ENDPOINTS", "legacy"),
                                            ("AWS_ENDPOINT_URL_STS", "https://sts.amazonaws.com")),
                             (IRSA_CALL, IDENTITY_CALL), ("irsa",)),
    "irsa-proxy": Operation("identities", (*objects.ENV["irsa"], *PROXY),
                            (IRSA_CALL, IDENTITY_CALL), ("irsa",), seen=PROXIED),
    "session-proxy": Operation("identities", (*SESSION, *PROXY), (IDENTITY_CALL,), seen=PROXIED),
    "irsa-h2": Operation("identities", (*objects.ENV["irsa"], *H2_REGION),
                         (IRSA_CALL, IDENTITY_CALL), ("irsa",), seen=HTTP2),
    "session-h2": Operation("identities", (*SESSION, *H2_REGION), (IDENTITY_CALL,), seen=HTTP2),
    "static-assume-h2": Operation("assume", (*STATIC, *H2_REGION), ("AssumeRole",), seen=HTTP2),
    "pod-identity-assume": Operation("assume", objects.ENV["pod-identity"],
                                     ("credentials", "AssumeRole"), ("pod-identity",)),
    "imdsv2-identity": Operation("identities", (), ("role-v2", IDENTITY_CALL)),
    "imdsv2": Operation("credentials", (), ("role-v2",)),
    "imdsv1": Operation("credentials", (), ("role-v1",), behaviours=TOKEN_REFUSED),
}
AZURE = {
    "managed-identity": Operation("managed-identity", (), ("token",)),
    "workload-identity": Operation("workload-identity", objects.ENV["workload-identity"],
                                   ("federated",), ("workload-identity",)),
    "client-secret": Operation("client-secret", (*TENANT, ("AZURE_CLIENT_SECRET", "made-up-value")),
                               ("secret",)),
    # proven by a token too, one that the client signs itself
    "client-certificate": Operation("client-certificate", BY_CERTIFICATE, ("certificate",)),
    "workload-tls12": Operation("workload-identity",
                                (*objects.ENV["workload-identity"], *TLS12_AUTHORITY),
                                ("federated",), ("workload-identity",)),
    "certificate-tls12": Operation("client-certificate", (*BY_CERTIFICATE, *TLS12_AUTHORITY),
                                   ("certificate",)),
    "workload-long": Operation("workload-identity", objects.ENV["workload-identity"],
                               ("federated",), ("workload-identity",), token_bytes=1500),
    "workload-once": Operation("workload-identity",
                               (*objects.ENV["workload-identity"], *ONCE_AUTHORITY),
                               ("federated",), ("workload-identity",)),
    "certificate-once": Operation("client-certificate", (*BY_CERTIFICATE, *ONCE_AUTHORITY),
                                  ("certificate",)),
    "workload-proxy": Operation("workload-identity", (*objects.ENV["workload-identity"], *PROXY),
                                ("federated",), ("workload-identity",), seen=PROXIED),
    "certificate-proxy": Operation("client-certificate", (*BY_CERTIFICATE, *PROXY),
                                   ("certificate",), seen=PROXIED),
    "workload-h2": Operation("workload-identity",
                             (*objects.ENV["workload-identity"], *H2_AUTHORITY),
                             ("federated",), ("workload-identity",), seen=HTTP2),
    "certificate-h2": Operation("client-certificate", (*BY_CERTIFICATE, *H2_AUTHORITY),
                                ("certificate",), seen=HTTP2),
    "secret-h2": Operation("client-secret", (*TENANT, ("AZURE_CLIENT_SECRET", "made-up-value"),
                                             *H2_AUTHORITY), ("secret",), seen=HTTP2),
    "workload-beside": Operation("workload-identity", objects.ENV["workload-identity"],
                                 ("federated",), ("workload-identity",),
                                 beside=(*BY_CERTIFICATE, ("VERB", "client-certificate"))),
}
