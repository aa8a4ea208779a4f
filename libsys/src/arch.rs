//! The door to the kernel: one short function per kernel call, and the assembly of start and upcall.
//!
//! The register contract is the table in `abi::call`. Every function here is safe to call: what a
//! caller gets wrong the kernel refuses, because it trusts no register. The few functions that take
//! raw addresses from user space let the kernel write only where the caller's types own the memory.

use abi::map::MapOp;
use abi::message::TokenState;
use abi::thread::{Block, Registers, RunState};
use abi::{Badge, Error, Handle, Lease, Message, Rights, Token, WORDS, call as number};

/// A message as a server receives it.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Who sent it.
    pub badge: Badge,
    /// Names the waiting caller; [`Token::NONE`] if nobody waits.
    pub token: Token,
    /// The message.
    pub message: Message,
    /// Length words of the caller's leases.
    pub leases: [u64; 2],
    /// The handle that came with it, or [`Handle::NONE`].
    pub handle: Handle,
}

/// A reply as a caller gets it.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The message.
    pub message: Message,
    /// The handle that came with it, or [`Handle::NONE`].
    pub handle: Handle,
}

/// Why a lease copy stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseStop {
    /// The reason.
    pub error: Error,
    /// Bytes that were copied.
    pub copied: usize,
}

/// What a message call leaves in the registers.
struct Returned {
    status: u64,
    label: u64,
    words: [u64; WORDS],
    badge: u64,
    token: u64,
    leases: [u64; 2],
    handle: u64,
}

#[cfg(target_arch = "aarch64")]
mod machine {
    use super::{Lease, Message, Returned};
    use core::arch::{asm, global_asm};

    global_asm!(include_str!("../memory.s"));

    #[inline(always)]
    pub fn send(
        endpoint: u64,
        number: u64,
        message: &Message,
        pass: u64,
        leases: &[Lease; 2],
    ) -> Returned {
        let (status, label, badge, token, lease_0, lease_1, handle);
        let mut w = message.words;
        // SAFETY: `svc #1` enters the kernel, which returns here with x18-x30 and sp as they were
        // and x0-x17 as the contract says. It writes no memory of ours but through servers that
        // use the leases, whose ranges the caller's types own; without `nomem` the compiler
        // assumes that memory changed.
        unsafe {
            asm!(
                "svc #1",
                inout("x0") endpoint => status,
                inout("x1") message.label => label,
                inout("x2") w[0], inout("x3") w[1], inout("x4") w[2], inout("x5") w[3],
                inout("x6") w[4], inout("x7") w[5], inout("x8") w[6], inout("x9") w[7],
                inout("x10") number => badge,
                inout("x11") pass => token,
                inout("x12") leases[0].address => lease_0,
                inout("x13") leases[0].length => lease_1,
                inout("x14") leases[1].address => _,
                inout("x15") leases[1].length => _,
                out("x16") handle,
                out("x17") _,
                options(nostack)
            );
        }
        Returned {
            status,
            label,
            words: w,
            badge,
            token,
            leases: [lease_0, lease_1],
            handle,
        }
    }

    #[inline(always)]
    pub fn answer(
        endpoint: u64,
        number: u64,
        message: &Message,
        token: u64,
        pass: u64,
    ) -> Returned {
        let (status, label, badge, next, lease_0, lease_1, handle);
        let mut w = message.words;
        // SAFETY: as in `send`; no leases are given, so nobody writes memory of ours.
        unsafe {
            asm!(
                "svc #1",
                inout("x0") endpoint => status,
                inout("x1") message.label => label,
                inout("x2") w[0], inout("x3") w[1], inout("x4") w[2], inout("x5") w[3],
                inout("x6") w[4], inout("x7") w[5], inout("x8") w[6], inout("x9") w[7],
                inout("x10") number => badge,
                inout("x11") token => next,
                out("x12") lease_0,
                out("x13") lease_1,
                out("x14") _,
                out("x15") _,
                inout("x16") pass => handle,
                out("x17") _,
                options(nostack)
            );
        }
        Returned {
            status,
            label,
            words: w,
            badge,
            token: next,
            leases: [lease_0, lease_1],
            handle,
        }
    }

    #[inline(always)]
    pub fn simple(number: u64, a: [u64; 6]) -> [u64; 6] {
        let mut x = a;
        // SAFETY: as in `send`; buffers whose addresses are passed belong to the caller of the
        // wrapper, which holds a reference to them.
        unsafe {
            asm!(
                "svc #1",
                inout("x0") x[0], inout("x1") x[1], inout("x2") x[2],
                inout("x3") x[3], inout("x4") x[4], inout("x5") x[5],
                out("x6") _, out("x7") _, out("x8") _, out("x9") _,
                inout("x10") number => _,
                out("x11") _, out("x12") _, out("x13") _, out("x14") _, out("x15") _,
                out("x16") _, out("x17") _,
                options(nostack)
            );
        }
        x
    }

