#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The benchmark of the build in $BUILD. Exit status 1 only when it could not measure: a target
# that was missed is a figure to read, and on a busy machine no defect.
set -u
[ "$(id -u)" = 0 ] || { echo "bench: needs root" >&2; exit 1; }
exec "${BUILD:-build}/tests/bench" "${BUILD:-build}/credscope"
