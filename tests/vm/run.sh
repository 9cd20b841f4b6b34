#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run one command in a virtual machine with one of Debian's kernels.
set -euo pipefail

usage() {
    cat <<'EOF'
Usage: tests/vm/run.sh [OPTION]... -- CMD [ARG]...
Run CMD as root in a fresh virtual machine, in /payload, and exit with its status.
CMD with a slash (build/tests/bpf-tests) is copied into the machine with its shared libraries;
without one it is a name there: busybox's commands, ip, nft, bpftool.

  --kernel NAME       5.10, 6.1 (default), 6.12, newest, arm64-6.1 …: rows of tests/vm/kernels.tsv
  --cgroup MODE       v2 at /sys/fs/cgroup (default); hybrid: v1 there, v2 in unified; v1 alone
  --timeout SECONDS   end the machine after that long, start included; 1..3600, default 300
  --file HOST:GUEST   copy a file (with its libraries) or a directory too; repeatable
  --append ARGS       further kernel arguments, such as lsm=bpf
  --prefix            begin each line with the kernel's name
  --log FILE          keep all of the serial console there
  --help

Exit status: CMD's own; 2 usage; 70 the kernel died under CMD; 75 and a line "SKIPPED kernel ..."
when the kernel could not be had or did not boot; 124 time-out. (A CMD that exits 75 gives 1.)
EOF
}

here=$(cd -- "$(dirname -- "$0")" && pwd)
kernel=6.1 cgroup=v2 seconds=300 append='' prefix='' log='' files=()
die() {
    echo "run: $*" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --kernel | --cgroup | --timeout | --file | --append | --log)
        [ $# -ge 2 ] || die "$1 needs a value; see --help" ;;
    esac
    case $1 in
    --kernel) kernel=$2; shift ;;
    --cgroup) cgroup=$2; shift ;;
    --timeout) seconds=$2; shift ;;
    --file) files+=(--file "$2"); shift ;;
    --append) append=$2; shift ;;
    --log) log=$2; shift ;;
    --prefix) prefix=1 ;;
    --help) usage; exit 0 ;;
    --) shift; break ;;
    *) die "unknown option $1; see --help" ;;
    esac
    shift
done
[ $# -gt 0 ] || die "no command; see --help"
case $cgroup in v2 | hybrid | v1) ;; *) die "--cgroup is v2, hybrid or v1, not '$cgroup'" ;; esac
[[ $seconds =~ ^[1-9][0-9]{0,3}$ && $seconds -le 3600 ]] || die "--timeout is 1..3600 seconds"
case $1 in
*/*) if [ ! -f "$1" ] || [ ! -x "$1" ]; then die "$1 is not an executable file"; fi ;;
esac

dir=$(mktemp -d)
machine=
# shellcheck disable=SC2317
finish() {
    local status=$?
    trap '' INT TERM HUP
    if [ -n "$machine" ]; then
        kill -TERM "$machine" 2>/dev/null || true
        wait "$machine" 2>/dev/null || true
    fi
    rm -rf "$dir"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

skip() {
    echo "SKIPPED kernel $kernel: $*"
    exit 75
}

# Read the console $2, print what the command printed, and write to $3 what the guest's own lines
# under nonce $1 say.
follow() {
    awk -v nonce="$1" -v said="$3" -v prefix="${prefix:+[$kernel] }" '
        { sub(/\r$/, "") }
        index($0, nonce " ") == 1 {
            line = substr($0, length(nonce) + 2)
            print line >said
            fflush(said)
            if (line ~ /^up /) inside = 1
            if (line ~ /^exit /) inside = 0
            held = 0
            next
        }
        !inside { next }
        # The guest puts an empty line before each of its own, to begin at a line start.
        held { print prefix; held = 0; fflush() }
        $0 == "" { held = 1; next }
        { print prefix $0; fflush() }' "$2"
}

append+=" $(awk -F '\t' -v name="$kernel" '!/^#/ && $1 == name { print $7 }' "$here/kernels.tsv")"
status=0
kernel_dir=$("$here/fetch-kernel.sh" "$kernel" 2>"$dir/fetch.err") || status=$?
cat "$dir/fetch.err" >&2
case $status in
0) ;;
75) skip "$(tail -n 1 "$dir/fetch.err")" ;;
*) exit "$status" ;;
esac
if [ "$(cat "$kernel_dir/arch")" = arm64 ]; then
    SYSROOT=$("$here/../../tools/arm64-sysroot.sh") || skip "no arm64 libraries"
    export SYSROOT
else
    unset SYSROOT
fi
nonce=vm-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
"$here/make-initramfs.sh" "$dir/initrd" "$kernel_dir" "$cgroup" "$nonce" "${files[@]}" -- "$@"

mkfifo "$dir/console"
# shellcheck disable=SC2086
"$here/boot.sh" "$kernel_dir" "$dir/initrd" "$seconds" $append >"$dir/console" 2>"$dir/qemu.err" &
machine=$!
: >"$dir/said"
tee "$dir/raw" <"$dir/console" | follow "$nonce" - "$dir/said" &
reader=$!
ended=0
wait "$machine" || ended=$?
machine=
wait "$reader" || true
[ -z "$log" ] || cp "$dir/raw" "$log"

verdict=$(sed -n 's/^exit \([0-9]*\) .*/\1/p' "$dir/said" | tail -n 1)
sed -n "s/^kernel /run: kernel $kernel said: /p" "$dir/said" >&2
if [ -n "$verdict" ]; then
    [ "$verdict" != 75 ] || verdict=1
    exit "$verdict"
fi
if ! grep -q '^up ' "$dir/said"; then
    { cat "$dir/qemu.err"; tail -n 15 "$dir/raw"; } >&2
    skip "did not boot (qemu ended with $ended after at most $seconds s)"
fi
if [ "$ended" = 124 ]; then
    echo "run: kernel $kernel: time-out after $seconds s" >&2
    exit 124
fi
tail -n 15 "$dir/raw" >&2
echo "run: kernel $kernel died before the command ended (qemu ended with $ended)" >&2
exit 70
