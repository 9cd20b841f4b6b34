#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Send known secrets wherever one can be, and search all that credscope knows for them (root).
# Usage: tests/secrets/run.sh [PROGRAM]; default $BUILD/credscope
set -eu
cd "$(dirname "$0")/../.."
program=${1:-${BUILD:-build}/credscope}
exec timeout -k 10 180 /usr/bin/python3 -B tests/secrets/main.py "$program"
