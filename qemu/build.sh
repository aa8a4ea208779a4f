#!/usr/bin/env bash
# Builds the host tools, then everything for the machine. Says all it has to say on standard error.
#
#   build.sh          everything
#   build.sh tools    only the host tools
#
# What is built for the machine is listed in one place: xtask/src/tree.rs.
set -eu
cd "$(dirname "$0")/.."
export BUILD=${BUILD:-$PWD/build}
exec >&2

qemu/toolchain.sh host build --quiet --package xtask
[ "${1:-}" = tools ] && exit 0

# The list has one word in a line, and no word has spaces.
# shellcheck disable=SC2046
qemu/toolchain.sh machine build --release $("$BUILD/host/debug/xtask" machine-packages)
