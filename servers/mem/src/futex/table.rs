//! Who waits for which futex: plain data.
//!
//! Waiters lie in a pool and are chained first come, first served, in buckets by key. Those with a
//! deadline are in one more list, ordered, whose end is the earliest: a wake that is in time costs no
//! search. Nobody is told anything here; the callers' tokens are handed to whoever asks.

use crate::NoRoom;
use crate::pool::Pool;
use abi::Token;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Buckets: a power of two.
const BUCKETS: usize = 64;
/// Ends a chain.
const NONE: u32 = u32::MAX;
/// Deadline of who waits without one.
pub const NEVER: u64 = u64::MAX;

/// What a futex is known by: not its address alone, which others have too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    /// A word of memory that no object backs: whose memory, and the address in it.
    Private(u32, u64),
    /// A word of an object, wherever it is mapped: the object and the offset in it.
    Shared(u32, u64),
    /// No futex.
    #[default]
    None,
}

impl Key {
    fn bucket(self) -> usize {
        let (owner, place) = match self {
            Key::Private(owner, place) | Key::Shared(owner, place) => (owner, place),
            Key::None => (0, 0),
        };
        // Words that are near each other, and the same word of different processes, go apart.
        let mixed = place >> 2 ^ place >> 8 ^ u64::from(owner);
        mixed as usize % BUCKETS
    }
}

/// A thread that waits.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Waiter {
    key: Key,
    bits: u32,
    token: Token,
    deadline_ns: u64,
    next: u32,
    previous: u32,
}

/// A chain of waiters.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Chain {
    first: u32,
    last: u32,
}

/// All that wait.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Table {
    waiters: Pool<Waiter>,
    /// Empty until somebody waits for the first time.
    buckets: Vec<Chain>,
    /// Deadline and waiter, the earliest last.
    deadlines: Vec<(u64, u32)>,
    count: usize,
}

impl Table {
    /// How many wait.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The earliest deadline.
    pub fn earliest(&self) -> Option<u64> {
        self.deadlines.last().map(|&(deadline_ns, _)| deadline_ns)
    }

    /// Lets `token` wait for `key` with these bits, until a time ([`NEVER`]: for as long as it takes).
    ///
    /// # Errors
    /// [`NoRoom`], and nothing has changed.
    pub fn wait(
        &mut self,
        key: Key,
        bits: u32,
        token: Token,
        deadline_ns: u64,
    ) -> Result<(), NoRoom> {
        if self.buckets.is_empty() {
            self.buckets.try_reserve(BUCKETS).map_err(|_| NoRoom)?;
            let empty = Chain {
                first: NONE,
                last: NONE,
            };
            self.buckets.resize(BUCKETS, empty);
        }
        self.deadlines.try_reserve(1).map_err(|_| NoRoom)?;
        let number = self.waiters.take()?;
        if deadline_ns != NEVER {
            let entry = (deadline_ns, number);
            let at = self.deadlines.partition_point(|&other| other > entry);
            self.deadlines.insert(at, entry);
        }
        *self.waiters.at_mut(number) = Waiter {
            key,
            bits,
            token,
            deadline_ns,
            next: NONE,
            previous: NONE,
        };
        self.append(number);
        self.count += 1;
        Ok(())
    }

    /// Offers `key`'s waiters with any of `bits`, eldest first, to `tell`, which says whether the
    /// waiter was still there, until `count` were. Returns how many.
    pub fn wake(
        &mut self,
        key: Key,
        bits: u32,
        count: u32,
        mut tell: impl FnMut(Token) -> bool,
    ) -> u32 {
        let mut woken = 0;
        let mut at = self.first(key);
        while at != NONE && woken < count {
            let waiter = *self.waiters.at(at);
            if waiter.key == key && waiter.bits & bits != 0 {
                self.remove(at);
                woken += u32::from(tell(waiter.token));
            }
            at = waiter.next;
        }
        woken
    }

    /// Lets up to `count` waiters of `from` wait for `to` instead. Returns how many.
    pub fn requeue(&mut self, from: Key, to: Key, count: u32) -> u32 {
        let mut moved = 0;
        let mut at = self.first(from);
        let end = self.last(from);
        while at != NONE && moved < count {
            let waiter = *self.waiters.at(at);
            if waiter.key == from {
                moved += 1;
                if from != to {
                    self.unchain(at);
                    self.waiters.at_mut(at).key = to;
                    self.append(at);
                }
            }
            // Behind the chain's old end are those that were just moved there.
            if at == end {
                break;
            }
            at = waiter.next;
        }
        moved
    }

    /// Takes a waiter out whose time has come.
    pub fn due(&mut self, now_ns: u64) -> Option<Token> {
        let &(deadline_ns, number) = self.deadlines.last()?;
        if deadline_ns > now_ns {
            return None;
        }
        let token = self.waiters.at(number).token;
        self.remove(number);
        Some(token)
    }

    /// Takes those out that `ends` says no longer wait. For what is rare: it looks at all.
    pub fn sweep(&mut self, mut ends: impl FnMut(Token) -> bool) {
        if self.count == 0 {
            return;
        }
        for bucket in 0..self.buckets.len() {
            let mut at = self.buckets.get(bucket).map_or(NONE, |chain| chain.first);
            while at != NONE {
                let waiter = *self.waiters.at(at);
                if ends(waiter.token) {
                    self.remove(at);
                }
                at = waiter.next;
            }
        }
    }

