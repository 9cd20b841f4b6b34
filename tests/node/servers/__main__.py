# SPDX-License-Identifier: Apache-2.0
"""python3 -m node.servers SPEC.json: run one server; writes "ready" once it listens."""
import json
import os
import sys
import threading

from .. import linux
from . import aws, azure, connect_proxy, httpd, others, relay, upstream

ROLES = {
    "agent": aws.agent, "sts": aws.sts, "eks-auth": aws.eks_auth, "ec2": aws.ec2,
    "metadata": others.metadata,
    "nmi": azure.nmi, "proxy-sidecar": azure.proxy_sidecar, "entra": azure.entra,
    "kube2iam": others.kube2iam, "kiam": others.kiam, "interceptor": others.interceptor,
    "shop": others.shop,
}
# those that do not answer themselves: what becomes of a connection
CARRIERS = {"connect-proxy": connect_proxy.serve, "envoy": relay.serve, "envoy-http": relay.serve,
            "ztunnel": relay.serve}


def main():
    linux.die_with_parent()
    with open(sys.argv[1], encoding="utf-8") as f:
        spec = json.load(f)
    carry = CARRIERS.get(spec["role"])
    server = httpd.Server(spec, ROLES.get(spec["role"]))
    if carry:
        def serve(conn, peer):
            with conn:
                carry(server, conn, peer)
        server._serve = serve
    upstream.prepare(server)
    sockets = relay.listen(server)
    if spec.get("uid"):
        os.setgid(spec["uid"])
        os.setuid(spec["uid"])
        linux.die_with_parent()  # the kernel forgets it with a change of uid
    print("ready", flush=True)
    threads = [threading.Thread(target=server.accept_on, args=(s,), daemon=True)
               for s in sockets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
