# SPDX-License-Identifier: Apache-2.0
"""Ten thousand real exchanges of workloads that never used IRSA: each seen, each named, and
nobody said to use it; nor where opened token files can't be seen."""
import collections
import os
import subprocess
import tempfile
import time

import checks
import compare
import replays
from node import session
from tap import Results

NAME = "never-irsa"
LEAST = 10_000
TOKENS = ("irsa", "azure-workload-identity")
# what a finding may be made of
SURE = ("medium", "high")
# a declaration alone, before the container has any credentials: the first call that may be one
DOUBTFUL = ("declared-js", "declared-java", "declared-rust")


def observe(directory, results):
    with session.Node(NAME, directory) as node, \
            session.Observer(node, session.binary(), directory,
                             *replays.recorded(directory)) as observer:
        start = time.monotonic()
        node.go()
        results.check(node.finished(), f"{NAME}: every client of the node ended well")
        seconds = time.monotonic() - start
        checks.settle(observer)
        metrics = observer.metrics()
        results.check(observer.close() == 0, f"{NAME}: credscope ends with status 0",
                      observer.log_tail())
    return metrics, seconds


def accused(events):
    """Findings that say that somebody uses IRSA, or another mechanism that is to be replaced."""
    return [f"{e.get('pod')}: {e['finding']} {e['mechanism']}, {e['explanation']}" for e in events
            if e.get("kind") == "finding" and e["open"]
            and e["finding"] in ("retiring-mechanism", "irsa-left-behind")]


def mistaken(pairs):
    """Calls taken for exchanges of a token, by confidence."""
    wrong = collections.defaultdict(list)
    for pair in pairs:
        if pair.event["mechanism"] in TOKENS:
            wrong[pair.event["confidence"] in SURE].append(pair)
    return wrong


def judge(what, match, events, results):
    wrong = mistaken(match.pairs)
    results.check(not match.missing and not match.extra, f"{what}: none is missing, none is extra",
                  map(compare.describe, match.missing + match.extra))
    results.check(not accused(events), f"{what}: 0 findings of a retiring mechanism in "
                  f"{len(match.pairs)} exchanges", accused(events))
    results.check(not wrong[True], f"{what}: no call is taken for the exchange of a token with "
                  f"more than low confidence, {len(wrong[False])} with low",
                  [f"{compare.describe(p.truth)}: {p.event['mechanism']} {p.event['confidence']} "
                   f"{p.event['reasons']}" for p in wrong[True]])
    return wrong[False]


def seen(match, doubted, metrics, results):
    """Every field of every exchange, as in the other scenarios; but for what is doubtful."""
    extra = [compare.describe(p.truth) for p in doubted if p.truth["pod"] not in DOUBTFUL]
    results.check(not extra and len(doubted) <= len(DOUBTFUL), f"{NAME}: at most one doubtful "
                  "call each where only the declaration speaks for it", extra)
    bad = [f"{compare.describe(p.truth)}: {text}" for p in match.pairs
           if not any(p is d for d in doubted) for text in compare.problems(p)]
    results.check(not bad, f"{NAME}: every field of every other exchange agrees", bad)
    got = checks.value(metrics, "credscope_requests_total", 'namespace="')
    results.check(got == len(match.pairs), f"{NAME}: all are in credscope_requests_total",
                  f"{got:.0f}, truth {len(match.pairs)}")


def main():
    results = Results()
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        metrics, seconds = observe(directory, results)
        clients, servers, events = compare.load(directory, f"{directory}/events.jsonl")
        match = compare.Match(clients, servers, events)
        tls = sum(p.truth["tls"] for p in match.pairs)
        results.check(len(match.pairs) >= LEAST, f"{NAME}: {len(match.pairs)} exchanges in "
                      f"{seconds:.0f} s, {tls} under TLS")
        if os.environ.get("E2E_PROVEN"):
            seen(match, judge(NAME, match, events, results), metrics, results)
        checks.intended(NAME, clients, results)
        checks.accounting(NAME, metrics, results)
        unseen = replays.replay(directory, "--no-token-opens")[0]
        judge(f"{NAME}, token opens not seen", compare.Match(clients, servers, unseen), unseen,
              results)
        if keep := os.environ.get("E2E_KEEP"):
            subprocess.run(["cp", "-r", directory, os.path.join(keep, NAME)], check=False)
    results.finish()


if __name__ == "__main__":
    main()
