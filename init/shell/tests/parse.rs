//! Golden trees, and that nothing makes the parser panic.

use proptest::prelude::*;
use shell::{
    ast::{Command, Part, Target, Word},
    parse::{Error, is_binary, parse},
};

fn simple(source: &str) -> shell::ast::Simple {
    let script = parse(source.as_bytes()).unwrap();
    match script
        .0
        .into_iter()
        .next()
        .unwrap()
        .list
        .first
        .commands
        .into_iter()
        .next()
        .unwrap()
    {
        Command::Simple(simple) => simple,
        other => panic!("not simple: {other:?}"),
    }
}

#[test]
fn words_have_their_quotes_as_parts() {
    let words = simple("a'b'\"c$d\"").words;
    let [Word(parts)] = words.as_slice() else {
        panic!("{words:?}")
    };
    assert_eq!(parts[0], Part::Literal(b"a".to_vec()));
    assert_eq!(parts[1], Part::Quoted(b"b".to_vec()));
    let Part::Double(inner) = &parts[2] else {
        panic!("{parts:?}")
    };
    assert_eq!(inner[0], Part::Quoted(b"c".to_vec()));
    assert!(matches!(&inner[1], Part::Parameter(parameter) if parameter.name == b"d"));
}

#[test]
fn redirections_know_their_descriptor() {
    let redirects = simple("a <i >o >>p 2>e 2>&1 3<>f 4<&- >|c").redirects;
    let fds: Vec<u32> = redirects.iter().map(|redirect| redirect.fd).collect();
    assert_eq!(fds, [0, 1, 1, 2, 2, 3, 4, 1]);
    assert_eq!(redirects[0].target, Target::Read(Word::literal(b"i")));
    assert_eq!(redirects[4].target, Target::Duplicate(Word::literal(b"1")));
    assert_eq!(redirects[5].target, Target::ReadWrite(Word::literal(b"f")));
    assert_eq!(redirects[6].target, Target::Duplicate(Word::literal(b"-")));
}

#[test]
fn assignments_come_only_before_the_name() {
    let command = simple("a=1 b=$x c d=2");
    let names: Vec<&[u8]> = command
        .assignments
        .iter()
        .map(|(name, _)| name.as_slice())
        .collect();
    assert_eq!(names, [b"a", b"b"]);
    assert_eq!(command.words.len(), 2);
}

#[test]
fn a_job_keeps_its_text() {
    let script = parse(b"sleep 5 | cat  & echo x").unwrap();
    assert_eq!(script.0[0].text, b"sleep 5 | cat");
    assert_eq!(script.0[1].text, b"echo x");
}

#[test]
fn unfinished_text_is_told_from_wrong_text() {
    let unfinished = [
        "if true",
        "if true; then a",
        "while a; do",
        "for i in 1 2",
        "case x in",
        "case x in a) b",
        "( a",
        "{ a;",
        "'abc",
        "\"abc",
        "$(",
        "echo $(a",
        "${x",
        "`a",
        "a &&",
        "a |",
        "cat <<E\nabc",
        "$((1+",
        "f() {",
        "f()",
        "!",
    ];
    for source in unfinished {
        assert_eq!(parse(source.as_bytes()), Err(Error::Incomplete), "{source}");
    }
    let wrong = [
        ")",
        "a )",
        ";",
        "fi",
        "if ;",
        "a | | b",
        "a && && b",
        "do",
        "done",
        "}",
        "<\n",
        "for 1 in a; do b; done",
        "a ;; b",
        "${x!}",
        "f() a",
        "echo (a)",
        "a & & b",
        "`if`",
        "\0",
    ];
    for source in wrong {
        assert!(
            matches!(parse(source.as_bytes()), Err(Error::Syntax(_))),
            "{source}: {:?}",
            parse(source.as_bytes())
        );
    }
}

#[test]
fn deep_nesting_is_refused_and_does_not_exhaust_the_stack() {
    for open in [
        "(",
        "$(",
        "{ ",
        "`\\`",
        "${x:-",
        "\"$(",
        "$((",
        "if ",
        "while ",
        "! ",
        "f() (",
        "case x in a) ",
    ] {
        let source = open.repeat(20_000);
        assert!(parse(source.as_bytes()).is_err(), "{open}");
    }
}

#[test]
fn comments_and_empty_lines_are_nothing() {
    assert_eq!(parse(b"\n\n # only a comment\n  \n").unwrap().0.len(), 0);
    assert_eq!(parse(b"a # b ; c\n# d\ne").unwrap().0.len(), 2);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(source in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&source);
    }

    #[test]
    fn arbitrary_shell_characters_never_panic(source in "[a-c$(){}\\[\\]`'\"\\\\|&;<>!#*?~=:+%/ \n0-9-]{0,120}") {
        let _ = parse(source.as_bytes());
    }

    #[test]
    fn arbitrary_shell_words_never_panic(words in proptest::collection::vec(
        proptest::sample::select(vec!["if", "then", "fi", "do", "done", "while", "for", "in", "case", "esac", "{", "}",
            "(", ")", ";", ";;", "&", "&&", "|", "\n", "a", "x=1", "<<E", "E", "$(", "`", "\"", "'", "$((", "))", "${x", "!"]), 0..40)) {
        let _ = parse(words.join(" ").as_bytes());
    }
}

#[test]
fn a_program_or_a_first_line_with_a_zero_byte_is_no_script() {
    assert!(is_binary(b"\x7fELF garbage"));
    assert!(is_binary(b"echo\0a\n"));
    assert!(!is_binary(b"echo a\n\0behind the first line"));
    assert!(!is_binary(b""));
    assert!(!is_binary(b"ELF\n"));
}
