//! Locks whose word names their owner (`FUTEX_LOCK_PI` and its kin): unlocking hands the lock to who waits longest,
//! and so does the owner's end.
//!
//! The word holds the owner's number, a bit that somebody waits, and one that an owner ended without unlocking.
//! Programs lock and unlock it themselves as long as nobody waits. Each waiter lends the word, so a lock can be
//! handed over when its owner's memory is gone. Priorities are not passed on to the owner.

use super::table::{Key, NEVER};
use super::{WORD, read_word, tell};
use crate::Mem;
use crate::policy::ForkPolicy;
use abi::message::TokenState;
use abi::{Errno, Token};
use alloc::vec::Vec;
use proto::Pid;
use proto::mem::{Reply, Request};
use proto::port::{Callers, Clock, Incoming, Outcome, Refusal};
use serde::{Deserialize, Serialize};

/// Parts of the word (Linux: include/uapi/linux/futex.h).
const WAITERS: u32 = 0x8000_0000;
const OWNER_DIED: u32 = 0x4000_0000;
const TID: u32 = 0x3fff_ffff;
/// Most threads that wait for such locks at a time.
const MOST: usize = 4096;

/// A thread that waits for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Waiter {
    key: Key,
    token: Token,
    /// Its number, and that of the lock's owner.
    tid: u32,
    owner: u32,
    deadline_ns: u64,
}

/// Those who wait, in the order in which they came.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Owned(Vec<Waiter>);

impl Owned {
    /// The earliest time at which a wait ends.
    pub fn earliest(&self) -> Option<u64> {
        let times = self.0.iter().map(|waiter| waiter.deadline_ns);
        times.filter(|&deadline_ns| deadline_ns != NEVER).min()
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Takes one out whose time has come.
    pub fn due(&mut self, now_ns: u64) -> Option<Token> {
        let at = self
            .0
            .iter()
            .position(|waiter| waiter.deadline_ns <= now_ns)?;
        Some(self.0.remove(at).token)
    }

    /// Answers those who were interrupted, and forgets who has ended.
    pub fn sweep<C: Callers<Reply>>(&mut self, callers: &mut C) {
        self.0.retain(|waiter| match callers.state(waiter.token) {
            TokenState::Waiting => true,
            TokenState::Gone => false,
            TokenState::Interrupted => {
                let _ = callers.reply(waiter.token, Err(Errno::EINTR.into()));
                false
            }
        });
    }

    /// Takes out who waits longest for a lock and is still there, which is told that it has it now.
    fn next<C: Callers<Reply>>(&mut self, key: Key, callers: &mut C) -> Option<u32> {
        while let Some(at) = self.0.iter().position(|waiter| waiter.key == key) {
            let waiter = self.0.remove(at);
            if tell(callers, waiter.token) {
                let rest = self.0.iter_mut().filter(|other| other.key == key);
                rest.for_each(|other| other.owner = waiter.tid);
                return Some(waiter.tid);
            }
        }
        None
    }
}

impl<P: ForkPolicy> Mem<P> {
    /// `FUTEX_LOCK_PI`, `FUTEX_TRYLOCK_PI`: the word is lease 0.
    pub(crate) fn lock_owned<C: Callers<Reply> + Clock>(
        &mut self,
        callers: &mut C,
        incoming: &Incoming<Request>,
        (address, shared): (u64, bool),
        (deadline_ns, waits): (u64, bool),
    ) -> Result<Outcome<Reply>, Refusal> {
        let key = self.futex_key(incoming.sender, address, shared)?;
        let tid = self.thread_number(incoming.sender, incoming.token)?;
        let word = read_word(callers, incoming.token)?;
        let owner = word & TID;
        if owner == tid {
            return Err(Errno::EDEADLK.into());
        }
        if owner == 0 {
            let others = self.futexes.owned.0.iter().any(|waiter| waiter.key == key);
            let waiters = if others { WAITERS } else { 0 };
            let taken = tid | word & OWNER_DIED | waiters;
            callers.write(incoming.token, WORD, 0, &taken.to_le_bytes())?;
            return Ok(Outcome::Reply(Ok(Reply::Done)));
        }
        // From now on the owner cannot unlock it without asking.
        callers.write(incoming.token, WORD, 0, &(word | WAITERS).to_le_bytes())?;
        if !self.is_thread(owner) {
            return Err(Errno::ESRCH.into());
        }
        if !waits {
            return Err(Errno::EAGAIN.into());
        }
        if deadline_ns != NEVER && deadline_ns <= callers.now_ns() {
            return Err(Errno::ETIMEDOUT.into());
        }
        let waiters = &mut self.futexes.owned.0;
        if waiters.len() >= MOST || waiters.try_reserve(1).is_err() {
            return Err(Errno::ENOMEM.into());
        }
        waiters.push(Waiter {
            key,
            token: incoming.token,
            tid,
            owner,
            deadline_ns,
        });
        self.arm(callers);
        Ok(Outcome::Parked)
    }

    /// `FUTEX_UNLOCK_PI`: the word is lease 0.
    pub(crate) fn unlock_owned<C: Callers<Reply> + Clock>(
        &mut self,
        callers: &mut C,
        incoming: &Incoming<Request>,
        (address, shared): (u64, bool),
    ) -> Result<Outcome<Reply>, Refusal> {
        let key = self.futex_key(incoming.sender, address, shared)?;
        let tid = self.thread_number(incoming.sender, incoming.token)?;
        let word = read_word(callers, incoming.token)?;
        if word & TID != tid {
            return Err(Errno::EPERM.into());
        }
        // That the word can be written is found out before anybody is told.
        callers.write(incoming.token, WORD, 0, &word.to_le_bytes())?;
        let next = self.futexes.owned.next(key, callers);
        let left = next.map_or(0, |tid| tid | WAITERS);
        callers.write(incoming.token, WORD, 0, &left.to_le_bytes())?;
        Ok(Outcome::Reply(Ok(Reply::Done)))
    }

    /// A thread ends: the locks that it owns and somebody waits for are handed over.
    pub(crate) fn hand_over_owned<C: Callers<Reply>>(&mut self, callers: &mut C, tid: u32) {
        let owned = &mut self.futexes.owned;
        while let Some(&waiter) = owned.0.iter().find(|waiter| waiter.owner == tid) {
            let word = waiter.tid | WAITERS | OWNER_DIED;
            // A waiter whose memory is gone is gone itself.
            let _ = callers.write(waiter.token, WORD, 0, &word.to_le_bytes());
            if owned.next(waiter.key, callers).is_none() {
                return;
            }
        }
    }

    /// The number of the thread that asks.
    fn thread_number(&mut self, sender: Pid, token: Token) -> Result<u32, Errno> {
        let space = self.spaces.get_mut(sender).ok_or(Errno::ESRCH)?;
        let frame = token.thread_frame();
        let mut threads = space.threads.iter();
        let thread = threads.find(|thread| thread.frame == frame);
        thread.map(|thread| thread.tid).ok_or(Errno::ESRCH)
    }

    /// Whether there is a thread with this number.
    fn is_thread(&mut self, tid: u32) -> bool {
        let mut spaces = self.spaces.iter_mut();
        spaces.any(|space| space.threads.iter().any(|thread| thread.tid == tid))
    }
}
