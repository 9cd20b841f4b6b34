# SPDX-License-Identifier: Apache-2.0
"""Every exchange on the simulated node against ground truth; nothing missing, nothing extra."""
import os
import shutil
import sys
import tempfile

import checks
import compare
from node import session
from tap import Results


def run(scenario, directory, results):
    with session.Node(scenario, directory) as node:
        with session.Observer(node, session.binary(), directory) as observer:
            node.go()
            results.check(node.finished(), f"{scenario}: every client of the node ended well")
            checks.settle(observer)
            metrics = observer.metrics()
            status = observer.close()
            results.check(status == 0, f"{scenario}: credscope ends with status 0 on SIGTERM",
                          observer.log_tail())
    return metrics


def garbage(match, results):
    """No garbage is a delivery or a success of an agent that answered nothing good."""
    wrong = [f"{e.get('destination')} {e.get('mechanism')} {e.get('outcome')} {e.get('path')}"
             for e in match.garbage if e.get("delivered")]
    results.check(not wrong, "garbage: none of it delivers credentials", wrong)


def injected(match, results):
    """The bracket means something only if servers' times were there, and it is narrow."""
    held = sum(p.lower > 0 for p in match.pairs)
    results.check(2 * held > len(match.pairs),
                  f"{held} of {len(match.pairs)} exchanges have a server's own time")
    delayed = [p for p in match.pairs if p.lower >= 0.1]
    close = [p for p in delayed if p.event.get("duration_seconds", 0.0) <= p.lower * 1.05 + 0.25]
    results.check(len(delayed) >= 5, "at least five exchanges have an injected delay of 100 ms")
    results.check(2 * len(close) >= len(delayed),
                  "half of the injected delays are seen to 5 % (250 ms of a busy machine apart)",
                  [f"{p.lower} s seen as {p.event.get('duration_seconds')} s" for p in delayed])


def main():
    results = Results()
    for scenario in sys.argv[1:] or ("e2e", "churn", "garbage"):
        with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
            metrics = run(scenario, directory, results)
            rows = compare.load(directory, f"{directory}/events.jsonl")
            keep = os.environ.get("E2E_KEEP")
            if keep:  # for a look at what went wrong
                shutil.copytree(directory, os.path.join(keep, scenario), dirs_exist_ok=True,
                                ignore=shutil.ignore_patterns("*.sock"))
            match = compare.Match(*rows)
            checks.topics(scenario, match, results)
            results.check(not match.missing, f"{scenario}: no exchange is missing",
                          map(compare.describe, match.missing))
            results.check(not match.extra, f"{scenario}: no exchange is extra",
                          map(compare.describe, match.extra))
            if scenario == "e2e":
                injected(match, results)
            if scenario == "garbage":
                garbage(match, results)
            else:
                checks.sums(scenario, match, metrics, results)
            checks.accounting(scenario, metrics, results, lossless=scenario != "garbage")
            losses = [e for e in rows[2] if e.get("kind") == "loss"]
            results.check(not losses or scenario == "garbage", f"{scenario}: no losses",
                          map(str, losses))
            checks.intended(scenario, rows[0], results)
    results.finish()


if __name__ == "__main__":
    main()
