//! Asking the scheduling design at each tick, and telling the kernel what it decided.
//!
//! Only threads whose priority changes cost a kernel call of their own; with the kernel's own scheduling
//! there is no tick at all.

use crate::Proc;
use crate::policy::{IDLE_TICK_NS, Policy, Runner, Scheduling, TICK_NS};
use crate::ports::{Ports, Thread};
use crate::scheduling::level;
use crate::table::Table;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The design, and what is known of the threads.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Scheduler {
    design: Scheduling,
    /// In the order of their handles.
    known: Vec<Known>,
    /// When the next tick is due; `None` before the first and without ticks.
    next_ns: Option<u64>,
    /// From one tick to the next.
    period_ns: u64,
}

/// A thread, and its processor time at the last tick.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Known {
    runner: Runner,
    /// Its priority if it is not lowered.
    level: u32,
    total_ns: u64,
}

impl Scheduler {
    pub(crate) fn new(design: Scheduling) -> Scheduler {
        Scheduler {
            design,
            known: Vec::new(),
            next_ns: None,
            period_ns: TICK_NS,
        }
    }

    /// When the next tick is due.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.next_ns
    }

    /// Starts to tick with the first message.
    pub(crate) fn begin<P: Ports>(&mut self, ports: &mut P) {
        if self.next_ns.is_none() && self.design.ticks() {
            self.next_ns = Some(ports.now_ns().saturating_add(TICK_NS));
        }
    }

    /// What was known of a thread, unless its handle is another's now (the time went back).
    fn known(&self, thread: Thread, total_ns: u64) -> Option<&Known> {
        let at = self
            .known
            .binary_search_by_key(&thread.handle.0, |known| known.runner.thread.handle.0)
            .ok()?;
        let known = self.known.get(at)?;
        (known.runner.thread == thread && known.total_ns <= total_ns).then_some(known)
    }

    /// All threads of the living processes as the design sees them.
    fn look<P: Ports>(&self, table: &Table, ports: &mut P) -> Vec<Known> {
        let living = table.iter().filter(|process| process.is_alive());
        let threads = living.flat_map(|process| {
            let nice = process.nice;
            let tasks = process.tasks.iter();
            tasks.map(move |task| (task.thread, nice, level(nice, task.policy)))
        });
        let mut seen: Vec<Known> = threads
            .map(|(thread, nice, level)| {
                let (ready, total_ns) = ports.thread_activity(thread);
                let before = self.known(thread, total_ns);
                let runner = Runner {
                    thread,
                    nice,
                    ready,
                    used_ns: total_ns - before.map_or(0, |known| known.total_ns),
                    // A changed nice value or policy has set the priority anew.
                    lowered: before
                        .filter(|known| known.level == level)
                        .map_or(0, |known| known.runner.lowered),
                    spent_ns: before.map_or(0, |known| known.runner.spent_ns),
                };
                Known {
                    runner,
                    level,
                    total_ns,
                }
            })
            .collect();
        seen.sort_unstable_by_key(|known| known.runner.thread.handle.0);
        seen
    }

    fn tick<P: Ports>(&mut self, table: &Table, now_ns: u64, ports: &mut P) {
        let mut seen = self.look(table, ports);
        let mut runners: Vec<Runner> = seen.iter().map(|known| known.runner).collect();
        self.design.decide(now_ns, &mut runners);
        for (known, runner) in seen.iter_mut().zip(runners) {
            if runner.lowered != known.runner.lowered {
                let lowered = known.level.saturating_sub(runner.lowered).max(1);
                ports.set_thread_priority(runner.thread, lowered);
            }
            known.runner = runner;
        }
        let idle = !seen.iter().any(|known| known.runner.ready);
        self.known = seen;
        self.period_ns = match idle {
            true => (self.period_ns * 2).min(IDLE_TICK_NS),
            false => TICK_NS,
        };
        self.next_ns = Some(now_ns.saturating_add(self.period_ns));
    }
}

impl Proc {
    /// The same server with another scheduling design.
    #[must_use]
    pub fn with_scheduling(self, design: Scheduling) -> Proc {
        Proc {
            scheduler: Scheduler::new(design),
            ..self
        }
    }

    /// Ticks if it is time to.
    pub(crate) fn schedule<P: Ports>(&mut self, now_ns: u64, ports: &mut P) {
        if self.scheduler.next_ns.is_some_and(|due| due <= now_ns) {
            self.scheduler.tick(&self.table, now_ns, ports);
        }
    }
}
