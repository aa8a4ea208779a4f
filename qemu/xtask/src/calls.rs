//! The page of Linux's calls: how far each goes, and which programs, that print the same on Linux, make it.
//!
//! How far a call goes is said in the README of `libsys/linux`, which that package's tests compare with its
//! code. Which programs make it is asked of Linux itself, where they run under a tracer.
use crate::scenes;
use crate::tree;
use anyhow::{Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

/// Where the page is kept.
const PAGE: &str = "libsys/linux/CALLS.md";

/// A row of the README's table.
struct Known {
    name: String,
    state: String,
    note: String,
}

/// Plays the scenes that are compared with Linux, and writes the page if all passed.
///
/// # Errors
/// If a scene fails, Linux cannot be booted, or a file cannot be read or written.
pub fn write_page() -> Result<()> {
    if !scenes::compare_with_linux()? {
        bail!("not all scenes print the same on Linux: no page");
    }
    let made = programs_by_number(&scenes::calls_on_linux()?);
    let known = known(&fs::read_to_string(
        tree::root().join("libsys/linux/README.md"),
    )?);
    let names = abi::calls::NAMES
        .iter()
        .map(|&(number, name)| (number.into(), name))
        .collect();
    fs::write(tree::root().join(PAGE), page(&known, &names, &made))?;
    println!("{PAGE}");
    Ok(())
}

/// Reads the tracer's lines `program number`.
fn programs_by_number(text: &str) -> BTreeMap<u64, BTreeSet<String>> {
    let mut made: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines() {
        if let Some((program, number)) = line.split_once(' ')
            && let Ok(number) = number.trim().parse()
        {
            made.entry(number).or_default().insert(program.to_owned());
        }
    }
    made
}

/// The rows `| number | name | state | note |`.
fn known(readme: &str) -> BTreeMap<u64, Known> {
    let rows = readme.lines().filter_map(|line| {
        let mut cells = line
            .strip_prefix("| ")?
            .trim_end_matches('|')
            .splitn(4, '|');
        let mut cell = || Some(cells.next()?.trim().to_owned());
        let number = cell()?.parse().ok()?;
        let (name, state, note) = (cell()?, cell()?, cell()?);
        Some((number, Known { name, state, note }))
    });
    rows.collect()
}

fn page(
    known: &BTreeMap<u64, Known>,
    names: &BTreeMap<u64, &str>,
    made: &BTreeMap<u64, BTreeSet<String>>,
) -> String {
    let state = |number: &u64| known.get(number).map_or("ENOSYS", |call| &call.state);
    let numbers: BTreeSet<u64> = names.keys().chain(known.keys()).copied().collect();
    let count = |wanted: &str| {
        numbers
            .iter()
            .filter(|number| state(number) == wanted)
            .count()
    };
    let compared = |number: &&u64| state(number) != "ENOSYS" && made.contains_key(number);
    let mut text = format!(
        "# Every call of Linux/AArch64\n\n\
         Written by `make calls`; do not edit. How far a call goes, and the programs of `qemu/scenes/linux` and\n\
         `init/examples` that made it, on Linux itself, in a scene whose output is the same there and here.\n\n\
         {} calls: {} work, {} partly, {} are refused with an error that programs expect, {} are `ENOSYS`;\n\
         {} were compared with Linux.\n\n\
         | number | call | state | what is missing, or what it answers | compared with Linux in |\n\
         | --- | --- | --- | --- | --- |\n",
        numbers.len(),
        count("works"),
        count("partly"),
        count("refused"),
        count("ENOSYS"),
        numbers.iter().filter(compared).count(),
    );
    let nothing = BTreeSet::new();
    for number in &numbers {
        let call = known.get(number);
        let name = call.map_or_else(|| names[number], |call| &call.name);
        let note = call.map_or("", |call| call.note.as_str());
        let programs = match state(number) {
            "ENOSYS" => &nothing,
            _ => made.get(number).unwrap_or(&nothing),
        };
        let _ = writeln!(
            text,
            "| {number} | {name} | {} | {note} | {} |",
            state(number),
            few(programs)
        );
    }
    text
}

/// Names of programs, not more than a reader wants.
fn few(programs: &BTreeSet<String>) -> String {
    const MOST: usize = 5;
    let mut text = programs
        .iter()
        .take(MOST)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if programs.len() > MOST {
        let _ = write!(text, " and {} more", programs.len() - MOST);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_call_with_its_state_and_programs() {
        let known =
            known("| number | call |\n| 63 | read | works |  |\n| 98 | futex | partly | no PI |\n");
        let names = [(63, "read"), (98, "futex"), (222, "mmap")].into();
        let made = programs_by_number("hello 63\nfiles 63\nhello 222\n");
        let page = page(&known, &names, &made);
        assert!(
            page.contains("| 63 | read | works |  | files, hello |\n"),
            "{page}"
        );
        assert!(page.contains("| 98 | futex | partly | no PI |  |\n"));
        assert!(
            page.contains("| 222 | mmap | ENOSYS |  |  |\n"),
            "what is not there was not compared"
        );
        assert!(page.contains("3 calls: 1 work, 1 partly, 0 are refused"));
        assert!(page.contains("1 were compared"));
    }

    #[test]
    fn many_programs_are_cut_short() {
        let many = (0..7).map(|index| format!("p{index}")).collect();
        assert_eq!(few(&many), "p0, p1, p2, p3, p4 and 2 more");
    }
}
