//! The heap and mappings.

use crate::{
    Case,
    support::{Check, Context, check_in_child, ensure, equal, in_child, refused},
};
use core::sync::atomic::Ordering;
use libsys::{
    memory::{self, PROT_READ, PROT_WRITE, Shared},
    prelude::*,
    signal::SIGSEGV,
};

pub const CASES: &[Case] = &[
    ("heap", heap),
    ("mapping", mapping),
    ("protection", protection),
    ("shared-mapping", shared_mapping),
    ("untouched-costs-nothing", untouched_costs_nothing),
];

const PAGE: u64 = 4096;

/// Reads a byte of memory that may not be there.
pub fn peek(address: u64) -> u8 {
    // SAFETY: a byte may hold anything, and a read changes nothing. Where nothing is mapped the
    // process is ended by a signal, which is what callers test.
    unsafe { core::ptr::read_volatile(address as *const u8) }
}

/// Writes a byte to memory that no Rust value lives in.
///
/// # Safety
/// `address` is in a mapping of the caller's own making, or nowhere that may be written.
pub unsafe fn poke(address: u64, byte: u8) {
    // SAFETY: the caller promises that no Rust value is there; elsewhere a signal ends the process.
    unsafe { core::ptr::write_volatile(address as *mut u8, byte) }
}

fn heap() -> Check {
    check_in_child(|| {
        let start = memory::sbrk(0).doing("sbrk")?;
        let taken = memory::sbrk(64 * PAGE as i64).doing("sbrk")?;
        equal("sbrk answers the old end", taken, start)?;
        ensure(
            "new memory is not zero",
            (0..64).all(|page| peek(taken + page * PAGE) == 0),
        )?;
        for page in 0..64 {
            // SAFETY: these pages were taken just now, and the allocator goes on behind them.
            unsafe { poke(taken + page * PAGE, 1) };
        }
        ensure(
            "what was written",
            (0..64).all(|page| peek(taken + page * PAGE) == 1),
        )?;
        refused(
            "a heap of everything",
            memory::sbrk(i64::MAX / 2),
            Errno::ENOMEM,
        )?;
        equal(
            "the end afterwards",
            memory::sbrk(0).doing("sbrk")?,
            taken + 64 * PAGE,
        )?;
        memory::sbrk(-(32 * PAGE as i64)).doing("shrinking")?;
        memory::sbrk(32 * PAGE as i64).doing("growing")?;
        ensure(
            "given back and taken again is zero",
            peek(taken + 40 * PAGE) == 0,
        )
    })
}

fn mapping() -> Check {
    let address = memory::map(0, 3 * PAGE, PROT_READ | PROT_WRITE, 0).doing("mmap")?;
    equal("aligned", address % PAGE, 0)?;
    ensure(
        "zero",
        peek(address) == 0 && peek(address + 3 * PAGE - 1) == 0,
    )?;
    // SAFETY: the mapping was made just now and is nobody else's.
    unsafe { poke(address + PAGE, 5) };
    let status = in_child(|| {
        // SAFETY: as above, in the child's copy.
        unsafe { poke(address + PAGE, 6) };
        i32::from(peek(address + PAGE) != 6)
    })?;
    equal("the child's copy", status.exited(), Some(0))?;
    equal("private", peek(address + PAGE), 5)?;
    // SAFETY: nothing uses the middle page.
    unsafe { memory::unmap(address + PAGE, PAGE) }.doing("munmap")?;
    equal("neighbours", peek(address) + peek(address + 2 * PAGE), 0)?;
    equal(
        "the hole",
        in_child(|| i32::from(peek(address + PAGE)))?.signaled(),
        Some(SIGSEGV),
    )?;
    let fixed = memory::flags::FIXED_NOREPLACE;
    refused(
        "where something is",
        memory::map(address, PAGE, PROT_READ, fixed),
        Errno::EEXIST,
    )?;
    // SAFETY: nothing uses the rest.
    unsafe { memory::unmap(address, 3 * PAGE) }.doing("munmap")?;
    // SAFETY: an unaligned address names nothing.
    let unaligned = unsafe { memory::unmap(address + 1, PAGE) };
    refused("an unaligned munmap", unaligned, Errno::EINVAL)
}

fn protection() -> Check {
    let address = memory::map(0, PAGE, PROT_READ | PROT_WRITE, 0).doing("mmap")?;
    // SAFETY: the mapping was made just now and is nobody else's.
    unsafe { poke(address, 9) };
    // SAFETY: nothing writes there until it is allowed again.
    unsafe { memory::protect(address, PAGE, PROT_READ) }.doing("mprotect")?;
    equal("read", peek(address), 9)?;
    let status = in_child(|| {
        // SAFETY: the page may not be written, so nothing is.
        unsafe { poke(address, 1) };
        0
    })?;
    equal("a write", status.signaled(), Some(SIGSEGV))?;
    // SAFETY: nothing reads there until it is allowed again.
    unsafe { memory::protect(address, PAGE, 0) }.doing("mprotect")?;
    equal(
        "a read of PROT_NONE",
        in_child(|| i32::from(peek(address)))?.signaled(),
        Some(SIGSEGV),
    )?;
    // SAFETY: more is allowed than before.
    unsafe { memory::protect(address, PAGE, PROT_READ | PROT_WRITE) }.doing("mprotect")?;
    equal("afterwards", peek(address), 9)?;
    // SAFETY: nothing is mapped there, so nothing changes.
    let unmapped = unsafe { memory::protect(0x10_0000_0000, PAGE, PROT_READ) };
    refused("mprotect of nothing", unmapped, Errno::ENOMEM)
}

fn shared_mapping() -> Check {
    let words = Shared::anonymous(2 * PAGE as usize).doing("mmap")?.words();
    words[0].store(1, Ordering::SeqCst);
    in_child(|| {
        words[0].fetch_add(1, Ordering::SeqCst);
        words[1000].store(3, Ordering::SeqCst);
        in_child(|| {
            words[0].fetch_add(1, Ordering::SeqCst);
            0
        })
        .map_or(1, |_| 0)
    })?;
    equal("two generations added", words[0].load(Ordering::SeqCst), 3)?;
    equal(
        "a page first touched by the child",
        words[1000].load(Ordering::SeqCst),
        3,
    )
}

fn untouched_costs_nothing() -> Check {
    let before = memory::statistics().doing("statistics")?.free;
    let address = memory::map(0, 64 << 20, PROT_READ | PROT_WRITE, 0).doing("mmap")?;
    let after = memory::statistics().doing("statistics")?.free;
    ensure(
        &format!(
            "64 MB untouched took {} frames",
            before.saturating_sub(after)
        ),
        before.saturating_sub(after) < 64,
    )?;
    // SAFETY: nothing uses the mapping.
    unsafe { memory::unmap(address, 64 << 20) }.doing("munmap")
}
