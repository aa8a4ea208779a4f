//! Masks that threads change themselves: the server looks at them when a signal comes, and pins what
//! they keep from coming.

mod support;

use abi::Errno;
use proptest::prelude::*;
use proto::Pid;
use proto::proc::{Reply, Request, SignalSet};
use support::{INIT, System, delivered};

const SIGUSR1: u32 = 10;
const SIGUSR2: u32 = 12;
const SIGSTOP: u32 = 19;
const SIGCONT: u32 = 18;
const ALL: SignalSet = u64::MAX;

const fn bit(signal: u32) -> SignalSet {
    1 << (signal - 1)
}

/// Pid 1 and a child whose thread blocks `set`, which nobody was told of.
fn blocking(set: SignalSet) -> (System, u32) {
    let mut system = System::new();
    let child = system.fork(INIT);
    assert!(system.change_mask(child, child, ALL, set));
    (system, child)
}

#[test]
fn a_blocked_signal_waits_and_is_pinned_until_it_is_let_through() {
    let (mut system, child) = blocking(bit(SIGUSR1));
    system.kill(INIT, child as i32, SIGUSR1).unwrap();
    assert!(system.alive(child));
    assert_eq!(system.thread(child).pinned, bit(SIGUSR1));
    assert!(
        !system.change_mask(child, child, 0, 0),
        "the kernel says no"
    );
    assert!(system.change_mask(child, child, ALL, bit(SIGUSR2)));
    system.ask(child, Request::Mask { how: 2, set: 0 });
    assert!(!system.alive(child), "it had no handler");
}

#[test]
fn a_signal_that_is_let_through_is_pinned_no_more() {
    let (mut system, child) = blocking(bit(SIGUSR1));
    system.catch(child, SIGUSR1);
    system.kill(INIT, child as i32, SIGUSR1).unwrap();
    assert_eq!(system.thread(child).kicks, 0);
    let old = system.call(child, Request::Mask { how: 2, set: 0 });
    let (set, deliverable) = (bit(SIGUSR1), true);
    assert_eq!(old, Ok(Reply::Set { set, deliverable }));
    assert_eq!(system.thread(child).kicks, 1);
    assert_eq!(system.thread(child).pinned, 0);
    assert_eq!(system.take(child), Some(SIGUSR1));
    assert_eq!(system.thread(child).mask, bit(SIGUSR1), "of the handler");
    assert!(
        system.change_mask(child, child, 0, 0),
        "the handler returns"
    );
}

#[test]
fn what_comes_while_a_handler_blocks_it_is_told_when_it_returns() {
    let (mut system, child) = blocking(0);
    system.catch(child, SIGUSR1);
    system.kill(INIT, child as i32, SIGUSR1).unwrap();
    assert_eq!(system.take(child), Some(SIGUSR1));
    system.kill(INIT, child as i32, SIGUSR1).unwrap();
    assert!(!system.change_mask(child, child, 0, 0));
    let returned = system.call(child, Request::Return { mask: 0 });
    let (set, deliverable) = (bit(SIGUSR1), true);
    assert_eq!(returned, Ok(Reply::Set { set, deliverable }));
    assert_eq!(system.take(child), Some(SIGUSR1));
}

#[test]
fn a_thread_that_blocks_it_leaves_a_signal_to_another() {
    let mut system = System::new();
    let pid = system.fork(INIT);
    let other = system.spawn(pid);
    system.catch(pid, SIGUSR1);
    assert!(system.change_mask(pid, pid, ALL, bit(SIGUSR1)));
    system.kill(INIT, pid as i32, SIGUSR1).unwrap();
    let kicks = (system.task(pid, pid).kicks, system.task(pid, other).kicks);
    assert_eq!(kicks, (0, 1));

    // The other one blocks it before it asks: now it waits for whoever unblocks it first.
    assert!(system.change_mask(pid, other, ALL, bit(SIGUSR1)));
    let asked = system.call_thread(pid, other, Request::Take);
    assert_eq!(asked, Err(Errno::EAGAIN));
    for tid in [pid, other] {
        assert_eq!(system.task(pid, tid).pinned, bit(SIGUSR1));
    }
}

#[test]
fn a_thread_that_blocks_what_it_was_kicked_for_passes_it_on() {
    let mut system = System::new();
    let pid = system.fork(INIT);
    let other = system.spawn(pid);
    system.catch(pid, SIGUSR1);
    system.kill(INIT, pid as i32, SIGUSR1).unwrap();
    assert_eq!(system.task(pid, pid).kicks, 1);
    assert!(system.change_mask(pid, pid, ALL, bit(SIGUSR1)));
    let asked = system.call_thread(pid, pid, Request::Take);
    assert_eq!(asked, Err(Errno::EAGAIN));
    assert_eq!(system.task(pid, other).kicks, 1);
    let taken = delivered(system.call_thread(pid, other, Request::Take));
    assert_eq!(taken.signal, SIGUSR1);
    assert_eq!(system.task(pid, pid).pinned, 0, "nothing is pending");
}

