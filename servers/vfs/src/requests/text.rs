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
const SHORT_BYTES: usize = 128;

/// A path's text.
pub(crate) enum PathText {
    /// In place.
    Short([u8; SHORT_BYTES], usize),
    /// In the heap.
    Long(Vec<u8>),
}

impl PathText {
    /// Copies the path in a lease.
    pub(crate) fn read<P: Platform>(
        call: &Call,
        lease: usize,
        ports: &mut Ports<P>,
    ) -> Result<Self, Refusal> {
        let length = call.leases[lease].bytes;
        if length >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG.into());
        }
        if length <= SHORT_BYTES {
            let mut bytes = [0; SHORT_BYTES];
            if length > 0 {
                ports
                    .callers
                    .read(call.token, lease as u32, 0, &mut bytes[..length])?;
            }
            return Ok(PathText::Short(bytes, length));
        }
        let mut bytes = alloc::vec![0; length];
        ports
            .callers
            .read(call.token, lease as u32, 0, &mut bytes)?;
        Ok(PathText::Long(bytes))
    }

    /// The text.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            PathText::Short(bytes, length) => &bytes[..*length],
            PathText::Long(bytes) => bytes,
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
