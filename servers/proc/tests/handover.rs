//! A successor goes on where the server stopped: whatever processes do, and whenever it takes over,
//! all are answered as by a server that was never replaced.

mod support;

use proptest::prelude::*;
use proto::handover::{restore, save};
use proto::port::Outcome;
use proto::proc::{Reply, Request};
use std::collections::BTreeMap;
use support::System;

/// One step; numbers choose among the processes that there are.
#[derive(Clone, Debug)]
enum Step {
    Fork(usize),
    Exit(usize, i32),
    Wait(usize, u32),
    Kill(usize, usize, u32),
    Group(usize, usize),
    Session(usize),
    Exec(usize),
    Catch(usize, u32),
    Mask(usize, u64),
    Suspend(usize),
    WaitSignal(usize, u64),
    Take(usize),
    Alarm(usize, u64),
    Sleep(usize, u64),
    Pass(u64),
    Key(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0usize..64;
    let signal = || prop::sample::select(vec![1u32, 2, 9, 10, 12, 14, 15, 17, 18, 19, 20, 34]);
    prop_oneof![
        8 => who().prop_map(Step::Fork),
        3 => (who(), 0i32..300).prop_map(|(who, status)| Step::Exit(who, status)),
        4 => (who(), prop::sample::select(vec![0u32, 1, 2, 3])).prop_map(|(who, options)| Step::Wait(who, options)),
        4 => (who(), who(), signal()).prop_map(|(who, whom, signal)| Step::Kill(who, whom, signal)),
        2 => (who(), who()).prop_map(|(who, whom)| Step::Group(who, whom)),
        1 => who().prop_map(Step::Session),
        1 => who().prop_map(Step::Exec),
        2 => (who(), signal()).prop_map(|(who, signal)| Step::Catch(who, signal)),
        2 => (who(), any::<u64>()).prop_map(|(who, set)| Step::Mask(who, set)),
        1 => who().prop_map(Step::Suspend),
        1 => (who(), any::<u64>()).prop_map(|(who, set)| Step::WaitSignal(who, set)),
        2 => who().prop_map(Step::Take),
        2 => (who(), 0u64..3000).prop_map(|(who, ns)| Step::Alarm(who, ns)),
        2 => (who(), 0u64..3000).prop_map(|(who, ns)| Step::Sleep(who, ns)),
        3 => (0u64..2000).prop_map(Step::Pass),
        1 => signal().prop_map(Step::Key),
    ]
}

/// A system, and what each process waits for.
struct Run {
    system: System,
    waiting: BTreeMap<u32, abi::Token>,
}

impl Run {
    fn new() -> Self {
        Run {
            system: System::new(),
            waiting: BTreeMap::new(),
        }
    }

    fn replace(&mut self) {
        let bytes = save(&self.system.proc).unwrap();
        self.system.proc = restore(&bytes).unwrap();
    }

    /// The processes that can ask: alive, and with no request that waits.
    fn free(&mut self) -> Vec<u32> {
        let system = &self.system;
        self.waiting
            .retain(|pid, token| system.alive(*pid) && system.answer(*token).is_none());
        let table = system.proc.table();
        let alive = table.iter().filter(|process| process.is_alive());
        let pids = alive.map(|process| process.pid.0);
        pids.filter(|pid| !self.waiting.contains_key(pid)).collect()
    }

    fn ask(&mut self, who: u32, request: Request) -> String {
        let (token, outcome) = self.system.ask(who, request);
        if outcome == Outcome::Parked {
            self.waiting.insert(who, token);
        }
        format!("{outcome:?}")
    }

