# SPDX-License-Identifier: Apache-2.0
"""NMI of aad-pod-identity in its standard mode, as its chart runs it, but that its attempts are
fewer and closer; on a node where a pod has the migration sidecar as well."""
from node.clients import catalog
from node.scenarios import Pod, Scenario, app
from node.simulation import Interceptor

from . import aad, azwi_proxy
from .program import KUBE, Program
from .scenario import at, kube_api, raw, runs

STARTS, ASK = 4.0, 7.0  # seconds after go
SET = ASK + 3.0  # those that are held
# its own are 16 and 4 attempts, 5 s apart
CREATED_ATTEMPTS, ASSIGNED_ATTEMPTS = 7, 2
NO_RESOURCE = "/metadata/identity/oauth2/token?api-version=2018-02-01"
INSTANCE = "/metadata/instance?api-version=2021-02-01"

RETIRING, FIRST, SLOW = "retiring-mechanism", "first-call-failed", "interceptor-slow"
FALLBACK, UNDECLARED = "node-identity-fallback", "undeclared-node-identity"
# it writes its rule itself, for all pods of the node; what is asked for is by name (catalog.py)
HERE = Interceptor("127.0.0.1", 2579, redirects=True)
INTERCEPTORS = {"nmi": HERE, "unbound-nmi": HERE, "exempt-nmi": HERE}


def token(**more):
    return raw("azure-token", **{"timeout": 20.0, **more})


def other(path):
    """A request that is none for a token, with the Metadata header."""
    return raw("azure-instance", path=path)


def asks(name, steps, after=0.0, intercept="nmi", **more):
    """By default a pod with the label of a binding of its own name."""
    return Pod(name, app(steps, start=ASK + after), intercept=intercept, **more)


def nmi(workload, *flags, **more):
    return runs(workload, "nmi", "--node=simulated", "--http-probe-port=8085",
                "--kubelet-config=/dev/null", "--find-identity-retry-interval=1",
                f"--retry-attempts-for-created={CREATED_ATTEMPTS}",
                f"--retry-attempts-for-assigned={ASSIGNED_ATTEMPTS}", *flags,
                start=STARTS, env={"KUBECONFIG": f"{KUBE}/config"}, **more)


BOUND = [
    asks("msi", [token(repeat=2, every=0.2), token(query=f"&client_id={aad.OWN}"),
                 token(query=f"&msi_res_id={aad.RESOURCE_ID}"), {"do": "azure-token"},
                 token(path="/Metadata/identity/oauth2/token/?resource=r&api-version=2018-02-01")],
         findings=(RETIRING,)),
    asks("urllib", {"do": "azure-token", "tool": "urllib", "repeat": 2, "every": 0.2},
         findings=(RETIRING,)),
    asks("alive", {"do": "connection", "requests": ["azure-token", "azure-instance", "azure-token"]},
         findings=(RETIRING,)),
    asks("principal", token(repeat=2, every=0.2), findings=(RETIRING,)),
    asks("throttled", token(), findings=(RETIRING,)),  # NMI asks again after two seconds
    asks("refused", token(), expect=("denied",), findings=(FIRST,)),
    # its identity is assigned while NMI holds the request
    asks("assigned-late", at(SET, token()), findings=(RETIRING,)),
    asks("assigned-later", at(SET, token()), findings=(RETIRING, SLOW)),
    asks("assigned-never", token(), expect=("not_found",), findings=(FIRST, SLOW)),
    asks("no-identity", token(), expect=("not_found",), findings=(FIRST, SLOW)),
    asks("gives-up", token(timeout=3.0), expect=("abandoned",), findings=(FIRST,)),
    # before NMI has its rules in place, the node's identity is what a pod gets
    Pod("early", app([token(intercepted=False), *at(ASK, token())],
                     start=0.3), intercept="nmi", findings=(FALLBACK, RETIRING)),
]

UNBOUND = [
    asks("unbound", token(), intercept="unbound-nmi", expect=("not_found",), findings=(FIRST, SLOW)),
    asks("exempt", token(repeat=2, every=0.2), intercept="exempt-nmi", findings=(UNDECLARED,)),
    asks("exempt-refused", token(query=f"&client_id={aad.REFUSED}"), intercept="exempt-nmi",
         expect=("denied",), findings=(FIRST,)),
    # it sees no packet of the host's network
    asks("host", token(), intercept="", host_network=True, findings=(UNDECLARED,)),
    asks("host-bound", token(), intercept="", host_network=True,
         labels={"aadpodidbinding": "host-bound"}, findings=(FALLBACK,)),
]

NO_TOKENS = [
    asks("no-header", raw("azure-probe", path=catalog.AZURE_PATH), expect=("client_error",)),
    asks("no-resource", other(NO_RESOURCE), expect=("client_error",)),
    asks("no-such-path", other("/metadata/identity/oauth2/a/token?resource=r"),
         expect=("client_error",)),
    asks("slashes", raw("azure-token", path="/" + catalog.AZURE_PATH), expect=("redirected",)),
    asks("instance", other(INSTANCE)),
    asks("unknown-path", other("/metadata/identity/nothing"), expect=("not_found",)),
]

# what the sidecar passes on to IMDS is NMI's on this node, which passes it on once more
BOTH = [azwi_proxy.migrating("both", [
    token(), {"do": "connection", "requests": ["azure-token", "azure-instance", "azure-token"]}],
    start=ASK, findings=(RETIRING,)),
        Pod("migrated", app([raw("entra-wi", repeat=2, every=0.3)], start=ASK))]


def scenario():
    assigned = [aad.assigned(name) for name in ("msi", "urllib", "alive", "early")]
    assigned += [aad.assigned(name, "Created") for name in
                 ("gives-up", "assigned-late", "assigned-later", "assigned-never")]
    assigned += [aad.assigned("refused", clientID=aad.REFUSED),
                 aad.assigned("throttled", clientID=aad.THROTTLED),
                 aad.assigned("principal", **aad.PRINCIPAL),
                 (SET + 3.0, aad.assigned("assigned-late")),
                 (SET + 7.0, aad.assigned("assigned-later"))]
    return Scenario(
        pods=[kube_api(aad.cluster(azureassignedidentities=assigned,
                                   azurepodidentityexceptions=[aad.exception("exempt"),
                                                               aad.exception("exempt-refused")])),
              nmi("aad-pod-identity-nmi", findings=("throttled!",)),
              *BOUND, *UNBOUND, *NO_TOKENS, *BOTH],
        interceptors=INTERCEPTORS, agent_addresses=(), seconds=45.0,
        rules={"imds": [{"path": aad.REFUSED, "status": 400},
                        {"path": aad.THROTTLED, "status": 429, "times": 1}]})


PROGRAM = Program(
    "nmi", ("nmi", "azwi-proxy"), scenario, own=("azure-imds", "entra", "metadata"),
    holds={"throttled": (2.0, 4.0), "assigned-late": (2.0, 5.0), "assigned-later": (5.5, 9.0),
           "no-identity": (7.0, 9.0), "unbound": (7.0, 9.0), "assigned-never": (9.0, 11.0),
           "gives-up": (2.9, 3.5)},
    sidecar="azwi-proxy", relayed=1, findings=True)
