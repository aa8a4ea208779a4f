//! One set. Invariants: every value is 0 to `SEMVMX`; no parked caller's operations could be done
//! now ([`Set::advance`] restores that after every change); an attempt does all or nothing.

use crate::{
    limits::{SEMAEM, SEMVMX},
    permission::Permissions,
    ports::Ports,
    server::still_waits,
    table::Object,
};
use abi::{Errno, Token};
use alloc::{
    collections::{BTreeMap, VecDeque},
    vec,
    vec::Vec,
};
use proto::{ipc::Reply, port::Refusal};
use serde::{Deserialize, Serialize};

/// One operation of a `semop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) index: u16,
    /// 0: wait for zero.
    pub(crate) change: i16,
    /// The caller waits if it must (no `IPC_NOWAIT`).
    pub(crate) wait: bool,
    pub(crate) undo: bool,
}

impl Operation {
    /// What stands in unused places.
    pub(crate) const NOTHING: Operation = Operation {
        index: 0,
        change: 0,
        wait: false,
        undo: false,
    };
}

/// A parked `semop`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiter {
    pub(crate) token: Token,
    pub(crate) pid: u32,
    pub(crate) operations: Vec<Operation>,
    /// The operation that could not be done.
    pub(crate) by: Operation,
    pub(crate) deadline_ns: Option<u64>,
}

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Done,
    /// This operation cannot be done yet; nothing was changed.
    Blocked(Operation),
    /// Nothing was changed.
    Failed(Errno),
}

/// A set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Set {
    pub(crate) permissions: Permissions,
    pub(crate) values: Vec<i32>,
    /// Who last changed each value, or waited successfully for its zero.
    pub(crate) pids: Vec<u32>,
    pub(crate) operated_s: i64,
    pub(crate) changed_s: i64,
    /// What is added to the values when a process ends.
    undo: BTreeMap<u32, Vec<i32>>,
    waiters: VecDeque<Waiter>,
}

impl Object for Set {
    fn permissions(&self) -> &Permissions {
        &self.permissions
    }
}

impl Set {
    /// `count` semaphores with value 0.
    pub(crate) fn new(permissions: Permissions, count: usize, now_s: i64) -> Self {
        Set {
            permissions,
            values: vec![0; count],
            pids: vec![0; count],
            operated_s: 0,
            changed_s: now_s,
            undo: BTreeMap::new(),
            waiters: VecDeque::new(),
        }
    }

    /// Does all operations for a process, or none. The indices are within the set.
    pub(crate) fn attempt(&mut self, pid: u32, operations: &[Operation]) -> Attempt {
        for (done, operation) in operations.iter().enumerate() {
            let outcome = self.apply(pid, *operation);
            if outcome != Attempt::Done {
                self.revert(pid, &operations[..done]);
                return match outcome {
                    Attempt::Blocked(by) if !by.wait => Attempt::Failed(Errno::EAGAIN),
                    other => other,
                };
            }
        }
        for operation in operations {
            self.pids[usize::from(operation.index)] = pid;
        }
        Attempt::Done
    }

    fn apply(&mut self, pid: u32, operation: Operation) -> Attempt {
        let index = usize::from(operation.index);
        let change = i32::from(operation.change);
        let value = self.values[index] + change;
        if value < 0 || change == 0 && value != 0 {
            return Attempt::Blocked(operation);
        }
        if value > SEMVMX {
            return Attempt::Failed(Errno::ERANGE);
        }
        if operation.undo && change != 0 {
            let count = self.values.len();
            let adjustments = self.undo.entry(pid).or_insert_with(|| vec![0; count]);
            let adjustment = adjustments[index] - change;
            if !(-SEMAEM - 1..=SEMAEM).contains(&adjustment) {
                return Attempt::Failed(Errno::ERANGE);
            }
            adjustments[index] = adjustment;
        }
        self.values[index] = value;
        Attempt::Done
    }

    fn revert(&mut self, pid: u32, operations: &[Operation]) {
        for operation in operations.iter().rev() {
            let index = usize::from(operation.index);
            self.values[index] -= i32::from(operation.change);
            if let (true, Some(adjustments)) = (operation.undo, self.undo.get_mut(&pid)) {
                adjustments[index] += i32::from(operation.change);
            }
        }
    }

    /// Parks a caller.
    pub(crate) fn park(&mut self, waiter: Waiter) {
        self.waiters.push_back(waiter);
    }

    /// Lets parked callers go on as far as they can: first those that only wait for zeros, which
    /// the others could take away again; among equals first come, first served.
    pub(crate) fn advance(&mut self, ports: &mut dyn Ports, now_s: i64) {
        while self.serve(ports, now_s, Alters::No) || self.serve(ports, now_s, Alters::Yes) {}
    }

