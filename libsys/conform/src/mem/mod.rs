//! What the memory service owes. Profiles: `base` (what programs ask), `objects` (what servers ask).

mod base;
mod forks;
mod objects;

use crate::{Answer, Caller, Check, Lease, Promise, World, ask, refused};
use abi::{Errno, PAGE_BYTES};
use alloc::format;
use alloc::string::String;
use proto::mem::{Mem, Reply, Request};

/// A world around a memory server, in which processes touch their memory.
pub trait Memory: World<Mem> {
    /// Reads a byte as a process does; `None` if that is a fault.
    fn load(&mut self, caller: Caller, address: u64) -> Option<u8>;

    /// Writes a byte as a process does; `None` if that is a fault.
    fn store(&mut self, caller: Caller, address: u64, byte: u8) -> Option<()>;

    /// Whether an access would be a fault; nothing changes by it.
    fn faults(&mut self, caller: Caller, address: u64, access: Access) -> bool;

    /// A server, which may make objects; only asked for on the host.
    fn server(&mut self) -> Caller;
}

/// A kind of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Load,
    /// Writing.
    Store,
}

/// What the promises are checked in.
pub type W = dyn Memory;

/// All promises.
pub const PROMISES: &[&[Promise<W>]] = &[base::PROMISES, forks::PROMISES, objects::PROMISES];

/// What a server claims that does all.
pub const FULL: &[&str] = &["base", "objects"];

const READ: u32 = 1;
const WRITE: u32 = 2;
const EXECUTE: u32 = 4;

fn call(w: &mut W, who: Caller, request: Request) -> Result<Answer<Reply>, String> {
    ask::<Mem, W>(w, who, request, [Lease::none(), Lease::none()])
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

fn address(reply: Reply) -> Result<u64, String> {
    match reply {
        Reply::Address(address) => Ok(address),
        other => Err(format!("{other:?} is no address")),
    }
}

/// Maps fresh writable memory of so many pages.
fn map(w: &mut W, who: Caller, pages: u64, flags: u32) -> Result<u64, String> {
    let request = Request::Map {
        address: 0,
        bytes: pages * PAGE_BYTES,
        prot: READ | WRITE,
        flags,
    };
    address(get(w, who, request)?)
}

fn unmap(w: &mut W, who: Caller, address: u64, pages: u64) -> Check {
    let bytes = pages * PAGE_BYTES;
    get(w, who, Request::Unmap { address, bytes }).map(drop)
}

fn protect(w: &mut W, who: Caller, address: u64, pages: u64, prot: u32) -> Check {
    let request = Request::Protect {
        address,
        bytes: pages * PAGE_BYTES,
        prot,
    };
    get(w, who, request).map(drop)
}

fn load(w: &mut W, who: Caller, address: u64) -> Result<u8, String> {
    let byte = w.load(who, address);
    byte.ok_or_else(|| format!("reading at {address:#x} is a fault"))
}

fn store(w: &mut W, who: Caller, address: u64, byte: u8) -> Check {
    let stored = w.store(who, address, byte);
    stored.ok_or_else(|| format!("writing at {address:#x} is a fault"))
}
