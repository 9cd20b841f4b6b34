# SPDX-License-Identifier: Apache-2.0
"""The node's scenario: a pod for each SDK and operation. $SDKS: the SDKs that are built;
$SDK_OPERATIONS: as --operations."""
import os
import shlex

from node.scenarios import Container, Pod, Scenario

from . import operations, table

ENVIRONMENT = {
    "NODE_EXTRA_CA_CERTS": "{ca}", "REQUESTS_CA_BUNDLE": "{ca}",
    "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_SDK_LOAD_CONFIG": "1",
}
CLOUD = ("sts-h2", "sts-once", "sts-tls12-once", "entra-h2", "entra-once")
# An application of 32 containers that all start at once is no test of who does what; but some
# must run beside each other.
AT_ONCE = 4


def _command(sdk, operation):
    often = (str(sdk.turns), str(sdk.workers))
    one = (*sdk.argv, operation.verb, *often)
    if not operation.beside:
        return one
    other = dict(operation.beside)
    first, second = shlex.join(one), shlex.join((*sdk.argv, other.pop("VERB", operation.verb),
                                                 *often))
    without = " ".join(f"-u {name}" for name, _ in operation.env if name not in other)
    given = shlex.join(f"{name}={value}" for name, value in other.items())
    return ("/bin/sh", "-c", f"{first} & one=$!; env {without} {given} {second} && wait $one")


def _pod(sdk, name, operation):
    aws = operations.AWS.get(name) is operation
    env = dict((*(operations.AWS_COMMON if aws else ()), *operation.env))
    container = Container([], command=_command(sdk, operation), env=env,
                          declares=operation.declares)
    return Pod(table.pod_name(sdk, name), [container], token_bytes=operation.token_bytes,
               behaviours={where: list(how) for where, how in operation.behaviours})


def scenario(names, words):
    sdks = [table.narrowed(sdk, words) for sdk in table.SDKS if sdk.name in names]
    pods = [_pod(sdk, name, operation) for sdk in sdks
            for name, operation in sdk.operations.items() if name not in sdk.lacks]
    return Scenario(pods, cloud=CLOUD, seconds=1500.0, at_once=AT_ONCE, environment=ENVIRONMENT)


TABLE = {"sdks": scenario(os.environ.get("SDKS", "").split(","),
                           os.environ.get("SDK_OPERATIONS", ""))}
