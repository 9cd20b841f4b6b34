#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build one program from its Go modules, as go/NAME/go.mod and go.sum pin them, into
# .cache/interceptors/NAME. Once per set of sources. The toolchain must be there: none is downloaded.
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
name=$1
source=$top/tests/interceptors/go/$name
export GOTOOLCHAIN=local GOFLAGS='-p=2 -mod=readonly -buildvcs=false' CGO_ENABLED=0

command -v go >/dev/null || "$top/tools/install-deps.sh" go >&2
needs=$(sed -n 's/^go \([0-9]*\.[0-9]*\).*/\1/p' "$source/go.mod")
have=$(go version | sed -n 's/^go version go\([0-9]*\.[0-9]*\).*/\1/p')
oldest=$(printf '%s\n%s\n' "$needs" "$have" | sort -V | head -n 1)
if [ "$oldest" != "$needs" ]; then
    echo "test-interceptors: $name needs Go $needs or newer; $(command -v go) is" \
        "${have:-of no known version}" >&2
    exit 1
fi

# Without a main.go the program is another module's: the tool of go.mod, stamped as its releases are.
package=tool
[ ! -e "$source/main.go" ] || package=.
stamp=$(sed -n 's/^\/\/ stamp: /-X /p' "$source/go.mod")

sum=$({ go version; find "$source" -type f | sort | xargs cat; cat "$0"; } | cksum | cut -d' ' -f1)
directory=$top/.cache/interceptors
program=$directory/$name
if [ ! -x "$program" ] || [ "$(cat "$program.sum" 2>/dev/null)" != "$sum" ]; then
    echo "building $name: may take minutes" >&2
    mkdir -p "$directory"
    (cd "$source" && nice -n 19 go build -trimpath -ldflags="-s -w $stamp" -o "$program.part" $package) >&2
    mv "$program.part" "$program"
    echo "$sum" >"$program.sum"
fi
