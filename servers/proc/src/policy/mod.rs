//! Scheduling designs to compare: who of the programs' threads runs before whom. One file per design.
//!
//! The kernel runs the ready thread of the highest priority, and lets equal ones take turns. A design here
//! sees at each tick what the threads did, and lowers some of them below the priority of their nice value;
//! so whatever it decides, servers stay above programs, and a thread that it does not know yet (it was
//! forked since the last tick) runs as if it were preferred. *Rejected*: starting and stopping threads
//! (`THREAD_SUSPEND`), because the processor would be idle whenever the one that may run waits, until the
//! next tick; and deciding at each message, which would put the scheduler on the way of every call.
//!
//! Which design a server uses is said by its program (`src/bin`) or by `schedule=…` in its line of the
//! manifest. It is a value and no type parameter, so that the server's state is one type.

pub mod feedback;
pub mod kernel;
pub mod round_robin;

use crate::ports::Thread;
use serde::{Deserialize, Serialize};

/// How often a design is asked while somebody runs: as long as a time slice of the kernel.
pub const TICK_NS: u64 = 10_000_000;
/// How often it is asked on an idle machine, where there is nothing to decide.
pub const IDLE_TICK_NS: u64 = 160_000_000;
/// Most priorities by which a thread may be lowered: the nicest of all is still above 0 then.
pub const LOWEST: u32 = 3;

/// A thread as a design sees it. All are in the order of their handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runner {
    /// The thread.
    pub thread: Thread,
    /// Nice value of its process.
    pub nice: i32,
    /// It runs or could run now.
    pub ready: bool,
    /// Processor time since the last tick; all so far for a thread that is new.
    pub used_ns: u64,
    /// The design's answer: by how many priorities the thread is lowered, at most [`LOWEST`].
    pub lowered: u32,
    /// What the design charges it with; 0 for a thread that is new.
    pub spent_ns: u64,
}

/// A scheduling design.
pub trait Policy {
    /// Decides for each thread by how much it is lowered until the next tick.
    fn decide(&mut self, now_ns: u64, runners: &mut [Runner]);
}

/// The design of a server, and what it remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheduling {
    /// [`kernel`]
    Kernel,
    /// [`round_robin`]
    RoundRobin(round_robin::RoundRobin),
    /// [`feedback`]
    Feedback(feedback::Feedback),
}

impl Scheduling {
    /// The design of this name in a manifest.
    pub fn named(name: &[u8]) -> Option<Scheduling> {
        match name {
            b"kernel" => Some(Scheduling::Kernel),
            b"rr" => Some(Scheduling::RoundRobin(round_robin::RoundRobin::default())),
            b"mlfq" => Some(Scheduling::Feedback(feedback::Feedback::default())),
            _ => None,
        }
    }

    /// Whether it wants to be asked at all.
    pub fn ticks(&self) -> bool {
        *self != Scheduling::Kernel
    }
}

impl Policy for Scheduling {
    fn decide(&mut self, now_ns: u64, runners: &mut [Runner]) {
        match self {
            Scheduling::Kernel => kernel::Kernel.decide(now_ns, runners),
            Scheduling::RoundRobin(design) => design.decide(now_ns, runners),
            Scheduling::Feedback(design) => design.decide(now_ns, runners),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use abi::Handle;

    /// A thread that is ready and has used nothing.
    pub fn runner(handle: u32) -> Runner {
        Runner {
            thread: Thread {
                handle: Handle(handle),
                frame: handle,
            },
            nice: 0,
            ready: true,
            used_ns: 0,
            lowered: 0,
            spent_ns: 0,
        }
    }

    /// Lets threads compute for so many ticks, as the kernel would with these priorities; answers how many
    /// ticks each had.
    pub fn run(design: &mut impl Policy, runners: &mut [Runner], ticks: u64) -> Vec<u64> {
        let mut had = vec![0; runners.len()];
        let mut last = 0;
        for tick in 0..ticks {
            let best = runners
                .iter()
                .filter(|runner| runner.ready)
                .map(|runner| runner.lowered)
                .min();
            let length = runners.len();
            // Equal ones take turns: the next behind the one that ran last.
            let next = (1..=length)
                .map(|step| (last + step) % length)
                .find(|&at| runners[at].ready && Some(runners[at].lowered) == best);
            runners.iter_mut().for_each(|runner| runner.used_ns = 0);
            if let Some(at) = next {
                (runners[at].used_ns, last) = (TICK_NS, at);
                had[at] += 1;
            }
            design.decide(tick * TICK_NS, runners);
            assert!(runners.iter().all(|runner| runner.lowered <= LOWEST));
        }
        had
    }

    #[test]
    fn designs_have_names_and_only_the_kernels_does_not_tick() {
        let ticks = |name: &[u8]| Scheduling::named(name).map(|design| design.ticks());
        assert_eq!(ticks(b"kernel"), Some(false));
        assert_eq!((ticks(b"rr"), ticks(b"mlfq")), (Some(true), Some(true)));
        assert_eq!(ticks(b"lottery"), None);
    }

    #[test]
    fn every_design_lets_all_that_compute_run() {
        for name in [b"kernel".as_slice(), b"rr", b"mlfq"] {
            let mut design = Scheduling::named(name).unwrap();
            let mut runners = [runner(1), runner(2), runner(3)];
            let had = run(&mut design, &mut runners, 300);
            for count in &had {
                assert!((80..=120).contains(count), "{name:?} {had:?}");
            }
        }
    }
}
