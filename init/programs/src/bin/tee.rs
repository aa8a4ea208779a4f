//! Copies standard input to standard output and to files (`-a`: to their ends).
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::Tool;

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "a");
    let how = if tool.has(b'a') {
        file::O_APPEND
    } else {
        file::O_TRUNC
    };
    let mut outputs = vec![1];
    for path in tool.operands.clone() {
        outputs.extend(tool.check(
            path,
            file::open(path, file::O_WRONLY | file::O_CREAT | how, 0o666),
        ));
    }
    let mut buffer = vec![0; 4096];
    loop {
        match file::read(0, &mut buffer) {
            Ok(0) => return tool.status(),
            Ok(count) => {
                for fd in &outputs {
                    tool.check(b"write", file::write_all(*fd, &buffer[..count]));
                }
            }
            Err(errno) => {
                tool.fail(b"-", errno);
                return tool.status();
            }
        }
    }
}
