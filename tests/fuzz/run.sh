#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run each fuzzer given for FUZZ_SECONDS, with FUZZ_SEED (default 0: a random one), from its kept
# corpus (tests/fuzz/corpus/NAME). What it finds on the way is kept below $BUILD/fuzz/corpus, a
# failing input below $BUILD/fuzz/crashes.
set -u
top=$(dirname "$0")
build=${BUILD:-build}/fuzz
passed=0 failed=0
for fuzzer in "$@"; do
    name=$(basename "$fuzzer")
    mkdir -p "$build/corpus/$name" "$build/crashes" "$top/corpus/$name"
    log=$build/$name.log
    if "$fuzzer" -max_total_time="${FUZZ_SECONDS:-15}" -seed="${FUZZ_SEED:-0}" -timeout=10 \
        -rss_limit_mb=1024 -artifact_prefix="$build/crashes/$name-" -print_final_stats=1 \
        "$build/corpus/$name" "$top/corpus/$name" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "ok      $name: $runs runs"
        passed=$((passed + 1))
    else
        tail -n 40 "$log"
        echo "FAILED  $name: see $log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
