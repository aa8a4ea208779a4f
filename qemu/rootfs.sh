#!/usr/bin/env bash
# Builds a root file system of the distribution's own arm64 packages, once, and prints its folder.
#
#   rootfs.sh debian         the default packages, those that PACKAGES names, and all that they need
#   rootfs.sh busybox        busybox and nothing else, with several users
#   rootfs.sh package NAME   only what is in this package
#   rootfs.sh kernel         a Linux kernel, in boot/, to compare with
#
# The packages come through this machine's package manager, from its own sources, into a package database of
# their own: nothing of this machine changes, and no other user's right is needed. Maintainer scripts are
# Arm programs for a running system, so they are not run; `finish` makes what they would have made.
# The result is kept in $BUILD/rootfs under a name made of the list of packages and of this script.
# Exit status 77: the packages cannot be had here; the reason is on standard error.
set -eu

BUILD=${BUILD:-$(cd "$(dirname "$0")/.." && pwd)/build}
DEFAULT_PACKAGES="base-files base-passwd bash busybox coreutils dash findutils gawk grep gzip hostname less
    libc-bin lua5.4 mawk ncurses-base python3-minimal sed sqlite3 tar usr-is-merged vim-tiny"
# Nothing on the machine reads these, and they are a third of everything.
UNREAD="usr/share/doc usr/share/man usr/share/info usr/share/lintian usr/share/locale"
NO_PACKAGES=77

say() { printf 'rootfs: %s\n' "$*" >&2; }
# Ends with the reason; without any registry that is the reason.
impossible() {
    [ -z "${unreached:-}" ] && say "$*" || say "the package manager reaches no registry ($store/log)"
    exit "$NO_PACKAGES"
}

# A package manager whose state and cache are below $store, and whose machine is an arm64.
write_settings() {
    mkdir -p "$store/state/lists/partial" "$store/cache/archives/partial"
    : >"$store/status"
    # Hooks belong to the host's own database, so they are cleared; the sources are the host's.
    cat >"$store/apt.conf" <<END
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear APT::Architectures;
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Update::Error-Mode "any";
Dir::State "$store/state";
Dir::State::status "$store/status";
Dir::Cache "$store/cache";
Dir::Log "$store";
END
}

apt() { apt-get -qq -c "$store/apt.conf" "$@" >>"$store/log" 2>&1; }

# Gets the lists of packages.
update() {
    for tool in apt-get dpkg-deb; do
        command -v "$tool" >/dev/null || impossible "no $tool: packages are those of Debian or Ubuntu"
    done
    write_settings
    say "asking the package manager for arm64 packages ($store/log)"
    : >"$store/log"
    # A source of this machine that does not answer matters only if a package is not found then.
    apt update || unreached=yes
    updated=yes
}

# Downloads the packages and what they need; writes their files' names to $store/files.
download() {
    # shellcheck disable=SC2086
    apt install -y --download-only $packages \
        || impossible "not all for arm64 in the package manager's sources ($store/log): $packages"
    # shellcheck disable=SC2086
    apt-get -qq -c "$store/apt.conf" install -y --print-uris $packages | cut -d' ' -f2 >"$store/missing"
    [ ! -s "$store/missing" ] || impossible "not downloaded: $(tr '\n' ' ' <"$store/missing")"
    # What would be installed now, by name; its version is that of the file.
    # shellcheck disable=SC2086
    apt-get -qq -c "$store/apt.conf" install -y --simulate $packages \
        | sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1_\2/p' | sed 's/:/%3a/' >"$store/files"
}

# Lays the content of every package over $root, whose /bin, /lib and /sbin are links as in every merged /usr.
unpack() {
    local name package
    rm -rf "$root"
    mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/usr/sbin"
    for name in bin lib sbin; do ln -s "usr/$name" "$root/$name"; done
    mkdir -p "$store/unpacked.$$"
    while read -r name; do
        for package in "$store/cache/archives/${name}"_*.deb; do
            dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$root"
            dpkg-deb --info "$package" postinst >"$store/unpacked.$$/$name" 2>/dev/null || true
        done
    done <"$store/files"
}

