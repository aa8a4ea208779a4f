//! Tables of expansions over a fake host.

use proptest::prelude::*;
use shell::{
    ast::{Bytes, Command, Script},
    expand::{self, Failure, Host, arith, pattern},
    parse::parse,
};
use std::collections::BTreeMap;

#[derive(Default)]
struct Fake {
    variables: BTreeMap<Bytes, Bytes>,
    positional: Vec<Bytes>,
}

const FILES: [&str; 7] = ["a.c", "b.c", "b.h", ".hidden", "dir", "x[y]", "z"];

impl Host for Fake {
    fn get(&mut self, name: &[u8]) -> Option<Bytes> {
        self.variables.get(name).cloned()
    }
    fn set(&mut self, name: &[u8], value: Bytes) -> Result<(), Failure> {
        self.variables.insert(name.to_vec(), value);
        Ok(())
    }
    fn special(&mut self, name: &[u8]) -> Option<Bytes> {
        Some(if name == b"#" {
            self.positional.len().to_string().into_bytes()
        } else {
            b"0".to_vec()
        })
    }
    fn positional(&self) -> &[Bytes] {
        &self.positional
    }
    fn substitute(&mut self, _: &Script) -> Result<Bytes, Failure> {
        Ok(b"out  put\n\n".to_vec())
    }
    fn list(&mut self, directory: &[u8]) -> Vec<Bytes> {
        match directory {
            b"." | b"/" => FILES.iter().map(|name| name.as_bytes().to_vec()).collect(),
            b"dir/" => vec![b"one".to_vec(), b"two".to_vec()],
            _ => Vec::new(),
        }
    }
    fn exists(&mut self, path: &[u8]) -> bool {
        path != b"dir/none"
    }
    fn home_of(&mut self, user: &[u8]) -> Option<Bytes> {
        (user == b"root").then(|| b"/root".to_vec())
    }
}

fn host() -> Fake {
    let mut host = Fake::default();
    for (name, value) in [
        ("x", "val"),
        ("sp", " a  b "),
        ("e", ""),
        ("star", "*.c"),
        ("HOME", "/home/me"),
        ("n", "12"),
        ("path", "/usr/lib/libc.so.6"),
        ("colon", "a:b::c"),
    ] {
        host.variables.insert(name.into(), value.into());
    }
    host.positional = vec![b"p 1".to_vec(), b"p2".to_vec()];
    host
}

fn expand(host: &mut Fake, text: &str) -> Result<Vec<String>, Failure> {
    let script = parse(format!("cmd {text}").as_bytes()).unwrap();
    let Command::Simple(simple) = &script.0[0].list.first.commands[0] else {
        panic!()
    };
    let fields = expand::words(host, &simple.words[1..])?;
    Ok(fields
        .into_iter()
        .map(|field| String::from_utf8(field).unwrap())
        .collect())
}

const TABLE: &[(&str, &[&str])] = &[
    ("$x", &["val"]),
    ("${x}y", &["valy"]),
    ("\"$x\"'$x'", &["val$x"]),
    ("$sp", &["a", "b"]),
    ("\"$sp\"", &[" a  b "]),
    ("1$sp.2", &["1", "a", "b", ".2"]),
    ("$e", &[]),
    ("\"$e\"", &[""]),
    ("''", &[""]),
    ("$nothing", &[]),
    ("x$nothing", &["x"]),
    ("${e:-d} ${e-d} ${u:-d} ${u-d}", &["d", "d", "d"]),
    ("${x:+alt} ${e:+alt} ${e+alt} ${u+alt}", &["alt", "alt"]),
    ("${u:-\"a b\"} ${u:-a b}", &["a b", "a", "b"]),
    ("\"${u:-a b}\"", &["a b"]),
    ("${u:-$x} ${u:-${e:-deep}}", &["val", "deep"]),
    ("${new:=made} $new", &["made", "made"]),
    ("${#x} ${#e} ${#}", &["3", "0", "2"]),
    (
        "${path#/*/} ${path##*/} ${path%.*} ${path%%.*}",
        &[
            "lib/libc.so.6",
            "libc.so.6",
            "/usr/lib/libc.so",
            "/usr/lib/libc",
        ],
    ),
    ("${path%'.6'} ${x%%l*}", &["/usr/lib/libc.so", "va"]),
    ("$1 $2 $3", &["p", "1", "p2"]),
    ("\"$@\"", &["p 1", "p2"]),
    ("a\"$@\"b", &["ap 1", "p2b"]),
    ("\"$*\"", &["p 1 p2"]),
    ("$(cmd)", &["out", "put"]),
    ("\"$(cmd)\"", &["out  put"]),
    ("`cmd`", &["out", "put"]),
    ("$((1+2*3)) $((n+1)) $(( (1+2)*3 ))", &["7", "13", "9"]),
    (
        "~ ~/x ~root ~nobody a~",
        &["/home/me", "/home/me/x", "/root", "~nobody", "a~"],
    ),
    ("*.c", &["a.c", "b.c"]),
    ("'*.c' \\*.c \"*\".c", &["*.c", "*.c", "*.c"]),
    ("$star \"$star\"", &["a.c", "b.c", "*.c"]),
    ("[!a].?", &["b.c", "b.h"]),
    ("[ab].c b.[a-d]", &["a.c", "b.c", "b.c"]),
    ("*.none", &["*.none"]),
    (".h*", &[".hidden"]),
    ("dir/*", &["dir/one", "dir/two"]),
    ("di*/t*", &["dir/two"]),
    ("/[az]*", &["/a.c", "/z"]),
    ("x\\[*", &["x[y]"]),
    ("$ a$ \"$\"", &["$", "a$", "$"]),
    ("\"a\\$b\\n\\\\\"", &["a$b\\n\\"]),
    ("\"${u:-it's}\"", &["it's"]),
];

