//! The trace's ring, and tracing from the start when the kernel's command line asks for it.

use crate::{Root, say};
use abi::{Handle, PAGE_BYTES};
use init::frames::Frames;
use init::plan;
use libsys::arch;

/// Sets aside the frames of the ring, and traces the start of the servers if that is wanted.
pub fn give_ring(root: &Root<'_>, frames: &mut Frames) {
    let wanted = plan::number(&root.boot.command_line, "trace_frames");
    let count = wanted.map_or_else(
        || plan::trace_frames(root.boot.total_frames),
        |count| count as u32,
    );
    let given = frames
        .take(count)
        .map(|first| (first, arch::trace_ring(Handle::SYSTEM, first, count)));
    match given {
        Some((first, Ok(()))) if wanted.is_some() => {
            say!(
                "trace: {count} frames at {:#x}",
                u64::from(first) * PAGE_BYTES
            );
        }
        Some((_, Ok(()))) => {}
        _ => say!("init: there is no memory for a trace of {count} frames"),
    }
    if plan::has_word(&root.boot.command_line, "trace=boot") {
        trace_all();
    }
}

/// Traces from pid 1 on, if that is wanted.
pub fn start(root: &Root<'_>) {
    if plan::has_word(&root.boot.command_line, "trace=init") {
        trace_all();
    }
}

fn trace_all() {
    if let Err(error) = arch::trace_set(Handle::SYSTEM, arch::Tracing::All) {
        say!("init: cannot trace: {error:?}");
    }
}