#[test]
fn a_new_thread_cannot_unblock_what_was_pending_before_it() {
    let (mut system, child) = blocking(bit(SIGUSR1));
    system.catch(child, SIGUSR1);
    system.kill(INIT, child as i32, SIGUSR1).unwrap();
    let other = system.spawn(child);
    let thread = system.task(child, other);
    assert_eq!((thread.mask, thread.pinned), (bit(SIGUSR1), bit(SIGUSR1)));
}

#[test]
fn the_mask_is_inherited_and_outlives_exec_and_nothing_is_pinned_in_a_child() {
    let (mut system, child) = blocking(bit(SIGUSR1));
    system.kill(INIT, child as i32, SIGUSR1).unwrap();
    let grandchild = system.fork(child);
    let thread = system.thread(grandchild);
    assert_eq!((thread.mask, thread.pinned), (bit(SIGUSR1), 0));
    system.kill(INIT, grandchild as i32, SIGUSR1).unwrap();
    assert!(system.alive(grandchild), "it blocks the signal, too");

    system.exec(child, "/bin/true", &["true"]);
    let thread = system.thread(child);
    assert_eq!((thread.mask, thread.pinned), (bit(SIGUSR1), bit(SIGUSR1)));
    assert!(system.alive(child));
}

#[test]
fn a_signal_to_oneself_comes_with_the_answer() {
    let (mut system, child) = blocking(bit(SIGUSR2));
    for signal in [SIGUSR1, SIGUSR2] {
        system.catch(child, signal);
    }
    assert_eq!(system.kill(child, child as i32, SIGUSR2), Ok(Reply::Done));
    assert_eq!(system.kill(child, child as i32, 0), Ok(Reply::Done));
    let answer = system.kill(child, child as i32, SIGUSR1);
    assert!(matches!(answer, Ok(Reply::DeliverLast(_))), "{answer:?}");
    let taken = delivered(answer);
    assert_eq!((taken.signal, taken.sender), (SIGUSR1, child.into()));
    assert_eq!(taken.restore, bit(SIGUSR2));
    assert_eq!(system.thread(child).kicks, 0, "it need not be told");
    assert_eq!(system.thread(child).mask, bit(SIGUSR1) | bit(SIGUSR2));
}

#[test]
fn a_thread_gets_with_the_answer_only_what_is_for_itself() {
    let mut system = System::new();
    let pid = system.fork(INIT);
    let other = system.spawn(pid);
    system.catch(pid, SIGUSR1);
    let wish = Request::KillThread {
        pid: pid as i32,
        tid: other as i32,
        signal: SIGUSR1,
        code: -6,
        value: 0,
    };
    assert_eq!(system.call_thread(pid, pid, wish), Ok(Reply::Done));
    let kicks = (system.task(pid, pid).kicks, system.task(pid, other).kicks);
    assert_eq!(kicks, (0, 1));
    let answer = system.call_thread(pid, other, wish);
    assert_eq!(delivered(answer).signal, SIGUSR1);
    assert_eq!(system.task(pid, other).kicks, 1, "of before");
}

#[test]
fn who_stops_itself_gets_its_signal_when_it_goes_on() {
    let (mut system, child) = blocking(bit(SIGUSR1));
    system.catch(child, SIGUSR1);
    system.kill(INIT, child as i32, SIGUSR1).unwrap();
    assert_eq!(system.kill(child, child as i32, SIGSTOP), Ok(Reply::Done));
    assert!(system.thread(child).suspended);
    // Unblocked while it stood: whoever else does that, it comes to the same.
    system.ask(child, Request::Mask { how: 2, set: 0 });
    assert_eq!(system.thread(child).kicks, 0);
    system.kill(INIT, child as i32, SIGCONT).unwrap();
    assert_eq!(system.thread(child).kicks, 1);
    assert_eq!(system.take(child), Some(SIGUSR1));
}

#[test]
fn what_can_not_be_blocked_is_not() {
    let (mut system, child) = blocking(ALL);
    system.kill(INIT, child as i32, SIGSTOP).unwrap();
    assert!(system.thread(child).suspended);
    system.kill(INIT, child as i32, 9).unwrap();
    assert!(!system.alive(child));
}

/// One step of a process with three threads.
#[derive(Clone, Debug)]
enum Step {
    /// A thread changes its mask as far as the kernel lets it, else asks.
    Mask(usize, SignalSet),
    /// A signal to the process.
    Kill(u32),
    /// A signal to a thread.
    KillThread(usize, u32),
    /// A thread sends the process a signal.
    KillSelf(usize, u32),
    /// A thread that was kicked asks, and its handlers return.
    Take(usize),
}

const SIGNALS: [u32; 4] = [SIGUSR1, SIGUSR2, 40, 41];

