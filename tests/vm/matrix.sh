#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run the BPF tests on every kernel of kernels.tsv, each in its own virtual machine.
set -uo pipefail

usage() {
    cat <<'EOF'
Usage: tests/vm/matrix.sh [--kernel NAME]... [--tests FILE] [--tests-arm64 FILE] [-- ARG...]
Run the BPF tests (cmocka programs) on all kernels, or on those given; print a table and the line
"N passed, N failed, N skipped", which counts kernels. Logs: $BUILD/vm/KERNEL.log and .console.

  --kernel NAME       a row of tests/vm/kernels.tsv; repeatable
  --tests FILE        the program for amd64 kernels; default $BUILD/tests/bpf-tests
  --tests-arm64 FILE  the same for arm64; default: make cross-builds it in $BUILD/arm64

Exit status 0 when no kernel failed and none was skipped that the table says is needed.
EOF
}

here=$(cd -- "$(dirname -- "$0")" && pwd)
top=$(cd -- "$here/../.." && pwd)
build=${BUILD:-build}
tests=$build/tests/bpf-tests tests_arm64='' kernels=()
while [ $# -gt 0 ]; do
    case $1 in
    --kernel) kernels+=("${2:?}"); shift ;;
    --tests) tests=${2:?}; shift ;;
    --tests-arm64) tests_arm64=${2:?}; shift ;;
    --help) usage; exit 0 ;;
    --) shift; break ;;
    *) echo "matrix: unknown option $1; see --help" >&2; exit 2 ;;
    esac
    shift
done
table=$here/kernels.tsv
[ ${#kernels[@]} -gt 0 ] || mapfile -t kernels < <(awk -F '\t' '!/^#/ { print $1 }' "$table")
logs=$build/vm
mkdir -p "$logs" || exit 2

# A field of kernel $1's row.
field() {
    awk -F '\t' -v name="$1" -v field="$2" '!/^#/ && $1 == name { print $field }' "$table"
}

# Cross-build the tests and print their path.
build_arm64() {
    local sysroot
    sysroot=$("$top/tools/arm64-sysroot.sh") || return
    make -C "$top" --no-print-directory BUILD="$build/arm64" CC=aarch64-linux-gnu-gcc \
        SYSROOT="$sysroot" "$build/arm64/tests/bpf-tests" >&2 || return 1
    echo "$build/arm64/tests/bpf-tests"
}

# How many tests cmocka's closing lines in log $2 count as $1.
count() {
    sed -n "s/^\[  $1 *\] \([0-9][0-9]*\) test.*/\1/p" "$2" | awk '{ n += $1 } END { print n + 0 }'
}

# Run the tests on kernel $1, output to log $2. Ends with run.sh's status; for a process of its own.
run_kernel() {
    local kernel=$1 log=$2 program=$tests status=0
    if [ "$(field "$kernel" 2)" = arm64 ]; then
        program=$tests_arm64
        [ -n "$program" ] || program=$(build_arm64 2>"$log") || {
            status=$?
            exit "$status"
        }
    fi
    exec setpriv --pdeathsig TERM "$here/run.sh" --kernel "$kernel" \
        --timeout "$(field "$kernel" 6)" --log "$logs/$kernel.console" \
        -- "$program" "${@:3}" >>"$log" 2>&1
}

# shellcheck disable=SC2317
stop() {
    trap '' INT TERM HUP
    [ -z "$child" ] || { kill -TERM "$child" 2>/dev/null; wait "$child"; }
    exit "$1"
}
child=
trap 'stop 130' INT
trap 'stop 143' TERM HUP

passed=0 failed=0 skipped=0 missed='' results=''
for kernel in "${kernels[@]}"; do
    log=$logs/$kernel.log
    : >"$log"
    if [ -z "$(field "$kernel" 2)" ]; then
        echo "matrix: no kernel $kernel in kernels.tsv" >&2
        exit 2
    fi
    echo "== kernel $kernel"
    start=$SECONDS status=0
    run_kernel "$kernel" "$log" "$@" &
    child=$!
    wait "$child" || status=$?
    child=
    ok=$(count PASSED "$log") bad=$(count FAILED "$log") off=$(count SKIPPED "$log")
    why="$ok passed, $bad failed, $off skipped"
    if [ "$status" = 75 ]; then
        result=SKIPPED why=$(tail -n 1 "$log")
        why=${why#SKIPPED kernel "$kernel": }
        echo "SKIPPED kernel $kernel: $why"
        ((skipped += 1))
        [ "$(field "$kernel" 5)" != yes ] || missed+=" $kernel"
    elif [ "$status" != 0 ] || [ $((ok + off)) = 0 ]; then
        result=FAILED
        [ "$status" != 0 ] || why="no test ran"
        tail -n "${TAIL:-60}" "$log"
        ((failed += 1))
        why="$why (status $status)"
    else
        result=ok
        grep -aE '^(SKIPPED|run: kernel .* said: )' "$log" || true
        ((passed += 1))
    fi
    version=$(cat "$top/.cache/kernels/${kernel%%+*}/version" 2>/dev/null)
    results+=$(printf '%-8s %-13s %-28s %4d s  %s' "$result" "$kernel" "$version" \
        $((SECONDS - start)) "$why")$'\n'
done
printf '\n%s' "$results"
[ -z "$missed" ] || echo "needed, but skipped:$missed"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ -z "$missed" ] && [ "$passed" -gt 0 ]