    /// Serves the first parked caller of a kind that need not wait longer.
    fn serve(&mut self, ports: &mut dyn Ports, now_s: i64, kind: Alters) -> bool {
        for at in 0..self.waiters.len() {
            if Alters::of(&self.waiters[at].operations) != kind {
                continue;
            }
            let Some(mut waiter) = self.waiters.remove(at) else {
                break;
            };
            let reply = match self.attempt(waiter.pid, &waiter.operations) {
                Attempt::Blocked(by) => {
                    waiter.by = by;
                    self.waiters.insert(at, waiter);
                    continue;
                }
                Attempt::Done => Ok(Reply::Done),
                Attempt::Failed(errno) => Err(Refusal::from(errno)),
            };
            self.settle(&waiter, reply, ports, now_s);
            return true;
        }
        false
    }

    /// Answers a caller whose operations were done or failed. If it is gone they must not count.
    fn settle(
        &mut self,
        waiter: &Waiter,
        reply: Result<Reply, Refusal>,
        ports: &mut dyn Ports,
        now_s: i64,
    ) {
        let done = reply.is_ok();
        match ports.reply(waiter.token, reply) {
            Ok(()) if done => self.operated_s = now_s,
            Err(_) if done => self.revert(waiter.pid, &waiter.operations),
            _ => {}
        }
    }

    /// Takes back what a process that ended has done with `undo`; whether there was anything.
    /// Values that would leave their range stop at its end, as Linux does it.
    pub(crate) fn undo(&mut self, pid: u32) -> bool {
        let Some(adjustments) = self.undo.remove(&pid) else {
            return false;
        };
        for (index, adjustment) in adjustments.into_iter().enumerate().filter(|(_, a)| *a != 0) {
            self.values[index] = (self.values[index] + adjustment).clamp(0, SEMVMX);
            self.pids[index] = pid;
        }
        true
    }

    /// Whether the process's end will change a value.
    pub(crate) fn has_undo(&self, pid: u32) -> bool {
        self.undo
            .get(&pid)
            .is_some_and(|adjustments| adjustments.iter().any(|a| *a != 0))
    }

    /// `SETVAL`: sets a value that is within its range and forgets what was to be undone with it.
    pub(crate) fn set_value(&mut self, index: usize, value: i32, pid: u32) {
        self.values[index] = value;
        self.pids[index] = pid;
        self.undo
            .values_mut()
            .for_each(|adjustments| adjustments[index] = 0);
    }

    /// Parked callers that wait for a semaphore to grow, or to become zero.
    pub(crate) fn count_waiters(&self, index: usize, awaits: Awaits) -> usize {
        let by = |waiter: &&Waiter| {
            usize::from(waiter.by.index) == index && Awaits::of(waiter.by) == awaits
        };
        self.waiters.iter().filter(by).count()
    }

    /// The set goes: tells all who wait.
    pub(crate) fn dismiss(self, ports: &mut dyn Ports) {
        for waiter in self.waiters {
            // A caller that is gone need not be told.
            let _ = ports.reply(waiter.token, Err(Errno::EIDRM.into()));
        }
    }

    pub(crate) fn cancel(&mut self, ports: &mut dyn Ports) {
        self.waiters
            .retain(|waiter| still_waits(waiter.token, ports));
    }

    /// Answers those whose time is over.
    pub(crate) fn expire(&mut self, ports: &mut dyn Ports, now_ns: u64) {
        self.waiters.retain(|waiter| {
            let over = waiter
                .deadline_ns
                .is_some_and(|deadline| deadline <= now_ns);
            if over {
                // A caller that is gone need not be told.
                let _ = ports.reply(waiter.token, Err(Errno::EAGAIN.into()));
            }
            !over
        });
    }

    /// The earliest end of a timed wait.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.waiters
            .iter()
            .filter_map(|waiter| waiter.deadline_ns)
            .min()
    }
}

/// Whether operations change values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alters {
    No,
    Yes,
}

impl Alters {
    fn of(operations: &[Operation]) -> Self {
        let alters = operations.iter().any(|operation| operation.change != 0);
        if alters { Alters::Yes } else { Alters::No }
    }
}

/// What a blocked operation waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaits {
    /// That the value grows (`GETNCNT`).
    Growth,
    /// That the value is zero (`GETZCNT`).
    Zero,
}

impl Awaits {
    fn of(operation: Operation) -> Self {
        if operation.change == 0 {
            Awaits::Zero
        } else {
            Awaits::Growth
        }
    }
}