    /// Gives the kernel any registers whatever, with `svc #1`.
    ///
    /// # Safety
    /// The registers may name ranges of own memory (leases, buffers, an upcall block) that get
    /// overwritten: the caller answers for their being nobody else's.
    pub unsafe fn raw_kernel_call(registers: &mut [u64; 18]) {
        let r = registers;
        // SAFETY: the caller answers for what the registers name; all that may change is declared.
        unsafe {
            asm!(
                "svc #1",
                inout("x0") r[0], inout("x1") r[1], inout("x2") r[2], inout("x3") r[3],
                inout("x4") r[4], inout("x5") r[5], inout("x6") r[6], inout("x7") r[7],
                inout("x8") r[8], inout("x9") r[9], inout("x10") r[10], inout("x11") r[11],
                inout("x12") r[12], inout("x13") r[13], inout("x14") r[14], inout("x15") r[15],
                inout("x16") r[16], inout("x17") r[17],
                options(nostack)
            );
        }
    }

    /// Executes the `svc` instruction with one of a few immediates (`index` modulo 8: 0, 2, 3, 7,
    /// 80, 255, 4096, 65535), with any registers. What the kernel makes of it is an exception or an
    /// upcall, both of which the process must have arranged for.
    ///
    /// # Safety
    /// As [`raw_kernel_call`].
    pub unsafe fn raw_svc(index: usize, registers: &mut [u64; 18]) {
        let r = registers;
        macro_rules! svc {
            ($instruction:literal) => {
                // SAFETY: the caller answers for what the registers name.
                unsafe {
                    asm!(
                        $instruction,
                        inout("x0") r[0], inout("x1") r[1], inout("x2") r[2], inout("x3") r[3],
                        inout("x4") r[4], inout("x5") r[5], inout("x6") r[6], inout("x7") r[7],
                        inout("x8") r[8], inout("x9") r[9], inout("x10") r[10], inout("x11") r[11],
                        inout("x12") r[12], inout("x13") r[13], inout("x14") r[14], inout("x15") r[15],
                        inout("x16") r[16], inout("x17") r[17],
                        options(nostack)
                    )
                }
            };
        }
        match index % 8 {
            0 => svc!("svc #0"),
            1 => svc!("svc #2"),
            2 => svc!("svc #3"),
            3 => svc!("svc #7"),
            4 => svc!("svc #80"),
            5 => svc!("svc #255"),
            6 => svc!("svc #4096"),
            _ => svc!("svc #65535"),
        }
    }

    #[inline(always)]
    pub fn counter() -> u64 {
        let ticks;
        // SAFETY: the kernel lets user mode read the counter. The barrier keeps the read from
        // happening before earlier instructions (Arm ARM, "CNTVCT_EL0").
        unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nostack, nomem)) };
        ticks
    }

    #[inline(always)]
    pub fn counter_hz() -> u64 {
        let hz;
        // SAFETY: reading CNTFRQ_EL0 is allowed in user mode and has no effect.
        unsafe { asm!("mrs {}, cntfrq_el0", out(reg) hz, options(nostack, nomem, pure)) };
        hz
    }

    // The start: sp is the initial stack (argc, argv, envp, auxiliary vector), x0 and x1 what
    // THREAD_START was given.
    global_asm!(
        ".section .text.start, \"ax\"",
        ".global _start",
        "_start:",
        "mov x29, xzr",
        "mov x30, xzr",
        "mov x2, sp",
        "bl {start}",
        "brk #1",
        ".previous",
        start = sym crate::runtime::start,
    );

    // The upcall. The kernel has left the interrupted registers in the block (x0) and keeps further
    // upcalls back until UPCALL_RESUME. They are copied into a frame on the program's own stack,
    // and the thread goes on, upcalls open again, at `libsys_deliver` above that frame. When there
    // is nothing left to deliver, `libsys_restore` copies the frame back to the block and resumes.
    //
    // An upcall inside `libsys_restore` would overwrite the half-written block; so its saved pc is
    // set back to the start of that copy, which needs only x0 and changes only scratch registers.
    global_asm!(
        ".section .text.upcall, \"ax\"",
        ".global libsys_upcall",
        "libsys_upcall:",
        "ldr x1, [x0, #256]",
        "adr x2, libsys_restore",
        "adr x3, libsys_restore_end",
        "cmp x1, x2",
        "b.lo 1f",
        "cmp x1, x3",
        "b.hs 1f",
        "str x2, [x0, #256]",
        "1: ldr x4, [x0, #248]",
        "sub x4, x4, #272",
        "and x4, x4, #-16",
        "mov x2, x0",
        "mov x3, x4",
        "mov x5, #17",
        "2: ldp x6, x7, [x2], #16",
        "stp x6, x7, [x3], #16",
        "subs x5, x5, #1",
        "b.ne 2b",
        "str x4, [x0]",
        "str x4, [x0, #248]",
        "adr x2, libsys_deliver",
        "str x2, [x0, #256]",
        "mov x10, {resume}",
        "svc #1",
        "brk #1",
        "libsys_deliver:",
        "mov x19, x0",
        "bl {deliver}",
        "mov x0, x19",
        "libsys_restore:",
        "mov x3, x0",
        "ldr x2, 4f",
        "mov x5, #17",
        "3: ldp x6, x7, [x3], #16",
        "stp x6, x7, [x2], #16",
        "subs x5, x5, #1",
        "b.ne 3b",
        "mov x10, {resume}",
        "svc #1",
        "libsys_restore_end:",
        "brk #1",
        ".balign 8",
        "4: .quad {block}",
        ".previous",
        resume = const super::number::UPCALL_RESUME,
        deliver = sym crate::signal::deliver,
        block = sym super::UPCALL,
    );

    unsafe extern "C" {
        pub fn libsys_upcall();
    }

    /// Address of the upcall's entry.
    pub fn upcall_entry() -> u64 {
        libsys_upcall as *const () as u64
    }
}

