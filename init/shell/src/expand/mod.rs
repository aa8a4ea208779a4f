//! From words to fields: tilde, parameters, commands, arithmetic, splitting, file names, quotes.
//!
//! What the outside world knows comes through the port [`Host`].
//! (POSIX.1-2017, Shell Command Language, 2.6 "Word Expansions".)

pub mod arith;
mod fields;
mod glob;
mod parameter;
pub mod pattern;

use crate::ast::{Bytes, Part, Script, Word};
use alloc::{format, string::String, vec::Vec};
use fields::{Builder, Field, Splitting};

/// An expansion that cannot be done; the text says why.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure(pub String);

/// A failure with this reason.
pub fn failure(reason: impl Into<String>) -> Failure {
    Failure(reason.into())
}

/// What expansion asks of the shell and of the system.
pub trait Host {
    /// The value of a variable.
    fn get(&mut self, name: &[u8]) -> Option<Bytes>;

    /// Sets a variable.
    ///
    /// # Errors
    /// If it is read-only.
    fn set(&mut self, name: &[u8], value: Bytes) -> Result<(), Failure>;

    /// The value of `$?`, `$$`, `$!`, `$-`, `$0` or `$#`.
    fn special(&mut self, name: &[u8]) -> Option<Bytes>;

    /// The positional parameters, `$1` first.
    fn positional(&self) -> &[Bytes];

    /// Runs commands and gives what they write.
    ///
    /// # Errors
    /// If no process or pipe could be made.
    fn substitute(&mut self, script: &Script) -> Result<Bytes, Failure>;

    /// The names in a directory; none if it cannot be read.
    fn list(&mut self, directory: &[u8]) -> Vec<Bytes>;

    /// Whether `path` names something.
    fn exists(&mut self, path: &[u8]) -> bool;

    /// The home directory of a user.
    fn home_of(&mut self, user: &[u8]) -> Option<Bytes>;

    /// Whether an unset variable is an error (`set -u`).
    fn refuses_unset(&self) -> bool {
        false
    }

    /// Whether patterns stand for themselves (`set -f`).
    fn keeps_patterns(&self) -> bool {
        false
    }
}

/// The fields of a command's words.
///
/// # Errors
/// [`Failure`] of a `${x?}`, of arithmetic or of a substitution.
pub fn words(host: &mut impl Host, words: &[Word]) -> Result<Vec<Bytes>, Failure> {
    let mut all = Vec::new();
    for word in words {
        for field in fields(host, word, Splitting::Split)? {
            match file_names(host, &field) {
                Some(names) => all.extend(names),
                None => all.push(field.text),
            }
        }
    }
    Ok(all)
}

/// The one field of an assignment, a redirection or a `case` subject.
///
/// # Errors
/// As [`words`].
pub fn single(host: &mut impl Host, word: &Word) -> Result<Bytes, Failure> {
    let fields = fields(host, word, Splitting::Whole)?;
    Ok(fields.into_iter().next().unwrap_or_default().text)
}

/// A word as a pattern for `case` and `${x#w}`: what was quoted is escaped.
///
/// # Errors
/// As [`words`].
pub fn pattern(host: &mut impl Host, word: &Word) -> Result<Bytes, Failure> {
    let fields = fields(host, word, Splitting::Whole)?;
    Ok(fields.into_iter().next().unwrap_or_default().pattern)
}

fn fields(host: &mut impl Host, word: &Word, splitting: Splitting) -> Result<Vec<Field>, Failure> {
    let separators = host.get(b"IFS").unwrap_or_else(|| b" \t\n".to_vec());
    let mut builder = Builder::new(splitting, separators);
    parts(host, &word.0, Quoting::Bare, &mut builder)?;
    Ok(builder.into_fields())
}

fn file_names(host: &mut impl Host, field: &Field) -> Option<Vec<Bytes>> {
    if !field.is_pattern || host.keeps_patterns() {
        return None;
    }
    let names = glob::expand(host, &field.pattern);
    (!names.is_empty()).then_some(names)
}

/// Whether an expansion stands inside double quotes.
#[derive(Clone, Copy, PartialEq)]
enum Quoting {
    /// A word of the script.
    Bare,
    /// The word of `${x-word}`: its bare text splits, as it is the result of an expansion.
    Inner,
    /// Inside double quotes.
    Double,
}

impl Quoting {
    /// Adds the result of an expansion.
    fn add(self, builder: &mut Builder, text: &[u8]) {
        match self {
            Quoting::Bare | Quoting::Inner => builder.expanded(text),
            Quoting::Double => builder.quoted(text),
        }
    }

    /// The quoting of a word inside this expansion.
    fn inner(self) -> Quoting {
        match self {
            Quoting::Bare | Quoting::Inner => Quoting::Inner,
            Quoting::Double => Quoting::Double,
        }
    }
}

fn parts(
    host: &mut impl Host,
    parts: &[Part],
    quoting: Quoting,
    into: &mut Builder,
) -> Result<(), Failure> {
    parts
        .iter()
        .try_for_each(|piece| part(host, piece, quoting, into))
}

fn part(
    host: &mut impl Host,
    part: &Part,
    quoting: Quoting,
    into: &mut Builder,
) -> Result<(), Failure> {
    match part {
        Part::Literal(text) if quoting == Quoting::Bare => into.literal(text),
        Part::Literal(text) if quoting == Quoting::Inner => into.expanded(text),
        Part::Literal(text) | Part::Quoted(text) => into.quoted(text),
        Part::Double(inner) => double(host, inner, into)?,
        Part::Parameter(parameter) => parameter::expand(host, parameter, quoting, into)?,
        Part::Command(script) => {
            let output = host.substitute(script)?;
            quoting.add(into, without_newlines(&output));
        }
        Part::Arithmetic(word) => {
            let text = single(host, word)?;
            let value = arith::evaluate(host, &text)?;
            quoting.add(into, format!("{value}").as_bytes());
        }
        Part::Tilde(user) => tilde(host, user, into),
    }
    Ok(())
}

/// `"…"`: a field even when empty, except that `"$@"` without parameters is none.
fn double(host: &mut impl Host, inner: &[Part], into: &mut Builder) -> Result<(), Failure> {
    let is_only_at = matches!(inner, [Part::Parameter(parameter)] if parameter.name == b"@");
    if !is_only_at {
        into.quoted(b"");
    }
    parts(host, inner, Quoting::Double, into)
}

/// Output of a command without the line ends at its end.
fn without_newlines(output: &[u8]) -> &[u8] {
    let end = output
        .iter()
        .rposition(|byte| *byte != b'\n')
        .map_or(0, |last| last + 1);
    output.get(..end).unwrap_or(b"")
}

fn tilde(host: &mut impl Host, user: &[u8], into: &mut Builder) {
    let home = if user.is_empty() {
        host.get(b"HOME")
    } else {
        host.home_of(user)
    };
    match home {
        Some(home) => into.quoted(&home),
        None => {
            into.quoted(b"~");
            into.quoted(user);
        }
    }
}
