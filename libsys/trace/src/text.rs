//! One message as text.

use crate::schema::{Field, Kind, Schema, Variant};
use abi::Errno;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;
use proto::wire::{ERRNO_LABEL, TOUCH_LABEL};

/// Which numbers are shown as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// All.
    Exact,
    /// Only those that do not depend on where things lie in memory: others become `#`.
    Stable,
}

/// From here on a number is shown in hexadecimal.
const LARGE: u64 = 1 << 16;
/// From here on a number may be an address, an offset or a length that depends on the build.
const UNSTABLE: u64 = 1 << 12;

fn number(word: u64, numbers: Numbers) -> String {
    match word {
        u64::MAX => "max".into(),
        unstable if numbers == Numbers::Stable && unstable >= UNSTABLE => "#".into(),
        small if small < LARGE => small.to_string(),
        large => format!("{large:#x}"),
    }
}

fn value(kind: &Kind, word: u64, numbers: Numbers) -> String {
    match kind {
        Kind::Signed if (word as i64) < 0 && (word as i64) > -(LARGE as i64) => {
            (word as i64).to_string()
        }
        Kind::Process if numbers == Numbers::Stable => "p".into(),
        Kind::Unsigned | Kind::Signed | Kind::Process | Kind::Present(_) => number(word, numbers),
        Kind::Bool => if word == 0 { "false" } else { "true" }.into(),
        Kind::Choice(names) => names
            .get(word as usize)
            .cloned()
            .unwrap_or_else(|| word.to_string()),
    }
}

/// The fields of a message with their values.
pub fn fields<'v>(variant: &'v Variant, words: &[u64], numbers: Numbers) -> Vec<(&'v str, String)> {
    let mut shown = Vec::new();
    let (mut words, mut skip) = (words.iter(), 0);
    for Field { name, kind } in &variant.fields {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let Some(&word) = words.next() else { break };
        match kind {
            Kind::Present(count) if word == 0 => {
                skip = *count;
                shown.push((name.as_str(), "none".into()));
            }
            Kind::Present(_) => {}
            _ if numbers == Numbers::Stable && is_process(&variant.name, name) => {
                shown.push((name.as_str(), value(&Kind::Process, word, numbers)));
            }
            _ if numbers == Numbers::Stable && name.ends_with("_ns") && word != u64::MAX => {
                shown.push((name.as_str(), "#".into()));
            }
            kind => shown.push((name.as_str(), value(kind, word, numbers))),
        }
    }
    shown
}

/// Whether a number that is not declared as a process is one by its name.
fn is_process(variant: &str, field: &str) -> bool {
    matches!(field, "pid" | "ppid" | "pgid" | "sid" | "sender")
        || variant == "Pid" && field.is_empty()
}

/// The words in bytes that are no text, if there are enough of them to tell something.
pub fn words_in(bytes: &[u8]) -> Option<String> {
    let pieces = bytes.split(|byte| !matches!(byte, 0x20..=0x7e));
    let pieces: Vec<_> = pieces.filter(|piece| piece.len() > 1).collect();
    let letters: usize = pieces.iter().map(|piece| piece.len()).sum();
    let text = pieces.join(&b' ');
    (letters * 2 > bytes.len()).then(|| String::from_utf8_lossy(&text).into_owned())
}

/// `a=1, b=2`.
fn joined(fields: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        let comma = if text.is_empty() { "" } else { ", " };
        let equals = if name.is_empty() { "" } else { "=" };
        let _ = write!(text, "{comma}{name}{equals}{value}");
    }
    text
}

/// `MakeDirectory` as a program's call would be named: `make_directory`.
pub fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// Bytes as a string in quotes.
pub fn quoted(bytes: &[u8], all: u64) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\t' => text.push_str("\\t"),
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(byte));
            }
            0x20..=0x7e => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\{byte}");
            }
        }
    }
    text.push('"');
    if all > bytes.len() as u64 {
        text.push_str("...");
    }
    text
}

/// Name and fields of a request to the server `id`; of an unknown one its label and words.
pub fn request(
    schema: &Schema,
    id: u32,
    label: u64,
    words: &[u64],
    numbers: Numbers,
) -> (String, String) {
    let variant = schema
        .service(id)
        .and_then(|service| service.requests.get(label as usize));
    match variant {
        Some(variant) => (
            variant.name.clone(),
            joined(&fields(variant, words, numbers)),
        ),
        None => (format!("message{label}"), unknown(words, numbers)),
    }
}

