//! A successor goes on where the server stopped: whatever happens, and whenever it takes over, all
//! callers are answered as by a server that was never replaced.

mod common;

use abi::Token;
use abi::message::{TokenState, notify};
use common::*;
use proptest::prelude::*;
use proto::Pid;
use proto::handover::save;
use proto::vfs::{Reply, Request};
use std::collections::BTreeMap;
use vfs::linux::*;

/// Processes, besides the first.
const CHILDREN: std::ops::Range<u32> = 2..6;

#[derive(Clone, Debug)]
enum Step {
    /// Reads from or writes to the pipe, or the FIFO, or the terminal.
    Read {
        who: u32,
        fd: i32,
        length: usize,
    },
    Write {
        who: u32,
        fd: i32,
        length: usize,
    },
    OpenFifo {
        who: u32,
        write: bool,
    },
    Close {
        who: u32,
        fd: i32,
    },
    Poll {
        who: u32,
        timed: bool,
    },
    Lock {
        who: u32,
        kind: u16,
        start: u64,
        wait: bool,
    },
    Type {
        length: usize,
    },
    Room {
        bytes: usize,
    },
    Interrupt {
        who: u32,
    },
    Die {
        who: u32,
    },
    Pass,
}

fn step() -> impl Strategy<Value = Step> {
    let who = || CHILDREN;
    let fd = || prop_oneof![8 => 0..4i32, 1 => 4..8i32];
    prop_oneof![
        6 => (who(), fd(), 0usize..9000).prop_map(|(who, fd, length)| Step::Read { who, fd, length }),
        8 => (who(), fd(), 0usize..40_000).prop_map(|(who, fd, length)| Step::Write { who, fd, length }),
        2 => (who(), any::<bool>()).prop_map(|(who, write)| Step::OpenFifo { who, write }),
        2 => (who(), fd()).prop_map(|(who, fd)| Step::Close { who, fd }),
        2 => (who(), any::<bool>()).prop_map(|(who, timed)| Step::Poll { who, timed }),
        4 => (who(), 0u16..3, 0u64..4, any::<bool>())
            .prop_map(|(who, kind, start, wait)| Step::Lock { who, kind, start, wait }),
        2 => (1usize..20).prop_map(|length| Step::Type { length }),
        1 => (0usize..3000).prop_map(|bytes| Step::Room { bytes }),
        2 => who().prop_map(|who| Step::Interrupt { who }),
        1 => who().prop_map(|who| Step::Die { who }),
        1 => Just(Step::Pass),
    ]
}

/// Descriptors of all: 0 and 1 the pipe's ends, 2 the terminal, 3 a file.
struct Run {
    machine: Machine,
    latest: BTreeMap<u32, Token>,
    dead: Vec<u32>,
    /// Everything that was answered at once.
    log: Vec<String>,
}

impl Run {
    fn new() -> Self {
        let mut machine = Machine::new();
        machine.pipe(INIT, 0);
        machine.open(INIT, "/dev/console", O_RDWR).unwrap();
        machine.create(INIT, "/file", &[7; 5000]);
        machine.open(INIT, "/file", O_RDWR).unwrap();
        let fifo = Request::MakeNode {
            directory: proto::vfs::AT_FDCWD,
            mode: S_IFIFO | 0o666,
            device: 0,
        };
        machine.path(INIT, fifo, "/fifo").unwrap();
        for pid in CHILDREN {
            machine.child(pid, 0, 0);
        }
        machine.ports.terminal.room = 1000;
        // The others are in the background, and wait for their turn.
        machine.ports.terminal.foreground = 3;
        Run {
            machine,
            latest: BTreeMap::new(),
            dead: Vec::new(),
            log: Vec::new(),
        }
    }

    fn replace(&mut self) {
        let bytes = save(&self.machine.vfs).unwrap();
        self.machine.vfs = proto::handover::restore(&bytes).unwrap();
    }

    fn is_waiting(&self, who: u32) -> bool {
        let token = self.latest.get(&who);
        token.is_some_and(|token| self.machine.answer(*token).is_none())
    }

