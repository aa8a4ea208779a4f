//! Who I am: user and group, with their names (`-u`, `-g`: only the number).
#![no_std]
#![no_main]

use libsys::{prelude::*, process};
use programs::{Tool, users};

libsys::main!(main);

fn main(args: Args) -> i32 {
    let tool = Tool::new(args, "ug");
    let (uid, gid) = (process::geteuid(), process::getegid());
    match (tool.has(b'u'), tool.has(b'g')) {
        (true, _) => println!("{uid}"),
        (false, true) => println!("{gid}"),
        (false, false) => println!(
            "uid={uid}({}) gid={gid}({})",
            users::user_name(uid),
            users::group_name(gid)
        ),
    }
    0
}
