//! A successor goes on where the server stopped: whatever happens, and whenever it takes over, all
//! callers are answered as by a server that was never replaced.

mod common;

use common::*;
use proptest::prelude::*;
use proto::handover::save;
use proto::ipc::Request;
use proto::port::TokenState;

const QUEUES: i32 = 2;

/// One step; `who` is a process.
#[derive(Clone, Debug)]
enum Step {
    Send {
        who: u32,
        queue: i32,
        kind: i64,
        length: usize,
    },
    Receive {
        who: u32,
        queue: i32,
        kind: i64,
    },
    Operate {
        who: u32,
        list: Vec<(u16, i16, bool)>,
        timed: bool,
    },
    Attach {
        who: u32,
    },
    Interrupt {
        who: u32,
    },
    Die {
        who: u32,
    },
    Pass,
    Remove {
        queue: i32,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (who, queue) = (1u32..8, 0..QUEUES);
    prop_oneof![
        4 => (who.clone(), queue.clone(), 1i64..4, 0usize..9000)
            .prop_map(|(who, queue, kind, length)| Step::Send { who, queue, kind, length }),
        4 => (who.clone(), queue.clone(), -3i64..4)
            .prop_map(|(who, queue, kind)| Step::Receive { who, queue, kind }),
        6 => (who.clone(), prop::collection::vec((0u16..2, -2i16..3, any::<bool>()), 1..3), any::<bool>())
            .prop_map(|(who, list, timed)| Step::Operate { who, list, timed }),
        1 => who.clone().prop_map(|who| Step::Attach { who }),
        1 => who.clone().prop_map(|who| Step::Interrupt { who }),
        1 => who.prop_map(|who| Step::Die { who }),
        1 => Just(Step::Pass),
        1 => queue.prop_map(|queue| Step::Remove { queue }),
    ]
}

/// A caller's answer and memory.
type Seen<'a> = (abi::Token, Option<Result<proto::ipc::Reply>>, &'a [u8]);

/// A system, its objects, and what each process sent last.
struct Run {
    system: System,
    queues: Vec<i32>,
    set: i32,
    segment: i32,
    latest: std::collections::BTreeMap<u32, abi::Token>,
}

impl Run {
    fn new() -> Self {
        let mut system = System::new();
        let flags = CREAT | 0o600;
        let queues = (0..QUEUES).map(|_| system.number(1, Request::MessageGet { key: 0, flags }));
        let queues = queues.map(|id| id.unwrap()).collect();
        let set = Request::SemaphoreGet {
            key: 0,
            count: 2,
            flags,
        };
        let segment = Request::SharedGet {
            key: 0,
            bytes: 4096,
            flags,
        };
        let set = system.number(1, set).unwrap();
        let segment = system.number(1, segment).unwrap();
        let latest = Default::default();
        Run {
            system,
            queues,
            set,
            segment,
            latest,
        }
    }

    fn is_waiting(&self, who: u32) -> bool {
        let token = self.latest.get(&who);
        token.is_some_and(|token| self.system.answer(*token).is_none())
    }

    fn send(&mut self, who: u32, request: Request, memory: Vec<u8>) {
        if !self.is_waiting(who) {
            let token = self.system.send(who, request, memory);
            self.latest.insert(who, token);
        }
    }

    fn carry_out(&mut self, step: &Step) {
        match step.clone() {
            Step::Send {
                who,
                queue,
                kind,
                length,
            } => {
                let id = self.queues[queue as usize];
                let text = vec![kind as u8; length % 8193];
                self.send(who, Request::MessageSend { id, kind, flags: 0 }, text);
            }
            Step::Receive { who, queue, kind } => {
                let id = self.queues[queue as usize];
                let request = Request::MessageReceive { id, kind, flags: 0 };
                self.send(who, request, vec![0xaa; 8192]);
            }
            Step::Operate { who, list, timed } => {
                let list = list
                    .iter()
                    .map(|&(index, change, undo)| (index, change, if undo { 0x1000 } else { 0 }));
                let timeout_ns = if timed { 1000 } else { NO_TIMEOUT };
                let request = Request::SemaphoreOperate {
                    id: self.set,
                    timeout_ns,
                };
                self.send(who, request, buffer(&list.collect::<Vec<Sembuf>>()));
            }
            Step::Attach { who } => {
                let id = self.segment;
                self.send(
                    who,
                    Request::SharedAttach {
                        id,
                        address: 0,
                        flags: 0,
                    },
                    Vec::new(),
                );
            }
            Step::Interrupt { who } if self.is_waiting(who) => {
                self.system
                    .cancel(self.latest[&who], TokenState::Interrupted);
            }
            Step::Interrupt { .. } => {}
            Step::Die { who } => {
                if self.is_waiting(who) {
                    self.system.cancel(self.latest[&who], TokenState::Gone);
                    self.latest.remove(&who);
                }
                self.system.exit(who, false);
            }
            Step::Pass => {
                self.system.world.now_ns += 700;
                let now = self.system.world.now_ns;
                if self.system.world.timer_ns.is_some_and(|timer| timer <= now) {
                    self.system.ipc.tick(&mut self.system.world);
                }
            }
            Step::Remove { queue } => {
                let flags = CREAT | 0o600;
                let id = std::mem::replace(&mut self.queues[queue as usize], -1);
                let remove = Request::MessageControl { id, command: 0 };
                self.system.ask(200, remove, Vec::new()).unwrap();
                let fresh = Request::MessageGet { key: 0, flags };
                self.queues[queue as usize] = self.system.number(1, fresh).unwrap();
            }
        }
    }

    /// What all callers have seen.
    fn seen(&self) -> Vec<Seen<'_>> {
        let callers = self.system.world.callers.iter();
        let seen = callers.map(|(token, caller)| (*token, caller.reply, caller.memory.as_slice()));
        seen.collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn nobody_notices_that_the_server_was_replaced(
        steps in prop::collection::vec((step(), any::<bool>()), 1..80),
    ) {
        let (mut kept, mut replaced) = (Run::new(), Run::new());
        for (step, replace) in &steps {
            if *replace {
                replaced.system.restart();
            }
            kept.carry_out(step);
            replaced.carry_out(step);
            prop_assert_eq!(kept.seen(), replaced.seen());
            prop_assert_eq!(kept.system.world.timer_ns, replaced.system.world.timer_ns);
            prop_assert_eq!(&kept.system.world.noted, &replaced.system.world.noted);
        }
        prop_assert_eq!(save(&kept.system.ipc), save(&replaced.system.ipc));
    }
}

/// What is in the state when it is handed over, so that the test above is not about nothing.
#[test]
fn histories_have_waiting_callers_of_every_kind() {
    let mut run = Run::new();
    run.carry_out(&Step::Receive {
        who: 2,
        queue: 0,
        kind: 1,
    });
    for who in [3, 4, 3, 4] {
        run.carry_out(&Step::Send {
            who,
            queue: 1,
            kind: 2,
            length: 8000,
        });
    }
    run.carry_out(&Step::Operate {
        who: 5,
        list: vec![(0, -1, true), (1, -1, true)],
        timed: true,
    });
    assert!([2, 3, 5].into_iter().all(|who| run.is_waiting(who)));
    run.system.restart();
    run.carry_out(&Step::Send {
        who: 1,
        queue: 0,
        kind: 1,
        length: 5,
    });
    run.carry_out(&Step::Receive {
        who: 6,
        queue: 1,
        kind: 0,
    });
    run.carry_out(&Step::Pass);
    run.carry_out(&Step::Pass);
    assert!([2, 3, 5].into_iter().all(|who| !run.is_waiting(who)));
}
