#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Watch credscope on a simulated node for under a minute. Root; run by `make demo`, which installs
# packages and builds first. What is kept afterwards is in $BUILD/demo.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$top"
if [ "$(id -u)" != 0 ]; then
    echo "demo: needs root, for network namespaces, cgroups and BPF" >&2
    exit 1
fi
export BUILD="${BUILD:-build}"
tools/test-venv.sh
export PYTHONPATH="$top/tests" PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 tools/demo.py "$@"
