# SPDX-License-Identifier: Apache-2.0
"""Starts a simulated node's programs, each in its cgroup and namespaces."""
import json
import os
import select
import subprocess

from . import cgroups, linux

PYTHON = "/usr/bin/python3"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV_PYTHON = os.path.join(TOP, ".cache/venv/bin/python")


class Processes:
    """cgroup: the instance's directory; work: its private files."""

    def __init__(self, cgroup, work):
        self.cgroup, self.work = cgroup, work
        self.started = []
        self.ca = os.path.join(work, "tls/ca.pem")

    def spawn(self, argv, cgroup, netns=None, holder=None, env=None, **popen):
        """Start a program in a cgroup, and in a namespace or a pod (holder: its pause pid). env:
        besides what all have; {ca} in it stands for the authority's file."""
        directory = os.path.join(self.cgroup, cgroup)
        os.makedirs(directory, exist_ok=True)

        def enter():
            cgroups.enter(directory)
            if holder is not None:
                netns_fd = os.open(f"/proc/{holder}/ns/net", os.O_RDONLY)
                mounts_fd = os.open(f"/proc/{holder}/ns/mnt", os.O_RDONLY)
                linux.setns(netns_fd, linux.CLONE_NEWNET)
                linux.setns(mounts_fd, linux.CLONE_NEWNS)
            elif netns is not None:
                linux.setns(netns, linux.CLONE_NEWNET)

        more = {k: v.replace("{ca}", self.ca) for k, v in (env or {}).items()}
        process = subprocess.Popen(argv, preexec_fn=enter, env={**self.environment(), **more},
                                   stdin=subprocess.DEVNULL, cwd="/", **popen)
        self.started.append(process)
        return process

    def environment(self):
        ca = self.ca
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONPATH": os.path.join(TOP, "tests"), "LANG": "C.UTF-8", "HOME": "/dev/null",
                "SSL_CERT_FILE": ca, "CURL_CA_BUNDLE": ca, "AWS_CA_BUNDLE": ca}

    def relative(self, cgroup):
        """Path below the cgroup2 root, as credscope reports it."""
        whole = os.path.join(self.cgroup, cgroup)
        return "/" + os.path.relpath(whole, linux.cgroup2_root())

    def spec(self, name, fields):
        path = os.path.join(self.work, f"{name}.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(fields, f)
        return path

    @staticmethod
    def await_ready(process, name):
        ready, _, _ = select.select([process.stdout], [], [], 20)
        if not ready or process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"server {name} did not start")
