# SPDX-License-Identifier: Apache-2.0
"""A place for processes of which nothing stays behind: a PID and a network namespace, a cgroup and
a work directory (root).

Three processes make sure of it: the launcher; init, first process of the PID namespace, which
takes every other process with it; and a guardian outside, which removes the cgroups and the work
directory as soon as the launcher is gone, however it went.
"""
import dataclasses
import os
import shutil
import signal
import sys
import tempfile

from . import cgroups, linux


@dataclasses.dataclass
class Place:
    cgroup: str  # the instance's directory in cgroup v2
    work: str    # a directory for its files


def _guardian(read_fd, place):
    """Wait for the launcher's end of a pipe to close, then clean up. Never returns."""
    os.setsid()
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(sig, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.chdir("/")
    os.closerange(3, read_fd)
    os.closerange(read_fd + 1, 4096)
    while os.read(read_fd, 1):
        pass
    cgroups.remove(place.cgroup)
    shutil.rmtree(place.work, ignore_errors=True)
    os._exit(0)


def _init(body, place):
    """First process of the PID namespace: starts the body and reaps. Never returns."""
    linux.die_with_parent()
    os.setsid()
    cgroups.enter(os.path.join(place.cgroup, "sim"))
    linux.unshare(linux.CLONE_NEWNET)
    linux.private_mounts()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = body(place)
        except BaseException as error:  # the message is all that a parent could do with it
            print(f"{os.path.basename(sys.argv[0])}: {error!r}", file=sys.stderr)
            if os.environ.get("NODE_TRACEBACK"):
                import traceback
                traceback.print_exc()
        sys.stdout.flush()
        os._exit(status)
    while True:
        done, status = os.wait()
        if done == pid:
            os._exit(os.waitstatus_to_exitcode(status) & 0xff)


def run(body, parent=None):
    """Call body(place) in a process of the place's own; its result is the exit status, which is
    returned. parent: the cgroup v2 directory to build below; default its root."""
    if os.geteuid() != 0:
        raise SystemExit("needs root (namespaces and cgroups)")
    parent = parent or linux.cgroup2_root()
    cgroups.sweep(parent)
    place = Place(os.path.join(parent, cgroups.instance_name(os.getpid())),
                  tempfile.mkdtemp(prefix="credscope-sim-"))

    read_fd, write_fd = os.pipe()
    if os.fork() == 0:
        os.close(write_fd)
        _guardian(read_fd, place)
    os.close(read_fd)
    os.makedirs(os.path.join(place.cgroup, "sim"))

    linux.unshare(linux.CLONE_NEWPID)
    child = os.fork()
    if child == 0:
        os.close(write_fd)
        _init(body, place)

    def stop(number, _frame):
        stop.signal = number
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it had just ended

    stop.signal = 0
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, stop)
    _, status = os.waitpid(child, 0)
    gone = cgroups.remove(place.cgroup)
    shutil.rmtree(place.work, ignore_errors=True)
    if not gone:
        print(f"could not remove {place.cgroup}", file=sys.stderr)
    if stop.signal:
        return 128 + stop.signal
    return os.waitstatus_to_exitcode(status) & 0xff
