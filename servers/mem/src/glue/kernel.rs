//! The library's machine: one kernel call per function.

use super::heap;
use abi::map::{MapOp, prot};
use abi::{Error, Handle};
use libsys::arch;
use mem::ports::{Machine, Reclaim, SpaceKey, ThreadKey};
use proto::Pid;

/// The kernel.
pub struct Kernel;

impl Machine for Kernel {
    fn create_space(&mut self, frame: u32, root: u32, id: Pid) -> Result<SpaceKey, Error> {
        let pager = Handle::SERVICE;
        arch::space_create(Handle::SYSTEM, frame, root, pager, u64::from(id.0))
            .map(|handle| SpaceKey(handle.0))
    }

    fn create_thread(
        &mut self,
        frame: u32,
        space: SpaceKey,
        priority: u32,
    ) -> Result<ThreadKey, Error> {
        arch::thread_create(Handle::SYSTEM, frame, Handle(space.0), priority)
            .map(|handle| ThreadKey(handle.0))
    }

    fn destroy_space(&mut self, space: SpaceKey) -> Result<(), Error> {
        arch::object_destroy(Handle::SYSTEM, Handle(space.0))
    }

    fn destroy_thread(&mut self, thread: ThreadKey) -> Result<(), Error> {
        arch::object_destroy(Handle::SYSTEM, Handle(thread.0))
    }

    #[inline(always)]
    fn apply(&mut self, space: SpaceKey, list: &[MapOp]) -> Result<(), (usize, Error)> {
        arch::space_apply(Handle(space.0), list).map_err(|(error, done)| (done, error))
    }

    fn donate(&mut self, space: SpaceKey, frames: &[u32]) -> Result<(), Error> {
        arch::space_donate(Handle(space.0), frames)
    }

    fn reclaim(&mut self, space: SpaceKey, into: &mut [u32], which: Reclaim) -> usize {
        let which = match which {
            Reclaim::Unused => arch::Reclaim::Unused,
            Reclaim::TearDown => arch::Reclaim::All,
        };
        // It fails only if pages are mapped, and then there is nothing to take.
        arch::space_reclaim(Handle(space.0), into, which).unwrap_or(0)
    }

    fn clear(&mut self, space: SpaceKey) {
        // It fails only for a handle that names no space; the library keeps none such.
        let _ = arch::space_clear(Handle(space.0));
    }

    fn extend(&mut self, space: SpaceKey, frame: u32) -> Result<(), Error> {
        arch::space_extend(Handle(space.0), frame)
    }

    fn write(&mut self, space: SpaceKey, address: u64, bytes: &[u8]) -> usize {
        match arch::space_write(Handle(space.0), address, bytes) {
            Ok(()) => bytes.len(),
            Err(stop) => stop.copied,
        }
    }

    fn read_frame(&mut self, frame: u32, offset: usize, into: &mut [u8]) {
        window(frame, 0, |page| {
            into.copy_from_slice(&page[offset..offset + into.len()])
        });
    }

    fn write_frame(&mut self, frame: u32, offset: usize, bytes: &[u8]) {
        window(frame, prot::WRITE, |page| {
            page[offset..offset + bytes.len()].copy_from_slice(bytes)
        });
    }
}

/// Lets `use_it` see a frame, which is mapped into the own space meanwhile.
fn window(frame: u32, prot: u8, use_it: impl FnOnce(&mut [u8; 4096])) {
    let map = MapOp {
        address: heap::WINDOW,
        kind: MapOp::MAP,
        prot,
        pages: 1,
        frame,
        ..MapOp::default()
    };
    if arch::space_apply(Handle::OWN_SPACE, &[map]).is_err() {
        // The table of the window is there since the heap started, so only a frame that is not
        // memory fails, and the library owns none such.
        return;
    }
    // SAFETY: the page was just mapped, nothing else in this process is at its address, and it is
    // unmapped only after `use_it`. Other processes may write to it meanwhile: the bytes are copied,
    // never trusted. Read-only pages are only read, as `read_frame` above does.
    use_it(unsafe { &mut *(heap::WINDOW as *mut [u8; 4096]) });
    let unmap = MapOp {
        address: heap::WINDOW,
        kind: MapOp::UNMAP,
        pages: 1,
        ..MapOp::default()
    };
    let _ = arch::space_apply(Handle::OWN_SPACE, &[unmap]);
}
