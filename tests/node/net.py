# SPDX-License-Identifier: Apache-2.0
"""Network of the simulated node: three kinds of anonymous namespaces, none with a way out.

    pod namespaces --veth-- node namespace --veth-- cloud namespace
    10.244.N.2              169.254.170.23          169.254.169.254 (IMDS)
    fd00:10:244:N::2        fd00:ec2::23            203.0.113.0/24 (STS, Entra, others)

The cloud is a namespace of its own so that the node forwards to it: only so does an IMDS answer
with TTL 1 die at the node, as on EC2 with hop limit 1.
"""
import os
import subprocess

from . import linux

NODE4, CLOUD4 = "192.168.0.10", "192.168.0.1"
NODE4_SECOND = "192.168.0.11"  # as of an instance's second interface
NODE6, CLOUD6 = "fd00:192:168::10", "fd00:192:168::1"
AGENT4, AGENT6 = "169.254.170.23", "fd00:ec2::23"
IMDS4, IMDS6 = "169.254.169.254", "fd00:ec2::254"

IP, NFT = "/usr/sbin/ip", "/usr/sbin/nft"


def new_namespace(home_fd):
    """A new, empty network namespace as a file descriptor; the caller stays in home_fd's."""
    linux.unshare(linux.CLONE_NEWNET)
    fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    linux.setns(home_fd, linux.CLONE_NEWNET)
    return fd


def _run(argv, text, netns=None, pass_fds=()):
    enter = None if netns is None else lambda: linux.setns(netns, linux.CLONE_NEWNET)
    done = subprocess.run(argv, input=text, text=True, capture_output=True, preexec_fn=enter,
                          pass_fds=pass_fds, timeout=30, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}\n{text}")


def ip_batch(lines, netns=None, pass_fds=()):
    _run([IP, "-batch", "-"], "\n".join(lines) + "\n", netns, pass_fds)


def nft(text, netns=None):
    _run([NFT, "-f", "-"], text + "\n", netns)


def sysctl(path, value):
    """Set a value of the calling process's own network namespace."""
    with open(f"/proc/sys/net/{path}", "w", encoding="ascii") as f:
        f.write(str(value))


def pod4(index):
    return f"10.244.{index}.2"


def pod6(index):
    return f"fd00:10:244:{index}::2"


class Network:
    """Owns the namespaces' descriptors. The calling process must be in the node's namespace."""

    def __init__(self, cloud_addresses):
        self.node = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.cloud = new_namespace(self.node)
        self._node()
        self._cloud(cloud_addresses)

    def _node(self):
        ip_batch(["link set lo up",
                  "link add name eth0 type veth peer name eth0 netns "
                  f"/proc/self/fd/{self.cloud}",
                  f"addr add {NODE4}/24 dev eth0",
                  f"addr add {NODE4_SECOND}/24 dev eth0",
                  f"addr add {NODE6}/64 dev eth0 nodad",
                  "link set eth0 up"], pass_fds=(self.cloud,))
        try:
            ip_batch(["link add name pod-id-link0 type dummy"])
        except RuntimeError:  # a kernel without the dummy device
            ip_batch(["link add name pod-id-link0 type veth peer name pod-id-peer0",
                      "link set pod-id-peer0 up"])
        ip_batch([f"addr add {AGENT4}/32 dev pod-id-link0",
                  f"addr add {AGENT6}/128 dev pod-id-link0 nodad",
                  "link set pod-id-link0 up",
                  f"route add default via {CLOUD4}",
                  f"route add ::/0 via {CLOUD6}"])
        sysctl("ipv4/ip_forward", 1)
        sysctl("ipv6/conf/all/forwarding", 1)
        # a DNAT to 127.0.0.1 is dropped as martian without it
        sysctl("ipv4/conf/all/route_localnet", 1)
        sysctl("ipv4/conf/all/rp_filter", 0)

    def _cloud(self, addresses):
        add = [f"addr add {a}/{128 if ':' in a else 32} dev lo"
               + (" nodad" if ":" in a else "") for a in addresses]
        ip_batch(["link set lo up",
                  f"addr add {CLOUD4}/24 dev eth0",
                  f"addr add {CLOUD6}/64 dev eth0 nodad",
                  "link set eth0 up",
                  f"route add 10.244.0.0/16 via {NODE4}",
                  f"route add fd00:10:244::/48 via {NODE6}",
                  # answers to hostNetwork pods that chose the agent's address as their source
                  f"route add {AGENT4}/32 via {NODE4}", *add], netns=self.cloud)

    def add_pod(self, index, ipv6=True):
        """A pod's namespace, joined to the node; returns its descriptor."""
        fd = new_namespace(self.node)
        ip_batch([f"link add name pod{index} type veth peer name eth0 netns /proc/self/fd/{fd}",
                  f"addr add 10.244.{index}.1/24 dev pod{index}",
                  f"addr add fd00:10:244:{index}::1/64 dev pod{index} nodad",
                  f"link set pod{index} up"], pass_fds=(fd,))
        six = [f"addr add {pod6(index)}/64 dev eth0 nodad"] if ipv6 else []
        via = [f"route add ::/0 via fd00:10:244:{index}::1"] if ipv6 else []
        ip_batch(["link set lo up", f"addr add {pod4(index)}/24 dev eth0", *six,
                  "link set eth0 up", f"route add default via 10.244.{index}.1", *via], netns=fd)
        return fd

    def rules(self, dnat, drop, reject):
        """Interception and blocking on the node.

        dnat: (pod address, "host:port") pairs, 169.254.169.254:80 goes there;
        drop, reject: (pod address, destination) pairs, TCP is left unanswered / answered by RST.
        """
        nat = [f"ip saddr {pod} ip daddr {IMDS4} tcp dport 80 dnat to {to}" for pod, to in dnat]

        def block(pairs, verdict):
            return [f"{'ip6' if ':' in dst else 'ip'} saddr {src} "
                    f"{'ip6' if ':' in dst else 'ip'} daddr {dst} meta l4proto tcp {verdict}"
                    for src, dst in pairs]

        text = "\n".join(
            ["table ip simnat {", "chain pre { type nat hook prerouting priority -100;", *nat,
             "}", "}",
             "table inet simfilter {", "chain to_node { type filter hook input priority 0;",
             *block(drop, "drop"), *block(reject, "reject with tcp reset"), "}",
             "chain through { type filter hook forward priority 0;",
             *block(drop, "drop"), *block(reject, "reject with tcp reset"), "}", "}"])
        nft(text)


def redirect_in_pod(netns, uid):
    """The Azure migration sidecar's rules (init-iptables.sh): all but its own uid go to :8000."""
    nft("table ip azwi { chain out { type nat hook output priority -100;\n"
        f"ip daddr {IMDS4} tcp dport 80 meta skuid != {uid} redirect to :8000\n}}\n}}", netns)
