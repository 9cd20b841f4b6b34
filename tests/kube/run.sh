#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The Kubernetes client against a scripted API server on a loopback address. The last line says
# "N passed, N failed".
set -u
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
export BUILD PYTHONDONTWRITEBYTECODE=1
cd "$(dirname "$0")" || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
timeout -k 10 600 python3 -m unittest -v "$@" >"$log" 2>&1
status=$?
ran=$(sed -n 's/^Ran \([0-9]*\) tests* in.*/\1/p' "$log")
failed=$(grep -cE '^(test|setUpClass).* \.\.\. (FAIL|ERROR)$' "$log")
[ "$status" = 0 ] && [ "${ran:-0}" -gt 0 ] || {
    cat "$log"
    [ "$failed" -gt 0 ] || failed=1
}
echo "$((${ran:-0} - failed)) passed, $failed failed"
[ "$failed" = 0 ]
