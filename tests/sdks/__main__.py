# SPDX-License-Identifier: Apache-2.0
"""python3 -m sdks [SDK ...]: the SDK matrix (root). See README.md."""
import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

from node.session import Failed, Node, Observer, binary

from . import document, match, matrix, shapes, table, toolchains

LEAST, LEAST_UNSEEN = 0.99, 0.95  # without the hook for token opens


def wanted(names, operations=""):
    """In the table's order, which is also the scenario's; with those operations alone."""
    known = [sdk.name for sdk in table.SDKS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"sdks: no SDK {unknown[0]}; known: {' '.join(known)}")
    sdks = (table.narrowed(sdk, operations) for sdk in table.SDKS
            if not names or sdk.name in names)
    return [sdk for sdk in sdks if sdk.operations]


def settle(path, seconds=15.0):
    """Until the event log has grown no more for two seconds: what waits for an end has had it."""
    deadline, size, since = time.monotonic() + seconds, -1, time.monotonic()
    while time.monotonic() < min(deadline, since + 2.0):
        now = os.path.getsize(path) if os.path.exists(path) else 0
        if now != size:
            size, since = now, time.monotonic()
        time.sleep(0.1)


def observe(sdks, directory, operations):
    """Run the scenario under credscope; directory then has truth, events and facts. Whether all
    programs ended well."""
    os.environ["SDKS"] = ",".join(sdk.name for sdk in sdks)
    os.environ["SDK_OPERATIONS"] = operations
    with Node("sdks", truth=os.path.join(directory, "truth")) as node, \
            Observer(node, binary(), directory, "--record-facts",
                     os.path.join(directory, "facts")) as observer:
        node.go()
        fine = node.finished()
        settle(observer.events)
    return fine


def replay(directory, leaf, *options):
    """The recorded facts once more, by tools/replay: the path of its events."""
    path = os.path.join(directory, leaf)
    with open(path, "wb") as out:
        subprocess.run([os.path.join(os.path.dirname(binary()), "tools/replay"), *options, "--kube",
                        f"{directory}/truth/pods.json", f"{directory}/facts"], stdout=out,
                       stderr=subprocess.DEVNULL, timeout=120, check=True)
    return path


class Report:
    """Prints, and counts for the closing line."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, good, text):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(("ok - " if good else "not ok - ") + text)

    def skip(self, text):
        self.skipped += 1
        print("not run - " + text)

    def end(self):
        """The closing line; the exit status."""
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 0 if self.passed and not self.failed else 1

    def counts(self, title, counts):
        print(f"\n# {title}")
        for line in matrix.matrix_lines(counts):
            print("#   " + line)

    def verdicts(self, result, title, least):
        counts = result.counts()
        self.counts(title, counts)
        for mechanism in match.JUDGED:
            precision, recall, were = matrix.score(counts, mechanism)
            if were:
                print(f"#   {mechanism}: {were} calls, precision {precision or 0.0:.4f}, "
                      f"recall {recall or 0.0:.4f}")
        bad = list(matrix.problems(result, counts, least))
        self.check(not bad, f"{title}: precision and recall at least {least}, none attributed wrong")
        for text in [*bad[:20], *matrix.mistakes(result)]:
            print("#   " + text)


def report(sdks, directory, events, totals):
    """Judge events, a path, against the truth in directory; the match.Result."""
    result = match.Result(sdks, *match.load(f"{directory}/truth", events))
    undone = list(matrix.undone(sdks, result))
    totals.check(not undone, "the end-points were asked for what each operation is to do")
    for text in undone:
        print("#   " + text)
    out = os.path.join(os.path.dirname(binary()), "sdk-shapes.tsv")
    with open(out, "w", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in shapes.lines(sdks, result))
    print(f"#   record lengths: {out}")
    for sdk in sdks:
        totals.counts(f"{sdk.name} {sdk.pinned()}", result.counts(sdk.name))
    totals.verdicts(result, "all SDKs, all evidence", LEAST)
    return result


def report_unseen(sdks, directory, totals):
    """The same facts as a kernel without a hook for token opens would have told them."""
    events = replay(directory, "events-no-token-opens.jsonl", "--no-token-opens")
    result = match.Result(sdks, *match.load(f"{directory}/truth", events))
    totals.verdicts(result, "all SDKs, token opens not seen", LEAST_UNSEEN)
    sure = sum(c.verdict in match.JUDGED and c.event["confidence"] == "high"
               for c in result.calls)
    totals.check(sure == 0, "all SDKs, token opens not seen: no verdict of high confidence")
    if sure:
        print(f"#   {sure} verdicts")
    return result


def judge(sdks, directory, events, totals, into):
    """Both ways; into: a document for the figures, or None."""
    seen = report(sdks, directory, events, totals)
    unseen = report_unseen(sdks, directory, totals)
    if into:
        document.write(into, sdks, seen, unseen)


def main():
    parser = argparse.ArgumentParser(prog="python3 -m sdks", description=__doc__)
    parser.add_argument("sdk", nargs="*", help="which (default: all)")
    parser.add_argument("--operations", metavar="WORDS", default="", help="those alone whose names "
                        "have one of these words, between commas")
    parser.add_argument("--keep", metavar="DIR", help="leave truth, events and facts there")
    parser.add_argument("--replay", metavar="DIR", help="run nothing: judge what is kept there "
                        "by this build (the SDKs must be the same)")
    parser.add_argument("--document", metavar="FILE", help="write the figures into it, between "
                        "its markers")
    options = parser.parse_args()
    sdks, totals = wanted(options.sdk, options.operations), Report()
    if options.replay:
        events = replay(options.replay, "events-replayed.jsonl")
        judge(sdks, options.replay, events, totals, options.document)
        return totals.end()
    if os.geteuid() != 0:
        raise SystemExit("sdks: needs root (namespaces and cgroups)")
    unbuilt = toolchains.build_all(sdks)
    for sdk in sdks:
        if unbuilt[sdk.toolchain]:
            totals.skip(f"{sdk.name}: {unbuilt[sdk.toolchain]}")
        for operation, why in sdk.lacks.items():
            totals.skip(f"{sdk.name} {operation}: {why}")
    ready = [sdk for sdk in sdks if not unbuilt[sdk.toolchain]]
    directory = options.keep or tempfile.mkdtemp(prefix="credscope-sdks-")
    os.makedirs(directory, exist_ok=True)
    for leaf in ("events.jsonl", "facts"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, leaf))  # both are appended to
    try:
        if ready:
            totals.check(observe(ready, directory, options.operations),
                         "every program ended well")
            judge(ready, directory, os.path.join(directory, "events.jsonl"), totals,
                  options.document)
    except Failed as error:
        totals.check(False, str(error))
    finally:
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)
    return totals.end()


if __name__ == "__main__":
    sys.exit(main())
