# SPDX-License-Identifier: Apache-2.0
"""What must be seen soon: answers on connections that stay open, and requests that hang."""
from . import Pod, Scenario, app

PAUSE = {"pause": 2.5, "hold": 2.5}
HANG = [{"fault": "hang"}]
SECONDS = 6.0


def stays(*requests, **more):
    return app({"do": "connection", "requests": list(requests), **PAUSE, **more}, start=0.5)


def hangs(what, **more):
    return app({"do": what, "tool": "raw", "timeout": SECONDS, **more}, start=1.0)


OPEN = [
    Pod("open-agent", stays("pia", "pia")),
    Pod("open-agent-6", stays("pia", "pia", family=6)),
    Pod("open-agent-chunked", stays("pia", "pia"), behaviours={"agent": [{"session": 3000}]}),
    Pod("open-refused", stays("pia", "pia"), behaviours={"agent": [{"status": 400}]},
        expect=("client_error", "client_error")),
    Pod("open-irsa", stays("irsa", "gci", "assume-role")),
    Pod("open-irsa-old", stays("irsa", "gci", version="1.2")),
    Pod("open-slow", stays("gci", "gci"), behaviours={"sts": [{"delay": 0.8}]}),
    Pod("open-entra", stays("entra-wi", "entra-secret")),
    Pod("open-nmi", stays("azure-token"), intercept="nmi"),
]
HANGING = [
    Pod("hang-agent", hangs("pia"), behaviours={"agent": HANG}, expect=("abandoned",)),
    Pod("hang-connect", hangs("pia"), drop=("169.254.170.23",), expect=("unreachable",)),
    Pod("hang-connect-6", hangs("pia", family=6), drop=("fd00:ec2::23",), expect=("unreachable",)),
    Pod("hang-imds", hangs("imds-token"), behaviours={"imds": [{"hop_limit": 1}]},
        expect=("abandoned",)),
    Pod("hang-sts", hangs("irsa"), behaviours={"sts": HANG}, expect=("abandoned",)),
    Pod("hang-sts-old", hangs("gci", version="1.2"), behaviours={"sts": HANG},
        expect=("abandoned",)),
    Pod("hang-entra", hangs("entra-secret"), behaviours={"entra": HANG}, expect=("abandoned",)),
    Pod("hang-later", app({"do": "connection", "requests": ["gci", "gci"], "pause": 1.0,
                           "timeout": SECONDS}, start=1.0),
        behaviours={"sts": [{}, {"fault": "hang"}]}, expect=("answered", "abandoned")),
    Pod("hang-nmi", hangs("azure-token"), intercept="nmi", behaviours={"nmi": HANG},
        expect=("abandoned",)),
]

TABLE = {"in-time": Scenario(OPEN + HANGING, seconds=40.0)}
