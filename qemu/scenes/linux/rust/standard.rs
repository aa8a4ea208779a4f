//! A program of Rust's standard library: collections, files, processes, time.
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::Command;
fn main() -> std::io::Result<()> {
    let mut words = BTreeMap::new();
    for word in "one two two three three three".split(' ') { *words.entry(word).or_insert(0) += 1; }
    println!("{words:?}");
    std::fs::write("rust.txt", "written\n")?;
    let mut file = std::fs::OpenOptions::new().append(true).open("rust.txt")?;
    writeln!(file, "appended")?;
    let mut text = String::new();
    std::fs::File::open("rust.txt")?.read_to_string(&mut text)?;
    print!("{text}");
    println!("{:?}", std::fs::read("none").map_err(|error| error.kind()));
    let output = Command::new("sh").args(["-c", "echo from a child; exit 3"]).output()?;
    println!("{:?} {:?}", String::from_utf8_lossy(&output.stdout), output.status.code());
    let caught = std::panic::catch_unwind(|| { std::panic::set_hook(Box::new(|_| {})); let empty: [u8; 0] = []; empty[std::env::args().count()] });
    println!("caught {}", caught.is_err());
    Ok(())
}
