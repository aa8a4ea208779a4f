//! Tracing: giving the ring, choosing who is watched, taking records out.

use abi::trace::{RECORD_BYTES, Record, set};
use abi::{Error, Rights};
use kernel_core::frames::Kind;
use kernel_core::object::{FrameNumber, Objects, ThreadId};
use kernel_core::thread::flag;
use kernel_core::trace::WATCHED;

use super::{Arguments, DONE, LIGHT, Outcome, finish, finish_with};
use crate::arch::cycles;
use crate::kernel::{Kernel, trace_ring};
use crate::user_memory;

/// `TRACE_RING`.
#[cold]
#[inline(never)]
pub(super) fn give_ring(kernel: &mut Kernel, [system, first, count, ..]: Arguments) -> Outcome {
    kernel.system(system, Rights::MONITOR | Rights::MEMORY)?;
    let first = FrameNumber::try_from(first).map_err(|_| Error::FrameBusy)?;
    let count = FrameNumber::try_from(count).map_err(|_| Error::FrameBusy)?;
    let end = first.checked_add(count).ok_or(Error::FrameBusy)?;
    if count == 0 || kernel.memory.trace.has_ring() {
        return Err(Error::Invalid.into());
    }
    let frames = &mut kernel.memory.frames;
    if !(first..end).all(|frame| frames.is_claimable(frame)) {
        return Err(Error::FrameBusy.into());
    }
    for frame in first..end {
        frames.claim(frame, Kind::Trace)?;
    }
    kernel.memory.trace.set_ring(trace_ring(first, count));
    DONE
}

/// `TRACE_SET`.
#[cold]
#[inline(never)]
pub(super) fn set(kernel: &mut Kernel, [system, what, frame, ..]: Arguments) -> Outcome {
    kernel.system(system, Rights::MONITOR)?;
    if !kernel.memory.trace.has_ring() {
        return Err(Error::Empty.into());
    }
    match what {
        set::OFF => {
            (kernel.memory.trace.active, kernel.memory.trace.all) = (false, false);
            for_all_threads(kernel, |flags| flags & !WATCHED);
        }
        set::THREAD => {
            let frame = FrameNumber::try_from(frame).map_err(|_| Error::BadHandle)?;
            if !kernel.memory.is_thread(frame) {
                return Err(Error::BadHandle.into());
            }
            begin(kernel);
            kernel.memory.thread(ThreadId(frame)).flags |= flag::TRACED;
        }
        set::ALL => {
            begin(kernel);
            kernel.memory.trace.all = true;
            for_all_threads(kernel, |flags| flags | flag::TRACED);
        }
        _ => return Err(Error::Invalid.into()),
    }
    DONE
}

fn begin(kernel: &mut Kernel) {
    cycles::start();
    kernel.memory.trace.active = true;
}

fn for_all_threads(kernel: &mut Kernel, change: impl Fn(u32) -> u32) {
    for frame in kernel.memory.frames.all() {
        if kernel.memory.is_thread(frame) {
            let thread = kernel.memory.thread(ThreadId(frame));
            thread.flags = change(thread.flags);
            thread.cause = 0;
        }
    }
}

/// `TRACE_READ`.
#[cold]
#[inline(never)]
pub(super) fn read(kernel: &mut Kernel, [system, buffer, most, ..]: Arguments) -> bool {
    match kernel
        .system(system, Rights::MONITOR)
        .and_then(|()| take(kernel, buffer, most))
    {
        Ok(done) => {
            let dropped = kernel.memory.trace.take_dropped();
            finish_with(kernel, 0, [done, dropped, 0, 0, 0]);
        }
        Err(error) => finish(kernel, Err(error.into())),
    }
    LIGHT
}

/// Copies the oldest records out, up to the first that does not fit the buffer.
fn take(kernel: &mut Kernel, buffer: u64, most: u64) -> Result<u64, Error> {
    let own = kernel.current().space;
    let mut done = 0;
    while done < most {
        let Some(bytes) = kernel.memory.trace.oldest().map(Record::to_bytes) else {
            break;
        };
        let address = buffer
            .checked_add(done * RECORD_BYTES as u64)
            .ok_or(Error::Invalid)?;
        match user_memory::write(&mut kernel.memory, own, address, &bytes) {
            Ok(()) => kernel.memory.trace.take(),
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
        done += 1;
    }
    Ok(done)
}
