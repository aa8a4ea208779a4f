//! Copies files: `-r` directories with all below, `-p` with owner, mode and times.
#![no_std]
#![no_main]

use libsys::{
    file::{self, Metadata, Time},
    prelude::*,
};
use programs::{Tool, base_name, join, names};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "rRfpa");
    let Some((target, sources)) = tool
        .operands
        .split_last()
        .filter(|(_, sources)| !sources.is_empty())
    else {
        tool.usage("usage: cp [-rp] source... target")
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
        copy(&mut tool, source, &path);
    }
    tool.status()
}

fn copy(tool: &mut Tool, source: &[u8], target: &[u8]) {
    let recursive = tool.has(b'r') || tool.has(b'R') || tool.has(b'a');
    let looked = if recursive {
        file::lstat(source)
    } else {
        file::stat(source)
    };
    let Some(data) = tool.check(source, looked) else {
        return;
    };
    let result = if data.is_directory() {
        if !recursive {
            tool.fail(source, Errno::EISDIR);
            return;
        }
        copy_directory(tool, source, target, &data)
    } else if data.is_symbolic_link() {
        file::readlink(source).and_then(|link| file::symlink(link, target))
    } else if file::stat(target)
        .is_ok_and(|other| (other.device, other.inode) == (data.device, data.inode))
    {
        tool.complain("source and target are the same file");
        return;
    } else {
        copy_file(source, target, &data)
    };
    if tool.check(target, result).is_some()
        && (tool.has(b'p') || tool.has(b'a'))
        && !data.is_symbolic_link()
    {
        tool.check(target, keep_attributes(target, &data));
    }
}

fn copy_directory(
    tool: &mut Tool,
    source: &[u8],
    target: &[u8],
    data: &Metadata,
) -> Result<(), Errno> {
    let found = names(source)?;
    match file::mkdir(target, data.permissions() | 0o700) {
        Err(Errno::EEXIST) if file::stat(target)?.is_directory() => {}
        result => result?,
    }
    for name in found {
        copy(tool, &join(source, &name), &join(target, &name));
    }
    Ok(())
}

fn copy_file(source: &[u8], target: &[u8], data: &Metadata) -> Result<(), Errno> {
    let from = file::open(source, file::O_RDONLY, 0)?;
    let to = file::open(
        target,
        file::O_WRONLY | file::O_CREAT | file::O_TRUNC,
        data.permissions() & 0o777,
    )?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match file::read(from, &mut buffer)? {
            0 => break,
            count => file::write_all(to, &buffer[..count])?,
        }
    }
    file::close(from)?;
    file::close(to)
}

fn keep_attributes(target: &[u8], data: &Metadata) -> Result<(), Errno> {
    file::chown(target, data.uid, data.gid)?;
    file::chmod(target, data.permissions())?;
    file::set_times(
        target,
        Time::At(data.accessed_ns),
        Time::At(data.modified_ns),
    )
}
