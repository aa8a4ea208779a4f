//! `trap`: what happens when a signal arrives or the shell ends.

use super::variables::quoted;
use crate::{
    ast::Bytes,
    run::{Run, Shell},
    state::Trap,
    system::{Disposition, System, signal_name, signal_number},
};
use alloc::{format, string::String};

/// `trap [action] signal…`: action `-` is the default, an empty one ignores.
pub(super) fn trap<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let words = arguments.get(1..).unwrap_or_default();
    let words = if words.first().is_some_and(|word| word == b"--") {
        &words[1..]
    } else {
        words
    };
    let (action, signals) = match words {
        [] => {
            let lines = listing(shell);
            return shell.output(&lines);
        }
        [signal] => (b"-".as_slice(), core::slice::from_ref(signal)),
        [action, signals @ ..] => (action.as_slice(), signals),
    };
    let mut status = 0;
    for signal in signals {
        if !set(shell, action, signal) {
            let text = String::from_utf8_lossy(signal).into_owned();
            shell.complain(&format!("trap: {text}: bad trap"));
            status = 1;
        }
    }
    Ok(status)
}

fn set<S: System>(shell: &mut Shell<S>, action: &[u8], signal: &[u8]) -> bool {
    let number = if signal == b"EXIT" {
        Some(0)
    } else {
        signal_number(signal)
    };
    let Some(number) = number else { return false };
    let (trap, disposition) = match action {
        b"-" => (None, Disposition::Default),
        b"" => (Some(Trap::Ignore), Disposition::Ignore),
        text => (Some(Trap::Run(text.to_vec())), Disposition::Catch),
    };
    match trap {
        Some(trap) => shell.state.traps.insert(number, trap),
        None => shell.state.traps.remove(&number),
    };
    number == 0 || shell.system.set_signal(number, disposition).is_ok()
}

fn listing<S: System>(shell: &Shell<S>) -> Bytes {
    let mut lines = Bytes::new();
    for (number, trap) in &shell.state.traps {
        let action = match trap {
            Trap::Ignore => b"".as_slice(),
            Trap::Run(text) => text,
        };
        let name = signal_name(*number).unwrap_or("EXIT");
        lines.extend(
            [
                b"trap -- ",
                quoted(action).as_slice(),
                b" ",
                name.as_bytes(),
                b"\n",
            ]
            .concat(),
        );
    }
    lines
}
