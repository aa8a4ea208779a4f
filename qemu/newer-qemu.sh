#!/usr/bin/env bash
# Puts a newer QEMU into $BUILD/qemu, beside the system's, which stays as it is: for BOARD=raspi4b, which needs
# 9.0. Debian's backports have one; where they are is taken from the machine's own list of package sources.
#
#   newer-qemu.sh get     fetches it (needs apt-get; no root)
#   newer-qemu.sh path BOARD   prints the QEMU that has BOARD: $QEMU, the system's, or the one in $BUILD/qemu
set -eu
ROOT=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$ROOT/build}
newer=$BUILD/qemu/qemu-system-aarch64

say() { printf '%s\n' "$*" >&2; }
has_board() { "$1" -M help 2>/dev/null | grep -q "^$2 "; }

path() { # board
    # Who names a QEMU gets that one or none.
    local candidate candidates=${QEMU:-"qemu-system-aarch64 $newer"}
    for candidate in $candidates; do
        if has_board "$candidate" "$1"; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

# The machine's own sources of its release, with the suite changed to that of the backports. Both forms of the
# lists: stanzas (sources.list(5), "DEB822") and lines.
backports_sources() { # release's name, folder to write to
    local file
    mkdir -p "$2"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$file" ] || sed -n "s/^\(deb .*\) $1 /\1 $1-backports /p" "$file" >>"$2/backports.list"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$file" ] || grep -qE "^Suites:(.* )?$1( |\$)" "$file" || continue
        # Stanzas of other suites (security) stay as they are.
        sed -E "s/^Suites:(.* )?$1( .*)?\$/Suites: $1-backports/" "$file" >"$2/backports-$(basename "$file")"
    done
}

get() {
    local release work options package
    command -v apt-get >/dev/null && [ -r /etc/os-release ] || { say "newer-qemu: this system has no apt-get"; return 1; }
    # shellcheck disable=SC1091
    release=$(. /etc/os-release && echo "${ID:-} ${VERSION_CODENAME:-}")
    case $release in debian\ ?*) release=${release#debian } ;; *) say "newer-qemu: only Debian's backports are known"; return 1 ;; esac
    work=$BUILD/qemu.new
    rm -rf "$work"
    mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root"
    backports_sources "$release" "$work/sources"
    cp /etc/apt/sources.list.d/* "$work/sources/" 2>/dev/null || true
    options=(-q -o Debug::NoLocking=1 -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work"
        -o "Dir::Cache::archives=$work/archives" -o "Dir::Etc::sourceparts=$work/sources"
        -o Acquire::Languages=none -o "APT::Architectures=$(dpkg --print-architecture)")
    say "newer-qemu: fetching QEMU from $release-backports into $BUILD/qemu (about 20 MB beside the package lists, 60 MB on disk)"
    apt-get "${options[@]}" update >&2 || return 1
    apt-get "${options[@]}" install -y --download-only --no-install-recommends -t "$release-backports" qemu-system-arm >&2 || return 1
    for package in "$work"/archives/*.deb; do dpkg -x "$package" "$work/root"; done
    [ -x "$work/root/usr/bin/qemu-system-aarch64" ] || { say "newer-qemu: the backports have no newer one"; return 1; }
    find "$work/root/usr/bin" -type f ! -name qemu-system-aarch64 -delete
    rm -rf "$work/lists" "$work/archives" "$work/sources" "$work"/*.bin "$BUILD/qemu"
    # Without sound, which it would look for among the modules of the system's own version.
    cat >"$work/qemu-system-aarch64" <<'END'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
libraries=$(dirname "$(find "$here/root/usr/lib" -maxdepth 2 -type d -name qemu | head -n 1)")
QEMU_MODULE_DIR=$libraries/qemu LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
    exec "$here/root/usr/bin/qemu-system-aarch64" -L "$here/root/usr/share/qemu" -audio none "$@"
END
    chmod +x "$work/qemu-system-aarch64"
    mv "$work" "$BUILD/qemu"
    say "newer-qemu: $("$newer" --version | head -n 1)"
}

case ${1:-} in
    get) get ;;
    path) path "${2:?board}" ;;
    *) sed -n '2,7p' "$0" >&2; exit 2 ;;
esac
