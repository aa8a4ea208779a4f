//! Prints by a format: `%s %d %u %o %x %c %b %%` with width and precision, and `\n` and its kin.
//!
//! The format is used again as long as arguments are left.
#![no_std]
#![no_main]

use libsys::prelude::*;
use programs::{Tool, number, put};
use shell::builtins::echo::unescape;

libsys::main!(main);

fn main(args: Args) -> i32 {
    let mut tool = Tool::without_options(args);
    let Some((format, arguments)) = tool.operands.split_first() else {
        tool.usage("usage: printf format [argument...]")
    };
    let (format, mut rest) = (unescape(format), arguments.to_vec());
    loop {
        let before = rest.len();
        put(&round(&mut tool, &format, &mut rest));
        if rest.is_empty() || rest.len() == before {
            return tool.status();
        }
    }
}

/// Goes through the format once, taking arguments.
fn round(tool: &mut Tool, format: &[u8], arguments: &mut Vec<&'static [u8]>) -> Vec<u8> {
    let mut result = Vec::new();
    let mut rest = format;
    while let Some(percent) = rest.iter().position(|byte| *byte == b'%') {
        result.extend_from_slice(&rest[..percent]);
        rest = &rest[percent + 1..];
        let flags = rest
            .iter()
            .take_while(|byte| b"-+ 0#123456789.".contains(byte))
            .count();
        let (field, tail) = rest.split_at(flags);
        let Some((letter, tail)) = tail.split_first() else {
            result.push(b'%');
            break;
        };
        rest = tail;
        if *letter == b'%' {
            result.push(b'%');
            continue;
        }
        let argument = if arguments.is_empty() {
            b"".as_slice()
        } else {
            arguments.remove(0)
        };
        let text = converted(tool, *letter, argument);
        result.extend(padded(field, *letter, &text));
    }
    result.extend_from_slice(rest);
    result
}

fn converted(tool: &mut Tool, letter: u8, argument: &[u8]) -> Vec<u8> {
    let text = match letter {
        b's' => return argument.to_vec(),
        b'b' => return unescape(argument),
        b'c' => return argument.iter().take(1).copied().collect(),
        b'd' | b'i' => integer(tool, argument).to_string(),
        b'u' => (integer(tool, argument) as u64).to_string(),
        b'o' => format!("{:o}", integer(tool, argument)),
        b'x' => format!("{:x}", integer(tool, argument)),
        b'X' => format!("{:X}", integer(tool, argument)),
        _ => {
            tool.complain(&format!("%{}: bad directive", char::from(letter)));
            String::new()
        }
    };
    text.into_bytes()
}

/// Decimal, `0x` hexadecimal, `0` octal, or `'c` for a character's code.
fn integer(tool: &mut Tool, argument: &[u8]) -> i64 {
    let text = programs::show(argument);
    let value = match argument {
        [] => Some(0),
        [b'\'' | b'"', code, ..] => Some(i64::from(*code)),
        [b'0', b'x' | b'X', ..] => i64::from_str_radix(&text[2..], 16).ok(),
        [b'0', _, ..] => i64::from_str_radix(&text, 8).ok(),
        _ => number(argument),
    };
    value.unwrap_or_else(|| {
        tool.complain(&format!("{text}: expected a number"));
        0
    })
}

/// Applies `-`, `0`, width and precision.
fn padded(field: &[u8], letter: u8, text: &[u8]) -> Vec<u8> {
    let mut parts = field.splitn(2, |byte| *byte == b'.');
    let (front, precision) = (parts.next().unwrap_or(b""), parts.next());
    let flags = front
        .iter()
        .take_while(|byte| b"-+ 0#".contains(byte))
        .count();
    let (flags, width) = front.split_at(flags);
    let width: usize = number(width).unwrap_or(0);
    let mut text = text.to_vec();
    match precision.map(|digits| number(digits).unwrap_or(0)) {
        Some(most) if matches!(letter, b's' | b'b') => text.truncate(most),
        Some(least) => text = zeros(&text, least + usize::from(text.starts_with(b"-"))),
        None => {}
    }
    if matches!(letter, b'd' | b'i') && flags.contains(&b'+') && !text.starts_with(b"-") {
        text.insert(0, b'+');
    }
    let missing = width.saturating_sub(text.len());
    match (
        flags.contains(&b'-'),
        flags.contains(&b'0') && !matches!(letter, b's' | b'b' | b'c'),
    ) {
        (true, _) => text.extend(core::iter::repeat_n(b' ', missing)),
        (false, true) => text = zeros(&text, width),
        (false, false) => text
            .splice(0..0, core::iter::repeat_n(b' ', missing))
            .for_each(drop),
    }
    text
}

/// Digits filled up with zeros behind their sign.
fn zeros(text: &[u8], width: usize) -> Vec<u8> {
    let sign = usize::from(text.starts_with(b"-") || text.starts_with(b"+"));
    let mut result = text.to_vec();
    result.splice(
        sign..sign,
        core::iter::repeat_n(b'0', width.saturating_sub(text.len())),
    );
    result
}
