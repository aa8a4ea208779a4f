//! What the terminal service owes. Profile: `line`. Programs have no handle of this service, and on
//! the machine nobody types, so these promises are checked on the host; scenes type at prompts.

mod line;

use crate::{Answer, Caller, Check, Lease, Promise, World, ask, refused};
use abi::Errno;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use proto::tty::{Reply, Request, Tty};

/// A world around a terminal server. Its callers are servers; the console belongs to session and
/// group [`SHELL`].
pub trait Terminal: World<Tty> {
    /// Somebody types.
    fn typed(&mut self, bytes: &[u8]);

    /// What appeared on the screen since this was asked last.
    fn shown(&mut self) -> Vec<u8>;
}

/// What the promises are checked in.
pub type W = dyn Terminal;

/// Session and foreground group of the console.
pub const SHELL: u32 = 10;

/// All promises.
pub const PROMISES: &[&[Promise<W>]] = &[line::PROMISES];

/// What a server claims that does all.
pub const FULL: &[&str] = &["line"];

fn call(w: &mut W, who: Caller, request: Request, lease: Lease) -> Result<Answer<Reply>, String> {
    ask::<Tty, W>(w, who, request, [lease, Lease::none()])
}

/// Asks for what must succeed.
fn get(w: &mut W, who: Caller, request: Request, lease: Lease) -> Result<Reply, String> {
    let answer = call(w, who, request, lease)?;
    answer
        .result
        .map_err(|refusal| format!("{request:?}: {refusal:?}"))
}

fn refuse(w: &mut W, who: Caller, request: Request, lease: Lease, errno: Errno) -> Check {
    let found = call(w, who, request, lease)?.plain();
    refused(&format!("{request:?}"), found, errno)
}

fn read_request(pgid: u32) -> Request {
    Request::Read {
        line: 0,
        pgid,
        sid: SHELL,
        stoppable: true,
    }
}

fn read(w: &mut W, who: Caller, bytes: usize) -> Result<Vec<u8>, String> {
    let answer = call(w, who, read_request(SHELL), Lease::room(bytes))?;
    match answer.result {
        Ok(Reply::Count(count)) => Ok(answer.leases[0][..count as usize].to_vec()),
        other => Err(format!("read: {other:?}")),
    }
}
