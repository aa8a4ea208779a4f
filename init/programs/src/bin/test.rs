//! Evaluates an expression about files, texts and numbers, as the shell's own `test` does.
#![no_std]
#![no_main]

use libsys::prelude::*;
use programs::files::SystemFiles;

libsys::main!(main);

fn main(args: Args) -> i32 {
    let words: Vec<Vec<u8>> = args.map(<[u8]>::to_vec).collect();
    match shell::test::command(&mut SystemFiles, &words) {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(reason) => {
            eprintln!("{reason}");
            2
        }
    }
}
