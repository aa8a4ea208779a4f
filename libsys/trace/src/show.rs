//! Messages as lines: as `strace` prints them, as an indented tree, and as a Mermaid chart.

use crate::schema::{Kind, Schema};
use crate::story::{Data, End, Span};
use crate::text::{self, Numbers, quoted, request};
use abi::layout;
use abi::message::access;
use abi::trace::kind;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// How messages are shown.
#[derive(Clone, Debug)]
pub struct Style {
    /// Which numbers.
    pub numbers: Numbers,
    /// Whether cycles are shown.
    pub cost: bool,
    /// Only messages to this server, or below one.
    pub server: Option<String>,
    /// Only messages with this in their name, or below one.
    pub message: Option<String>,
}

impl Style {
    /// Everything.
    pub const FULL: Style = Style {
        numbers: Numbers::Exact,
        cost: true,
        server: None,
        message: None,
    };
    /// What two runs, and two builds, have in common.
    pub const STABLE: Style = Style {
        numbers: Numbers::Stable,
        cost: false,
        server: None,
        message: None,
    };
}

/// What was shown of each process: they are numbered by the order in which they appear, so that this does
/// not depend on what ran before.
#[derive(Default)]
pub struct Names {
    seen: BTreeMap<u32, usize>,
    /// Page faults that were shown, by process.
    faults: BTreeSet<(u32, String)>,
}

impl Names {
    /// What somebody is called.
    pub fn name(&mut self, schema: &Schema, id: u32, numbers: Numbers) -> String {
        if numbers == Numbers::Exact || id == 0 || id >= proto::Pid::FIRST_SERVER.0 {
            return schema.name(id);
        }
        let next = self.seen.len() + 1;
        format!("p{}", self.seen.entry(id).or_insert(next))
    }

    /// Whether a message is the same in another build and after another history.
    ///
    /// How many pages of a region a program touches, and which, depends on how things lie in it, but not
    /// that it touches the region in this way: so only the first such fault since it started counts. What
    /// a server needs for itself depends on what it did before.
    fn is_stable(&mut self, schema: &Schema, span: &Span) -> bool {
        let from = span.begin.from_id;
        let of_server = from >= proto::Pid::FIRST_SERVER.0;
        match span.begin.kind {
            kind::FAULT if of_server => false,
            kind::FAULT => {
                let what = fault(&span.begin.words, Numbers::Stable);
                self.faults.insert((from, what))
            }
            kind::CALL if of_server && schema.name(span.to_id) == "mem" => {
                !OWN_MEMORY.contains(&arguments(schema, span, Numbers::Stable).0.as_str())
            }
            kind::INTERRUPT => false,
            _ => true,
        }
    }

    /// A process that starts afresh has touched nothing.
    fn note(&mut self, span: &Span) {
        if span.end == End::Started {
            self.faults
                .retain(|(process, _)| *process != span.begin.from_id);
        }
    }
}

/// The first that a server copied from a lease (or to it, if `written`).
fn copied(span: &Span, lease: u64, written: bool) -> Option<&Data> {
    let mut copies = span.data.iter();
    copies.find(|data| data.lease == lease && data.written == written)
}

fn shown(copy: &Data, numbers: Numbers) -> String {
    let is_text = copy
        .shown
        .iter()
        .all(|byte| matches!(byte, b'\t' | b'\n' | 0x20..=0x7e));
    match (is_text, text::words_in(&copy.shown)) {
        (true, _) => quoted(&copy.shown, copy.bytes),
        (false, Some(words)) => format!("<{words}...>"),
        _ if numbers == Numbers::Stable => "<data>".into(),
        _ => format!("<{} bytes>", copy.bytes),
    }
}

/// The data that servers copied, by lease.
fn data(span: &Span, written: bool, numbers: Numbers) -> Vec<String> {
    let leases = [copied(span, 0, written), copied(span, 1, written)];
    let copies = leases.into_iter().flatten();
    copies.map(|copy| shown(copy, numbers)).collect()
}

