//! `echo test [`.

use crate::{
    ast::Bytes,
    run::{Run, Shell},
    system::System,
};

/// `echo [-n] [-e] words`.
pub(super) fn echo<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let text = echo_text(arguments.get(1..).unwrap_or_default());
    shell.output(&text)
}

/// What `echo` writes for these words; `-n` leaves the line end out, `-e` reads `\n` and its kin.
pub fn echo_text(words: &[Bytes]) -> Bytes {
    let mut rest = words;
    let (mut newline, mut escapes) = (true, false);
    while let Some((first, tail)) = rest.split_first() {
        match first.as_slice() {
            [b'-', letters @ ..]
                if !letters.is_empty()
                    && letters.iter().all(|b| matches!(b, b'n' | b'e' | b'E')) =>
            {
                newline &= !letters.contains(&b'n');
                escapes |= letters.contains(&b'e');
            }
            _ => break,
        }
        rest = tail;
    }
    let mut text = rest.join(&b' ');
    if escapes {
        text = unescape(&text);
    }
    if newline {
        text.push(b'\n');
    }
    text
}

/// Replaces `\n`, `\t`, `\\`, `\a`, `\b`, `\e`, `\f`, `\r`, `\v` and `\0` with octal digits.
pub fn unescape(text: &[u8]) -> Bytes {
    let mut result = Bytes::new();
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let Some((&letter, after)) = tail.split_first().filter(|_| byte == b'\\') else {
            result.push(byte);
            continue;
        };
        rest = after;
        match letter {
            b'n' => result.push(b'\n'),
            b't' => result.push(b'\t'),
            b'r' => result.push(b'\r'),
            b'a' => result.push(7),
            b'b' => result.push(8),
            b'e' => result.push(27),
            b'f' => result.push(12),
            b'v' => result.push(11),
            b'\\' => result.push(b'\\'),
            b'0'..=b'7' => {
                let most = if letter == b'0' { 4 } else { 3 };
                let digits = tail
                    .iter()
                    .take(most)
                    .take_while(|b| matches!(b, b'0'..=b'7'))
                    .count();
                let value = tail
                    .iter()
                    .take(digits)
                    .fold(0u32, |value, b| value * 8 + u32::from(b - b'0'));
                result.push(value as u8);
                rest = tail.get(digits..).unwrap_or(b"");
            }
            _ => result.extend_from_slice(&[b'\\', letter]),
        }
    }
    result
}

/// `test expression` and `[ expression ]`.
pub(super) fn test<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    match crate::test::command(&mut shell.system, arguments) {
        Ok(true) => Ok(0),
        Ok(false) => Ok(1),
        Err(reason) => {
            shell.complain(&reason);
            Ok(2)
        }
    }
}
