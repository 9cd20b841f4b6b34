#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Make a root of Debian arm64 libraries to cross-build against, and print its directory:
#   make BUILD=build/arm64 CC=aarch64-linux-gnu-gcc SYSROOT="$(tools/arm64-sysroot.sh)"
# Also the tools that an arm64 test machine of tests/vm holds (busybox, ip, nft, dash, bpftool).
# The libraries are those of install-deps.sh's build and test groups, with all they depend on, from
# this machine's own Debian release, verified. Kept in .cache/sysroot-arm64; a changed package list
# or --refresh makes it anew. Exits 75 with the reason when Debian can't be reached.
# Needs: tools/install-deps.sh vm-arm64 (the cross compiler).
set -euo pipefail

top=$(cd -- "$(dirname -- "$0")/.." && pwd)
root=$top/.cache/sysroot-arm64
# shellcheck source=tests/vm/debian-apt.sh
. "$top/tests/vm/debian-apt.sh"

unavailable() {
    echo "arm64-sysroot: $*" >&2
    exit 75
}

# Names that can't be compiled against (a compiler, a shell's tools) stay out.
wanted_packages() {
    { "$top/tools/install-deps.sh" --list build
      "$top/tools/install-deps.sh" --list test; } | tr ' ' '\n' | grep -e '-dev$' | grep -v clang
    printf '%s\n' busybox-static iproute2 nftables dash bpftool
}

build_root() {
    local out=$1 apt=$1/apt codename said deb dir link target packages=$2
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    said=$(debian_apt_setup "$apt" arm64 "$codename" "$codename-security") ||
        unavailable "apt-get update failed: $(debian_apt_error "$said")"
    # An empty dpkg status makes apt resolve everything, as for a new machine.
    # shellcheck disable=SC2086
    said=$(debian_apt "$apt" apt-get -qq -y --no-install-recommends --download-only \
        install $packages 2>&1) || unavailable "download failed: $(debian_apt_error "$said")"
    for dir in bin sbin lib; do
        mkdir -p "$out/usr/$dir"
        ln -s "usr/$dir" "$out/$dir"
    done
    for deb in "$apt"/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" |
            tar -x -C "$out" --keep-directory-symlink --exclude=./usr/share/doc \
                --exclude=./usr/share/man --exclude=./usr/share/locale
    done
    # Absolute links would lead out of the root, to this machine's own files.
    find "$out" -type l -lname '/*' -printf '%p\t%l\n' | while IFS=$'\t' read -r link target; do
        ln -srfn "$out$target" "$link"
    done
    rm -rf "$apt"
}

packages=$(wanted_packages | tr '\n' ' ')
mkdir -p "$top/.cache"
exec 9>"$root.lock"
flock -w 600 9 || unavailable "another call holds $root.lock"
if [ "${1:-}" = --refresh ] || [ "$(cat "$root/packages" 2>/dev/null)" != "$packages" ]; then
    echo "fetching arm64 libraries" >&2
    rm -rf "$root.new"
    trap 'rm -rf "$root.new"' EXIT
    trap 'exit 130' INT TERM HUP
    mkdir "$root.new"
    build_root "$root.new" "$packages" 9>&-
    printf '%s' "$packages" >"$root.new/packages"
    rm -rf "$root"
    mv "$root.new" "$root"
fi
echo "$root"
