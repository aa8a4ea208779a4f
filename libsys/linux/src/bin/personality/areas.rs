//! Where each thread has its block and the stack of its upcalls.
//!
//! The first thread's area is a variable; those of further threads lie behind the heap, in a place of
//! their own, mapped a few at a time and used again. A word for each says whether it is in use. The
//! word of a thread that ends becomes 0 only when the thread is gone (`mem` stores it), because until
//! then it stands on its area's stack.
//!
//! After a fork the child has copies of all areas, of which only its own thread's is in use. A process
//! that never had another thread writes nothing for that.

use crate::thread::Thread;
use abi::layout::{PERSONALITY, USER_END};
use abi::thread::Block;
use abi::{Errno, Handle};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use libsys::lease::Loan;
use libsys::request::request;
use proto::mem::{Mem, Request, flags};

/// Bytes of a thread's area.
pub const AREA_BYTES: usize = 64 << 10;
/// Where the areas of further threads are.
const FIRST_ADDRESS: u64 = PERSONALITY + 0xa00_0000;
/// Most threads of a process: so many are there of `mem`.
const MOST: usize = 1024;
/// Areas that are mapped at once.
const STEP: u32 = 8;
const _: () = assert!(FIRST_ADDRESS + (MOST * AREA_BYTES) as u64 <= USER_END);

/// What an upcall finds at the address that the kernel gives it: the block of the thread that made
/// the call, and all that is remembered of that thread.
#[repr(C)]
pub struct Front {
    /// The registers. First, because the kernel knows where it is.
    pub block: Block,
    /// The thread.
    pub thread: Thread,
}

/// What a thread has here: the stack of its upcalls, and above it its front. Both are written by almost
/// every call; so they are in one page, which is all that a fork has to copy of an area.
#[repr(C, align(4096))]
struct Space {
    stack: [u8; STACK_BYTES],
    front: Front,
}

const STACK_BYTES: usize = AREA_BYTES - size_of::<Front>();
const _: () = assert!(size_of::<Space>() == AREA_BYTES && size_of::<Front>() <= 2048);

/// The area of the first thread. Nothing of it is in the file: [`first`] fills it.
static mut FIRST: MaybeUninit<Space> = MaybeUninit::uninit();
/// Whether each area is in use.
static IN_USE: [AtomicU32; MOST] = [const { AtomicU32::new(0) }; MOST];
/// How many areas are mapped, the first thread's not counted.
static MAPPED: AtomicU32 = AtomicU32::new(0);
/// Held by who maps more.
static MAPPING: AtomicBool = AtomicBool::new(false);

/// An area, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area(u32);

/// The area of a process's first thread, with nothing in it yet.
pub fn first() -> Area {
    IN_USE[0].store(1, Ordering::Relaxed);
    let area = Area(0);
    area.clear();
    area
}

/// Takes an area that nobody uses.
///
/// # Errors
/// `EAGAIN` if there is none, `ENOMEM`.
pub fn claim() -> Result<Area, Errno> {
    for (number, word) in (0..).zip(&IN_USE) {
        let free = word.load(Ordering::Relaxed) == 0
            && word
                .compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed)
                .is_ok();
        if !free {
            continue;
        }
        let area = Area(number);
        if number > MAPPED.load(Ordering::Acquire)
            && let Err(errno) = map_up_to(number)
        {
            area.release();
            return Err(errno);
        }
        area.clear();
        return Ok(area);
    }
    Err(Errno::EAGAIN)
}

/// Maps areas until `number` is there.
fn map_up_to(number: u32) -> Result<(), Errno> {
    while MAPPING.swap(true, Ordering::Acquire) {
        libsys::arch::yield_now();
    }
    let mut result = Ok(());
    while result.is_ok() && MAPPED.load(Ordering::Relaxed) < number {
        let mapped = MAPPED.load(Ordering::Relaxed);
        let count = STEP.min(MOST as u32 - 1 - mapped);
        let wish = Request::Map {
            address: FIRST_ADDRESS + u64::from(mapped) * AREA_BYTES as u64,
            bytes: u64::from(count) * AREA_BYTES as u64,
            prot: 3,
            flags: flags::FIXED_NOREPLACE,
        };
        result = match request::<Mem>(Handle::MEM, &wish, [Loan::NONE; 2]) {
            // Somebody who was copied by a fork had mapped them, and not counted them yet.
            Ok(_) | Err(Errno::EEXIST) => {
                MAPPED.store(mapped + count, Ordering::Release);
                Ok(())
            }
            Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno),
        };
    }
    MAPPING.store(false, Ordering::Release);
    result
}

/// How many threads the process has, about: one that ends counts for a moment.
pub fn in_use() -> usize {
    let taken = |word: &&AtomicU32| word.load(Ordering::Relaxed) != 0;
    IN_USE.iter().filter(taken).count()
}

/// Whether no thread was ever here but the first.
pub fn alone() -> bool {
    MAPPED.load(Ordering::Relaxed) == 0
}

/// This is the child of a fork: only the area `own` is in use.
pub fn forked(own: Area) {
    MAPPING.store(false, Ordering::Relaxed);
    let mapped = MAPPED.load(Ordering::Relaxed);
    for (number, word) in (0..=mapped).zip(&IN_USE) {
        word.store(u32::from(number == own.0), Ordering::Relaxed);
    }
}

impl Area {
    /// Address of its front, which is that of its block, and where its stack ends.
    pub fn address(self) -> u64 {
        let start = match self.0 {
            0 => &raw const FIRST as u64,
            number => FIRST_ADDRESS + u64::from(number - 1) * AREA_BYTES as u64,
        };
        start + STACK_BYTES as u64
    }

    /// Address of the word that says whether it is in use.
    pub fn word(self) -> u64 {
        IN_USE
            .get(self.0 as usize)
            .map_or(0, |word| word as *const AtomicU32 as u64)
    }

    /// Lets others use it.
    pub fn release(self) {
        if let Some(word) = IN_USE.get(self.0 as usize) {
            word.store(0, Ordering::Release);
        }
    }

    /// Begins it anew.
    fn clear(self) {
        let front = self.address() as *mut Front;
        // SAFETY: the area is mapped, aligned and large enough for a front.
        let thread = unsafe { &raw mut (*front).thread };
        // SAFETY: the area was just taken, so nobody else knows it. What a thread before left there
        // owns nothing.
        unsafe { thread.write(Thread::new(self)) };
    }

    /// Lets `use_it` see the front of an area that was claimed and on which no thread runs.
    pub fn with<T>(self, use_it: impl FnOnce(&mut Front) -> T) -> T {
        let front = self.address() as *mut Front;
        // SAFETY: whoever claimed the area is the only one to know it until a thread runs there, and
        // again when that thread has ended; its parts were filled by `clear`.
        use_it(unsafe { &mut *front })
    }
}
