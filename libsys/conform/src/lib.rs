//! What every server owes its callers: promises about each service, checked through its messages.
//!
//! A promise is a function that speaks only the protocol, to a [`World`] with callers in it. Who
//! implements a server runs all promises of its protocol: on the host against the server's library,
//! on the machine (`/bin/conform`) with real processes and real messages. No promise knows which.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod expect;
pub mod host;
pub mod ipc;
pub mod linux;
pub mod mem;
pub mod proc;
mod run;
pub mod tty;
pub mod vfs;
mod world;

pub use expect::{Check, equal, refused};
pub use run::{Promise, check_claims};
pub use run::{Side, Summary, Verdict, Where, run};
pub use world::{Answer, Caller, Lease, ROOT, USER, User, World, ask, finish, waits};
