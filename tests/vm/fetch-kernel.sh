#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fetch one kernel of the matrix and print the directory that holds it:
#   vmlinuz, modules.cpio (what the tests' networks need, as usr/lib/modules/...), version, arch
# Usage: tests/vm/fetch-kernel.sh [--refresh] NAME     (NAME: a row of kernels.tsv)
# Kept under .cache/kernels/NAME; --refresh looks for a newer one. Exits 75, with the reason on
# standard error, when Debian or its archive does not give that kernel.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
cache=$(cd -- "$here/../.." && pwd)/.cache/kernels
# shellcheck source=tests/vm/debian-apt.sh
. "$here/debian-apt.sh"

# Names that a kernel lacks are passed over: they are built in, or came later. Those in $required
# must be there in one of the two ways.
required="veth nf_tables nf_nat nf_conntrack"
modules="veth dummy bridge tun nf_tables nfnetlink nf_nat nf_conntrack nf_conntrack_netlink
    nft_chain_nat nft_nat nft_redir nft_masq nft_ct nft_counter nft_compat nft_objref
    nft_reject_inet nft_fib_inet nft_log nft_limit
    x_tables ip_tables iptable_nat iptable_filter ip6_tables ip6table_nat ip6table_filter
    xt_nat xt_REDIRECT xt_MASQUERADE xt_tcpudp xt_addrtype xt_conntrack xt_owner xt_mark
    xt_comment xt_multiport
    sch_netem sch_ingress sch_tbf cls_bpf act_bpf tcp_diag inet_diag
    virtio_pci virtio_mmio virtio_console virtio_rng"

skip() {
    echo "fetch-kernel: $name: $*" >&2
    exit 75
}

# Print the kernel's own packages: the image that the suite's meta-package names, and the parts
# that Debian split off it in 2026.
kernel_packages() {
    local image
    image=$(debian_apt "$1" apt-cache show --no-all-versions "linux-image-cloud-$arch" |
        sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*\).*/\1/p')
    [ -n "$image" ] || return 1
    echo "$image"
    debian_apt "$1" apt-cache show --no-all-versions "$image" | sed -n 's/^Depends: //p' |
        tr ',' '\n' | sed -n 's/^ *\(linux-\(base\|binary\|modules\)-[0-9][^ ]*\).*/\1/p'
}

# Copy the wanted modules and all they depend on from the tree $1 to the tree $2, unpacked.
pick_modules() {
    local tree=$1 out=$2 lib name path
    lib=usr/lib/modules/$version
    mkdir -p "$out/$lib"
    depmod -b "$tree/usr" "$version"
    for name in $modules; do
        modprobe -d "$tree/usr" -S "$version" --show-depends "$name" 2>/dev/null || true
    done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u | while read -r path; do
        path=$lib/${path#*/modules/"$version"/}
        mkdir -p "$out/${path%/*}"
        case $path in
        *.xz) xz -dc "$tree/$path" >"$out/${path%.xz}" ;;
        *.zst) zstd -qdc "$tree/$path" >"$out/${path%.zst}" ;;
        *) cp "$tree/$path" "$out/$path" ;;
        esac
    done
    cp "$tree/$lib"/modules.{builtin,builtin.modinfo,order} "$out/$lib/"
    depmod -b "$out/usr" "$version"
    for name in $required; do
        modprobe -d "$out/usr" -S "$version" -n "$name" 2>/dev/null || skip "has no module $name"
    done
}

# Build the kernel's directory $1 from Debian's packages.
fetch() {
    local out=$1 apt=$1/apt tree=$1/tree said packages deb
    mkdir -p "$tree"
    # shellcheck disable=SC2086
    said=$(debian_apt_setup "$apt" "$arch" ${suites//,/ }) ||
        skip "apt-get update failed: $(debian_apt_error "$said")"
    packages=$(kernel_packages "$apt" | tr '\n' ' ') || skip "no linux-image-cloud-$arch in $suites"
    # shellcheck disable=SC2086
    said=$(cd "$apt/archives" && debian_apt "$apt" apt-get -qq download $packages 2>&1) ||
        skip "download of $packages failed: $(debian_apt_error "$said")"
    mkdir -p "$tree/usr/lib"
    ln -s usr/lib "$tree/lib"
    for deb in "$apt"/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tree" --keep-directory-symlink
    done
    version=$(cd "$tree/usr/lib/modules" && ls)
    case $version in
    *[[:space:]]*|'') skip "expected one kernel, found '$version'" ;;
    "$prefix"*) ;;
    *) skip "Debian gives $version, not $prefix*" ;;
    esac
    pick_modules "$tree" "$out/modules"
    (cd "$out/modules" && find . -mindepth 1 -print0 | sort -z |
        cpio -o0 -H newc -R 0:0 --quiet) >"$out/modules.cpio"
    find "$tree/boot/" "$tree/usr/lib/modules/$version" -maxdepth 1 -name 'vmlinuz*' \
        -exec cp {} "$out/vmlinuz" \; 2>/dev/null || true
    [ -s "$out/vmlinuz" ] || skip "no vmlinuz in $packages"
    echo "$version" >"$out/version"
    echo "$arch" >"$out/arch"
    rm -rf "$apt" "$tree" "$out/modules"
}

refresh=
[ "${1:-}" != --refresh ] || { refresh=1; shift; }
name=${1:-}
name=${name%%+*}
row=$(awk -F '\t' -v name="$name" '!/^#/ && $1 == name' "$here/kernels.tsv")
if [ $# != 1 ] || [ -z "$row" ]; then
    echo "usage: tests/vm/fetch-kernel.sh [--refresh] NAME; NAME is one of:" \
        "$(awk -F '\t' '!/^#/ { printf " %s", $1 }' "$here/kernels.tsv")" >&2
    exit 2
fi
arch=$(cut -f 2 <<<"$row") suites=$(cut -f 3 <<<"$row") prefix=$(cut -f 4 <<<"$row")
[ "$prefix" != - ] || prefix=

mkdir -p "$cache"
exec 9>"$cache/$name.lock"
flock -w 600 9 || skip "another fetch holds $cache/$name.lock"
if [ -n "$refresh" ] || [ ! -d "$cache/$name" ]; then
    echo "fetching kernel $name ($arch, $suites)" >&2
    rm -rf "$cache/$name.new"
    trap 'rm -rf "$cache/$name.new"' EXIT
    trap 'exit 130' INT TERM HUP
    fetch "$cache/$name.new" 9>&-
    rm -rf "${cache:?}/$name"
    mv "$cache/$name.new" "$cache/$name"
fi
echo "$cache/$name"
