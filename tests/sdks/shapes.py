# SPDX-License-Identifier: Apache-2.0
"""Record lengths that the SDKs were seen to use, one line a shape: for the classifier's table."""
import collections

COLUMNS = ("sdk", "version", "operation", "tls", "action", "truth", "verdict", "exchange", "requests",
           "answers", "token_bytes", "count")


def span(columns):
    """(439, 1330), (459, 1330) -> "439-459+1330"."""
    return "+".join(f"{min(c)}-{max(c)}" if min(c) != max(c) else str(c[0]) for c in columns)


def _records(event, name):
    return tuple(event.get(name, ()))


def lines(sdks, result):
    """TSV: calls alike but for lengths that vary within a form (number of records) are one line."""
    versions = {sdk.name: sdk.pinned() for sdk in sdks}
    forms = collections.defaultdict(list)
    for call in result.calls:
        if call.event is None or "sni" not in call.event:
            continue
        sent, got = (_records(call.event, n) for n in ("request_records", "response_records"))
        first = "first" if call.event.get("exchange", 0) == 0 else "later"
        forms[(call.sdk, versions[call.sdk], call.operation, call.row.get("tls", "?"),
               call.row.get("action", ""),
               call.mechanism, call.verdict, first, len(sent), len(got))].append(
                   (sent, got, call.row.get("credential_bytes", 0)))
    yield "\t".join(COLUMNS)
    for form, seen in sorted(forms.items()):
        sent, got = (span(list(zip(*(s[i] for s in seen)))) for i in (0, 1))
        tokens = span([[s[2] for s in seen]])
        yield "\t".join((*form[:8], sent or "-", got or "-", tokens, str(len(seen))))
