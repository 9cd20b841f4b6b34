#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build etcd, kube-apiserver and kubectl, one program, from their Go modules as cluster/go.mod and
# go.sum pin them; prints its path. Once per set of sources: some minutes of two cores, 2 GB of
# Go's caches. The toolchain must be there: none is downloaded.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
source=$top/tests/apiserver/cluster
export GOTOOLCHAIN=local GOFLAGS='-p=2 -mod=readonly -buildvcs=false' CGO_ENABLED=0

command -v go >/dev/null || "$top/tools/install-deps.sh" go >&2
needs=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' "$source/go.mod")
have=$(go version | sed -n 's/^go version go\([0-9]*\.[0-9]*\).*/\1/p')
oldest=$(printf '%s\n%s\n' "$needs" "$have" | sort -V | head -n 1)
if [ "$oldest" != "$needs" ]; then
    {
        echo "test-apiserver: NOT RUN: this API server needs Go $needs or newer; $(command -v go) is" \
            "${have:-of no known version}."
        echo "test-apiserver: Debian 12's own golang-go is 1.19: put a newer one first in PATH."
    } >&2
    exit 1
fi

release=$(sed -n 's/^\tk8s.io\/kubernetes //p' "$source/go.mod")
# A release's build says which it is; kubectl can't do without.
version=k8s.io/component-base/version
stamps="-X $version.gitVersion=$release -X $version.gitMajor=1 -X $version.gitMinor=$(
    echo "$release" | cut -d. -f2)"

sum=$({ go version; cat "$source"/go.* "$source"/*.go "$0"; } | cksum | cut -d' ' -f1)
program=$top/.cache/apiserver/cluster-$sum
if [ ! -x "$program" ]; then
    echo "building the API server of Kubernetes $release: takes minutes" >&2
    mkdir -p "$top/.cache/apiserver"
    rm -f "$top"/.cache/apiserver/cluster-*
    (cd "$source" && nice -n 19 go build -trimpath -ldflags="-s -w $stamps" -o "$program.part" .) >&2
    mv "$program.part" "$program"
fi
echo "$program"
