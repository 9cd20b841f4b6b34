# SPDX-License-Identifier: Apache-2.0
"""Ten thousand exchanges of workloads none of which ever used IRSA, several at a time.

Calls to STS have the record lengths that SDKs were measured to send (docs/sdk-matrix.md): what
looks most like an exchange of a token is there most.
"""
from . import Pod, Scenario, app

# SDK -> (bytes of head with static keys, with a session token, head and body in one write)
SHAPES = {"boto3": (691, 1598, 0), "go": (660, 1565, 0), "js": (826, 1735, 1),
          "java": (876, 1783, 1), "rust": (703, 1612, 1)}
CALLS = ("gci", "assume-role")
IRSA = {"declares": "irsa"}
VERSIONS = {"boto3": "1.2", "java": "1.2"}  # some of them


def many(what, count, **more):
    return {"do": what, "tool": "raw", "repeat": count, "every": 0.0, "timeout": 20.0, **more}


def kept(requests, connections, **more):
    """Several requests a connection."""
    return many("connection", connections, requests=list(requests), **more)


def shape(sdk, session):
    static, signed, pieces = SHAPES[sdk]
    return {"head": signed if session else static, "session": 1000 if session else 0,
            "pieces": pieces}


def signed(sdk, count, session, **more):
    return [many(call, count, **shape(sdk, session), **more) for call in CALLS]


def of_sdk(sdk):
    """Keys of every kind; a token beside them, declared or not, that others read or nobody."""
    old = {"version": VERSIONS[sdk]} if sdk in VERSIONS else {}
    return [
        Pod(f"static-{sdk}", app(signed(sdk, 100, False))),
        Pod(f"session-{sdk}", app(signed(sdk, 100, True, **old))),
        Pod(f"kept-{sdk}", app([kept(CALLS * 10, 8, **shape(sdk, False)),
                                kept(CALLS * 10, 8, **shape(sdk, True))])),
        # declared and left alone: the application has keys of its own
        Pod(f"declared-{sdk}", app([*signed(sdk, 40, True, **IRSA), *signed(sdk, 40, False, **IRSA)])),
        # both declared, and the SDK takes the agent's credentials
        Pod(f"migrated-{sdk}", app([many("pia", 10, declares="irsa+pod-identity"),
                                    *signed(sdk, 50, True)])),
        # a shell looks at the token, the application has keys of its own
        Pod(f"cat-{sdk}", app([many("gci", 5, **shape(sdk, True), **IRSA)]
                              + [{"do": "cat-token"}, many("gci", 15, **shape(sdk, True))] * 3)),
    ]


OTHERS = [
    # the token is for another server than STS
    Pod("vault", app([{"do": "read-token", **IRSA}, many("web", 20)] * 10)),
    *[Pod(f"secret-{n}", app([many("entra-secret", 150), kept(["entra-secret"] * 20, 10)]))
      for n in range(2)],
    Pod("secret-declared", app(many("entra-secret", 150, declares="workload-identity"))),
    Pod("certificate", app([many("entra-certificate", 100),
                            kept(["entra-certificate", "entra-secret"] * 5, 5)])),
    *[Pod(f"agent-{n}", app([many("pia", 300), many("pia", 300, family=6),
                             kept(["pia"] * 20, 40)])) for n in range(2)],
    Pod("node-role", app([many("imdsv2", 250), many("imds-region", 100)])),
    Pod("node-role-v1", app([many("imdsv1", 250), many("imds-any", 100)])),
    Pod("managed-identity", app([many("azure-token", 300), many("azure-instance", 100)])),
    Pod("shop", app([many("web", 200), many("web-evil", 200), many("web-plain", 200)])),
]

TABLE = {"never-irsa": Scenario([pod for sdk in SHAPES for pod in of_sdk(sdk)] + OTHERS,
                                sts_delay=0.001, agent_delay=0.001, seconds=150.0)}
