//! Ports: what every server may do with its callers and the clock. A binary answers with kernel
//! calls, a test with fakes.

use crate::Pid;
pub use abi::message::TokenState;
use abi::{Errno, Token};

/// One request as a server gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming<R> {
    /// Who asks (the badge, which cannot be forged).
    pub sender: Pid,
    /// Names the waiting caller.
    pub token: Token,
    /// The two leases' lengths and directions.
    pub leases: [LeaseInfo; 2],
    /// What is asked.
    pub request: R,
}

/// What a server knows of a lease: never its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaseInfo {
    /// Length in bytes.
    pub bytes: usize,
    /// The server may copy from it.
    pub readable: bool,
    /// The server may copy to it.
    pub writable: bool,
}

/// A lease copy stopped at an absent page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseError {
    /// The page at `offset` of the lease is absent or not writable.
    Absent {
        /// Which lease.
        lease: u32,
        /// Bytes that were copied, counted from the start of the lease.
        offset: u64,
    },
    /// The lease does not exist, is too short, or has the other direction.
    Invalid,
    /// The caller is gone.
    Gone,
}

/// Why a request is not answered with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The POSIX error.
    Errno(Errno),
    /// The caller must make the page at `offset` of `lease` present and ask again; `done` bytes of
    /// the transfer have taken effect.
    Touch {
        /// Which lease.
        lease: u32,
        /// Offset of the absent byte in the lease.
        offset: u64,
        /// Bytes that have taken effect already (0 for all-or-nothing requests).
        done: u64,
    },
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Refusal::Errno(errno)
    }
}

impl From<LeaseError> for Refusal {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Absent { lease, offset } => Refusal::Touch {
                lease,
                offset,
                done: 0,
            },
            LeaseError::Invalid => Refusal::Errno(Errno::EFAULT),
            LeaseError::Gone => Refusal::Errno(Errno::EINTR),
        }
    }
}

/// The caller no longer waits; what was done for it must be undone where others could notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// The callers that wait for this server.
///
/// `R` is the protocol's reply type.
pub trait Callers<R> {
    /// Copies `into.len()` bytes at `offset` of the caller's lease into `into`.
    ///
    /// # Errors
    /// [`LeaseError`]; nothing but a prefix of `into` has changed.
    fn read(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        into: &mut [u8],
    ) -> Result<(), LeaseError>;

    /// Copies `from` to `offset` of the caller's lease.
    ///
    /// # Errors
    /// [`LeaseError`]; a prefix may have been written.
    fn write(
        &mut self,
        token: Token,
        lease: u32,
        offset: u64,
        from: &[u8],
    ) -> Result<(), LeaseError>;

    /// Answers the caller.
    ///
    /// # Errors
    /// [`Gone`] if it no longer waits.
    fn reply(&mut self, token: Token, reply: Result<R, Refusal>) -> Result<(), Gone>;

    /// What the caller does now.
    fn state(&mut self, token: Token) -> TokenState;
}

/// What a handler tells the serve loop.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<R> {
    /// Answer the caller with this.
    Reply(Result<R, Refusal>),
    /// The request was parked as data; it is answered later through [`Callers::reply`].
    Parked,
}

impl<R> From<Result<R, Refusal>> for Outcome<R> {
    fn from(result: Result<R, Refusal>) -> Self {
        Outcome::Reply(result)
    }
}

/// The clock and the server's one timer.
pub trait Clock {
    /// Nanoseconds since boot (`CLOCK_MONOTONIC`).
    fn now_ns(&mut self) -> u64;

    /// Asks for a timer notification at this time; `None` for none. One timer per server.
    fn wake_at(&mut self, deadline_ns: Option<u64>);
}
