//! What the root task does to its own space: the only unsafe code of it.
//!
//! All mappings are made here, at fixed places, and stay for good; so the references that are given
//! out stay valid.

use crate::fail;
use abi::boot::{BootInfo, FrameRange};
use abi::map::{MapOp, prot};
use abi::{Error, Handle, PAGE_BYTES, layout};
use core::fmt;
use init::frames::Frames;
use libsys::arch;
use libsys::log::Line;
use spin::Mutex;

/// Own thread, in the table that the kernel made.
const HEAP: u64 = 0x4000_0000;
const WATCHER_STACK: u64 = 0x4800_0000;
const WATCHER_STACK_PAGES: u32 = 4;
const DEVICE_TREE: u64 = 0x5000_0000;
const REGISTER: u64 = 0x5800_0000;
/// Frames that the heap may use, its page table included.
const HEAP_FRAMES: u32 = 96;

/// Frames of the heap that are not mapped yet, and where it ends.
static HEAP_SUPPLY: Mutex<(Frames, u64)> = Mutex::new((Frames::NONE, HEAP));

/// Writes a record to the kernel's log.
pub fn say(text: fmt::Arguments<'_>) {
    let mut line = Line::new();
    let _ = fmt::write(&mut line, text);
    let _ = arch::log_write(Handle::SYSTEM, line.as_bytes());
}

/// What the kernel tells; `None` if it is of another version.
pub fn boot_info() -> Option<BootInfo> {
    // SAFETY: the kernel maps a page with a `BootInfo` there, read-only and for good, before it
    // starts the root task. Any bytes are a valid value.
    let boot = unsafe { core::ptr::read(layout::BOOT_INFO as *const BootInfo) };
    (boot.version == BootInfo::VERSION).then_some(boot)
}

/// The bytes of boot information.
pub fn boot_bytes(boot: &BootInfo) -> &[u8] {
    // SAFETY: a `BootInfo` is `repr(C)` of integers without padding, so all its bytes are set.
    unsafe { core::slice::from_raw_parts((boot as *const BootInfo).cast(), size_of::<BootInfo>()) }
}

/// The boot archive.
pub fn archive(boot: &BootInfo) -> &'static [u8] {
    // SAFETY: the kernel maps that many bytes there, read-only and for good.
    unsafe {
        core::slice::from_raw_parts(layout::ARCHIVE as *const u8, boot.archive_bytes as usize)
    }
}

/// Puts frames aside for the heap.
pub fn start_heap(frames: &mut Frames) {
    let Some(first) = frames.take(HEAP_FRAMES) else {
        fail("there is no memory for a heap")
    };
    let mut ranges = [FrameRange::default(); 16];
    ranges[0] = FrameRange {
        first,
        count: HEAP_FRAMES,
    };
    HEAP_SUPPLY.lock().0 = Frames::new(&ranges, 1);
    libsys::heap::set_mover(move_break);
}

fn move_break(wanted: u64) -> u64 {
    let mut supply = HEAP_SUPPLY.lock();
    while supply.1 < wanted {
        let Some(frame) = supply.0.take(1) else { break };
        let page = MapOp {
            address: supply.1,
            prot: prot::WRITE,
            fill: MapOp::ZERO,
            pages: 1,
            frame,
            ..MapOp::default()
        };
        if map(Handle::OWN_SPACE, page, &mut supply.0).is_err() {
            break;
        }
        supply.1 += PAGE_BYTES;
    }
    supply.1
}

/// Carries out an operation on a space, giving it frames for page tables as they are needed.
pub fn map(space: Handle, operation: MapOp, frames: &mut Frames) -> Result<(), Error> {
    loop {
        match arch::space_apply(space, &[operation]) {
            Err((Error::NeedsTable, _)) => {
                let table = frames.take(1).ok_or(Error::FrameBusy)?;
                arch::space_donate(space, &[table])?;
            }
            result => return result.map_err(|(error, _)| error),
        }
    }
}

/// Maps the device tree; empty if there is none.
pub fn map_device_tree(boot: &BootInfo, frames: &mut Frames) -> &'static [u8] {
    let FrameRange { first, count } = boot.device_tree;
    let pages = MapOp {
        address: DEVICE_TREE,
        pages: count,
        frame: first,
        ..MapOp::default()
    };
    if count == 0 || map(Handle::OWN_SPACE, pages, frames).is_err() {
        return &[];
    }
    let bytes = u64::from(count) * PAGE_BYTES - boot.device_tree_offset.min(PAGE_BYTES);
    let start = DEVICE_TREE + boot.device_tree_offset;
    // SAFETY: those pages were just mapped, read-only and for good; the kernel leaves the frames
    // of the device tree alone.
    unsafe { core::slice::from_raw_parts(start as *const u8, bytes as usize) }
}

/// Reads the first register of the device at a physical address.
pub fn read_register(address: u64, frames: &mut Frames) -> Option<u32> {
    let frame = u32::try_from(address / PAGE_BYTES).ok()?;
    let page = MapOp {
        address: REGISTER,
        prot: prot::DEVICE,
        pages: 1,
        frame,
        ..MapOp::default()
    };
    map(Handle::OWN_SPACE, page, frames).ok()?;
    // SAFETY: the page was just mapped as device memory; reading a register of it changes nothing
    // for Rust. Device pages are aligned.
    let value = unsafe { core::ptr::read_volatile(REGISTER as *const u32) };
    let unmap = MapOp {
        address: REGISTER,
        kind: MapOp::UNMAP,
        pages: 1,
        ..MapOp::default()
    };
    let _ = arch::space_apply(Handle::OWN_SPACE, &[unmap]);
    Some(value)
}

/// Maps a stack for the second thread; returns its top.
pub fn map_watcher_stack(frames: &mut Frames) -> u64 {
    let Some(frame) = frames.take(WATCHER_STACK_PAGES) else {
        fail("there is no memory for a stack")
    };
    let pages = MapOp {
        address: WATCHER_STACK,
        prot: prot::WRITE,
        fill: MapOp::ZERO,
        pages: WATCHER_STACK_PAGES,
        frame,
        ..MapOp::default()
    };
    if map(Handle::OWN_SPACE, pages, frames).is_err() {
        fail("a stack cannot be mapped");
    }
    WATCHER_STACK + u64::from(WATCHER_STACK_PAGES) * PAGE_BYTES
}

/// Makes a further thread of the root task.
pub fn make_thread(frames: &mut Frames, priority: u32) -> Handle {
    let made = frames.take(1).and_then(|frame| {
        arch::thread_create(Handle::SYSTEM, frame, Handle::OWN_SPACE, priority).ok()
    });
    made.unwrap_or_else(|| fail("there is no memory for a thread"))
}
