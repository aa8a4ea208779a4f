#!/usr/bin/env bash
# Decides which Rust builds bare-metal code, says which and why, and installs what is missing.
#
#   toolchain.sh setup          make sure that everything needed is there (installs packages)
#   toolchain.sh setup-tests    also formatter and linter, where they can be had
#   toolchain.sh setup-scenes   and what only some scenes need
#   toolchain.sh doctor         report the state of everything needed, with the fix for each lack
#   toolchain.sh machine ARGS   cargo for the machine (bare-metal AArch64)
#   toolchain.sh machine-clippy ARGS   clippy for the machine; exit 77 if it cannot be had
#   toolchain.sh host ARGS      cargo for the host tools and host tests
#
# RUST=rustup or RUST=debian overrules the decision, which is kept in $BUILD/toolchain.
# Never prints to standard output except for `doctor`, because `make -s run` owns that.
set -eu

ROOT=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$ROOT/build}
TARGET=aarch64-unknown-none-softfloat
CHOSEN_QEMU=${QEMU:-}
QEMU=${QEMU:-qemu-system-aarch64}
OLDEST_RUST=88      # 1.88: the code uses let chains (edition 2024)
OLDEST_QEMU=7

say() { printf '%s\n' "$*" >&2; }
die() { say "toolchain: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
limited() { if have timeout; then timeout "$@"; else shift; "$@"; fi; }

# The minor version of a `rustc`, or 0.
minor() { "$1" --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p' | grep . || echo 0; }
new_enough() { [ "$(minor "$1")" -ge "$OLDEST_RUST" ]; }

# Major version of QEMU, or 0 if there is none.
qemu_major() {
    "$QEMU" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9]*\)\..*/\1/p' | grep . || echo 0
}

# --- which Rust -----------------------------------------------------------------------------------

rustup_usable() { have rustup && have cargo && new_enough "$(command -v rustc)"; }
# The target's core library is where rustup puts it: asks no network.
rustup_has_target() { rustup_usable && [ -d "$(rustc --print sysroot)/lib/rustlib/$TARGET/lib" ]; }
rustup_add_target() { rustup_usable && limited 60 rustup target add "$TARGET" >/dev/null 2>&1; }

# Distribution compilers by suffix: Debian's and plain ones have none, Ubuntu's are rustc-1.89 etc.
distribution_suffix() {
    local rustc suffix
    for rustc in /usr/bin/rustc $(ls /usr/bin/rustc-1.* 2>/dev/null | sort -rV); do
        suffix=${rustc#/usr/bin/rustc}
        if [ -x "$rustc" ] && [ -x "/usr/bin/cargo$suffix" ] && new_enough "$rustc" \
            && [ -f "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/core/Cargo.toml" ]; then
            printf 'suffix=%s\n' "$suffix"
            return 0
        fi
    done
    return 1
}

remember() { # kind, suffix, why
    mkdir -p "$BUILD"
    printf 'KIND=%s\nSUFFIX=%s\nWHY="%s"\n' "$1" "$2" "$3" >"$BUILD/toolchain"
    say "toolchain: $1: $3"
}

# Chooses and remembers; fails if nothing on this machine can build for the target.
decide() {
    local found
    if [ "${RUST:-rustup}" = rustup ]; then
        if rustup_has_target; then
            remember rustup "" "rustup's $(rustc --version | cut -d' ' -f2) has $TARGET"
            return 0
        fi
        if rustup_usable && say "toolchain: asking rustup for $TARGET (60 s at most)" && rustup_add_target; then
            remember rustup "" "rustup's $(rustc --version | cut -d' ' -f2) could add $TARGET"
            return 0
        fi
    fi
    if [ "${RUST:-debian}" = debian ] && found=$(distribution_suffix) && have ld.lld; then
        found=${found#suffix=}
        remember debian "$found" "$(/usr/bin/rustc$found --version | cut -d' ' -f1-2) of the distribution with its\
 library sources, because $([ -n "${RUST:-}" ] && echo "RUST=$RUST asks for it" || echo "rustup is absent or cannot add the target")"
        return 0
    fi
    return 1
}

# Reads the decision, if it is there and still holds.
load() {
    KIND= SUFFIX= WHY=
    # shellcheck disable=SC1091
    [ -f "$BUILD/toolchain" ] && . "$BUILD/toolchain"
    [ -n "$KIND" ] && [ "${RUST:-$KIND}" = "$KIND" ] || return 1
    case $KIND in
        rustup) rustup_has_target ;;
        debian) [ -x "/usr/bin/rustc$SUFFIX" ] && [ -x "/usr/bin/cargo$SUFFIX" ] && have ld.lld ;;
        *) return 1 ;;
    esac
}

