//! The exception vectors and the way back to user mode: constants for the assembly files, and
//! the Rust functions that they call.

use core::arch::global_asm;
use core::mem::offset_of;

use kernel_core::endpoint::Endpoint;
use kernel_core::page_table;
use kernel_core::space::{DIRECT_SLOTS, Space};
use kernel_core::thread::{PSTATE_FLAGS, State, Thread, flag, handling};
use kernel_core::trace::WATCHED;

use super::{backtrace, mmu};
use crate::{kernel, syscall};
use abi::message::{access, label};
use abi::{Badge, Lease, Message, Rights, call};

/// Why the kernel was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Cause {
    /// An instruction did it: a call or a fault.
    Synchronous = 0,
    /// An interrupt.
    Interrupt = 1,
    /// An asynchronous system error.
    SystemError = 2,
}

/// The calls that [`syscall::short`] carries out, by number.
const SHORT_CALLS: u64 = 1 << call::REPLY
    | 1 << call::LEASE_READ
    | 1 << call::LEASE_WRITE
    | 1 << call::TOKEN_STATE
    | 1 << call::SPACE_APPLY
    | 1 << call::THREAD_MASK
    | 1 << call::NULL;

const _: () = assert!(
    SHORT_CALLS & 0xffff << 32 == 0,
    "the vector leaves these out"
);

global_asm!(
    include_str!("vectors.s"),
    synchronous = const Cause::Synchronous as u32,
    interrupt = const Cause::Interrupt as u32,
    system_error = const Cause::SystemError as u32,
    tpidr = const offset_of!(Thread, tpidr),
    cpacr = const offset_of!(Thread, cpacr),
    flags = const offset_of!(Thread, flags),
    leases = const 1u64 << call::LEASE_READ | 1 << call::LEASE_WRITE,
    short_calls_0 = const SHORT_CALLS & 0xffff,
    short_calls_16 = const SHORT_CALLS >> 16 & 0xffff,
    short_calls_48 = const SHORT_CALLS >> 48,
    reply = const call::REPLY,
    mask_change = const call::MASK_CHANGE,
    upcall_caller = const call::UPCALL_CALLER,
    mask = const offset_of!(Thread, mask),
    short_call = sym syscall::short,
    kernel_entry = sym kernel::enter,
    kernel_fault = sym kernel_fault,
);

const _: () = assert!(
    call::UPCALL_CALLER_SET == call::UPCALL_CALLER + 1,
    "the vector tells them apart so"
);

const _: () = assert!(
    offset_of!(Thread, pinned) == offset_of!(Thread, mask) + 8,
    "the vector loads these as a pair"
);

global_asm!(
    include_str!("fast_path.s"),
    handles = const offset_of!(Thread, handles),
    direct_slots = const DIRECT_SLOTS,
    send_bit = const Rights::SEND.bits().trailing_zeros(),
    receive_bit = const Rights::RECEIVE.bits().trailing_zeros(),
    linear = const mmu::LINEAR_BASE,
    receiver = const offset_of!(Endpoint, receiver),
    last_token = const offset_of!(Endpoint, last_token),
    senders = const offset_of!(Endpoint, senders),
    flags = const offset_of!(Thread, flags),
    priority = const offset_of!(Thread, priority),
    sequence = const offset_of!(Thread, sequence),
    state = const offset_of!(Thread, state),
    endpoint = const offset_of!(Thread, endpoint),
    leases = const offset_of!(Thread, leases),
    tpidr = const offset_of!(Thread, tpidr),
    cpacr = const offset_of!(Thread, cpacr),
    awaiting_reply = const State::AwaitingReply as u64,
    receiving = const State::Receiving as u32,
    kernel = sym kernel::KERNEL,
);

global_asm!(
    include_str!("fast_fault.s"),
    linear = const mmu::LINEAR_BASE,
    space = const offset_of!(Thread, memory),
    pager = const offset_of!(Space, pager),
    pager_badge = const offset_of!(Space, pager_badge),
    kernel_badge = const Badge::KERNEL,
    badge = const offset_of!(Thread, badge),
    exception_badge = const offset_of!(Thread, exception_badge),
    kernel_message = const offset_of!(Thread, kernel_message),
    page_fault_label = const label::PAGE_FAULT,
    execute = const access::EXECUTE,
    fault_flags = const flag::KERNEL_MESSAGE | flag::PAGE_FAULT,
    receiver = const offset_of!(Endpoint, receiver),
    last_token = const offset_of!(Endpoint, last_token),
    flags = const offset_of!(Thread, flags),
    priority = const offset_of!(Thread, priority),
    sequence = const offset_of!(Thread, sequence),
    state = const offset_of!(Thread, state),
    endpoint = const offset_of!(Thread, endpoint),
    leases = const offset_of!(Thread, leases),
    awaiting_reply = const State::AwaitingReply as u64,
    kernel = sym kernel::KERNEL,
);

const _: () = assert!(
    offset_of!(Message, label) == 0
        && offset_of!(Message, words) == 8
        && access::WRITE == 1
        && access::PRESENT == 4,
    "the vector writes a message and its access bits so"
);

global_asm!(
    include_str!("fast_lease.s"),
    linear = const mmu::LINEAR_BASE,
    handles = const offset_of!(Thread, handles),
    direct_slots = const DIRECT_SLOTS,
    receive_bit = const Rights::RECEIVE.bits().trailing_zeros(),
    last_token = const offset_of!(Endpoint, last_token),
    flags = const offset_of!(Thread, flags),
    watched = const WATCHED,
    leases = const offset_of!(Thread, leases),
    ttbr0 = const offset_of!(Thread, ttbr0),
    lease_write = const call::LEASE_WRITE,
    device_bit = const page_table::DEVICE_MEMORY.trailing_zeros(),
    read_only_bit = const page_table::READ_ONLY.trailing_zeros(),
);

const _: () = assert!(
    Lease::READ == 1 << 63 && Lease::WRITE == 1 << 62 && Lease::LENGTH == (1 << 48) - 1,
    "the vector tests these bits"
);

global_asm!(
    include_str!("reflect.s"),
    flags = const offset_of!(Thread, flags),
    stack = const offset_of!(Thread, upcall.stack),
    active = const offset_of!(Thread, upcall.active),
    call_pc = const offset_of!(Thread, upcall.call.pc),
    call_pstate = const offset_of!(Thread, upcall.call.pstate),
    call_x17 = const offset_of!(Thread, upcall.call.scratch) + 8,
    handling_call = const handling::LINUX_CALL,
    pstate_flags = const PSTATE_FLAGS,
);

const _: () = assert!(
    offset_of!(Thread, upcall.linux_entry) == offset_of!(Thread, upcall.active) + 8
        && offset_of!(Thread, upcall.call.sp) == offset_of!(Thread, upcall.call.pc) + 8
        && offset_of!(Thread, upcall.call.scratch) == offset_of!(Thread, upcall.call.pstate) + 8,
    "the vector loads and stores these as pairs"
);

unsafe extern "C" {
    /// Goes to user mode as the thread at that address of the linear map.
    #[link_name = "leave"]
    safe fn leave(thread: usize) -> !;
}

/// Runs the first thread, at `thread` in the linear map.
pub(crate) fn run(thread: usize) -> ! {
    leave(thread)
}

/// Reports an exception of the kernel itself.
extern "C" fn kernel_fault(esr: u64, far: u64, pc: usize, frame: usize) -> ! {
    crate::log!("  at {pc:#x}");
    backtrace::print_from(frame);
    panic!("exception in the kernel: esr {esr:#x} far {far:#x} pc {pc:#x}");
}
