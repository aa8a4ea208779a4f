//! The heap: `talc`, which grows by moving the break.
//!
//! The break starts behind the image. Who moves it is exchangeable ([`set_mover`]), because the
//! memory server cannot ask itself.

#[cfg(target_os = "none")]
use core::alloc::Layout;
use core::sync::atomic::{AtomicU64, Ordering};

/// Moves the end of the heap to `end` (0: only asks) and returns the end in force afterwards.
/// Memory between the old and the new end is readable, writable and zero.
pub type BreakMover = fn(end: u64) -> u64;

/// First growth in bytes; each later one is at least as large, and at least an eighth of the heap.
#[cfg(target_os = "none")]
const STEP_BYTES: u64 = 16 << 10;

/// The break as far as this process knows; 0 before it first asked.
static BREAK: AtomicU64 = AtomicU64::new(0);

static MOVER: spin::Mutex<BreakMover> = spin::Mutex::new(ask_memory_server);

/// Replaces who moves the break. To be called before anything is allocated; the mover itself must
/// not allocate.
pub fn set_mover(mover: BreakMover) {
    *MOVER.lock() = mover;
}

fn ask_memory_server(end: u64) -> u64 {
    use crate::lease::Loan;
    use proto::mem::{Mem, Reply, Request};
    match crate::request::request::<Mem>(abi::Handle::MEM, &Request::Brk { end }, [Loan::NONE; 2]) {
        Ok(Reply::Address(end)) => end,
        _ => BREAK.load(Ordering::Relaxed),
    }
}

/// Moves the break to `end` (0: only asks); returns the break in force.
pub fn move_break(end: u64) -> u64 {
    let mover = *MOVER.lock();
    let now = mover(end);
    BREAK.store(now, Ordering::Relaxed);
    now
}

/// The break.
pub fn current_break() -> u64 {
    match BREAK.load(Ordering::Relaxed) {
        0 => move_break(0),
        known => known,
    }
}

/// Where talc's newest piece of memory ends.
#[cfg(target_os = "none")]
#[derive(Debug)]
struct Source {
    /// An address, 0 if there is none: the allocator must be `Send`.
    end: usize,
    claimed_bytes: u64,
}

// SAFETY: `acquire` reaches the break movers, none of which allocates.
#[cfg(target_os = "none")]
unsafe impl talc::source::Source for Source {
    fn acquire<B: talc::base::binning::Binning>(
        talc: &mut talc::base::Talc<Self, B>,
        layout: Layout,
    ) -> Result<(), ()> {
        let start = abi::addr::page_up(current_break()).ok_or(())?;
        let wanted = (layout.size() as u64)
            .checked_add(layout.align() as u64 + 4096)
            .ok_or(())?;
        let bytes = wanted.max(STEP_BYTES).max(talc.source.claimed_bytes / 8);
        let end = start
            .checked_add(abi::addr::page_up(bytes).ok_or(())?)
            .ok_or(())?;
        if move_break(end) < end {
            return Err(());
        }
        let base = start as *mut u8;
        let piece = match core::ptr::NonNull::new(talc.source.end as *mut u8) {
            Some(old) if follows(old.as_ptr() as u64, start) => {
                // SAFETY: the memory follows on the piece that ends there, and the break was just
                // moved over it, so it is ours alone.
                Some(unsafe { talc.extend(old, end as *mut u8) })
            }
            // SAFETY: the break was just moved over it: it is mapped and ours alone.
            _ => unsafe { talc.claim(base, (end - start) as usize) },
        };
        talc.source.end = piece.map_or(0, |end| end.as_ptr() as usize);
        talc.source.claimed_bytes += end - start;
        piece.map(drop).ok_or(())
    }
}

/// Talc's end can be a few bytes below the end of the memory that it was given.
#[cfg(target_os = "none")]
fn follows(end: u64, start: u64) -> bool {
    end <= start && start - end < 64
}

/// Who finds the heap in use by another thread lets that one run: threads of a process have one
/// priority, so it does.
#[cfg(target_os = "none")]
struct LetOthersRun;

#[cfg(target_os = "none")]
impl spin::RelaxStrategy for LetOthersRun {
    fn relax() {
        crate::arch::yield_now();
    }
}

#[cfg(target_os = "none")]
#[global_allocator]
static HEAP: talc::TalcLock<spin::mutex::Mutex<(), LetOthersRun>, Source> =
    talc::TalcLock::new(Source {
        end: 0,
        claimed_bytes: 0,
    });

/// Does `work` while no other thread of the process is in the heap, so that a copy of its memory that
/// is made meanwhile has a whole one. `work` must not allocate.
#[cfg(target_os = "none")]
pub fn quiescent<T>(work: impl FnOnce() -> T) -> T {
    let guard = HEAP.lock();
    let result = work();
    drop(guard);
    result
}