/// On the host only the decisions are tested; there is no kernel to call.
#[cfg(not(target_arch = "aarch64"))]
mod machine {
    use super::{Lease, Message, Returned};

    const NO_KERNEL: &str = "kernel calls exist only on the machine";

    pub fn send(_: u64, _: u64, _: &Message, _: u64, _: &[Lease; 2]) -> Returned {
        unimplemented!("{NO_KERNEL}")
    }

    pub fn answer(_: u64, _: u64, _: &Message, _: u64, _: u64) -> Returned {
        unimplemented!("{NO_KERNEL}")
    }

    pub fn simple(_: u64, _: [u64; 6]) -> [u64; 6] {
        unimplemented!("{NO_KERNEL}")
    }

    /// Does nothing here.
    ///
    /// # Safety
    /// None.
    pub unsafe fn raw_kernel_call(_: &mut [u64; 18]) {
        unimplemented!("{NO_KERNEL}")
    }

    /// Does nothing here.
    ///
    /// # Safety
    /// None.
    pub unsafe fn raw_svc(_: usize, _: &mut [u64; 18]) {
        unimplemented!("{NO_KERNEL}")
    }

    pub fn counter() -> u64 {
        0
    }

    pub fn counter_hz() -> u64 {
        1_000_000_000
    }

    pub fn upcall_entry() -> u64 {
        unimplemented!("{NO_KERNEL}")
    }
}

pub use machine::{raw_kernel_call, raw_svc};

/// The block and the stack that the kernel uses at an upcall. The alignment keeps the block inside
/// one page.
#[repr(C, align(512))]
struct Upcall {
    block: core::cell::UnsafeCell<Block>,
    stack: core::cell::UnsafeCell<[u8; UPCALL_STACK_BYTES]>,
}

/// The upcall's assembly does not push anything; this is for a debugger's comfort.
const UPCALL_STACK_BYTES: usize = 192;

// SAFETY: only the kernel and the upcall's assembly touch it, never Rust code.
unsafe impl Sync for Upcall {}

static UPCALL: Upcall = Upcall {
    block: core::cell::UnsafeCell::new(Block {
        registers: Registers {
            x: [0; 31],
            sp: 0,
            pc: 0,
            pstate: 0,
        },
        reason: 0,
        user: [0; 5],
    }),
    stack: core::cell::UnsafeCell::new([0; UPCALL_STACK_BYTES]),
};

#[inline(always)]
fn with_handle(number: u64, pass: Handle) -> u64 {
    if pass == Handle::NONE {
        number
    } else {
        number | number::WITH_HANDLE
    }
}

#[inline(always)]
fn received(r: Returned) -> Result<Received, Error> {
    Error::check(r.status)?;
    Ok(Received {
        badge: Badge(r.badge),
        token: Token(r.token),
        message: Message {
            label: r.label,
            words: r.words,
        },
        leases: r.leases,
        handle: Handle(r.handle as u32),
    })
}

