# SPDX-License-Identifier: Apache-2.0
"""NMI in its managed mode, the AKS add-on's: it knows no assignments, and has an identity or none at
once. Its pod goes by a name that doesn't tell what it is; the first thing it asks is refused; in the
end it is killed, and leaves its rule behind."""
from node.scenarios import Scenario

from . import aad
from .nmi import ASK, FIRST, INTERCEPTORS, RETIRING, STARTS, UNDECLARED, asks, nmi, token
from .program import Program
from .scenario import kube_api


LIVES = 6.0  # seconds after ASK


def killed(pod):
    """Its container goes on, as one whose program kubelet is about to start anew."""
    one = pod.containers[0]
    script = f'timeout -s KILL {ASK + LIVES - STARTS} "$0" "$@"; exec sleep 1000'
    one.command = ("/bin/sh", "-c", script, *one.command)
    return pod


def scenario():
    identities = [aad.identity("msi"), aad.identity("refused", clientID=aad.REFUSED)]
    return Scenario(
        pods=[kube_api(aad.cluster(azureidentities=identities,
                                   azureidentitybindings=[aad.binding("msi"), aad.binding("refused")],
                                   azurepodidentityexceptions=[aad.exception("exempt")])),
              killed(nmi("identity-agent", "--operation-mode=managed", "--forceNamespaced")),
              asks("refused", token(), expect=("denied",), findings=(FIRST,)),
              asks("msi", [token(repeat=2, every=0.2), token(query=f"&client_id={aad.OWN}")], 1.0,
                   findings=(RETIRING,)),
              asks("another-identity", token(query=f"&client_id={aad.OWN}"), 1.0,
                   expect=("not_found",), findings=(FIRST,)),
              asks("no-identity", token(), 1.0, expect=("not_found",), findings=(FIRST,)),
              asks("unbound", token(), 1.0, intercept="unbound-nmi", expect=("not_found",),
                   findings=(FIRST,)),
              asks("exempt", token(), 1.0, intercept="exempt-nmi", findings=(UNDECLARED,)),
              asks("too-late", token(), LIVES + 1.5, expect=("refused",), findings=(FIRST,))],
        interceptors=INTERCEPTORS, agent_addresses=(), seconds=30.0,
        rules={"imds": [{"path": aad.REFUSED, "status": 400}]})


PROGRAM = Program("nmi-managed", ("nmi",), scenario, own=("azure-imds",), findings=True)
