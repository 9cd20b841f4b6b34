#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Check a page of metrics on standard input with the Prometheus project's own strict parsers.
Usage: openmetrics_check.py openmetrics|text. Prints the number of samples and of exemplars, or
what is wrong with exit status 1. Beyond the parsers, which are lenient there: every line follows the
grammar to the letter (OpenMetrics 1.0, "ABNF"), no label is empty, no series stands twice."""
import re
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^\\"\n]|\\[\\"n])*"'
LABELS = r"\{" + LABEL + r"(?:," + LABEL + r")*\}"
NUMBER = r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
EXEMPLAR = r"(?: # " + LABELS + " " + NUMBER + " " + NUMBER + ")?"
LINE = re.compile(
    r"# (?:HELP " + NAME + r" (?:[^\\\n\"])+|TYPE " + NAME + r" (?:counter|gauge|histogram|info)|"
    r"UNIT " + NAME + r" (?:seconds|bytes)|EOF)|(?P<series>" + NAME + "(?:" + LABELS + ")?) " + NUMBER + EXEMPLAR)


def main():
    parse = {"openmetrics": openmetrics, "text": parser}[sys.argv[1]].text_string_to_metric_families
    page = sys.stdin.buffer.read().decode("utf-8", "strict")
    assert page.endswith("\n"), "the last line is not terminated"
    seen, samples, exemplars = set(), 0, 0
    for line in page[:-1].split("\n"):
        match = LINE.fullmatch(line)
        assert match, f"not of the grammar: {line!r}"
        series = match.group("series")
        assert series is None or series not in seen, f"twice: {series}"
        seen.add(series)
    for family in parse(page):
        assert family.documentation, f"{family.name} has no HELP"
        for sample in family.samples:
            samples += 1
            assert all(sample.labels.values()), f"an empty label: {sample}"
            if sample.exemplar:
                exemplars += 1
                size = sum(len(k) + len(v) for k, v in sample.exemplar.labels.items())
                assert size <= 128, f"exemplar of {size} characters"
    print(samples, exemplars)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
        sys.exit(1)
