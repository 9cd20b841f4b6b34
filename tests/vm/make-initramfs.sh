#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Build a test machine's initramfs: busybox, ip, nft, bpftool, a command and its files, each with
# the shared libraries it needs, and the kernel's modules.
# Usage: make-initramfs.sh OUT KERNEL_DIR CGROUP NONCE [--file HOST:GUEST]... -- CMD [ARG...]
# CMD with a slash is a file of this machine, copied to /payload; else a name in the guest.
# SYSROOT=DIR takes libraries and tools of a foreign architecture from there.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
out=$1 kernel=$2 cgroup=$3 nonce=$4
shift 4
sysroot=${SYSROOT:-}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 130' INT TERM HUP

# Copy the libraries that ELF file $1 needs, and its loader, to where it looks for them.
add_libraries() {
    local name path
    if [ -z "$sysroot" ]; then
        { ldd "$1" 2>/dev/null || true; } | sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p' |
            while read -r path; do
                mkdir -p "$root/${path%/*}"
                [ -e "$root/$path" ] || cp -L "$path" "$root/$path"
            done
        return
    fi
    { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
      readelf -l "$1" | sed -n 's/.*interpreter: .*\/\([^]]*\)\]/\1/p'; } 2>/dev/null |
        while read -r name; do
            [ ! -e "$root/usr/lib/$name" ] || continue
            path=$(find "$sysroot/lib/" "$sysroot/usr/lib/" -name "$name" -print -quit)
            if [ -z "$path" ]; then
                echo "make-initramfs: $1 needs $name: not in $sysroot" >&2
                exit 1
            fi
            cp -L "$path" "$root/usr/lib/$name"
            add_libraries "$path"
        done
}

# Copy host file or directory $1 to guest path $2.
add_file() {
    [ -e "$1" ] || { echo "make-initramfs: no file $1" >&2; exit 2; }
    mkdir -p "$root/$(dirname -- "$2")"
    cp -RL --preserve=mode -- "$1" "$root/$2"
    if [ -f "$1" ]; then
        add_libraries "$1"
    fi
}

# Copy the tool $1 of this machine or of the sysroot to guest path $2; leave out one that is not
# there.
add_tool() {
    local path
    if [ -n "$sysroot" ]; then
        path=$(find "$sysroot"/{usr/,}{sbin,bin}/ -name "$1" -print -quit 2>/dev/null)
    else
        path=$(PATH=$PATH:/usr/sbin:/sbin command -v "$1") || true
    fi
    [ -z "$path" ] || add_file "$path" "$2"
}

mkdir -p "$root"/{dev,proc,sys,run,tmp,root,etc,payload,vm,usr/{bin,sbin,lib,lib64}}
for dir in bin sbin lib lib64; do
    ln -s "usr/$dir" "$root/$dir"
done
mkdir -p "$root/var"
ln -s ../run "$root/var/run"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo '127.0.0.1 localhost vm' >"$root/etc/hosts"
busybox=$(PATH=$PATH:/usr/sbin command -v busybox)
[ -z "$sysroot" ] || busybox=$(find "$sysroot"/{usr/,}bin/ -name busybox -print -quit 2>/dev/null)
add_file "$busybox" /usr/bin/busybox
ln -s ../bin/busybox "$root/usr/sbin/modprobe"
for tool in ip nft bpftool; do
    add_tool "$tool" "/usr/sbin/$tool"
done
# A shell of its own: busybox's prefers its own ip to the real one.
add_tool dash /usr/bin/sh

while [ "${1:-}" = --file ]; do
    add_file "${2%:*}" "${2##*:}"
    shift 2
done
shift
case $1 in
*/*)
    add_file "$1" "/payload/${1##*/}"
    set -- "/payload/${1##*/}" "${@:2}"
    ;;
esac
printf 'exec' >"$root/vm/command"
for word in "$@"; do
    printf " '%s'" "${word//\'/\'\\\'\'}" >>"$root/vm/command"
done
echo >>"$root/vm/command"
echo "$cgroup" >"$root/vm/cgroup"
echo "$nonce" >"$root/vm/nonce"
install -m 755 "$here/init" "$root/init"

{ (cd "$root" && find . -mindepth 1 -print0 | cpio -o0 -H newc -R 0:0 --quiet)
  cat "$kernel/modules.cpio"; } >"$out"