/// Sends `message` to `endpoint` and waits for the reply. Until then the server may use `leases`;
/// `pass` is a handle to copy to it, or [`Handle::NONE`].
///
/// The leases are addresses that the caller vouches for, see [`crate::lease`].
#[inline(always)]
pub fn call(
    endpoint: Handle,
    message: &Message,
    leases: &[Lease; 2],
    pass: Handle,
) -> Result<Answer, Error> {
    let r = machine::send(
        endpoint.0.into(),
        with_handle(number::CALL, pass),
        message,
        pass.0.into(),
        leases,
    );
    Error::check(r.status)?;
    Ok(Answer {
        message: Message {
            label: r.label,
            words: r.words,
        },
        handle: Handle(r.handle as u32),
    })
}

/// Replies to `token` ([`Token::NONE`]: nobody), then waits on `endpoint` for the next message.
#[inline(always)]
pub fn reply_recv(
    endpoint: Handle,
    token: Token,
    message: &Message,
    pass: Handle,
) -> Result<Received, Error> {
    let number = with_handle(number::REPLY_RECV, pass);
    received(machine::answer(
        endpoint.0.into(),
        number,
        message,
        token.0,
        pass.0.into(),
    ))
}

/// Waits on `endpoint` for the next message.
#[inline(always)]
pub fn receive(endpoint: Handle) -> Result<Received, Error> {
    reply_recv(endpoint, Token::NONE, &Message::default(), Handle::NONE)
}

/// Replies to `token` and goes on.
///
/// # Errors
/// [`Error::StaleToken`] if nobody waits for it.
#[inline(always)]
pub fn reply(endpoint: Handle, token: Token, message: &Message, pass: Handle) -> Result<(), Error> {
    let number = with_handle(number::REPLY, pass);
    Error::check(machine::answer(endpoint.0.into(), number, message, token.0, pass.0.into()).status)
}

/// Takes a waiting message.
///
/// # Errors
/// [`Error::Empty`] if there is none.
pub fn poll(endpoint: Handle) -> Result<Received, Error> {
    received(machine::answer(
        endpoint.0.into(),
        number::POLL,
        &Message::default(),
        0,
        0,
    ))
}

#[inline(always)]
fn simple(number: u64, arguments: [u64; 6]) -> Result<[u64; 6], Error> {
    let x = machine::simple(number, arguments);
    Error::check(x[0])?;
    Ok(x)
}

#[inline(always)]
fn simple_3(number: u64, a: u64, b: u64, c: u64) -> Result<u64, Error> {
    Ok(simple(number, [a, b, c, 0, 0, 0])?[1])
}

/// Sets notification `bits` of `endpoint`.
#[inline(always)]
pub fn signal(endpoint: Handle, bits: u64) -> Result<(), Error> {
    simple_3(number::SIGNAL, endpoint.0.into(), bits, 0).map(drop)
}

/// Makes each page of a buffer present by reading one byte of it.
#[cold]
fn touch(buffer: &[u8]) {
    for byte in buffer
        .chunks(abi::PAGE_BYTES as usize)
        .filter_map(<[u8]>::first)
        .chain(buffer.last())
    {
        // SAFETY: the reference is valid; volatile, so that the read is not optimised out.
        unsafe { core::ptr::read_volatile(byte) };
    }
}

/// Makes each page of a buffer present and writable by writing one byte of it.
#[cold]
fn touch_mut(buffer: &mut [u8]) {
    let last = buffer.len().saturating_sub(1);
    for index in (0..buffer.len())
        .step_by(abi::PAGE_BYTES as usize)
        .chain([last])
    {
        let Some(byte) = buffer.get_mut(index) else {
            return;
        };
        let same = *byte;
        // SAFETY: the reference is valid; volatile, so that the write of the same value stays.
        unsafe { core::ptr::write_volatile(byte, same) };
    }
}

/// Repeats a kernel call on an own buffer until it has gone through it: an absent page is touched
/// and the call continued there. `once` gets the bytes done and returns status and bytes done now.
#[inline(always)]
fn through<B: ?Sized>(
    buffer: &mut B,
    touch: impl Fn(&mut B, usize),
    mut once: impl FnMut(&mut B, usize) -> [u64; 6],
) -> Result<usize, LeaseStop> {
    let mut done = 0;
    loop {
        let x = once(buffer, done);
        done += x[1] as usize;
        match Error::check(x[0]) {
            Ok(()) => return Ok(done),
            Err(Error::BufferFault) => touch(buffer, done),
            Err(error) => {
                return Err(LeaseStop {
                    error,
                    copied: done,
                });
            }
        }
    }
}

