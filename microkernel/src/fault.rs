//! Synchronous exceptions of user mode: which become calls, which become messages.

use abi::message::{access, label};
use abi::{Error, Message};
use kernel_core::endpoint;
use kernel_core::object::{EndpointId, Objects, ThreadId};
use kernel_core::thread::flag;

use crate::arch::vector_state;
use crate::kernel::Kernel;
use crate::syscall::{self, FULL, LIGHT};
use crate::upcall;

/// Exception classes (Arm ARM, "ESR_EL1", EC).
mod class {
    pub(super) const VECTOR: u64 = 0x07;
    pub(super) const SVC: u64 = 0x15;
    pub(super) const INSTRUCTION_ABORT: u64 = 0x20;
    pub(super) const DATA_ABORT: u64 = 0x24;
}

/// Data abort: the access was a write (Arm ARM, "ESR_EL1", ISS of a data abort, WnR).
const WRITE_NOT_READ: u64 = 1 << 6;
/// Data abort: by cache maintenance, whose WnR is always 1 (CM).
const CACHE_MAINTENANCE: u64 = 1 << 8;

/// Handles an exception of the current thread; says what it did to its registers.
pub(crate) fn synchronous(kernel: &mut Kernel, esr: u64, far: u64) -> bool {
    match esr >> 26 {
        class::SVC => service_call(kernel, esr),
        class::DATA_ABORT | class::INSTRUCTION_ABORT => match page_fault_access(esr) {
            Some(bits) => page_fault(kernel, esr, far, bits),
            None => exception(kernel, esr, far),
        },
        class::VECTOR => use_vector(kernel),
        _ => exception(kernel, esr, far),
    }
}

/// An asynchronous error is the running thread's: it is the only one that touched memory.
#[inline(never)]
pub(crate) fn system_error(kernel: &mut Kernel, esr: u64) -> bool {
    exception(kernel, esr, 0)
}

/// `svc #1` is a kernel call, `svc #0` a Linux call for the upcall, others nobody's.
fn service_call(kernel: &mut Kernel, esr: u64) -> bool {
    match esr & 0xffff {
        1 => syscall::dispatch(kernel),
        0 if upcall::linux_call(kernel) => FULL,
        2 if upcall::linux_return(kernel) => FULL,
        _ => exception(kernel, esr, 0),
    }
}

/// The access of an abort that the pager may mend: translation, access-flag and permission faults
/// (Arm ARM, "ESR_EL1", DFSC and IFSC).
fn page_fault_access(esr: u64) -> Option<u64> {
    let mut bits = match esr >> 2 & 0xf {
        1 => 0,
        2 | 3 => access::PRESENT,
        _ => return None,
    };
    if esr >> 26 == class::INSTRUCTION_ABORT {
        bits |= access::EXECUTE;
    } else if esr & (WRITE_NOT_READ | CACHE_MAINTENANCE) == WRITE_NOT_READ {
        bits |= access::WRITE;
    }
    Some(bits)
}

/// Tells the current thread's pager; without one it is an exception.
#[inline(never)]
fn page_fault(kernel: &mut Kernel, esr: u64, far: u64, bits: u64) -> bool {
    let id = kernel.current;
    match send_page_fault(kernel, id, far, bits) {
        Ok(()) => LIGHT,
        Err(_) => exception(kernel, esr, far),
    }
}

/// Makes a thread that does not wait fault at `address`.
///
/// # Errors
/// [`Error::PeerGone`] if its space has no pager; nothing changed.
pub(crate) fn send_page_fault(
    kernel: &mut Kernel,
    id: ThreadId,
    address: u64,
    bits: u64,
) -> Result<(), Error> {
    let thread = kernel.memory.thread(id);
    let (space, pc, who) = (thread.memory, thread.registers.pc, thread.exception_badge);
    let space = kernel.memory.space(space);
    let (pager, badge) = (space.pager, space.pager_badge);
    if !pager.is_some() {
        return Err(Error::PeerGone);
    }
    let message = Message {
        label: label::PAGE_FAULT,
        words: [address, bits, pc, who, 0, 0, 0, 0],
    };
    let sent = endpoint::call_from_kernel(&mut kernel.memory, pager, id, badge, message);
    kernel.after_send(sent);
    Ok(())
}

/// Tells the current thread's exception endpoint. Without one the thread stays stopped.
#[inline(never)]
fn exception(kernel: &mut Kernel, esr: u64, far: u64) -> bool {
    let id = kernel.current;
    let thread = kernel.memory.thread(id);
    let message = endpoint::exception(thread, esr, far, 0, 0);
    let (to, badge) = (thread.exceptions, thread.exception_badge);
    if to == EndpointId::NONE {
        crate::log!(
            "a thread without exception handler: esr {esr:#x} far {far:#x} pc {:#x}",
            thread.registers.pc
        );
    }
    let sent = endpoint::call_from_kernel(&mut kernel.memory, to, id, badge, message);
    kernel.after_send(sent);
    LIGHT
}

/// The current thread touched a vector register that holds another thread's value.
#[inline(never)]
fn use_vector(kernel: &mut Kernel) -> bool {
    vector_state::open();
    save_vector(kernel);
    let id = kernel.current;
    let thread = kernel.memory.thread(id);
    vector_state::load(&thread.vector);
    thread.cpacr = vector_state::ALLOWED;
    thread.has_vector = 1;
    kernel.vector_owner = id;
    FULL
}

/// Brings the owner's vector registers to its memory; then nobody owns them.
pub(crate) fn save_vector(kernel: &mut Kernel) {
    let owner = core::mem::take(&mut kernel.vector_owner);
    if owner.is_some() {
        vector_state::open();
        let thread = kernel.memory.thread(owner);
        vector_state::save(&mut thread.vector);
        thread.cpacr = 0;
    }
}

/// Forgets the vector registers of a thread that starts afresh or ends.
pub(crate) fn drop_vector(kernel: &mut Kernel, id: ThreadId) {
    if kernel.vector_owner == id {
        kernel.vector_owner = ThreadId::NONE;
    }
    let thread = kernel.memory.thread(id);
    thread.cpacr = 0;
    thread.has_vector = 0;
    thread.vector = kernel_core::thread::VectorState::ZERO;
    debug_assert!(!thread.has(flag::QUEUED), "only of a halted thread");
}
