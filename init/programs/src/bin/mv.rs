//! Renames files, or moves them into a directory.
#![no_std]
#![no_main]

use libsys::{file, prelude::*, process};
use programs::{Tool, base_name, join};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "f");
    let Some((target, sources)) = tool
        .operands
        .split_last()
        .filter(|(_, sources)| !sources.is_empty())
    else {
        tool.usage("usage: mv source... target")
    };
    let (target, sources) = (*target, sources.to_vec());
    let into = file::stat(target).is_ok_and(|data| data.is_directory());
    if sources.len() > 1 && !into {
        tool.fail(target, Errno::ENOTDIR);
        return tool.status();
    }
    for source in sources {
        let path = if into {
            join(target, base_name(source))
        } else {
            target.to_vec()
        };
        match file::rename(source, &path) {
            Err(Errno::EXDEV) => copy_and_remove(&mut tool, source, &path),
            Err(errno) => tool.fail(source, errno),
            Ok(()) => {}
        }
    }
    tool.status()
}

/// Between file systems a file must be copied.
fn copy_and_remove(tool: &mut Tool, source: &[u8], path: &[u8]) {
    for words in [
        vec![b"cp".as_slice(), b"-rp", b"--", source, path],
        vec![b"rm".as_slice(), b"-rf", b"--", source],
    ] {
        let status = match process::fork() {
            Ok(0) => {
                process::execvp(words[0], &words);
                process::exit_now(127)
            }
            Ok(_) => process::wait().map_or(1, |(_, status)| status.shell_status()),
            Err(errno) => {
                tool.fail(source, errno);
                return;
            }
        };
        tool.set_status(status);
        if status != 0 {
            return;
        }
    }
}
