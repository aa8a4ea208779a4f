//! The memory service: address spaces, regions, memory objects, page faults.
//!
//! Besides these requests the service answers the kernel's page-fault messages
//! (`abi::message::label::PAGE_FAULT`). A request about another space than the sender's own comes
//! from servers only, else `EPERM`.

#![allow(missing_docs, reason = "the sentence of a variant names its fields")]

use crate::wire::field::messages;
use crate::{Pid, Protocol};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The memory service.
pub struct Mem;

impl Protocol for Mem {
    type Request = Request;
    type Reply = Reply;
    const NAME: &'static str = "mem";
    const STATE_VERSION: u32 = 3;
}

/// Names a memory object.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[repr(transparent)]
pub struct ObjectId(pub u32);

/// Permissions of a region, as `PROT_*` of Linux: 1 read, 2 write, 4 execute.
pub type Prot = u32;

/// How to map: bits of [`Request::Map`] and [`Request::MapObject`].
pub mod flags {
    /// Changes go to the object and to all who share it (else they are private copies).
    pub const SHARED: u32 = 1;
    /// Exactly at the given address, replacing what is there.
    pub const FIXED: u32 = 2;
    /// Exactly at the given address, `EEXIST` if something is there.
    pub const FIXED_NOREPLACE: u32 = 4;
    /// Give frames at once instead of on first touch.
    pub const POPULATE: u32 = 8;
    /// The region grows downwards to its start on faults (a stack).
    pub const STACK: u32 = 16;
    /// A shared mapping without write permission may get it later (the file is open for writing).
    pub const MAY_WRITE: u32 = 32;
    /// It counts as locked, and gets its frames at once (`MAP_LOCKED`).
    pub const LOCKED: u32 = 64;
    /// It grows downwards when it is touched just below (`MAP_GROWSDOWN`).
    pub const GROWS: u32 = 128;
}

/// How to change a mapping: bits of [`Request::Remap`] and [`Request::Move`], those of `mremap`.
pub mod remap {
    /// It may move.
    pub const MAY_MOVE: u32 = 1;
    /// It moves to a given place, replacing what is there.
    pub const FIXED: u32 = 2;
    /// The old place stays mapped, without pages (`MREMAP_DONTUNMAP`).
    pub const KEEP: u32 = 4;
}

/// What [`Request::Lock`] does.
pub mod lock {
    /// Pages become present and count as locked.
    pub const NOW: u32 = 0;
    /// They count as locked from when they are touched.
    pub const ON_FAULT: u32 = 1;
    /// They do not count any more.
    pub const NOT: u32 = 2;
}

