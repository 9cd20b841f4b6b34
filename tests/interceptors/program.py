# SPDX-License-Identifier: Apache-2.0
"""What a real program is to these tests: a row, in a module of the program's own name."""
import dataclasses
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.path.dirname(os.path.dirname(HERE)), ".cache", "interceptors")
KUBE = "{truth}/kube"  # kube_api.py's directory


@dataclasses.dataclass(frozen=True)
class Program:
    """A node with one program on it.

    executables: their names; one that has a directory below go/ is built from it, others must be
    given. scenario: () -> node Scenario with the program's own pods, which are those of kube-system,
    and those that ask. own: mechanisms that the program's own calls must have been seen to be.
    itself: (path, status) of what it asks of its own listener. holds: {pod: (least, most) seconds}
    that its slowest exchange must have taken.
    sidecar: the container that it is in the pods that ask. relayed: how many of their requests it
    passes on to IMDS. findings: the pods' rows say what must be found of them.
    """
    name: str
    executables: tuple
    scenario: object
    own: tuple
    intercepts: bool = True  # False: pods ask it by its own address
    itself: tuple = ()
    holds: dict = dataclasses.field(default_factory=dict)
    sidecar: str = ""
    relayed: int = 0
    findings: bool = False


def path(executable):
    """Where an executable is: in $INTERCEPTORS_PROGRAMS, else where build() puts it."""
    given = os.path.join(os.environ.get("INTERCEPTORS_PROGRAMS", "/nonexistent"), executable)
    return given if os.access(given, os.X_OK) else os.path.join(CACHE, executable)


def why_not(program):
    """"" when all executables are there (built now if need be), else which is not and why."""
    for executable in program.executables:
        if os.path.isdir(os.path.join(HERE, "go", executable)):
            done = subprocess.run([os.path.join(HERE, "build.sh"), executable], check=False,
                                  stdin=subprocess.DEVNULL, timeout=3000)
            if done.returncode != 0:
                return f"{executable} could not be built, see above"
        if not os.access(path(executable), os.X_OK):
            return (f"there is no {executable}: put one, as from its container image, into a "
                    "directory and name that in INTERCEPTORS_PROGRAMS")
    return ""
