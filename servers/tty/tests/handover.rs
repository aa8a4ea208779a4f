//! A successor goes on where the server stopped: whatever is typed, read and written, and whenever
//! it takes over, all is answered and sent as by a server that was never replaced.

mod common;

use common::*;
use proptest::prelude::*;
use proto::handover::{restore, save};
use proto::tty::Request;
use tty::{Termios, Tty};

#[derive(Clone, Debug)]
enum Step {
    Type(Vec<u8>),
    Read { bytes: usize },
    ReadAbsent,
    Write(Vec<u8>),
    Send { bytes: usize },
    Raw { minimum: u8, time: u8 },
    Cooked,
    Pass { ns: u64 },
    Ask(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let keys = prop_oneof![
        4 => prop::sample::select(b"ab \n".to_vec()),
        1 => any::<u8>(),
    ];
    let text = || prop::collection::vec(prop::sample::select(b"xy\n\t".to_vec()), 0..2000);
    prop_oneof![
        6 => prop::collection::vec(keys, 0..30).prop_map(Step::Type),
        5 => (0usize..40).prop_map(|bytes| Step::Read { bytes }),
        1 => Just(Step::ReadAbsent),
        4 => text().prop_map(Step::Write),
        4 => (0usize..2000).prop_map(|bytes| Step::Send { bytes }),
        1 => (0u8..5, 0u8..3).prop_map(|(minimum, time)| Step::Raw { minimum, time }),
        1 => Just(Step::Cooked),
        2 => (0u64..300_000_000).prop_map(|ns| Step::Pass { ns }),
        2 => (0u32..5).prop_map(Step::Ask),
    ]
}

/// A terminal, the time, and when its timer runs out.
struct Run {
    tty: Tty,
    fake: Fake,
}

impl Run {
    fn new() -> Self {
        Run {
            tty: console(),
            fake: Fake::default(),
        }
    }

    fn replace(&mut self) {
        self.tty = restore(&save(&self.tty).unwrap()).unwrap();
    }

    /// Asks with this memory lent; the answer and the memory.
    fn ask(&mut self, request: Request, memory: Vec<u8>) -> String {
        self.fake.memory = memory;
        let answer = ask(&mut self.tty, &mut self.fake, request);
        format!("{answer:?} {:?}", self.fake.memory)
    }

    /// Does something and says all that can be seen of it.
    fn carry_out(&mut self, step: &Step) -> String {
        let (line, pgid, sid) = (0, SHELL, SHELL);
        let stoppable = true;
        let read = Request::Read {
            line,
            pgid,
            sid,
            stoppable,
        };
        let seen = match step.clone() {
            Step::Type(keys) => {
                self.tty.input(&keys, self.fake.now_ns);
                String::new()
            }
            Step::Read { bytes } => self.ask(read, vec![0; bytes]),
            Step::ReadAbsent => {
                self.fake.absent = Some(0);
                let seen = self.ask(read, vec![0; 9]);
                self.fake.absent = None;
                seen
            }
            Step::Write(bytes) => self.ask(Request::Write { line, pgid, sid }, bytes),
            Step::Send { bytes } => {
                let sent: Vec<u8> = (0..bytes).map_while(|_| self.tty.next_output()).collect();
                format!("{sent:?}")
            }
            Step::Raw { minimum, time } => self.set(raw(minimum, time)),
            Step::Cooked => self.set(Termios::default()),
            Step::Pass { ns } => {
                self.fake.now_ns += ns;
                let due = self
                    .fake
                    .timer_ns
                    .is_some_and(|timer| timer <= self.fake.now_ns);
                if due {
                    self.tty.tick(&mut self.fake);
                }
                String::new()
            }
            Step::Ask(0) => self.ask(Request::Poll { line }, Vec::new()),
            Step::Ask(1) => self.ask(Request::Unsent { line }, Vec::new()),
            Step::Ask(2) => self.ask(Request::GetTermios { line }, vec![0; 36]),
            Step::Ask(_) => self.ask(Request::NextSignal, Vec::new()),
        };
        format!("{seen} {:?} {:?}", self.tty.take_news(), self.fake.timer_ns)
    }

    fn set(&mut self, settings: Termios) -> String {
        let request = Request::SetTermios { line: 0, when: 0 };
        self.ask(request, settings.to_bytes().to_vec())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn nobody_notices_that_the_server_was_replaced(
        steps in prop::collection::vec((step(), any::<bool>()), 1..60),
    ) {
        let (mut kept, mut replaced) = (Run::new(), Run::new());
        for (step, replace) in &steps {
            if *replace {
                replaced.replace();
            }
            prop_assert_eq!(kept.carry_out(step), replaced.carry_out(step));
        }
        prop_assert_eq!(kept.tty, replaced.tty);
    }
}

/// A line half typed, a quote begun, output stopped, a timed read begun, a signal not fetched.
#[test]
fn half_done_things_are_finished_by_a_successor() {
    let mut run = Run::new();
    run.carry_out(&Step::Type(b"done\nhalf \x16".to_vec()));
    run.carry_out(&Step::Write(b"unsent".to_vec()));
    run.replace();
    run.carry_out(&Step::Type(b"\x03 quoted\n".to_vec()));
    assert_eq!(read(&mut run.tty, 99), Ok(b"done\n".to_vec()));
    run.replace();
    assert_eq!(read(&mut run.tty, 99), Ok(b"half \x03 quoted\n".to_vec()));
    assert!(sent(&mut run.tty).ends_with(b"unsent^C quoted\r\n"));
    run.carry_out(&Step::Type(b"\x03".to_vec()));
    run.replace();
    assert_eq!(signals(&mut run.tty), [(SHELL, 2)]);
    run.carry_out(&Step::Raw {
        minimum: 5,
        time: 1,
    });
    run.carry_out(&Step::Type(b"ab".to_vec()));
    run.carry_out(&Step::Read { bytes: 9 });
    run.replace();
    run.carry_out(&Step::Pass { ns: 200_000_000 });
    assert_eq!(read_at(&mut run.tty, 9, 200_000_000), Ok(b"ab".to_vec()));
}
