//! `cd pwd umask`.

use crate::{
    ast::Bytes,
    run::{Run, Shell},
    system::System,
};
use abi::Errno;
use alloc::{format, string::String};

/// `cd [-L | -P] [directory | -]`. Without `-P` the directory is known by the names that led to it:
/// `cd link; cd ..` comes back (POSIX, `cd`).
pub(super) fn cd<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let (physical, words) = ways(arguments);
    let (target, show) = match words.first().map(|word| word.as_slice()) {
        None => (shell.variable("HOME"), false),
        Some(b"-") => (shell.variable("OLDPWD"), true),
        Some(path) => (Some(path.to_vec()), false),
    };
    let Some(target) = target else {
        let name = if show { "OLDPWD" } else { "HOME" };
        shell.complain(&format!("cd: {name} not set"));
        return Ok(1);
    };
    let before = here(shell).unwrap_or_default();
    let named = if physical {
        Ok(None)
    } else {
        logical(shell, &before, &target)
    };
    let moved = named.and_then(|named| {
        let path = named.as_deref().unwrap_or(&target);
        shell.system.change_directory(path)?;
        Ok(named)
    });
    let now = match moved {
        Ok(Some(named)) => named,
        Ok(None) => shell.system.directory().unwrap_or_default(),
        Err(errno) => return shell.complain_of("cd", &target, errno),
    };
    let _ = shell.state.set(b"OLDPWD", before);
    let _ = shell.state.set(b"PWD", now.clone());
    if show {
        shell.output(&[now.as_slice(), b"\n"].concat())
    } else {
        Ok(0)
    }
}

/// Whether the last of `-L` and `-P` is `-P`, and the words behind the options.
fn ways(arguments: &[Bytes]) -> (bool, &[Bytes]) {
    let mut physical = false;
    let mut rest = arguments.get(1..).unwrap_or_default();
    while let Some((first, tail)) = rest.split_first() {
        match first.as_slice() {
            b"-P" => physical = true,
            b"-L" => physical = false,
            b"--" => return (physical, tail),
            _ => break,
        }
        rest = tail;
    }
    (physical, rest)
}

/// The present directory by the names that led to it, if they still do.
fn here<S: System>(shell: &mut Shell<S>) -> Result<Bytes, Errno> {
    let physical = shell.system.directory();
    let Some(named) = shell.variable("PWD").filter(|path| path.starts_with(b"/")) else {
        return physical;
    };
    let identity = |shell: &mut Shell<S>, path: &[u8]| {
        let facts = shell.system.facts(path);
        facts.map(|facts| facts.identity).ok()
    };
    let found = identity(shell, &named);
    if found.is_some() && found == identity(shell, b".") {
        return Ok(named);
    }
    physical
}

/// The absolute path of `target` without `.` and `..`, which mean the name before them; `None` if
/// it would be too long to be used.
fn logical<S: System>(
    shell: &mut Shell<S>,
    here: &[u8],
    target: &[u8],
) -> Result<Option<Bytes>, Errno> {
    let start = if target.starts_with(b"/") { b"" } else { here };
    let names = start
        .split(|b| *b == b'/')
        .chain(target.split(|b| *b == b'/'));
    let mut path = Bytes::new();
    for name in names {
        match name {
            b"" | b"." => {}
            b".." => {
                // What `..` leads back from must be there.
                if !path.is_empty() {
                    shell.system.facts(&path)?;
                }
                let parent = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
                path.truncate(parent);
            }
            name => path.extend([b"/", name].concat()),
        }
    }
    if path.is_empty() {
        path.push(b'/');
    }
    Ok((path.len() < PATH_MAX && !target.is_empty()).then_some(path))
}

/// Bytes of a path that the system takes, its end included.
const PATH_MAX: usize = 4096;

/// `pwd [-L | -P]`.
pub(super) fn pwd<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let (physical, _) = ways(arguments);
    let path = if physical {
        shell.system.directory()
    } else {
        here(shell)
    };
    match path {
        Ok(path) => shell.output(&[path.as_slice(), b"\n"].concat()),
        Err(errno) => shell.complain_of("pwd", b".", errno),
    }
}

/// `umask [octal]`.
pub(super) fn umask<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let Some(text) = arguments.get(1) else {
        let mask = shell.system.set_mask(0);
        shell.system.set_mask(mask);
        return shell.output(format!("{mask:04o}\n").as_bytes());
    };
    let mask = core::str::from_utf8(text)
        .ok()
        .and_then(|text| u32::from_str_radix(text, 8).ok());
    match mask {
        Some(mask) if mask <= 0o777 => {
            shell.system.set_mask(mask);
            Ok(0)
        }
        _ => {
            let text = String::from_utf8_lossy(text).into_owned();
            shell.complain(&format!("umask: {text}: {}", Errno::EINVAL.text()));
            Ok(1)
        }
    }
}
