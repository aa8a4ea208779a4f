//! Keeps the guide `servers/WRITING-A-SERVER.md` true: its code is that of a server that is compiled,
//! tested and booted.

use crate::tree;
use std::collections::BTreeMap;
use std::fs;

/// The pieces of code in a text, joined for each file that a comment before a piece names.
fn quoted(text: &str) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(path) = line
            .strip_prefix("<!-- ")
            .and_then(|rest| rest.strip_suffix(" -->"))
        else {
            continue;
        };
        assert!(
            lines.next().is_some_and(|fence| fence.starts_with("```")),
            "behind the name of a file comes its code"
        );
        let piece = lines.by_ref().take_while(|line| *line != "```");
        let piece: Vec<&str> = piece.collect();
        files
            .entry(path.to_owned())
            .or_default()
            .push(piece.join("\n"));
    }
    let joined = files
        .into_iter()
        .map(|(path, pieces)| (path, without_blank_lines(&pieces.join("\n"))));
    joined.collect()
}

/// Pieces may be parted at blank lines.
fn without_blank_lines(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_guides_code_is_the_example_that_is_compiled() {
    let guide = fs::read_to_string(tree::root().join("servers/WRITING-A-SERVER.md")).unwrap();
    let quoted = quoted(&guide);
    for file in [
        "Cargo.toml",
        "src/lib.rs",
        "src/bin/ipc-messages.rs",
        "tests/conform.rs",
    ] {
        let path = format!("servers/ipc-messages/{file}");
        let text = fs::read_to_string(tree::root().join(&path)).unwrap();
        assert_eq!(
            quoted.get(&path).map(String::as_str),
            Some(without_blank_lines(&text).as_str()),
            "{path} and the guide differ"
        );
    }
    assert_eq!(quoted.len(), 4, "every file that is named is compared");
}
