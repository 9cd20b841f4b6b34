# SPDX-License-Identifier: Apache-2.0
"""Builds the client programs into .cache/sdks, from lock files and the ordinary registries. What
is built already stays; what can't be built is named with the reason."""
import dataclasses
import fcntl
import hashlib
import os
import shutil
import subprocess

from . import operations, table

SECONDS = 2400  # the longest one: Rust on two busy cores


@dataclasses.dataclass(frozen=True)
class Toolchain:
    """source: directory or file below clients/, copied to .cache/sdks/NAME, where steps run."""
    source: str
    needs: tuple
    steps: tuple


def _venv(requirements):
    return Toolchain(f"python/{requirements}", ("/usr/bin/python3",), (
        ("/usr/bin/python3", "-m", "venv", "venv"),
        ("venv/bin/pip", "install", "-q", "--disable-pip-version-check", "--no-deps",
         "--require-hashes", "-r", requirements)))


TOOLCHAINS = {
    "python-boto3": _venv("boto3.txt"),
    "python-awscli": _venv("awscli.txt"),
    "python-azure": _venv("azure.txt"),
    "js": Toolchain("js", ("node", "npm"), (
        ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"),)),
    "go": Toolchain("go", ("go",), tuple(
        ("go", "build", "-mod=readonly", "-o", f"bin-{name}", f"./{name}")
        for name in ("aws1", "aws2", "azure"))),
    "java": Toolchain("java", ("java", "javac", "mvn"), (
        ("mvn", "-B", "-q", "package"),)),
    "rust": Toolchain("rust", ("cargo",), (
        ("nice", "-n", "10", "cargo", "build", "--release", "--locked", "--target-dir",
         "target"),)),
}


def _sum(toolchain, source):
    """Of all that a build is made from."""
    digest = hashlib.sha256(repr(toolchain).encode())
    walk = os.walk(source) if os.path.isdir(source) else [("", [], [source])]
    for path in sorted(os.path.join(where, name) for where, _, names in walk for name in names):
        digest.update(os.path.relpath(path, source).encode())
        with open(path, "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()


def build(name):
    """"" when NAME is built, else why it is not."""
    toolchain = TOOLCHAINS[name]
    missing = [need for need in toolchain.needs if not shutil.which(need)]
    if missing:
        return "no " + ", ".join(missing) + " on this machine"
    source, directory = os.path.join(operations.HERE, "clients", toolchain.source), \
        os.path.join(table.CACHE, name)
    stamp, wanted = os.path.join(directory, ".built"), _sum(toolchain, source)
    try:
        with open(stamp, encoding="ascii") as f:
            if f.read() == wanted:
                return ""
    except FileNotFoundError:
        pass
    print(f"building {name}", flush=True)
    os.makedirs(directory, exist_ok=True)
    if os.path.isdir(source):
        shutil.copytree(source, directory, dirs_exist_ok=True)
    else:
        shutil.copy(source, directory)
    with open(os.path.join(directory, "build.log"), "wb") as log:
        for step in toolchain.steps:
            try:
                subprocess.run(step, cwd=directory, stdin=subprocess.DEVNULL, stdout=log,
                               stderr=log, timeout=SECONDS, check=True)
            except (OSError, subprocess.SubprocessError) as error:
                return f"{error}; see {log.name}"
    with open(stamp, "w", encoding="ascii") as f:
        f.write(wanted)
    return ""


def login_certificate():
    """A key and a certificate by which an application may log in, made here: no secret."""
    if os.path.exists(operations.CERTIFICATE):
        return
    key = operations.CERTIFICATE + ".key"
    with open(operations.CERTIFICATE + ".new", "wb") as out:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-days", "3650", "-subj", "/CN=login"], stdout=out,
                       stderr=subprocess.DEVNULL, timeout=60, check=True)
        with open(key, "rb") as f:
            out.write(f.read())
    os.rename(out.name, operations.CERTIFICATE)


def build_all(sdks):
    """{toolchain: why it is not built, "" when it is} for those SDKs; one caller at a time."""
    os.makedirs(table.CACHE, exist_ok=True)
    with open(os.path.join(table.CACHE, "lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        login_certificate()
        return {name: build(name) for name in dict.fromkeys(s.toolchain for s in sdks)}
