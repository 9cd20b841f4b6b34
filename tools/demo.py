#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The demonstration: a simulated node, credscope on it, and what credscope says, live.

Everything shown is read from credscope's event log and /metrics. credscope knows the pods from a
file as `kubectl get pods -o json` writes it (--kube file:…), since no API server is there.
"""
import collections
import json
import os
import shutil
import signal
import statistics
import sys
import textwrap
import time

from node import session

SCENARIO = "demo"
WIDTH = 113
WHO = 22
NOTE = WIDTH - WHO - 64  # what is left of a line for what was asked
TEXT_WIDTH = 100  # of explanations, at most
NO_TOKEN_HOOK = "token-file opens are seen by none"  # credscope's own log
GOOD = ("ok", "ok_inferred", "answered", "redirected")
# pod, finding, what happens to it
STORIES = (
    ("orders-66d8", "irsa-left-behind", "IRSA left behind",
     "It has a Pod Identity association, and the old annotation still: the SDK goes on with IRSA."),
    ("reviews-5d4c", "node-identity-fallback", "Fallback to the node's identity",
     "The agent was not there at its first call; the SDK took the node's role and told nobody."),
    ("early-bird-0", "first-call-failed", "Start-up race",
     "It asks the agent before that listens, as pods on a fresh node do."),
    ("vault-sync-2d", "interceptor-slow", "Hold by NMI",
     "Its first token request hangs until NMI knows the pod."),
)
COLOURS = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "bold": "1"}
SEVERITIES = {"critical": "bad", "warning": "warn"}


class Stopped(Exception):
    """Ctrl-C or SIGTERM."""


class View:
    """Turns events into text; escape sequences on a terminal only."""

    def __init__(self, out=sys.stdout):
        self.out = out
        self.live = out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.rows = collections.OrderedDict()  # (who, mechanism) -> figures
        self.recent = collections.deque(maxlen=8)
        self.course = collections.defaultdict(list)  # who -> [[mechanism, outcome, seconds, count]]
        self.drawn = self.count = 0

    def paint(self, text, colour):
        if not (self.live and not os.environ.get("NO_COLOR")):
            return text
        return f"\033[{COLOURS[colour]}m{text}\033[0m"

    def who(self, event):
        return event.get("pod") or event.get("pod_uid") or event.get("workload", "~unknown")

    def add(self, event):
        who, mechanism = self.who(event), event.get("mechanism", "?")
        row = self.rows.setdefault((who, mechanism), {"count": 0, "bad": 0, "seconds": [],
                                                      "outcomes": collections.Counter()})
        outcome = event.get("outcome", "?")
        row["count"] += 1
        row["bad"] += outcome not in GOOD
        row["outcomes"][outcome] += 1
        row["changed"] = self.count = self.count + 1
        if "duration_seconds" in event:
            row["seconds"].append(event["duration_seconds"])
        self.follow(who, mechanism, outcome, event.get("duration_seconds", 0))
        line = self.line(event)
        self.recent.append(line)
        if not self.live:
            print(line, file=self.out, flush=True)

    def follow(self, who, mechanism, outcome, seconds):
        """Requests for credentials in their order, equal ones in a row as one."""
        course = self.course[who]
        if mechanism == "metadata":
            return
        if course and course[-1][:2] == [mechanism, outcome] and max(course[-1][2], seconds) < 1:
            course[-1][3] += 1
        else:
            course.append([mechanism, outcome, seconds, 1])

    def line(self, event):
        outcome = event.get("outcome", "?")
        note = event.get("sni") or tail(event)
        good = "good" if outcome in GOOD else "bad"
        text = (f"{event['time'][11:19]}  {self.who(event)[:WHO]:{WHO}} "
                f"{event.get('mechanism', '?')[:29]:29} ")
        return (text + self.paint(f"{outcome[:12]:12}", good)
                + f" {latency(event.get('duration_seconds')):>8}  "
                + self.paint(note[:NOTE], "dim"))

    def table(self, limit=None):
        """Lines of the table; with a limit, of the rows that changed last."""
        head = (f"{'WHO':{WHO}} {'MECHANISM':29} {'ASKED':>5} {'FAILED':>6} {'MEDIAN':>8} "
                f"{'SLOWEST':>8}  OUTCOMES")
        lines = [self.paint(head, "bold")]
        shown = sorted(self.rows, key=lambda key: self.rows[key]["changed"])
        for (who, mechanism) in sorted(shown[-limit:] if limit else shown):
            row = self.rows[who, mechanism]
            seconds = row["seconds"]
            outcomes = " ".join(f"{k}:{v}" for k, v in row["outcomes"].most_common())
            start = f"{who[:WHO]:{WHO}} {mechanism[:29]:29} {row['count']:5} "
            lines.append(start + self.paint(f"{row['bad']:6}", "bad" if row["bad"] else "good")
                         + f" {latency(statistics.median(seconds) if seconds else None):>8} "
                         f"{latency(max(seconds, default=None)):>8}  {outcomes}"[:WIDTH - WHO - 43])
        return lines

    def draw(self, header):
        """Replace what was drawn last; as many lines as the terminal has room for."""
        if not self.live:
            return
        size = shutil.get_terminal_size((WIDTH, 40))
        recent = list(self.recent)[-(8 if size.lines >= 40 else 4):]
        room = max(3, size.lines - 7 - len(recent))
        table = self.table(room)
        if len(self.rows) > room:
            table.append(self.paint(f"… and {len(self.rows) - room} rows without news", "dim"))
        lines = [header, "", *table, "", self.paint("LATEST", "bold"), *recent]
        move = f"\033[{self.drawn}F" if self.drawn else ""
        body = "".join(f"\033[2K{line}\n" for line in lines)
        self.out.write(move + "\033[?7l" + body + "\033[J\033[?7h")
        self.out.flush()
        self.drawn = len(lines)

    def erase(self):
        """Take the live view away, to print the whole of it."""
        if self.drawn:
            self.out.write(f"\033[{self.drawn}F\033[J")
            self.drawn = 0


def tail(event):
    """The request, or where it was to go; of a long path the end, which says most."""
    path = event.get("path", "").split("?")[0]
    if not path:
        return event.get("destination", "")
    method = "" if event.get("method") == "GET" else event.get("method", "") + " "
    room = NOTE - len(method)
    return method + (path if len(path) <= room else "…" + path[1 - room:])


def latency(seconds):
    if seconds is None:
        return "-"
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.1f} ms"


def in_flight(metrics):
    """(requests waiting for an answer, age of the oldest in seconds) from /metrics."""
    waiting = oldest = 0.0
    for line in metrics.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("credscope_requests_in_flight{"):
            waiting += float(value)
        elif name.startswith("credscope_oldest_in_flight_seconds{"):
            oldest = max(oldest, float(value))
    return int(waiting), oldest


def watch(node, observer, view, seconds):
    """Show events until the node's clients have ended and their last events are in."""
    started, offset, total, asked = time.monotonic(), 0, 0, 0.0
    waiting = (0, 0.0)
    quiet_since = None
    while time.monotonic() - started < seconds + 8:
        events, offset = session.follow(observer.events, offset)
        for event in events:
            if event.get("kind", "exchange") == "exchange":
                view.add(event)
                total += 1
        now = time.monotonic()
        if view.live and now - asked > 1.0:
            asked, waiting = now, in_flight(observer.metrics())
        state = f"{waiting[0]} waiting" + (f" up to {waiting[1]:.1f} s" if waiting[0] else "")
        view.draw(view.paint(f"credscope on a simulated node · {now - started:4.0f} s · "
                             f"{total} exchanges · {state}", "bold"))
        if node.finished_already():
            quiet_since = quiet_since or now
            if now - quiet_since > 2.0:
                return
        time.sleep(0.25)


