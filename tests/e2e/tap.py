# SPDX-License-Identifier: Apache-2.0
"""Results of end-to-end tests: a line each, and totals that tests/run-suites.sh reads."""
import sys


class Results:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, good, name, details=()):
        """One test. details: an iterable of lines that say what was wrong."""
        if good:
            self.passed += 1
            print(f"ok - {name}", flush=True)
            return True
        self.failed += 1
        print(f"not ok - {name}", flush=True)
        shown = [details] if isinstance(details, str) else list(details)
        for line in shown[:25]:
            print(f"#   {line}", flush=True)
        if len(shown) > 25:
            print(f"#   and {len(shown) - 25} more", flush=True)
        return False

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
