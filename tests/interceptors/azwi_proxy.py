# SPDX-License-Identifier: Apache-2.0
"""azwi-proxy of azure-workload-identity, a sidecar with the redirect of its init container, as its
webhook injects both."""
from node.clients import catalog
from node.scenarios import Container, Pod, Scenario

from . import program
from .scenario import raw

ENV = {"AZURE_CLIENT_ID": "50000000-0000-4000-8000-000000000000",
       "AZURE_TENANT_ID": catalog.TENANT, "AZURE_FEDERATED_TOKEN_FILE": catalog.AZURE_TOKEN,
       "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/"}
NO_RESOURCE = "/metadata/identity/oauth2/token?api-version=2018-02-01"
RETIRING, FIRST, SLOW = "retiring-mechanism", "first-call-failed", "interceptor-slow"


def migrating(name, steps, env=None, start=3.0, proxy=0.5, **more):
    """setpriv: the user of its image, whom the redirect leaves alone."""
    command = ("/usr/bin/setpriv", "--reuid=1501", "--regid=1501", "--clear-groups",
               program.path("azwi-proxy"), "--proxy-port=8000", "--log-level=info")
    sidecar = Container([], name="azwi-proxy", command=command, start=proxy, endless=True,
                        env=env or ENV, declares=("workload-identity",))
    return Pod(name, [sidecar, Container(steps, declares=("workload-identity",), start=start)],
               intercept="proxy-sidecar", **more)


def entra(**how):
    return {"entra": [{"path": "/oauth2/v2.0/token", **how}]}


def token(**more):
    return raw("azure-token", **{"timeout": 20.0, **more})


def scenario():
    pods = [
        migrating("every-way", [token(repeat=2, every=0.2), {"do": "azure-token"},
                                {"do": "azure-token", "tool": "urllib"},
                                # it asks for no header, and caches by client
                                raw("azure-unheaded"), token(query="&client_id=another"),
                                token(path="/METADATA/identity/oauth2/token/?resource=r")],
                  findings=(RETIRING,)),
        migrating("alive", [{"do": "connection", "requests": [
            "azure-token", "azure-instance", "azure-token"]}], findings=(RETIRING,)),
        migrating("slow", [token()], behaviours=entra(delay=6.0), findings=(RETIRING, SLOW)),
        migrating("late", [token()], behaviours=entra(delay=2.5), findings=(RETIRING,)),
        migrating("refused", [token()], behaviours=entra(status=401), expect=("server_error",),
                  findings=(FIRST,)),
        migrating("gives-up", [token(timeout=1.0)], behaviours=entra(delay=3.0),
                  expect=("abandoned",), findings=(FIRST,)),
        migrating("no-client", [token()], {k: v for k, v in ENV.items() if k != "AZURE_CLIENT_ID"},
                  expect=("client_error",), findings=(FIRST,)),
        migrating("no-resource", [raw("azure-instance", path=NO_RESOURCE)],
                  expect=("client_error",)),
        migrating("slashes", [raw("azure-token", path="/" + catalog.AZURE_PATH)],
                  expect=("redirected",)),
        # as an ordinary container it may be later than the application
        migrating("too-early", [token(repeat=20, every=0.7, enough=1)], start=0.3, proxy=4.0,
                  expect=("refused+", "ok"), findings=(FIRST, RETIRING)),
        migrating("instance", [raw("azure-instance")]),
    ]
    return Scenario(pods, agent_addresses=(), seconds=40.0)


PROGRAM = program.Program(
    "azwi-proxy", ("azwi-proxy",), scenario, own=("azure-workload-identity", "entra"),
    holds={"slow": (6.0, 8.0), "late": (2.5, 4.5), "gives-up": (0.9, 1.5)}, sidecar="azwi-proxy",
    relayed=2, findings=True)