fn step() -> impl Strategy<Value = Step> {
    let who = || 0usize..3;
    let signal = || prop::sample::select(SIGNALS.to_vec());
    let set = || prop::collection::vec(signal(), 0..4);
    let sum = |signals: Vec<u32>| signals.into_iter().fold(0, |set, signal| set | bit(signal));
    prop_oneof![
        4 => (who(), set()).prop_map(move |(who, signals)| Step::Mask(who, sum(signals))),
        2 => signal().prop_map(Step::Kill),
        2 => (who(), signal()).prop_map(|(who, signal)| Step::KillThread(who, signal)),
        1 => (who(), signal()).prop_map(|(who, signal)| Step::KillSelf(who, signal)),
        3 => who().prop_map(Step::Take),
    ]
}

struct Threads {
    system: System,
    pid: u32,
    tids: [u32; 3],
    /// Kicks that were followed by a question.
    heard: [usize; 3],
    /// Signals sent, and handlers run.
    sent: SignalSet,
    run: SignalSet,
}

impl Threads {
    fn new() -> Threads {
        let mut system = System::new();
        let pid = system.fork(INIT);
        for signal in SIGNALS {
            system.catch(pid, signal);
        }
        let tids = [pid, system.spawn(pid), system.spawn(pid)];
        Threads {
            system,
            pid,
            tids,
            heard: [0; 3],
            sent: 0,
            run: 0,
        }
    }

    /// A handler runs and returns; whether more may follow.
    fn handle(&mut self, who: usize, reply: Reply) -> bool {
        let (taken, another) = reply.delivery().expect("a signal");
        self.run |= bit(taken.signal);
        let (pid, tid) = (self.pid, self.tids[who]);
        if self.system.change_mask(pid, tid, 0, taken.restore) {
            return another;
        }
        let mask = taken.restore;
        let returned = self.system.call_thread(pid, tid, Request::Return { mask });
        matches!(
            returned,
            Ok(Reply::Set {
                deliverable: true,
                ..
            })
        )
    }

    fn take(&mut self, who: usize) {
        let (pid, tid) = (self.pid, self.tids[who]);
        self.heard[who] = self.system.task(pid, tid).kicks;
        while let Ok(reply) = self.system.call_thread(pid, tid, Request::Take)
            && self.handle(who, reply)
        {}
    }

    fn step(&mut self, step: &Step) {
        let pid = self.pid;
        match *step {
            Step::Mask(who, set) => {
                let tid = self.tids[who];
                if !self.system.change_mask(pid, tid, 0, set) {
                    let wish = Request::Mask { how: 2, set };
                    self.system.call_thread(pid, tid, wish).expect("a mask");
                }
            }
            Step::Kill(signal) => {
                self.sent |= bit(signal);
                self.system.kill(INIT, pid as i32, signal).expect("sent");
            }
            Step::KillThread(who, signal) => {
                self.sent |= bit(signal);
                let wish = Request::KillThread {
                    pid: pid as i32,
                    tid: self.tids[who] as i32,
                    signal,
                    code: -6,
                    value: 0,
                };
                self.system.call(INIT, wish).expect("sent");
            }
            Step::KillSelf(who, signal) => {
                self.sent |= bit(signal);
                let wish = Request::Kill {
                    pid: pid as i32,
                    signal,
                };
                let reply = self.system.call_thread(pid, self.tids[who], wish);
                let reply = reply.expect("sent");
                if reply != Reply::Done && self.handle(who, reply) {
                    self.take(who);
                }
            }
            Step::Take(who) => {
                if self.is_kicked(who) {
                    self.take(who);
                }
            }
        }
    }

    fn is_kicked(&self, who: usize) -> bool {
        self.system.task(self.pid, self.tids[who]).kicks > self.heard[who]
    }

    /// While nobody is on its way to ask: each thread blocks what is pending for it, and cannot unblock
    /// it without asking.
    fn check(&self) {
        if (0..3).any(|who| self.is_kicked(who)) {
            return;
        }
        let process = self.system.proc.table().living(Pid(self.pid));
        let process = process.expect("alive");
        for task in process.tasks.iter() {
            let fake = self.system.task(self.pid, task.tid.0);
            let pending = task.signals.own.pending() | process.signals.queue.pending();
            assert_eq!(pending & !fake.mask, 0, "nobody comes for it");
            assert_eq!(pending & !fake.pinned, 0, "it could slip through");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn no_signal_is_forgotten_whoever_blocks_it_when(steps in prop::collection::vec(step(), 1..40)) {
        let mut threads = Threads::new();
        for step in &steps {
            threads.step(step);
            threads.check();
        }
        for who in [0, 1, 2] {
            threads.step(&Step::Mask(who, 0));
        }
        while let Some(who) = (0..3).find(|&who| threads.is_kicked(who)) {
            threads.take(who);
        }
        threads.check();
        prop_assert_eq!(threads.run, threads.sent);
    }
}