    fn send(&mut self, who: u32, request: Request, lease: Vec<u8>) {
        if self.dead.contains(&who) || self.is_waiting(who) {
            return;
        }
        // Of some callers only the first bytes are there.
        let absent = lease.len().is_multiple_of(5).then_some(3);
        let caller = Caller {
            leases: [lease, Vec::new()],
            absent: [absent, None],
            ..Caller::default()
        };
        let (answer, token) = self.machine.send(Pid(who), request, caller);
        if let Some(answer) = answer {
            let caller = self.machine.ports.callers.all.remove(&token.0);
            let lease = caller.map_or(0, |caller| sum(&caller.leases[0]));
            self.log.push(format!("{answer:?} {lease}"));
        } else {
            self.latest.insert(who, token);
        }
    }

    fn set_state(&mut self, who: u32, state: TokenState) {
        let token = self.latest[&who];
        self.machine
            .ports
            .callers
            .all
            .get_mut(&token.0)
            .unwrap()
            .state = Some(state);
        self.machine.notify(notify::CANCELLED);
    }

    fn carry_out(&mut self, step: &Step) {
        match *step {
            Step::Read { who, fd, length } => self.send(who, Request::Read { fd }, vec![0; length]),
            Step::Write { who, fd, length } => {
                self.send(who, Request::Write { fd }, vec![length as u8; length]);
            }
            Step::OpenFifo { who, write } => {
                let flags = if write { O_WRONLY } else { O_RDONLY };
                let directory = proto::vfs::AT_FDCWD;
                let request = Request::Open {
                    directory,
                    flags,
                    mode: 0,
                };
                self.send(who, request, b"/./fifo".to_vec());
            }
            Step::Close { who, fd } => self.send(who, Request::Close { fd }, Vec::new()),
            Step::Poll { who, timed } => {
                let timeout_ns = if timed { 1000 } else { u64::MAX };
                let entries = [(0i32, 1u16), (1, 4), (2, 1)];
                let bytes = entries.iter().flat_map(|(fd, events)| {
                    [fd.to_le_bytes(), u32::from(*events).to_le_bytes()].concat()
                });
                self.send(who, Request::Poll { timeout_ns }, bytes.collect());
            }
            Step::Lock {
                who,
                kind,
                start,
                wait,
            } => {
                let mut flock = vec![0; 32];
                flock[..2].copy_from_slice(&kind.to_le_bytes());
                flock[8..16].copy_from_slice(&start.to_le_bytes());
                flock[16] = 2;
                let command = if wait { 7 } else { 6 };
                self.send(who, Request::Lock { fd: 3, command }, flock);
            }
            Step::Type { length } => {
                self.machine.ports.terminal.input.extend(vec![b't'; length]);
                self.machine.notify(1 << proto::tty::VFS_READY_BIT);
            }
            Step::Room { bytes } => {
                self.machine.ports.terminal.room = bytes;
                self.machine.notify(1 << proto::tty::VFS_READY_BIT);
            }
            Step::Interrupt { who } if self.is_waiting(who) => {
                self.set_state(who, TokenState::Interrupted);
            }
            Step::Interrupt { .. } => {}
            Step::Die { who } => {
                if self.dead.contains(&who) {
                    return;
                }
                if self.is_waiting(who) {
                    self.set_state(who, TokenState::Gone);
                }
                self.dead.push(who);
                self.latest.remove(&who);
                self.machine
                    .proc(Request::Exit { process: Pid(who) })
                    .unwrap();
            }
            Step::Pass => {
                self.machine.ports.system.now += 700;
                let now = self.machine.ports.system.now;
                if self
                    .machine
                    .ports
                    .system
                    .wake
                    .is_some_and(|wake| wake <= now)
                {
                    self.machine.notify(notify::TIMER);
                }
            }
        }
    }

    /// What those who waited have seen.
    fn seen(&self) -> Vec<String> {
        let waiting = self.latest.values();
        let seen = waiting.map(|token| {
            let caller = &self.machine.ports.callers.all[&token.0];
            format!("{:?} {}", caller.answer, sum(&caller.leases[0]))
        });
        seen.collect()
    }
}

