//! Addresses as types, so that a virtual one is never taken for a physical one.

use serde::{Deserialize, Serialize};

/// Size of a page and of a frame, in bytes.
pub const PAGE_BYTES: u64 = 4096;

/// A virtual address in a user address space.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[repr(transparent)]
pub struct UserAddr(pub u64);

/// A physical address.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[repr(transparent)]
pub struct PhysAddr(pub u64);

/// Rounds `bytes` up to whole pages; `None` on overflow.
pub const fn page_up(bytes: u64) -> Option<u64> {
    match bytes.checked_add(PAGE_BYTES - 1) {
        Some(sum) => Some(sum & !(PAGE_BYTES - 1)),
        None => None,
    }
}

/// Rounds `address` down to the start of its page.
pub const fn page_down(address: u64) -> u64 {
    address & !(PAGE_BYTES - 1)
}
