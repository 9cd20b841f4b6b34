# SPDX-License-Identifier: Apache-2.0
"""python3 -m node run --scenario NAME --truth DIR: the simulated node's command (root).

Three processes make sure that nothing stays behind: the launcher; init, first process of a PID
namespace, which takes every other process with it; and a guardian outside, which removes the
cgroups and the work directory as soon as the launcher is gone, however it went.
"""
import argparse
import os
import shutil
import signal
import sys
import tempfile
import types

from . import cgroups, linux, scenarios


def guardian(read_fd, cgroup, work):
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
    cgroups.remove(cgroup)
    shutil.rmtree(work, ignore_errors=True)
    os._exit(0)


def init(name, options):
    """First process of the PID namespace: starts the simulation and reaps. Never returns."""
    linux.die_with_parent()
    os.setsid()
    cgroups.enter(os.path.join(options.cgroup, "sim"))
    linux.unshare(linux.CLONE_NEWNET)
    linux.private_mounts()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            from . import simulation
            status = simulation.main(name, scenarios.load()[name], options)
        except BaseException as error:  # the message is all that a parent could do with it
            print(f"node: {error!r}", file=sys.stderr)
            if os.environ.get("NODE_TRACEBACK"):
                import traceback
                traceback.print_exc()
        sys.stdout.flush()
        os._exit(status)
    while True:
        done, status = os.wait()
        if done == pid:
            os._exit(os.waitstatus_to_exitcode(status) & 0xff)


def run(options):
    if os.geteuid() != 0:
        raise SystemExit("node: needs root (namespaces and cgroups)")
    parent = options.parent or linux.cgroup2_root()
    cgroups.sweep(parent)
    options.cgroup = os.path.join(parent, cgroups.instance_name(os.getpid()))
    options.work = tempfile.mkdtemp(prefix="credscope-sim-")
    options.truth = os.path.abspath(options.truth or os.path.join(options.work, "truth"))

    read_fd, write_fd = os.pipe()
    if os.fork() == 0:
        os.close(write_fd)
        guardian(read_fd, options.cgroup, options.work)
    os.close(read_fd)
    os.makedirs(os.path.join(options.cgroup, "sim"))

    linux.unshare(linux.CLONE_NEWPID)
    child = os.fork()
    if child == 0:
        os.close(write_fd)
        init(options.scenario, types.SimpleNamespace(**vars(options)))

    def stop(number, _frame):
        os.kill(child, signal.SIGKILL)
        stop.signal = number

    stop.signal = 0
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, stop)
    _, status = os.waitpid(child, 0)
    gone = cgroups.remove(options.cgroup)
    shutil.rmtree(options.work, ignore_errors=True)
    if not gone:
        print(f"node: could not remove {options.cgroup}", file=sys.stderr)
    if stop.signal:
        return 128 + stop.signal
    return os.waitstatus_to_exitcode(status) & 0xff


def main():
    parser = argparse.ArgumentParser(prog="python3 -m node", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="run a scenario")
    one.add_argument("--scenario", required=True, choices=sorted(scenarios.load()))
    one.add_argument("--truth", metavar="DIR", help="where node.json, clients.jsonl and "
                     "servers.jsonl go (default: a directory that ends with the node)")
    one.add_argument("--parent", metavar="DIR", help="cgroup v2 directory to build below "
                     "(default: the root of cgroup v2)")
    one.add_argument("--wait", action="store_true", help="start when a line 'go' is read")
    one.add_argument("--hold", action="store_true", help="stay until a line or the end is read")
    commands.add_parser("list", help="list the scenarios")
    options = parser.parse_args()
    if options.command == "list":
        for name, scenario in sorted(scenarios.load().items()):
            print(f"{name:12} {len(scenario.pods):3} pods, at most {scenario.seconds:.0f} s")
        return 0
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
