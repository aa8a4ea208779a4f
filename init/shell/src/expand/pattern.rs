//! Patterns: `*`, `?`, `[a-z]`, `[!x]` and `\x`, on bytes.
//!
//! (POSIX.1-2017, Shell Command Language, 2.13 "Pattern Matching Notation".)

use crate::ast::{Bytes, End, Extent};

/// Whether `pattern` fits all of `text`.
///
/// A `*` is tried greedily with one point of return, so the time is at most the product of the
/// lengths, whatever the pattern.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut position) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while position < text.len() {
        if pattern.get(at) == Some(&b'*') {
            retry = Some((at + 1, position));
            at += 1;
            continue;
        }
        if let Some(length) = matches_one(pattern, at, text[position]) {
            at += length;
            position += 1;
            continue;
        }
        let Some((star, from)) = retry else {
            return false;
        };
        retry = Some((star, from + 1));
        at = star;
        position = from + 1;
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

/// If the pattern element at `at` fits `byte`, how long the element is.
fn matches_one(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    match *pattern.get(at)? {
        b'?' => Some(1),
        b'[' => match bracket(pattern, at) {
            Some((end, negated)) => {
                let start = at + 1 + usize::from(negated);
                (in_set(pattern.get(start..end)?, byte) != negated).then_some(end + 1 - at)
            }
            None => (byte == b'[').then_some(1),
        },
        b'\\' => match pattern.get(at + 1) {
            Some(quoted) => (*quoted == byte).then_some(2),
            None => (byte == b'\\').then_some(1),
        },
        literal => (literal == byte).then_some(1),
    }
}

/// Where the bracket expression that starts at `at` ends, and whether it is negated.
fn bracket(pattern: &[u8], at: usize) -> Option<(usize, bool)> {
    let negated = matches!(pattern.get(at + 1), Some(b'!' | b'^'));
    let first = at + 1 + usize::from(negated);
    // A `]` that comes first is a member.
    let mut end = first;
    loop {
        match *pattern.get(end)? {
            b']' if end > first => return Some((end, negated)),
            b'[' if pattern.get(end + 1) == Some(&b':') => end = class_end(pattern, end)?,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
}

/// Behind the `:]` of the class that starts at `at`.
fn class_end(pattern: &[u8], at: usize) -> Option<usize> {
    let rest = pattern.get(at + 2..)?;
    let length = rest.windows(2).position(|pair| pair == b":]")?;
    Some(at + 2 + length + 2)
}

/// Whether `byte` is a member of the set between the brackets.
fn in_set(set: &[u8], byte: u8) -> bool {
    let mut rest = set;
    while let Some((&first, tail)) = rest.split_first() {
        if rest.starts_with(b"[:")
            && let Some(length) = tail.windows(2).position(|pair| pair == b":]")
        {
            if in_class(rest.get(2..length + 1).unwrap_or(b""), byte) {
                return true;
            }
            rest = rest.get(length + 3..).unwrap_or(b"");
            continue;
        }
        let (low, after) = match (first, tail.split_first()) {
            (b'\\', Some((&quoted, after))) => (quoted, after),
            _ => (first, tail),
        };
        if let [b'-', high, after_range @ ..] = after {
            if (low..=*high).contains(&byte) {
                return true;
            }
            rest = after_range;
        } else {
            if low == byte {
                return true;
            }
            rest = after;
        }
    }
    false
}

fn in_class(name: &[u8], byte: u8) -> bool {
    match name {
        b"alpha" => byte.is_ascii_alphabetic(),
        b"digit" => byte.is_ascii_digit(),
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"upper" => byte.is_ascii_uppercase(),
        b"lower" => byte.is_ascii_lowercase(),
        b"space" => byte.is_ascii_whitespace() || byte == 11,
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"punct" => byte.is_ascii_punctuation(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        b"print" => matches!(byte, b' '..=b'~'),
        b"graph" => byte.is_ascii_graphic(),
        b"cntrl" => byte.is_ascii_control(),
        _ => false,
    }
}

/// Whether `byte` means something in a pattern.
pub fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\' | b'!' | b'-' | b'^')
}

/// `value` without what `pattern` matches at its front or back.
pub fn trim(value: &[u8], pattern: &[u8], end: End, extent: Extent) -> Bytes {
    let cuts = 0..=value.len();
    let fits = |cut: &usize| match end {
        End::Front => matches(pattern, &value[..*cut]),
        End::Back => matches(pattern, &value[*cut..]),
    };
    // The nearest cut to the end that is trimmed is the shortest match.
    let from_low = (end == End::Front) == (extent == Extent::Shortest);
    let cut = if from_low {
        cuts.clone().find(fits)
    } else {
        cuts.clone().rev().find(fits)
    };
    match (cut, end) {
        (Some(cut), End::Front) => value[cut..].to_vec(),
        (Some(cut), End::Back) => value[..cut].to_vec(),
        (None, _) => value.to_vec(),
    }
}