/// Copies from a caller's lease, `offset` bytes from its start, to `into`.
///
/// # Errors
/// [`Error::LeaseFault`] with the bytes that were copied before the absent page.
#[inline(always)]
pub fn lease_read(
    endpoint: Handle,
    token: Token,
    lease: u32,
    offset: u64,
    into: &mut [u8],
) -> Result<(), LeaseStop> {
    through(
        into,
        |buffer, done| touch_mut(buffer.get_mut(done..).unwrap_or_default()),
        |buffer, done| {
            let (at, left) = (
                buffer.as_mut_ptr() as u64 + done as u64,
                (buffer.len() - done) as u64,
            );
            let from = offset.wrapping_add(done as u64);
            machine::simple(
                number::LEASE_READ,
                [endpoint.0.into(), token.0, lease.into(), from, at, left],
            )
        },
    )
    .map(drop)
}

/// Copies `from` to a caller's lease, `offset` bytes from its start.
///
/// # Errors
/// As [`lease_read`].
#[inline(always)]
pub fn lease_write(
    endpoint: Handle,
    token: Token,
    lease: u32,
    offset: u64,
    from: &[u8],
) -> Result<(), LeaseStop> {
    through(
        &mut { from },
        |buffer, done| touch(buffer.get(done..).unwrap_or_default()),
        |buffer, done| {
            let (at, left) = (
                buffer.as_ptr() as u64 + done as u64,
                (buffer.len() - done) as u64,
            );
            let to = offset.wrapping_add(done as u64);
            machine::simple(
                number::LEASE_WRITE,
                [endpoint.0.into(), token.0, lease.into(), to, at, left],
            )
        },
    )
    .map(drop)
}

/// What the caller named by `token` does.
pub fn token_state(endpoint: Handle, token: Token) -> TokenState {
    match simple_3(number::TOKEN_STATE, endpoint.0.into(), token.0, 0) {
        Ok(state) if state == TokenState::Waiting as u64 => TokenState::Waiting,
        Ok(state) if state == TokenState::Interrupted as u64 => TokenState::Interrupted,
        _ => TokenState::Gone,
    }
}

/// Sets the timer of `endpoint` to a value of [`counter`]; `u64::MAX` stops it.
pub fn timer_set(endpoint: Handle, ticks: u64) -> Result<(), Error> {
    simple_3(number::TIMER_SET, endpoint.0.into(), ticks, 0).map(drop)
}

/// Lets other threads of the same priority run.
pub fn yield_now() {
    machine::simple(number::YIELD, [0; 6]);
}

/// Enters the kernel and returns. For measurements.
#[inline(always)]
pub fn null() {
    machine::simple(number::NULL, [0; 6]);
}

/// Copies `source` into `slot` ([`Handle::NONE`]: any free one) of the table of `thread`
/// ([`Handle::NONE`]: the own table), with `badge` and `rights`.
pub fn handle_copy(
    source: Handle,
    thread: Handle,
    slot: Handle,
    badge: u64,
    rights: Rights,
) -> Result<Handle, Error> {
    let arguments = [
        source.0.into(),
        thread.0.into(),
        slot.0.into(),
        badge,
        rights.bits().into(),
        0,
    ];
    simple(number::HANDLE_COPY, arguments).map(|x| Handle(x[1] as u32))
}

/// Frees a slot of the own table.
pub fn handle_close(handle: Handle) -> Result<(), Error> {
    simple_3(number::HANDLE_CLOSE, handle.0.into(), 0, 0).map(drop)
}

/// Makes an endpoint in `frame`.
pub fn endpoint_create(system: Handle, frame: u32) -> Result<Handle, Error> {
    simple_3(number::ENDPOINT_CREATE, system.0.into(), frame.into(), 0)
        .map(|slot| Handle(slot as u32))
}

/// Makes an address space in `frame`, with its root table in `table`. Its faults go to `pager`
/// ([`Handle::NONE`]: they are exceptions) with `badge`.
pub fn space_create(
    system: Handle,
    frame: u32,
    table: u32,
    pager: Handle,
    badge: u64,
) -> Result<Handle, Error> {
    let arguments = [
        system.0.into(),
        frame.into(),
        table.into(),
        pager.0.into(),
        badge,
        0,
    ];
    simple(number::SPACE_CREATE, arguments).map(|x| Handle(x[1] as u32))
}