# Makes the links of `update-alternatives --install LINK NAME PATH PRIORITY`, those of scripts that say so
# in so many words; of several for one link the highest priority wins.
link_alternatives() {
    cat "$store/unpacked.$$"/* | sed -e ':a' -e '/\\$/N; s/\\\n//; ta' \
        | grep -o -- '--\(install\|slave\) .*' | sed 's/--slave/\n--slave/g' \
        | while read -r kind link name path priority _; do
            if [ "$kind" = --install ]; then of=$priority; fi
            printf '%s %s %s\n' "${of:-0}" "$link" "$path"
        done | grep -v '[$"*]' | sort -n \
        | while read -r _ link path; do
            # Scripts also speak of this in messages, with other words behind it.
            case $link$path in /*/*) ;; *) continue ;; esac
            [ -e "$root$path" ] && [ ! -d "$root$path" ] || continue
            mkdir -p "$root$(dirname "$link")"
            ln -sf "$path" "$root$link"
        done
}

# What the maintainer scripts of base packages make.
finish() {
    local name
    link_alternatives
    for name in passwd group; do
        [ -e "$root/etc/$name" ] || cp "$root/usr/share/base-passwd/$name.master" "$root/etc/$name"
    done
    for name in profile motd; do
        [ -e "$root/etc/$name" ] || cp "$root/usr/share/base-files/$name" "$root/etc/$name"
    done
    name=$root/usr/share/libc-bin/nsswitch.conf
    [ -e "$root/etc/nsswitch.conf" ] || [ ! -e "$name" ] || cp "$name" "$root/etc/nsswitch.conf"
    make_accounts
    mkdir -p "$root/root"
    [ -e "$root/root/.bashrc" ] || cp "$root/usr/share/base-files/dot.bashrc" "$root/root/.bashrc"
    [ -e "$root/root/.profile" ] || cp "$root/usr/share/base-files/dot.profile" "$root/root/.profile"
    [ -e "$root/bin/sh" ] || ln -s dash "$root/bin/sh"
    echo tessera >"$root/etc/hostname"
    printf '127.0.0.1 localhost tessera\n' >"$root/etc/hosts"
    # Without an init of the packages: a person gets bash, which edits lines; scripts get /bin/sh.
    if [ ! -e "$root/sbin/init" ]; then
        printf '#!/bin/sh\ncd /root\nexec bash --login\n' >"$root/sbin/init"
        chmod 755 "$root/sbin/init"
    fi
    # shellcheck disable=SC2086
    (cd "$root" && rm -rf $UNREAD)
    compile_python
}

# Logins where there are programs for them: passwords in a file of their own, and the lists of modules that
# `pam-auth-update` writes. Nobody has a password yet; `chpasswd` sets them.
make_accounts() {
    local kind
    [ -d "$root/etc/pam.d" ] || return 0
    for kind in auth account password session session-noninteractive; do
        [ -e "$root/etc/pam.d/common-$kind" ] || printf '%s required pam_unix.so\n' "${kind%%-*}" >"$root/etc/pam.d/common-$kind"
    done
    [ -e "$root/usr/bin/passwd" ] && [ ! -e "$root/etc/shadow" ] || return 0
    sed 's/^\([^:]*\):.*/\1:*:20000:0:99999:7:::/' "$root/etc/passwd" >"$root/etc/shadow"
    sed -i 's/^\([^:]*\):[^:]*:/\1:x:/' "$root/etc/passwd"
    sed 's/^\([^:]*\):.*/\1:*::/' "$root/etc/group" >"$root/etc/gshadow"
    chmod 600 "$root/etc/shadow" "$root/etc/gshadow"
}

