# SPDX-License-Identifier: Apache-2.0
"""What the programs' scenarios share; TABLE is for node.scenarios."""
import importlib
import json
import os
import pkgutil

from node import net
from node.scenarios import Container, Pod

from . import kube_api as kube_api_server
from . import program
from .program import HERE, KUBE

NODE = net.NODE4
RETIRING, FIRST_FAILED = ("retiring-mechanism",), ("first-call-failed",)
REGION = {"AWS_REGION": "us-east-1"}
API_PORT = 6443
FIRST = 1.0  # seconds after go: the API server listens, its kubeconfig is written
ASK = 3.0    # … and the program too


def raw(what, **more):
    return {"do": what, "tool": "raw", **more}


def urllib(what, **more):
    return {"do": what, "tool": "urllib", **more}


def at(seconds, steps):
    """Whatever the machine is busy with: not before its program has begun."""
    return [{"do": "until", "seconds": seconds}, steps]


BOTO3 = {"do": "boto3", "declares": ""}


def asks(name, steps, role="", known_after=0, start=ASK, python="system", **more):
    """A pod that asks; it starts once the program listens. role: its annotation; known_after: the
    seconds after which the API server tells of it."""
    annotations = {kube_api_server.ROLE: role} if role else {}
    if known_after:
        annotations[kube_api_server.KNOWN_AFTER] = str(known_after)
    return Pod(name, [Container(steps if isinstance(steps, list) else [steps], start=start,
                                python=python)], annotations=annotations, **more)


def runs(workload, executable, *arguments, start=FIRST, env=None, **more):
    """The program's own pod: of a DaemonSet, on the host's network."""
    command = (program.path(executable), *arguments)
    return Pod(f"{workload}-x7k2p", [Container([], name=workload, command=command, start=start,
                                               endless=True, env={**REGION, **(env or {})})],
               namespace="kube-system", service_account=workload, workload=workload,
               workload_kind="DaemonSet", host_network=True, **more)


def once(name, *command, start=ASK):
    """A program on the host's network that runs to its end."""
    return Pod(name, [Container([], command=command, start=start)], namespace="kube-system",
               host_network=True)


def kube_api(*more):
    """The API server that it lists pods from; its kubeconfig is KUBE/config. more: what it has
    besides, as kube_api.py takes it."""
    command = ("/usr/bin/python3", "-B", os.path.join(HERE, "kube_api.py"), KUBE, str(API_PORT),
               "{truth}/pods.json", *(json.dumps(m) for m in more))
    return Pod("kube-apiserver", [Container([], name="kube-apiserver", command=command,
                                            endless=True)],
               namespace="kube-system", service_account="kube-apiserver", host_network=True,
               workload="kube-apiserver")


def programs():
    """{name: Program} of the modules that have one."""
    found = {}
    for module in pkgutil.iter_modules([HERE]):
        if module.name not in ("program", "scenario", "kube_api", "case", "aad", "__main__"):
            one = importlib.import_module(f"{__package__}.{module.name}").PROGRAM
            found[one.name] = one
    return found
