//! What the interprocess-communication service owes. Profiles: `messages`, `semaphores`, `shared`,
//! and `permissions` of all three.

mod messages;
mod permissions;
mod semaphores;
mod shared;

use crate::linux::IPC_RMID;
use crate::{Answer, Caller, Check, Lease, Promise, World, ask, refused};
use abi::Errno;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use proto::ipc::{Ipc, Reply, Request};

/// What the promises are checked in.
pub type W = dyn World<Ipc>;

/// All promises.
pub const PROMISES: &[&[Promise<W>]] = &[
    messages::PROMISES,
    semaphores::PROMISES,
    shared::PROMISES,
    permissions::PROMISES,
];

/// What a server claims that does all.
pub const FULL: &[&str] = &["messages", "semaphores", "shared", "permissions"];

fn none() -> [Lease; 2] {
    [Lease::none(), Lease::none()]
}

fn bytes(bytes: &[u8]) -> [Lease; 2] {
    [Lease::of(bytes), Lease::none()]
}

fn room(bytes: usize) -> [Lease; 2] {
    [Lease::room(bytes), Lease::none()]
}

fn call(
    w: &mut W,
    who: Caller,
    request: Request,
    leases: [Lease; 2],
) -> Result<Answer<Reply>, String> {
    ask::<Ipc, W>(w, who, request, leases)
}

/// Asks for what must succeed.
fn get(w: &mut W, who: Caller, request: Request, leases: [Lease; 2]) -> Result<Reply, String> {
    let answer = call(w, who, request, leases)?;
    answer
        .result
        .map_err(|refusal| format!("{request:?}: {refusal:?}"))
}

/// An id or a value that must be answered.
fn number(w: &mut W, who: Caller, request: Request, leases: [Lease; 2]) -> Result<i32, String> {
    match get(w, who, request, leases)? {
        Reply::Id(number) | Reply::Value(number) => Ok(number),
        other => Err(format!("{request:?}: {other:?}")),
    }
}

fn refuse(w: &mut W, who: Caller, request: Request, leases: [Lease; 2], errno: Errno) -> Check {
    let found = call(w, who, request, leases)?.plain();
    refused(&format!("{request:?}"), found, errno)
}

/// Waits, as [`crate::waits`].
fn waits(w: &mut W, who: Caller, request: Request, leases: [Lease; 2]) -> Check {
    crate::waits::<Ipc, W>(w, who, request, leases)
}

fn finish(w: &mut W, who: Caller) -> Result<Answer<Reply>, String> {
    crate::finish::<Ipc, W>(w, who)
}

/// Removes a queue; on the machine it would stay otherwise.
fn remove_queue(w: &mut W, who: Caller, id: i32) -> Check {
    let request = Request::MessageControl {
        id,
        command: IPC_RMID,
    };
    get(w, who, request, none()).map(drop)
}

/// Removes a set.
fn remove_set(w: &mut W, who: Caller, id: i32) -> Check {
    let request = Request::SemaphoreControl {
        id,
        index: 0,
        command: IPC_RMID,
        value: 0,
    };
    get(w, who, request, none()).map(drop)
}

/// The bytes of a message that was received, with its type.
fn message(answer: Answer<Reply>) -> Result<(i64, Vec<u8>), String> {
    let [mut text, _] = answer.leases;
    match answer.result {
        Ok(Reply::Message { kind, bytes }) if bytes as usize <= text.len() => {
            text.truncate(bytes as usize);
            Ok((kind, text))
        }
        other => Err(format!("{other:?} is no message")),
    }
}