/// Makes a stopped thread in `frame`.
pub fn thread_create(
    system: Handle,
    frame: u32,
    space: Handle,
    priority: u32,
) -> Result<Handle, Error> {
    let arguments = [
        system.0.into(),
        frame.into(),
        space.0.into(),
        priority.into(),
        0,
        0,
    ];
    simple(number::THREAD_CREATE, arguments).map(|x| Handle(x[1] as u32))
}

/// Destroys an endpoint, a space or a thread; the handle goes with it.
pub fn object_destroy(system: Handle, object: Handle) -> Result<(), Error> {
    simple_3(number::OBJECT_DESTROY, system.0.into(), object.0.into(), 0).map(drop)
}

/// Carries out `operations` in `space`, in order.
///
/// # Errors
/// The error of the first that failed, and how many were done before it.
pub fn space_apply(space: Handle, operations: &[MapOp]) -> Result<(), (Error, usize)> {
    through(
        &mut { operations },
        |list, done| touch_items(list.get(done..).unwrap_or_default()),
        |list, done| {
            let rest = list.get(done..).unwrap_or_default();
            let arguments = [
                space.0.into(),
                rest.as_ptr() as u64,
                rest.len() as u64,
                0,
                0,
                0,
            ];
            machine::simple(number::SPACE_APPLY, arguments)
        },
    )
    .map(drop)
    .map_err(|stop| (stop.error, stop.copied))
}

/// Makes the pages of a list present.
#[cold]
fn touch_items<T: Copy>(items: &[T]) {
    for item in items {
        // SAFETY: the reference is valid; volatile, so that the read is not optimised out.
        unsafe { core::ptr::read_volatile(item) };
    }
}

/// Gives `space` frames for page tables.
pub fn space_donate(space: Handle, frames: &[u32]) -> Result<(), Error> {
    loop {
        let arguments = [
            space.0.into(),
            frames.as_ptr() as u64,
            frames.len() as u64,
            0,
            0,
            0,
        ];
        match simple(number::SPACE_DONATE, arguments) {
            Err(Error::BufferFault) => touch_items(frames),
            result => return result.map(drop),
        }
    }
}

/// Whether [`space_reclaim`] tears down the tables that are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reclaim {
    /// Only frames that are not in use.
    Unused,
    /// All; nothing may be mapped.
    All,
}

/// Takes table frames of `space` back into `into`; returns how many.
pub fn space_reclaim(space: Handle, into: &mut [u32], which: Reclaim) -> Result<usize, Error> {
    loop {
        let all = u64::from(which == Reclaim::All);
        let arguments = [
            space.0.into(),
            into.as_mut_ptr() as u64,
            into.len() as u64,
            all,
            0,
            0,
        ];
        match simple(number::SPACE_RECLAIM, arguments) {
            Err(Error::BufferFault) => into.iter_mut().for_each(|frame| {
                // SAFETY: the reference is valid; volatile, so that the write stays.
                unsafe { core::ptr::write_volatile(frame, 0) };
            }),
            result => return result.map(|x| x[1] as usize),
        }
    }
}

/// Copies `from` into `space` at `address`, ignoring write protection but not absence.
///
/// # Errors
/// [`Error::LeaseFault`] and the bytes copied before the first absent page.
pub fn space_write(space: Handle, address: u64, from: &[u8]) -> Result<(), LeaseStop> {
    through(
        &mut { from },
        |buffer, done| touch(buffer.get(done..).unwrap_or_default()),
        |buffer, done| {
            let (at, left) = (
                buffer.as_ptr() as u64 + done as u64,
                (buffer.len() - done) as u64,
            );
            let to = address.wrapping_add(done as u64);
            machine::simple(number::SPACE_WRITE, [space.0.into(), to, at, left, 0, 0])
        },
    )
    .map(drop)
}

/// Unmaps everything in `space`; returns how many pages there were.
pub fn space_clear(space: Handle) -> Result<u64, Error> {
    simple_3(number::SPACE_CLEAR, space.0.into(), 0, 0)
}

/// Gives `space` a frame as 256 further slots for handles.
pub fn space_extend(space: Handle, frame: u32) -> Result<(), Error> {
    simple_3(number::SPACE_EXTEND, space.0.into(), frame.into(), 0).map(drop)
}

/// Sets where exceptions of `thread` go, and with which badge.
pub fn thread_exceptions(thread: Handle, endpoint: Handle, badge: u64) -> Result<(), Error> {
    simple_3(
        number::THREAD_EXCEPTIONS,
        thread.0.into(),
        endpoint.0.into(),
        badge,
    )
    .map(drop)
}

