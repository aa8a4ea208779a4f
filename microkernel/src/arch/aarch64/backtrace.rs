//! Who called whom, by the chain of frame pointers on the kernel stack.
//!
//! Addresses are link addresses; the host looks up their names.

use core::arch::asm;

use crate::log;

/// Longest chain that is printed.
const MOST_FRAMES: usize = 32;

/// Prints the callers of this function, the innermost first.
#[inline(never)]
pub(crate) fn print() {
    let frame: usize;
    // SAFETY: copies a register.
    unsafe { asm!("mov {}, x29", out(reg) frame, options(nomem, nostack, preserves_flags)) };
    print_from(frame);
}

/// Prints the callers that the frame record at `frame` leads to.
pub(crate) fn print_from(mut frame: usize) {
    for _ in 0..MOST_FRAMES {
        let Some((next, return_address)) = read_frame(frame) else {
            return;
        };
        if return_address == 0 {
            return;
        }
        // The call is the instruction before the one that is returned to.
        log!("  at {:#x}", return_address - 4);
        if next <= frame {
            return;
        }
        frame = next;
    }
}

/// The frame record (Arm AAPCS64, 6.4.6): the caller's record and the return address.
fn read_frame(frame: usize) -> Option<(usize, usize)> {
    unsafe extern "C" {
        static __stack_bottom: u8;
        static __stack_top: u8;
    }
    let stack = (&raw const __stack_bottom).addr()..(&raw const __stack_top).addr() - 15;
    if !stack.contains(&frame) || !frame.is_multiple_of(8) {
        return None;
    }
    // SAFETY: both words are inside the kernel stack, which is mapped, and aligned.
    let [next, return_address] = unsafe { (frame as *const [usize; 2]).read() };
    Some((next, return_address))
}
