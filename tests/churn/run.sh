#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Pods that live about a second, against $BUILD/credscope and $BUILD/tests/churn (root). The last
# line says "N passed, N failed".
set -u
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$top" || exit 2
export BUILD="${BUILD:-build}" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
export PYTHONPATH="$top/tests:$top/tests/kube:$top/tests/e2e:$top/tests/churn"
exec timeout -k 10 180 /usr/bin/python3 tests/churn/main.py