# Python's packages compile their modules when they are installed. Without that every start compiles them
# again; it takes the very version of Python, which this machine may have.
compile_python() {
    local library version
    for library in "$root"/usr/lib/python3.*; do
        version=${library##*/}
        [ -d "$library" ] && command -v "$version" >/dev/null || continue
        "$version" -m compileall -q -s "$root" --invalidation-mode unchecked-hash "$library" \
            >>"$store/log" 2>&1 || say "some of Python's modules were not compiled"
    done
}

make_debian() {
    update
    download
    unpack
    finish
    mv "$root" "$kept"
    say "$(wc -l <"$store/files") packages, $(du -sm "$kept" | cut -f1) MB in $kept"
}

# A whole userland of one file: init, logins, shell and tools. Everyone's password is the own name.
make_busybox() {
    local package file
    package=$("$0" package busybox-static)
    mkdir -p "$root/bin" "$root/sbin" "$root/etc" "$root/home/anna" "$root/home/bert" "$root/usr/bin" "$root/usr/sbin"
    for file in bin usr/bin; do
        [ ! -f "$package/$file/busybox" ] || cp "$package/$file/busybox" "$root/bin/"
    done
    # su and login change users; busybox gives up what it does not need.
    chmod 4755 "$root/bin/busybox"
    ln -s busybox "$root/bin/sh"
    ln -s ../bin/busybox "$root/sbin/init"
    printf '%s\n' ::sysinit:'/bin/busybox --install -s' ::sysinit:'/bin/chown -R anna:users /home/anna' \
        ::sysinit:'/bin/chown -R bert:users /home/bert' '::respawn:/sbin/getty -L 115200 console vt100' ::shutdown:/bin/sync >"$root/etc/inittab"
    printf '%s\n' 'root:$5$tessera$8cVYDxpViKZTPk7JmbnZbO9A9peDu3ciSqEFxLjilPB:0:0:root:/root:/bin/sh' \
        'anna:$5$tessera$Cg/a1dPrzy3.pkbFaj16.no8ASfp.3Ta.WRVbMQWsC7:1000:100:Anna:/home/anna:/bin/sh' \
        'bert:$5$tessera$BMJz4BCW4QhrCZR/1Ija4m8gtGYt8AY0LlEdZFeI5z9:1001:100:Bert:/home/bert:/bin/sh' >"$root/etc/passwd"
    printf '%s\n' root:x:0: tty:x:5: staff:x:50:bert users:x:100:anna,bert >"$root/etc/group"
    printf '%s\n' /bin/sh >"$root/etc/shells"
    echo 'export PS1="\u \w > "' >"$root/etc/profile"
    echo tessera >"$root/etc/hostname"
    chmod 700 "$root/home/anna" "$root/home/bert"
    mv "$root" "$kept"
}

make_package() { # name
    [ -n "${updated:-}" ] || update
    mkdir -p "$root" "$store/unpacked.$$"
    (cd "$store/unpacked.$$" && apt download "$1") || impossible "no package $1 for arm64"
    dpkg-deb -x "$store/unpacked.$$"/*.deb "$root"
    mv "$root" "$kept"
}

# The package of the current kernel has its version in its name; another one depends on it.
make_kernel() {
    update
    make_package "$(apt-cache -c "$store/apt.conf" depends linux-image-cloud-arm64 2>/dev/null | sed -n 's/.*Depends: //p' | grep . \
        || echo linux-image-cloud-arm64)"
}

case ${1:-} in
    debian)
        # shellcheck disable=SC2086
        packages=$(printf '%s\n' $DEFAULT_PACKAGES ${PACKAGES:-} | sort -u | tr '\n' ' ')
        kept=$BUILD/rootfs/debian-$({ echo "$packages"; cat "$0"; } | sha256sum | cut -c1-12) ;;
    busybox)
        kept=$BUILD/rootfs/busybox-$(sha256sum <"$0" | cut -c1-12) ;;
    kernel)
        kept=$BUILD/rootfs/kernel ;;
    package)
        kept=$BUILD/rootfs/package-${2:?name of a package} ;;
    *)
        sed -n '2,14p' "$0" >&2
        exit 2 ;;
esac
if [ ! -d "$kept" ]; then
    store=$BUILD/rootfs/store
    root=$BUILD/rootfs/new.$$
    mkdir -p "$store"
    trap 'rm -rf "$root" "$store/unpacked.$$"' EXIT
    "make_$1" "${2:-}"
fi
echo "$kept"
