//! Opens the current directory and prints the names in it.
#![no_std]
#![no_main]

use libsys::{dir, prelude::*};

libsys::main!(main);

fn main(_: Args) -> i32 {
    let entries = match dir::read_dir(".") {
        Ok(entries) => entries,
        Err(errno) => {
            eprintln!("list: {errno}");
            return 1;
        }
    };
    for entry in entries.flatten() {
        println!("{}", programs::show(&entry.name));
    }
    0
}
