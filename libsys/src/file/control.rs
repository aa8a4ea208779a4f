//! Devices, waiting on several descriptors, mappings.

use super::*;
use crate::lease::Loan;
use crate::{clock, request};
use abi::{Errno, Handle};
use alloc::vec::Vec;
use proto::vfs::{Request, Vfs};

/// `ioctl` with a number as argument.
///
/// # Errors
/// As `ioctl(2)`.
pub fn ioctl(fd: Fd, command: u32, argument: u64) -> Result<u64, Errno> {
    count(vfs(
        &Request::DeviceControl {
            fd,
            command,
            argument,
        },
        [Loan::NONE; 2],
    )?)
}

/// `ioctl` with a structure as argument, which may be changed.
///
/// # Errors
/// As `ioctl(2)`.
pub fn ioctl_bytes(fd: Fd, command: u32, argument: &mut [u8]) -> Result<u64, Errno> {
    count(vfs(
        &Request::DeviceControl {
            fd,
            command,
            argument: 0,
        },
        [Loan::both(argument), Loan::NONE],
    )?)
}

/// A descriptor of [`poll`] (`struct pollfd`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollFd {
    /// The descriptor; negative ones are skipped.
    pub fd: Fd,
    /// What is waited for (`POLLIN` …).
    pub events: i16,
    /// What is there.
    pub found: i16,
}

const POLLFD_BYTES: usize = 8;

/// Waits until a descriptor is ready, at most `timeout_ns`; returns how many are.
///
/// # Errors
/// `EINTR` after a handler ran.
pub fn poll(descriptors: &mut [PollFd], timeout_ns: Option<u64>) -> Result<usize, Errno> {
    let mut bytes: Vec<u8> = descriptors.iter().flat_map(poll_bytes).collect();
    let deadline = timeout_ns.map(|timeout| clock::now_ns().saturating_add(timeout));
    let left = || {
        deadline.map_or(u64::MAX, |deadline| {
            deadline.saturating_sub(clock::now_ns())
        })
    };
    let ready = crate::posix::interruptible(|| {
        let request = Request::Poll { timeout_ns: left() };
        count(request::request::<Vfs>(
            Handle::VFS,
            &request,
            [Loan::both(&mut bytes), Loan::NONE],
        )?)
    })?;
    for (descriptor, bytes) in descriptors.iter_mut().zip(bytes.chunks(POLLFD_BYTES)) {
        descriptor.found = get_u16(bytes, 6) as i16;
    }
    Ok(ready as usize)
}

fn poll_bytes(descriptor: &PollFd) -> [u8; POLLFD_BYTES] {
    let mut bytes = [0; POLLFD_BYTES];
    bytes[..4].copy_from_slice(&descriptor.fd.to_le_bytes());
    bytes[4..6].copy_from_slice(&descriptor.events.to_le_bytes());
    bytes
}

/// Maps a file; see [`crate::memory`] for the flags. Returns the address.
///
/// # Errors
/// As `mmap(2)`.
pub fn map(
    fd: Fd,
    address: u64,
    bytes: u64,
    prot: u32,
    flags: u32,
    offset: u64,
) -> Result<u64, Errno> {
    count(vfs(
        &Request::MapFile {
            fd,
            address,
            bytes,
            prot,
            flags,
            offset,
        },
        [Loan::NONE; 2],
    )?)
}
