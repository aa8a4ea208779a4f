//! Stands in for the machine on the host, where only decisions are tested: there is no kernel to call.

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
