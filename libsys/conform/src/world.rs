//! Where promises are checked: processes that send requests, and what becomes of these.

use crate::Check;
use abi::Errno;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use proto::Protocol;
use proto::port::Refusal;

/// A process that sends requests, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller(pub u32);

/// Whose process it is: both user and group id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User(pub u32);

/// The user who may do everything.
pub const ROOT: User = User(0);
/// A user without privileges.
pub const USER: User = User(1000);

/// Memory that a request lends to the server, readable and writable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// What is there before.
    pub bytes: Vec<u8>,
    /// From this offset on (a multiple of the page size) the pages are absent until they are touched.
    pub absent_from: Option<usize>,
}

impl Lease {
    /// No memory.
    pub fn none() -> Self {
        Lease::default()
    }

    /// These bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Lease {
            bytes: bytes.to_vec(),
            absent_from: None,
        }
    }

    /// Room for so many bytes.
    pub fn room(bytes: usize) -> Self {
        Lease {
            bytes: vec![0xee; bytes],
            absent_from: None,
        }
    }

    /// The same, with pages that are absent from `offset` on.
    pub fn absent_from(self, offset: usize) -> Self {
        Lease {
            absent_from: Some(offset),
            ..self
        }
    }
}

/// What a caller got: the reply, and its memory afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<R> {
    /// The reply.
    pub result: Result<R, Refusal>,
    /// Both leases.
    pub leases: [Vec<u8>; 2],
}

/// Processes around one server.
pub trait World<P: Protocol> {
    /// A new process of this user.
    fn caller(&mut self, user: User) -> Caller;

    /// A process that `parent` forks.
    fn fork(&mut self, parent: Caller) -> Caller;

    /// Ends a process, even while it waits for an answer.
    fn exit(&mut self, caller: Caller);

    /// The process number, as other processes name it.
    fn pid(&self, caller: Caller) -> u32;

    /// Sends a request.
    fn send(&mut self, caller: Caller, request: P::Request, leases: [Lease; 2]);

    /// The answer to what the caller sent last; `None` while it waits.
    fn answer(&mut self, caller: Caller) -> Option<Answer<P::Reply>>;

    /// Interrupts a caller as a signal with a handler does.
    fn interrupt(&mut self, caller: Caller);

    /// Lets time pass.
    fn pass(&mut self, ns: u64);
}

/// Asks for what is answered at once.
///
/// # Errors
/// A text if it has to wait.
pub fn ask<P: Protocol, W: World<P> + ?Sized>(
    world: &mut W,
    caller: Caller,
    request: P::Request,
    leases: [Lease; 2],
) -> Result<Answer<P::Reply>, String> {
    let what = format!("{request:?}");
    world.send(caller, request, leases);
    world
        .answer(caller)
        .ok_or_else(|| format!("{what} waits, but should be answered at once"))
}

/// Sends what has to wait.
///
/// # Errors
/// A text with the answer, if there is one.
pub fn waits<P: Protocol, W: World<P> + ?Sized>(
    world: &mut W,
    caller: Caller,
    request: P::Request,
    leases: [Lease; 2],
) -> Check {
    let what = format!("{request:?}");
    world.send(caller, request, leases);
    match world.answer(caller) {
        None => Ok(()),
        Some(answer) => Err(format!("{what} should wait, but is {:?}", answer.result)),
    }
}

/// The answer that a waiting caller must have got by now.
///
/// # Errors
/// A text if it still waits.
pub fn finish<P: Protocol, W: World<P> + ?Sized>(
    world: &mut W,
    caller: Caller,
) -> Result<Answer<P::Reply>, String> {
    world
        .answer(caller)
        .ok_or_else(|| String::from("a caller still waits, but should have its answer"))
}

impl<R> Answer<R> {
    /// The reply, or the errno.
    ///
    /// # Errors
    /// The errno. An absent page counts as `EFAULT`: who lends absent pages looks at `result`.
    pub fn plain(self) -> Result<R, Errno> {
        self.result.map_err(|refusal| match refusal {
            Refusal::Errno(errno) => errno,
            Refusal::Touch { .. } => Errno::EFAULT,
        })
    }
}
