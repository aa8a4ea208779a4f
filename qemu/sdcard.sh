#!/usr/bin/env bash
# Writes what goes on the SD card of a Raspberry Pi: kernel, device tree, archive and config.txt.
#
#   BOARD    raspi3b or raspi4b
#   OUT      folder to write to (build/BOARD)
#   BOOT, OVERLAY, CMD   as for run.sh
#
# The Pi's own firmware files are not included: qemu/README.md, "On a board", names them.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-$PWD/build}
BOARD=${BOARD:-virt}
OUT=${OUT:-$BUILD/$BOARD}
DTC=${DTC:-dtc}

fail() { printf 'image: %s\n' "$*" >&2; exit 1; }
case $BOARD in raspi3b | raspi4b) ;; *) fail "BOARD must be raspi3b or raspi4b" ;; esac
command -v "$DTC" >/dev/null || fail "no dtc (device-tree-compiler): make doctor"

mkdir -p "$OUT"
"$BUILD/host/debug/xtask" image --out "$OUT" --boot "${BOOT:-cow}" ${OVERLAY:+--overlay "$OVERLAY"}
"$DTC" -q -I dts -O dtb -o "$OUT/tessera.dtb" "qemu/boards/$BOARD.dts"
# No word "framed": a person reads the line, no host tool.
: >"$OUT/cmdline.txt"
cat >"$OUT/config.txt" <<'END'
arm_64bit=1
kernel=kernel.img
kernel_address=0x200000
device_tree=tessera.dtb
device_tree_address=0x07000000
initramfs boot.cpio 0x08000000
# PL011 at a fixed clock, set up by the firmware, on pins 8 and 10; it says what it does there too.
enable_uart=1
init_uart_clock=48000000
init_uart_baud=115200
uart_2ndstage=1
gpio=14,15=a0
END
printf 'Wrote %s:\n' "$OUT"
ls -l "$OUT"
