#!/usr/bin/env bash
# Tests what `make image BOARD=raspi4b` writes: it goes on a FAT32 card and back, and boots from there, loaded to the
# addresses of config.txt with the additions that the Pi's firmware makes to the device tree. What goes wrong early
# must be told on the serial line. Exit status 77: something that the test needs is not there.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-$PWD/build}
lack() { echo "sdcard-test: no $1" >&2; exit 77; }
assembler=$(command -v aarch64-linux-gnu-as || command -v aarch64-none-elf-as) || lack "assembler for AArch64 (Debian: binutils-aarch64-linux-gnu)"
for tool in "${DTC:-dtc}" fdtput; do command -v "$tool" >/dev/null || lack "$tool (Debian: device-tree-compiler)"; done
qemu=$(qemu/newer-qemu.sh path raspi4b) || lack "QEMU with raspi4b ('make setup BOARD=raspi4b' looks for one)"
work=$(mktemp -d "${TMPDIR:-/tmp}/tessera-card.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0
check() { # promise, file, text that must be in it ("! text": must not)
    case $3 in "! "*)
        if grep -qF -- "${3#! }" "$2"; then echo "  FAILED  $1"; sed 's/^/          /' "$2"; failed=1; else echo "  ok      $1"; fi
        return ;;
    esac
    if grep -qF -- "$3" "$2"; then echo "  ok      $1"; else echo "  FAILED  $1"; sed 's/^/          /' "$2"; failed=1; fi
}

BOARD=raspi4b CMD='uname -m; cat /etc/hostname; head -n 1 /proc/meminfo' OUT=$work/card BOOT='' OVERLAY='' qemu/sdcard.sh >/dev/null
card=$work/card
if command -v mcopy >/dev/null && command -v mkfs.vfat >/dev/null; then
    truncate -s 64M "$work/card.img"
    mkfs.vfat -F 32 "$work/card.img" >/dev/null
    mcopy -i "$work/card.img" "$card"/* ::/
    mkdir "$work/back"
    mcopy -i "$work/card.img" '::/*' "$work/back"
    if diff -r "$card" "$work/back" >"$work/difference"; then echo "  ok      a FAT32 card holds it as it is"; else
        echo "  FAILED  a FAT32 card holds it as it is"; cat "$work/difference"; failed=1
    fi
    card=$work/back
else
    echo "  note    no mtools or dosfstools: the card itself is not tried"
fi
sed -n 's/^\(kernel\|device_tree\)=//p; s/^initramfs \([^ ]*\) .*/\1/p' "$card/config.txt" | while read -r name; do
    [ -s "$card/$name" ] || echo "config.txt names '$name', which is not there"
done >"$work/names"
echo "none is missing" >>"$work/names"
if [ "$(wc -l <"$work/names")" = 1 ]; then echo "  ok      every file that config.txt names is there"; else cat "$work/names"; failed=1; fi

# What the firmware adds: the memory of a Pi with 2 GiB, and where it put the archive.
cp "$card/tessera.dtb" "$work/bare.dtb"
fdtput -t x "$work/bare.dtb" /memory@0 reg 0 0 3b400000 0 40000000 40000000
cp "$work/bare.dtb" "$work/full.dtb"
fdtput -t x "$work/full.dtb" /chosen linux,initrd-start 8000000
fdtput -t x "$work/full.dtb" /chosen linux,initrd-end "$(printf %x $((0x8000000 + $(stat -c %s "$card/boot.cpio"))))"
"$assembler" -o "$work/firmware.o" qemu/boards/firmware.s
# The code is the only section that is loaded, at the start of the file's part of that name.
"${assembler%as}objcopy" -O binary "$work/firmware.o" "$work/firmware.bin"

boot() { # seconds, device tree or nothing, archive or nothing -> what came over the serial line
    local loads=() status=0
    [ -z "$2" ] || loads+=(-device "loader,file=$2,addr=0x07000000,force-raw=on")
    [ -z "$3" ] || loads+=(-device "loader,file=$3,addr=0x08000000,force-raw=on")
    timeout "$1" "$qemu" -M raspi4b -global bcm2838.enabled-cpus=1 -display none -monitor none -serial stdio -no-reboot \
        -device "loader,file=$work/firmware.bin,addr=0x1000,force-raw=on" -device loader,addr=0x1000,cpu-num=0 \
        -device "loader,file=$card/kernel.img,addr=0x200000,force-raw=on" "${loads[@]}" </dev/null 2>/dev/null || status=$?
    [ "$status" -le 1 ] || echo "ended with $status"   # 124: it is still running
}
boot 60 "$work/full.dtb" "$card/boot.cpio" >"$work/line"
check "it boots as the firmware would start it, and runs the command" "$work/line" "MemTotal:"
check "it switches itself off" "$work/line" "! ended with"
check "memory above the first GiB is used" "$work/line" "Tessera: 19"
boot 5 "" "" >"$work/line"
check "without a device tree the serial line says so" "$work/line" "cannot boot with the device tree at 0x7000000"
boot 20 "$work/bare.dtb" "" >"$work/line"
check "without an archive, too" "$work/line" "the boot archive (0 bytes) has no boot/root"
exit "$failed"