/// Starts `thread` afresh with `arguments` in x0 and x1.
pub fn thread_start(thread: Handle, pc: u64, sp: u64, arguments: [u64; 2]) -> Result<(), Error> {
    simple(
        number::THREAD_START,
        [thread.0.into(), pc, sp, arguments[0], arguments[1], 0],
    )
    .map(drop)
}

/// Makes stopped thread `copy` a copy of `original`, which waits for a reply on `endpoint`, with
/// `badge` in its handles. Returns the copy's token, which waits likewise.
pub fn thread_inherit(
    copy: Handle,
    original: Handle,
    endpoint: Handle,
    badge: u64,
) -> Result<Token, Error> {
    let arguments = [
        copy.0.into(),
        original.0.into(),
        endpoint.0.into(),
        badge,
        0,
        0,
    ];
    simple(number::THREAD_INHERIT, arguments).map(|x| Token(x[1]))
}

/// Stops `thread`. A wait that it is in goes on.
pub fn thread_suspend(thread: Handle) -> Result<(), Error> {
    simple_3(number::THREAD_SUSPEND, thread.0.into(), 1, 0).map(drop)
}

/// Lets a stopped `thread` go on.
pub fn thread_continue(thread: Handle) -> Result<(), Error> {
    simple_3(number::THREAD_SUSPEND, thread.0.into(), 0, 0).map(drop)
}

/// Interrupts `thread`: its upcall runs, and what it waits for is cut short.
pub fn thread_kick(thread: Handle) -> Result<(), Error> {
    simple_3(number::THREAD_KICK, thread.0.into(), 0, 0).map(drop)
}

/// Registers of `thread`.
pub fn thread_read(thread: Handle) -> Result<Registers, Error> {
    let mut registers = Registers {
        x: [0; 31],
        sp: 0,
        pc: 0,
        pstate: 0,
    };
    loop {
        let arguments = [thread.0.into(), &raw mut registers as u64, 0, 0, 0, 0];
        match simple(number::THREAD_READ, arguments) {
            // A write makes both pages that it may span present.
            Err(Error::BufferFault) => (registers.x[0], registers.pstate) = (0, 0),
            result => return result.map(|_| registers),
        }
    }
}

/// Sets the registers of `thread`; `pstate` is reduced to the flags.
pub fn thread_write(thread: Handle, registers: &Registers) -> Result<(), Error> {
    loop {
        let arguments = [
            thread.0.into(),
            registers as *const Registers as u64,
            0,
            0,
            0,
            0,
        ];
        match simple(number::THREAD_WRITE, arguments) {
            Err(Error::BufferFault) => touch_items(&registers.x),
            result => return result.map(drop),
        }
    }
}

/// Sets the priority of `thread`, 0 to 31.
pub fn thread_priority(thread: Handle, priority: u32) -> Result<(), Error> {
    simple_3(number::THREAD_PRIORITY, thread.0.into(), priority.into(), 0).map(drop)
}

/// What the kernel knows of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadInfo {
    /// What it does.
    pub state: RunState,
    /// CPU time, in ticks of [`counter`].
    pub time_ticks: u64,
    /// The frame that it lives in.
    pub frame: u32,
}

fn thread_information(x: [u64; 6]) -> ThreadInfo {
    let states = [
        RunState::Inactive,
        RunState::Ready,
        RunState::Sending,
        RunState::AwaitingReply,
        RunState::Receiving,
        RunState::Faulted,
        RunState::Suspended,
    ];
    let state = states
        .get(x[1] as usize)
        .copied()
        .unwrap_or(RunState::Inactive);
    ThreadInfo {
        state,
        time_ticks: x[2],
        frame: x[3] as u32,
    }
}

/// State and time of `thread`.
pub fn thread_info(thread: Handle) -> Result<ThreadInfo, Error> {
    simple(number::THREAD_INFO, [thread.0.into(), 0, 0, 0, 0, 0]).map(thread_information)
}

/// State and time of the thread that lives in `frame`.
pub fn thread_info_at(system: Handle, frame: u32) -> Result<ThreadInfo, Error> {
    simple(
        number::THREAD_INFO_AT,
        [system.0.into(), frame.into(), 0, 0, 0, 0],
    )
    .map(thread_information)
}

/// Registers the upcall that runs [`crate::signal::deliver`].
pub(crate) fn upcall_register() -> Result<(), Error> {
    let block = &raw const UPCALL as u64;
    let stack_top = block + size_of::<Upcall>() as u64;
    simple_3(
        number::UPCALL_SET,
        machine::upcall_entry(),
        stack_top,
        block,
    )
    .map(drop)
}

