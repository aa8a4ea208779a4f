//! Own buffers that the kernel reads and writes: their absent pages are touched and the call repeated.

use super::LeaseStop;
use abi::Error;

/// Makes each page of a buffer present by reading one byte of it.
#[cold]
pub(super) fn touch(buffer: &[u8]) {
    for byte in buffer
        .chunks(abi::PAGE_BYTES as usize)
        .filter_map(<[u8]>::first)
        .chain(buffer.last())
    {
        // SAFETY: the reference is valid; volatile, so that the read is not optimised out.
        unsafe { core::ptr::read_volatile(byte) };
    }
}

/// Makes each page of a buffer present and writable by writing one byte of it.
#[cold]
pub(super) fn touch_mut(buffer: &mut [u8]) {
    let last = buffer.len().saturating_sub(1);
    for index in (0..buffer.len())
        .step_by(abi::PAGE_BYTES as usize)
        .chain([last])
    {
        let Some(byte) = buffer.get_mut(index) else {
            return;
        };
        let same = *byte;
        // SAFETY: the reference is valid; volatile, so that the write of the same value stays.
        unsafe { core::ptr::write_volatile(byte, same) };
    }
}

/// Repeats a kernel call on an own buffer until it has gone through it: an absent page is touched
/// and the call continued there. `once` gets the bytes done and returns status and bytes done now.
#[inline(always)]
pub(super) fn through<B: ?Sized>(
    buffer: &mut B,
    touch: impl Fn(&mut B, usize),
    mut once: impl FnMut(&mut B, usize) -> [u64; 6],
) -> Result<usize, LeaseStop> {
    let mut done = 0;
    loop {
        let x = once(buffer, done);
        done += x[1] as usize;
        match Error::check(x[0]) {
            Ok(()) => return Ok(done),
            Err(Error::BufferFault) => touch(buffer, done),
            Err(error) => {
                return Err(LeaseStop {
                    error,
                    copied: done,
                });
            }
        }
    }
}

/// Makes the pages of a list present.
#[cold]
pub(super) fn touch_items<T: Copy>(items: &[T]) {
    for item in items {
        // SAFETY: the reference is valid; volatile, so that the read is not optimised out.
        unsafe { core::ptr::read_volatile(item) };
    }
}
