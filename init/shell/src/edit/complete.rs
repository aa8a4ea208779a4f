//! Completion of commands, variables and file names.

use super::{Completer, Completion};
use crate::{
    Shell,
    ast::Bytes,
    builtins,
    system::{Access, Kind, System},
};
use alloc::{collections::BTreeSet, vec::Vec};

/// Characters that a backslash must precede in a word.
const SPECIAL: &[u8] = b" \t\\'\"$&;|<>()*?[]#~`!{}";

impl<S: System> Completer for Shell<S> {
    fn complete(&mut self, before_cursor: &[u8]) -> Completion {
        let start = word_start(before_cursor);
        let word = unescaped(before_cursor.get(start..).unwrap_or(b""));
        let candidates = if let Some(name) = word.strip_prefix(b"$") {
            self.variable_names(name)
        } else if word.contains(&b'/') || !is_command_position(&before_cursor[..start]) {
            self.file_names(&word)
        } else {
            self.command_names(&word)
        };
        Completion {
            start,
            candidates: candidates.into_iter().collect(),
        }
    }
}

impl<S: System> Shell<S> {
    fn variable_names(&mut self, prefix: &[u8]) -> BTreeSet<Bytes> {
        let names = self
            .state
            .variables
            .keys()
            .filter(|name| name.starts_with(prefix));
        names.map(|name| [b"$", name.as_slice()].concat()).collect()
    }

    fn file_names(&mut self, word: &[u8]) -> BTreeSet<Bytes> {
        let split = word
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |slash| slash + 1);
        let (directory, prefix) = word.split_at(split);
        let names = self
            .system
            .list(if directory.is_empty() {
                b"."
            } else {
                directory
            })
            .unwrap_or_default();
        let fits = |name: &Bytes| {
            name.starts_with(prefix) && (prefix.starts_with(b".") || !name.starts_with(b"."))
        };
        let mut found = BTreeSet::new();
        for name in names.into_iter().filter(fits) {
            let mut path = [directory, name.as_slice()].concat();
            if self
                .system
                .facts(&path)
                .is_ok_and(|facts| facts.kind == Kind::Directory)
            {
                path.push(b'/');
            }
            found.insert(path);
        }
        found
    }

    fn command_names(&mut self, prefix: &[u8]) -> BTreeSet<Bytes> {
        let mut found: BTreeSet<Bytes> = BTreeSet::new();
        found.extend(builtins::NAMES.iter().map(|name| name.as_bytes().to_vec()));
        found.extend(self.state.functions.keys().cloned());
        found.extend(self.state.aliases.keys().cloned());
        let path = self.variable("PATH").unwrap_or_default();
        for directory in path
            .split(|byte| *byte == b':')
            .filter(|directory| !directory.is_empty())
        {
            for name in self.system.list(directory).unwrap_or_default() {
                let whole = [directory, b"/", &name].concat();
                if name.starts_with(prefix) && self.system.may(&whole, Access::Execute) {
                    found.insert(name);
                }
            }
        }
        found.retain(|name| name.starts_with(prefix));
        found
    }
}

/// Where the word at the end of the text starts.
fn word_start(text: &[u8]) -> usize {
    let mut start = 0;
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'\\' => escaped = !escaped,
            b' ' | b'\t' | b';' | b'|' | b'&' | b'<' | b'>' | b'(' | b')' | b'=' | b'`'
                if !escaped =>
            {
                start = at + 1
            }
            _ => escaped = false,
        }
    }
    start
}

/// Whether a word behind this text is a command's name.
fn is_command_position(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let last_word = before.rsplit(|byte| *byte == b' ').next().unwrap_or(b"");
    before.is_empty()
        || before.ends_with(b"|")
        || before.ends_with(b";")
        || before.ends_with(b"&")
        || before.ends_with(b"(")
        || matches!(
            last_word,
            b"then"
                | b"do"
                | b"else"
                | b"elif"
                | b"if"
                | b"while"
                | b"until"
                | b"!"
                | b"{"
                | b"exec"
        )
}

fn unescaped(word: &[u8]) -> Bytes {
    let mut text = Bytes::new();
    let mut bytes = word.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => text.extend(bytes.next()),
            _ => text.push(*byte),
        }
    }
    text
}

/// The text with a backslash before each special character; a leading `$` names a variable.
pub(super) fn escaped(text: &[u8]) -> Bytes {
    let mut result = Bytes::new();
    for (at, byte) in text.iter().enumerate() {
        if SPECIAL.contains(byte) && !(at == 0 && matches!(byte, b'$' | b'~')) {
            result.push(b'\\');
        }
        result.push(*byte);
    }
    result
}

/// What all candidates start with; `None` if there is no candidate.
pub(super) fn common_prefix(candidates: &[Bytes]) -> Option<Bytes> {
    let (first, rest) = candidates.split_first()?;
    let mut prefix: Vec<u8> = first.clone();
    for candidate in rest {
        let same = prefix
            .iter()
            .zip(candidate)
            .take_while(|(a, b)| a == b)
            .count();
        prefix.truncate(same);
    }
    Some(prefix)
}
