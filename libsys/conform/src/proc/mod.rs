//! What the process service owes. Profiles: `processes`, `signals`, `groups`, `credentials`, `timers`.

mod credentials;
mod groups;
mod processes;
mod signals;
mod timers;

use crate::{Answer, Caller, Check, Lease, Promise, World, ask, refused};
use abi::Errno;
use alloc::format;
use alloc::string::String;
use proto::proc::{Proc, Reply, Request};

/// What the promises are checked in. `exit` leaves a process to be waited for by its parent.
pub type W = dyn World<Proc>;

/// All promises.
pub const PROMISES: &[&[Promise<W>]] = &[
    processes::PROMISES,
    signals::PROMISES,
    groups::PROMISES,
    credentials::PROMISES,
    timers::PROMISES,
];

/// What a server claims that does all.
pub const FULL: &[&str] = &["processes", "signals", "groups", "credentials", "timers"];

const SIGKILL: u32 = 9;
const SIGUSR2: u32 = 12;
const SIGALRM: u32 = 14;
const SIGTERM: u32 = 15;
const SIGCONT: u32 = 18;
const SIGSTOP: u32 = 19;
const NO_HANG: u32 = 1;
const UNTRACED: u32 = 2;
const CONTINUED: u32 = 8;
const BLOCK: u32 = 0;

/// A signal as a set.
const fn bit(signal: u32) -> u64 {
    1 << (signal - 1)
}

fn none() -> [Lease; 2] {
    [Lease::none(), Lease::none()]
}

fn call(w: &mut W, who: Caller, request: Request) -> Result<Answer<Reply>, String> {
    ask::<Proc, W>(w, who, request, none())
}

/// Asks for what must succeed.
fn get(w: &mut W, who: Caller, request: Request) -> Result<Reply, String> {
    let answer = call(w, who, request)?;
    answer
        .result
        .map_err(|refusal| format!("{request:?}: {refusal:?}"))
}

fn refuse(w: &mut W, who: Caller, request: Request, errno: Errno) -> Check {
    let found = call(w, who, request)?.plain();
    refused(&format!("{request:?}"), found, errno)
}

fn waits(w: &mut W, who: Caller, request: Request) -> Check {
    crate::waits::<Proc, W>(w, who, request, none())
}

fn finish(w: &mut W, who: Caller) -> Result<Answer<Reply>, String> {
    crate::finish::<Proc, W>(w, who)
}

/// Ends a process by itself; it gets no answer.
fn leave(w: &mut W, who: Caller, status: i32) -> Check {
    waits(w, who, Request::Exit { status })
}

fn wait_for(w: &W, child: Caller, options: u32) -> Request {
    let pid = w.pid(child) as i32;
    Request::Wait { pid, options }
}

/// Pid and status of what `wait4` answered.
fn waited(reply: Reply) -> Result<(u32, u32), String> {
    match reply {
        Reply::Waited { pid, status, .. } => Ok((pid, status)),
        other => Err(format!("wait: {other:?}")),
    }
}

fn kill(w: &W, whom: Caller, signal: u32) -> Request {
    let pid = w.pid(whom) as i32;
    Request::Kill { pid, signal }
}

/// The parent of a process.
fn parent(w: &mut W, who: Caller) -> Result<u32, String> {
    match get(w, who, Request::Identity)? {
        Reply::Identity { pid, ppid } if pid == w.pid(who) => Ok(ppid),
        other => Err(format!("{other:?} is not the identity of {}", w.pid(who))),
    }
}
