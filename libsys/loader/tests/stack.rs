//! The initial stack, word by word.

use abi::Errno;
use loader::{Auxiliary, Start, argument_limit};
use proptest::prelude::*;

const TOP: u64 = 0x3fff_f000;

fn auxiliary() -> Auxiliary {
    Auxiliary {
        headers: 0x20_0040,
        header_count: 4,
        entry: 0x20_1000,
        base: 0,
        users: [1000, 0],
        groups: [100, 50],
        secure: true,
        clocks: 0x7f_f000_1000,
        features: [3, 0],
        random: *b"0123456789abcdef",
    }
}

fn strings(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Layout that Linux/AArch64 programs are compiled for.
#[test]
fn the_stack_of_a_program_has_these_words() {
    let (arguments, environment) = (strings(&["echo", "hi"]), strings(&["A=b"]));
    let start = Start {
        path: b"/bin/echo",
        arguments: &arguments,
        environment: &environment,
        auxiliary: auxiliary(),
    };
    let stack = start.stack(TOP, 1 << 17).expect("small enough");

    assert_eq!(stack.pointer % 16, 0);
    assert_eq!(stack.pointer + stack.bytes.len() as u64, TOP);
    assert_eq!(stack.pointer, 0x3fff_ee40);
    let parts = proto::publish::Start {
        stack: 0x3fff_ee40,
        auxiliary: 0x3fff_ee70,
        arguments: 0x3fff_efe2,
        environment: 0x3fff_efea,
        path: 0x3fff_efee,
    };
    assert_eq!(stack.start, parts);
    let golden = [
        2,
        0x3fff_efe2,
        0x3fff_efe7,
        0,
        0x3fff_efea,
        0, // argc, argv, envp
        33,
        0x7f_f000_1000, // AT_SYSINFO_EHDR
        51,
        5120,
        16,
        3,
        6,
        4096,
        17,
        100, // AT_MINSIGSTKSZ, HWCAP, PAGESZ, CLKTCK
        3,
        0x20_0040,
        4,
        56,
        5,
        4,
        7,
        0,
        8,
        0,
        9,
        0x20_1000, // PHDR, PHENT, PHNUM, BASE, FLAGS, ENTRY
        11,
        1000,
        12,
        0,
        13,
        100,
        14,
        50,
        23,
        1, // UID, EUID, GID, EGID, SECURE
        25,
        0x3fff_efc0,
        26,
        0,
        31,
        0x3fff_efee,
        15,
        0x3fff_efda,
        0,
        0, // RANDOM, HWCAP2, EXECFN, PLATFORM
    ];
    let words: Vec<u64> = (0..golden.len()).map(|index| word(&stack, index)).collect();
    assert_eq!(words, golden);
    let rest =
        b"0123456789abcdef\0\0\0\0\0\0\0\0\0\0aarch64\0echo\0hi\0A=b\0/bin/echo\0\0\0\0\0\0\0\0\0";
    assert_eq!(stack.bytes[8 * golden.len()..], rest[..]);
}

fn text(stack: &loader::Stack, at: u64) -> Vec<u8> {
    let start = (at - stack.pointer) as usize;
    stack.bytes[start..]
        .iter()
        .copied()
        .take_while(|&byte| byte != 0)
        .collect()
}

fn word(stack: &loader::Stack, index: usize) -> u64 {
    u64::from_le_bytes(stack.bytes[8 * index..8 * index + 8].try_into().unwrap())
}

#[test]
fn too_many_or_too_long_strings_are_refused() {
    let long = vec![vec![b'x'; 128 << 10]];
    let start = |arguments| Start {
        path: b"/a",
        arguments,
        environment: &[],
        auxiliary: auxiliary(),
    };
    assert_eq!(start(&long).stack(TOP, 2 << 20), Err(Errno::E2BIG));
    let many = vec![b"x".to_vec(); 13_107];
    assert_eq!(start(&many).stack(TOP, 128 << 10), Err(Errno::E2BIG));
    assert!(start(&many[1..]).stack(TOP, 128 << 10).is_ok());
    assert_eq!(
        start(&[b"a\0b".to_vec()]).stack(TOP, 128 << 10),
        Err(Errno::EINVAL)
    );
}

#[test]
fn the_limit_is_a_quarter_of_the_stack_within_bounds() {
    assert_eq!(argument_limit(8 << 20), 2 << 20);
    assert_eq!(argument_limit(1 << 20), 256 << 10);
    assert_eq!(argument_limit(0), 128 << 10);
    assert_eq!(argument_limit(u64::MAX), 2 << 20);
}

fn list() -> impl Strategy<Value = Vec<Vec<u8>>> {
    proptest::collection::vec(proptest::collection::vec(1u8.., 0..40), 0..20)
}

proptest! {
    #[test]
    fn every_string_arrives_exactly_as_given(arguments in list(), environment in list()) {
        let start = Start { path: b"/bin/x", arguments: &arguments, environment: &environment, auxiliary: auxiliary() };
        let stack = start.stack(TOP, 1 << 17).expect("small enough");
        prop_assert_eq!(stack.pointer % 16, 0);
        prop_assert_eq!(word(&stack, 0), arguments.len() as u64);
        let mut index = 1;
        for list in [&arguments, &environment] {
            for expected in list {
                prop_assert_eq!(&text(&stack, word(&stack, index)), expected);
                index += 1;
            }
            prop_assert_eq!(word(&stack, index), 0);
            index += 1;
        }
        while word(&stack, index) != 0 {
            match word(&stack, index) {
                25 => prop_assert_eq!(text(&stack, word(&stack, index + 1))[..16].to_vec(), b"0123456789abcdef"),
                31 => prop_assert_eq!(text(&stack, word(&stack, index + 1)), b"/bin/x"),
                15 => prop_assert_eq!(text(&stack, word(&stack, index + 1)), b"aarch64"),
                _ => {}
            }
            index += 2;
        }
    }
}
