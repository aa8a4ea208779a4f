//! Numbers and registers of the kernel calls (`svc #1`).
//!
//! | register | in | out |
//! | --- | --- | --- |
//! | x0 | first argument; endpoint for the message calls | 0 or an [`crate::Error`] number |
//! | x1 | label, or second argument | label, or first result |
//! | x2-x9 | words, or further arguments | words, or further results |
//! | x10 | call number, plus [`WITH_HANDLE`] | badge of the sender |
//! | x11 | token to reply to; for [`CALL`] the handle to pass | token to answer |
//! | x12-x15 | two leases (address, length) of a [`CALL`] | x12, x13: length words of the two leases |
//! | x16 | for [`REPLY_RECV`] and [`REPLY`]: the handle to pass | handle that arrived, or 0 |
//! | x17 | | clobbered |
//! | x18-x30, sp | preserved | |
//!
//! After a message call results not named are 0, so nothing leaks from one process to another; after
//! the others they are the caller's own values, or 0.

/// Added to the number of [`CALL`], [`REPLY_RECV`] and [`REPLY`] when a handle is passed along
/// (it must have [`crate::Rights::GRANT`]; the receiver gets a copy in a free slot).
pub const WITH_HANDLE: u64 = 1 << 8;

/// Sends a message to endpoint x0 and waits for the reply.
pub const CALL: u64 = 0;
/// Replies to token x11 (0: nobody) and waits on endpoint x0 for the next message.
///
/// If the reply fails (x11 stale) the call still waits; a server that must know uses [`REPLY`].
pub const REPLY_RECV: u64 = 1;
/// Replies to token x11 and goes on.
pub const REPLY: u64 = 2;
/// As [`REPLY_RECV`] with no token, but fails with `Empty` when nothing waits.
pub const POLL: u64 = 3;
/// Sets bits x1 (masked by the handle's badge) in the notification of endpoint x0.
pub const SIGNAL: u64 = 4;
/// Copies from a caller's lease: x0 endpoint, x1 token, x2 lease (0, 1), x3 offset, x4 own buffer,
/// x5 bytes. Out: x1 bytes copied (fewer than asked only with an error).
pub const LEASE_READ: u64 = 5;
/// Copies to a caller's lease; arguments as [`LEASE_READ`].
pub const LEASE_WRITE: u64 = 6;
/// State of token x1 of endpoint x0; out: x1 [`crate::message::TokenState`].
pub const TOKEN_STATE: u64 = 7;
/// Sets the timer of endpoint x0 to the counter value x1 (`CNTVCT_EL0` ticks; `u64::MAX` stops it).
pub const TIMER_SET: u64 = 8;
/// Lets other threads of the same priority run.
pub const YIELD: u64 = 9;

/// Copies handle x0 into slot x2 (0: any free one) of the table of thread x1 (0: the caller's
/// own), with badge x3 and rights x4 (a subset; a badge can be chosen only while the source has
/// `GRANT`). Out: x1 slot. An occupied slot is replaced.
pub const HANDLE_COPY: u64 = 16;
/// Frees slot x0 of the own table.
pub const HANDLE_CLOSE: u64 = 17;

/// Makes an endpoint: x0 system handle, x1 frame. Out: x1 handle (all endpoint rights, badge 0).
pub const ENDPOINT_CREATE: u64 = 20;
/// Makes an address space with an empty handle table: x0 system handle, x1 frame, x2 frame for the
/// root page table, x3 endpoint of its pager (needs `GRANT`; 0: the caller has no pager, every
/// fault is an exception), x4 badge of its faults. Out: x1 handle (`MAP`, `GRANT`).
pub const SPACE_CREATE: u64 = 21;
/// Makes a stopped thread: x0 system handle, x1 frame, x2 space, x3 priority (0 lowest to 31).
/// Out: x1 handle (`CONTROL`, `GRANT`).
pub const THREAD_CREATE: u64 = 22;
/// Destroys the endpoint, space or thread x1: x0 system handle. Its frames (those of
/// [`SPACE_EXTEND`] too) are free again, save a space's tables below the root: [`SPACE_RECLAIM`]
/// them first. Fails with `FrameBusy` for a space that
/// still has pages mapped or threads. Waiting callers of an endpoint get `PeerGone`.
pub const OBJECT_DESTROY: u64 = 23;
/// Carries out x2 [`crate::map::MapOp`]s at x1 in space x0. Out: x1 how many were done; the first
/// that fails stops the list and its error is the result.
pub const SPACE_APPLY: u64 = 24;
/// Gives space x0 the x2 frames listed at x1 (`u32` each) for page tables.
pub const SPACE_DONATE: u64 = 25;
/// Takes up to x2 unused table frames back from space x0 into the list at x1. With x3 = 1 all
/// tables are torn down first (nothing may be mapped). Out: x1 how many.
pub const SPACE_RECLAIM: u64 = 26;
/// Copies x3 bytes from own buffer x2 into space x0 at address x1, ignoring write protection but
/// not absence. Out: x1 bytes copied; `LeaseFault` at the first absent page.
pub const SPACE_WRITE: u64 = 27;
/// Unmaps everything that is mapped in space x0. Out: x1 pages that were mapped.
pub const SPACE_CLEAR: u64 = 28;
/// Gives space x0 the frame x1 as 256 further slots of its handle table (at most 16 times).
pub const SPACE_EXTEND: u64 = 29;