/// Sends interrupt `irq` to `endpoint` as notification `bits`.
pub fn interrupt_bind(system: Handle, irq: u32, endpoint: Handle, bits: u64) -> Result<(), Error> {
    let arguments = [system.0.into(), irq.into(), endpoint.0.into(), bits, 0, 0];
    simple(number::INTERRUPT_BIND, arguments).map(drop)
}

/// Unmasks interrupt `irq`.
pub fn interrupt_done(system: Handle, irq: u32) -> Result<(), Error> {
    simple_3(number::INTERRUPT_DONE, system.0.into(), irq.into(), 0).map(drop)
}

/// Writes `text` to the kernel's log.
pub fn log_write(system: Handle, text: &[u8]) -> Result<(), Error> {
    loop {
        match simple_3(
            number::LOG_WRITE,
            system.0.into(),
            text.as_ptr() as u64,
            text.len() as u64,
        ) {
            Err(Error::BufferFault) => touch(text),
            result => return result.map(drop),
        }
    }
}

/// What [`power`] does to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Switches it off.
    Off,
    /// Starts it again.
    Restart,
}

/// Switches the machine off, or starts it again. Returns only if it is refused.
pub fn power(system: Handle, how: Power) -> Error {
    match simple_3(
        number::POWER,
        system.0.into(),
        u64::from(how == Power::Restart),
        0,
    ) {
        Err(error) => error,
        Ok(_) => Error::Invalid,
    }
}

/// The kernel's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames of kernel objects.
    pub kernel_frames: u64,
    /// Frames that user mappings use.
    pub mapped_frames: u64,
    /// Ticks without anything to run.
    pub idle_ticks: u64,
    /// Messages sent.
    pub messages: u64,
    /// Interrupts taken.
    pub interrupts: u64,
}

/// Reads the kernel's counters.
pub fn statistics(system: Handle) -> Result<Statistics, Error> {
    let x = simple(number::STATISTICS, [system.0.into(), 0, 0, 0, 0, 0])?;
    let [
        _,
        kernel_frames,
        mapped_frames,
        idle_ticks,
        messages,
        interrupts,
    ] = x;
    Ok(Statistics {
        kernel_frames,
        mapped_frames,
        idle_ticks,
        messages,
        interrupts,
    })
}

/// Gives the trace `count` frames that follow each other from `first` on, for good.
pub fn trace_ring(system: Handle, first: u32, count: u32) -> Result<(), Error> {
    simple_3(
        number::TRACE_RING,
        system.0.into(),
        first.into(),
        count.into(),
    )
    .map(drop)
}

/// Who is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// Nobody.
    Off,
    /// The thread that lives in this frame too, and its copies.
    Thread(u32),
    /// All threads, interrupts and switches.
    All,
}

/// Says who is traced.
///
/// # Errors
/// [`Error::Empty`] if there is no ring.
pub fn trace_set(system: Handle, who: Tracing) -> Result<(), Error> {
    let (what, frame) = match who {
        Tracing::Off => (abi::trace::set::OFF, 0),
        Tracing::Thread(frame) => (abi::trace::set::THREAD, frame),
        Tracing::All => (abi::trace::set::ALL, 0),
    };
    simple_3(number::TRACE_SET, system.0.into(), what, frame.into()).map(drop)
}

/// Takes records out of the trace; returns how many, and how many were dropped since last asked.
pub fn trace_read(system: Handle, into: &mut [abi::trace::Record]) -> Result<(usize, u64), Error> {
    loop {
        let arguments = [
            system.0.into(),
            into.as_mut_ptr() as u64,
            into.len() as u64,
            0,
            0,
            0,
        ];
        match simple(number::TRACE_READ, arguments) {
            Err(Error::BufferFault) => into.fill(abi::trace::Record::default()),
            result => return result.map(|x| (x[1] as usize, x[2])),
        }
    }
}

/// The time since the machine started, in ticks (`CNTVCT_EL0`).
#[inline(always)]
pub fn counter() -> u64 {
    machine::counter()
}

/// Ticks of [`counter`] per second (`CNTFRQ_EL0`).
#[inline(always)]
pub fn counter_hz() -> u64 {
    machine::counter_hz()
}

/// Stops for good where nothing else is left to do: a breakpoint, which ends the process.
pub fn abort() -> ! {
    #[cfg(target_arch = "aarch64")]
    loop {
        // SAFETY: the breakpoint exception goes to whoever watches over this process.
        unsafe { core::arch::asm!("brk #0xdead", options(nostack, nomem)) };
    }
    #[cfg(not(target_arch = "aarch64"))]
    panic!("abort")
}
