//! Memory: the heap's end, mappings, and shared memory as something that Rust can share.

use crate::posix::{ask, unexpected};
use crate::{heap, lease::Loan};
use abi::{Errno, Handle};
use core::sync::atomic::{AtomicU8, AtomicU64};
use proto::mem::{Mem, Reply, Request};

pub use proto::mem::flags;

/// May be read.
pub const PROT_READ: u32 = 1;
/// May be written.
pub const PROT_WRITE: u32 = 2;
/// May be executed.
pub const PROT_EXEC: u32 = 4;

#[inline(always)]
fn mem(request: &Request) -> Result<Reply, Errno> {
    ask::<Mem>(Handle::MEM, request, [Loan::NONE; 2])
}

#[inline(always)]
fn address(request: &Request) -> Result<u64, Errno> {
    match mem(request)? {
        Reply::Address(address) => Ok(address),
        _ => Err(unexpected()),
    }
}

/// Moves the end of the heap to `end`.
///
/// # Errors
/// `ENOMEM`; the end is where it was.
pub fn brk(end: u64) -> Result<(), Errno> {
    if heap::move_break(end) == end {
        Ok(())
    } else {
        Err(Errno::ENOMEM)
    }
}

/// Moves the end of the heap by `change` bytes; returns where it was. The allocator of this process
/// goes on behind what is taken here; only what was taken here may be given back.
///
/// # Errors
/// `ENOMEM`; the end is where it was.
pub fn sbrk(change: i64) -> Result<u64, Errno> {
    let old = heap::current_break();
    let end = old.checked_add_signed(change).ok_or(Errno::ENOMEM)?;
    brk(end).map(|()| old)
}

/// Maps fresh memory of zeros; returns its address.
///
/// # Errors
/// As `mmap(2)`.
pub fn map(wish: u64, bytes: u64, prot: u32, flags: u32) -> Result<u64, Errno> {
    address(&Request::Map {
        address: wish,
        bytes,
        prot,
        flags,
    })
}

/// Removes mappings.
///
/// # Errors
/// As `munmap(2)`.
///
/// # Safety
/// Nothing in the range is used any more.
pub unsafe fn unmap(address: u64, bytes: u64) -> Result<(), Errno> {
    mem(&Request::Unmap { address, bytes }).map(drop)
}

/// Changes permissions.
///
/// # Errors
/// As `mprotect(2)`.
///
/// # Safety
/// What is in the range is not used in ways that the new permissions forbid.
pub unsafe fn protect(address: u64, bytes: u64, prot: u32) -> Result<(), Errno> {
    mem(&Request::Protect {
        address,
        bytes,
        prot,
    })
    .map(drop)
}

/// Changes the size of a mapping, moving it if `may_move`; returns its address.
///
/// # Errors
/// As `mremap(2)`.
///
/// # Safety
/// Nothing uses what is cut off, or the old place of what moved.
pub unsafe fn remap(old: u64, old_bytes: u64, new_bytes: u64, flags: u32) -> Result<u64, Errno> {
    address(&Request::Remap {
        address: old,
        old_bytes,
        new_bytes,
        flags,
    })
}

/// Gives advice about a range.
///
/// # Errors
/// As `madvise(2)`.
///
/// # Safety
/// `MADV_DONTNEED` zeroes private memory: nothing relies on what is there.
pub unsafe fn advise(address: u64, bytes: u64, advice: u32) -> Result<(), Errno> {
    mem(&Request::Advise {
        address,
        bytes,
        advice,
    })
    .map(drop)
}

/// Memory of the whole machine, in frames of [`abi::PAGE_BYTES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineMemory {
    /// In all.
    pub total: u64,
    /// Free.
    pub free: u64,
    /// In kernel objects and page tables.
    pub kernel: u64,
    /// In memory objects: files, the page cache.
    pub objects: u64,
    /// Copied on write so far.
    pub copied: u64,
    /// Page faults so far.
    pub faults: u64,
}

/// What memory there is.
///
/// # Errors
/// None in practice.
pub fn statistics() -> Result<MachineMemory, Errno> {
    match mem(&Request::Statistics)? {
        Reply::Statistics {
            total,
            free,
            kernel,
            objects,
            copied,
            faults,
        } => Ok(MachineMemory {
            total,
            free,
            kernel,
            objects,
            copied,
            faults,
        }),
        _ => Err(unexpected()),
    }
}

/// Memory that other processes may see and change: a mapping that lives as long as the process.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    address: u64,
    bytes: usize,
}

impl Shared {
    /// Maps fresh memory of zeros that children made by `fork` share.
    ///
    /// # Errors
    /// `ENOMEM`, `EINVAL`.
    pub fn anonymous(bytes: usize) -> Result<Self, Errno> {
        let address = map(0, bytes as u64, PROT_READ | PROT_WRITE, flags::SHARED)?;
        Ok(Self { address, bytes })
    }

    /// A mapping that was just made, is writable, and is known to nobody else in the process.
    pub(crate) fn at(address: u64, bytes: usize) -> Self {
        Self { address, bytes }
    }

    /// Where it is.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// It as bytes.
    pub fn bytes(&self) -> &'static [AtomicU8] {
        // SAFETY: the range was mapped for this value alone, is never given to Rust otherwise, and
        // stays mapped; atomics may change at any time.
        unsafe { core::slice::from_raw_parts(self.address as *const AtomicU8, self.bytes) }
    }

    /// It as words of 8 bytes.
    pub fn words(&self) -> &'static [AtomicU64] {
        // SAFETY: as above; mappings are aligned to pages.
        unsafe { core::slice::from_raw_parts(self.address as *const AtomicU64, self.bytes / 8) }
    }
}
