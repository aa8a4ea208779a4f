//! Sets the times of files to now; makes those that are missing (`-c`: does not).
#![no_std]
#![no_main]

use libsys::{
    file::{self, Time},
    prelude::*,
};
use programs::Tool;

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "c");
    if tool.operands.is_empty() {
        tool.usage("usage: touch [-c] file...");
    }
    for path in tool.operands.clone() {
        let result = match file::set_times(path, Time::Now, Time::Now) {
            Err(Errno::ENOENT) if tool.has(b'c') => Ok(()),
            Err(Errno::ENOENT) => {
                file::open(path, file::O_WRONLY | file::O_CREAT, 0o666).and_then(file::close)
            }
            result => result,
        };
        tool.check(path, result);
    }
    tool.status()
}
