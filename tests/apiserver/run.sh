#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Kubernetes client against a real API server with etcd, in a network namespace of their own
# without a way out. Root. Arguments: as unittest's (test_watch, test_watch.Watch.test_life …). The
# last line says "N passed, N failed".
set -u
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
cd "$(dirname "$0")" || exit 1
CLUSTER_PROGRAM=$(./build.sh) || exit 1
PYTHONPATH=$PWD:$PWD/../kube:$PWD/..
export BUILD CLUSTER_PROGRAM PYTHONPATH PYTHONDONTWRITEBYTECODE=1
TMPDIR=$(mktemp -d)
export TMPDIR
log=$TMPDIR/log
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 130' INT TERM HUP
timeout -k 10 900 unshare --net sh -c 'ip link set lo up && exec "$@"' sh \
    python3 -m unittest -v "$@" >"$log" 2>&1
status=$?
ran=$(sed -n 's/^Ran \([0-9]*\) tests* in.*/\1/p' "$log")
failed=$(($(sed -n 's/^FAILED (\(.*\))$/\1/p' "$log" | grep -oE '(failures|errors)=[0-9]+' |
    cut -d= -f2 | paste -sd+)+0))
[ "$status" = 0 ] && [ "${ran:-0}" -gt 0 ] || {
    [ "$failed" -gt 0 ] || failed=1
    [ "${ran:-0}" -ge "$failed" ] || ran=$failed
}
cat "$log"
echo "$((${ran:-0} - failed)) passed, $failed failed"
[ "$failed" = 0 ]
