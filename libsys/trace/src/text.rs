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

/// One word as its kind says.
pub fn value(schema: &Schema, kind: &Kind, word: u64, numbers: Numbers) -> String {
    let low = word as u32;
    match kind {
        Kind::Signed if (word as i64) < 0 && (word as i64) > -(LARGE as i64) => {
            (word as i64).to_string()
        }
        Kind::Process => match schema.service(low) {
            Some(service) => service.name.clone(),
            // The one who asks, or nobody.
            None if low == 0 => "0".into(),
            None if numbers == Numbers::Stable => "p".into(),
            None => number(word, numbers),
        },
        Kind::Unsigned | Kind::Signed | Kind::Present(_) => number(word, numbers),
        Kind::Bool => if word == 0 { "false" } else { "true" }.into(),
        Kind::Choice(names) => names
            .get(word as usize)
            .cloned()
            .unwrap_or_else(|| word.to_string()),
        Kind::Int => (low as i32).to_string(),
        Kind::Octal => format!("0{low:o}"),
        Kind::Hex | Kind::Text(_) | Kind::Filled(_) => hexadecimal(word, numbers),
        Kind::One(names) => named(names, low).map_or((low as i32).to_string(), Into::into),
        Kind::Bits(names) => bits(names, low),
    }
}

fn hexadecimal(word: u64, numbers: Numbers) -> String {
    match word {
        0 => "0".into(),
        unstable if numbers == Numbers::Stable && unstable >= UNSTABLE => "#".into(),
        word => format!("{word:#x}"),
    }
}

fn named(names: &[(u64, String)], word: u32) -> Option<&str> {
    let found = names.iter().find(|(value, _)| *value == u64::from(word));
    found.map(|(_, name)| name.as_str())
}

/// `O_CREAT|O_TRUNC|0x40000000`.
fn bits(names: &[(u64, String)], word: u32) -> String {
    let (mut rest, mut shown) = (u64::from(word), Vec::new());
    for (value, name) in names {
        if rest & value == *value {
            shown.push(name.clone());
            rest &= !value;
        }
    }
    if rest != 0 || shown.is_empty() {
        shown.push(if rest == 0 {
            "0".into()
        } else {
            format!("{rest:#x}")
        });
    }
    shown.join("|")
}

/// What a Linux call returned: a number, or an error with its name and text.
pub fn linux_result(word: u64, numbers: Numbers) -> String {
    match -(word as i64) {
        error @ 1..=4095 => {
            let errno = Errno(error as u16);
            format!("-1 {} ({})", errno.name(), errno.text())
        }
        _ => number(word, numbers),
    }
}

/// The fields of a message with their values.
pub fn fields<'v>(
    schema: &Schema,
    variant: &'v Variant,
    words: &[u64],
    numbers: Numbers,
) -> Vec<(&'v str, String)> {
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
                shown.push((name.as_str(), value(schema, &Kind::Process, word, numbers)));
            }
            // Times, and where in memory a board's frames begin.
            _ if numbers == Numbers::Stable
                && (name.ends_with("_ns") || name == "frame")
                && word != u64::MAX =>
            {
                shown.push((name.as_str(), "#".into()));
            }
            kind => shown.push((name.as_str(), value(schema, kind, word, numbers))),
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
pub(crate) fn joined(fields: &[(&str, String)]) -> String {
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
            joined(&fields(schema, variant, words, numbers)),
        ),
        None => (format!("message{label}"), unknown(words, numbers)),
    }
}

pub(crate) fn unknown(words: &[u64], numbers: Numbers) -> String {
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
    let fields = fields(schema, variant, words, numbers);
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
            joined(&fields(schema, variant, words, Numbers::Exact))
        }
        Some(variant) => format!(
            "{{{}}}",
            joined(&fields(schema, variant, words, Numbers::Exact))
        ),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::Message;
    use proto::{server_id, vfs, wire};

    fn message(request: &vfs::Request) -> Message {
        wire::encode(request)
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
    fn bits_and_choices_have_their_names() {
        let schema = Schema::of_proto();
        let openat = schema.linux_call(56).unwrap();
        let words = [0xffff_ffff_ffff_ff9c, 0x1234, 0o200_0101 | 1 << 30, 0o644];
        let shown: Vec<_> = fields(&schema, openat, &words, Numbers::Exact)
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        let flags = "O_WRONLY|O_CREAT|O_CLOEXEC|0x40000000";
        assert_eq!(shown, ["AT_FDCWD", "0x1234", flags, "0644"]);
        let kind = Kind::Bits([(1, "A".into())].into());
        assert_eq!(value(&schema, &kind, 0, Numbers::Exact), "0");
    }

    #[test]
    fn a_linux_result_is_a_number_or_an_error() {
        assert_eq!(linux_result(12, Numbers::Exact), "12");
        let missing = (-2i64) as u64;
        assert_eq!(
            linux_result(missing, Numbers::Exact),
            "-1 ENOENT (No such file or directory)"
        );
    }

    #[test]
    fn a_server_is_named_where_a_process_could_be() {
        let schema = Schema::of_proto();
        let value = |word, numbers| value(&schema, &Kind::Process, word, numbers);
        let mem = u64::from(server_id::MEM.0);
        assert_eq!(value(mem, Numbers::Exact), "mem");
        assert_eq!(value(7, Numbers::Exact), "7");
        assert_eq!(value(7, Numbers::Stable), "p");
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
