//! A wild access ends only the process that made it.

use crate::{
    Case,
    memory::{peek, poke},
    support::{Check, Context, check_in_child, equal, in_child},
};
use core::sync::atomic::{AtomicU64, Ordering};
use libsys::{
    file,
    prelude::*,
    signal::{self, Action, Handler, Info, SIGSEGV},
};

pub const CASES: &[Case] = &[
    ("isolation", isolation),
    ("fault-handler", fault_handler),
    ("stack-overflow", stack_overflow),
];

/// Page 0, just below the stack's room, the end of the user half, the kernel's half.
const FOREIGN: [u64; 6] = [
    0,
    8,
    0x10_0000_0000,
    (1 << 39) - 8,
    0xffff_0000_0000_0000,
    0xffff_ffff_ffff_fff8,
];

fn isolation() -> Check {
    for address in FOREIGN {
        let status = in_child(|| i32::from(peek(address)))?;
        equal(
            &format!("a read at {address:#x}"),
            status.signaled(),
            Some(SIGSEGV),
        )?;
        let status = in_child(|| {
            // SAFETY: none of these addresses is in a mapping that may be written.
            unsafe { poke(address, 1) };
            0
        })?;
        equal(
            &format!("a write at {address:#x}"),
            status.signaled(),
            Some(SIGSEGV),
        )?;
    }
    let text = isolation as fn() -> Check as usize as u64;
    let status = in_child(|| {
        // SAFETY: program text may not be written, so nothing is.
        unsafe { poke(text, 0) };
        0
    })?;
    equal("a write to program text", status.signaled(), Some(SIGSEGV))?;
    equal("this process goes on", in_child(|| 4)?.exited(), Some(4))
}

static FAULT_ADDRESS: AtomicU64 = AtomicU64::new(0);

fn note_fault(info: &Info) {
    FAULT_ADDRESS.store(info.value, Ordering::SeqCst);
    let code = if info.signal == SIGSEGV && info.value == 0x10_0000_0008 {
        42
    } else {
        1
    };
    // A handler that returned would fault again and again.
    libsys::process::exit_now(code);
}

fn fault_handler() -> Check {
    let status = in_child(|| {
        let action = Action {
            handler: Handler::CallInfo(note_fault),
            ..Action::default()
        };
        if signal::action(SIGSEGV, &action).is_err() {
            return 2;
        }
        i32::from(peek(0x10_0000_0008))
    })?;
    equal("the handler saw the address", status.exited(), Some(42))
}

/// Deeper and deeper, with a frame that cannot be optimised away.
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = core::hint::black_box([depth; 512]);
    if depth == u64::MAX {
        0
    } else {
        recurse(depth + 1).wrapping_add(frame[511])
    }
}

fn stack_overflow() -> Check {
    check_in_child(|| {
        // A megabyte of stack is there.
        #[inline(never)]
        fn deep(depth: u32) -> u32 {
            let frame = core::hint::black_box([depth; 1024]);
            if depth == 0 {
                frame[0]
            } else {
                deep(depth - 1) + frame[0] / 0x1000_0000
            }
        }
        equal("256 frames of 4 KiB", deep(256), 0)
    })?;
    let status = in_child(|| recurse(0) as i32)?;
    equal("endless recursion", status.signaled(), Some(SIGSEGV))?;
    file::stat("/").doing("stat afterwards").map(drop)
}