def save(observer, directory):
    text = observer.metrics()
    path = os.path.join(directory, "metrics.txt")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def summary(view, observer, directory, out):
    view.erase()
    print("\nWhat credscope saw\n", file=out)
    for line in view.table():
        print(line, file=out)
    if NO_TOKEN_HOOK in observer.log_tail():
        print("\nThis kernel has no hook for token-file opens, which are half of the proof for IRSA"
              "\nand Azure Workload Identity: such calls show as sts and entra here.", file=out)
    if observer.process.poll() is None:
        try:
            show_findings(view, observer, out)
            print(f"\nmetrics    {save(observer, directory)}", file=out)
        except session.Failed as error:
            print(f"\ncredscope did not answer: {error}", file=out)
    print(f"event log  {observer.events}\nown log    {observer.log}", file=out)


def explain(finding, indent, out):
    columns = min(TEXT_WIDTH, shutil.get_terminal_size((TEXT_WIDTH, 40)).columns)
    print(textwrap.fill(finding["explanation"], columns, initial_indent=" " * indent,
                        subsequent_indent=" " * indent, break_on_hyphens=False), file=out)


def in_words(course):
    """What a workload's requests came to, in their order: "refused (4 times), then ok"."""
    steps, last = [], None
    for mechanism, outcome, seconds, count in course:
        name = "" if mechanism == last else mechanism + " "
        last = mechanism
        more = f" after {latency(seconds)}" if seconds >= 1 else ""
        more += f" ({count} times)" if count > 1 else ""
        steps.append(f"{name}{outcome}{more}")
    return ", then ".join(steps[:4]) + (" …" if len(steps) > 4 else "")