/// Name and arguments of a Linux call. What its pointers point to is known from what the messages on
/// its behalf lent.
fn linux_call(schema: &Schema, span: &Span, numbers: Numbers) -> (String, String) {
    let words = &span.begin.words;
    let Some(call) = schema.linux_call(span.begin.label) else {
        let arguments = text::unknown(&words[..6], numbers);
        return (format!("call{}", span.begin.label), arguments);
    };
    let pointed = |lease: u32, written| {
        let mut messages = span.children.iter();
        messages.find_map(|message| copied(message, lease.into(), written))
    };
    let fields = call.fields.iter().zip(words).map(|(field, &word)| {
        let copy = match field.kind {
            Kind::Text(lease) => pointed(lease, false),
            Kind::Filled(lease) => pointed(lease, true),
            _ => None,
        };
        let text = match copy {
            Some(copy) => shown(copy, numbers),
            None => text::value(schema, &field.kind, word, numbers),
        };
        (field.name.as_str(), text)
    });
    let fields: Vec<_> = fields.collect();
    (call.name.clone(), text::joined(&fields))
}

/// A message's name and arguments, without its receiver.
pub fn arguments(schema: &Schema, span: &Span, numbers: Numbers) -> (String, String) {
    let begin = &span.begin;
    let words = &begin.words;
    match begin.kind {
        kind::CALL | kind::INHERIT => {
            let (name, mut fields) = request(schema, span.to_id, begin.label, words, numbers);
            for text in data(span, false, numbers) {
                let comma = if fields.is_empty() { "" } else { ", " };
                let _ = write!(fields, "{comma}{text}");
            }
            (name, fields)
        }
        kind::FAULT => ("fault".into(), fault(words, numbers)),
        kind::EXCEPTION => ("exception".into(), format!("class={:#x}", words[0] >> 26)),
        kind::NOTIFICATION => ("notify".into(), format!("bits={:#x}", begin.label)),
        kind::INTERRUPT => ("interrupt".into(), format!("number={}", begin.label)),
        kind::REFLECTED => linux_call(schema, span, numbers),
        _ => (format!("kind{}", begin.kind), String::new()),
    }
}

/// Requests to `mem` by which a server gets memory for itself.
const OWN_MEMORY: [&str; 2] = ["Brk", "Statistics"];

/// What lies at an address, as far as its place tells: variables and heap follow the program's text.
fn region(address: u64) -> &'static str {
    match address {
        layout::PERSONALITY.. => "personality",
        layout::MMAP_BASE.. => "mapping",
        address if address >= layout::STACK_TOP => "image",
        address if address >= layout::STACK_TOP - layout::STACK_BYTES => "stack",
        _ => "image",
    }
}

fn fault(words: &[u64; abi::WORDS], numbers: Numbers) -> String {
    let what = match words[1] {
        bits if bits & access::EXECUTE != 0 => "execute",
        bits if bits & access::WRITE != 0 => "write",
        _ => "read",
    };
    let present = if words[1] & access::PRESENT != 0 {
        " of a protected page"
    } else {
        ""
    };
    match numbers {
        Numbers::Exact => {
            format!(
                "{what}{present}, {}, at {:#x}, pc={:#x}",
                region(words[0]),
                words[0],
                words[2]
            )
        }
        Numbers::Stable => format!("{what}{present}, {}", region(words[0])),
    }
}

/// What a message ended with.
pub fn outcome(schema: &Schema, span: &Span, numbers: Numbers) -> String {
    match span.end {
        End::Reply(code, _) if matches!(span.begin.kind, kind::FAULT | kind::EXCEPTION) => {
            if code == 0 {
                "resumed".into()
            } else {
                format!("declined({code})")
            }
        }
        End::Reply(label, _) if span.begin.kind == kind::REFLECTED => {
            text::linux_result(label, numbers)
        }
        End::Reply(label, words) => {
            let mut reply = text::reply(schema, span.to_id, label, &words, numbers);
            for text in data(span, true, numbers) {
                let _ = write!(reply, " {text}");
            }
            reply
        }
        End::Started => "starts afresh".into(),
        End::Gone => "ends".into(),
        End::Open => "...".into(),
        End::Instant => String::new(),
    }
}

