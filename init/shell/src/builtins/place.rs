//! `cd pwd umask`.

use crate::{
    ast::Bytes,
    run::{Run, Shell},
    system::System,
};
use abi::Errno;
use alloc::{format, string::String};

/// `cd [directory | -]`.
pub(super) fn cd<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let mut words = arguments
        .iter()
        .skip(1)
        .filter(|word| !matches!(word.as_slice(), b"-L" | b"-P" | b"--"));
    let word = words.next().cloned();
    let (target, show) = match word.as_deref() {
        None => (shell.variable("HOME"), false),
        Some(b"-") => (shell.variable("OLDPWD"), true),
        Some(path) => (Some(path.to_vec()), false),
    };
    let Some(target) = target else {
        let name = if show { "OLDPWD" } else { "HOME" };
        shell.complain(&format!("cd: {name} not set"));
        return Ok(1);
    };
    let before = shell.system.directory().unwrap_or_default();
    if let Err(errno) = shell.system.change_directory(&target) {
        return shell.complain_of("cd", &target, errno);
    }
    let now = shell.system.directory().unwrap_or_default();
    let _ = shell.state.set(b"OLDPWD", before);
    let _ = shell.state.set(b"PWD", now.clone());
    if show {
        shell.output(&[now.as_slice(), b"\n"].concat())
    } else {
        Ok(0)
    }
}

/// `pwd`.
pub(super) fn pwd<S: System>(shell: &mut Shell<S>, _: &[Bytes]) -> Run {
    match shell.system.directory() {
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
