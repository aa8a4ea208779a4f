//! Futexes: waiting until a word of memory changes, and telling those who wait.
//!
//! The word is read while its waiter's request is in hand, and nobody runs meanwhile who could write
//! it and wake: so a wake that follows a write finds every waiter that saw the old value. Private
//! memory is known by its space and address, objects by page and offset, whoever maps them where.

pub mod owned;
pub mod table;

use crate::Mem;
use crate::policy::ForkPolicy;
use crate::region::Backing;
use abi::message::TokenState;
use abi::{Errno, Token};
use owned::Owned;
use proto::Pid;
use proto::mem::{Reply, Request};
use proto::port::{Callers, Clock, Incoming, Outcome, Refusal};
use serde::{Deserialize, Serialize};
use table::{Key, NEVER, Table};

/// Wakes whoever waits, whatever bits it waits with.
pub(crate) const ANY: u32 = u32::MAX;
/// The lease of the word at a request's first address; of the one at its second.
const WORD: u32 = 0;

/// Those who wait, and what the server's timer is set to.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Futexes {
    pub(crate) table: Table,
    pub(crate) owned: Owned,
    armed_ns: Option<u64>,
}

/// What a wake-op does with its second word (Linux: futex(2), "FUTEX_WAKE_OP").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation(pub u32);

impl Operation {
    /// The new value of the word, and whether its waiters are woken; `None` for what is no operation.
    pub fn apply(self, old: u32) -> Option<(u32, bool)> {
        const SHIFT: u32 = 8;
        let signed = |value: u32| ((value << 20) as i32 >> 20) as u32;
        let (kind, compare) = (self.0 >> 28 & 0xf, self.0 >> 24 & 0xf);
        let (mut argument, against) = (signed(self.0 >> 12 & 0xfff), signed(self.0 & 0xfff));
        if kind & SHIFT != 0 {
            argument = 1 << (argument & 31);
        }
        let new = match kind & !SHIFT {
            0 => argument,
            1 => old.wrapping_add(argument),
            2 => old | argument,
            3 => old & !argument,
            4 => old ^ argument,
            _ => return None,
        };
        let (left, right) = (old as i32, against as i32);
        let wakes = match compare {
            0 => left == right,
            1 => left != right,
            2 => left < right,
            3 => left <= right,
            4 => left > right,
            5 => left >= right,
            _ => return None,
        };
        Some((new, wakes))
    }
}

/// Answers a waiter; whether it was still there.
pub(crate) fn tell<C: Callers<Reply>>(callers: &mut C, token: Token) -> bool {
    callers.reply(token, Ok(Reply::Done)).is_ok()
}

impl<P: ForkPolicy> Mem<P> {
    /// Answers a request about futexes.
    pub(crate) fn futex_request<C: Callers<Reply> + Clock>(
        &mut self,
        callers: &mut C,
        incoming: &Incoming<Request>,
    ) -> Result<Outcome<Reply>, Refusal> {
        let sender = incoming.sender;
        let woken = match incoming.request {
            Request::FutexWait { .. } => return self.futex_wait(callers, incoming),
            Request::LockOwned {
                address,
                deadline_ns,
                waits,
                shared,
            } => {
                let until = (deadline_ns, waits);
                return self.lock_owned(callers, incoming, (address, shared), until);
            }
            Request::UnlockOwned { address, shared } => {
                return self.unlock_owned(callers, incoming, (address, shared));
            }
            Request::FutexWake {
                address,
                count,
                bits,
                shared,
            } => {
                if bits == 0 {
                    return Err(Errno::EINVAL.into());
                }
                let key = self.futex_key(sender, address, shared)?;
                self.futexes
                    .table
                    .wake(key, bits, count, |token| tell(callers, token))
            }
            Request::FutexRequeue {
                from,
                to,
                wake,
                move_: moved,
                shared,
                expected,
            } => {
                let from = self.futex_key(sender, from, shared)?;
                let to = self.futex_key(sender, to, shared)?;
                if let Some(expected) = expected
                    && read_word(callers, incoming.token)? != expected
                {
                    return Err(Errno::EAGAIN.into());
                }
                let table = &mut self.futexes.table;
                let woken = table.wake(from, ANY, wake, |token| tell(callers, token));
                woken + table.requeue(from, to, moved)
            }
            Request::FutexWakeOp {
                first,
                second,
                wake_first,
                wake_second,
                operation,
                shared,
            } => {
                let first = self.futex_key(sender, first, shared)?;
                let second = self.futex_key(sender, second, shared)?;
                let old = read_word(callers, incoming.token)?;
                let (new, also) = Operation(operation).apply(old).ok_or(Errno::ENOSYS)?;
                callers.write(incoming.token, WORD, 0, &new.to_le_bytes())?;
                let table = &mut self.futexes.table;
                let mut woken = table.wake(first, ANY, wake_first, |token| tell(callers, token));
                if also {
                    woken += table.wake(second, ANY, wake_second, |token| tell(callers, token));
                }
                woken
            }
            _ => return Err(Errno::EINVAL.into()),
        };
        Ok(Outcome::Reply(Ok(Reply::Count(woken.into()))))
    }

