#!/usr/bin/env bash
# Boots the system on QEMU and exits with the status of CMD (0 for an interactive run).
#
# Standard output is the console, so with CMD exactly what the command wrote; the logs of kernel and
# servers go to standard error. Everything must be built already (`make build`). From the environment:
#
#   CMD       run by /bin/sh -c instead of the interactive shell; then the machine is powered off
#   OVERLAY   host directory laid over the root file system
#   ROOTFS    debian (built once, from the distribution's packages, with those of PACKAGES), busybox, or a
#             directory
#   BOOT      boot manifest, init/boot/NAME.boot (cow)     BOARD    virt, raspi3b, raspi4b
#   SWAP      other programs for its services: 'mem=mem-eager vfs=vfs:pipe=list'
#   MEMORY    megabytes (512; more with large files)       ICOUNT   1: count instructions, repeatably
#   TIMEOUT   seconds until QEMU is ended with an error (300 with CMD, else never)
#   GIC       2 or 3, version of the interrupt controller  EL2      1: start at EL2
#   TRACE     file that gets a trace of everything from pid 1 on (TRACE_FROM=boot: from the servers on);
#             TRACE_MB is the room for it (64), a record takes 128 bytes. TRACE_FROM alone: `trace -r` shows it
#   REPORT    1: when CMD has ended, the log tells what it took (init/src/report.rs)
#   PROBE     1: try the kernel alone (init/probe), no servers, no CMD
#   DEBUG     1: wait for a debugger on port 1234 (GDB_PORT)
#
# Exit status: that of CMD; 124 after TIMEOUT; 125 if the machine ended before CMD did.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-$PWD/build}
CMD=${CMD:-} BOARD=${BOARD:-virt}
xtask=$BUILD/host/debug/xtask

fail() { printf 'run: %s\n' "$*" >&2; exit 125; }
# QEMU's raspi4b has 2 GiB, but the memory node that it writes ends at the VideoCore's part of the first.
upper_memory='/ { upper-memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x40000000>; }; };'
compile_tree() { # result; source from standard input
    type -P "${DTC:-dtc}" >/dev/null || fail "no dtc (device-tree-compiler): make doctor"
    "${DTC:-dtc}" -q -I dts -O dtb -o "$1" -
}
[ -x "$xtask" ] || fail "not built yet: make build"
case $BOARD in
    virt) QEMU=${QEMU:-qemu-system-aarch64} ;;
    raspi3b | raspi4b)
        [ -z "${EL2:-}${GIC:-}" ] || fail "EL2 and GIC are only for BOARD=virt"
        found=$(qemu/newer-qemu.sh path "$BOARD") || fail "no QEMU here has $BOARD (${QEMU:-qemu-system-aarch64}:" \
            "$("${QEMU:-qemu-system-aarch64}" --version 2>&1 | head -n 1)). raspi4b needs 9.0 or newer:" \
            "'qemu/newer-qemu.sh get' fetches one from Debian's backports; elsewhere set QEMU=/path/to/qemu-system-aarch64"
        QEMU=$found ;;
    *) fail "no board '$BOARD': virt, raspi3b or raspi4b" ;;
esac

command -v "$QEMU" >/dev/null || fail "no $QEMU: make doctor"

# QEMU sets the terminal raw; if it is killed, nobody else sets it back.
terminal=$(stty -g 2>/dev/null) || terminal=
work=$(mktemp -d "${TMPDIR:-/tmp}/tessera.XXXXXX")
trap 'rm -rf "$work"; [ -z "$terminal" ] || stty "$terminal" 2>/dev/null || true' EXIT

[ "${PROBE:-0}" = 1 ] && probe=--probe || probe=
case ${ROOTFS:-} in
    '') ;;
    debian | busybox) ROOTFS=$(BUILD=$BUILD qemu/rootfs.sh "$ROOTFS") || fail "no such root file system here; give a directory instead: ROOTFS=/path/to/root, with bin/sh in it" ;;
    */*) [ -d "$ROOTFS" ] || fail "ROOTFS=$ROOTFS is no directory" ;;
    *) fail "no ROOTFS '$ROOTFS': debian, busybox, or a directory with a / in its name" ;;
esac
"$xtask" image --out "$work" --boot "${BOOT:-cow}" ${ROOTFS:+--rootfs "$ROOTFS"} ${OVERLAY:+--overlay "$OVERLAY"} $probe || exit 125

if [ -z "${MEMORY:-}" ]; then
    # Files stay where QEMU loads them; programs need as much as ever beside large ones.
    archive_mb=$(($(wc -c <"$work/boot.cpio") / 1048576))
    [ "$archive_mb" -lt 64 ] && MEMORY=512 || MEMORY=$((512 + (archive_mb + 255) / 256 * 256))
fi

if [ "$BOARD" = virt ]; then
    machine=(-M "virt,gic-version=${GIC:-2}${EL2:+,virtualization=on}" -cpu cortex-a72 -smp 1 -m "$MEMORY" -nic none)
else
    # QEMU makes no device tree for a Pi. Memory is what the board has. The CPUs that the kernel does
    # not use stay off; else they would spin on the host's.
    { cat "qemu/boards/$BOARD.dts"; [ "$BOARD" = raspi3b ] || echo "$upper_memory"; } | compile_tree "$work/board.dtb"
    [ "$BOARD" = raspi3b ] && soc=bcm2837 MEMORY=1024 || soc=bcm2838 MEMORY=2048
    machine=(-M "$BOARD" -dtb "$work/board.dtb" -global "$soc.enabled-cpus=1")
fi
arguments=(
    "${machine[@]}"
    -display none -serial mon:stdio -no-reboot
    -kernel "$work/kernel.img" -initrd "$work/boot.cpio"
)
words="framed${REPORT:+ report}"
if [ -n "${TRACE:-}" ]; then
    # The ring is read from the machine's memory, so that reading it disturbs nothing.
    words="$words trace=${TRACE_FROM:-init} trace_frames=$((${TRACE_MB:-64} * 256))"
    arguments+=(-object "memory-backend-file,id=ram,size=${MEMORY}M,mem-path=$work/ram,share=on" -machine memory-backend=ram)
elif [ -n "${TRACE_FROM:-}" ]; then
    words="$words trace=$TRACE_FROM"
fi
arguments+=(-append "$words")
if [ "${ICOUNT:-0}" = 1 ]; then
    # The seed fixes what QEMU would choose at random, so that two runs give the same bytes.
    arguments+=(-icount shift=0,sleep=off -seed 1)
fi
if [ "${DEBUG:-0}" = 1 ]; then
    arguments+=(-S -gdb "tcp:127.0.0.1:${GDB_PORT:-1234}")
    "$xtask" gdb --port "${GDB_PORT:-1234}"
fi

[ -z "$CMD" ] || [ "${DEBUG:-0}" = 1 ] || : "${TIMEOUT:=300}"
status=0
"$xtask" console ${TIMEOUT:+--timeout "$TIMEOUT"} ${CMD:+--expect-status} ${probe:+--expect-status} -- "$QEMU" "${arguments[@]}" || status=$?
[ -z "${TRACE:-}" ] || "$xtask" trace take --memory "$work/ram" --out "$TRACE" || exit 125
exit "$status"