# --- what to install ------------------------------------------------------------------------------

# Minor version of Rust that a Debian package would install, or 0.
apt_minor() {
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *1\.\([0-9]*\)\..*/\1/p' | grep . || echo 0
}

# The distribution's packages of a Rust that is new enough, newest naming first.
apt_rust_packages() {
    local name
    if [ "$(apt_minor rustc-web)" -ge "$OLDEST_RUST" ]; then
        echo "rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web"
        return
    fi
    if [ "$(apt_minor rustc)" -ge "$OLDEST_RUST" ]; then
        echo "rustc cargo rust-src rust-clippy rustfmt"
        return
    fi
    for name in $(apt-cache pkgnames rustc-1. 2>/dev/null | grep -E '^rustc-1\.[0-9]+$' | sort -rV); do
        name=${name#rustc-}
        if [ "${name#1.}" -ge "$OLDEST_RUST" ]; then
            echo "rustc-$name cargo-$name rust-$name-src rust-$name-clippy rustfmt-$name"
            return
        fi
    done
}

other_systems() {
    case $(uname -s) in
        Darwin) say "  brew install qemu rustup lld make && rustup default stable && rustup target add $TARGET" ;;
        *)
            say "  Fedora:     dnf install qemu-system-aarch64-core lld rustup && rustup-init"
            say "  Arch:       pacman -S qemu-system-aarch64 lld rustup && rustup default stable"
            say "  Alpine:     apk add bash make qemu-system-aarch64 lld rustup && rustup-init"
            say "  elsewhere:  QEMU $OLDEST_QEMU.0 or newer, LLVM's lld, and rustup"
            say "  then:       rustup target add $TARGET" ;;
    esac
}

# Runs apt-get as root, saying so.
apt() {
    local sudo=
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || die "not root and no sudo: as root, run: apt-get $*"
        sudo=sudo
    fi
    say "toolchain: ${sudo:+$sudo }apt-get $*"
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" >&2
}

install() { # packages
    if ! have apt-get; then
        say "toolchain: missing: $*. Install on this system:"
        other_systems
        exit 1
    fi
    apt install -y --no-install-recommends "$@"
}

apt_updated=
update_once() {
    [ -n "$apt_updated" ] || ! have apt-get || apt update
    apt_updated=yes
}

setup() {
    local packages=
    if [ "$(qemu_major)" -eq 0 ]; then
        update_once
        install qemu-system-arm
    fi
    case ${BOARD:-virt} in virt) ;; *) have "${DTC:-dtc}" || { update_once; install device-tree-compiler; } ;; esac
    [ "${BOARD:-virt}" != raspi4b ] || setup_raspi4b
    [ "$(qemu_major)" -ge "$OLDEST_QEMU" ] || die "$QEMU is missing or older than $OLDEST_QEMU.0: see 'make doctor'"
    if ! load && ! decide; then
        update_once
        if have apt-get; then packages=$(apt_rust_packages); fi
        # shellcheck disable=SC2086
        install ${packages:-rustup} lld
        # Some distributions have rustup as a package and no compiler that is new enough.
        if [ -z "$packages" ]; then rustup default stable >&2; fi
        decide || die "still no Rust that builds for $TARGET: see 'make doctor'"
    fi
    load
    host_cargo >/dev/null || { update_once; install $(apt_rust_packages); }
    have cc || have gcc || have clang || { update_once; install gcc libc6-dev; }
}

has_raspi4b() { QEMU=$CHOSEN_QEMU "$ROOT/qemu/newer-qemu.sh" path raspi4b >/dev/null; }

# A QEMU that has the Pi 4. Without one the run says what to do.
setup_raspi4b() {
    has_raspi4b || [ -n "$CHOSEN_QEMU" ] || [ -e "$BUILD/looked-for-qemu" ] && return 0
    mkdir -p "$BUILD" && touch "$BUILD/looked-for-qemu"
    "$ROOT/qemu/newer-qemu.sh" get || say "toolchain: no newer QEMU could be fetched"
}

# Formatter and linter serve the tests only: without them those steps are skipped with a reason, so
# nothing here is an error. They are looked for once (`make clean` forgets that).
setup_tests() {
    setup
    have rustfmt || [ -x "/usr/bin/rustfmt$SUFFIX" ] || install_optional rustfmt
    machine_clippy_tool || install_optional clippy
    browser >/dev/null || install_browser
}

# A browser for the test of the traces' page, or nothing.
browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

