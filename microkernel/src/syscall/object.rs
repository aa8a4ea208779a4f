//! Making and destroying kernel objects in frames that user space gives.

use abi::{Error, Rights};
use kernel_core::endpoint::Endpoint;
use kernel_core::frames::Kind;
use kernel_core::object::{EndpointId, FrameNumber, Objects, SpaceId, ThreadId};
use kernel_core::space::{self, Slot, SlotKind, Space};
use kernel_core::thread::{Thread, flag};
use kernel_core::trace;

use super::{Arguments, DONE, Outcome};
use crate::arch::memory::{frame_address, zero_frame};
use crate::arch::mmu;
use crate::fault;
use crate::kernel::{Kernel, Memory, construct};

/// Rights of who creates an endpoint.
const ENDPOINT_RIGHTS: Rights = Rights::SEND
    .union(Rights::RECEIVE)
    .union(Rights::NOTIFY)
    .union(Rights::GRANT);
/// Most priorities.
const PRIORITIES: u64 = kernel_core::ready::PRIORITIES as u64;

fn frame_argument(value: u64) -> Result<FrameNumber, Error> {
    FrameNumber::try_from(value).map_err(|_| Error::FrameBusy)
}

/// `ENDPOINT_CREATE`.
pub(super) fn create_endpoint(kernel: &mut Kernel, [system, frame, ..]: Arguments) -> Outcome {
    kernel.system(system, Rights::MEMORY)?;
    let frame = frame_argument(frame)?;
    let table = kernel.current().space;
    kernel.memory.frames.claim(frame, Kind::Endpoint)?;
    construct::<Endpoint>(frame).init();
    let slot = Slot::endpoint(EndpointId(frame), ENDPOINT_RIGHTS, 0);
    match space::put(&mut kernel.memory, table, 0, slot) {
        Ok(handle) => Ok(u64::from(handle)),
        Err(error) => {
            kernel.memory.frames.release(frame);
            Err(error.into())
        }
    }
}

/// `SPACE_CREATE`.
pub(super) fn create_space(
    kernel: &mut Kernel,
    [system, frame, root, pager, badge, ..]: Arguments,
) -> Outcome {
    kernel.system(system, Rights::MEMORY)?;
    let (frame, root) = (frame_argument(frame)?, frame_argument(root)?);
    let pager = kernel.endpoint_or_none(pager)?;
    if frame == root
        || !kernel.memory.frames.is_claimable(frame)
        || !kernel.memory.frames.is_claimable(root)
    {
        return Err(Error::FrameBusy.into());
    }
    let id = new_space(kernel, frame, root)?;
    let created = kernel.memory.space(id);
    created.pager = pager;
    created.pager_badge = badge & !abi::Badge::KERNEL;
    let serial = created.serial;
    if pager.is_some() {
        kernel.memory.endpoint(pager).references += 1;
    }
    let table = kernel.current().space;
    match space::put(
        &mut kernel.memory,
        table,
        0,
        Slot::space(id, Rights::MAP | Rights::GRANT, serial),
    ) {
        Ok(handle) => Ok(u64::from(handle)),
        Err(error) => {
            free_space(kernel, id);
            Err(error.into())
        }
    }
}

/// Makes a space in two claimable frames.
pub(crate) fn new_space(
    kernel: &mut Kernel,
    frame: FrameNumber,
    root: FrameNumber,
) -> Result<SpaceId, Error> {
    let asid = kernel.asids.take().ok_or(Error::NoAsid)?;
    kernel.memory.frames.claim(frame, Kind::Space)?;
    kernel.memory.frames.claim(root, Kind::UpperTable)?;
    kernel.memory.frames.set_table(root, Kind::UpperTable, 0);
    zero_frame(root);
    let serial = kernel.next_serial();
    construct::<Space>(frame).init(root, asid, serial);
    Ok(SpaceId(frame))
}

/// `THREAD_CREATE`.
pub(super) fn create_thread(
    kernel: &mut Kernel,
    [system, frame, space, priority, ..]: Arguments,
) -> Outcome {
    kernel.system(system, Rights::MEMORY)?;
    let frame = frame_argument(frame)?;
    let space = kernel.space_of(space)?;
    if priority >= PRIORITIES {
        return Err(Error::Invalid.into());
    }
    let id = new_thread(kernel, frame, space, priority as u32)?;
    let serial = kernel.memory.thread(id).serial;
    let table = kernel.current().space;
    match space::put(
        &mut kernel.memory,
        table,
        0,
        Slot::thread(id, Rights::CONTROL | Rights::GRANT, serial),
    ) {
        Ok(handle) => Ok(u64::from(handle)),
        Err(error) => {
            free_thread(kernel, id);
            Err(error.into())
        }
    }
}