fn unknown(words: &[u64], numbers: Numbers) -> String {
    let used = words
        .iter()
        .rposition(|&word| word != 0)
        .map_or(0, |last| last + 1);
    let words: Vec<_> = words
        .iter()
        .take(used)
        .map(|&word| ("", number(word, numbers)))
        .collect();
    joined(&words)
}

/// What the server `id` answered: name and fields.
pub fn reply(schema: &Schema, id: u32, label: u64, words: &[u64], numbers: Numbers) -> String {
    if label == TOUCH_LABEL {
        return format!(
            "Touch(lease={}, offset={})",
            words.first().unwrap_or(&0),
            number(*words.get(1).unwrap_or(&0), numbers)
        );
    }
    if label > ERRNO_LABEL {
        let errno = Errno((label - ERRNO_LABEL) as u16);
        return format!("{} ({})", errno.name(), errno.text());
    }
    let variant = schema
        .service(id)
        .and_then(|service| service.replies.get(label as usize));
    let Some(variant) = variant else {
        return format!("message{label}({})", unknown(words, numbers));
    };
    let fields = fields(variant, words, numbers);
    match fields.as_slice() {
        [] => variant.name.clone(),
        fields => format!("{}({})", variant.name, joined(fields)),
    }
}

/// A reply as the result of a call: a number, -1 and an error, or its fields.
pub fn result(schema: &Schema, id: u32, label: u64, words: &[u64]) -> String {
    let text = reply(schema, id, label, words, Numbers::Exact);
    let variant = schema
        .service(id)
        .and_then(|service| service.replies.get(label as usize));
    match variant {
        _ if label > ERRNO_LABEL && label != TOUCH_LABEL => format!("-1 {text}"),
        Some(variant) if variant.fields.is_empty() => "0".into(),
        Some(variant) if variant.fields.len() == 1 => {
            joined(&fields(variant, words, Numbers::Exact))
        }
        Some(variant) => format!("{{{}}}", joined(&fields(variant, words, Numbers::Exact))),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::Message;
    use proto::{server_id, vfs, wire};

    fn message(request: &vfs::Request) -> Message {
        wire::encode(request).unwrap()
    }

    #[test]
    fn a_request_is_named_with_its_fields() {
        let sent = message(&vfs::Request::Open {
            directory: vfs::AT_FDCWD,
            flags: 0x8_0000,
            mode: 0,
        });
        let (name, fields) = request(
            &Schema::of_proto(),
            server_id::VFS.0,
            sent.label,
            &sent.words,
            Numbers::Exact,
        );
        assert_eq!(
            (name.as_str(), fields.as_str()),
            ("Open", "directory=-100, flags=0x80000, mode=0")
        );
        let (_, fields) = request(
            &Schema::of_proto(),
            server_id::VFS.0,
            sent.label,
            &sent.words,
            Numbers::Stable,
        );
        assert_eq!(fields, "directory=-100, flags=#, mode=0");
    }

    #[test]
    fn an_unknown_message_shows_its_words() {
        let (name, fields) = request(&Schema::of_proto(), 77, 900, &[1, 0, 2, 0], Numbers::Exact);
        assert_eq!((name.as_str(), fields.as_str()), ("message900", "1, 0, 2"));
    }

    #[test]
    fn replies_are_results_as_a_program_sees_them() {
        let schema = Schema::of_proto();
        let of = |reply: &Result<vfs::Reply, proto::port::Refusal>| {
            let message = wire::encode_reply(reply);
            result(&schema, server_id::VFS.0, message.label, &message.words)
        };
        assert_eq!(of(&Ok(vfs::Reply::Done)), "0");
        assert_eq!(of(&Ok(vfs::Reply::Count(12))), "12");
        assert_eq!(
            of(&Err(Errno::ENOENT.into())),
            "-1 ENOENT (No such file or directory)"
        );
    }

    #[test]
    fn bytes_are_quoted_and_cut() {
        assert_eq!(quoted(b"a\"\n\x01", 4), "\"a\\\"\\n\\1\"");
        assert_eq!(quoted(b"ab", 3), "\"ab\"...");
    }

    #[test]
    fn names_of_variants_become_names_of_calls() {
        assert_eq!(snake("MakeDirectory"), "make_directory");
    }
}
