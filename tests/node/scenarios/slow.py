# SPDX-License-Identifier: Apache-2.0
"""What takes minutes to be found, in real time (make test-slow): hangs, failing renewals.

"slow" has an agent that answers over IPv4, some not well; "slow-silent" one that answers nobody for
a minute and a half.
"""
from . import HostProcess, Scenario
from .hour import BAD, FIRST, GOOD, UNKNOWN, agent, pause, pod, raw

AGENT4, AGENT6 = "169.254.170.23", "fd00:ec2::23"
HANG = {"fault": "hang"}
FIVE = 300.0
MINUTE = 60.0

SLOW = [
    # an error every 10 s, over 5 min after the first
    pod("renewal-fails", [raw("pia", 33, 10.0)], behaviours=agent(GOOD, *[BAD] * 31, GOOD),
        expect=("ok", "server_error+", "ok"),
        timeline=(("+refresh-failing", 31, 0.0), ("-refresh-failing", 32, 0.0))),
    # one request that hangs for more than 5 min
    pod("renewal-hangs", [raw("pia"), raw("pia", timeout=315.0), raw("pia")],
        behaviours=agent(GOOD, HANG, GOOD), expect=("ok", "abandoned", "ok"),
        timeline=(("+refresh-failing", 1, FIVE, "start"), ("-refresh-failing", 2, 0.0))),
    # connects that nobody answers; nobody on this node gets an answer over IPv6
    pod("renewal-unanswered", [raw("pia"), raw("pia", 5, family=6, timeout=64.0)], drop=(AGENT6,),
        expect=("ok", "unreachable+"), timeline=(("+refresh-failing", 1, FIVE, "start"),)),
    # the web identity is refused: perhaps another role's, under TLS, for an hour; that its token
    # leads to nothing shows after three more
    pod("irsa-refused", [raw("irsa", 16, 20.0)], behaviours={"sts": [GOOD, {"status": 403}]},
        expect=("ok_inferred", "rejected_inferred+"), timeline=(("+retiring-mechanism", 0, 0.0),
                  ("+token-read-no-exchange", 4, 30.0, "start"))),
    pod("association-late", [raw("pia", 10, 10.0)], behaviours=agent(*[UNKNOWN] * 9, GOOD),
        expect=("not_found+", "ok"),
        timeline=(("+" + FIRST, 0, 0.0), ("+association-propagating", 0, 0.0),
                  ("+association-missing", 6, 0.0), ("-association-propagating", 6, 0.0),
                  ("-association-missing", 9, 0.0))),
    pod("hop-limit", [raw("imds-token", timeout=1.0)], behaviours={"imds": [{"hop_limit": 1}]},
        expect=("abandoned",), timeline=(("+hop-limit", 0, MINUTE, "start"),)),
    # it gets its own a little later
    pod("hop-limit-late", [raw("imds-token", timeout=1.0), pause(40.0), raw("pia")],
        behaviours={"imds": [{"hop_limit": 1}]}, expect=("abandoned", "ok"),
        timeline=(("+hop-limit-harmless", 0, MINUTE, "start"),)),
    pod("token-unused", [{"do": "read-token", "declares": "irsa", "repeat": 3, "every": 25.0},
                         raw("imds-region")],
        timeline=(("+token-read-no-exchange", 0, 30.0, "start"),)),
]
SILENT = [
    pod("asks-v4", [raw("pia", 2, timeout=90.0)], drop=(AGENT4,), expect=("unreachable+",),
        timeline=(("+" + FIRST, 0, 0.0),)),
    pod("asks-v6", [raw("pia", 2, family=6, timeout=90.0)], behaviours=agent(HANG, GOOD),
        expect=("abandoned", "ok"), timeline=(("+" + FIRST, 0, 0.0),)),
    pod("asks-imds", [raw("azure-instance", 3, timeout=80.0)],
        behaviours={"imds": [GOOD, HANG, GOOD]}, expect=("ok", "abandoned", "ok")),
]
# what was unreachable at all is so over one family, once the other answers
SILENCE = (
    (f"+endpoint-unreachable {AGENT4}", "asks-v4", 0, MINUTE, "start"),
    (f"+endpoint-unreachable {AGENT6}", "asks-v6", 0, MINUTE, "start"),
    (f"-endpoint-unreachable {AGENT6}", "asks-v6", 1, 0.0),
    (f"-endpoint-unreachable {AGENT4}", "asks-v6", 1, 0.0),
    (f"+family-unreachable {AGENT4}", "asks-v6", 1, 0.0),
    ("+endpoint-unreachable IPv4", "asks-imds", 1, MINUTE, "start"),
    ("-endpoint-unreachable IPv4", "asks-imds", 2, 0.0),
)
HOST = [HostProcess("kubelet.service", [raw("imdsv2", 10, 30.0)], start=0.5)]

TABLE = {
    "slow": Scenario(SLOW, host=HOST, seconds=400.0, timeline=(
        (f"+family-unreachable {AGENT6}", "renewal-unanswered", 1, MINUTE, "start"),)),
    "slow-silent": Scenario(SILENT, timeline=SILENCE, seconds=250.0),
}
