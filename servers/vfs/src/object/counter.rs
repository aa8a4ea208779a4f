//! `eventfd`: a number that writers add to and readers take.

use super::{NUMBER_BYTES, check_room};
use crate::linux::{self, POLLERR, POLLIN, POLLOUT};
use crate::node::{Kind, NodeId};
use crate::park::{Attempt, Call, Cause, Step, Wait, count};
use crate::ports::{Platform, Ports};
use crate::vfs::{Vfs, known};
use abi::Errno;
use proto::port::Callers;
use serde::{Deserialize, Serialize};

/// The largest number that a counter can have.
const MOST: u64 = u64::MAX - 1;

/// A counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// What was added and not taken.
    pub number: u64,
    /// A reader takes one, not all.
    pub is_semaphore: bool,
}

impl Counter {
    /// What `poll` says of it.
    pub fn events(self) -> i16 {
        let mut events = 0;
        if self.number > 0 {
            events |= POLLIN;
        }
        if self.number < MOST {
            events |= POLLOUT;
        }
        if self.number == u64::MAX {
            events |= POLLERR;
        }
        events
    }

    /// What a reader gets; `None`: it must wait.
    fn taken(self) -> Option<u64> {
        match self.number {
            0 => None,
            _ if self.is_semaphore => Some(1),
            number => Some(number),
        }
    }
}

impl Vfs {
    /// `eventfd2`.
    pub(crate) fn make_counter<P: Platform>(
        &mut self,
        call: &Call,
        initial: u32,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(
            flags,
            linux::EFD_SEMAPHORE | linux::O_CLOEXEC | linux::O_NONBLOCK,
        )?;
        let counter = Counter {
            number: u64::from(initial),
            is_semaphore: flags & linux::EFD_SEMAPHORE != 0,
        };
        self.add_object(call, Kind::Counter(counter), flags, ports)
    }

    fn counter(&mut self, id: NodeId) -> Result<&mut Counter, Errno> {
        match self.nodes.get_mut(id).map(|node| &mut node.kind) {
            Some(Kind::Counter(counter)) => Ok(counter),
            _ => Err(Errno::EIO),
        }
    }

    /// Takes the number, or one of it.
    pub(crate) fn read_counter<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        waits: bool,
        ports: &mut Ports<P>,
    ) -> Attempt {
        check_room(call)?;
        let Some(taken) = self.counter(id)?.taken() else {
            return or_wait(id, waits);
        };
        let done = Self::give_number(call, taken, ports)?;
        self.counter(id)?.number -= taken;
        self.woke(id, POLLOUT);
        done
    }

    /// Adds to the number, if there is room.
    pub(crate) fn write_counter<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        waits: bool,
        ports: &mut Ports<P>,
    ) -> Attempt {
        check_room(call)?;
        let mut bytes = [0; NUMBER_BYTES];
        ports.callers.read(call.token, 0, 0, &mut bytes)?;
        let added = u64::from_le_bytes(bytes);
        if added == u64::MAX {
            return Err(Errno::EINVAL.into());
        }
        let counter = self.counter(id)?;
        if added > MOST - counter.number.min(MOST) {
            return or_wait(id, waits);
        }
        counter.number += added;
        self.woke(id, POLLIN);
        count(NUMBER_BYTES as u64)
    }
}

fn or_wait(id: NodeId, waits: bool) -> Attempt {
    if waits {
        Ok(Step::Wait(Wait::on(Cause::Object(id))))
    } else {
        Err(Errno::EAGAIN.into())
    }
}
