//! The block, the stack and the registration of the own upcall.

use super::{machine, number, simple_3};
use abi::Error;
use abi::thread::{Block, Registers};

/// The block and the stack that the kernel uses at an upcall. The alignment keeps the block inside
/// one page.
#[repr(C, align(512))]
pub(super) struct Upcall {
    block: core::cell::UnsafeCell<Block>,
    stack: core::cell::UnsafeCell<[u8; UPCALL_STACK_BYTES]>,
}

/// The upcall's assembly does not push anything; this is for a debugger's comfort.
const UPCALL_STACK_BYTES: usize = 192;

// SAFETY: only the kernel and the upcall's assembly touch it, never Rust code.
unsafe impl Sync for Upcall {}

pub(super) static UPCALL: Upcall = Upcall {
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
