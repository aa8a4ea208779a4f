//! Copying and zeroing physical memory through the linear map, as fast as the general registers
//! allow.

use core::arch::{asm, global_asm};

use super::mmu::phys_to_virt;
use abi::PAGE_BYTES;
use kernel_core::object::FrameNumber;

global_asm!(include_str!("../../../../libsys/memory.s"));

/// Address of a frame in the linear map.
pub(crate) const fn frame_address(frame: FrameNumber) -> usize {
    phys_to_virt((frame as u64) << 12)
}

/// Zeroes a frame of RAM.
pub(crate) fn zero_frame(frame: FrameNumber) {
    let mut address = frame_address(frame);
    let end = address + PAGE_BYTES as usize;
    while address < end {
        // SAFETY: the frame is in RAM (its callers ask the frame table), so it is in the linear
        // map, and no Rust reference to it exists: it is user memory or just became an object.
        // `dc zva` zeroes 64 bytes on every processor of the supported boards (DCZID_EL0.BS = 4).
        unsafe {
            asm!(
                "dc zva, {a}", "add {a}, {a}, #64", "dc zva, {a}", "add {a}, {a}, #64",
                "dc zva, {a}", "add {a}, {a}, #64", "dc zva, {a}", "add {a}, {a}, #64",
                "dc zva, {a}", "add {a}, {a}, #64", "dc zva, {a}", "add {a}, {a}, #64",
                "dc zva, {a}", "add {a}, {a}, #64", "dc zva, {a}", "add {a}, {a}, #64",
                a = inout(reg) address, options(nostack),
            );
        }
    }
}

/// Copies `bytes` of RAM from physical address `from` to `to`; the ranges do not overlap.
pub(crate) fn copy(to: u64, from: u64, bytes: usize) {
    let (mut target, mut source) = (phys_to_virt(to), phys_to_virt(from));
    let blocks = bytes / 64;
    let rest = bytes % 64;
    if blocks != 0 {
        // SAFETY: both ranges are user memory in RAM (their callers walked a page table or asked
        // the frame table), mapped in the linear map; no Rust reference to user memory exists.
        // Unaligned access to normal memory is allowed.
        unsafe {
            asm!(
                "2:",
                "ldp {a}, {b}, [{s}], #16", "ldp {c}, {d}, [{s}], #16",
                "ldp {e}, {f}, [{s}], #16", "ldp {g}, {h}, [{s}], #16",
                "stp {a}, {b}, [{t}], #16", "stp {c}, {d}, [{t}], #16",
                "stp {e}, {f}, [{t}], #16", "stp {g}, {h}, [{t}], #16",
                "subs {n}, {n}, #1",
                "b.ne 2b",
                a = out(reg) _, b = out(reg) _, c = out(reg) _, d = out(reg) _,
                e = out(reg) _, f = out(reg) _, g = out(reg) _, h = out(reg) _,
                s = inout(reg) source, t = inout(reg) target, n = inout(reg) blocks => _,
                options(nostack),
            );
        }
    }
    copy_rest(target, source, rest);
}

/// The last few bytes of [`copy`].
fn copy_rest(target: usize, source: usize, bytes: usize) {
    // SAFETY: the rest of the ranges of `copy`.
    unsafe { core::ptr::copy_nonoverlapping(source as *const u8, target as *mut u8, bytes) };
}

/// Zeroes `bytes` of a frame from `offset` on.
pub(crate) fn zero_tail(frame: FrameNumber, offset: usize) {
    let (start, count) = (frame_address(frame) + offset, PAGE_BYTES as usize - offset);
    // SAFETY: inside a frame of RAM, as for `zero_frame`.
    unsafe { core::ptr::write_bytes(start as *mut u8, 0, count) };
}

/// Bytes of user memory in RAM at a physical address, for as long as no thread can run.
pub(crate) fn bytes<'a>(physical: u64, count: usize) -> &'a [u8] {
    // SAFETY: its callers walked a page table: user memory in RAM, mapped in the linear map, and
    // nobody runs while the kernel does. The slice is used at once, never kept.
    unsafe { core::slice::from_raw_parts(phys_to_virt(physical) as *const u8, count) }
}

/// As [`bytes`], to write.
pub(crate) fn bytes_mut<'a>(physical: u64, count: usize) -> &'a mut [u8] {
    // SAFETY: as for `bytes`; user memory is never part of a kernel structure.
    unsafe { core::slice::from_raw_parts_mut(phys_to_virt(physical) as *mut u8, count) }
}

/// Reads words of user memory in RAM from a physical address that is a multiple of 8.
#[inline]
pub(crate) fn read_words(physical: u64, into: &mut [u64]) {
    let start = phys_to_virt(physical) as *const u64;
    for (index, word) in into.iter_mut().enumerate() {
        // SAFETY: as for `bytes`; its callers check the alignment and that the words are in a page.
        *word = unsafe { start.wrapping_add(index).read_volatile() };
    }
}