messages! {
/// Requests that the memory service answers. The order is the wire format: add at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Moves the end of the heap to `end` (0: only asks). Reply: `Address`, the end in force
    /// afterwards; a refused move leaves it where it was.
    Brk { end: u64 },
    /// Maps fresh zero memory. Reply: `Address`.
    Map {
        address: u64,
        bytes: u64,
        prot: Prot,
        flags: u32,
    },
    /// Removes mappings. Reply: `Done`.
    Unmap { address: u64, bytes: u64 },
    /// Changes permissions; `ENOMEM` if a page of the range is not in a region. Reply: `Done`.
    Protect {
        address: u64,
        bytes: u64,
        prot: Prot,
    },
    /// Grows, shrinks or (flags 1) moves a mapping, as `mremap`. Reply: `Address`.
    Remap {
        address: u64,
        old_bytes: u64,
        new_bytes: u64,
        flags: u32,
    },
    /// `madvise`; `MADV_DONTNEED` drops pages. Reply: `Done`.
    Advise {
        address: u64,
        bytes: u64,
        advice: u32,
    },
    /// Makes pages present, and writable if `write`, as touching them would. Reply: `Done`, or
    /// `EFAULT` where touching would be a fault.
    Touch {
        address: u64,
        bytes: u64,
        write: bool,
    },

    /// Makes an object of zeros, held by the sender. Servers only. Reply: `Object`.
    ObjectCreate { bytes: u64 },
    /// Makes an object whose pages are those of `parent` from `offset` (page-aligned) on; bytes
    /// behind `bytes` read as zero. Copies only a partial last page. Reply: `Object`.
    ObjectSlice {
        parent: ObjectId,
        offset: u64,
        bytes: u64,
    },
    /// Changes an object's length; what is cut off is zeroed and its frames freed. Reply: `Done`.
    ObjectResize { object: ObjectId, bytes: u64 },
    /// Zeroes a range and frees whole pages of it. Reply: `Done`.
    ObjectZero {
        object: ObjectId,
        offset: u64,
        bytes: u64,
    },
    /// The sender no longer holds the object; it lives on while it is mapped. Reply: `Done`.
    ObjectRelease { object: ObjectId },
    /// How often it is mapped. Reply: `Count`.
    ObjectMappings { object: ObjectId },
    /// Maps an object into `space` (0: the sender's own). Reply: `Address`.
    MapObject {
        space: Pid,
        object: ObjectId,
        offset: u64,
        address: u64,
        bytes: u64,
        prot: Prot,
        flags: u32,
    },
    /// Removes the one region of `space` that maps `object` and starts at `address`; `EINVAL` if
    /// there is none. Reply: `Count`, mappings that are left.
    UnmapObject {
        space: Pid,
        object: ObjectId,
        address: u64,
    },

    /// Gives `child` a copy of `parent`'s memory; *when* pages are copied is the server's policy.
    /// Reply: `Thread`, with the child's stopped thread (control and grant) as handle. From `proc`.
    Fork { parent: Pid, child: Pid },
    /// Makes an empty space with one stopped thread of `priority`. From the root task and `proc`.
    /// Reply: `Thread`, with the thread as handle.
    Create { space: Pid, priority: u32 },
    /// Replaces all of `space`'s memory by what [`Image`] (postcard in lease 0) says. All or
    /// nothing. From the root task and `proc`. Reply: `Done`.
    Exec { space: Pid },
    /// Destroys a space, its threads and all it alone uses. From `proc`. Reply: `Done`.
    Destroy { space: Pid },
    /// Makes one more stopped thread in `space`, which is known as `tid`. From `proc`. Reply:
    /// `Thread`, with handle.
    AddThread { space: Pid, priority: u32, tid: u32 },
    /// Destroys a thread made by `AddThread`, by its frame. From `proc`. Reply: `Done`.
    RemoveThread { space: Pid, frame: u32 },
    /// Limits in bytes (`u64::MAX`: none) of all writable memory, the stack and the heap of
    /// `space`. From `proc`. Reply: `Done`.
    Limits {
        space: Pid,
        memory: u64,
        stack: u64,
        data: u64,
    },
    /// Maps device registers at physical address `device`, uncached, into `space`. From the root
    /// task. Reply: `Address`.
    MapDevice { space: Pid, device: u64, bytes: u64 },
    /// What memory there is. Reply: `Statistics`.
    Statistics,
    /// What `space` uses. Reply: `Usage`.
    Usage { space: Pid },
    /// Copies up to lease 0's length of `space`'s memory at `address` to lease 0. From servers.
    /// Reply: `Count`, `EFAULT` if the first byte is not there.
    Peek { space: Pid, address: u64 },
    /// Copies lease 0 into `space`'s memory at `address` (private copies are made as by a write).
    /// From `proc`. Reply: `Count`.
    Poke { space: Pid, address: u64 },
    /// Writes `/proc/PID/maps` lines of `space`, from the `skip`th region on, to lease 0: whole
    /// [`Region`]s as postcard, one after the other. Reply: `Count` of regions written.
    Regions { space: Pid, skip: u32 },
    /// Makes room for `slots` handles in `space`'s handle table. From the root task. Reply: `Done`.
    HandleSlots { space: Pid, slots: u32 },
    /// Most frames that were in use at a time, since the start or since this was last asked with
    /// `restart`. From servers. Reply: `Count`.
    Peak { restart: bool },

    /// `FUTEX_WAIT_BITSET`: waits until the word at `address`, which is lease 0, is woken with one of
    /// `bits`, or until `CLOCK_MONOTONIC` `deadline_ns` (`u64::MAX`: for ever). `shared`: others may
    /// map the word elsewhere. Parks. Reply: `Done`. `EAGAIN` if it is not `expected`, `ETIMEDOUT`.
    FutexWait {
        address: u64,
        expected: u32,
        bits: u32,
        deadline_ns: u64,
        shared: bool,
    },
    /// `FUTEX_WAKE_BITSET`. Reply: `Count`.
    FutexWake {
        address: u64,
        count: u32,
        bits: u32,
        shared: bool,
    },
    /// `FUTEX_CMP_REQUEUE` (without `expected`: `FUTEX_REQUEUE`); lease 0 is the word at `from`.
    /// Reply: `Count` of those woken and moved. `EAGAIN` if it is not `expected`.
    FutexRequeue {
        from: u64,
        to: u64,
        wake: u32,
        move_: u32,
        shared: bool,
        expected: Option<u32>,
    },
    /// `FUTEX_WAKE_OP`; lease 0 is the word at `second`. Reply: `Count`.
    FutexWakeOp {
        first: u64,
        second: u64,
        wake_first: u32,
        wake_second: u32,
        operation: u32,
        shared: bool,
    },
    /// `set_robust_list` of the thread that asks (0: none). Reply: `Done`.
    Robust { head: u64 },
    /// A thread made by `AddThread`, or the first, ends while others of `space` go on: gives up its
    /// robust locks; stores 0 in the words at `clear`, waking one who waits for it, and at `area`
    /// (addresses of 0: none); destroys it. From `proc`. Reply: `Done`.
    EndThread {
        space: Pid,
        frame: u32,
        clear: u64,
        area: u64,
    },
    /// Makes a space for `borrower` that is empty but for a stopped thread. What `borrower` asks about
    /// its own memory is about that of `lender` until it executes a program; the lender can be
    /// destroyed only then. From `proc`. Reply: `Thread`, with handle.
    Lend { lender: Pid, borrower: Pid },
    /// The numbers of the threads of `space`, to lease 0 (`u32` each). Reply: `Count` of all.
    Threads { space: Pid },
    /// As `Remap`, with [`remap::FIXED`] to `target`. Reply: `Address`.
    Move {
        address: u64,
        old_bytes: u64,
        new_bytes: u64,
        flags: u32,
        target: u64,
    },
    /// `mlock2`, `munlock`; `how` is one of [`lock`]. Reply: `Done`.
    Lock { address: u64, bytes: u64, how: u32 },
    /// `mlockall` with its flags; 0: `munlockall`. Reply: `Done`.
    LockAll { flags: u32 },
    /// `mincore`: a byte for each page to lease 0, 1 if it is present. Reply: `Done`.
    Resident { address: u64, bytes: u64 },
    /// `ENOMEM` if a page of the range is not in a region. Reply: `Count` of locked regions there.
    Check { address: u64, bytes: u64 },
    /// Most bytes that `space` may lock. From `proc`. Reply: `Done`.
    LockLimit { space: Pid, bytes: u64 },
    /// The numbers of the threads of `space`, and their frames, to lease 0 (two `u32` each). Reply:
    /// `Count` of all.
    ThreadFrames { space: Pid },
    /// `FUTEX_LOCK_PI`, and without `waits` `FUTEX_TRYLOCK_PI`: the word at `address` is lease 0; until when it
    /// waits is as in `FutexWait`. Parks. Reply: `Done`. `EDEADLK`, `ESRCH`, `EAGAIN`, `ETIMEDOUT`.
    LockOwned {
        address: u64,
        deadline_ns: u64,
        waits: bool,
        shared: bool,
    },
    /// `FUTEX_UNLOCK_PI`: the word at `address` is lease 0. Reply: `Done`. `EPERM`.
    UnlockOwned { address: u64, shared: bool },
    /// `get_robust_list` of a thread of the asker's process. Reply: `Address`. `ESRCH` for others.
    RobustOf { tid: u32 },
    /// How often programs map it so that they write to it, or may come to. From servers. Reply: `Count`.
    WritableMappings { object: ObjectId },
}
}

