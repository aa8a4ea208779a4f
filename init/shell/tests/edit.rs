//! The line editor: keys in, line and screen out.

mod fake;

use proptest::prelude::*;
use shell::edit::{Completer, Completion, Editor, History, Outcome};

struct Names(&'static [&'static str]);

impl Completer for Names {
    fn complete(&mut self, before_cursor: &[u8]) -> Completion {
        let start = before_cursor
            .iter()
            .rposition(|byte| *byte == b' ')
            .map_or(0, |at| at + 1);
        let fits = |name: &&&str| name.as_bytes().starts_with(&before_cursor[start..]);
        let candidates = self
            .0
            .iter()
            .filter(fits)
            .map(|name| name.as_bytes().to_vec())
            .collect();
        Completion { start, candidates }
    }
}

fn type_with(keys: &[u8], history: &mut History) -> (Outcome, Vec<u8>) {
    let mut editor = Editor::new(b"$ ", 40);
    let mut output = Vec::new();
    let mut outcome = Outcome::More;
    for key in keys {
        outcome = editor.feed(
            *key,
            history,
            &mut Names(&["cat", "catalog", "dir/", "my file"]),
            &mut output,
        );
    }
    (outcome, output)
}

fn line(keys: &[u8]) -> String {
    match type_with(keys, &mut History::default()).0 {
        Outcome::Line(line) => String::from_utf8(line).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_edit_the_line() {
    let table: &[(&[u8], &str)] = &[
        (b"abc\r", "abc"),
        (b"abc\x7f\x7fx\r", "ax"),
        (b"bc\x01a\x05d\r", "abcd"),
        (b"ac\x1b[Db\r", "abc"),
        (b"ac\x1b[D\x1b[Cb\r", "acb"),
        (b"abc\x1b[H\x1b[3~\r", "bc"),
        (b"abc\x01\x04\r", "bc"),
        (b"bc\x1b[1~a\x1b[4~d\x1bOHx\x1bOFy\r", "xabcdy"),
        (b"one two\x17three\r", "one three"),
        (b"one two\x15x\r", "x"),
        (b"one two\x01\x0bx\r", "x"),
        (b"ab\x15c\x19\r", "cab"),
        ("äö\x7fx\x1b[Dy\r".as_bytes(), "äyx"),
        (b"a\x00\x07b\x1b[99~c\r", "abc"),
        (b"catal\t\r", "catalog "),
        (b"c\t\r", "cat"),
        (b"d\tx\r", "dir/x"),
        (b"m\t\r", "my\\ file "),
        (b"zz\t\r", "zz"),
    ];
    for (keys, expected) in table {
        assert_eq!(line(keys), *expected, "{:?}", String::from_utf8_lossy(keys));
    }
}

#[test]
fn control_d_ends_only_an_empty_line() {
    assert_eq!(type_with(b"\x04", &mut History::default()).0, Outcome::End);
    assert_eq!(
        type_with(b"a\x04", &mut History::default()).0,
        Outcome::More
    );
    assert_eq!(
        type_with(b"abc\x03", &mut History::default()).0,
        Outcome::Interrupted
    );
}

#[test]
fn history_goes_up_and_down_and_keeps_the_new_line() {
    let mut history = History::default();
    ["first", "second", "second", " "]
        .iter()
        .for_each(|text| history.add(text.as_bytes()));
    assert_eq!(history.lines().len(), 2);
    let table: &[(&[u8], &str)] = &[
        (b"\x1b[A\r", "second"),
        (b"\x1b[A\x1b[A\x1b[A\r", "first"),
        (b"dra\x1b[A\x1b[Bft\r", "draft"),
        (b"\x10\x10\x0e\r", "second"),
        (b"\x12fir\r", "first"),
        (b"\x12s\x12\r", "first"),
    ];
    for (keys, expected) in table {
        let outcome = type_with(keys, &mut history.clone()).0;
        assert_eq!(
            outcome,
            Outcome::Line(expected.as_bytes().to_vec()),
            "{keys:?}"
        );
    }
}

#[test]
fn typing_at_the_end_writes_only_what_is_typed() {
    let (_, output) = type_with(b"abc", &mut History::default());
    assert_eq!(output, b"abc");
    let (_, output) = type_with(b"ab\x7f", &mut History::default());
    assert_eq!(output, b"ab\r$ a\x1b[K");
    let (_, output) = type_with(b"ab\x02", &mut History::default());
    assert_eq!(output, b"ab\r$ ab\x1b[K\x1b[1D");
}

#[test]
fn ambiguous_completion_lists_the_names() {
    let (_, output) = type_with(b"cat\t", &mut History::default());
    let text = String::from_utf8(output).unwrap();
    assert!(
        text.contains("\r\ncat      catalog  \r\n\r$ cat"),
        "{text:?}"
    );
}

#[test]
fn the_shell_completes_commands_files_and_variables() {
    let mut shell = fake::shell(&[
        ("/dir/file one", ""),
        ("/dir/file two", ""),
        ("/other", ""),
        ("/bin/cat", ""),
    ]);
    let mut complete = |text: &str| {
        let Completion { start, candidates } = shell.complete(text.as_bytes());
        (
            start,
            candidates
                .into_iter()
                .map(|name| String::from_utf8(name).unwrap())
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(complete("ech"), (0, vec!["echo".into()]));
    assert_eq!(complete("cat ot"), (4, vec!["other".into()]));
    assert_eq!(complete("cat di"), (4, vec!["dir/".into()]));
    assert_eq!(
        complete("cat dir/file\\ o"),
        (4, vec!["dir/file one".into()])
    );
    assert_eq!(complete("a | unali"), (4, vec!["unalias".into()]));
    assert_eq!(complete("echo $HO"), (5, vec!["$HOME".into()]));
}

proptest! {
    #[test]
    fn arbitrary_keys_never_panic(keys in proptest::collection::vec(any::<u8>(), 0..300)) {
        type_with(&keys, &mut History::default());
    }

    #[test]
    fn arbitrary_editing_keys_never_panic(keys in proptest::collection::vec(proptest::sample::select(
        vec![b"a".as_slice(), " ö".as_bytes(), b"\x01", b"\x05", b"\x0b", b"\x15", b"\x17", b"\x19", b"\x7f", b"\x04",
            b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[3~", b"\t", b"\x12", b"\r", b"\x1bb", b"\x1bf"]), 0..120)) {
        type_with(&keys.concat(), &mut History::default());
    }
}
