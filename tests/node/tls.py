# SPDX-License-Identifier: Apache-2.0
"""The simulated cloud's names and addresses, a certificate authority for them, /etc/hosts."""
import os
import socket
import subprocess

OPENSSL = "/usr/bin/openssl"

VPCE = "vpce-0a1b2c3d4e5f60718-x1y2z3a4.sts.us-east-1.vpce.amazonaws.com"

# address in the cloud namespace -> names it answers to
STS4, STS6, ENTRA4, EKSAUTH4 = "203.0.113.10", "2001:db8::10", "203.0.113.20", "203.0.113.30"
STS12, ENTRA12 = "203.0.113.11", "203.0.113.21"  # TLS 1.2 at most
STS_H2, ENTRA_H2 = "203.0.113.12", "203.0.113.22"  # HTTP/2
# One request a connection: clients that keep sessions resume them. The last: TLS 1.2.
STS_ONCE, ENTRA_ONCE, STS12_ONCE = "203.0.113.13", "203.0.113.23", "203.0.113.14"
EC24 = "203.0.113.70"
SHOP4, PROXY4, EVIL4, DEAD4 = "203.0.113.40", "203.0.113.50", "203.0.113.60", "203.0.113.99"
NAMES = {
    STS4: ["sts.us-east-1.amazonaws.com", "sts.amazonaws.com", VPCE,
           "sts-fips.us-east-1.amazonaws.com"],
    STS12: ["sts.eu-west-1.amazonaws.com"],
    STS_H2: ["sts.eu-central-1.amazonaws.com"],
    STS_ONCE: ["sts.eu-west-2.amazonaws.com"],
    STS12_ONCE: ["sts.eu-west-3.amazonaws.com"],
    STS6: ["sts.us-east-1.api.aws"],
    ENTRA4: ["login.microsoftonline.com"],
    ENTRA12: ["login.microsoftonline.us"],
    ENTRA_H2: ["login.chinacloudapi.cn"],
    ENTRA_ONCE: ["login.partner.microsoftonline.cn"],
    EKSAUTH4: ["eks-auth.us-east-1.api.aws"],
    EC24: ["ec2.us-east-1.amazonaws.com"],
    SHOP4: ["shop.example.com"],
    EVIL4: ["evilsts.amazonaws.com"],
    PROXY4: ["proxy.internal.example"],
}


def write_resolution(hosts, resolv_conf):
    """Files to stand in for /etc/hosts and /etc/resolv.conf. No name server: a name that is not
    in hosts must fail at once instead of after the resolver's time-outs."""
    with open(resolv_conf, "w", encoding="ascii") as f:
        f.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    with open(hosts, "w", encoding="ascii") as f:
        f.write(f"127.0.0.1 localhost {socket.gethostname()}\n::1 localhost\n")
        for address, names in NAMES.items():
            f.write(f"{address} {' '.join(names)}\n")


def _openssl(*args):
    subprocess.run([OPENSSL, *args], check=True, capture_output=True, timeout=30)


def make_ca(directory):
    """ca.pem, server.pem and server.key in directory; valid for every name above."""
    def path(name):
        return os.path.join(directory, name)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl("req", "-x509", *curve, "-keyout", path("ca.key"), "-out", path("ca.pem"),
             "-days", "2", "-subj", "/CN=simulated node CA")
    _openssl("req", *curve, "-keyout", path("server.key"), "-out", path("server.csr"),
             "-subj", "/CN=simulated cloud")
    names = sorted({n for group in NAMES.values() for n in group})
    with open(path("san.ext"), "w", encoding="ascii") as f:
        f.write("subjectAltName=" + ",".join(f"DNS:{n}" for n in names) + "\n")
    _openssl("x509", "-req", "-in", path("server.csr"), "-CA", path("ca.pem"), "-CAkey",
             path("ca.key"), "-CAcreateserial", "-out", path("server.pem"), "-days", "2",
             "-extfile", path("san.ext"))
    os.unlink(path("ca.key"))