/// The line that `strace` prints for a call of a program; `None` if it is none.
pub fn strace(schema: &Schema, span: &Span) -> Option<String> {
    let begin = &span.begin;
    let (name, fields) = arguments(schema, span, Numbers::Exact);
    let end = match span.end {
        End::Reply(label, words) if begin.kind == kind::CALL => {
            let mut result = text::result(schema, span.to_id, label, &words);
            for text in data(span, true, Numbers::Exact) {
                let _ = write!(result, " {text}");
            }
            result
        }
        End::Reply(label, _) => text::linux_result(label, Numbers::Exact),
        End::Started => "0".into(),
        _ => "?".into(),
    };
    let pid = begin.from_id;
    match begin.kind {
        kind::CALL if pid < proto::Pid::FIRST_SERVER.0 => {
            Some(format!("[{pid}] {}({fields}) = {end}", text::snake(&name)))
        }
        kind::REFLECTED => Some(format!("[{pid}] {name}({fields}) = {end}")),
        kind::EXCEPTION => Some(format!("[{pid}] --- {name} {fields} ---")),
        _ => None,
    }
}

fn is_wanted(schema: &Schema, span: &Span, style: &Style, names: &mut Names) -> bool {
    if style.numbers == Numbers::Stable && !names.is_stable(schema, span) {
        return false;
    }
    let to = match span.begin.kind {
        kind::REFLECTED => "linux".into(),
        _ => schema.name(span.to_id),
    };
    let server = style.server.as_ref().is_none_or(|wanted| *wanted == to);
    let named = |wanted: &String| {
        arguments(schema, span, Numbers::Stable)
            .0
            .contains(wanted.as_str())
    };
    server && style.message.as_ref().is_none_or(named)
}

/// Adds the lines of a message and of all below it.
pub fn tree(
    schema: &Schema,
    span: &Span,
    style: &Style,
    names: &mut Names,
    lines: &mut Vec<String>,
) {
    branch(schema, span, style, names, lines, 0);
}

fn branch(
    schema: &Schema,
    span: &Span,
    style: &Style,
    names: &mut Names,
    lines: &mut Vec<String>,
    depth: usize,
) {
    let shown = is_wanted(schema, span, style, names);
    if shown {
        lines.push(line(schema, span, style, names, depth));
    }
    for child in &span.children {
        branch(
            schema,
            child,
            style,
            names,
            lines,
            depth + usize::from(shown),
        );
    }
    names.note(span);
}

/// Who sent a message.
fn sender(schema: &Schema, span: &Span, numbers: Numbers, names: &mut Names) -> String {
    match span.begin.kind {
        kind::INHERIT => names.name(schema, span.begin.to_id, numbers),
        kind::NOTIFICATION | kind::INTERRUPT if span.begin.from == 0 => "interrupt".into(),
        _ => names.name(schema, span.begin.from_id, numbers),
    }
}

/// Who gets a message; of a Linux program's call its own process, where the personality answers it.
fn receiver(schema: &Schema, span: &Span, numbers: Numbers, names: &mut Names) -> String {
    match span.begin.kind {
        kind::REFLECTED => names.name(schema, span.begin.from_id, numbers),
        _ => names.name(schema, span.to_id, numbers),
    }
}

/// `vfs.Open(fd=3) = Done`, as long as it is no notification; with who did it in front.
fn line(schema: &Schema, span: &Span, style: &Style, names: &mut Names, depth: usize) -> String {
    let from = sender(schema, span, style.numbers, names);
    let to = receiver(schema, span, style.numbers, names);
    let (name, fields) = arguments(schema, span, style.numbers);
    let end = outcome(schema, span, style.numbers);
    let mut text = String::new();
    let _ = write!(text, "{:indent$}{from} > ", "", indent = depth * 2);
    match span.begin.kind {
        kind::INTERRUPT => {}
        kind::REFLECTED => text.push_str("linux."),
        _ => {
            let _ = write!(text, "{to}.");
        }
    }
    let _ = write!(text, "{name}({fields})");
    if !end.is_empty() {
        let _ = write!(text, " = {end}");
    }
    if style.cost && span.cycles() != 0 {
        let _ = write!(text, "  [{}]", span.cycles());
    }
    text
}

/// Lines that follow each other and are equal become one.
pub fn without_repetition(lines: &mut Vec<String>) {
    lines.dedup();
}

/// A Mermaid sequence chart of some messages.
pub fn mermaid(schema: &Schema, spans: &[Span], numbers: Numbers) -> String {
    let mut names = Names::default();
    let mut text = String::from("sequenceDiagram\n");
    for span in spans {
        chart(schema, span, numbers, &mut names, &mut text);
    }
    text
}

