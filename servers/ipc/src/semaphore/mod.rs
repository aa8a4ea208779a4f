//! Semaphores: `semget`, `semop`, `semtimedop`, `semctl`, and undoing at exit.

mod control;
mod set;

use crate::{
    layout::SEMBUF_BYTES,
    limits::*,
    numbers::*,
    permission::{Permissions, READ, WRITE},
    ports::Ports,
    server::{Answer, Call},
    table::{Found, Table, Wanted},
};
use abi::Errno;
use alloc::{vec, vec::Vec};
pub(crate) use control::Control;
use proto::{
    ipc::Reply,
    port::{Outcome, Refusal},
};
use serde::{Deserialize, Serialize};
use set::{Attempt, Operation, Set, Waiter};

/// Operations of a `semop` that need no allocation.
const FEW: usize = 4;
/// `timeout_ns` of a `semop` without one.
const NO_TIMEOUT: u64 = u64::MAX;

/// All sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Semaphores {
    sets: Table<Set>,
}

impl Semaphores {
    /// `semget`.
    pub(crate) fn get(&mut self, wanted: Wanted, count: u32, call: &mut Call<'_>) -> Answer {
        if count > SEMMSL {
            return Err(Errno::EINVAL.into());
        }
        let fits = |set: &Set| {
            if count as usize <= set.values.len() {
                Ok(())
            } else {
                Err(Errno::EINVAL)
            }
        };
        if let Found::Existing(id) = self.sets.find(wanted, call.who, fits)? {
            return Ok(Reply::Id(id));
        }
        if count == 0 {
            return Err(Errno::EINVAL.into());
        }
        self.sets.check_room(SEMMNI)?;
        if self.total() + count as usize > SEMMNS {
            return Err(Errno::ENOSPC.into());
        }
        let permissions = Permissions::new(wanted.key, wanted.flags, call.who);
        Ok(Reply::Id(self.sets.insert(Set::new(
            permissions,
            count as usize,
            call.now_s,
        ))))
    }

    /// Semaphores in all sets.
    fn total(&self) -> usize {
        self.sets.iter().map(|(_, set)| set.values.len()).sum()
    }

    /// `semop` and `semtimedop`.
    pub(crate) fn operate(
        &mut self,
        id: i32,
        timeout_ns: u64,
        call: &mut Call<'_>,
    ) -> Outcome<Reply> {
        match self.try_operate(id, timeout_ns, call) {
            Ok(Some(reply)) => Outcome::Reply(Ok(reply)),
            Ok(None) => Outcome::Parked,
            Err(refusal) => Outcome::Reply(Err(refusal)),
        }
    }

    fn try_operate(
        &mut self,
        id: i32,
        timeout_ns: u64,
        call: &mut Call<'_>,
    ) -> Result<Option<Reply>, Refusal> {
        let operations = read_operations(call)?;
        let operations = operations.all();
        let set = self.sets.get_mut(id)?;
        if operations
            .iter()
            .any(|operation| usize::from(operation.index) >= set.values.len())
        {
            return Err(Errno::EFBIG.into());
        }
        let alters = operations.iter().any(|operation| operation.change != 0);
        set.permissions
            .check(call.who, if alters { WRITE } else { READ })?;
        let pid = call.sender.0;
        match set.attempt(pid, operations) {
            Attempt::Done => {
                set.operated_s = call.now_s;
                set.advance(call.ports, call.now_s);
                Ok(Some(Reply::Done))
            }
            Attempt::Failed(errno) => Err(errno.into()),
            Attempt::Blocked(_) if timeout_ns == 0 => Err(Errno::EAGAIN.into()),
            Attempt::Blocked(by) => {
                let deadline_ns = match timeout_ns {
                    NO_TIMEOUT => None,
                    _ => Some(call.ports.now_ns().saturating_add(timeout_ns)),
                };
                set.park(Waiter {
                    token: call.token,
                    pid,
                    operations: operations.to_vec(),
                    by,
                    deadline_ns,
                });
                Ok(None)
            }
        }
    }

    /// The process ended: undoes what it asked to be undone.
    pub(crate) fn exit(&mut self, pid: u32, ports: &mut dyn Ports, now_s: i64) {
        for (_, set) in self.sets.iter_mut() {
            if set.undo(pid) {
                set.advance(ports, now_s);
            }
        }
    }

    /// Whether the process's end will change something.
    pub(crate) fn has_undo(&self, pid: u32) -> bool {
        self.sets.iter().any(|(_, set)| set.has_undo(pid))
    }

    /// Answers parked callers that were interrupted, forgets those that are gone.
    pub(crate) fn cancel(&mut self, ports: &mut dyn Ports) {
        for (_, set) in self.sets.iter_mut() {
            set.cancel(ports);
        }
    }

    /// Answers parked callers whose time is over.
    pub(crate) fn expire(&mut self, ports: &mut dyn Ports, now_ns: u64) {
        for (_, set) in self.sets.iter_mut() {
            set.expire(ports, now_ns);
        }
    }

    /// The earliest end of a timed wait.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.sets
            .iter()
            .filter_map(|(_, set)| set.next_deadline())
            .min()
    }
}

/// Operations of one `semop`: as many as most have are kept here, more are allocated.
struct Operations {
    few: [Operation; FEW],
    many: Vec<Operation>,
    count: usize,
}

impl Operations {
    fn all(&self) -> &[Operation] {
        self.few.get(..self.count).unwrap_or(&self.many)
    }
}

/// The `sembuf` array in lease 0.
fn read_operations(call: &mut Call<'_>) -> Result<Operations, Refusal> {
    let count = call.lease.bytes / SEMBUF_BYTES;
    if count == 0 || !call.lease.bytes.is_multiple_of(SEMBUF_BYTES) {
        return Err(Errno::EINVAL.into());
    }
    if count > SEMOPM {
        return Err(Errno::E2BIG.into());
    }
    let mut operations = Operations {
        few: [Operation::NOTHING; FEW],
        many: Vec::new(),
        count,
    };
    let mut few = [0; FEW * SEMBUF_BYTES];
    if let Some(bytes) = few.get_mut(..call.lease.bytes) {
        call.read_lease(bytes)?;
        let read = bytes.chunks_exact(SEMBUF_BYTES).map(read_operation);
        for (place, operation) in operations.few.iter_mut().zip(read) {
            *place = operation;
        }
    } else {
        let mut bytes = vec![0; call.lease.bytes];
        call.read_lease(&mut bytes)?;
        let read = bytes.chunks_exact(SEMBUF_BYTES).map(read_operation);
        operations.many = read.collect();
    }
    Ok(operations)
}

fn read_operation(bytes: &[u8]) -> Operation {
    let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let flags = half(4);
    Operation {
        index: half(0),
        change: half(2) as i16,
        wait: u32::from(flags) & IPC_NOWAIT == 0,
        undo: flags & SEM_UNDO != 0,
    }
}
