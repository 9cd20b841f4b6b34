# SPDX-License-Identifier: Apache-2.0
"""What takes minutes and hours to be found, and to clear.

It is played in a minute: a second here is a minute in the replay that is judged
(tests/e2e/hours.py), while an exchange lasts as long as it did.
"""
from . import HostProcess, Pod, Scenario, app

FIRST = "first-call-failed"
MISSING = ("association-propagating", "association-missing")
QUIET = 900.0
ADDRESS = 3600.0
USE = 12 * 3600.0


def raw(what, repeat=1, every=0.0, **more):
    return {"do": what, "tool": "raw", "repeat": repeat, "every": every, **more}


def pause(seconds):
    return {"do": "sleep", "seconds": seconds}


def agent(*behaviours):
    return {"agent": list(behaviours)}


GOOD, BAD, BUSY, UNKNOWN = {}, {"status": 500}, {"status": 429}, {"status": 404}


def pod(name, steps, start=1.0, **more):
    """An account of its own: what the agent answers about accounts must not mix."""
    return Pod(name, app(steps, start=start), service_account=name, **more)


RENEWAL = [
    # it fails every 2 min: 5 min after the first failure it is found, and at once over
    pod("renewal-fails", [raw("pia", 13, 2.0)], behaviours=agent(GOOD, *[BAD] * 11, GOOD),
        expect=("ok", "server_error+", "ok"),
        timeline=(("+refresh-failing", 4, 0.0), ("-refresh-failing", 12, 0.0))),
    # every 18 min: two may be anything, three are no chance
    pod("renewal-seldom", [raw("pia", 4, 18.0)], behaviours=agent(GOOD, BAD),
        expect=("ok", "server_error+"),
        timeline=(("+refresh-failing", 3, 0.0), ("-refresh-failing", 3, ADDRESS))),
    # twice within 2 min, then again within 2 min: over each time before 5 are
    pod("renewal-hiccups", [raw("pia", 8, 1.5)], behaviours=agent(GOOD, BAD, BAD, GOOD, BAD, BAD,
                                                                 GOOD),
        expect=("ok", "server_error", "server_error", "ok", "server_error", "server_error", "ok",
                "ok")),
    # an association that went: served from the agent's cache, then never again
    pod("association-gone", [raw("pia", 9, 1.0)], behaviours=agent(GOOD, UNKNOWN),
        expect=("ok", "not_found+"),
        timeline=(("+association-propagating", 1, 0.0), ("+association-missing", 2, 0.0),
                  ("-association-propagating", 2, 0.0), ("+refresh-failing", 6, 0.0),
                  ("-association-missing", 8, QUIET), ("-refresh-failing", 8, ADDRESS))),
]
ANSWERS = [
    # one is made after 4 min
    pod("association-late", [raw("pia", 9, 0.6)], behaviours=agent(*[UNKNOWN] * 7, GOOD),
        expect=("not_found+", "ok", "ok"),
        timeline=(("+" + FIRST, 0, 0.0), ("+association-propagating", 0, 0.0),
                  ("+association-missing", 2, 0.0), ("-association-propagating", 2, 0.0),
                  ("-association-missing", 7, 0.0), ("-" + FIRST, 0, QUIET))),
    # now and then for most of an hour: one finding, that doesn't blink
    pod("throttled-often", [raw("pia", 12, 4.5)], behaviours=agent(GOOD, *[BUSY, GOOD] * 5, BUSY),
        expect=("ok", *["throttled", "ok"] * 5, "throttled"),
        timeline=(("+throttled", 1, 0.0), ("-throttled", 11, QUIET))),
    # every half an hour: each time for 15 min
    pod("throttled-seldom", [raw("pia"), raw("pia", 2, 30.0)], behaviours=agent(GOOD, BUSY),
        expect=("ok", "throttled", "throttled"),
        timeline=(("+throttled", 1, 0.0), ("-throttled", 1, QUIET), ("+throttled", 2, 0.0),
                  ("-throttled", 2, QUIET))),
]
TIME = [
    pod("hop-limit", [raw("imds-token", 4, 9.0, timeout=1.0)],
        behaviours={"imds": [{"hop_limit": 1}]}, expect=("abandoned+",),
        timeline=(("+hop-limit", 0, 60.0, "start"),
                  ("-hop-limit", 3, USE, "start"))),
    # read every 3 min, three times, and never shown to anybody
    pod("token-unused", [{"do": "read-token", "declares": "irsa", "repeat": 3, "every": 3.0},
                         raw("imds-region")],
        timeline=(("+token-read-no-exchange", 0, 30.0, "start"),
                  ("-token-read-no-exchange", 0, QUIET, "start"))),
    # every 6 min: three within 12
    pod("token-seldom", [{"do": "read-token", "declares": "irsa", "repeat": 6, "every": 6.0},
                         raw("imds-region")]),
    pod("chain", [raw("pia"), raw("assume-role", 3, 15.0)],
        timeline=(("+chained-assume-role", 1, 0.0), ("-chained-assume-role", 3, USE))),
    pod("old-path", [raw("imdsv1", 2, 20.0)], intercept="kube2iam",
        timeline=(("+retiring-mechanism", 1, 0.0), ("+undeclared-interception", 1, 0.0),
                  ("-retiring-mechanism", 3, USE), ("-undeclared-interception", 3, USE))),
    # IPv4 answers, IPv6 refuses
    pod("asks-v6", [raw("pia", 7, 8.0, family=6)], expect=("refused+",),
        timeline=(("+" + FIRST, 0, 0.0), ("-" + FIRST, 0, QUIET))),
]
HOST = [HostProcess("kubelet.service", [raw("imdsv2", 60, 1.0)], start=0.5)]
HOUR = Scenario(RENEWAL + ANSWERS + TIME, host=HOST, agent_addresses=("169.254.170.23",), seconds=100.0,
                timeline=(("+family-unreachable fd00:ec2::23", "asks-v6", 1, 0.0),
                          ("-family-unreachable fd00:ec2::23", "asks-v6", 6, ADDRESS)))

TABLE = {"hour": HOUR}
