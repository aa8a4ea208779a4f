//! `set shift getopts`.

use super::{number, variables::quoted};
use crate::{
    ast::Bytes,
    run::{Run, Shell},
    state::Options,
    system::System,
};
use alloc::{format, string::String};

/// `set [-efmnux] [-o name] [--] [word…]`; alone it lists the variables.
pub(super) fn set<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    if arguments.len() == 1 {
        let lines = listing(shell);
        return shell.output(&lines);
    }
    let mut rest = arguments.get(1..).unwrap_or_default();
    while let Some((first, tail)) = rest.split_first() {
        match first.as_slice() {
            b"--" => {
                shell.state.positional = tail.to_vec();
                return Ok(0);
            }
            b"-o" | b"+o" => {
                let Some(name) = tail.first() else {
                    return Ok(0);
                };
                if !switch_named(&mut shell.state.options, name, first[0] == b'-') {
                    return bad_option(shell, name);
                }
                rest = tail.get(1..).unwrap_or_default();
            }
            [sign @ (b'-' | b'+'), letters @ ..] if !letters.is_empty() => {
                if !letters
                    .iter()
                    .all(|letter| switch(&mut shell.state.options, *letter, *sign == b'-'))
                {
                    return bad_option(shell, first);
                }
                rest = tail;
            }
            _ => {
                shell.state.positional = rest.to_vec();
                return Ok(0);
            }
        }
    }
    Ok(0)
}

fn bad_option<S: System>(shell: &mut Shell<S>, option: &[u8]) -> Run {
    let option = String::from_utf8_lossy(option).into_owned();
    shell.complain(&format!("set: {option}: bad option"));
    Err(shell.abort(2))
}

fn listing<S: System>(shell: &Shell<S>) -> Bytes {
    let mut lines = Bytes::new();
    for (name, variable) in &shell.state.variables {
        if let Some(value) = &variable.value {
            lines.extend([name, b"=".as_slice(), &quoted(value), b"\n"].concat());
        }
    }
    lines
}

/// Switches the option with this letter; false if there is none.
pub fn switch(options: &mut Options, letter: u8, on: bool) -> bool {
    let option = match letter {
        b'e' => &mut options.exit_on_error,
        b'f' => &mut options.keep_patterns,
        b'm' => &mut options.job_control,
        b'n' => &mut options.read_only,
        b'u' => &mut options.refuse_unset,
        b'x' => &mut options.trace,
        b'a' | b'b' | b'h' | b'v' | b'C' => return true,
        _ => return false,
    };
    *option = on;
    true
}

fn switch_named(options: &mut Options, name: &[u8], on: bool) -> bool {
    let letter = match name {
        b"errexit" => b'e',
        b"noglob" => b'f',
        b"monitor" => b'm',
        b"noexec" => b'n',
        b"nounset" => b'u',
        b"xtrace" => b'x',
        _ => return false,
    };
    switch(options, letter, on)
}

/// `shift [n]`.
pub(super) fn shift<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let count = match arguments.get(1) {
        Some(text) => number::<usize>(text),
        None => Some(1),
    };
    match count {
        Some(count) if count <= shell.state.positional.len() => {
            shell.state.positional.drain(..count);
            Ok(0)
        }
        _ => {
            shell.complain("shift: can't shift that many");
            Ok(1)
        }
    }
}

/// `getopts letters name`: the next option of the positional parameters.
///
/// `OPTIND` holds the argument and, above it in steps of 1000, the letter inside it.
pub(super) fn getopts<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let [_, letters, name, ..] = arguments else {
        shell.complain("getopts: usage: getopts letters name");
        return Ok(2);
    };
    let state: usize = shell
        .variable("OPTIND")
        .and_then(|text| number(&text))
        .unwrap_or(1);
    let (index, offset) = (state % 1000, (state / 1000).max(1));
    let argument = index
        .checked_sub(1)
        .and_then(|at| shell.state.positional.get(at))
        .cloned()
        .unwrap_or_default();
    if !argument.starts_with(b"-") || argument.len() < 2 || argument == b"--" {
        let _ = shell.state.set(name, b"?".to_vec());
        return Ok(1);
    }
    let letter = argument.get(offset).copied().unwrap_or(b'?');
    let known = letters
        .iter()
        .position(|known| *known == letter && letter != b':');
    let takes_value = known.is_some_and(|at| letters.get(at + 1) == Some(&b':'));
    let is_last = offset + 1 >= argument.len();
    let mut next = if is_last {
        index + 1
    } else {
        index + 1000 * (offset + 1)
    };
    if takes_value {
        let inline = argument.get(offset + 1..).unwrap_or(b"").to_vec();
        let value = if is_last {
            shell
                .state
                .positional
                .get(index)
                .cloned()
                .unwrap_or_default()
        } else {
            inline
        };
        next = if is_last { index + 2 } else { index + 1 };
        let _ = shell.state.set(b"OPTARG", value);
    }
    let _ = shell.state.set(b"OPTIND", format!("{next}").into_bytes());
    let found = if known.is_some() { letter } else { b'?' };
    let _ = shell.state.set(name, alloc::vec![found]);
    if known.is_none() {
        shell.complain(&format!("illegal option -{}", char::from(letter)));
    }
    Ok(0)
}
