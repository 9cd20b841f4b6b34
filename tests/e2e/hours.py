# SPDX-License-Identifier: Apache-2.0
"""Hours of findings: a real minute's facts with its pauses stretched, through the same pipeline
with the clocks of that hour (tools/replay --stretch; what stays unscaled: tools/replay/stretch.h).
"""
import collections
import os
import re

import compare
import replays
from node import session

STRETCH = 60
HOUR = 3600.0
TICK = 1.6  # time is looked at once a second
ADDRESS = re.compile(r"169\.254\.[\d.]+\d|fd00:ec2::\w+|IPv[46]")  # the last of IMDS
# hours; credentials live for 12 (AWS) or 28 (Azure)
TAIL = {"stock-eks": 13, "stock-aks": 29, "hour": 13}


def findings(events):
    return [e for e in events if e.get("kind") == "finding"]


def of_node(row):
    return row.get("workload_kind") == "Node"


def same(event):
    """What stretching must leave as it was."""
    return (event.get("source"), event.get("destination"),
            event.get("exchange"), event["mechanism"], event["outcome"], event.get("confidence"),
            tuple(event.get("reasons", ())), event.get("delivered"), event["duration_seconds"],
            event.get("pod"))


def faithful(name, live, events, accounts, results):
    """An hour it is, and each exchange in it is what it was."""
    spans = [compare.wall(e["time"]) for e in compare.exchanges(events)]
    results.check(spans and max(spans) - min(spans) > 0.95 * HOUR
                  and accounts["exchanges"] == len(spans),
                  f"{name}: {len(spans)} exchanges in {max(spans) - min(spans):.0f} s", str(accounts))
    agree(name, live, events, results)


def agree(name, live, events, results):
    were, are = (collections.Counter(map(same, compare.exchanges(rows)))
                 for rows in (live, events))
    results.check(were == are, f"{name}: replayed, each exchange has the verdict and the duration "
                  "that it had", [f"was {k}" for k in were - are] + [f"is {k}" for k in are - were])


def quiet(name, scenario, events, results):
    """In that hour each finding that is to be there opens once and stays, and no other opens."""
    got = collections.Counter((e.get("pod"), e["finding"] + "!" * e["expected"], e["open"])
                              for e in findings(events))
    wanted = collections.Counter((p.name, finding, open_) for p in scenario.pods
                                 for finding in p.findings for open_ in (True, False))
    results.check(got == wanted, f"{name}: in an hour of {len(compare.exchanges(events))} exchanges "
                  "nothing unexpected is found, and in the hours after it all clears, once",
                  [f"also {dict(got - wanted)}, not {dict(wanted - got)}"])


def moment(exchanges, entry):
    """When an entry of a timeline is due; exchanges are its pod's, in order."""
    index, after, *start = entry
    event = exchanges[index]
    return compare.wall(event["time"]) + after + (0.0 if start else event["duration_seconds"])


def due(pod, entries, by_pod):
    """[(seconds, "+finding")]; pod None: of the node, whose entries name one."""
    return [(moment(by_pod[pod or entry[1]], entry[1 if pod else 2:]), entry[0])
            for entry in entries]


def told(rows):
    """[(seconds, "+finding")] of finding events."""
    found = []
    for row in rows:
        address = " " + ADDRESS.search(row["explanation"])[0] if of_node(row) else ""
        found.append((compare.wall(row["time"]), "-+"[row["open"]] + row["finding"] + address))
    return found


def by_name(pairs):
    return sorted(pairs, key=lambda p: (p[1], p[0]))


def timelines(name, scenario, events, results, late=TICK):
    """Each pod's findings open and clear when they are due, and nothing else ever opens."""
    by_pod, rows = collections.defaultdict(list), collections.defaultdict(list)
    for event in compare.exchanges(events):
        by_pod[event.get("pod")].append(event)
    for row in findings(events):
        rows[None if of_node(row) else row.get("pod")].append(row)
    for pod in by_pod:
        by_pod[pod].sort(key=lambda e: e["time"])
    for who, entries in [(p.name, p.timeline) for p in scenario.pods] + [(None, scenario.timeline)]:
        wanted, got = by_name(due(who, entries, by_pod)), by_name(told(rows.pop(who, [])))
        fits = [w[1] for w in wanted] == [g[1] for g in got] and all(
            w[0] - late / 10.0 <= g[0] <= w[0] + late for w, g in zip(wanted, got))
        begin = compare.wall(compare.exchanges(events)[0]["time"])
        results.check(fits, f"{name}: {who or 'the node'}: " + (", ".join(
            f"{finding} {at - begin:.0f} s" for at, finding in sorted(wanted)) or "nothing"),
            [f"wanted {f} at {at - begin:.2f} s" for at, f in wanted]
            + [f"got    {f} at {at - begin:.2f} s" for at, f in got])
    results.check(not rows, f"{name}: nobody else raises anything", [str(dict(rows))])


def rules():
    """{finding: what its row in docs/findings.md says that clears it}"""
    with open(os.path.join(os.path.dirname(session.TESTS), "docs/findings.md"),
              encoding="utf-8") as f:
        return {m[1]: m[2] for m in re.finditer(r"^\| `([\w-]+)` \|.*\| ([^|]+) \|$", f.read(), re.M)}


def holds(row, rule):
    """How long after the last evidence a finding may clear: (least, most) seconds."""
    if "use" in rule:
        hours = 28 if row["mechanism"].startswith(("azure", "aad", "intercepted")) else 12
        longest = hours * HOUR
    else:
        longest = 60.0 * int(re.search(r"(\d+) min", rule)[1])
    at_once = re.search("credentials|answer|serves", rule)
    own_again = "identity again" in rule  # … 15 min after it
    return 0.0 if at_once else 900.0 if own_again else longest, longest + TICK


def clears(name, directory, live, results):
    """Hours of silence after what really happened: each finding clears by the rule that is
    documented, once, and none comes back."""
    events = replays.replay(directory, "--tail", 29 * int(HOUR))[0]
    agree(name, live, events, results)
    by_rule, wrong, turns = rules(), [], collections.Counter()
    for row in findings(events):
        key = (row.get("container_id"), row["finding"], row["mechanism"],
               ADDRESS.search(row["explanation"])[0] if of_node(row) else None)
        turns[key] += 1 if row["open"] else 1000
        if row["open"]:
            continue
        after = compare.wall(row["time"]) - compare.wall(row["last_evidence"])
        least, most = holds(row, by_rule[row["finding"]])
        if not least <= after + 0.001 <= most + 0.002:
            wrong.append(f"{row.get('pod')}: {row['finding']} {after:.1f} s after its last evidence, "
                         f"rule: {by_rule[row['finding']]}")
    results.check(turns and not wrong, f"{name}: each of {len(turns)} clears by its rule", wrong)
    unsteady = {k: n for k, n in turns.items() if n != 1001}
    results.check(not unsteady, f"{name}: each opens once and clears once", map(str, unsteady.items()))


def judge(name, scenario, directory, live, results):
    """The stretched hour of what an observer left in directory."""
    events, accounts = replays.replay(directory, "--stretch", STRETCH, "--tail",
                                      TAIL[name] * int(HOUR))
    faithful(name, live, events, accounts, results)
    if name.startswith("stock-"):
        quiet(name, scenario, events, results)
    else:
        timelines(name, scenario, events, results)
