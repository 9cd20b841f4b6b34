#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boot a kernel with an initramfs in QEMU, its serial console on standard output.
# Usage: boot.sh KERNEL_DIR INITRAMFS SECONDS [KERNEL_ARGUMENT...]
# The machine ends after SECONDS at the latest (exit 124), and when its parent process dies,
# however it dies. Software emulation on purpose: KVM inside a virtual machine can hang.
set -euo pipefail

kernel=$1 initrd=$2 seconds=$3
shift 3
case $(cat "$kernel/arch") in
amd64) machine=(qemu-system-x86_64 -M q35) cpu=max console=ttyS0 ;;
arm64) machine=(qemu-system-aarch64 -M virt) cpu=max,pauth-impdef=on console=ttyAMA0 ;;
*) echo "boot: unknown architecture in $kernel/arch" >&2; exit 2 ;;
esac
# A debugger's or a graphical console's defaults have no place here: serial only, no network.
exec setpriv --pdeathsig KILL timeout -k 5 "$seconds" setpriv --pdeathsig KILL \
    "${machine[@]}" -accel tcg,thread=multi -cpu "$cpu" -smp 2 -m 1G -nodefaults -no-user-config \
    -display none -serial stdio -monitor none -net none -no-reboot \
    -kernel "$kernel/vmlinuz" -initrd "$initrd" \
    -append "console=$console quiet loglevel=4 panic=-1 mitigations=off random.trust_cpu=on $*" \
    </dev/null
