#!/bin/sh
# Run each cmocka program given; print what failed; end with one line of totals.
set -u
passed=0 failed=0
for program in "$@"; do
    if out=$("$program" 2>&1); then
        n=$(printf '%s\n' "$out" | sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' | head -n 1)
        passed=$((passed + ${n:-0}))
        [ -n "${n:-}" ] || { echo "$program: ran no test"; failed=$((failed + 1)); }
    else
        printf '%s\n' "$out"
        echo "FAILED: $program"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
