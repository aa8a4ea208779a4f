//! `$x`, `"$@"` and the forms in braces.

use super::{
    Failure, Host, Quoting, failure,
    fields::{Builder, Splitting},
    parts, pattern,
};
use crate::ast::{Absent, Bytes, Operation, Parameter, Word};
use alloc::{format, string::String};

/// Adds what `parameter` stands for.
pub(super) fn expand(
    host: &mut impl Host,
    parameter: &Parameter,
    quoting: Quoting,
    into: &mut Builder,
) -> Result<(), Failure> {
    let name = parameter.name.as_slice();
    match &parameter.operation {
        Operation::Plain => match value_checked(host, name)? {
            Some(value) => add(host, name, &value, quoting, into),
            None => Ok(()),
        },
        Operation::Length => {
            let length = length(host, name)?;
            quoting.add(into, format!("{length}").as_bytes());
            Ok(())
        }
        Operation::Default(absent, word) => match present(host, name, *absent) {
            Some(value) => add(host, name, &value, quoting, into),
            None => parts(host, &word.0, quoting.inner(), into),
        },
        Operation::Alternative(absent, word) => match present(host, name, *absent) {
            Some(_) => parts(host, &word.0, quoting.inner(), into),
            None => Ok(()),
        },
        Operation::Assign(absent, word) => {
            let value = match present(host, name, *absent) {
                Some(value) => value,
                None => assign(host, name, word)?,
            };
            add(host, name, &value, quoting, into)
        }
        Operation::Error(absent, word) => match present(host, name, *absent) {
            Some(value) => add(host, name, &value, quoting, into),
            None => Err(refusal(host, name, word)?),
        },
        Operation::Trim(end, extent, word) => {
            let value = value_checked(host, name)?.unwrap_or_default();
            let fit = super::pattern(host, word)?;
            quoting.add(into, &pattern::trim(&value, &fit, *end, *extent));
            Ok(())
        }
    }
}

/// The value of a parameter, `None` if it is not set.
fn value(host: &mut impl Host, name: &[u8]) -> Option<Bytes> {
    match name {
        b"@" | b"*" => match host.positional() {
            [] => None,
            all => Some(all.join(&b' ')),
        },
        b"?" | b"$" | b"!" | b"#" | b"-" | b"0" => host.special(name),
        [first, ..] if first.is_ascii_digit() => {
            let number: usize = core::str::from_utf8(name).ok()?.parse().ok()?;
            host.positional().get(number.checked_sub(1)?).cloned()
        }
        _ => host.get(name),
    }
}

/// As [`value`], but with `set -u` an unset one is an error.
fn value_checked(host: &mut impl Host, name: &[u8]) -> Result<Option<Bytes>, Failure> {
    let value = value(host, name);
    if value.is_none() && host.refuses_unset() && !matches!(name, b"@" | b"*" | b"!") {
        return Err(failure(format!(
            "{}: parameter not set",
            String::from_utf8_lossy(name)
        )));
    }
    Ok(value)
}

/// The value, unless it counts as absent.
fn present(host: &mut impl Host, name: &[u8], absent: Absent) -> Option<Bytes> {
    value(host, name).filter(|value| absent == Absent::Unset || !value.is_empty())
}

fn length(host: &mut impl Host, name: &[u8]) -> Result<usize, Failure> {
    if matches!(name, b"@" | b"*") {
        return Ok(host.positional().len());
    }
    let value = value_checked(host, name)?.unwrap_or_default();
    // Characters, not bytes: bytes that continue a UTF-8 character are not counted.
    Ok(value.iter().filter(|byte| **byte & 0xc0 != 0x80).count())
}

fn assign(host: &mut impl Host, name: &[u8], word: &Word) -> Result<Bytes, Failure> {
    if !crate::ast::is_name(name) {
        return Err(failure(format!(
            "{}: cannot assign in this way",
            String::from_utf8_lossy(name)
        )));
    }
    let value = super::single(host, word)?;
    host.set(name, value.clone())?;
    Ok(value)
}

/// The failure of `${x?word}`.
fn refusal(host: &mut impl Host, name: &[u8], word: &Word) -> Result<Failure, Failure> {
    let text = super::single(host, word)?;
    let reason = if text.is_empty() {
        b"parameter not set".to_vec()
    } else {
        text
    };
    Ok(failure(format!(
        "{}: {}",
        String::from_utf8_lossy(name),
        String::from_utf8_lossy(&reason)
    )))
}

/// Adds a value; `$@` and `$*` add each positional parameter.
fn add(
    host: &mut impl Host,
    name: &[u8],
    value: &[u8],
    quoting: Quoting,
    into: &mut Builder,
) -> Result<(), Failure> {
    let each_own = match (name, quoting) {
        (b"@", _) | (b"*", Quoting::Bare | Quoting::Inner) => into.splitting() == Splitting::Split,
        (b"*", Quoting::Double) => false,
        _ => {
            quoting.add(into, value);
            return Ok(());
        }
    };
    for (index, parameter) in host.positional().iter().enumerate() {
        match (index, each_own, name) {
            (0, _, _) => {}
            (_, true, _) => into.finish(),
            (_, false, b"*") => into.quoted(into.joiner().as_slice()),
            (_, false, _) => into.quoted(b" "),
        }
        quoting.add(into, parameter);
    }
    Ok(())
}
