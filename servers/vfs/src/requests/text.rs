//! Paths as they come from a caller's lease.

use crate::node::Place;
use crate::park::Call;
use crate::path::{LastLink, Who};
use crate::ports::{Platform, Ports};
use crate::vfs::Vfs;
use abi::Errno;
use alloc::vec::Vec;
use proto::port::{Callers, Refusal};
use proto::vfs::{Fd, PATH_MAX};

/// Paths up to this length need no allocation.
const SHORT_BYTES: usize = 64;

/// Room for a short path. It lies inside one page, for copies across two cost several times as much.
#[repr(align(64))]
struct Short([u8; SHORT_BYTES]);

/// A path's text, filled where it is kept.
pub(crate) struct PathText {
    short: Short,
    /// In use if `length` is more than fits `short`.
    long: Vec<u8>,
    length: usize,
}

impl PathText {
    /// No text.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        PathText {
            short: Short([0; SHORT_BYTES]),
            long: Vec::new(),
            length: 0,
        }
    }

    /// Copies the path in a lease.
    #[inline]
    pub(crate) fn fill<P: Platform>(
        &mut self,
        call: &Call,
        lease: usize,
        ports: &mut Ports<P>,
    ) -> Result<&[u8], Refusal> {
        let length = call.leases[lease].bytes;
        if length >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG.into());
        }
        self.length = length;
        if length > SHORT_BYTES {
            self.long.resize(length, 0);
            ports
                .callers
                .read(call.token, lease as u32, 0, &mut self.long)?;
        } else if length > 0 {
            ports
                .callers
                .read(call.token, lease as u32, 0, &mut self.short.0[..length])?;
        }
        Ok(self.bytes())
    }

    /// The text.
    #[inline(always)]
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.length > SHORT_BYTES {
            &self.long
        } else {
            &self.short.0[..self.length]
        }
    }
}

/// What an empty path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Empty {
    /// `ENOENT`.
    Refused,
    /// The directory descriptor's own file (`AT_EMPTY_PATH`).
    Descriptor,
}

impl Empty {
    /// As the flag says.
    pub(crate) fn from_flags(flags: u32) -> Self {
        if flags & crate::linux::AT_EMPTY_PATH != 0 {
            Empty::Descriptor
        } else {
            Empty::Refused
        }
    }
}

impl Vfs {
    /// The file that lease 0's path names.
    #[inline]
    pub(crate) fn place_at(
        &self,
        call: &Call,
        who: &Who,
        directory: Fd,
        path: &PathText,
        how: (LastLink, Empty),
    ) -> Result<Place, Refusal> {
        let start = self.start(call.pid, directory, path.bytes())?;
        if path.bytes().is_empty() && how.1 == Empty::Descriptor {
            return Ok(start);
        }
        Ok(self.find(who, start, path.bytes(), how.0)?)
    }
}