# Debian's Chromium. Ubuntu's package of that name only fetches another kind of package, so it is left alone.
install_browser() {
    [ ! -e "$BUILD/looked-for-chromium" ] && have apt-get || return 0
    [ "$(id -u)" -eq 0 ] || have sudo || return 0
    mkdir -p "$BUILD" && touch "$BUILD/looked-for-chromium"
    (update_once) || return 0
    if apt-cache policy chromium 2>/dev/null | grep 'Candidate: [0-9]' | grep -qv snap; then
        say "toolchain: installing Chromium for the test of the traces' page: about 130 MB to fetch, 450 MB on disk, a minute or two"
        (install chromium) || say "toolchain: no Chromium; the tests will skip what needs it"
    fi
}

# What scenes need beside a machine: a compiler for Linux's programs, and what the boards take. Where they cannot be had,
# those scenes are skipped with a reason. They are looked for once (`make clean` forgets that).
setup_scenes() {
    setup_tests
    setup_raspi4b
    [ ! -e "$BUILD/looked-for-scenes" ] && have apt-get || return 0
    [ "$(id -u)" -eq 0 ] || have sudo || return 0
    touch "$BUILD/looked-for-scenes"
    install_for aarch64-linux-gnu-gcc "scenes of Linux programs" gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    install_for "${DTC:-dtc}" "scenes of the Pis" device-tree-compiler
    install_for mcopy "the test of the SD card" mtools dosfstools
}

install_for() { # command, what for, packages
    local command=$1 what=$2
    shift 2
    have "$command" || { (update_once) && (install "$@"); } || say "toolchain: no $command; the tests will skip $what"
}

install_optional() { # rustfmt | clippy
    local package
    [ ! -e "$BUILD/looked-for-$1" ] && have apt-get || return 0
    [ "$(id -u)" -eq 0 ] || have sudo || return 0
    mkdir -p "$BUILD" && touch "$BUILD/looked-for-$1"
    (update_once) || return 0
    package=$(apt_rust_packages | tr ' ' '\n' | grep -- "$1" || true)
    if [ -z "$package" ] || ! (install "$package"); then
        say "toolchain: no $1 for this compiler; the tests will skip what needs it"
    fi
}

# --- running cargo --------------------------------------------------------------------------------

host_cargo() {
    local found
    if have cargo && have rustc && new_enough "$(command -v rustc)"; then
        command -v cargo
    elif found=$(distribution_suffix); then
        echo "/usr/bin/cargo${found#suffix=}"
    else
        return 1
    fi
}

host() {
    local cargo
    cargo=$(host_cargo) || die "no Rust 1.$OLDEST_RUST for the host: see 'make doctor'"
    case $cargo in /usr/bin/cargo*) export RUSTC="/usr/bin/rustc${cargo#/usr/bin/cargo}" ;; esac
    CARGO_TARGET_DIR=$BUILD/host exec "$cargo" "$@"
}

# Sets the environment and the arguments that any cargo command for the machine needs.
machine_environment() {
    load || decide || die "no Rust that builds for $TARGET: see 'make doctor'"
    export CARGO_TARGET_DIR=$BUILD/machine
    # The distribution's own library sources are not ours to mend.
    export CARGO_FUTURE_INCOMPAT_REPORT_FREQUENCY=never
    CARGO=cargo
    MACHINE="--target $TARGET"
    [ "$KIND" = debian ] || return 0
    CARGO=/usr/bin/cargo$SUFFIX
    MACHINE="$MACHINE -Zbuild-std=core,alloc,compiler_builtins -Zbuild-std-features=compiler-builtins-mem"
    export RUSTC="/usr/bin/rustc$SUFFIX" RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_AARCH64_UNKNOWN_NONE_SOFTFLOAT_LINKER=ld.lld
}

machine() { # cargo subcommand, arguments
    local command=$1
    shift
    machine_environment
    # shellcheck disable=SC2086
    exec "$CARGO" "$command" $MACHINE "$@"
}

# Clippy must be the very version of the compiler whose core library it reads.
machine_clippy_tool() {
    case ${KIND:-} in
        rustup) cargo clippy --version >/dev/null 2>&1 ;;
        debian) [ -x "/usr/bin/cargo-clippy$SUFFIX" ] && [ -x "/usr/bin/clippy-driver$SUFFIX" ] ;;
        *) return 1 ;;
    esac
}

machine_clippy() {
    machine_environment
    # In place of those in .cargo/config.toml, which turn warnings off.
    export RUSTFLAGS="-C force-frame-pointers=yes"
    if ! machine_clippy_tool; then
        say "no clippy of version 1.$(minor "${RUSTC:-rustc}") is installed (Debian: rust-web-clippy)"
        exit 77
    fi
    # shellcheck disable=SC2086
    if [ "$KIND" = rustup ]; then exec cargo clippy $MACHINE "$@"; fi
    # Started directly, because `cargo clippy` would find another Rust's in ~/.cargo/bin first.
    # shellcheck disable=SC2086
    CARGO=$CARGO exec "/usr/bin/cargo-clippy$SUFFIX" clippy $MACHINE "$@"
}

