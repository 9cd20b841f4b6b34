#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real interceptors and the real agent on a simulated node, under $BUILD/credscope. Root. Arguments:
# names of programs (default all) and what python3 -m interceptors takes. The last line says
# "N passed, N failed, N skipped".
set -u
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$top/tests" || exit 2
export BUILD="${BUILD:-build}"
export PYTHONPATH="$top/tests:$top/tests/e2e" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
"$top/tools/test-venv.sh" || exit 1
exec timeout -k 10 3600 /usr/bin/python3 -m interceptors "$@"
