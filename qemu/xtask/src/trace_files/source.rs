//! Where messages are declared and handled, and what their documentation says: read from the sources.
use crate::tree;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What the sources say of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its documentation.
    pub documentation: String,
    /// `file:line` of its declaration.
    pub declared: String,
    /// `file:line` of the first place in its server that names it.
    pub handled: String,
}

/// The messages of `enumeration` (`Request` or `Reply`) of a service, by name.
pub fn places(service: &str, enumeration: &str) -> BTreeMap<String, Place> {
    let relative = format!("libsys/proto/src/{service}.rs");
    let text = fs::read_to_string(tree::root().join(&relative)).unwrap_or_default();
    let mut places = declarations(&text, enumeration, &relative);
    for file in sources(&tree::root().join("servers").join(service).join("src")) {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let relative = file
            .strip_prefix(tree::root())
            .unwrap_or(&file)
            .display()
            .to_string();
        note_handlers(&text, enumeration, &relative, &mut places);
    }
    places
}

/// The calls of Linux programs, by name: how far each goes, its line in the table of all calls, and the
/// first place in the personality that names it.
pub fn linux_places() -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    let mut constants = BTreeMap::new();
    let relative = "libsys/linux/src/number.rs";
    let text = fs::read_to_string(tree::root().join(relative)).unwrap_or_default();
    for (index, line) in text.lines().enumerate() {
        if let Some((constant, name, documentation)) = linux_call(line) {
            let declared = format!("{relative}:{}", index + 1);
            let handled = String::new();
            constants.insert(constant.to_owned(), name.to_owned());
            places.insert(
                name.to_owned(),
                Place {
                    documentation,
                    declared,
                    handled,
                },
            );
        }
    }
    for file in sources(&tree::root().join("libsys/linux/src/bin")) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let relative = file.strip_prefix(tree::root()).unwrap_or(&file).display();
        for (index, line) in text.lines().enumerate() {
            for piece in line.split("number::").skip(1) {
                let end = piece.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
                let name = constants.get(&piece[..end.unwrap_or(piece.len())]);
                if let Some(place) = name.and_then(|name| places.get_mut(name))
                    && place.handled.is_empty()
                {
                    place.handled = format!("{relative}:{}", index + 1);
                }
            }
        }
    }
    places
}

/// Constant, name and documentation of `57 CLOSE "close" Works "",`.
fn linux_call(line: &str) -> Option<(&str, &str, String)> {
    let (head, rest) = line.trim().split_once(" \"")?;
    let (number, constant) = head.split_once(' ')?;
    number.parse::<u64>().ok()?;
    let (name, rest) = rest.split_once("\" ")?;
    let (state, note) = rest.split_once(" \"")?;
    let note = note.strip_suffix("\",")?;
    let state = match state {
        "Works" => "works as on Linux",
        "Partly" => "works in part",
        "Refused" => "is always refused",
        _ => "is not there yet (ENOSYS)",
    };
    let colon = if note.is_empty() { "" } else { ": " };
    let documentation = format!("`{name}(2)` {state}{colon}{note}.");
    Some((constant, name, documentation))
}

/// Variants of an enum as rustfmt lays them out: four spaces before each, documentation above.
fn declarations(text: &str, enumeration: &str, file: &str) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    let mut documentation = String::new();
    let opening = format!("pub enum {enumeration} {{");
    let lines = text
        .lines()
        .enumerate()
        .skip_while(|(_, line)| *line != opening)
        .skip(1);
    for (index, line) in lines.take_while(|(_, line)| *line != "}") {
        if let Some(sentence) = line.trim_start().strip_prefix("///") {
            documentation.push_str(sentence.strip_prefix(' ').unwrap_or(sentence));
            documentation.push(' ');
        } else if let Some(name) = variant(line) {
            places.insert(
                name.to_owned(),
                Place {
                    documentation: std::mem::take(&mut documentation).trim().to_owned(),
                    declared: format!("{file}:{}", index + 1),
                    handled: String::new(),
                },
            );
        }
    }
    places
}

fn variant(line: &str) -> Option<&str> {
    let name = line
        .strip_prefix("    ")
        .filter(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase()))?;
    name.split(|letter: char| !letter.is_alphanumeric()).next()
}

fn note_handlers(text: &str, enumeration: &str, file: &str, places: &mut BTreeMap<String, Place>) {
    let alias = text
        .split_once(&format!("{enumeration} as "))
        .map(|(_, rest)| rest);
    let name = alias.and_then(|rest| rest.split(|letter: char| !letter.is_alphanumeric()).next());
    let prefix = format!(
        "{}::",
        name.filter(|name| !name.is_empty()).unwrap_or(enumeration)
    );
    for (index, line) in text.lines().enumerate() {
        let Some((before, rest)) = line.split_once(prefix.as_str()) else {
            continue;
        };
        // Of another service, which this server asks.
        if before.ends_with("::") {
            continue;
        }
        let name = rest
            .split(|letter: char| !letter.is_alphanumeric())
            .next()
            .unwrap_or_default();
        if let Some(place) = places
            .get_mut(name)
            .filter(|place| place.handled.is_empty())
        {
            place.handled = format!("{file}:{}", index + 1);
        }
    }
}

/// All Rust files below a folder, in a fixed order.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    for path in entries {
        match path.is_dir() {
            true => found.extend(sources(&path)),
            false if path.extension().is_some_and(|extension| extension == "rs") => {
                found.push(path)
            }
            false => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_has_its_documentation_and_line() {
        let text = "pub enum Request {\n    /// Opens.\n    /// Path in lease 0.\n    Open { a: u32 },\n    Plain,\n}\n    Not,\n";
        let mut found = declarations(text, "Request", "f.rs");
        note_handlers(
            "other::Request::Open\n  Request::Open { .. } => 1,\n  Request::Open",
            "Request",
            "g.rs",
            &mut found,
        );
        assert_eq!(found.len(), 2);
        assert_eq!(
            found["Open"],
            Place {
                documentation: "Opens. Path in lease 0.".into(),
                declared: "f.rs:4".into(),
                handled: "g.rs:2".into(),
            }
        );
    }

    #[test]
    fn linux_calls_that_work_are_found_in_the_personality() {
        let places = linux_places();
        let openat = &places["openat"];
        assert_eq!(openat.documentation, "`openat(2)` works as on Linux.");
        assert_eq!(
            places["madvise"].documentation,
            "`madvise(2)` works in part: not MADV_COLLAPSE, MADV_HWPOISON."
        );
        assert!(openat.declared.starts_with("libsys/linux/src/number.rs:"));
        let unhandled = places
            .values()
            .filter(|place| place.documentation.contains("works") && place.handled.is_empty());
        assert_eq!(unhandled.count(), 0);
    }

    #[test]
    fn every_request_of_every_service_is_found_in_the_sources() {
        for service in trace::Schema::of_proto().services {
            let places = places(&service.name, "Request");
            for request in &service.requests {
                let place = places
                    .get(&request.name)
                    .unwrap_or_else(|| panic!("{}", request.name));
                assert!(!place.documentation.is_empty(), "{}", request.name);
                assert!(
                    !place.handled.is_empty(),
                    "{}.{}",
                    service.name,
                    request.name
                );
            }
        }
    }
}