def show_findings(view, observer, out):
    """The situations that the demonstration is about, then what else credscope found, as it says
    it: /api/v1/findings."""
    answer = json.loads(observer.node.curl("http://credscope/api/v1/findings", "--unix-socket",
                                           observer.api))
    rest = list(answer["findings"])
    print("\nFour situations of a migration\n", file=out)
    for pod, name, title, what in STORIES:
        found = [f for f in rest if f.get("pod") == pod and f["finding"] == name]
        print(f"{view.paint(title, 'bold')}: {pod}\n            {what}", file=out)
        print(f"  requests  {in_words(view.course[pod])}", file=out)
        for finding in found:
            rest.remove(finding)
            head = f"{finding['severity']} {finding['finding']}"
            print(f"  finding   {view.paint(head, SEVERITIES.get(finding['severity'], 'dim'))}",
                  file=out)
            explain(finding, 12, out)
        if not found:
            print(f"  finding   {name} is not open (yet)", file=out)
    print("\nWhat else is open, each with the explanation of the first\n", file=out)
    kinds = collections.OrderedDict()
    for finding in rest:
        kinds.setdefault((finding["severity"], finding["finding"]), []).append(finding)
    for (severity, name), findings in kinds.items():
        names = ", ".join(f.get("pod") or f.get("workload", "the node") for f in findings)
        head = view.paint(f"{severity:8}  {name:26}", SEVERITIES.get(severity, "dim"))
        print(f"{head}  {names}", file=out)
        explain(findings[0], 10, out)


def raise_stopped(_number, _frame):
    raise Stopped


def main():
    binary = session.binary()
    directory = os.path.join(os.path.abspath(os.environ.get("BUILD", "build")), "demo")
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, raise_stopped)
    try:
        return show(binary, directory)
    except session.Failed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except Stopped:
        print("\ndemo: interrupted; the node and credscope are gone", file=sys.stderr)
        return 130


def show(binary, directory):
    # the node also writes what really happened, which the demonstration doesn't look at
    with session.Node(SCENARIO) as node:
        print(f"{len(node.info['pods'])} pods on a simulated node, {node.info['seconds']:.0f} s at "
              "most. No API server is there: credscope reads\nthe pods from a file, as "
              "`kubectl get pods -A -o json` writes it.")
        with session.Observer(node, binary, directory) as observer:
            view = View()
            print("Meanwhile, in another terminal: "
                  f"{os.path.relpath(binary)} top --api unix:{observer.api}\n")
            node.go()
            stopped = None
            try:
                watch(node, observer, view, node.info["seconds"])
            except Stopped as error:
                stopped = error
            summary(view, observer, directory, sys.stdout)
            if stopped:
                raise stopped
    return 0


if __name__ == "__main__":
    sys.exit(main())
