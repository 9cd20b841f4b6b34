#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run each cmocka program given; show what failed or was skipped; end with one line of totals.
set -u
passed=0 failed=0 skipped=0
count() { # VERB: how many tests the closing lines of the program's groups say
    printf '%s\n' "$out" | sed -n "s/^\[  $1 *\] \([0-9]*\) test.*/\1/p" | awk '{n += $1} END {print n + 0}'
}
for program in "$@"; do
    out=$(timeout -k 10 "${TEST_TIMEOUT:-300}" "$program" 2>&1)
    status=$?
    p=$(count PASSED) f=$(count FAILED) s=$(count SKIPPED)
    passed=$((passed + p))
    skipped=$((skipped + s))
    printf '%s\n' "$out" | grep -aE '^SKIPPED|^\[  SKIPPED \] [a-z]' || true
    if [ "$status" != 0 ]; then
        printf '%s\n' "$out"
        echo "FAILED: $program (status $status)"
        [ "$f" -gt 0 ] || f=1
        failed=$((failed + f))
    elif [ $((p + s)) = 0 ]; then
        echo "FAILED: $program ran no test"
        failed=$((failed + 1))
    fi
done
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
