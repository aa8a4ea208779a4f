//! Removes files: `-r` directories with all below, `-f` without complaint about what is not there.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, join, names};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "rRfi");
    if tool.operands.is_empty() && !tool.has(b'f') {
        tool.usage("usage: rm [-rf] file...");
    }
    for path in tool.operands.clone() {
        match file::lstat(path) {
            Err(Errno::ENOENT) if tool.has(b'f') => {}
            Err(errno) => tool.fail(path, errno),
            Ok(data) if data.is_directory() && !(tool.has(b'r') || tool.has(b'R')) => {
                tool.fail(path, Errno::EISDIR)
            }
            Ok(_) => remove(&mut tool, path),
        }
    }
    tool.status()
}

fn remove(tool: &mut Tool, path: &[u8]) {
    let is_directory = file::lstat(path).is_ok_and(|data| data.is_directory());
    if !is_directory {
        tool.check(path, file::unlink(path));
        return;
    }
    for name in tool.check(path, names(path)).unwrap_or_default() {
        remove(tool, &join(path, &name));
    }
    tool.check(path, file::rmdir(path));
}
