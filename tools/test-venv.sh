#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make .cache/venv with boto3 for the simulated node's clients, once per requirements file.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
wanted=$top/tests/node/requirements.txt
venv=$top/.cache/venv
stamp=$venv/requirements.txt
cmp -s "$wanted" "$stamp" 2>/dev/null && exit 0
echo "installing into .cache/venv: $(sed -e '/^#/d' "$wanted" | tr '\n' ' ')"
mkdir -p "$top/.cache"
# a second caller waits, then finds the work done
exec 9>"$top/.cache/venv.lock"
flock 9
cmp -s "$wanted" "$stamp" 2>/dev/null && exit 0
rm -rf "$venv"
/usr/bin/python3 -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check --no-deps -r "$wanted"
cp "$wanted" "$stamp"
