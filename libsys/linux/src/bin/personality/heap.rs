//! The personality's own heap, above it: the program's break is the program's.

use abi::Handle;
use abi::layout::{PERSONALITY, USER_END};
use core::sync::atomic::{AtomicU64, Ordering};
use libsys::lease::Loan;
use libsys::request::request;
use proto::mem::{Mem, Request, flags};

/// Where it starts.
const START: u64 = PERSONALITY + 0x100_0000;
/// Most that it grows to.
const END: u64 = START + 0x800_0000;
const _: () = assert!(END < USER_END);

static NOW: AtomicU64 = AtomicU64::new(START);

/// Moves the end to `end` (0: only asks); answers with the end in force. It never shrinks.
pub fn move_end(end: u64) -> u64 {
    let now = NOW.load(Ordering::Relaxed);
    if end <= now || end > END {
        return now;
    }
    let wish = Request::Map {
        address: now,
        bytes: end - now,
        prot: 3,
        flags: flags::FIXED_NOREPLACE,
    };
    match request::<Mem>(Handle::MEM, &wish, [Loan::NONE; 2]) {
        Ok(_) => {
            NOW.store(end, Ordering::Relaxed);
            end
        }
        Err(_) => now,
    }
}
