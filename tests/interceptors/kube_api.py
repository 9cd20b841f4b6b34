#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The API server of a node's pods and namespaces, for programs that list and watch them:
DIRECTORY PORT PODS_FILE [MORE].

The directory is made and gets tests/kube's certificates and a kubeconfig. A pod with the annotation
KNOWN_AFTER is told of only so many seconds after this process was made. MORE, JSON: what else there
is, {"lists": {path: [kind, apiVersion, [[seconds, object], ...]]}, "objects": {path: object}}; of two
objects of a name the later replaces the other. Ends with its parent.
"""
import json
import os
import sys
import time

from kube import api_server
from node import linux

KNOWN_AFTER = "test/known-after"
ROLE = "iam.amazonaws.com/role"
PERMITTED = {"iam.amazonaws.com/permitted": ".*", "iam.amazonaws.com/allowed-roles": '["*"]'}
LOCKED = "locked"  # a namespace that permits no role
END = {"k8s.io/initial-events-end": "true"}
KINDS = {"/api/v1/pods": "Pod", "/api/v1/namespaces": "Namespace"}


def kubeconfig(directory, port):
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {
            "server": f"https://127.0.0.1:{port}",
            "certificate-authority": os.path.join(directory, "ca.pem")}}],
        "users": [{"name": "test", "user": {"token": "no-secret"}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}]})


class World:
    """What there is of a kind, as (seconds from which on it is known, object)."""

    def __init__(self, pods_file, lists):
        with open(pods_file, encoding="utf-8") as f:
            pods = json.load(f)["items"]
        # in clock ticks since boot; certificates and a busy machine take a second or two
        self.start = linux.start_time("self") / os.sysconf("SC_CLK_TCK")
        names = sorted({pod["metadata"]["namespace"] for pod in pods})
        self.all = {"Pod": [(self.late(pod), pod) for pod in pods],
                    "Namespace": [(0.0, self.namespace(name)) for name in names],
                    **{kind: items for kind, _, items in lists.values()}}
        self.kinds = {**KINDS, **{path: kind for path, (kind, _, _) in lists.items()}}
        self.versions = {kind: version for kind, version, _ in lists.values()}
        for number, (_, obj) in enumerate(row for rows in self.all.values() for row in rows):
            obj["metadata"]["resourceVersion"] = str(number + 1)

    @staticmethod
    def late(pod):
        return float(pod["metadata"].get("annotations", {}).get(KNOWN_AFTER, 0))

    @staticmethod
    def namespace(name):
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": name, "uid": f"uid-{name}",
            "annotations": {} if name == LOCKED else PERMITTED}}

    def now(self):
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self.start

    def list(self, request, kind):
        known = {(obj["metadata"].get("namespace"), obj["metadata"]["name"]): obj
                 for since, obj in self.all[kind] if since <= self.now()}
        request.chunked(api_server.dump({
            "apiVersion": self.versions.get(kind, "v1"), "kind": f"{kind}List",
            "metadata": {"resourceVersion": "100"}, "items": list(known.values())}))

    def watch(self, request, kind):
        """With sendInitialEvents what is known comes first, as events and their end; else what
        was late may come a second time."""
        request.head()
        told = 0.0
        if request.query.get("sendInitialEvents") == "true":
            told = self.now()
            for since, obj in self.all[kind]:
                if since <= told:
                    request.chunk(api_server.event("ADDED", obj))
            request.chunk(api_server.event("BOOKMARK", {
                "apiVersion": "v1", "kind": kind,
                "metadata": {"resourceVersion": "100", "annotations": END}}))
        for since, obj in sorted(self.all[kind], key=lambda row: row[0]):
            if since > told:
                time.sleep(max(0.0, since - self.now()))
                request.chunk(api_server.event("ADDED", {**obj, "metadata": {
                    **obj["metadata"], "resourceVersion": "101"}}))
        request.hold(600)


def main():
    directory, port, pods_file, *more = sys.argv[1:]
    more = json.loads(more[0]) if more else {"lists": {}, "objects": {}}
    linux.die_with_parent()
    os.makedirs(directory, exist_ok=True)
    api_server.make_certificates(directory)
    world = World(pods_file, more["lists"])

    def step(request):
        kind = world.kinds.get(request.path)
        if request.path in more["objects"]:
            request.answer(api_server.dump(more["objects"][request.path]))
        elif kind is None:  # events, leases: nothing that these tests look at
            request.hangs_up = True
            request.answer(api_server.dump(api_server.status(404, "NotFound")), 404)
        elif request.watch:
            world.watch(request, kind)
        else:
            world.list(request, kind)

    server = api_server.ApiServer(directory, [step], port=int(port))
    with open(os.path.join(directory, "config.new"), "w", encoding="utf-8") as f:
        f.write(kubeconfig(directory, server.port))
    os.rename(f.name, os.path.join(directory, "config"))
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main()
