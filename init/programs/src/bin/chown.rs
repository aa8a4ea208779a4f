//! Changes owner and group: `chown user[:group] file…`, by name or number.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, users};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "h");
    let Some((owner, paths)) = tool
        .operands
        .split_first()
        .filter(|(_, paths)| !paths.is_empty())
    else {
        tool.usage("usage: chown [-h] user[:group] file...")
    };
    let (owner, paths) = (*owner, paths.to_vec());
    let mut parts = owner.splitn(2, |byte| *byte == b':');
    let (user, group) = (parts.next().unwrap_or(b""), parts.next().unwrap_or(b""));
    let id = |file: &[u8], name: &[u8]| {
        if name.is_empty() {
            Some(file::KEEP)
        } else {
            users::id_of(file, name)
        }
    };
    let (Some(uid), Some(gid)) = (id(b"/etc/passwd", user), id(b"/etc/group", group)) else {
        tool.usage("unknown user or group")
    };
    for path in paths {
        let change = if tool.has(b'h') {
            file::lchown(path, uid, gid)
        } else {
            file::chown(path, uid, gid)
        };
        tool.check(path, change);
    }
    tool.status()
}
