//! Tests of the words.

use super::*;
use crate::{Pid, ipc, mem, proc, tty, vfs};
use field::messages;
use proptest::prelude::*;

fn round_trip<T: Words + PartialEq + core::fmt::Debug>(value: T) -> Message {
    let message = encode(&value);
    assert_eq!(decode::<T>(&message), Ok(value));
    message
}

#[test]
fn golden_words_of_a_request() {
    let request = vfs::Request::Open {
        directory: vfs::AT_FDCWD,
        flags: 0o101,
        mode: 0o644,
    };
    let message = round_trip(request);
    assert_eq!(
        message,
        Message {
            label: 0,
            words: [-100i64 as u64, 0o101, 0o644, 0, 0, 0, 0, 0]
        }
    );
}

#[test]
fn golden_labels_of_the_first_and_last_variants() {
    assert_eq!(encode(&vfs::Request::Close { fd: 3 }).label, 1);
    assert_eq!(encode(&mem::Request::Brk { end: 0 }).label, 0);
    assert_eq!(encode(&proc::Request::Fork), Message::default());
    assert_eq!(encode(&tty::Request::Unsent { line: 0 }).label, 14);
    let steal = tty::Request::Steal { line: 0, sid: 1 };
    assert_eq!(encode(&steal).label, 15);
}

#[test]
fn the_longest_messages_fit() {
    round_trip(proc::Reply::DeliverLast(proc::Delivery {
        signal: 1,
        code: -2,
        sender: 3,
        value: 4,
        handler: 5,
        flags: 6,
        restore: u64::MAX,
        restorer: 8,
    }));
    round_trip(mem::Request::MapObject {
        space: Pid(1),
        object: mem::ObjectId(2),
        offset: 3,
        address: 4,
        bytes: 5,
        prot: 6,
        flags: 7,
    });
    round_trip(mem::Reply::Statistics {
        total: 1,
        free: 2,
        kernel: 3,
        objects: 4,
        copied: 5,
        faults: 6,
    });
}

#[test]
fn an_unknown_label_is_told_from_a_bad_word() {
    let unknown = Message {
        label: 4000,
        words: [0; WORDS],
    };
    assert_eq!(decode::<vfs::Request>(&unknown), Err(WireError::Label));
    let wide = Message {
        label: 1,
        words: [u64::MAX >> 1, 0, 0, 0, 0, 0, 0, 0],
    };
    assert_eq!(decode::<vfs::Request>(&wide), Err(WireError::Range));
    assert_eq!(WireError::Label.errno(), Errno::ENOSYS);
    assert_eq!(WireError::Range.errno(), Errno::EINVAL);
}

#[test]
fn a_refusal_arrives_as_it_was_sent() {
    for refusal in [
        Refusal::Errno(Errno::ENOENT),
        Refusal::Touch {
            lease: 1,
            offset: 4096,
            done: 17,
        },
    ] {
        let message = encode_reply::<vfs::Reply>(&Err(refusal));
        assert_eq!(decode_reply::<vfs::Reply>(&message), Err(refusal));
    }
    assert_eq!(
        encode_reply::<vfs::Reply>(&Err(Errno::ENOENT.into())).label,
        0x1002
    );
}

#[test]
fn garbage_in_place_of_a_reply_is_a_protocol_error() {
    for label in [0xfff, 0x1000, 0x2001, u64::MAX] {
        let message = Message {
            label,
            words: [u64::MAX; WORDS],
        };
        assert_eq!(
            decode_reply::<vfs::Reply>(&message),
            Err(Refusal::Errno(Errno::EPROTO))
        );
    }
}

messages! {
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample {
    Nothing,
    All {
        a: bool,
        b: i8,
        c: Option<u16>,
        d: i64,
    },
    One(Pid),
    Full {
        words: u64,
        more: Option<Pid>,
    },
}
}

#[test]
fn fields_are_words_in_order_and_an_option_is_two() {
    let all = |c| Sample::All {
        a: true,
        b: -1,
        c,
        d: -9,
    };
    let message = round_trip(all(Some(7)));
    assert_eq!(message.words, [1, u64::MAX, 1, 7, -9i64 as u64, 0, 0, 0]);
    let message = round_trip(all(None));
    assert_eq!(message.words, [1, u64::MAX, 0, -9i64 as u64, 0, 0, 0, 0]);
    round_trip(Sample::Nothing);
    assert_eq!(round_trip(Sample::One(Pid(9))).label, 2);
    round_trip(Sample::Full {
        words: u64::MAX,
        more: Some(Pid(1)),
    });
}

#[test]
fn what_was_in_the_message_before_is_gone() {
    let mut message = Message {
        label: 7,
        words: [7; WORDS],
    };
    Sample::Nothing.write(&mut message);
    assert_eq!(message, Message::default());
}

proptest! {
    #[test]
    fn any_sample_comes_back(a: bool, b: i8, c: Option<u16>, d: i64) {
        round_trip(Sample::All { a, b, c, d });
    }

    #[test]
    fn any_semaphore_request_comes_back(id: i32, index: u32, command: u32, value: i32) {
        round_trip(ipc::Request::SemaphoreControl { id, index, command, value });
    }

    #[test]
    fn decoding_garbage_never_panics(label: u64, words: [u64; WORDS]) {
        for label in [label, label % 64] {
            let message = Message { label, words };
            let _ = decode::<mem::Request>(&message);
            let _ = decode::<proc::Request>(&message);
            let _ = decode_reply::<vfs::Reply>(&message);
        }
    }

    #[test]
    fn what_decodes_encodes_to_the_same_used_words(label in 0u64..64, words: [u64; WORDS]) {
        if let Ok(request) = decode::<vfs::Request>(&Message { label, words }) {
            let again = encode(&request);
            prop_assert_eq!(again.label, label);
            for (new, old) in again.words.iter().zip(words) {
                prop_assert!(*new == old || *new == 0);
            }
        }
    }
}
