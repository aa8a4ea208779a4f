//! The services' interfaces: one file per service, each message declared once.
//!
//! A client stub, the server's `match` and the trace line all come from the declaration here.
//! How a message becomes registers is in [`wire`]; long arguments travel in leases, whose use each
//! request documents as *lease 0* and *lease 1*.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod handover;
pub mod ipc;
pub mod mem;
pub mod port;
pub mod proc;
pub mod publish;
pub mod tty;
pub mod vfs;
pub mod wire;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wire::Words;

/// Identity of a process (or server) in every service: its badge. Programs: their pid.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[repr(transparent)]
pub struct Pid(pub u32);

impl Pid {
    /// First identity of servers; lower ones are processes.
    pub const FIRST_SERVER: Pid = Pid(0x4000_0000);

    /// Whether this is a server, which may ask for more than a program.
    pub const fn is_server(self) -> bool {
        self.0 >= Self::FIRST_SERVER.0
    }
}

/// Identities that the root task gives to the servers, whatever programs serve.
pub mod server_id {
    use super::Pid;
    /// The root task.
    pub const ROOT: Pid = Pid(Pid::FIRST_SERVER.0);
    /// The memory server.
    pub const MEM: Pid = Pid(Pid::FIRST_SERVER.0 + 1);
    /// The terminal server.
    pub const TTY: Pid = Pid(Pid::FIRST_SERVER.0 + 2);
    /// The file server.
    pub const VFS: Pid = Pid(Pid::FIRST_SERVER.0 + 3);
    /// The interprocess-communication server.
    pub const IPC: Pid = Pid(Pid::FIRST_SERVER.0 + 4);
    /// The process server.
    pub const PROC: Pid = Pid(Pid::FIRST_SERVER.0 + 5);
}

/// A service: its requests and replies.
pub trait Protocol {
    /// What clients may ask.
    type Request: Words + Serialize + DeserializeOwned + core::fmt::Debug;
    /// What the service answers when it went well.
    type Reply: Words + Serialize + DeserializeOwned + core::fmt::Debug;
    /// Name in manifests, traces and environments.
    const NAME: &'static str;
    /// Version of the form in which its servers hand their state over ([`handover`]). To be raised
    /// whenever a type changes that is part of such a state.
    const STATE_VERSION: u32 = 1;
}
