#!/usr/bin/env bash
# Boots Linux itself, to see what it does: the distribution's arm64 kernel with busybox in memory.
#
# Standard output is the console of CMD, which is run by /bin/sh -c; then the machine is powered off.
#
#   CMD       the command                    OVERLAY   host directory laid over the root
#   MEMORY    megabytes (512)                TIMEOUT   seconds until QEMU is ended (300)
#
# Exit status: 124 after TIMEOUT, 77 if kernel or busybox cannot be had here (the last line of standard
# error says why), else QEMU's own. That of CMD is not known.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-$PWD/build}
export BUILD

kernel=$(qemu/rootfs.sh kernel)
busybox=$(qemu/rootfs.sh package busybox-static)
work=$(mktemp -d "${TMPDIR:-/tmp}/tessera.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$BUILD/host/debug/xtask" linux-image --out "$work" --busybox "$busybox" ${OVERLAY:+--overlay "$OVERLAY"} || exit 125
# The same board and processor as run.sh's, so that programs see the same machine.
timeout "${TIMEOUT:-300}" "${QEMU:-qemu-system-aarch64}" \
    -M virt -cpu cortex-a72 -smp 1 -m "${MEMORY:-512}" -nic none -display none -serial mon:stdio -no-reboot \
    -kernel "$kernel"/boot/vmlinuz-* -initrd "$work/linux.cpio" \
    -append "console=ttyAMA0 quiet loglevel=0 rdinit=/init"
