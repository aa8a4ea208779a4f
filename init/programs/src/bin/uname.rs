//! Names the system: `-s` its name (alone too), `-n` host, `-r` release, `-v` version, `-m` machine, `-a` all.
#![no_std]
#![no_main]

use libsys::prelude::*;
use programs::Tool;

libsys::main!(main);

const FIELDS: [(u8, &str); 5] = [
    (b's', "Tessera"),
    (b'n', "tessera"),
    (b'r', env!("CARGO_PKG_VERSION")),
    (b'v', "microkernel"),
    (b'm', "aarch64"),
];

fn main(args: Args) -> i32 {
    let tool = Tool::new(args, "asnrvm");
    let alone = !FIELDS.iter().any(|(letter, _)| tool.has(*letter));
    let wanted = |letter: u8| tool.has(b'a') || tool.has(letter) || (alone && letter == b's');
    let words: Vec<&str> = FIELDS
        .iter()
        .filter(|(letter, _)| wanted(*letter))
        .map(|(_, word)| *word)
        .collect();
    println!("{}", words.join(" "));
    0
}
