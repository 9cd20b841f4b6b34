# SPDX-License-Identifier: Apache-2.0
"""A real Envoy in a sidecar's place ($NODE_ENVOY, see tools/test-envoy.sh), with what matters here
of the configuration that Istio gives one: the listener virtualOutbound, with its listener filters,
and PassthroughCluster (pilot/pkg/networking/core)."""
import json
import os
import time

from . import mesh

PROGRAM = os.environ.get("NODE_ENVOY", "")
TYPE = "type.googleapis.com/envoy.extensions"
CLUSTER = "PassthroughCluster"


def _filter(name, kind, **fields):
    return {"name": name, "typed_config": {"@type": f"{TYPE}.{kind}", **fields}}


def _address(host):
    return {"socket_address": {"address": host, "port_value": mesh.PORT}}


def _http():
    manager = "filters.network.http_connection_manager.v3.HttpConnectionManager"
    route = {"name": "allow_any", "virtual_hosts": [{
        "name": "allow_any", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": CLUSTER, "timeout": "0s"}}]}]}
    return _filter("http", manager, stat_prefix="http", route_config=route,
                   normalize_path=True, http_filters=[
                       _filter("router", "filters.http.router.v3.Router")])


def bootstrap(http):
    """http: what is HTTP is read, as on a port on which some service speaks it."""
    found = [_filter("original_dst", "filters.listener.original_dst.v3.OriginalDst"),
             _filter("tls", "filters.listener.tls_inspector.v3.TlsInspector")]
    chains = [{"filters": [_filter("tcp", "filters.network.tcp_proxy.v3.TcpProxy",
                                   stat_prefix="tcp", cluster=CLUSTER)]}]
    if http:
        found.append(_filter("http", "filters.listener.http_inspector.v3.HttpInspector"))
        chains.insert(0, {"filters": [_http()], "filter_chain_match": {
            "transport_protocol": "raw_buffer", "application_protocols": ["http/1.0", "http/1.1"]}})
    listener = {"name": "virtualOutbound", "address": _address("0.0.0.0"),
                "additional_addresses": [{"address": _address("::")}], "listener_filters": found,
                "traffic_direction": "OUTBOUND", "filter_chains": chains}
    cluster = {"name": CLUSTER, "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED",
               "connect_timeout": "2s"}  # 10 s in Istio
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def start(processes, name, http, cgroup, holder, log):
    """A sidecar's Envoy, in its pod and as its user; returns once it listens."""
    config = processes.spec(name, bootstrap(http))
    uid = str(mesh.SIDECAR_UID)
    with open(log, "ab") as out:
        processes.spawn(["/usr/bin/setpriv", "--reuid", uid, "--regid", uid, "--clear-groups",
                         PROGRAM, "-c", config, "--concurrency", "1", "--disable-hot-restart",
                         "--use-dynamic-base-id", "--log-level", "warning"],
                        cgroup, holder=holder, stdout=out, stderr=out)
    deadline = time.monotonic() + 20.0
    while time.monotonic() < deadline:
        with open(f"/proc/{holder}/net/tcp", encoding="ascii") as lines:
            if any(f":{mesh.PORT:04X} 00000000:0000 0A " in line for line in lines):
                return
        time.sleep(0.02)
    raise RuntimeError(f"{name} does not listen, see {log}")
