//! Receives by type against a list.

mod common;

use common::*;
use proptest::prelude::*;
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

fn take(system: &mut System, id: i32, kind: i64) -> Result<(i64, Vec<u8>)> {
    let request = Request::MessageReceive {
        id,
        kind,
        flags: NOWAIT,
    };
    let token = system.send(2, request, vec![0; 100]);
    system.received(token).unwrap()
}

/// The message that `msgrcv` of this type takes from a list.
fn model_take(list: &mut Vec<(i64, Vec<u8>)>, kind: i64) -> Option<(i64, Vec<u8>)> {
    let at = match kind {
        0 => (!list.is_empty()).then_some(0),
        1.. => list.iter().position(|message| message.0 == kind),
        _ => {
            let lowest = list
                .iter()
                .map(|message| message.0)
                .filter(|k| *k <= -kind)
                .min();
            lowest.and_then(|lowest| list.iter().position(|message| message.0 == lowest))
        }
    };
    at.map(|at| list.remove(at))
}

proptest! {
    #[test]
    fn receives_take_what_a_list_would_give(
        steps in proptest::collection::vec((any::<bool>(), -4i64..5, 0usize..100), 0..80),
    ) {
        let mut system = System::new();
        let id = queue(&mut system);
        let mut model = Vec::new();
        for (number, (sends, kind, length)) in steps.into_iter().enumerate() {
            if sends {
                let (kind, text) = (kind.abs() + 1, vec![number as u8; length]);
                send(&mut system, id, kind, &text);
                model.push((kind, text));
            } else {
                let expected = model_take(&mut model, kind);
                prop_assert_eq!(take(&mut system, id, kind).ok(), expected);
            }
        }
    }
}