fn chart(schema: &Schema, span: &Span, numbers: Numbers, names: &mut Names, text: &mut String) {
    if numbers == Numbers::Stable && !names.is_stable(schema, span) {
        return;
    }
    let is_copy = span.begin.kind == kind::INHERIT;
    let from = sender(schema, span, numbers, names);
    let to = receiver(schema, span, numbers, names);
    let (name, fields) = arguments(schema, span, numbers);
    // Letters that mean something to Mermaid.
    let label = |text: &str| {
        let text = text.replace([';', '#'], "_").replace('"', "'");
        text.replace('<', "(").replace('>', ")")
    };
    let end = outcome(schema, span, numbers);
    if span.begin.kind == kind::NOTIFICATION {
        let _ = writeln!(
            text,
            "    {from}-){to}: {}",
            label(&format!("{name} {fields}"))
        );
    } else if is_copy {
        let _ = writeln!(
            text,
            "    Note over {from}: a copy, waits for the same reply"
        );
    } else {
        let _ = writeln!(
            text,
            "    {from}->>{to}: {}",
            label(&format!("{name} {fields}"))
        );
    }
    for child in &span.children {
        chart(schema, child, numbers, names, text);
    }
    match span.end {
        End::Reply(..) => {
            let _ = writeln!(text, "    {to}-->>{from}: {}", label(&end));
        }
        End::Started => {
            let _ = writeln!(text, "    {to}->>{from}: starts the new program");
        }
        End::Gone => {
            let _ = writeln!(text, "    {to}-x{from}: ends it");
        }
        End::Open | End::Instant => {}
    }
    names.note(span);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::Story;
    use abi::trace::Record;
    use proto::wire::{encode, encode_reply};
    use proto::{server_id, vfs};

    /// Process 7 opens `/a` for reading.
    fn opened() -> Span {
        let sent = encode(&vfs::Request::Open {
            directory: -100,
            flags: 0,
            mode: 0,
        });
        let answer = encode_reply(&Ok::<_, proto::port::Refusal>(vfs::Reply::Descriptor(3)));
        let mut story = Story::default();
        let base = Record {
            span: 1,
            from_id: 7,
            to_id: server_id::VFS.0,
            ..Record::default()
        };
        story.add(&Record {
            kind: kind::CALL,
            label: sent.label,
            words: sent.words,
            ..base
        });
        let mut words = [0, 2, 0, 0, 0, 0, 0, 0];
        words[2] = u64::from_le_bytes(*b"/a\0\0\0\0\0\0");
        story.add(&Record {
            kind: kind::LEASE,
            words,
            ..base
        });
        story.add(&Record {
            kind: kind::CALL,
            span: 2,
            cause: 1,
            from_id: server_id::VFS.0,
            to_id: server_id::MEM.0,
            ..base
        });
        story.add(&Record {
            kind: kind::REPLY,
            span: 2,
            cause: 2,
            ..base
        });
        let reply = Record {
            kind: kind::REPLY,
            cause: 1,
            cycles: 50,
            label: answer.label,
            words: answer.words,
            ..base
        };
        story.add(&reply).unwrap()
    }

    #[test]
    fn strace_prints_a_call_with_its_string_and_result() {
        let line = strace(&Schema::of_proto(), &opened()).unwrap();
        assert_eq!(
            line,
            "[7] open(directory=-100, flags=0, mode=0, \"/a\") = 3"
        );
    }

    #[test]
    fn a_tree_indents_what_is_done_on_behalf_of_a_message() {
        let mut lines = Vec::new();
        tree(
            &Schema::of_proto(),
            &opened(),
            &Style::FULL,
            &mut Names::default(),
            &mut lines,
        );
        assert_eq!(
            lines[0],
            "7 > vfs.Open(directory=-100, flags=0, mode=0, \"/a\") = Descriptor(3)  [50]"
        );
        assert!(lines[1].starts_with("  vfs > mem.Brk("), "{}", lines[1]);
    }

    #[test]
    fn a_stable_tree_names_processes_by_their_order() {
        let mut lines = Vec::new();
        tree(
            &Schema::of_proto(),
            &opened(),
            &Style::STABLE,
            &mut Names::default(),
            &mut lines,
        );
        assert!(lines[0].starts_with("p1 > vfs.Open("), "{}", lines[0]);
        assert!(!lines[0].contains('['));
    }

    /// Process 7, a Linux program, opens `/a`.
    fn linux_opened() -> Span {
        let mut story = Story::default();
        let base = Record {
            span: 1,
            from_id: 7,
            ..Record::default()
        };
        let mut words = [0xffff_ffff_ffff_ff9c, 0x4000, 0o100, 0o600, 0, 0, 0, 0];
        story.add(&Record {
            kind: kind::REFLECTED,
            label: 56,
            words,
            ..base
        });
        words = [0, 2, u64::from_le_bytes(*b"/a\0\0\0\0\0\0"), 0, 0, 0, 0, 0];
        let message = Record {
            span: 2,
            cause: 1,
            to_id: server_id::VFS.0,
            ..base
        };
        for (kind, words) in [
            (kind::CALL, [0; 8]),
            (kind::LEASE, words),
            (kind::REPLY, [3; 8]),
        ] {
            story.add(&Record {
                kind,
                words,
                ..message
            });
        }
        let resumed = Record {
            kind: kind::RESUMED,
            label: 3,
            ..base
        };
        story.add(&resumed).unwrap()
    }

    #[test]
    fn a_linux_call_has_its_name_and_the_string_that_its_message_lent() {
        let (schema, span) = (Schema::of_proto(), linux_opened());
        let call = "openat(dirfd=AT_FDCWD, pathname=\"/a\", flags=O_CREAT, mode=0600) = 3";
        assert_eq!(strace(&schema, &span).unwrap(), format!("[7] {call}"));
        let mut lines = Vec::new();
        tree(
            &schema,
            &span,
            &Style::STABLE,
            &mut Names::default(),
            &mut lines,
        );
        assert_eq!(lines[0], format!("p1 > linux.{call}"));
        assert!(lines[1].starts_with("  p1 > vfs.Open("), "{}", lines[1]);
        let chart = mermaid(&schema, &[span], Numbers::Stable);
        assert!(chart.contains("p1->>p1: openat "), "{chart}");
    }

    fn touched(process: u32, address: u64, how: u64) -> Span {
        let mut story = Story::default();
        let base = Record {
            span: 1,
            from_id: process,
            to_id: server_id::MEM.0,
            ..Record::default()
        };
        story.add(&Record {
            kind: kind::FAULT,
            words: [address, how, 0x1234, 0, 0, 0, 0, 0],
            ..base
        });
        let reply = Record {
            kind: kind::REPLY,
            ..base
        };
        story.add(&reply).unwrap()
    }

    #[test]
    fn a_stable_tree_has_the_first_fault_of_a_kind_in_a_region() {
        let (schema, mut names, mut lines) = (Schema::of_proto(), Names::default(), Vec::new());
        let stack = layout::STACK_TOP - 8;
        let faults = [
            touched(7, 0x20_1000, access::WRITE),
            touched(7, 0x20_2000, access::WRITE),
            touched(7, 0x20_3000, access::WRITE | access::PRESENT),
            touched(7, stack, access::WRITE),
            touched(7, stack - 8192, access::WRITE),
            touched(8, stack, access::WRITE),
            touched(server_id::VFS.0, stack, access::WRITE),
        ];
        for span in &faults {
            tree(&schema, span, &Style::STABLE, &mut names, &mut lines);
        }
        let all = [
            "p1 > mem.fault(write, image) = resumed",
            "p1 > mem.fault(write of a protected page, image) = resumed",
            "p1 > mem.fault(write, stack) = resumed",
            "p2 > mem.fault(write, stack) = resumed",
        ];
        assert_eq!(lines, all);
    }

    #[test]
    fn a_filter_shows_only_one_servers_messages() {
        let style = Style {
            server: Some("mem".into()),
            ..Style::FULL
        };
        let mut lines = Vec::new();
        tree(
            &Schema::of_proto(),
            &opened(),
            &style,
            &mut Names::default(),
            &mut lines,
        );
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("vfs > mem."));
    }

    #[test]
    fn a_chart_has_arrows_there_and_back() {
        let chart = mermaid(&Schema::of_proto(), &[opened()], Numbers::Stable);
        assert!(
            !chart.contains("Brk"),
            "depends on what the server did before"
        );
        assert!(
            chart.contains("p1->>vfs: Open directory=-100, flags=0, mode=0, '/a'"),
            "{chart}"
        );
        assert!(chart.contains("vfs-->>p1: Descriptor(3)"));
    }
}
