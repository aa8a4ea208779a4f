//! Shows what is known of files (`-L`: of what a link points to).
#![no_std]
#![no_main]

use libsys::{file, prelude::*, time::Date};
use programs::{Tool, calendar, mode, show, users};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "L");
    if tool.operands.is_empty() {
        tool.usage("usage: stat [-L] file...");
    }
    for path in tool.operands.clone() {
        let looked = if tool.has(b'L') {
            file::stat(path)
        } else {
            file::lstat(path)
        };
        if let Some(data) = tool.check(path, looked) {
            print_all(path, &data);
        }
    }
    tool.status()
}

fn print_all(path: &[u8], data: &file::Metadata) {
    let time = |ns: u64| calendar::text(&Date::from_ns(ns), "%F %T");
    println!("  File: {}", show(path));
    println!(
        "  Size: {:<10} Blocks: {:<8} IO Block: {} {}",
        data.bytes,
        data.blocks,
        data.block_bytes,
        mode::kind_name(data.mode)
    );
    println!(
        "Device: {:<10} Inode: {:<9} Links: {}",
        data.device, data.inode, data.links
    );
    println!(
        "Access: ({:04o}/{}) Uid: ({}/{}) Gid: ({}/{})",
        data.permissions(),
        mode::text(data.mode),
        data.uid,
        users::user_name(data.uid),
        data.gid,
        users::group_name(data.gid)
    );
    println!("Access: {}", time(data.accessed_ns));
    println!("Modify: {}", time(data.modified_ns));
    println!("Change: {}", time(data.changed_ns));
}
