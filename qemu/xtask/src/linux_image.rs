//! What a real Linux boots when scenes are compared with it: busybox, and an overlay.
use crate::overlay::{self, Entry, Kind, Tree};
use crate::{cpio, tree};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// Runs `/command` as pid 1's child, on a console that changes no byte, and switches off.
const INIT: &str = "#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts /dev/mqueue
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mount -t proc proc /proc
mount -t sysfs sysfs /sys
exec </dev/ttyAMA0 >/dev/ttyAMA0 2>&1
stty -opost
hostname tessera
# A session of its own with the console as its terminal, as pid 1 has it on Tessera.
setsid -c /bin/sh -c '/bin/sh /command'
poweroff -f
";

/// Writes `linux.cpio` to the folder `out`. The command comes from `CMD`, as for `image`.
///
/// # Errors
/// If something cannot be read or written.
pub fn write(out: &Path, busybox: &Path, over: Option<&Path>) -> Result<()> {
    let mut files = Tree::new();
    for name in ["bin", "dev", "etc", "proc", "root", "sys", "tmp"] {
        overlay::add_directory(&mut files, name, 0o755);
    }
    overlay::add_directory(&mut files, "tmp", 0o1777);
    let programs = ["bin/busybox", "usr/bin/busybox"].map(|path| busybox.join(path));
    let program = programs.iter().find(|path| path.is_file());
    let program = fs::read(program.context("no busybox in its package")?)?;
    overlay::add_file(&mut files, "bin/busybox", 0o755, program);
    let shell = Entry {
        mode: 0o777,
        kind: Kind::SymbolicLink("busybox".to_owned()),
    };
    files.insert("bin/sh".to_owned(), shell);
    for name in ["passwd", "group"] {
        let own = fs::read(tree::root().join("init/rootfs/etc").join(name))?;
        overlay::add_file(&mut files, &format!("etc/{name}"), 0o644, own);
    }
    overlay::add_file(&mut files, "init", 0o755, INIT.as_bytes().to_vec());
    if let Some(over) = over {
        overlay::lay_over(&mut files, over).context("OVERLAY")?;
    }
    let command = std::env::var_os("CMD").unwrap_or_default();
    overlay::add_file(&mut files, "command", 0o644, command.into_encoded_bytes());
    overlay::add_parents(&mut files);
    fs::write(out.join("linux.cpio"), cpio::plain_archive(&files))
        .context("cannot write the archive for Linux")
}
