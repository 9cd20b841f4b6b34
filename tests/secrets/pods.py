# SPDX-License-Identifier: Apache-2.0
"""Pods whose objects are full of secrets, told by an API server over TLS: in the list, as a change
and as a deletion. Of a pod only allow-listed fields are kept; the token is for the server only."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kube"))
import api_server  # noqa: E402

NODE = "secret-node"
# what of a pod holds a secret; each is a row. Values may be longer than any buffer's remainder.
PLACES = {
    "env value": lambda s: {"env": [{"name": "DATABASE_PASSWORD", "value": s}]},
    "env value of a static key": lambda s: {"env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": s}]},
    "env value that is no role": lambda s: {"env": [{"name": "AWS_ROLE_ARN", "value": s}]},
    "env value of a token path": lambda s: {"env": [
        {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": s}]},
    "query of the agent's URI": lambda s: {"env": [
        {"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI",
         "value": f"http://169.254.170.23/v1/credentials?token={s}"}]},
    "proxy with a password": lambda s: {"env": [
        {"name": "HTTPS_PROXY", "value": f"http://user:{s}@proxy:3128"}]},
    "env name": lambda s: {"env": [{"name": s, "value": "1"}]},
    "command": lambda s: {"command": ["run", f"--password={s}"], "args": [s]},
    "probe": lambda s: {"livenessProbe": {"httpGet": {"path": f"/?key={s}", "port": 80}}},
}
OF_POD = {
    "annotation": lambda s: {"annotations": {"vault/secret": s}},
    "last applied configuration": lambda s: {"annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"value": s})}},
    "label": lambda s: {"labels": {"session": s[:63]}},
    "managed fields": lambda s: {"managedFields": [{"fieldsV1": {f"f:{s}": {}}}]},
}


class Pods:
    """The rows: name -> nothing; their secrets belong to ("secret", name)."""

    def __init__(self, registry, directory):
        self.registry, self.directory = registry, directory
        self.names = [f"pod: {p}, {when}" for p in (*PLACES, *OF_POD)
                      for when in ("listed", "changed", "deleted")]
        self.token = registry.new(("token", "service account"), 12)
        self.seen = registry.new(("visible", "pod's name"), 2).lower()
        self.node = NODE
        os.mkdir(directory)
        api_server.make_certificates(directory)
        with open(f"{directory}/token", "w", encoding="ascii") as f:
            f.write(self.token)
        self.told, self.server = False, None

    def pod(self, when):
        """One pod with a secret in every place."""
        def secret(place):
            # over 64 KiB once, so that buffers grow and are handed from one to another
            large = (place, when) == ("env value", "changed")
            return self.registry.new(("secret", f"pod: {place}, {when}"), 9000 if large else 6)

        pod = api_server.pod(f"{self.seen}-{when}")
        pod["metadata"].update(uid=f"00000000-0000-4000-8000-{len(when):012d}", namespace="ns")
        for place, make in OF_POD.items():
            for key, value in make(secret(place)).items():
                pod["metadata"][key] = {**pod["metadata"].get(key, {}), **value} \
                    if isinstance(value, dict) else value
        pod["spec"] = {"nodeName": NODE, "containers": [
            {"name": f"c{n}", "image": "i", **make(secret(place))}
            for n, (place, make) in enumerate(PLACES.items())]}
        return pod

    def step(self, request):
        if request.headers.get("authorization") != f"Bearer {self.token}":
            request.answer(api_server.status(401, "Unauthorized"), 401)
        elif request.watch:
            request.head()
            for kind, when in (("ADDED", "changed"), ("MODIFIED", "changed"), ("ADDED", "deleted"),
                               ("DELETED", "deleted")):
                request.chunk(api_server.event(kind, self.pod(when)), 16000)
            self.told = True
            request.hold(120)
        else:
            request.chunked(api_server.pod_list(self.pod("listed")), 1400)

    def serve(self):
        """In the network namespace that the observer is in. Its flags."""
        self.server = api_server.ApiServer(self.directory, [self.step])
        return ["--kube", "api", "--kube-api", self.server.url, "--kube-token",
                f"{self.directory}/token", "--kube-ca", f"{self.directory}/ca.pem", "--node-name",
                NODE]

    def stop(self):
        if self.server:
            self.server.stop()

    def judge(self, report, findings):
        report.line("pods: the API server's list and watch were read",
                    None if self.told else "no watch was asked for")
        for name in self.names:
            leaks = findings.secrets_of(name)
            report.line(name, f"SECRET FOUND in {'; '.join(leaks[:4])}" if leaks else None)
        told = sorted(s for s in findings.places[("token", "service account")]
                      if not s.startswith("memory"))
        report.line("pods: the service account's token is in memory only",
                    f"found in {told}" if told else None)
        name = {self.seen[i:i + 8] for i in range(0, len(self.seen), 8)}
        report.line("search: a pod's name, which may be seen, is found in memory",
                    None if name <= findings.seen_in("memory") else "it was not found")
