//! Sorts lines: `-r` backwards, `-n` by number, `-f` capitals as small letters, `-b` without
//! blanks in front, `-u` each once, `-k N[,M]` by fields N to M, with `n`, `r`, `f`, `b` for that key
//! alone, `-t C` fields end at `C` instead of before blanks, `-o FILE` into a file, `-c` only checks.
#![no_std]
#![no_main]

use core::cmp::Ordering;
use libsys::{file, prelude::*};
use programs::{Tool, number, put};

libsys::main!(main);

/// How two texts compare.
#[derive(Clone, Copy, Default)]
struct How {
    numeric: bool,
    fold: bool,
    reverse: bool,
    trim: bool,
}

/// Fields that are compared, counted from 1, and how.
struct Key {
    first: usize,
    last: usize,
    how: How,
}

/// All that decides the order of lines.
struct Order {
    keys: Vec<Key>,
    separator: Option<u8>,
    how: How,
    unique: bool,
}

fn main(args: Args) -> i32 {
    let mut tool = Tool::new(args, "rnufbck:t:o:");
    let order = order(&mut tool);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    tool.each_input(|_, fd, _| {
        let content = file::read_to_end(fd)?;
        let text = content.strip_suffix(b"\n").unwrap_or(&content);
        if !content.is_empty() {
            lines.extend(text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
        }
        Ok(())
    });
    if tool.has(b'c') {
        check(&mut tool, &order, &lines);
        return tool.status();
    }
    lines.sort_by(|a, b| order.compare(a, b));
    if order.unique {
        lines.dedup_by(|a, b| order.compare(a, b) == Ordering::Equal);
    }
    if let Some(path) = tool.value(b'o') {
        write_to(&mut tool, path, &lines);
        return tool.status();
    }
    for line in &mut lines {
        line.push(b'\n');
        put(line);
    }
    tool.status()
}

fn order(tool: &mut Tool) -> Order {
    let how = How {
        numeric: tool.has(b'n'),
        fold: tool.has(b'f'),
        reverse: tool.has(b'r'),
        trim: tool.has(b'b'),
    };
    let mut keys = Vec::new();
    for text in tool.values(b'k') {
        let key = key(text, how);
        keys.push(key.unwrap_or_else(|| tool.usage("-k needs fields, like 2 or 2,3n")));
    }
    let separator = tool.value(b't').map(|text| match text {
        [byte] => *byte,
        _ => tool.usage("-t needs one character"),
    });
    Order {
        keys,
        separator,
        how,
        unique: tool.has(b'u'),
    }
}

/// Reads `N[nrf][,M[nrf]]`; without letters the key is compared as the options say.
fn key(text: &[u8], general: How) -> Option<Key> {
    let mut parts = text.splitn(2, |byte| *byte == b',');
    let (first, letters) = field(parts.next()?)?;
    let (last, more) = parts
        .next()
        .map_or(Some((usize::MAX, b"".as_slice())), field)?;
    let all = [letters, more].concat();
    let how = if all.is_empty() {
        general
    } else {
        How {
            numeric: all.contains(&b'n'),
            fold: all.contains(&b'f'),
            reverse: all.contains(&b'r'),
            trim: all.contains(&b'b'),
        }
    };
    let known = all.iter().all(|letter| b"nrfb".contains(letter));
    (known && first > 0).then_some(Key { first, last, how })
}

fn field(text: &[u8]) -> Option<(usize, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, letters) = text.split_at(digits);
    Some((number(digits)?, letters))
}

impl Order {
    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        for key in &self.keys {
            let (a, b) = (self.fields(a, key), self.fields(b, key));
            let order = key.how.compare(a, b);
            if order != Ordering::Equal {
                return order;
            }
        }
        if self.keys.is_empty() {
            let order = self.how.compare(a, b);
            if order != Ordering::Equal {
                return order;
            }
        }
        match (self.unique, self.how.reverse) {
            (true, _) => Ordering::Equal,
            (false, false) => a.cmp(b),
            (false, true) => b.cmp(a),
        }
    }

    /// The part of a line that a key means.
    fn fields<'a>(&self, line: &'a [u8], key: &Key) -> &'a [u8] {
        let start = self.skip(line, key.first - 1);
        let rest = &line[start..];
        if key.last == usize::MAX {
            return rest;
        }
        let count = (key.last + 1).saturating_sub(key.first);
        let end = self.skip(rest, count);
        let text = &rest[..end];
        match self.separator {
            Some(separator) => text.strip_suffix(&[separator]).unwrap_or(text),
            None => text,
        }
    }

    /// Where `count` fields end. Blanks before a field belong to it, a separator behind it too.
    fn skip(&self, line: &[u8], count: usize) -> usize {
        let mut at = 0;
        for _ in 0..count {
            let rest = &line[at..];
            at += match self.separator {
                Some(separator) => rest
                    .iter()
                    .position(|byte| *byte == separator)
                    .map_or(rest.len(), |end| end + 1),
                None => {
                    let word = rest.trim_ascii_start();
                    let end = word.iter().position(u8::is_ascii_whitespace);
                    rest.len() - word.len() + end.unwrap_or(word.len())
                }
            };
        }
        at
    }
}

impl How {
    fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        let (a, b) = match self.trim {
            true => (a.trim_ascii_start(), b.trim_ascii_start()),
            false => (a, b),
        };
        let order = if self.numeric {
            leading_number(a).cmp(&leading_number(b))
        } else if self.fold {
            let folded = |text: &[u8]| text.to_ascii_uppercase();
            folded(a).cmp(&folded(b))
        } else {
            a.cmp(b)
        };
        if self.reverse { order.reverse() } else { order }
    }
}

fn leading_number(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (sign, digits) = text
        .strip_prefix(b"-")
        .map_or((1, text), |digits| (-1, digits));
    let length = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    number(&digits[..length]).map_or(0, |value: i64| sign * value)
}

fn check(tool: &mut Tool, order: &Order, lines: &[Vec<u8>]) {
    let wrong = lines.windows(2).find(|pair| {
        let found = order.compare(&pair[0], &pair[1]);
        found == Ordering::Greater || order.unique && found == Ordering::Equal
    });
    if let Some(pair) = wrong {
        tool.complain(&format!("disorder: {}", programs::show(&pair[1])));
    }
}

fn write_to(tool: &mut Tool, path: &[u8], lines: &[Vec<u8>]) {
    let mut text = lines.join(&b'\n');
    if !lines.is_empty() {
        text.push(b'\n');
    }
    let flags = file::O_WRONLY | file::O_CREAT | file::O_TRUNC;
    let written = file::open(path, flags, 0o666).and_then(|fd| {
        file::write_all(fd, &text)?;
        file::close(fd)
    });
    tool.check(path, written);
}
