# SPDX-License-Identifier: Apache-2.0
"""The few Linux calls that Python 3.11's standard library lacks: namespaces, mounts, prctl."""
import ctypes
import os
import signal

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        err = ctypes.get_errno()
        raise OSError(err, f"{what}: {os.strerror(err)}")


def unshare(flags):
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd, kind=0):
    _check(_libc.setns(ctypes.c_int(fd), ctypes.c_int(kind)), "setns")


def mount(source, target, fstype, flags=0, data=None):
    def raw(text):
        return None if text is None else os.fsencode(text)

    result = _libc.mount(raw(source), raw(target), raw(fstype), ctypes.c_ulong(flags), raw(data))
    _check(result, f"mount {target}")


def umount(target):
    _check(_libc.umount2(os.fsencode(target), 0), f"umount {target}")


def die_with_parent(sig=signal.SIGKILL):
    """Have the kernel send sig to this process when its parent ends, however it ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0), "prctl")


def private_mounts():
    unshare(CLONE_NEWNS)
    mount("none", "/", None, MS_REC | MS_PRIVATE)


def host_pid():
    """This process's id in the PID namespace that /proc was mounted in (the machine's own)."""
    return int(os.readlink("/proc/self"))


def cgroup2_root():
    """Mount point of cgroup v2, wherever this machine has it (proc(5), mountinfo)."""
    with open("/proc/self/mountinfo", encoding="ascii", errors="surrogateescape") as lines:
        for line in lines:
            fields = line.split()
            if fields[fields.index("-") + 1] == "cgroup2" and fields[3] == "/":
                return fields[4]
    raise SystemExit("node: no cgroup v2 mount found: mount -t cgroup2 none /mnt/cgroup2")


def start_time(pid):
    """Start of a process in clock ticks since boot: with the pid, a name that is never reused."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        return int(f.read().rpartition(")")[2].split()[19])
