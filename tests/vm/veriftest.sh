#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ask the verifier of each kernel of the matrix about a BPF object.
set -euo pipefail

usage() {
    cat <<'EOF'
Usage: tests/vm/veriftest.sh [--kernel NAME]... [--append ARGS] OBJECT.o [PROGRAM]...
Load each program of OBJECT.o (or those named) by itself on 5.10, 6.1, 6.12 and newest, or on the
kernels given. A line for each says how many instructions the verifier walked, or shows the end of
its log. Attaches nothing. Three seconds a kernel once the kernels are in .cache/kernels.

  --kernel NAME   a row of tests/vm/kernels.tsv, or "host" for the running kernel; repeatable
  --append ARGS   further kernel arguments, such as lsm=bpf

Needs root only for "host". Exits 0 when every kernel accepted all, else 1.
EOF
}

here=$(cd -- "$(dirname -- "$0")" && pwd)
kernels=() append=''
while [ $# -gt 0 ]; do
    case $1 in
    --kernel) kernels+=("${2:?}"); shift 2 ;;
    --append) append=${2:?}; shift 2 ;;
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
"${CC:-cc}" -std=gnu17 -O1 -Wall -Wextra -Werror -o "$dir/verifier-load" "$here/verifier-load.c" \
    -lbpf -lelf -lz
failed=0
for kernel in "${kernels[@]}"; do
    echo "== $kernel"
    if [ "$kernel" = host ]; then
        "$dir/verifier-load" "$object" "$@" || failed=1
        continue
    fi
    "$here/run.sh" --kernel "$kernel" --append "$append" --timeout 300 \
        --file "$object:/payload/object.o" -- "$dir/verifier-load" /payload/object.o "$@" ||
        failed=1
done
exit "$failed"