/// Sets where exceptions of thread x0 go: x1 endpoint (needs `GRANT`), x2 badge.
pub const THREAD_EXCEPTIONS: u64 = 30;
/// Starts thread x0 afresh at pc x1 with sp x2 and arguments x3, x4 in x0, x1; every other
/// register is 0, vector state and upcall registration are cleared, a wait it was in is over.
pub const THREAD_START: u64 = 31;
/// Makes stopped thread x0 a copy of thread x1, which waits for a reply on endpoint x2: registers,
/// vector state, upcall registration, exception endpoint, and the handle table with the badge of
/// every `SEND` handle and of the exceptions replaced by x3. The copy
/// waits for a reply as the original does. Out: x1 the copy's token.
pub const THREAD_INHERIT: u64 = 32;
/// Stops thread x0 (x1 = 1) or lets it go on (x1 = 0). A wait goes on while stopped.
pub const THREAD_SUSPEND: u64 = 33;
/// Interrupts thread x0: its upcall runs before its next instruction in user mode. If it waits to
/// be heard it gets `Interrupted`; if a server has its call, the endpoint's `CANCELLED` bit is set.
pub const THREAD_KICK: u64 = 34;
/// Copies [`crate::thread::Registers`] of thread x0 to own buffer x1.
pub const THREAD_READ: u64 = 35;
/// Sets the registers of thread x0 from own buffer x1; `pstate` is reduced to the flags.
pub const THREAD_WRITE: u64 = 36;
/// Sets the priority of thread x0 to x1.
pub const THREAD_PRIORITY: u64 = 37;
/// State of thread x0: out x1 [`crate::thread::RunState`], x2 CPU time in ticks, x3 frame number, x4
/// its mask.
pub const THREAD_INFO: u64 = 38;
/// Registers the own upcalls: x0 entry of kicks (0: none), x1 stack pointer, x2 address of the
/// [`crate::thread::Block`] (16-byte aligned, inside one page), x3 entry of Linux calls (0: `svc #0`
/// is an exception).
///
/// At the entry of a Linux call sp is the registered one, x16 and x17 are undefined, and every
/// other register is the program's. `svc #2` returns to the program: with its sp, pc, flags, x16
/// and x17, and all other registers as they then are.
pub const UPCALL_SET: u64 = 39;
/// Goes on with the registers in the own [`crate::thread::Block`]; upcalls may happen again.
/// Does not return.
pub const UPCALL_RESUME: u64 = 40;
/// Sets the own `TPIDR_EL0`-like read-only pointer `TPIDRRO_EL0` to x0.
pub const THREAD_POINTER: u64 = 41;
/// Makes stopped thread x0 a further thread of the program of thread x1, which waits for a reply on
/// endpoint x2, and starts it: with the registers in the [`crate::thread::Block`] at x4 in that
/// program's memory (`user[0]` is its `TPIDR_EL0`), vector state as in x1, and x1's upcall entry with
/// the stack pointer x5 and the block at x4. Its exceptions go where those of x1 go, with badge x3.
/// A thread of another space gets handles as by [`THREAD_INHERIT`], and uses the memory of x1 until
/// it is started anew; a space does not end while another's thread uses its memory.
pub const THREAD_SPAWN: u64 = 42;
/// While a Linux call is handled: says what `svc #2` restores, x1 pc, x2 sp, x3 pstate, x4 x16, x5 x17.
pub const UPCALL_CALLER: u64 = 43;
/// While a Linux call is handled: sets what `svc #2` restores, in the registers of [`UPCALL_CALLER`];
/// `pstate` is reduced to the flags.
pub const UPCALL_CALLER_SET: u64 = 44;

/// Sends interrupt x1 to endpoint x2 as notification bits x3: x0 system handle. It is masked until
/// [`INTERRUPT_DONE`] unmasks it the first time, and again each time it fires.
pub const INTERRUPT_BIND: u64 = 50;
/// Unmasks interrupt x1: x0 system handle.
pub const INTERRUPT_DONE: u64 = 51;
/// Writes x2 bytes at x1 to the kernel's log: x0 system handle.
pub const LOG_WRITE: u64 = 52;
/// Switches the machine off (x1 = 0) or starts it again (x1 = 1): x0 system handle.
pub const POWER: u64 = 53;
/// Reads kernel counters: x0 system handle. Out: x1 frames of kernel objects, x2 frames with user
/// mappings, x3 idle ticks, x4 messages sent, x5 interrupts.
pub const STATISTICS: u64 = 54;
/// As [`THREAD_INFO`] for the thread whose frame number is x1: x0 system handle.
pub const THREAD_INFO_AT: u64 = 55;
/// Changes the own mask, a word that means nothing to the kernel: keeps the bits in x0, then sets those
/// in x1. `Denied`, and nothing is changed, if it would lack a bit that [`THREAD_MASK`] pinned: clearing
/// that one is for whoever pinned it. Out: x1 the mask before.
pub const MASK_CHANGE: u64 = 56;
/// Changes the mask of thread x0 likewise, by x1 and x2, whatever is pinned, and pins the bits in x3
/// and no others. A copy of a thread starts with its mask, and nothing pinned. Out: x1 the mask before.
pub const THREAD_MASK: u64 = 57;
/// Gives the trace its ring: x1 first frame, x2 number of frames that follow each other (once; they
/// stay the kernel's): x0 system handle with `MEMORY` and `MONITOR`.
pub const TRACE_RING: u64 = 60;
/// Says what is traced: x1 [`crate::trace::set`] number, x2 frame of the thread: x0 system handle
/// with `MONITOR`. `Empty` if there is no ring.
pub const TRACE_SET: u64 = 61;
/// Takes up to x2 [`crate::trace::Record`]s out of the ring into own buffer x1: x0 system handle
/// with `MONITOR`. Out: x1 how many, x2 records dropped because the ring was full, since last asked.
pub const TRACE_READ: u64 = 62;
/// Counts the instructions of nothing: returns at once. For measurements.
pub const NULL: u64 = 63;