/// Makes a thread in a frame.
pub(crate) fn new_thread(
    kernel: &mut Kernel,
    frame: FrameNumber,
    space: SpaceId,
    priority: u32,
) -> Result<ThreadId, Error> {
    kernel.memory.frames.claim(frame, Kind::Thread)?;
    let serial = kernel.next_serial();
    construct::<Thread>(frame).init(space, priority, serial);
    let home = kernel.memory.space(space);
    home.threads += 1;
    let ttbr = home.ttbr();
    let all_traced = kernel.memory.trace.all;
    let thread = kernel.memory.thread(ThreadId(frame));
    thread.ttbr0 = ttbr;
    if all_traced {
        thread.flags |= flag::TRACED;
    }
    thread.handles = (frame_address(space.0) + core::mem::offset_of!(Space, slots)) as u64;
    Ok(ThreadId(frame))
}

/// `OBJECT_DESTROY`.
pub(super) fn destroy(kernel: &mut Kernel, [system, handle, ..]: Arguments) -> Outcome {
    kernel.system(system, Rights::MEMORY)?;
    let table = kernel.current().space;
    match kernel.slot(handle)?.kind {
        SlotKind::Thread => {
            let id = kernel.thread_of(handle)?;
            if id == kernel.current {
                return Err(Error::FrameBusy.into());
            }
            free_thread(kernel, id);
        }
        SlotKind::Space => destroy_space(kernel, handle)?,
        SlotKind::Endpoint => destroy_endpoint(kernel, handle)?,
        SlotKind::System | SlotKind::Empty => return Err(Error::BadHandle.into()),
    }
    // An endpoint's slot went with its last reference.
    let _ = space::close(&mut kernel.memory, table, handle);
    DONE
}

/// Ends a thread, whatever it waits for, and frees its frame.
fn free_thread(kernel: &mut Kernel, id: ThreadId) {
    if kernel.is_watched(id) {
        trace::event(
            &mut kernel.memory,
            abi::trace::kind::END,
            kernel.current,
            id,
            0,
        );
    }
    kernel.halt(id);
    fault::drop_vector(kernel, id);
    give_memory_back(&mut kernel.memory, id);
    let thread = kernel.memory.thread(id);
    let (space, exceptions) = (thread.space, thread.exceptions);
    kernel.memory.space(space).threads -= 1;
    if exceptions.is_some() {
        kernel.memory.endpoint(exceptions).references -= 1;
    }
    kernel.memory.frames.release(id.0);
}

/// Lets a thread use the memory of `lender` instead of its own space's. The lender counts it, so that
/// it does not end before.
pub(super) fn borrow_memory(memory: &mut Memory, id: ThreadId, lender: SpaceId) {
    give_memory_back(memory, id);
    let lent = memory.space(lender);
    lent.threads += 1;
    let ttbr = lent.ttbr();
    let thread = memory.thread(id);
    (thread.memory, thread.ttbr0) = (lender, ttbr);
}

/// Ends what [`borrow_memory`] began. The thread does not run.
pub(super) fn give_memory_back(memory: &mut Memory, id: ThreadId) {
    let thread = memory.thread(id);
    let (own, lender) = (thread.space, thread.memory);
    if own == lender {
        return;
    }
    memory.space(lender).threads -= 1;
    let ttbr = memory.space(own).ttbr();
    let thread = memory.thread(id);
    (thread.memory, thread.ttbr0) = (own, ttbr);
}

fn destroy_space(kernel: &mut Kernel, handle: u64) -> Result<(), Error> {
    let id = kernel.space_of(handle)?;
    let space = kernel.memory.space(id);
    if space.threads != 0 || space.mapped != 0 || space.tables != 0 || space.spare != 0 {
        return Err(Error::FrameBusy);
    }
    free_space(kernel, id);
    Ok(())
}

/// Frees the frames of a space without threads, mappings and tables.
fn free_space(kernel: &mut Kernel, id: SpaceId) {
    space::close_all(&mut kernel.memory, id);
    let space = kernel.memory.space(id);
    let (root, asid, pager, extensions) = (space.root, space.asid, space.pager, space.extensions);
    mmu::flush_space(asid);
    kernel.asids.free(asid);
    if pager.is_some() {
        kernel.memory.endpoint(pager).references -= 1;
    }
    for frame in extensions
        .into_iter()
        .filter(|&frame| frame != 0)
        .chain([root, id.0])
    {
        kernel.memory.frames.release(frame);
    }
}

/// Destroys an endpoint that nobody else names, waits at or has a timer on.
fn destroy_endpoint(kernel: &mut Kernel, handle: u64) -> Result<(), Error> {
    let id = kernel.endpoint_of(handle, ENDPOINT_RIGHTS)?;
    let endpoint = kernel.memory.endpoint(id);
    let waited_at = endpoint.receiver.is_some() || !endpoint.senders.is_empty();
    if endpoint.references != 1 || waited_at || endpoint.in_timers != 0 || kernel.events.names(id) {
        return Err(Error::FrameBusy);
    }
    let table = kernel.current().space;
    space::close(&mut kernel.memory, table, handle)?;
    kernel.memory.frames.release(id.0);
    Ok(())
}
