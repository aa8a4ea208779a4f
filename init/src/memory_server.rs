//! Starting the memory server, which nobody can be asked to do: its space is made page by page.

use crate::{Root, fail, identity, machine, server};
use abi::boot::BootInfo;
use abi::map::{MapOp, prot};
use abi::{Error, Handle, PAGE_BYTES, Rights, layout};
use init::frames::Frames;
use libsys::arch;
use proto::mem::Segment;

/// Pages of its stack; it has no pager.
const STACK_PAGES: u32 = 16;
/// What the memory server may do with the system.
const SYSTEM: Rights = Rights::MEMORY.union(Rights::LOG).union(Rights::MONITOR);

/// Starts it, and gives it all frames that are left.
pub fn start(root: &Root<'_>, frames: Frames) {
    if try_start(root, frames).is_none() {
        fail("the memory server cannot be started");
    }
}

fn try_start(root: &Root<'_>, mut frames: Frames) -> Option<()> {
    let server = root.servers.iter().find(|server| server.service == "mem")?;
    let image = server::image(root, server, &server::environment(root, server, None, 0))?;
    let (frame, table) = (frames.take(1)?, frames.take(1)?);
    let space = arch::space_create(Handle::SYSTEM, frame, table, Handle::NONE, 0).ok()?;
    for segment in &image.image.segments {
        map_segment(root, space, segment, &mut frames).ok()?;
    }
    let bottom = layout::STACK_TOP - u64::from(STACK_PAGES) * PAGE_BYTES;
    map_zero(space, bottom, STACK_PAGES, prot::WRITE, &mut frames).ok()?;
    arch::space_write(space, image.stack_pointer, &image.image.stack).ok()?;
    map_zero(space, layout::BOOT_INFO, 1, 0, &mut frames).ok()?;

    let frame = frames.take(1)?;
    let thread = arch::thread_create(Handle::SYSTEM, frame, space, server.priority).ok()?;
    arch::handle_copy(
        root.endpoint("mem")?,
        thread,
        Handle::SERVICE,
        0,
        crate::ENDPOINT,
    )
    .ok()?;
    arch::handle_copy(space, thread, Handle::OWN_SPACE, 0, Rights::MAP).ok()?;
    arch::handle_copy(Handle::SYSTEM, thread, Handle::SYSTEM, 0, SYSTEM).ok()?;
    arch::thread_exceptions(thread, root.own_endpoint, u64::from(identity(server).0)).ok()?;

    let (free, free_count) = frames.left();
    let boot = BootInfo {
        free,
        free_count,
        ..root.boot
    };
    arch::space_write(space, layout::BOOT_INFO, machine::boot_bytes(&boot)).ok()?;
    arch::thread_start(
        thread,
        image.entry,
        image.stack_pointer,
        [layout::BOOT_INFO, 0],
    )
    .ok()
}

fn map_zero(
    space: Handle,
    address: u64,
    pages: u32,
    prot: u8,
    frames: &mut Frames,
) -> Result<(), Error> {
    let frame = frames.take(pages).ok_or(Error::FrameBusy)?;
    let operation = MapOp {
        address,
        prot,
        fill: MapOp::ZERO,
        pages,
        frame,
        ..MapOp::default()
    };
    machine::map(space, operation, frames)
}

/// Maps a copy of a segment. What is in the archive itself belongs to files.
fn map_segment(
    root: &Root<'_>,
    space: Handle,
    segment: &Segment,
    frames: &mut Frames,
) -> Result<(), Error> {
    const WRITE: u32 = 2;
    const EXECUTE: u32 = 4;
    let start = abi::addr::page_down(segment.address);
    let before = segment.address - start;
    let end = segment
        .address
        .checked_add(segment.bytes)
        .and_then(abi::addr::page_up)
        .ok_or(Error::Invalid)?;
    let pages = u32::try_from((end - start) / PAGE_BYTES).map_err(|_| Error::Invalid)?;
    let write = if segment.prot & WRITE != 0 {
        prot::WRITE
    } else {
        0
    };
    let execute = if segment.prot & EXECUTE != 0 {
        prot::EXECUTE
    } else {
        0
    };
    if segment.file_bytes == 0 {
        return map_zero(space, start, pages, write | execute, frames);
    }
    let operation = MapOp {
        address: start,
        prot: write | execute,
        fill: MapOp::COPY,
        pages,
        frame: frames.take(pages).ok_or(Error::FrameBusy)?,
        source: root.boot.archive.first + ((segment.offset - before) / PAGE_BYTES) as u32,
        bytes: (segment.file_bytes + before) as u32,
        ..MapOp::default()
    };
    machine::map(space, operation, frames)
}