#[test]
fn words_expand_as_posix_says() {
    for (text, expected) in TABLE {
        assert_eq!(expand(&mut host(), text).unwrap(), *expected, "{text}");
    }
}

#[test]
fn fields_split_at_every_character_of_ifs() {
    let mut host = host();
    host.variables.insert(b"IFS".to_vec(), b":".to_vec());
    assert_eq!(expand(&mut host, "$colon").unwrap(), ["a", "b", "", "c"]);
    assert_eq!(expand(&mut host, "\"$*\"").unwrap(), ["p 1:p2"]);
    host.variables.insert(b"IFS".to_vec(), Vec::new());
    assert_eq!(expand(&mut host, "$sp").unwrap(), [" a  b "]);
    host.variables.insert(b"IFS".to_vec(), b" :".to_vec());
    host.variables.insert(b"v".to_vec(), b" a : b c".to_vec());
    assert_eq!(expand(&mut host, "$v").unwrap(), ["a", "b", "c"]);
}

#[test]
fn arithmetic_is_that_of_c() {
    let cases = [
        ("1+2*3-4/2", 5),
        ("7%3", 1),
        ("-7/2", -3),
        ("1<<4|1", 17),
        ("6&3^1", 3),
        ("!0+!5", 1),
        ("~0", -1),
        ("1<2 && 2<=2 && 3!=4", 1),
        ("0||0", 0),
        ("1?2:3", 2),
        ("0?2:0?4:5", 5),
        ("0x1f+010", 39),
        ("(1+2)*3", 9),
        ("y=5", 5),
        ("n+=3", 15),
        ("0 && 1/0", 0),
        ("1 || 1/0", 1),
        ("1 ? 2 : 1/0", 2),
        ("", 0),
        ("unset+1", 1),
        ("9223372036854775807+1", i64::MIN),
        ("- -3", 3),
        ("a=b=4", 4),
        ("2>1", 1),
        ("3==3", 1),
    ];
    for (text, expected) in cases {
        assert_eq!(
            arith::evaluate(&mut host(), text.as_bytes()),
            Ok(expected),
            "{text}"
        );
    }
    for text in [
        "1/0",
        "1%0",
        "1+",
        "(1",
        "1 2",
        "x",
        "09",
        "1?2",
        "=",
        "99999999999999999999",
    ] {
        assert!(
            arith::evaluate(&mut host(), text.as_bytes()).is_err(),
            "{text}"
        );
    }
    let deep = "(".repeat(50_000);
    assert!(arith::evaluate(&mut host(), deep.as_bytes()).is_err());
}

#[test]
fn patterns_fit_what_posix_says() {
    let fits = [
        ("*", ""),
        ("a*c", "abbc"),
        ("?", "x"),
        ("[a-c]x", "bx"),
        ("[!a-c]", "d"),
        ("[]]", "]"),
        ("[[:digit:]]*", "1a"),
        ("\\*", "*"),
        ("a[", "a["),
        ("*a*b*", "xxaxxbxx"),
        ("[a\\]]", "]"),
        ("[-a]", "-"),
    ];
    for (fit, text) in fits {
        assert!(
            pattern::matches(fit.as_bytes(), text.as_bytes()),
            "{fit} {text}"
        );
    }
    let misses = [
        ("", "a"),
        ("a", ""),
        ("?", ""),
        ("[!a]", "a"),
        ("a*b", "ac"),
        ("\\*", "x"),
        ("[b-a]", "b"),
    ];
    for (fit, text) in misses {
        assert!(
            !pattern::matches(fit.as_bytes(), text.as_bytes()),
            "{fit} {text}"
        );
    }
    // Many stars take no exponential time.
    assert!(!pattern::matches(
        "a*".repeat(50).as_bytes(),
        "a".repeat(49).as_bytes()
    ));
}

proptest! {
    #[test]
    fn arbitrary_patterns_never_panic(fit in "[a\\[\\]!*?:\\\\-]{0,30}", text in "[a\\]b-]{0,30}") {
        pattern::matches(fit.as_bytes(), text.as_bytes());
    }

    #[test]
    fn arbitrary_arithmetic_never_panics(text in "[0-9a-c+*/%<>=!&|^?:() -]{0,40}") {
        let _ = arith::evaluate(&mut host(), text.as_bytes());
    }
}
