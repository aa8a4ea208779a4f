//! `type command alias unalias help`.

use super::find;
use crate::{
    ast::Bytes,
    run::{Run, Shell},
    system::{Access, Kind, System},
};
use alloc::{format, string::String};

/// What a name means as a command.
enum Meaning {
    Keyword,
    Alias(Bytes),
    Function,
    Builtin,
    Program(Bytes),
    Nothing,
}

const KEYWORDS: [&[u8]; 16] = [
    b"if", b"then", b"elif", b"else", b"fi", b"do", b"done", b"case", b"esac", b"while", b"until",
    b"for", b"in", b"{", b"}", b"!",
];

fn meaning<S: System>(shell: &mut Shell<S>, name: &[u8]) -> Meaning {
    if KEYWORDS.contains(&name) {
        return Meaning::Keyword;
    }
    if let Some(text) = shell.state.aliases.get(name) {
        return Meaning::Alias(text.clone());
    }
    if shell.state.functions.contains_key(name) {
        return Meaning::Function;
    }
    if find::<S>(name).is_some() {
        return Meaning::Builtin;
    }
    shell
        .find_program(name)
        .map_or(Meaning::Nothing, Meaning::Program)
}

impl<S: System> Shell<S> {
    /// The path of the program that a name means.
    pub fn find_program(&mut self, name: &[u8]) -> Option<Bytes> {
        self.candidates(name).into_iter().find(|path| {
            let is_directory = self
                .system
                .facts(path)
                .is_ok_and(|facts| facts.kind == Kind::Directory);
            !is_directory && self.system.may(path, Access::Execute)
        })
    }
}

/// `type name…`.
pub(super) fn type_of<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let mut status = 0;
    for name in arguments.iter().skip(1) {
        let shown = String::from_utf8_lossy(name).into_owned();
        let line = match meaning(shell, name) {
            Meaning::Keyword => format!("{shown} is a shell keyword\n"),
            Meaning::Alias(text) => format!(
                "{shown} is an alias for {}\n",
                String::from_utf8_lossy(&text)
            ),
            Meaning::Function => format!("{shown} is a function\n"),
            Meaning::Builtin => format!("{shown} is a shell builtin\n"),
            Meaning::Program(path) => format!("{shown} is {}\n", String::from_utf8_lossy(&path)),
            Meaning::Nothing => {
                shell.complain(&format!("type: {shown}: not found"));
                status = 127;
                continue;
            }
        };
        status |= shell.output(line.as_bytes())?;
    }
    Ok(status)
}

/// `command [-v] name arguments…`: runs a builtin or program even if a function has its name.
pub(super) fn command<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    match arguments.get(1).map(|text| text.as_slice()) {
        None => Ok(0),
        Some(b"-v") => describe(shell, arguments.get(2)),
        Some(b"-V") => type_of(shell, arguments.get(1..).unwrap_or_default()),
        Some(b"--" | b"-p") => command(shell, arguments.get(1..).unwrap_or_default()),
        Some(name) => {
            let rest = arguments.get(1..).unwrap_or_default().to_vec();
            match find::<S>(name) {
                Some(builtin) => (builtin.run)(shell, &rest),
                None => shell.run_program(&rest),
            }
        }
    }
}

/// `command -v`: the path, or the name if it needs none.
fn describe<S: System>(shell: &mut Shell<S>, name: Option<&Bytes>) -> Run {
    let Some(name) = name else { return Ok(2) };
    let text = match meaning(shell, name) {
        Meaning::Program(path) => path,
        Meaning::Nothing => return Ok(127),
        Meaning::Keyword | Meaning::Alias(_) | Meaning::Function | Meaning::Builtin => name.clone(),
    };
    shell.output(&[text.as_slice(), b"\n"].concat())
}

/// `alias [name=text]…`: the first word of a line that is typed is replaced.
pub(super) fn alias<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let mut lines = Bytes::new();
    let show =
        |name: &[u8], text: &[u8]| [name, b"=", &super::variables::quoted(text), b"\n"].concat();
    if arguments.len() == 1 {
        shell
            .state
            .aliases
            .iter()
            .for_each(|(name, text)| lines.extend(show(name, text)));
    }
    let mut status = 0;
    for argument in arguments.iter().skip(1) {
        match argument.iter().position(|byte| *byte == b'=') {
            Some(at) => drop(
                shell
                    .state
                    .aliases
                    .insert(argument[..at].to_vec(), argument[at + 1..].to_vec()),
            ),
            None => match shell.state.aliases.get(argument) {
                Some(text) => lines.extend(show(argument, text)),
                None => status = 1,
            },
        }
    }
    shell.output(&lines)?;
    Ok(status)
}

/// `unalias name… | -a`.
pub(super) fn unalias<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let mut status = 0;
    for name in arguments.iter().skip(1) {
        if name == b"-a" {
            shell.state.aliases.clear();
        } else if shell.state.aliases.remove(name).is_none() {
            status = 1;
        }
    }
    Ok(status)
}

/// `help`: the names of the builtins.
pub(super) fn help<S: System>(shell: &mut Shell<S>, _: &[Bytes]) -> Run {
    let text = format!(
        "Builtin commands:\n  {}\nPrograms are in /bin: try ls /bin\n",
        super::NAMES.join(" ")
    );
    shell.output(text.as_bytes())
}
