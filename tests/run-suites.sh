#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run test suites, each "NAME=COMMAND", one after the other whatever their results; each must end
# with a line "N passed, N failed[, N skipped]". Prints a table, what failed by name (a CI log is
# often cut to its end), and one line of totals.
# Logs are kept in $BUILD/test-logs. Exit status 1 when a suite failed or had no totals.
set -u
logs=${BUILD:-build}/test-logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0 table= failures=
# NAME LOG: the failures in a log of run-cmocka.sh, of "ok/not ok" lines, or of unittest.
explain() {
    LC_ALL=C awk -v suite="$1" '
        function say(text) { if (said++ < 40) print "FAILED " suite ": " substr(text, 1, 300) }
        sub(/^FAILED +/, "") { say($0) }
        /^not ok - / { say(substr($0, 10)); details = 3; next }
        /^#  / && details-- > 0 { say("  " substr($0, 3)) }
        !/^#  / { details = 0 }
        /^(FAIL|ERROR): / { test = $2; next }
        /^[A-Za-z_.]*(Error|Exception|Failure)(:|$)/ && test != "" { say(test ": " $0); test = "" }
        END { if (said > 40) print "FAILED " suite ": and " said - 40 " more lines" }' "$2"
}
for suite in "$@"; do
    name=${suite%%=*}
    log=$logs/$name.log
    echo "== $name"
    start=$(date +%s)
    sh -c "${suite#*=}" >"$log" 2>&1
    status=$?
    seconds=$(($(date +%s) - start))
    totals=$(grep -aE '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$log" | tail -n 1)
    p=$(echo "$totals" | sed -n 's/^\([0-9]*\) passed.*/\1/p')
    f=$(echo "$totals" | sed -n 's/.* \([0-9]*\) failed.*/\1/p')
    s=$(echo "$totals" | sed -n 's/.* \([0-9]*\) skipped.*/\1/p')
    if [ "$status" != 0 ] || [ -z "$totals" ]; then
        tail -n "${TAIL:-120}" "$log"
        [ "${f:-0}" -gt 0 ] || f=1
        [ -n "$totals" ] || totals="no totals (status $status)"
        why=$(explain "$name" "$log")
        failures="$failures${why:-FAILED $name: status $status}
"
    else
        grep -a '^SKIPPED' "$log" || true
    fi
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
    table="$table$(printf '%-14s %-40s %4ss' "$name" "$totals" "$seconds")
"
done
printf '\n%s%s' "$table" "$failures"
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
