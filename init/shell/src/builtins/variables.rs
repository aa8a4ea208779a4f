//! `export readonly local unset`.

use crate::{
    ast::{Bytes, is_name},
    run::{Run, Shell},
    state::Variable,
    system::System,
};
use alloc::{format, string::String, vec::Vec};

/// `export [name[=value]]…`.
pub(super) fn export<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    mark(shell, arguments, |variable| &mut variable.exported)
}

/// `readonly [name[=value]]…`.
pub(super) fn read_only<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    mark(shell, arguments, |variable| &mut variable.read_only)
}

/// Sets the mark that `field` selects; without names, lists the variables that have it.
fn mark<S: System>(
    shell: &mut Shell<S>,
    arguments: &[Bytes],
    field: fn(&mut Variable) -> &mut bool,
) -> Run {
    let names: Vec<&Bytes> = arguments
        .iter()
        .skip(1)
        .filter(|text| *text != b"-p")
        .collect();
    if names.is_empty() {
        let lines = listing(shell, &arguments[0], field);
        return shell.output(&lines);
    }
    let mut status = 0;
    for argument in names {
        let (name, value) = split(argument);
        if !is_name(name) {
            status = bad_name(shell, &arguments[0], name);
            continue;
        }
        if let Some(value) = value {
            shell
                .state
                .set(name, value.to_vec())
                .map_err(|failure| shell.fail(&failure))?;
        }
        *field(shell.state.variables.entry(name.to_vec()).or_default()) = true;
    }
    Ok(status)
}

fn listing<S: System>(
    shell: &Shell<S>,
    command: &[u8],
    field: fn(&mut Variable) -> &mut bool,
) -> Bytes {
    let mut lines = Bytes::new();
    for (name, variable) in &shell.state.variables {
        if *field(&mut variable.clone()) {
            lines.extend([command, b" ", name].concat());
            if let Some(value) = &variable.value {
                lines.push(b'=');
                lines.extend(quoted(value));
            }
            lines.push(b'\n');
        }
    }
    lines
}

/// `local name[=value]…`: the variable has its old value again when the function returns.
pub(super) fn local<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    for argument in arguments.iter().skip(1) {
        let (name, value) = split(argument);
        if !is_name(name) {
            return Ok(bad_name(shell, b"local", name));
        }
        let before = shell.state.variables.get(name).cloned();
        let Some(locals) = shell.state.locals.last_mut() else {
            shell.complain("local: not in a function");
            return Ok(1);
        };
        locals.push((name.to_vec(), before));
        if let Some(value) = value {
            shell
                .state
                .set(name, value.to_vec())
                .map_err(|failure| shell.fail(&failure))?;
        }
    }
    Ok(0)
}

/// `unset [-v|-f] name…`.
pub(super) fn unset<S: System>(shell: &mut Shell<S>, arguments: &[Bytes]) -> Run {
    let functions = arguments.get(1).is_some_and(|text| text == b"-f");
    for name in arguments
        .iter()
        .skip(1)
        .filter(|text| !text.starts_with(b"-"))
    {
        if functions {
            shell.state.functions.remove(name);
        } else {
            shell
                .state
                .unset(name)
                .map_err(|failure| shell.fail(&failure))?;
        }
    }
    Ok(0)
}

fn bad_name<S: System>(shell: &mut Shell<S>, command: &[u8], name: &[u8]) -> i32 {
    let (command, name) = (
        String::from_utf8_lossy(command),
        String::from_utf8_lossy(name),
    );
    shell.complain(&format!("{command}: {name}: bad variable name"));
    2
}

/// `name=value` as its parts.
fn split(argument: &[u8]) -> (&[u8], Option<&[u8]>) {
    match argument.iter().position(|byte| *byte == b'=') {
        Some(at) => (&argument[..at], Some(&argument[at + 1..])),
        None => (argument, None),
    }
}

/// A value in quotes, so that the shell can read it again.
pub(crate) fn quoted(value: &[u8]) -> Bytes {
    let mut text = b"'".to_vec();
    for byte in value {
        match byte {
            b'\'' => text.extend_from_slice(b"'\\''"),
            _ => text.push(*byte),
        }
    }
    text.push(b'\'');
    text
}