messages! {
/// What the memory service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done.
    Done,
    /// An address.
    Address(u64),
    /// An object.
    Object(ObjectId),
    /// A number.
    Count(u64),
    /// A thread: its frame number; its handle comes with the message.
    Thread { frame: u32 },
    /// Memory in frames: in all, free, in kernel objects and page tables, in memory objects
    /// (page cache), frames copied on write so far, faults served so far.
    Statistics {
        total: u64,
        free: u64,
        kernel: u64,
        objects: u64,
        copied: u64,
        faults: u64,
    },
    /// Of a space, in pages: mapped regions, resident, shared among residents; faults so far.
    Usage {
        size: u64,
        resident: u64,
        shared: u64,
        faults: u64,
    },
}
}

/// One piece of a program image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// First byte in memory.
    pub address: u64,
    /// Length in memory; behind `file_bytes` it is zero.
    pub bytes: u64,
    /// The file's object.
    pub object: ObjectId,
    /// First byte in the object; equal to `address` modulo the page size.
    pub offset: u64,
    /// Length in the file.
    pub file_bytes: u64,
    /// Permissions.
    pub prot: Prot,
}

/// What a space shall hold after [`Request::Exec`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Program and interpreter, mapped privately.
    pub segments: Vec<Segment>,
    /// Where the heap starts.
    pub heap: u64,
    /// First address behind the stack region.
    pub stack_top: u64,
    /// Most bytes that the stack may grow to.
    pub stack_bytes: u64,
    /// What is on the stack at the start: it ends at `stack_top`.
    pub stack: Vec<u8>,
}

/// One region of a space, for `/proc/PID/maps`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// First address.
    pub start: u64,
    /// First address behind it.
    pub end: u64,
    /// Permissions.
    pub prot: Prot,
    /// Whether it is shared.
    pub shared: bool,
    /// The object and offset, if it maps one.
    pub object: Option<(ObjectId, u64)>,
    /// `b'h'` heap, `b's'` stack, 0 otherwise.
    pub kind: u8,
    /// Whether it counts as locked.
    pub locked: bool,
    /// Pages that are present.
    pub resident: u32,
    /// Those of them that are the space's own (no file's).
    pub own: u32,
    /// Those of them that others have, too.
    pub common: u32,
}
