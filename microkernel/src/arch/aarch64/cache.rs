//! Keeping the instruction cache in step with memory.

use core::arch::asm;

/// Makes `bytes` written at `start` (a kernel address) visible to instruction fetches on all CPUs.
///
/// To be called after the kernel wrote or moved text, before a program can run it.
pub(crate) fn sync_instructions(start: usize, bytes: usize) {
    let line = data_line_bytes();
    let mut address = start & !(line - 1);
    while address < start + bytes {
        // SAFETY: cleaning a line changes no memory; the caller's range is mapped.
        unsafe { asm!("dc cvau, {}", in(reg) address, options(nostack)) };
        address += line;
    }
    // SAFETY: barriers and an invalidation; instructions are fetched anew. The whole instruction
    // cache, because it may be virtually indexed and user space sees the frame at another address.
    unsafe { asm!("dsb ish", "ic ialluis", "dsb ish", "isb", options(nostack)) };
}

/// Smallest line of the data caches, in bytes (Arm ARM, "CTR_EL0.DminLine").
fn data_line_bytes() -> usize {
    let cache_type: usize;
    // SAFETY: reads an identification register.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) cache_type, options(nomem, nostack)) };
    4 << (cache_type >> 16 & 0xf)
}
