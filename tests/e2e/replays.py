# SPDX-License-Identifier: Apache-2.0
"""The facts that a kernel told in a test, once more through the pipeline by tools/replay."""
import os
import re
import subprocess

from node import session, truth

FACTS = "facts"


def recorded(directory):
    """Options for session.Observer."""
    return "--record-facts", os.path.join(directory, FACTS)


def replay(directory, *options):
    """(events, {account: number}) of what an observer with recorded() left in directory."""
    path = os.path.join(directory, "replayed.jsonl")
    with open(path, "wb") as out:  # a pipe that is full would lose lines, as an event log may
        done = subprocess.run(
            [os.path.join(os.path.dirname(session.binary()), "tools/replay"), *map(str, options),
             "--kube", os.path.join(directory, "pods.json"), os.path.join(directory, FACTS)],
            stdout=out, stderr=subprocess.PIPE, text=True, timeout=120, check=True)
    accounts = {name: float(value) for name, value in re.findall(
        r"^(seconds|exchanges|connections) ([\d.]+)", done.stderr, re.M)}
    return truth.read(path), accounts