# --- doctor ---------------------------------------------------------------------------------------

lacks=0
good() { printf '  ok       %s\n' "$*"; }
lack() { printf '  MISSING  %s\n           fix: %s\n' "$1" "$2"; lacks=$((lacks + 1)); }
note() { printf '  note     %s\n           %s\n' "$1" "$2"; }
apt_fix() { if have apt-get; then echo "apt-get install --no-install-recommends $1"; else echo "$2"; fi; }

doctor() {
    local major tool
    echo "What Tessera needs on this machine ('make run' and 'make test' install it on Debian and Ubuntu):"
    major=$(qemu_major)
    if [ "$major" -ge "$OLDEST_QEMU" ]; then
        good "$("$QEMU" --version | head -n 1)"
    elif [ "$major" -eq 0 ]; then
        lack "$QEMU" "$(apt_fix qemu-system-arm "install your system's QEMU for AArch64 (brew: qemu; Fedora: qemu-system-aarch64-core; Arch: qemu-system-aarch64)")"
    else
        lack "QEMU $OLDEST_QEMU.0 or newer (this is $("$QEMU" --version | head -n 1))" \
            "upgrade the distribution, add its backports, or build QEMU and set QEMU=/path/to/qemu-system-aarch64"
    fi
    if load || { decide 2>/dev/null && load; }; then
        good "Rust for the machine: $WHY"
    else
        lack "a Rust that builds for $TARGET" \
            "rustup target add $TARGET, or $(apt_fix "$(apt_rust_packages) lld" "rustup from your system's packages")"
    fi
    if tool=$(host_cargo); then
        good "Rust for the host: $("$tool" --version)"
    else
        lack "Rust 1.$OLDEST_RUST or newer for the host" "rustup update stable, or $(apt_fix "$(apt_rust_packages)" "rustup from your system's packages")"
    fi
    for tool in make cc; do
        if have $tool; then good "$tool"; else lack "$tool" "$(apt_fix "make gcc libc6-dev" "install make and a C compiler (for linking host tools)")"; fi
    done
    if have "${DTC:-dtc}"; then good "dtc for BOARD=raspi3b and raspi4b"; else
        note "no dtc: BOARD=raspi3b and raspi4b need it" "$(apt_fix device-tree-compiler "install the device tree compiler (dtc)")"
    fi
    if [ "$major" -ge "$OLDEST_QEMU" ] && ! has_raspi4b; then
        note "this QEMU has no raspi4b: BOARD=raspi4b needs 9.0 or newer" \
            "qemu/newer-qemu.sh get (Debian's backports, into the build folder), or QEMU=/path/to/qemu-system-aarch64"
    fi
    if have rustfmt; then good "rustfmt"; else note "no rustfmt: 'make test' skips the format check" "$(apt_fix rustfmt-web "rustup component add rustfmt")"; fi
    if machine_clippy_tool; then good "clippy for the machine"; else
        note "no clippy for the machine: 'make test' skips that step" "$(apt_fix rust-web-clippy "rustup component add clippy")"
    fi
    if browser >/dev/null; then good "a browser for the test of the traces' page"; else
        note "no Chromium: 'make test' skips the test of the traces' page" "$(apt_fix chromium "install Chromium")"
    fi
    if have aarch64-linux-gnu-gcc; then good "a compiler for Linux's programs"; else
        note "no aarch64-linux-gnu-gcc: 'make test' skips the scenes of Linux programs" "$(apt_fix "gcc-aarch64-linux-gnu libc6-dev-arm64-cross" "install GCC for aarch64-linux-gnu")"
    fi
    if have gdb-multiarch || have aarch64-linux-gnu-gdb || have aarch64-none-elf-gdb || have lldb; then good "a debugger for 'make debug'"; else
        note "no debugger for AArch64: 'make debug' only waits for one" "$(apt_fix gdb-multiarch "install gdb with AArch64 support")"
    fi
    if [ "$lacks" -eq 0 ]; then echo "Everything needed is there."; else echo "$lacks missing."; return 1; fi
}

case ${1:-} in
    setup) setup ;;
    setup-tests) setup_tests ;;
    setup-scenes) setup_scenes ;;
    doctor) doctor ;;
    machine) shift; machine "$@" ;;
    machine-clippy) shift; machine_clippy "$@" ;;
    host) shift; host "$@" ;;
    *) sed -n '2,13p' "$0" >&2; exit 2 ;;
esac
