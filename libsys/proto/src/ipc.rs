//! The interprocess-communication service: System V messages, semaphores, shared memory.
//!
//! Structures in leases are those of Linux/AArch64 (`msqid64_ds`, `semid64_ds`, `shmid64_ds`,
//! `sembuf`, `msginfo`, `seminfo`, `shminfo64`, `shm_info`).

#![allow(missing_docs, reason = "the sentence of a variant names its fields")]

use crate::wire::field::messages;
use crate::{Pid, Protocol};
use serde::{Deserialize, Serialize};

/// The interprocess-communication service.
pub struct Ipc;

impl Protocol for Ipc {
    type Request = Request;
    type Reply = Reply;
    const NAME: &'static str = "ipc";
}

messages! {
/// Requests that the service answers. Add at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// `msgget`. Reply: `Id`.
    MessageGet { key: i32, flags: u32 },
    /// `msgsnd` of the text in lease 0. Parks while the queue is full. Reply: `Done`.
    MessageSend { id: i32, kind: i64, flags: u32 },
    /// `msgrcv` into lease 0 (text only). Parks while there is none. Reply: `Message`.
    MessageReceive { id: i32, kind: i64, flags: u32 },
    /// `msgctl` (`command` without `IPC_64`); the structure is in lease 0, readable for `IPC_SET`,
    /// writable for the others. Reply: `Value`.
    MessageControl { id: i32, command: u32 },
    /// `semget`. Reply: `Id`.
    SemaphoreGet { key: i32, count: u32, flags: u32 },
    /// `semop`, `semtimedop`: the `sembuf` array is lease 0. Parks until all can be done at once.
    /// `timeout_ns`: `u64::MAX` for none. Reply: `Done`.
    SemaphoreOperate { id: i32, timeout_ns: u64 },
    /// `semctl`. `value` is `SETVAL`'s; lease 0 is the structure or the `u16` array (readable for
    /// `IPC_SET`, `SETALL`; writable for the others). Reply: `Value`.
    SemaphoreControl {
        id: i32,
        index: u32,
        command: u32,
        value: i32,
    },
    /// `shmget`. Reply: `Id`.
    SharedGet { key: i32, bytes: u64, flags: u32 },
    /// `shmat`. Reply: `Address`.
    SharedAttach { id: i32, address: u64, flags: u32 },
    /// `shmdt`. Reply: `Done`.
    SharedDetach { address: u64 },
    /// `shmctl`; structure in lease 0. Reply: `Value`.
    SharedControl { id: i32, command: u32 },
    /// From `proc`: `child` is a copy of `parent` (shared-memory attachments are inherited, undo
    /// is not). Sent only if `parent` has ever called this service. Reply: `Done`.
    Fork { parent: Pid, child: Pid },
    /// From `proc`: the process ended (undo is done, attachments are gone), or (`exec`) has new
    /// memory (attachments are gone, undo stays). Reply: `Done`.
    Exit { process: Pid, exec: bool },
}
}

messages! {
/// What the service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done.
    Done,
    /// Identifier of a queue, set or segment.
    Id(i32),
    /// A control command's result.
    Value(i32),
    /// A received message's type and length in bytes.
    Message { kind: i64, bytes: u64 },
    /// Where a segment is attached.
    Address(u64),
}
}
