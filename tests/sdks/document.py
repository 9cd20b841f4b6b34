# SPDX-License-Identifier: Apache-2.0
"""Writes what was measured into a document, between its two markers."""
from . import match, matrix, shapes, table

BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
CALLS = ("AssumeRoleWithWebIdentity", "AssumeRole", "GetCallerIdentity", "federated", "secret",
         "certificate", "discovery")


def _row(cells):
    return "| " + " | ".join(str(c) for c in cells) + " |\n"


def _table(head, rows):
    yield _row(head)
    yield _row("---" for _ in head)
    yield from (_row(cells) for cells in rows)
    yield "\n"


def _ratio(value):
    return "–" if value is None else f"{100 * value:.2f} %"


def _scores(counts):
    """Of the mechanism that this SDK can use."""
    for mechanism in match.JUDGED:
        precision, recall, were = matrix.score(counts, mechanism)
        if were:
            return [mechanism, were, _ratio(precision), _ratio(recall)]
    return ["–", 0, "–", "–"]


def _results(sdks, seen, unseen):
    for sdk in sdks:
        operations = len([o for o in sdk.operations if o not in sdk.lacks])
        exchanges = sum(c.sdk == sdk.name for c in seen.calls)
        yield [sdk.name, sdk.pinned(), operations, exchanges, *_scores(seen.counts(sdk.name)),
               *_scores(unseen.counts(sdk.name))[2:]]


def _share(calls, has):
    """How many of the calls; nothing where none."""
    return sum(1 for call in calls if has(call)) or ""


def _operations(seen, unseen):
    """A row an operation, of all SDKs: what is special of its calls, and the mistakes, with token
    opens seen and not."""
    by_name = {}
    for which, result in enumerate((seen, unseen)):
        for call in result.calls:
            by_name.setdefault(call.operation, ([], []))[which].append(call)
    for name, (calls, again) in sorted(by_name.items()):
        tls = [c for c in calls if c.row.get("tls")]
        yield [name, len({c.sdk for c in calls}), len(calls),
               sum(c.mechanism in match.JUDGED for c in calls),
               _share(tls, lambda c: c.row["tls"] == "TLSv1.2"),
               _share(tls, lambda c: c.row.get("resumed")),
               _share(tls, lambda c: c.row.get("alpn") == "h2"),
               _share(tls, lambda c: c.row.get("proxied")),
               *(sum(map(matrix.is_mistake, some)) for some in (calls, again))]


def _confusion(counts):
    columns = sorted({verdict for _, verdict in counts})
    rows = ([real, *(counts[(real, c)] or "·" for c in columns)]
            for real in sorted({real for real, _ in counts}))
    return _table(["truth ↓ / said →", *columns], rows)


def _lengths(result):
    """A row for each SDK, call and version of TLS: in full turns, the token's length as projected."""
    forms = {}
    for call in result.calls:
        if call.event and "sni" in call.event and "-long" not in call.operation:
            session = not call.operation.startswith("static-")
            signed = "with session token" if call.mechanism == "sts" and session else ""
            tls = call.row.get("tls", "?") + (", HTTP/2" if call.row.get("alpn") == "h2" else "")
            key = (call.sdk, CALLS.index(call.row["action"]), signed, tls)
            forms.setdefault(key, []).append(
                tuple(tuple(call.event.get(n, ())) for n in ("request_records",
                                                             "response_records")))
    order = [sdk.name for sdk in table.SDKS]
    for key in sorted(forms, key=lambda k: (order.index(k[0]), *k[1:])):
        sdk, action, signed, version = key
        by_count = {}
        for sent, got in forms[key]:
            by_count.setdefault((len(sent), len(got)), []).append((sent, got))
        # the usual form; rare others are bursts that a busy machine cut in two
        sent, got = zip(*max(by_count.values(), key=len))
        yield [sdk, f"{CALLS[action]} {signed}".strip(), version, shapes.span(list(zip(*sent))),
               shapes.span(list(zip(*got))), len(forms[key])]


def _mistakes(result):
    yield from (f"- {text}\n" for text in matrix.mistakes(result))
    yield "\n"


def lines(sdks, seen, unseen):
    yield from _table(["SDK", "version", "operations", "exchanges", "judged", "calls", "precision",
                       "recall", "precision, token opens not seen", "recall, likewise"],
                      _results(sdks, seen, unseen))
    yield "By operation ([tests/sdks](../tests/sdks/README.md) tells what each does):\n\n"
    yield from _table(["operation", "SDKs", "exchanges", "of them judged", "TLS 1.2", "resumed",
                       "HTTP/2", "by a proxy", "mistaken", "mistaken, token opens not seen"],
                      _operations(seen, unseen))
    yield "All evidence:\n\n"
    yield from _confusion(seen.counts())
    yield from _mistakes(seen)
    yield "Token opens not seen:\n\n"
    yield from _confusion(unseen.counts())
    yield from _mistakes(unseen)
    yield "Record lengths (a token of 1,152 characters, a session token of 1,100):\n\n"
    yield from _table(["SDK", "call", "TLS", "client to server", "server to client", "seen"],
                      _lengths(seen))


def write(path, sdks, seen, unseen):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"sdks: {path} has no place for it ({BEGIN.strip()} … {END.strip()})")
    text = before + BEGIN + "\n" + "".join(lines(sdks, seen, unseen)) + END + after
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
