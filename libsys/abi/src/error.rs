//! Why a kernel call failed.

/// Reason a kernel call failed, as returned in `x0` (0 means success).
///
/// Each variant says whose mistake it is and what the caller can do. Numbers are part of the ABI:
/// add at the end, never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Error {
    /// The handle names nothing, or an object of another kind. Caller's bug.
    BadHandle = 1,
    /// The handle lacks the right for this call. Ask its owner for more rights.
    Denied = 2,
    /// A number, address or length is out of range, unaligned or contradictory. Caller's bug.
    Invalid = 3,
    /// No free slot in the handle table. Close handles first.
    NoSlot = 4,
    /// The peer died before it replied. The request may or may not have taken effect.
    PeerGone = 5,
    /// The wait was cut short by [`crate::call::THREAD_KICK`]. Look for signals, then call again.
    Interrupted = 6,
    /// The token's caller no longer waits for this reply. Drop the request.
    StaleToken = 7,
    /// A page of the lease is absent or not writable; `x1` says how many bytes were copied before
    /// it. The caller of the server must touch the page and repeat its call.
    LeaseFault = 8,
    /// A page of the caller's own buffer is absent or not writable; `x1` says how many bytes were
    /// copied before it. Touch the buffer and repeat.
    BufferFault = 9,
    /// The space has no donated frame left for a page table. Donate some and repeat.
    NeedsTable = 10,
    /// The frame is in use as something else (kernel object, mapped page, outside memory).
    FrameBusy = 11,
    /// Nothing waits: no message or notification is there for a poll.
    Empty = 12,
    /// No call has this number.
    BadCall = 13,
    /// All address-space identifiers of the processor are in use.
    NoAsid = 14,
}

impl Error {
    /// Every variant, in the order of its number.
    pub const ALL: [Error; 14] = [
        Error::BadHandle,
        Error::Denied,
        Error::Invalid,
        Error::NoSlot,
        Error::PeerGone,
        Error::Interrupted,
        Error::StaleToken,
        Error::LeaseFault,
        Error::BufferFault,
        Error::NeedsTable,
        Error::FrameBusy,
        Error::Empty,
        Error::BadCall,
        Error::NoAsid,
    ];

    /// Reads what a kernel call left in `x0`.
    ///
    /// # Errors
    /// The variant with that number; a number that no variant has is [`Error::BadCall`].
    pub fn check(x0: u64) -> Result<(), Error> {
        match x0 {
            0 => Ok(()),
            number => Err(Self::ALL
                .get(number as usize - 1)
                .copied()
                .unwrap_or(Error::BadCall)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_back_as_its_variant() {
        assert_eq!(Error::check(0), Ok(()));
        for error in Error::ALL {
            assert_eq!(Error::check(error as u64), Err(error));
        }
        assert_eq!(Error::check(99), Err(Error::BadCall));
    }
}
