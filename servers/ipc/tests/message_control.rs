//! What `msgctl` shows, byte by byte.

mod common;

use common::*;
use proto::ipc::{Reply, Request};

fn queue(system: &mut System) -> i32 {
    system
        .number(
            1,
            Request::MessageGet {
                key: 7,
                flags: CREAT | 0o600,
            },
        )
        .unwrap()
}

fn send(system: &mut System, id: i32, kind: i64, text: &[u8]) {
    let request = Request::MessageSend { id, kind, flags: 0 };
    assert_eq!(system.ask(1, request, text.to_vec()), Ok(Reply::Done));
}

#[test]
fn status_has_linuxs_layout() {
    let mut system = System::new();
    let id = queue(&mut system);
    system.world.now_ns = 5_000_000_000;
    send(&mut system, id, 1, b"hello");
    send(&mut system, id, 1, b"you");
    system.world.now_ns = 6_000_000_000;
    system.send(
        2,
        Request::MessageReceive {
            id,
            kind: 0,
            flags: 0,
        },
        vec![0; 100],
    );
    let (_, bytes) = system
        .ask_for(1, Request::MessageControl { id, command: 2 }, 120)
        .unwrap();
    let mut expected = Vec::new();
    for word in [7u32, 1000, 1000, 1000, 1000, 0o600, 0, 0, 0, 0, 0, 0] {
        expected.extend(word.to_le_bytes());
    }
    for long in [1_000_005u64, 1_000_006, 1_000_000, 3, 1, 16384] {
        expected.extend(long.to_le_bytes());
    }
    for word in [1u32, 2, 0, 0, 0, 0] {
        expected.extend(word.to_le_bytes());
    }
    assert_eq!(bytes, expected);
    let (reply, by_index) = system
        .ask_for(1, Request::MessageControl { id: 0, command: 11 }, 120)
        .unwrap();
    assert_eq!((reply, by_index), (Reply::Value(id), expected));
}

#[test]
fn limits_are_told() {
    let mut system = System::new();
    let id = queue(&mut system);
    send(&mut system, id, 1, b"hello");
    let mut info = |command| {
        let (reply, bytes) = system
            .ask_for(1, Request::MessageControl { id: 0, command }, 32)
            .unwrap();
        assert_eq!(reply, Reply::Value(0));
        bytes
            .chunks(4)
            .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        info(3),
        [16384, 16384, 8192, 16384, 1024, 16, 16384, 0xffff]
    );
    assert_eq!(info(12), [1, 1, 8192, 16384, 1024, 16, 5, 0xffff]);
}
