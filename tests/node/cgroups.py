# SPDX-License-Identifier: Apache-2.0
"""Cgroup directories as kubelet, containerd, CRI-O and systemd name them, and their removal.

Path forms: kubelet's cgroup_manager_linux.go (ConvertCgroupNameToSystemd) and the runtimes' own.
"""
import os
import re
import signal
import time

from . import linux

PREFIX = "credscope-sim-"
NODE = "node.slice"


def _slice(uid, qos, kubepods="kubepods"):
    """systemd driver: each slice repeats its parent's name; a Guaranteed pod has no QoS level."""
    flat = uid.replace("-", "_")
    parents = kubepods.split("-")
    path = ["-".join(parents[:n + 1]) + ".slice" for n in range(len(parents))]
    if qos != "guaranteed":
        kubepods = f"{kubepods}-{qos}"
        path.append(f"{kubepods}.slice")
    return "/".join([*path, f"{kubepods}-pod{flat}.slice"])


def _cgroupfs(uid, qos):
    return "/".join(p for p in ("kubepods", "" if qos == "guaranteed" else qos, f"pod{uid}") if p)


# driver name -> path of a container's cgroup below the node's root
DRIVERS = {
    "systemd": lambda uid, qos, cid: f"{_slice(uid, qos)}/cri-containerd-{cid}.scope",
    "crio": lambda uid, qos, cid: f"{_slice(uid, qos)}/crio-{cid}.scope",
    "docker": lambda uid, qos, cid: f"{_slice(uid, qos)}/docker-{cid}.scope",
    "cgroupfs": lambda uid, qos, cid: f"{_cgroupfs(uid, qos)}/{cid}",
    "kind": lambda uid, qos, cid:
        f"{_slice(uid, qos, 'kubelet-kubepods')}/cri-containerd-{cid}.scope",
    # kind seen from its host, and a container that runs systemd itself
    "kind-on-host": lambda uid, qos, cid: f"docker/{'5e' * 32}/{DRIVERS['kind'](uid, qos, cid)}",
    "sub-cgroup": lambda uid, qos, cid:
        f"{DRIVERS['systemd'](uid, qos, cid)}/system.slice/app.service",
    "colon": lambda uid, qos, cid:
        "system.slice/containerd.service/"
        f"{_slice(uid, qos).rpartition('/')[2]}:cri-containerd:{cid}",
}


def container_path(driver, uid, qos, cid):
    return DRIVERS[driver](uid, qos, cid)


def instance_name(pid):
    """A slice, as NODE is one below it: what stands above a host's units is slices on any node
    with systemd, and the units' names are found below them."""
    return f"{PREFIX}{pid}-{linux.start_time(pid)}.slice"


def enter(directory):
    """Move the calling process into a cgroup; for use between fork and exec."""
    with open(os.path.join(directory, "cgroup.procs"), "w", encoding="ascii") as procs:
        procs.write("0")


def _kill_all(directory):
    """Kill what still lives below one of our own directories."""
    try:
        with open(os.path.join(directory, "cgroup.kill"), "w", encoding="ascii") as f:
            f.write("1")
        return
    except OSError:
        pass  # before 5.14 there is no cgroup.kill
    for path, _, _ in os.walk(directory):
        try:
            with open(os.path.join(path, "cgroup.procs"), encoding="ascii") as procs:
                for pid in procs.read().split():
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:
            continue


def remove(directory, seconds=5.0):
    """Kill and remove one instance's subtree. True when it is gone."""
    deadline = time.monotonic() + seconds
    while os.path.isdir(directory):
        _kill_all(directory)
        for path, _, _ in os.walk(directory, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                pass  # busy until the killed processes are reaped
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def sweep(parent):
    """Remove what an instance left whose guardian was killed together with it."""
    for name in os.listdir(parent):
        match = re.fullmatch(re.escape(PREFIX) + r"(\d+)-(\d+)\.slice", name)
        if not match:
            continue
        pid, started = int(match[1]), int(match[2])
        try:
            alive = linux.start_time(pid) == started
        except OSError:
            alive = False
        if not alive:
            remove(os.path.join(parent, name), 1.0)
