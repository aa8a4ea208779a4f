//! Handles: indices into a process's capability table.

use serde::{Deserialize, Serialize};

/// Names a capability of the caller: an index into its table. 0 names nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Handle(pub u32);

impl Handle {
    /// No handle.
    pub const NONE: Handle = Handle(0);

    /// Process server. Every program has its services at these fixed places.
    pub const PROC: Handle = Handle(1);
    /// Memory server.
    pub const MEM: Handle = Handle(2);
    /// File server.
    pub const VFS: Handle = Handle(3);
    /// Interprocess-communication server.
    pub const IPC: Handle = Handle(4);

    /// A server's own endpoint, on which it receives. Servers have their table laid out by the
    /// root task: 1 is their endpoint, 2 is always the memory server (the memory server itself has
    /// its own space there), further ones are named in their environment as `NAME=handle`.
    pub const SERVICE: Handle = Handle(1);
    /// The memory server's handle of its own space.
    pub const OWN_SPACE: Handle = Handle(2);
    /// The memory server's system handle (rights [`Rights::MEMORY`]); the root task has its
    /// handle with all system rights there too.
    pub const SYSTEM: Handle = Handle(3);
}

bitflags::bitflags! {
    /// What the holder of a handle may do with the object.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Rights: u16 {
        /// Endpoint: call it.
        const SEND = 1 << 0;
        /// Endpoint: receive, reply, lease copies, timers and interrupts on it.
        const RECEIVE = 1 << 1;
        /// Endpoint: signal its notification; the badge is the mask of bits that may be set.
        const NOTIFY = 1 << 2;
        /// Any: copy the handle into another process's table or a message, and choose the copy's
        /// badge. Without it a handle can be used but not passed on.
        const GRANT = 1 << 3;
        /// Space: map, unmap, protect, donate, destroy. Given by creating it, which takes
        /// [`Rights::MEMORY`]; so who has it may name any free frame.
        const MAP = 1 << 4;
        /// Thread: start, stop, kick, read and write registers, fill its handle table, destroy.
        const CONTROL = 1 << 5;
        /// System: make kernel objects out of frames.
        const MEMORY = 1 << 6;
        /// System: write to the kernel's log.
        const LOG = 1 << 7;
        /// System: bind interrupts to endpoints.
        const INTERRUPT = 1 << 8;
        /// System: switch the machine off, or start it again.
        const POWER = 1 << 9;
        /// System: read the state and times of any thread, and the kernel's counters.
        const MONITOR = 1 << 10;
    }
}
