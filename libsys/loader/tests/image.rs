//! What the planner owes: sound plans for good files, `ENOEXEC` and never a panic for others.

use abi::Errno;
use loader::{Calls, FileAt, PIE_BASE, plan};
use proptest::prelude::*;
use proto::mem::{ObjectId, Segment};

const FILE: FileAt = FileAt {
    object: ObjectId(7),
    offset: 0x10_000,
    bytes: 0x3000,
};
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const LOAD: u32 = 1;
const INTERP: u32 = 3;
const R: u32 = 4;
const W: u32 = 2;
const X: u32 = 1;

/// A program header: kind, flags, offset, address, bytes in the file, bytes in memory.
type Header = (u32, u32, u64, u64, u64, u64);

const TEXT: Header = (LOAD, R | X, 0, 0x20_0000, 0x1000, 0x1000);
const DATA: Header = (LOAD, R | W, 0x1800, 0x20_1800, 0x100, 0x2000);

fn file(kind: u16, entry: u64, headers: &[Header]) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend(kind.to_le_bytes());
    bytes.extend(183u16.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    for word in [entry, 64, 0] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(0u32.to_le_bytes());
    for half in [64, 56, headers.len() as u16, 64, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    for &(kind, flags, offset, address, file_bytes, bytes_in_memory) in headers {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        for word in [
            offset,
            address,
            address,
            file_bytes,
            bytes_in_memory,
            0x1000,
        ] {
            bytes.extend(word.to_le_bytes());
        }
    }
    bytes
}

fn refused(headers: &[Header]) {
    assert_eq!(
        plan(&file(ET_EXEC, 0x20_0040, headers), FILE, 0),
        Err(Errno::ENOEXEC),
        "{headers:x?}"
    );
}

#[test]
fn a_static_program_is_mapped_where_it_says() {
    let plan = plan(&file(ET_EXEC, 0x20_0040, &[TEXT, DATA]), FILE, PIE_BASE).expect("a good file");
    assert_eq!(
        (plan.entry, plan.bias, plan.heap),
        (0x20_0040, 0, 0x20_4000)
    );
    assert_eq!((plan.headers, plan.header_count), (0x20_0040, 2));
    assert_eq!(plan.interpreter, None);
    let text = Segment {
        address: 0x20_0000,
        bytes: 0x1000,
        object: ObjectId(7),
        offset: 0x10_000,
        file_bytes: 0x1000,
        prot: 5,
    };
    let data = Segment {
        address: 0x20_1800,
        bytes: 0x2000,
        object: ObjectId(7),
        offset: 0x11_800,
        file_bytes: 0x100,
        prot: 3,
    };
    assert_eq!(plan.segments, [text, data]);
}

#[test]
fn a_position_independent_program_is_moved_by_the_bias() {
    let headers = [(LOAD, R | X, 0, 0, 0x1000, 0x1000)];
    let plan = plan(&file(ET_DYN, 0x80, &headers), FILE, PIE_BASE).expect("a good file");
    assert_eq!((plan.entry, plan.bias), (PIE_BASE + 0x80, PIE_BASE));
    assert_eq!(
        (plan.segments[0].address, plan.headers),
        (PIE_BASE, PIE_BASE + 64)
    );
}

#[test]
fn the_interpreter_is_reported() {
    let mut bytes = file(
        ET_DYN,
        0x80,
        &[
            (INTERP, R, 0xb0, 0xb0, 8, 8),
            (LOAD, R | X, 0, 0, 0x1000, 0x1000),
        ],
    );
    bytes.resize(0xb0, 0);
    bytes.extend(b"/lib/ld\0");
    let plan = plan(&bytes, FILE, PIE_BASE).expect("a good file");
    assert_eq!(plan.interpreter.as_deref(), Some(&b"/lib/ld"[..]));
}

#[test]
fn contradictions_in_segments_are_refused() {
    refused(&[]);
    refused(&[DATA, TEXT]);
    refused(&[TEXT, (LOAD, R | W, 0xf00, 0x20_0f00, 0x100, 0x100)]);
    refused(&[(LOAD, R | X, 0x10, 0x20_0000, 0x1000, 0x1000)]);
    refused(&[(LOAD, R | X, 0, 0x20_0000, 0x1000, 0xfff)]);
    refused(&[(LOAD, R | X, 0, 0x20_0000, 0x3001, 0x4000)]);
    refused(&[(LOAD, R | X, u64::MAX - 0xfff, 0x20_0000, 0x1000, 0x1000)]);
    refused(&[TEXT, (LOAD, R, 0, u64::MAX - 0xfff, 0x1000, 0x1000)]);
    refused(&[TEXT, (LOAD, R, 0, 0x3fff_0000, 0x1000, 0x1000)]);
    refused(&[(LOAD, R, 0, 0x20_0000, 0x1000, 0x1000)]);
    refused(&[(LOAD, R | X, 0, 0, 0x1000, 0x1000)]);
}

#[test]
fn a_file_cut_anywhere_before_its_headers_end_is_refused() {
    let good = file(ET_EXEC, 0x20_0040, &[TEXT, DATA]);
    for bytes in 0..good.len() {
        assert_eq!(
            plan(&good[..bytes], FILE, 0),
            Err(Errno::ENOEXEC),
            "{bytes} bytes"
        );
    }
}

#[test]
fn programs_for_other_machines_are_refused() {
    for (at, value) in [(4, 1), (5, 2), (18, 62), (16, 1), (54, 32)] {
        let mut bytes = file(ET_EXEC, 0x20_0040, &[TEXT, DATA]);
        bytes[at] = value;
        assert_eq!(plan(&bytes, FILE, 0), Err(Errno::ENOEXEC), "byte {at}");
    }
}

fn header() -> impl Strategy<Value = Header> {
    let number = || prop_oneof![0u64..0x5000, 0x20_0000u64..0x20_8000, any::<u64>()];
    (0u32..4, 0u32..8, number(), number(), number(), number())
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), bias: u64) {
        let _ = plan(&bytes, FILE, bias);
        let _ = loader::script(&bytes);
    }

    #[test]
    fn every_plan_is_safe_to_carry_out(
        headers in proptest::collection::vec(header(), 0..6), kind in 2u16..4, entry: u64, at: usize, byte: u8, bias: u64,
    ) {
        let mut bytes = file(kind, entry, &headers);
        let at = at % bytes.len();
        bytes[at] ^= byte;
        let Ok(plan) = plan(&bytes, FILE, bias) else { return Ok(()) };
        let mut above = 0x1000;
        for segment in &plan.segments {
            prop_assert!(segment.address >= above && segment.file_bytes <= segment.bytes);
            prop_assert!(segment.prot & 6 != 6);
            prop_assert!(segment.offset - FILE.offset + segment.file_bytes <= FILE.bytes);
            prop_assert_eq!(segment.offset % 4096, segment.address % 4096);
            above = (segment.address + segment.bytes).next_multiple_of(4096);
        }
        prop_assert!(above <= abi::layout::USER_END);
    }
}

#[test]
fn a_segment_of_zeros_alone_may_name_a_place_behind_the_file() {
    let zeros = (LOAD, R | W, 0xf_f800, 0x20_1800, 0, 0x2000);
    assert!(plan(&file(ET_EXEC, 0x20_0040, &[TEXT, zeros]), FILE, 0).is_ok());
}

#[test]
fn a_program_without_our_mark_is_one_of_linux() {
    let mark = (abi::layout::NATIVE_HEADER, 0, 0, 0, 0, 0);
    let calls = |headers: &[Header]| {
        plan(&file(ET_EXEC, 0x20_0040, headers), FILE, 0).map(|plan| plan.calls)
    };
    assert_eq!(calls(&[TEXT, DATA]), Ok(Calls::Linux));
    assert_eq!(calls(&[TEXT, DATA, mark]), Ok(Calls::Native));
}