    fn futex_wait<C: Callers<Reply> + Clock>(
        &mut self,
        callers: &mut C,
        incoming: &Incoming<Request>,
    ) -> Result<Outcome<Reply>, Refusal> {
        let Request::FutexWait {
            address,
            expected,
            bits,
            deadline_ns,
            shared,
        } = incoming.request
        else {
            return Err(Errno::EINVAL.into());
        };
        if bits == 0 {
            return Err(Errno::EINVAL.into());
        }
        let key = self.futex_key(incoming.sender, address, shared)?;
        if read_word(callers, incoming.token)? != expected {
            return Err(Errno::EAGAIN.into());
        }
        if deadline_ns != NEVER && deadline_ns <= callers.now_ns() {
            return Err(Errno::ETIMEDOUT.into());
        }
        let table = &mut self.futexes.table;
        table
            .wait(key, bits, incoming.token, deadline_ns)
            .map_err(Errno::from)?;
        self.arm(callers);
        Ok(Outcome::Parked)
    }

    /// What the futex at `address` of the sender's memory is known by.
    pub(crate) fn futex_key(
        &mut self,
        sender: Pid,
        address: u64,
        shared: bool,
    ) -> Result<Key, Errno> {
        if !address.is_multiple_of(4) {
            return Err(Errno::EINVAL);
        }
        let owner = self.spaces.memory_of(sender);
        if !shared {
            return Ok(Key::Private(owner.0, address));
        }
        let space = self.spaces.get_mut(owner).ok_or(Errno::ESRCH)?;
        let region = space.regions.find(address).ok_or(Errno::EFAULT)?;
        Ok(match region.backing {
            Backing::Shared { object, offset } => {
                Key::Shared(object.0, offset + (address - region.start))
            }
            Backing::Anonymous | Backing::Private { .. } | Backing::Device { .. } => {
                Key::Private(owner.0, address)
            }
        })
    }

    /// Sets the timer if it has to come earlier than it is set to. A timer that comes too early
    /// finds nobody, and is set anew then.
    fn arm<C: Clock>(&mut self, clock: &mut C) {
        let [others, owned] = [self.futexes.table.earliest(), self.futexes.owned.earliest()];
        let Some(earliest) = others.into_iter().chain(owned).min() else {
            return;
        };
        if self.futexes.armed_ns.is_none_or(|armed| earliest < armed) {
            self.futexes.armed_ns = Some(earliest);
            clock.wake_at(Some(earliest));
        }
    }

    /// The timer came: answers those whose time is over.
    pub fn timer<C: Callers<Reply> + Clock>(&mut self, callers: &mut C) {
        let now_ns = callers.now_ns();
        let Futexes { table, owned, .. } = &mut self.futexes;
        while let Some(token) = table.due(now_ns).or_else(|| owned.due(now_ns)) {
            // Who has gone meanwhile needs no answer.
            let _ = callers.reply(token, Err(Errno::ETIMEDOUT.into()));
        }
        self.futexes.armed_ns = None;
        self.arm(callers);
    }

    /// Some caller was interrupted or has ended: answers, or forgets.
    pub fn cancelled<C: Callers<Reply>>(&mut self, callers: &mut C) {
        self.futexes.owned.sweep(callers);
        self.futexes
            .table
            .sweep(|token| match callers.state(token) {
                TokenState::Waiting => false,
                TokenState::Gone => true,
                TokenState::Interrupted => {
                    let _ = callers.reply(token, Err(Errno::EINTR.into()));
                    true
                }
            });
    }

    /// How many threads wait for futexes.
    pub fn futex_waiters(&self) -> usize {
        self.futexes.table.count() + self.futexes.owned.count()
    }
}

fn read_word<C: Callers<Reply>>(callers: &mut C, token: Token) -> Result<u32, Refusal> {
    let mut word = [0; 4];
    callers.read(token, WORD, 0, &mut word)?;
    Ok(u32::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::Operation;

    fn operation(kind: u32, argument: u32, compare: u32, against: u32) -> Operation {
        Operation(kind << 28 | compare << 24 | argument << 12 | against)
    }

    #[test]
    fn each_operation_and_comparison_is_linuxs() {
        let result = |kind, argument| operation(kind, argument, 0, 12).apply(12);
        assert_eq!(result(0, 5), Some((5, true)));
        assert_eq!(result(1, 0xfff), Some((11, true)), "adds -1");
        assert_eq!(result(2, 3), Some((15, true)));
        assert_eq!(result(3, 4), Some((8, true)));
        assert_eq!(result(4, 15), Some((3, true)));
        assert_eq!(result(8, 5), Some((32, true)), "a shift");
        assert_eq!(result(5, 0), None);
        let compared = |compare, against| {
            operation(0, 0, compare, against)
                .apply(7)
                .map(|(_, wakes)| wakes)
        };
        assert_eq!(compared(0, 7), Some(true));
        assert_eq!(compared(1, 7), Some(false));
        assert_eq!(compared(2, 8), Some(true));
        assert_eq!(compared(3, 6), Some(false));
        assert_eq!(compared(4, 0xfff), Some(true), "7 > -1");
        assert_eq!(compared(5, 8), Some(false));
        assert_eq!(compared(6, 0), None);
    }
}
