//! Memory that the checking process and one of its workers share: a command, and what came of it.
//!
//! Whose turn it is says the word [`STATE`]; the other side only reads that word until it changes.

use abi::{Lease as Range, Message};
use conform::Lease;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use libsys::Errno;
use libsys::memory::Shared;
use libsys::prelude::*;

/// Most bytes of one lease.
pub const LEASE_BYTES: usize = 128 << 10;
const HEADER_BYTES: usize = 4096;
/// Bytes of a mailbox.
const BYTES: usize = HEADER_BYTES + 2 * LEASE_BYTES;

const STATE: usize = 0;
const COMMAND: usize = 1;
/// The command's argument, and its result.
const ARGUMENT: usize = 2;
/// Label and words of the request, then of the reply.
const MESSAGE: usize = 8;
/// For each lease: its length, and one more than the offset from which on pages are absent.
const LEASES: usize = 24;

/// Whose turn it is.
pub mod turn {
    /// Nobody's: the worker waits for a command.
    pub const IDLE: u64 = 0;
    /// The worker's.
    pub const WORKER: u64 = 1;
    /// The checker's: it is done.
    pub const DONE: u64 = 2;
}

/// What a worker can be told.
pub mod command {
    /// Send the message and the leases to the server whose handle is the argument.
    pub const SEND: u64 = 1;
    /// Read the byte at the address that is the argument. The result is the byte.
    pub const LOAD: u64 = 3;
    /// Write the message's label to the address that is the argument, as a byte.
    pub const STORE: u64 = 4;
    /// Fork; the child uses the mailbox whose number is the argument. The result is its pid.
    pub const FORK: u64 = 2;
}

/// A row of mailboxes.
#[derive(Clone, Copy)]
pub struct Mailboxes {
    shared: Shared,
}

impl Mailboxes {
    /// So many mailboxes, which children of this process share.
    pub fn new(count: usize) -> Result<Self, Errno> {
        let shared = Shared::anonymous(count * BYTES)?;
        Ok(Mailboxes { shared })
    }

    /// One of them.
    pub fn get(self, number: usize) -> Mailbox {
        let words = number * BYTES / 8;
        let first = number * BYTES + HEADER_BYTES;
        Mailbox {
            header: &self.shared.words()[words..words + HEADER_BYTES / 8],
            leases: [0, 1].map(|lease| {
                let start = first + lease * LEASE_BYTES;
                &self.shared.bytes()[start..start + LEASE_BYTES]
            }),
        }
    }
}

/// One mailbox.
#[derive(Clone, Copy)]
pub struct Mailbox {
    header: &'static [AtomicU64],
    leases: [&'static [AtomicU8]; 2],
}

impl Mailbox {
    fn word(&self, index: usize) -> u64 {
        self.header[index].load(Ordering::Acquire)
    }

    fn set(&self, index: usize, value: u64) {
        self.header[index].store(value, Ordering::Release);
    }

    /// Whose turn it is.
    pub fn turn(&self) -> u64 {
        self.word(STATE)
    }

    /// Gives the turn to the other side.
    pub fn pass(&self, turn: u64) {
        self.set(STATE, turn);
    }

    /// The command and its argument.
    pub fn command(&self) -> (u64, u64) {
        (self.word(COMMAND), self.word(ARGUMENT))
    }

    /// Tells the worker to do something.
    pub fn tell(&self, command: u64, argument: u64) {
        self.set(COMMAND, command);
        self.set(ARGUMENT, argument);
        self.pass(turn::WORKER);
    }

    /// The result of a command.
    pub fn result(&self) -> u64 {
        self.word(ARGUMENT)
    }

    /// Leaves a result.
    pub fn set_result(&self, result: u64) {
        self.set(ARGUMENT, result);
    }

    /// The message.
    pub fn message(&self) -> Message {
        let mut message = Message {
            label: self.word(MESSAGE),
            ..Message::default()
        };
        for (index, word) in message.words.iter_mut().enumerate() {
            *word = self.word(MESSAGE + 1 + index);
        }
        message
    }

    /// Leaves a message.
    pub fn set_message(&self, message: &Message) {
        self.set(MESSAGE, message.label);
        for (index, word) in message.words.iter().enumerate() {
            self.set(MESSAGE + 1 + index, *word);
        }
    }

    /// Leaves the leases of a request.
    pub fn set_leases(&self, leases: &[Lease; 2]) {
        for (index, lease) in leases.iter().enumerate() {
            let bytes = &lease.bytes[..lease.bytes.len().min(LEASE_BYTES)];
            let absent = lease.absent_from.map_or(0, |offset| offset as u64 + 1);
            self.set(LEASES + 2 * index, bytes.len() as u64);
            self.set(LEASES + 2 * index + 1, absent);
            copy_in(bytes, self.leases[index]);
        }
    }

    /// What is in the leases now.
    pub fn take_leases(&self) -> [Vec<u8>; 2] {
        [0, 1].map(|index| copy_out(self.lease(index)))
    }

    fn lease(&self, index: usize) -> &'static [AtomicU8] {
        let bytes = self.word(LEASES + 2 * index) as usize;
        &self.leases[index][..bytes.min(LEASE_BYTES)]
    }

    /// The worker's side of a lease.
    pub fn lend(&self, index: usize) -> Result<Lent, Errno> {
        let here = self.lease(index);
        let lent = match self.word(LEASES + 2 * index + 1) {
            0 => here,
            absent => fresh(here, (absent - 1) as usize)?,
        };
        if lent.as_ptr() == here.as_ptr() {
            // The checker wrote it, so the pages may be absent in this process.
            let pages = lent.iter().step_by(abi::PAGE_BYTES as usize);
            pages.chain(lent.last()).for_each(|byte| {
                byte.fetch_or(0, Ordering::Relaxed);
            });
        }
        Ok(Lent { here, lent })
    }
}

/// A copy in memory that was not touched before, up to `present` bytes.
fn fresh(from: &[AtomicU8], present: usize) -> Result<&'static [AtomicU8], Errno> {
    let bytes = from.len().next_multiple_of(abi::PAGE_BYTES as usize);
    let memory = &Shared::anonymous(bytes)?.bytes()[..from.len()];
    for (to, from) in memory.iter().zip(from).take(present) {
        to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
    }
    Ok(memory)
}

/// Memory that is lent to a server: the mailbox itself, or a copy with absent pages.
pub struct Lent {
    here: &'static [AtomicU8],
    lent: &'static [AtomicU8],
}

impl Lent {
    /// As the kernel is told of it.
    pub fn range(&self) -> Range {
        if self.lent.is_empty() {
            return Range::NONE;
        }
        Range {
            address: self.lent.as_ptr() as u64,
            length: self.lent.len() as u64 | Range::READ | Range::WRITE,
        }
    }

    /// Brings back what the server has written.
    pub fn give_back(self) {
        if self.lent.as_ptr() != self.here.as_ptr() {
            copy_in(&copy_out(self.lent), self.here);
        }
    }
}

fn copy_in(from: &[u8], to: &[AtomicU8]) {
    for (to, from) in to.iter().zip(from) {
        to.store(*from, Ordering::Relaxed);
    }
}

fn copy_out(from: &[AtomicU8]) -> Vec<u8> {
    from.iter()
        .map(|byte| byte.load(Ordering::Relaxed))
        .collect()
}
