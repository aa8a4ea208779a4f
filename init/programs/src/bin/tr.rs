//! Replaces characters: `tr a-z A-Z`; `-d` deletes them, `-s` squeezes repeats, `-c` means all others.
#![no_std]
#![no_main]

use libsys::{file, prelude::*};
use programs::{Tool, put};
use shell::builtins::echo::unescape;

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "dscC");
    let sets: Vec<Vec<u8>> = tool.operands.iter().map(|text| set(text)).collect();
    let needed = if tool.has(b'd') || tool.has(b's') {
        1
    } else {
        2
    };
    if sets.len() < needed {
        tool.usage("usage: tr [-cds] set1 [set2]");
    }
    let complement = tool.has(b'c') || tool.has(b'C');
    let table = Table {
        from: &sets[0],
        to: sets.get(1),
        complement,
        delete: tool.has(b'd'),
        squeeze: tool.has(b's'),
    };
    let mut last = None;
    let mut buffer = vec![0; 4096];
    loop {
        match file::read(0, &mut buffer) {
            Ok(0) => return tool.status(),
            Ok(count) => put(&table.translate(&buffer[..count], &mut last)),
            Err(errno) => {
                tool.fail(b"-", errno);
                return tool.status();
            }
        }
    }
}

struct Table<'a> {
    from: &'a [u8],
    to: Option<&'a Vec<u8>>,
    complement: bool,
    delete: bool,
    squeeze: bool,
}

impl Table<'_> {
    fn translate(&self, text: &[u8], last: &mut Option<u8>) -> Vec<u8> {
        let mut result = Vec::new();
        for byte in text {
            let Some((byte, squeezed)) = self.byte(*byte) else {
                continue;
            };
            if !(squeezed && *last == Some(byte)) {
                result.push(byte);
            }
            *last = Some(byte);
        }
        result
    }

    /// What becomes of a byte, and whether repeats of it are squeezed.
    fn byte(&self, byte: u8) -> Option<(u8, bool)> {
        let at = self.from.iter().position(|known| *known == byte);
        let index = match (at, self.complement) {
            (Some(at), false) => at,
            (None, true) => usize::MAX,
            _ => {
                return Some((
                    byte,
                    self.squeeze && self.to.is_some_and(|to| to.contains(&byte)),
                ));
            }
        };
        match self.to {
            _ if self.delete => None,
            Some(to) => Some((
                to.get(index).or(to.last()).copied().unwrap_or(byte),
                self.squeeze,
            )),
            None => Some((byte, self.squeeze)),
        }
    }
}

/// Whether a character belongs to a class.
type Class = fn(&u8) -> bool;

/// The characters of a set: `a-z`, `[:upper:]` and `\n` mean what they say.
fn set(text: &[u8]) -> Vec<u8> {
    let classes: [(&[u8], Class); 7] = [
        (b"[:alpha:]", u8::is_ascii_alphabetic),
        (b"[:digit:]", u8::is_ascii_digit),
        (b"[:alnum:]", u8::is_ascii_alphanumeric),
        (b"[:upper:]", u8::is_ascii_uppercase),
        (b"[:lower:]", u8::is_ascii_lowercase),
        (b"[:space:]", u8::is_ascii_whitespace),
        (b"[:punct:]", u8::is_ascii_punctuation),
    ];
    if let Some((_, holds)) = classes.iter().find(|(name, _)| *name == text) {
        return (0..=255).filter(holds).collect();
    }
    let text = unescape(text);
    let mut members = Vec::new();
    let mut rest = text.as_slice();
    loop {
        match rest {
            [low, b'-', high, tail @ ..] => {
                members.extend(*low..=*high);
                rest = tail;
            }
            [byte, tail @ ..] => {
                members.push(*byte);
                rest = tail;
            }
            [] => return members,
        }
    }
}
