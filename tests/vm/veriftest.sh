#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ask the verifier of each kernel of the matrix about a BPF object.
set -euo pipefail

usage() {
    cat <<'EOF'
Usage: tests/vm/veriftest.sh [--kernel NAME]... [--attach] [--append ARGS] OBJECT.o [PROGRAM]...
Load each program of OBJECT.o (or those named) by itself on 5.10, 6.1, 6.12 and newest, or on the
kernels given. A line for each says how many instructions the verifier walked, or shows the end of
its log. Three seconds a kernel once the kernels are in .cache/kernels.

  --kernel NAME   a row of tests/vm/kernels.tsv, or "host" for the running kernel; repeatable
                  (arm64-6.1 needs tools/install-deps.sh vm-arm64)
  --attach        attach each too, to see whether it can be; not on "host"
  --append ARGS   further kernel arguments, such as lsm=bpf

Needs root only for "host". Exits 0 when every kernel accepted all, else 1.
EOF
}

here=$(cd -- "$(dirname -- "$0")" && pwd)
kernels=() append='' attach=()
while [ $# -gt 0 ]; do
    case $1 in
    --kernel) kernels+=("${2:?}"); shift 2 ;;
    --append) append=${2:?}; shift 2 ;;
    --attach) attach=(--attach /sys/fs/cgroup); shift ;;
    --help) usage; exit 0 ;;
    -*) echo "veriftest: unknown option $1; see --help" >&2; exit 2 ;;
    *) break ;;
    esac
done
[ $# -gt 0 ] || { usage >&2; exit 2; }
object=$1
shift
[ -f "$object" ] || { echo "veriftest: no file $object" >&2; exit 2; }
[ ${#kernels[@]} -gt 0 ] || kernels=(5.10 6.1 6.12 newest)

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM HUP

# Build verifier-load with compiler $1 and its options, once.
build_loader() {
    local out=$dir/verifier-load-$1
    [ -x "$out" ] || "$@" -std=gnu17 -O1 -Wall -Wextra -Werror -I "$here/../../include" \
        -o "$out" "$here/verifier-load.c" \
        -lbpf -lelf -lz
    loader=$out
}

failed=0
for kernel in "${kernels[@]}"; do
    echo "== $kernel"
    case $kernel in
    arm64*)
        sysroot=$("$here/../../tools/arm64-sysroot.sh")
        build_loader aarch64-linux-gnu-gcc "--sysroot=$sysroot"
        ;;
    *) build_loader cc ;;
    esac
    if [ "$kernel" = host ]; then
        "$loader" "$object" "$@" || failed=1
        continue
    fi
    "$here/run.sh" --kernel "$kernel" --append "$append" --timeout 600 \
        --file "$object:/payload/object.o" -- "$loader" "${attach[@]}" /payload/object.o "$@" ||
        failed=1
done
exit "$failed"
