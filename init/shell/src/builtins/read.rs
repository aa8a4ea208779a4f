//! `read`: one line of standard input into variables.

use crate::{
    ast::Bytes,
    run::{Run, Shell},
    system::System,
};
use abi::Errno;
use alloc::vec::Vec;

/// `read [-r] [-p prompt] name…`.
pub(super) fn read<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let mut rest = arguments.get(1..).unwrap_or_default();
    let mut raw = false;
    while let Some((first, tail)) = rest
        .split_first()
        .filter(|(first, _)| first.starts_with(b"-"))
    {
        rest = tail;
        match first.as_slice() {
            b"-r" => raw = true,
            b"-p" => {
                let (prompt, tail) = tail
                    .split_first()
                    .map_or((b"".as_slice(), tail), |(p, t)| (p, t));
                shell.print(2, prompt);
                rest = tail;
            }
            _ => {
                shell.complain("read: bad option");
                return Ok(2);
            }
        }
    }
    let (line, complete) = line(shell, raw)?;
    let separators = shell.variable("IFS").unwrap_or_else(|| b" \t\n".to_vec());
    let names = if rest.is_empty() {
        alloc::vec![b"REPLY".to_vec()]
    } else {
        rest.to_vec()
    };
    let values = split(&line, &separators, names.len());
    for (index, name) in names.iter().enumerate() {
        let value = values.get(index).cloned().unwrap_or_default();
        shell
            .state
            .set(name, value)
            .map_err(|failure| shell.fail(&failure))?;
    }
    Ok(i32::from(!complete))
}

/// A character of the line, and whether a backslash quoted it.
type Marked = (u8, bool);

/// Reads byte by byte, so that what follows the line stays for the next reader.
fn line<S: System>(
    shell: &mut Shell<S>,
    raw: bool,
) -> Result<(Vec<Marked>, bool), crate::run::Unwind> {
    let mut line = Vec::new();
    let mut escaped = false;
    loop {
        let mut byte = [0];
        match shell.system.read(0, &mut byte) {
            Ok(1) => {}
            Err(Errno::EINTR) => {
                shell.run_traps()?;
                continue;
            }
            Ok(_) | Err(_) => return Ok((line, false)),
        }
        match (byte[0], escaped) {
            (b'\n', true) => escaped = false,
            (b'\n', false) => return Ok((line, true)),
            (b'\\', false) if !raw => escaped = true,
            (byte, quoted) => {
                line.push((byte, quoted));
                escaped = false;
            }
        }
    }
}

/// Splits at separators into at most `count` fields; the last has all the rest.
fn split(line: &[Marked], separators: &[u8], count: usize) -> Vec<Bytes> {
    let is_separator = |(byte, quoted): &Marked| !quoted && separators.contains(byte);
    let is_blank = |marked: &Marked| is_separator(marked) && marked.0.is_ascii_whitespace();
    let mut fields = Vec::new();
    let mut rest = trim_start(line, is_blank);
    while fields.len() + 1 < count && !rest.is_empty() {
        let end = rest.iter().position(is_separator).unwrap_or(rest.len());
        fields.push(rest[..end].iter().map(|(byte, _)| *byte).collect());
        rest = trim_start(&rest[end..], is_blank);
        if rest.first().is_some_and(is_separator) {
            rest = trim_start(&rest[1..], is_blank);
        }
    }
    let end = rest
        .iter()
        .rposition(|marked| !is_blank(marked))
        .map_or(0, |last| last + 1);
    fields.push(rest[..end].iter().map(|(byte, _)| *byte).collect());
    fields
}

fn trim_start(line: &[Marked], is_blank: impl Fn(&Marked) -> bool) -> &[Marked] {
    let start = line
        .iter()
        .position(|marked| !is_blank(marked))
        .unwrap_or(line.len());
    &line[start..]
}
