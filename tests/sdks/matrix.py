# SPDX-License-Identifier: Apache-2.0
"""The confusion matrix: counts, precision and recall, and what must not be."""
import collections

from .match import JUDGED


def score(counts, mechanism):
    """(precision, recall, how many there were); a ratio of nothing is None."""
    right = counts[(mechanism, mechanism)]
    said = sum(n for (_, verdict), n in counts.items() if verdict == mechanism)
    were = sum(n for (real, _), n in counts.items() if real == mechanism)
    return (right / said if said else None, right / were if were else None, were)


def matrix_lines(counts):
    """Truth down, credscope's mechanism across; what is zero is a dot."""
    rows = sorted({real for real, _ in counts})
    columns = sorted({verdict for _, verdict in counts})
    width = max([len("truth")] + [len(r) for r in rows])
    yield f"{'truth':{width}}  " + "  ".join(columns)
    for real in rows:
        cells = [str(counts[(real, c)] or ".").rjust(len(c)) for c in columns]
        yield f"{real:{width}}  " + "  ".join(cells)


def problems(result, counts, least):
    """What must not be, as texts."""
    for mechanism in JUDGED:
        precision, recall, were = score(counts, mechanism)
        for name, value in (("precision", precision), ("recall", recall)):
            if were and (value or 0.0) < least:
                yield f"{name} of {mechanism} is {value or 0.0:.4f}, must be {least}"
    for call in result.wrong:
        yield (f"{call.pod}'s {call.mechanism} was attributed to "
               f"{call.event.get('pod')} {call.event.get('container')}")


def is_mistake(call):
    """Taken for something else, of what is judged."""
    return call.verdict != call.mechanism and (call.mechanism in JUDGED or call.verdict in JUDGED)


def mistakes(result):
    """What was taken for something else, as texts."""
    mistaken = collections.Counter(
        (c.sdk, c.operation, c.row.get("action", ""), c.verdict) for c in result.calls
        if is_mistake(c))
    for (sdk, operation, action, verdict), count in sorted(mistaken.items()):
        yield f"{sdk} {operation}: {action} said to be {verdict}, {count} times"


def _as_asked(sdks, call):
    """As its operation's `seen` tells; of requests to other end-points it tells nothing."""
    operation = next(s.operations[call.operation] for s in sdks if s.name == call.sdk)
    if not operation.seen or not call.row.get("tls"):
        return True
    field, value = operation.seen
    return call.row.get(field) == value


def undone(sdks, result):
    """Operations of which the end-points did not see what each turn must do."""
    seen = collections.Counter((c.sdk, c.operation, c.row.get("action")) for c in result.calls
                               if c.row.get("status") == 200 and _as_asked(sdks, c))
    for sdk in sdks:
        for name, operation in sdk.operations.items():
            if name in sdk.lacks:
                continue
            for action in operation.actions:
                count, wanted = seen[(sdk.name, name, action)], sdk.turns + sdk.workers
                if count < wanted:
                    yield f"{sdk.name} {name}: {action} {count} times, expected {wanted}"