    fn first(&self, key: Key) -> u32 {
        self.buckets
            .get(key.bucket())
            .map_or(NONE, |chain| chain.first)
    }

    fn last(&self, key: Key) -> u32 {
        self.buckets
            .get(key.bucket())
            .map_or(NONE, |chain| chain.last)
    }

    fn append(&mut self, number: u32) {
        let chain = &mut self.buckets[self.waiters.at(number).key.bucket()];
        let last = core::mem::replace(&mut chain.last, number);
        let waiter = self.waiters.at_mut(number);
        (waiter.previous, waiter.next) = (last, NONE);
        match last {
            NONE => chain.first = number,
            last => self.waiters.at_mut(last).next = number,
        }
    }

    fn unchain(&mut self, number: u32) {
        let waiter = *self.waiters.at(number);
        let chain = &mut self.buckets[waiter.key.bucket()];
        match waiter.previous {
            NONE => chain.first = waiter.next,
            previous => self.waiters.at_mut(previous).next = waiter.next,
        }
        match waiter.next {
            NONE => chain.last = waiter.previous,
            next => self.waiters.at_mut(next).previous = waiter.previous,
        }
    }

    fn remove(&mut self, number: u32) {
        self.unchain(number);
        let deadline_ns = self.waiters.at(number).deadline_ns;
        if deadline_ns != NEVER {
            let entry = (deadline_ns, number);
            let at = self.deadlines.partition_point(|&other| other > entry);
            if self.deadlines.get(at) == Some(&entry) {
                self.deadlines.remove(at);
            }
        }
        self.waiters.give_back(number);
        self.count -= 1;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;

    const A: Key = Key::Private(1, 0x1000);
    const ALL: u32 = u32::MAX;

    /// A key in the bucket of [`A`] that is not `A`.
    fn neighbour() -> Key {
        (1..)
            .map(|at| Key::Private(1, 0x1000 + 4 * at))
            .find(|key| key.bucket() == A.bucket())
            .expect("buckets are few")
    }

    fn table(waiters: &[(Key, u64)]) -> Table {
        let mut table = Table::default();
        for &(key, token) in waiters {
            table.wait(key, ALL, Token(token), NEVER).expect("room");
        }
        table
    }

    fn woken(table: &mut Table, key: Key, count: u32) -> Vec<u64> {
        let mut list = vec![];
        table.wake(key, ALL, count, |token| {
            list.push(token.0);
            true
        });
        list
    }

    #[test]
    fn who_came_first_is_woken_first_and_others_of_the_bucket_stay() {
        let mut table = table(&[(A, 1), (neighbour(), 2), (A, 3), (A, 4)]);
        assert_eq!(woken(&mut table, A, 2), [1, 3]);
        assert_eq!(woken(&mut table, neighbour(), 9), [2]);
        assert_eq!(woken(&mut table, A, 9), [4]);
        assert_eq!(table.count(), 0);
    }

    #[test]
    fn a_waiter_that_is_gone_is_not_counted() {
        let mut table = table(&[(A, 1), (A, 2)]);
        assert_eq!(table.wake(A, ALL, 1, |token| token.0 == 2), 1);
        assert_eq!(table.count(), 0);
    }

    #[test]
    fn only_common_bits_wake() {
        let mut table = Table::default();
        table.wait(A, 0b01, Token(1), NEVER).expect("room");
        table.wait(A, 0b10, Token(2), NEVER).expect("room");
        assert_eq!(table.wake(A, 0b10, 9, |token| token.0 == 2), 1);
        assert_eq!(woken(&mut table, A, 9), [1]);
    }

    #[test]
    fn who_is_requeued_waits_elsewhere_in_the_same_order() {
        for to in [neighbour(), Key::Shared(7, 0)] {
            let mut table = table(&[(A, 1), (A, 2), (A, 3)]);
            assert_eq!(table.requeue(A, to, 2), 2);
            assert_eq!(woken(&mut table, A, 9), [3]);
            assert_eq!(woken(&mut table, to, 9), [1, 2]);
        }
    }

    #[test]
    fn deadlines_come_in_their_order_and_go_with_their_waiters() {
        let mut table = Table::default();
        for (token, deadline_ns) in [(1, 300), (2, 100), (3, 200), (4, 100)] {
            table.wait(A, ALL, Token(token), deadline_ns).expect("room");
        }
        assert_eq!(table.earliest(), Some(100));
        assert_eq!(table.due(99), None);
        let due = [table.due(150), table.due(150), table.due(150)];
        assert_eq!(due.iter().flatten().count(), 2);
        assert_eq!(woken(&mut table, A, 1), [1]);
        assert_eq!(table.earliest(), Some(200));
        assert_eq!(table.due(1000), Some(Token(3)));
        assert_eq!((table.earliest(), table.count()), (None, 0));
    }

    #[test]
    fn a_sweep_takes_only_who_has_ended() {
        let mut table = table(&[(A, 1), (Key::Shared(2, 8), 2), (A, 3)]);
        table.sweep(|token| token.0 != 3);
        assert_eq!(woken(&mut table, A, 9), [3]);
    }
}
