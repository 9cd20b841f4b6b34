#!/bin/sh
# Install the Debian packages that one group of targets needs; once per checkout and list.
# Usage: tools/install-deps.sh build|test|vm|vm-arm64|go [...]
#        tools/install-deps.sh --list GROUP     print the group's packages, install nothing
# A stamp named after the list's checksum makes a second call free; remove .cache/packages-* to
# have it look again. Needs root only when something is missing.
set -eu

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cache=$top/.cache

packages() {
    case $1 in
    build) echo "make gcc libc6-dev clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev pkg-config
        libmicrohttpd-dev libcap-dev libcjson-dev libcurl4-openssl-dev libssl-dev nettle-dev uthash-dev
        linux-libc-dev ca-certificates" ;;
    test) echo "libcmocka-dev iproute2 iptables nftables python3 python3-venv openssl curl
        prometheus python3-prometheus-client python3-h2 libclang-rt-14-dev clang-format jq procps util-linux tmux git man-db gzip" ;;
    vm) echo "qemu-system-x86 busybox-static dash cpio xz-utils zstd kmod iproute2 nftables bpftool
        debian-archive-keyring util-linux" ;;
    # What the target itself needs is fetched by tools/arm64-sysroot.sh.
    vm-arm64) echo "qemu-system-arm gcc-aarch64-linux-gnu binutils" ;;
    # For tests/apiserver alone, and only where no Go is: it says when this one is too old.
    go) echo "golang-go" ;;
    *) echo "install-deps: unknown group '$1'; known: build test vm vm-arm64 go" >&2; exit 2 ;;
    esac
}

if [ "${1:-}" = --list ]; then
    packages "${2:-}"
    exit 0
fi
list=
for group in "$@"; do
    names=$(packages "$group")
    list="$list $names"
done
[ -n "$list" ] || { echo "usage: tools/install-deps.sh build|test|vm|vm-arm64|go ..." >&2; exit 2; }

sum=$(printf '%s' "$list" | tr -s ' \n' '  ' | cksum | cut -d' ' -f1)
stamp=$cache/packages-$sum.stamp
[ -e "$stamp" ] && exit 0

missing=
for name in $list; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $name"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "install-deps: missing packages:$missing" >&2
        echo "install-deps: run as root, or: apt-get install$missing" >&2
        exit 1
    fi
    echo "installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # Prometheus is used as a test program: its package must not start a service here.
    policy=/usr/sbin/policy-rc.d
    made=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made=1
        trap 'rm -f "$policy"' EXIT
        trap 'exit 130' INT TERM HUP
    fi
    log=$(mktemp)
    # shellcheck disable=SC2086
    if ! { apt-get -q update && apt-get -q install -y --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "install-deps: apt-get failed, see above" >&2
        exit 1
    fi
    rm -f "$log"
    [ -z "$made" ] || rm -f "$policy"
fi
mkdir -p "$cache"
: >"$stamp"
