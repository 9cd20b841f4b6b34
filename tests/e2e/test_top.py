# SPDX-License-Identifier: Apache-2.0
"""credscope top against credscope run on a simulated node: once, as JSON, and live on a terminal
of its own, with keys, a resize, and the terminal as it was after every way out."""
import collections
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

import checks
import compare
from node import session, truth
from tap import Results

ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}


def top(observer, *args, **environment):
    """credscope top without a terminal."""
    return subprocess.run([session.binary(), "top", *args], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=30, check=False,
                          env={**ENVIRONMENT, "CREDSCOPE_API": f"unix:{observer.api}",
                               **environment})


class Screen:
    """credscope top on a pseudo-terminal, and what a terminal would show of it."""

    def __init__(self, observer, *args, columns=80, lines=24, **environment):
        self.master, self.slave = pty.openpty()
        self.cells, self.raw, self.at = {}, b"", 0
        self.row = self.column = 0
        self.resize(columns, lines, tell=False)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [session.binary(), "top", *args], stdin=self.slave, stdout=self.slave,
            stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**ENVIRONMENT, "CREDSCOPE_API": f"unix:{observer.api}", **environment})

    def resize(self, columns, lines, tell=True):
        self.columns, self.lines = columns, lines
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
        if tell:
            self.cells.clear()

    def type(self, keys):
        os.write(self.master, keys)

    def read(self, seconds):
        """Take over what comes within that time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    self.raw += os.read(self.master, 65536)
                except OSError:  # nobody has the other side
                    break
        self.interpret()

    def interpret(self):
        text = self.raw.decode(errors="replace")
        for match in re.finditer(r"\x1b\[([?\d;]*)([A-Za-z])|[^\x1b]", text[self.at:]):
            self.at += len(match.group(0))
            if match.group(2):
                self.control(match.group(1), match.group(2))
            elif match.group(0) == "\n":
                self.row += 1
            elif match.group(0) == "\r":
                self.column = 0
            else:
                self.cells[self.row, min(self.column, self.columns - 1)] = match.group(0)
                self.column += 1

    def control(self, arguments, letter):
        if letter == "H":
            self.row = self.column = 0
        elif letter in "JK":
            gone = [at for at in self.cells
                    if arguments == "2" or at[0] == self.row and at[1] >= self.column
                    or letter == "J" and at[0] > self.row]
            for at in gone:
                del self.cells[at]

    def shown(self):
        rows = range(max((r for r, _ in self.cells), default=-1) + 1)
        return ["".join(self.cells.get((row, column), " ") for column in range(self.columns))
                .rstrip() for row in rows]

    def wait_for(self, pattern, seconds=8.0):
        """Until a shown line matches; that line or None."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.2)
            for line in self.shown():
                if re.search(pattern, line):
                    return line
        return None

    def ended(self, seconds=5.0):
        """The exit status; None when it goes on."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            self.read(0.05)
        self.read(0.1)
        return self.process.poll()

    def restored(self):
        """What is not as it was."""
        bad = []
        if termios.tcgetattr(self.slave) != self.before:
            bad.append("the terminal's settings")
        for enter, leave, what in ((b"\x1b[?1049h", b"\x1b[?1049l", "the screen"),
                                   (b"\x1b[?25l", b"\x1b[?25h", "the cursor"),
                                   (b"\x1b[?7l", b"\x1b[?7h", "wrapping")):
            if enter not in self.raw or self.raw.rfind(leave) < self.raw.rfind(enter):
                bad.append(what)
        return bad

    def __enter__(self):
        return self

    def __exit__(self, *_):
        session.end(self.process)
        self.process.stderr.close()
        os.close(self.master)
        os.close(self.slave)


def agrees_with_truth(observer, directory, results):
    """--json has every request that the clients and servers saw, under its workload."""
    rows = compare.load(directory, observer.events)
    match = compare.Match(*rows)
    wanted = collections.Counter()
    for pair in match.pairs:
        event = pair.event
        wanted[event["namespace"], event["workload"], event["mechanism"], event["outcome"]] += 1
    document = json.loads(top(observer, "--json").stdout)
    got = collections.Counter()
    for workload in document["workloads"]:
        for use in workload["mechanisms"]:
            for outcome, count in use["requests"].items():
                got[workload["namespace"], workload["workload"], use["mechanism"],
                    outcome] += count
            if use["total"] != sum(use["requests"].values()):
                got["total is not the sum"] += 1
    bad = [f"{key}: {got[key]}, truth {wanted[key]}"
           for key in set(wanted) | set(got) if got[key] != wanted[key]]
    results.check(wanted and not bad, f"--json agrees with {sum(wanted.values())} exchanges", bad)
    return document


def waits(observer, results):
    """While a client hangs, it is seen waiting, under its name."""
    end = time.monotonic() + 30
    found = None
    while not found and time.monotonic() < end:
        time.sleep(0.1)
        done = top(observer, "--once", COLUMNS="200")
        found = next((line for line in done.stdout.splitlines()
                      if re.match(r" [ !] shop/agent-hangs .* eks-pod-identity .* 1 +[\d.]+m?s ",
                                  line)), None)
    results.check(found, "a request that hangs is seen while it does")


def documents(observer, node, document, results):
    uses = {(w["workload"], u["mechanism"]): (w, u)
            for w in document["workloads"] for u in w["mechanisms"]}
    running = sum(w["pods"] or 0 for w in document["workloads"])
    results.check(running >= len(node.info["pods"]), f"{running} pods run")
    users = [f"{name}: {u['pods_using']} of {w['pods']}" for (name, _), (w, u) in uses.items()
             if w["pods"] is not None and not 0 <= u["pods_using"] <= w["pods"]]
    results.check(not users, "no workload has more pods that use than that run", users)
    delivered = [w["workload"] for w in document["workloads"] for u in w["mechanisms"]
                 if w["pods"] and u["credentials"] and not u["pods_using"]]
    results.check(not delivered, "who obtained credentials uses them", delivered)
    odd = [f"{name} {d}" for (name, _), (_, u) in uses.items() for d in [u["duration_seconds"]]
           if d["count"] != u["total"] or not 0 < d["p50"] <= d["p99"] <= 80]
    results.check(uses and not odd, "every request has a duration, and quantiles are in order", odd)
    one = json.loads(top(observer, "--json", "--namespace", "batch").stdout)
    names = {w["namespace"] for w in one["workloads"]}
    results.check(names == {"batch"}, "--namespace asks for that only", str(names))


def findings(observer, document, results):
    """Each workload has the findings that /api/v1/findings tells of its containers."""
    done = subprocess.run([session.CURL, "-sS", "-f", "--max-time", "10", "--unix-socket",
                           observer.api, "http://credscope/api/v1/findings"],
                          capture_output=True, text=True, timeout=20, check=True)
    wanted = collections.Counter((f["workload"], f["finding"])
                                 for f in json.loads(done.stdout)["findings"])
    got = collections.Counter({(w["workload"], f["finding"]): f["containers"]
                               for w in document["workloads"] for f in w["findings"]})
    results.check(len(wanted) > 5 and wanted == got,
                  f"workloads have the {sum(wanted.values())} findings of their containers",
                  [f"{key}: {got[key]}, not {wanted[key]}" for key in set(wanted) | set(got)
                   if got[key] != wanted[key]])
    table = top(observer, "--once", COLUMNS="220").stdout
    results.check(re.search(r"\nR[ !] shop/irsa-curl .* irsa .* retiring-mechanism", table),
                  "a wide table tells findings", table.splitlines())
    text = " ".join(top(observer, "--findings").stdout.split())
    missing = [f"{w['workload']}: {f['finding']}: {f['explanation']}" for w in document["workloads"]
               for f in w["findings"] if not f["expected"] and
               (f["explanation"] not in text or
                f"{f['finding']} {w['namespace']}/{w['workload']} " not in text)]
    results.check(not missing, "--findings explains each", missing)


def once(observer, document, results):
    done = top(observer, "--once")
    lines = done.stdout.splitlines()
    results.check(done.returncode == 0 and not done.stderr and "\x1b" not in done.stdout,
                  "--once prints a plain table", done.stderr)
    marks = {"retiring": "R", "node": "N"}
    bad = []
    for workload in document["workloads"]:
        for use in workload["mechanisms"]:
            name = f"{workload['namespace']}/{workload['workload']}"
            start = rf"^{marks.get(use['class'], ' ')}{'!' if use['failures'] else ' '} "
            pattern = start + rf"{re.escape(name)} +{use['mechanism']} +{use['total']} " \
                              rf"+{use['failures']} "
            if not any(re.match(pattern, line) for line in lines):
                bad.append(f"no line {pattern}")
    results.check(not bad, f"--once has a line for each of {len(lines) - 5} rows", bad + lines)
    narrow = top(observer, COLUMNS="80").stdout.splitlines()
    results.check(narrow and max(map(len, narrow)) <= 80 and len(narrow) == len(lines),
                  "without a terminal it is as --once, and COLUMNS is kept to",
                  [line for line in narrow if len(line) > 80])


def seconds(text):
    number, unit = re.match(r"([\d.]+)(ms|s)", text).groups()
    return float(number) * (0.001 if unit == "ms" else 1)


def shown_names(screen):
    """Of the table's rows; those that were shortened can't be put in order."""
    names = [line[3:].split()[0] for line in screen.shown()[3:-2]]
    return [name for name in names if "\u2026" not in name]


def live(observer, results):
    with Screen(observer, "--interval", "0.3") as screen:
        title = screen.wait_for("WORKLOAD +MECHANISM +REQ/MIN")
        row = screen.wait_for(r"^R[ !] shop/nmi-refuses +aad-pod-identity +0 +2 ")
        results.check(title and row, "live: a table, with retiring mechanisms marked",
                      screen.shown())
        results.check(all(len(line) <= 80 for line in screen.shown()) and
                      len(screen.shown()) <= 24 and b"\x1b[33m" in screen.raw,
                      "live: in 80 columns and 24 lines, coloured", screen.shown())
        screen.type(b"n")
        screen.read(0.5)
        names = shown_names(screen)
        results.check(len(names) > 5 and names[0] == "batch/job-0" and
                      names == sorted(names), "live: n sorts by name", names)
        screen.type(b"p")
        screen.read(0.5)
        slowest = [line.split()[-3] for line in screen.shown()[3:-2]]
        results.check(seconds(slowest[0]) >= 5 and slowest == sorted(slowest, key=seconds,
                                                                 reverse=True),
                      "live: p has the slowest first", screen.shown())
        screen.type(b"e")
        explained = screen.wait_for("OPEN FINDINGS") and screen.wait_for("^ {10}[A-Z].* ")
        screen.type(b"e")
        results.check(explained and screen.wait_for("WORKLOAD +MECHANISM"),
                      "live: e explains the findings, and goes back", screen.shown())
        screen.resize(160, 50)
        wide = screen.wait_for("MECHANISM .*TOTAL .*FAILED MOSTLY")
        results.check(wide and screen.wait_for("azure-workload-identity-proxy"),
                      "live: a resize shows more columns and whole names", screen.shown())
        screen.type(b"\x1b[Aq")
        status = screen.ended()
        results.check(status == 0 and not screen.restored(),
                      "live: q ends with status 0 and the terminal restored",
                      [f"status {status}", *screen.restored()])


def ways_out(observer, results):
    def after_stop(screen):
        screen.type(b"\x13")  # Ctrl-S
        screen.read(0.5)
        screen.process.send_signal(signal.SIGTERM)

    for name, act in (("SIGTERM after Ctrl-S", after_stop),
                      ("SIGTERM", lambda s: s.process.send_signal(signal.SIGTERM)),
                      ("SIGHUP", lambda s: s.process.send_signal(signal.SIGHUP)),
                      ("Ctrl-C", lambda s: s.type(b"\x03"))):
        with Screen(observer, "--interval", "0.1") as screen:
            seen = screen.wait_for("REQ/MIN")
            act(screen)
            status = screen.ended()
            results.check(seen and status == 0 and not screen.restored(),
                          f"live: {name} ends with status 0 and the terminal restored",
                          [f"status {status}", *screen.restored()])
    with Screen(observer) as screen:
        screen.wait_for("REQ/MIN")
        screen.process.send_signal(signal.SIGTSTP)
        screen.read(0.5)
        with open(f"/proc/{screen.process.pid}/stat", encoding="ascii") as f:
            state = f.read().rpartition(")")[2].split()[0]
        bad = screen.restored()
        screen.process.send_signal(signal.SIGCONT)
        screen.read(0.5)
        back = termios.tcgetattr(screen.slave) != screen.before
        screen.type(b"q")
        results.check(state == "T" and not bad and back and screen.ended() == 0,
                      "live: Ctrl-Z gives the terminal back and takes it again",
                      [f"state {state}", *bad])
    with Screen(observer, "--interval", "0.1", columns=400, lines=90) as screen:
        screen.wait_for("REQ/MIN")
        time.sleep(4)  # nobody reads: its buffer is full by now
        screen.process.send_signal(signal.SIGTERM)
        try:
            status = screen.process.wait(5)
        except subprocess.TimeoutExpired:
            status = None
        settings = termios.tcgetattr(screen.slave) == screen.before
        results.check(status == 0 and settings,
                      "live: SIGTERM ends it though nobody reads the terminal", f"status {status}")
    with Screen(observer, NO_COLOR="1") as screen:
        screen.wait_for("REQ/MIN")
        screen.type(b"q")
        screen.ended()
        results.check(b"\x1b[33m" not in screen.raw and b"\x1b[1m" not in screen.raw,
                      "live: NO_COLOR is honoured")


def troubles(observer, directory, results):
    nobody = top(observer, "--api", f"unix:{directory}/none.sock")
    results.check(nobody.returncode == 1 and "credscope run" in nobody.stderr,
                  "no socket: status 1, and it says what to do", nobody.stderr)
    wrong = top(observer, "--sort", "colour")
    results.check(wrong.returncode == 2 and "p99" in wrong.stderr, "wrong usage: status 2",
                  wrong.stderr)
    mine = subprocess.run([session.binary(), "top", "--once"], capture_output=True, text=True,
                          env={**ENVIRONMENT, "CREDSCOPE_API_LISTEN": f"unix:{observer.api}"},
                          stdin=subprocess.DEVNULL, timeout=30, check=False)
    results.check(mine.returncode == 0 and "MECHANISM" in mine.stdout,
                  "in credscope's own container CREDSCOPE_API_LISTEN says where", mine.stderr)
    with Screen(observer, "--interval", "0.2") as screen:
        screen.wait_for("REQ/MIN")
        observer.process.send_signal(signal.SIGSTOP)
        screen.read(0.5)
        screen.type(b"n")  # keys work while an answer is awaited
        screen.read(0.3)
        sorted_by = shown_names(screen)
        observer.process.send_signal(signal.SIGCONT)
        results.check(sorted_by == sorted(sorted_by) and len(sorted_by) > 5,
                      "live: keys work while credscope gives no answer", sorted_by)
        observer.close()
        gone = screen.wait_for("^there is no such socket: unix:/")
        rows = screen.wait_for("shop/agent-404")
        screen.type(b"q")
        results.check(gone and rows and screen.ended() == 0,
                      "live: when credscope has ended the table stays and it says so",
                      screen.shown())


def main():
    results = Results()
    with tempfile.TemporaryDirectory(prefix="credscope-e2e-") as directory:
        with session.Node("e2e", directory) as node, \
                session.Observer(node, session.binary(), directory) as observer:
            node.go()
            waits(observer, results)
            results.check(node.finished(), "every client of the node ended well")
            checks.settle(observer)
            document = agrees_with_truth(observer, directory, results)
            documents(observer, node, document, results)
            findings(observer, document, results)
            once(observer, document, results)
            live(observer, results)
            ways_out(observer, results)
            troubles(observer, directory, results)
    results.finish()


if __name__ == "__main__":
    main()
