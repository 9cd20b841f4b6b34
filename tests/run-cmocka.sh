#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run each cmocka program given; show what failed or was skipped. Ends with a line "FAILED TEST:
# FILE:LINE: why" for each failed test, however much was printed before, and one line of totals.
set -u
passed=0 failed=0 skipped=0 failures=
count() { # VERB: how many tests the closing lines of the program's groups say
    printf '%s\n' "$out" | sed -n "s/^\[  $1 *\] \([0-9]*\) test.*/\1/p" | awk '{n += $1} END {print n + 0}'
}
# The failed tests of a program's output; what ran when it broke off. A test prints its ERROR, the
# LINE and then its name.
explain() {
    printf '%s\n' "$out" | LC_ALL=C awk '
        /^\[ RUN      \]/ { running = $4; error = line = "" }
        /^\[       OK \]|^\[  SKIPPED \]/ { running = "" }
        (/^(ERROR|Could not run test): / || /^\[  ERROR   \] --- /) && error == "" {
            error = $0
            sub(/^(ERROR: |\[  ERROR   \] --- )/, "", error)
            sub(/\[   LINE   \].*/, "", error)
        }
        /\[   LINE   \]/ && line == "" {
            line = $0
            sub(/.*\[   LINE   \] (--- )?/, "", line)
            sub(/: error:.*/, "", line)
        }
        /^\[  FAILED  \] [A-Za-z_]/ && running != "" {
            print "FAILED " running ": " (line == "" ? "" : line ": ") substr(error, 1, 200)
            running = ""
        }
        END { if (running != "") print "FAILED " running ": broke off" }'
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
        failures="$failures$(explain)
FAILED $program: status $status
"
        [ "$f" -gt 0 ] || f=1
        failed=$((failed + f))
    elif [ $((p + s)) = 0 ]; then
        failures="${failures}FAILED $program: ran no test
"
        failed=$((failed + 1))
    fi
done
printf '%s' "$failures"
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
