//! Gives a file a further name (`-s`: a symbolic link, `-f`: in place of what has that name).
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, base_name, join};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "sf");
    let (sources, target) = match tool.operands.as_slice() {
        [] => tool.usage("usage: ln [-sf] source... target"),
        [source] => (vec![*source], b".".as_slice()),
        [sources @ .., target] => (sources.to_vec(), *target),
    };
    let into = file::stat(target).is_ok_and(|data| data.is_directory());
    for source in sources {
        let path = if into {
            join(target, base_name(source))
        } else {
            target.to_vec()
        };
        if tool.has(b'f') {
            let _ = file::unlink(&path);
        }
        let result = if tool.has(b's') {
            file::symlink(source, &path)
        } else {
            file::link(source, &path)
        };
        tool.check(&path, result);
    }
    tool.status()
}
