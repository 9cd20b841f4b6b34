#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# End-to-end tests on the simulated node, against $BUILD/credscope. Root. Ends with a line of
# totals. Arguments: names of tests (truth prometheus fail_open …); default all.
set -u
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$top" || exit 2
export BUILD="${BUILD:-build}"
export PYTHONPATH="$top/tests:$top/tests/e2e" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
tools/test-venv.sh || exit 1

# Where token opens can be seen, IRSA and Workload Identity must be told from other calls.
if "$BUILD/credscope" check | grep -q '^degraded *token opens *none'; then
    echo "NOT PROVEN: this kernel has no token-open hook; IRSA may show as sts, WI as entra"
else
    export E2E_PROVEN=1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0
run() {
    echo "# $1"
    /usr/bin/python3 "$1" >"$log" 2>&1
    status=$?
    grep -av '^[0-9]* passed, [0-9]* failed$' "$log"
    ok=$(grep -ac '^ok - ' "$log")
    bad=$(grep -ac '^not ok - ' "$log")
    # a test program that broke down counts, whatever it had printed before
    if [ "$status" != 0 ] && [ "$bad" = 0 ] || [ "$ok$bad" = 00 ]; then
        echo "not ok - $1 ended with status $status"
        bad=$((bad + 1))
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
}
if [ $# -gt 0 ]; then
    for name in "$@"; do run "tests/e2e/test_$name.py"; done
else
    for file in tests/e2e/test_*.py; do run "$file"; done
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