/// A number that tells different bytes apart.
fn sum(bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| sum.wrapping_mul(31).wrapping_add(u64::from(*byte) + 1);
    bytes.iter().fold(0, step)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn nobody_notices_that_the_server_was_replaced(
        steps in prop::collection::vec((step(), any::<bool>()), 1..60),
    ) {
        let (mut kept, mut replaced) = (Run::new(), Run::new());
        for (step, replace) in &steps {
            if *replace {
                replaced.replace();
            }
            kept.carry_out(step);
            replaced.carry_out(step);
            prop_assert_eq!(&kept.log.last(), &replaced.log.last());
            prop_assert_eq!(kept.seen(), replaced.seen());
            prop_assert_eq!(kept.machine.vfs.waiting(), replaced.machine.vfs.waiting());
        }
        let terminals = [&kept, &replaced].map(|run| &run.machine.ports.terminal.output);
        prop_assert_eq!(terminals[0], terminals[1]);
        prop_assert_eq!(save(&kept.machine.vfs), save(&replaced.machine.vfs));
    }
}

/// One of each kind waits, a write is half done, and the successor finishes all of them.
#[test]
fn every_kind_of_wait_is_finished_by_a_successor() {
    let mut run = Run::new();
    run.carry_out(&Step::Write {
        who: 2,
        fd: 1,
        length: 100_001,
    });
    run.carry_out(&Step::Read {
        who: 3,
        fd: 2,
        length: 11,
    });
    run.carry_out(&Step::OpenFifo {
        who: 4,
        write: true,
    });
    assert!(
        [2, 3, 4].into_iter().all(|who| run.is_waiting(who)),
        "pipe, terminal, FIFO"
    );
    run.replace();
    let mut taken = 0;
    while run.is_waiting(2) {
        taken += run.machine.read(INIT, 0, 9000).unwrap().len();
        run.replace();
    }
    while taken < 100_001 {
        taken += run.machine.read(INIT, 0, 9000).unwrap().len();
    }
    assert_eq!(taken, 100_001);
    run.carry_out(&Step::Type { length: 4 });
    run.replace();
    run.carry_out(&Step::OpenFifo {
        who: 5,
        write: false,
    });
    for who in [2, 3, 4, 5] {
        assert!(!run.is_waiting(who), "{who}");
    }
}

#[test]
fn input_that_could_not_be_delivered_is_kept_for_the_successor() {
    let mut run = Run::new();
    run.carry_out(&Step::Type { length: 9 });
    run.carry_out(&Step::Read {
        who: 3,
        fd: 2,
        length: 10,
    });
    assert!(run.log[0].contains("Touch"), "{}", run.log[0]);
    run.replace();
    run.carry_out(&Step::Read {
        who: 3,
        fd: 2,
        length: 11,
    });
    assert!(run.log[1].contains("Count(9)"), "{}", run.log[1]);
}

#[test]
fn a_successor_answers_what_its_predecessor_parked() {
    let mut machine = Machine::new();
    machine.create(INIT, "/file", &[7; 10_000]);
    let fd = machine.open(INIT, "/file", O_RDONLY).unwrap();
    machine.read(INIT, fd, 9_990).unwrap();
    let (read, write) = machine.pipe(INIT, 0);
    let child = machine.child(2, 0, 0);
    let waiting = machine.wait(child, Request::Read { fd: read }, [&[0; 8], b""]);

    let bytes = save(&machine.vfs).unwrap();
    machine.vfs = proto::handover::restore(&bytes).unwrap();

    machine.write(INIT, write, b"after").unwrap();
    assert_eq!(machine.answer(waiting).unwrap().0, Ok(Reply::Count(5)));
    assert_eq!(machine.read(INIT, fd, 100), Ok(vec![7; 10]));
    assert_eq!(
        machine.content(INIT, "/proc/1/comm"),
        Ok(b"prog\n".to_vec())
    );
}
