//! What goes with a message beside its bytes: descriptors and credentials (`struct cmsghdr`).

use crate::linux;
use abi::Errno;
use alloc::vec::Vec;

/// Bytes of a header.
const HEADER_BYTES: usize = 16;
/// Most descriptors with one message (Linux: `SCM_MAX_FD`).
const MOST_RIGHTS: usize = 253;
/// Most bytes of control data that are looked at.
pub(super) const MOST_BYTES: usize = 8192;

/// What a sender gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    /// Descriptors.
    pub descriptors: Vec<i32>,
    /// Process, user, group.
    pub credentials: Option<[u32; 3]>,
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let (numbers, _) = bytes.as_chunks::<4>();
    numbers.iter().map(|number| u32::from_le_bytes(*number))
}

/// Reads the control data of a message.
///
/// # Errors
/// `EINVAL` for what is no control data of this family.
pub(super) fn parse(mut bytes: &[u8]) -> Result<Given, Errno> {
    let mut given = Given::default();
    while let Some((header, _)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        let (length, kind) = header.split_at(8);
        let length = length.try_into().map_or(0, u64::from_le_bytes);
        let length = usize::try_from(length).map_err(|_| Errno::EINVAL)?;
        let data = bytes.get(HEADER_BYTES..length).ok_or(Errno::EINVAL)?;
        let mut kind = numbers(kind);
        match (kind.next(), kind.next()) {
            (Some(linux::SOL_SOCKET), Some(linux::SCM_RIGHTS)) => {
                given
                    .descriptors
                    .extend(numbers(data).map(|number| number as i32));
            }
            (Some(linux::SOL_SOCKET), Some(linux::SCM_CREDENTIALS)) => {
                let mut ids = numbers(data);
                let ids = (data.len() == 12).then(|| [(); 3].map(|()| ids.next().unwrap_or(0)));
                given.credentials = Some(ids.ok_or(Errno::EINVAL)?);
            }
            (Some(linux::SOL_SOCKET), _) => return Err(Errno::EINVAL),
            _ => {}
        }
        bytes = bytes.get(length.next_multiple_of(8)..).unwrap_or_default();
    }
    if given.descriptors.len() > MOST_RIGHTS {
        return Err(Errno::EINVAL);
    }
    Ok(given)
}

/// Control data for a receiver that has room for so many bytes.
#[derive(Debug)]
pub(super) struct Made {
    /// The data.
    pub bytes: Vec<u8>,
    room: usize,
    /// Something did not fit.
    pub is_cut: bool,
}

impl Made {
    pub(super) fn new(room: usize) -> Self {
        Made {
            bytes: Vec::new(),
            room: room.min(MOST_BYTES),
            is_cut: false,
        }
    }

    fn left(&self) -> usize {
        self.room.saturating_sub(self.bytes.len())
    }

    /// How many descriptors fit.
    pub(super) fn descriptors_that_fit(&self) -> usize {
        self.left().saturating_sub(HEADER_BYTES) / 4
    }

    /// Adds a header and numbers; what does not fit is cut off.
    pub(super) fn add(&mut self, kind: u32, numbers: &[u32]) {
        let left = self.left();
        let length = HEADER_BYTES + 4 * numbers.len();
        if left < HEADER_BYTES {
            self.is_cut = true;
            return;
        }
        let fits = length.min(left);
        self.is_cut |= fits < length;
        let start = self.bytes.len();
        self.bytes.extend((fits as u64).to_le_bytes());
        self.bytes.extend(linux::SOL_SOCKET.to_le_bytes());
        self.bytes.extend(kind.to_le_bytes());
        for number in numbers {
            self.bytes.extend(number.to_le_bytes());
        }
        let end = start + length.next_multiple_of(8).min(left);
        self.bytes.resize(end, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_can_be_read() {
        let mut made = Made::new(1000);
        made.add(linux::SCM_CREDENTIALS, &[7, 8, 9]);
        made.add(linux::SCM_RIGHTS, &[3, 4, 5]);
        let given = parse(&made.bytes).unwrap();
        assert_eq!(given.descriptors, [3, 4, 5]);
        assert_eq!(given.credentials, Some([7, 8, 9]));
        assert_eq!((made.bytes.len(), made.is_cut), (32 + 32, false));
    }

    #[test]
    fn what_has_no_room_is_cut_and_said() {
        let mut made = Made::new(24);
        assert_eq!(made.descriptors_that_fit(), 2);
        made.add(linux::SCM_RIGHTS, &[3, 4]);
        assert!(!made.is_cut);
        made.add(linux::SCM_CREDENTIALS, &[1, 1, 1]);
        assert!(made.is_cut && made.bytes.len() == 24);
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let mut bytes = [0; 24];
        for length in [0u64, 15, 25, u64::MAX] {
            bytes[..8].copy_from_slice(&length.to_le_bytes());
            assert_eq!(parse(&bytes), Err(Errno::EINVAL), "{length}");
        }
        assert_eq!(parse(&bytes[..15]), Ok(Given::default()), "no header");
    }
}