    /// Does something and says what its caller sees.
    fn carry_out(&mut self, step: &Step) -> String {
        let free = self.free();
        let choose = |index: usize| (!free.is_empty()).then(|| free[index % free.len()]);
        let index = match *step {
            Step::Pass(ns) => {
                self.system.pass(ns);
                return String::new();
            }
            Step::Key(signal) => {
                self.system.world.terminal.push_back((1, signal));
                let bits = 1 << proto::tty::PROC_SIGNAL_BIT;
                self.system.proc.notified(bits, &mut self.system.world);
                return String::new();
            }
            Step::Fork(who)
            | Step::Exit(who, _)
            | Step::Wait(who, _)
            | Step::Kill(who, ..)
            | Step::Group(who, _)
            | Step::Session(who)
            | Step::Exec(who)
            | Step::Catch(who, _)
            | Step::Mask(who, _)
            | Step::Suspend(who)
            | Step::WaitSignal(who, _)
            | Step::Take(who)
            | Step::Alarm(who, _)
            | Step::Sleep(who, _) => who,
        };
        let Some(who) = choose(index) else {
            return String::new();
        };
        let request = match *step {
            Step::Fork(_) => Request::Fork,
            Step::Exit(_, _) if who == 1 => return String::new(),
            Step::Exit(_, status) => Request::Exit { status },
            Step::Wait(_, options) => Request::Wait { pid: -1, options },
            Step::Kill(_, whom, signal) => {
                let pid = choose(whom).unwrap_or(1) as i32;
                Request::Kill { pid, signal }
            }
            Step::Group(_, whom) => {
                let pgid = choose(whom).unwrap_or(0) as i32;
                Request::SetGroup { pid: 0, pgid }
            }
            Step::Session(_) => Request::NewSession,
            Step::Exec(_) => return format!("{:?}", self.system.exec(who, "/bin/true", &["true"])),
            Step::Catch(_, signal) => Request::Action {
                signal,
                change: true,
                handler: 0x5000,
                flags: 0,
                mask: 0,
                restorer: 0,
            },
            Step::Mask(_, set) => Request::Mask { how: 2, set },
            Step::Suspend(_) => Request::Suspend { mask: 0 },
            Step::WaitSignal(_, set) => Request::WaitSignal {
                set,
                timeout_ns: 1000,
            },
            Step::Take(_) => Request::Take,
            Step::Alarm(_, value_ns) => Request::SetTimer {
                which: 0,
                value_ns,
                interval_ns: value_ns / 2,
            },
            Step::Sleep(_, ns) => Request::Sleep {
                deadline_ns: self.system.world.now_ns + ns,
            },
            Step::Pass(_) | Step::Key(_) => return String::new(),
        };
        self.ask(who, request)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn nobody_notices_that_the_server_was_replaced(
        steps in prop::collection::vec((step(), any::<bool>()), 1..80),
    ) {
        let (mut kept, mut replaced) = (Run::new(), Run::new());
        for (step, replace) in &steps {
            if *replace {
                replaced.replace();
            }
            prop_assert_eq!(kept.carry_out(step), replaced.carry_out(step));
            let (kept, replaced) = (&kept.system.world, &replaced.system.world);
            prop_assert_eq!(&kept.replies, &replaced.replies);
            prop_assert_eq!(&kept.visible, &replaced.visible);
            prop_assert_eq!(kept.wake_ns, replaced.wake_ns);
        }
        prop_assert_eq!(save(&kept.system.proc), save(&replaced.system.proc));
    }
}

/// A parent waits, others sleep, wait for a signal and are stopped; the root task waits for pid 1.
#[test]
fn every_kind_of_wait_is_finished_by_a_successor() {
    let mut system = System::new();
    let root = system
        .ask_as(proto::server_id::ROOT, Request::WaitInit, None)
        .0;
    let (sleeper, waiter, stopped) = (system.fork(1), system.fork(1), system.fork(1));
    let wait = system.park(
        1,
        Request::Wait {
            pid: sleeper as i32,
            options: 0,
        },
    );
    let deadline_ns = system.world.now_ns + 500;
    let sleep = system.park(sleeper, Request::Sleep { deadline_ns });
    system.mask(waiter, 2, 1 << 9);
    let set = 1 << 9;
    let signal = system.park(
        waiter,
        Request::WaitSignal {
            set,
            timeout_ns: u64::MAX,
        },
    );
    system.kill(stopped, stopped as i32, 19).unwrap();
    let mut run = Run {
        system,
        waiting: BTreeMap::new(),
    };

    run.replace();
    run.system.pass(600);
    assert_eq!(run.system.answer(sleep), Some(Ok(Reply::Done)));
    run.replace();
    run.system.kill(sleeper, waiter as i32, 10).unwrap();
    let received = run.system.answer(signal);
    assert!(
        matches!(received, Some(Ok(Reply::Received { signal: 10, .. }))),
        "{received:?}"
    );
    run.replace();
    run.system.exit(sleeper, 3);
    let waited = run.system.answer(wait);
    assert!(
        matches!(waited, Some(Ok(Reply::Waited { status: 0x300, .. }))),
        "{waited:?}"
    );
    run.replace();
    assert!(run.system.thread(stopped).suspended);
    run.system.kill(1, stopped as i32, 18).unwrap();
    assert!(!run.system.thread(stopped).suspended);
    run.replace();
    run.system.exit(1, 0);
    assert!(run.system.answer(root).is_some());
}
