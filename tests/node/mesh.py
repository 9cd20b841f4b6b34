# SPDX-License-Identifier: Apache-2.0
"""Service meshes: how a pod's connections come to a proxy, and what the proxy's sockets look like.

istio, istio-open   a sidecar in the pod, and istio-init's rules (istio tools/istio-iptables,
                    testdata/*.golden); "istio" leaves 169.254.169.254 alone
                    (traffic.sidecar.istio.io/excludeOutboundIPRanges), "istio-open" does not
ambient             ztunnel listens and connects inside the pod's network namespace, marking its
                    packets (istio cni/pkg/iptables, ztunnel src/inpod)
ambient-node        ztunnel in its own: the node routes the pod's packets there, where TPROXY takes
                    them (Istio 1.15 to 1.20; by geneve tunnels then, by the veth here)
"""
from . import net

PORT = 15001
SIDECAR_UID = 1337
MARK, MASK = 0x539, 0xfff  # what ztunnel sends is not taken again
TPROXY_MARK = 0x400
TABLE = 1337
ROLES = ("envoy", "envoy-http", "ztunnel")  # of node.servers


def listeners(kind):
    """Where connections end up, as their own packets say: address, "*4" or "*6" -> listener; ""
    where they are not taken. Nothing of those that are taken only beyond the pod."""
    if kind == "ambient-node":
        return {}
    found = {"*4": f"127.0.0.1:{PORT}", "*6": f"[::1]:{PORT}"}
    if kind == "istio":
        found[net.IMDS4] = ""
    return found


def _istio(family, local, excluded):
    def own(who):
        return [f'oifname "lo" {family} daddr != {local} tcp dport != 15008 meta {who} 1337 '
                "redirect to :15006",
                f'oifname "lo" meta {who} != 1337 return', f"meta {who} 1337 return"]

    inbound = ['oifname "lo" ip saddr 127.0.0.6 return'] if family == "ip" else []
    return [*inbound, *own("skuid"), *own("skgid"), f"{family} daddr {local} return",
            *[f"{family} daddr {a} return" for a in excluded],
            f"meta l4proto tcp redirect to :{PORT}"]


def _ambient(family, local):
    return [f'{family} daddr != {local} oifname "lo" accept',
            f"{family} daddr != {local} meta l4proto tcp meta mark & {MASK:#x} != {MARK:#x} "
            f"redirect to :{PORT}"]


def _table(family, rules):
    return "\n".join([f"table {family} mesh {{", "chain output {", *rules, "}", "chain out {",
                      "type nat hook output priority -100;", "meta l4proto tcp jump output", "}",
                      "}"])


def redirect_in_pod(kind, netns):
    """The rules inside a pod's network namespace; none for a kind that has none there."""
    for family, local in (("ip", "127.0.0.1"), ("ip6", "::1")):
        if kind.startswith("istio"):
            excluded = [net.IMDS4] if kind == "istio" and family == "ip" else []
            net.nft(_table(family, _istio(family, local, excluded)), netns)
        elif kind == "ambient":
            net.nft(_table(family, _ambient(family, local)), netns)


def route_to_proxy(indices, proxy, netns):
    """ambient-node: what the pods send to others than the node goes to the proxy's pod, and stays
    there. netns: the proxy's."""
    if not indices:
        return
    net.ip_batch([f"route add default via {net.pod4(proxy)} dev pod{proxy} table {TABLE}",
                  *[f"rule add iif pod{n} lookup {TABLE} pref 32000" for n in indices]])
    net.ip_batch([f"rule add fwmark {TPROXY_MARK} lookup {TABLE} pref 100",
                  f"route add local default dev lo table {TABLE}"], netns)
    net.nft("table ip mesh {\nchain pre {\ntype filter hook prerouting priority -150;\n"
            f'iifname "eth0" ip daddr != {net.pod4(proxy)} socket transparent 1 '
            f"meta mark set {TPROXY_MARK} accept\n"
            f'iifname "eth0" ip saddr 10.244.0.0/16 ip daddr != {net.pod4(proxy)} '
            f"meta l4proto tcp tproxy to :{PORT} meta mark set {TPROXY_MARK} accept\n}}\n}}",
            netns)
