//! Semaphores with undo against a small model: random arrays, ends of processes, restarts.

mod common;

use abi::Token;
use common::*;
use proptest::prelude::*;
use proto::{
    ipc::{Reply, Request},
    port::TokenState,
};

const UNDO: u16 = 0x1000;
const GETVAL: u32 = 12;
const DONE: Option<Result<Reply>> = Some(Ok(Reply::Done));

fn set(system: &mut System) -> i32 {
    system
        .number(
            1,
            Request::SemaphoreGet {
                key: 7,
                count: 3,
                flags: CREAT | 0o600,
            },
        )
        .unwrap()
}

fn operate(system: &mut System, pid: u32, id: i32, operations: &[Sembuf]) -> Token {
    let request = Request::SemaphoreOperate {
        id,
        timeout_ns: NO_TIMEOUT,
    };
    system.send(pid, request, buffer(operations))
}

fn value(system: &mut System, id: i32, index: u32) -> i32 {
    let request = Request::SemaphoreControl {
        id,
        index,
        command: GETVAL,
        value: 0,
    };
    system.number(1, request).unwrap()
}

/// A step of the property test: a process does one array, or ends.
#[derive(Clone, Debug)]
enum Step {
    Operate(u32, Vec<Sembuf>),
    Exit(u32),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let operation = (0u16..3, -3i16..4, proptest::bool::ANY);
    let operation =
        operation.prop_map(|(index, change, undo)| (index, change, if undo { UNDO } else { 0 }));
    let step = prop_oneof![
        8 => (1u32..6, proptest::collection::vec(operation, 1..4)).prop_map(|(pid, o)| Step::Operate(pid, o)),
        1 => (1u32..6).prop_map(Step::Exit),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 0..60)
}

#[derive(Default)]
struct Model {
    values: [i32; 3],
    undo: std::collections::BTreeMap<u32, [i32; 3]>,
    waiting: Vec<(Token, u32, Vec<Sembuf>)>,
}

impl Model {
    fn attempt(&mut self, pid: u32, operations: &[(u16, i16, u16)]) -> bool {
        let (mut values, mut undo) = (
            self.values,
            self.undo.get(&pid).copied().unwrap_or_default(),
        );
        for &(index, change, flags) in operations {
            let value = &mut values[index as usize];
            if change == 0 && *value != 0 || *value + i32::from(change) < 0 {
                return false;
            }
            *value += i32::from(change);
            if flags != 0 {
                undo[index as usize] -= i32::from(change);
            }
        }
        self.values = values;
        self.undo.insert(pid, undo);
        true
    }

    /// Lets waiters go on; returns those that did.
    fn advance(&mut self) -> Vec<Token> {
        let mut woken = Vec::new();
        'again: loop {
            for alters in [false, true] {
                for at in 0..self.waiting.len() {
                    let (token, pid, operations) = self.waiting[at].clone();
                    let changes = operations.iter().any(|operation| operation.1 != 0);
                    if changes == alters && self.attempt(pid, &operations) {
                        self.waiting.remove(at);
                        woken.push(token);
                        continue 'again;
                    }
                }
            }
            return woken;
        }
    }
}

proptest! {
    #[test]
    fn values_waits_and_undo_are_those_of_a_small_model(steps in steps()) {
        let mut system = System::new();
        let id = set(&mut system);
        let mut model = Model::default();
        for step in steps {
            let mut done = Vec::new();
            match step {
                Step::Operate(pid, operations) => {
                    let token = operate(&mut system, pid, id, &operations);
                    if model.attempt(pid, &operations) {
                        done.push(token);
                    } else {
                        model.waiting.push((token, pid, operations));
                    }
                }
                Step::Exit(pid) => {
                    let dead = model.waiting.extract_if(.., |waiter| waiter.1 == pid);
                    let dead: Vec<Token> = dead.map(|waiter| waiter.0).collect();
                    for token in dead {
                        system.cancel(token, TokenState::Gone);
                    }
                    system.exit(pid, false);
                    let undo = model.undo.remove(&pid).unwrap_or_default();
                    for (value, undo) in model.values.iter_mut().zip(undo) {
                        *value = (*value + undo).max(0);
                    }
                }
                Step::Restart => system.restart(),
            }
            done.extend(model.advance());
            for token in done {
                prop_assert_eq!(system.answer(token), DONE);
            }
            for (token, ..) in &model.waiting {
                prop_assert_eq!(system.answer(*token), None);
            }
            for index in 0..3 {
                prop_assert_eq!(value(&mut system, id, index), model.values[index as usize]);
            }
        }
        for pid in 1..6 {
            prop_assert_eq!(
                system.ipc.has_state(proto::Pid(pid)),
                model.undo.get(&pid).is_some_and(|undo| *undo != [0; 3])
            );
            prop_assert!(
                !system.ipc.has_state(proto::Pid(pid)) || system.world.noted.contains(&pid)
            );
        }
    }
}
