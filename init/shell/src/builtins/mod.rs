//! Commands that the shell runs itself, because they change or show its own state.

pub mod echo;
mod flow;
mod job;
mod lookup;
mod options;
mod place;
mod read;
mod trap;
mod variables;

use crate::{
    ast::Bytes,
    run::{Run, Shell},
    system::System,
};

/// Whether POSIX calls a builtin special: then assignments before it stay, and no function hides it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Class {
    /// As POSIX 2.14 lists them.
    Special,
    /// All others.
    Regular,
}

/// A builtin command.
#[derive(Clone, Copy)]
pub struct Builtin<S: System> {
    /// Whether it is special.
    pub class: Class,
    /// Runs it with its name and arguments.
    pub run: fn(&mut Shell<S>, &[Bytes]) -> Run,
}

/// The names of all builtins, sorted; for completion and `type`.
pub const NAMES: [&str; 37] = [
    ".", ":", "[", "alias", "bg", "break", "cd", "command", "continue", "echo", "eval", "exec",
    "exit", "export", "false", "fg", "getopts", "hash", "help", "jobs", "kill", "local", "pwd",
    "read", "readonly", "return", "set", "shift", "test", "times", "trap", "true", "type", "umask",
    "unalias", "unset", "wait",
];

/// Finds a builtin by its name.
pub fn find<S: System>(name: &[u8]) -> Option<Builtin<S>> {
    if let Some(run) = special(name) {
        return Some(Builtin {
            class: Class::Special,
            run,
        });
    }
    regular(name).map(|run| Builtin {
        class: Class::Regular,
        run,
    })
}

type Function<S> = fn(&mut Shell<S>, &[Bytes]) -> Run;

fn special<S: System>(name: &[u8]) -> Option<Function<S>> {
    Some(match name {
        b":" => flow::succeed,
        b"." => flow::dot,
        b"break" => flow::break_loop,
        b"continue" => flow::continue_loop,
        b"eval" => flow::eval,
        b"exec" => flow::exec,
        b"exit" => flow::exit,
        b"export" => variables::export,
        b"readonly" => variables::read_only,
        b"return" => flow::return_from,
        b"set" => options::set,
        b"shift" => options::shift,
        b"times" => flow::times,
        b"trap" => trap::trap,
        b"unset" => variables::unset,
        _ => return None,
    })
}

fn regular<S: System>(name: &[u8]) -> Option<Function<S>> {
    Some(match name {
        b"true" | b"hash" => flow::succeed,
        b"false" => flow::fail,
        b"echo" => echo::echo,
        b"test" | b"[" => echo::test,
        b"help" => lookup::help,
        b"read" => read::read,
        b"getopts" => options::getopts,
        b"local" => variables::local,
        b"cd" => place::cd,
        b"pwd" => place::pwd,
        b"umask" => place::umask,
        b"type" => lookup::type_of,
        b"command" => lookup::command,
        b"alias" => lookup::alias,
        b"unalias" => lookup::unalias,
        b"jobs" => job::jobs,
        b"fg" => job::foreground,
        b"bg" => job::background,
        b"wait" => job::wait,
        b"kill" => job::kill,
        _ => return None,
    })
}

pub use options::switch;
pub(crate) use variables::quoted;

/// Reads a decimal number.
pub(crate) fn number<T: core::str::FromStr>(text: &[u8]) -> Option<T> {
    core::str::from_utf8(text).ok()?.parse().ok()
}
