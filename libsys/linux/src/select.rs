//! `pselect6` as `ppoll`: sets of descriptors become a list and come back.

use crate::bytes::{get_u16, put, put_u32};
use abi::Errno;
use alloc::vec::Vec;

/// Bytes of a `struct pollfd`.
pub const POLL_BYTES: usize = 8;
/// Most descriptors of a set.
pub const MOST: usize = 1024;

const POLLIN: u16 = 1;
const POLLPRI: u16 = 2;
const POLLOUT: u16 = 4;
const POLLERR: u16 = 8;
const POLLHUP: u16 = 0x10;
const POLLNVAL: u16 = 0x20;

/// What each of the three sets asks for, and which answers make a member ready.
const ASKS: [u16; 3] = [POLLIN, POLLOUT, POLLPRI];
const ANSWERS: [u16; 3] = [POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI];

/// Three sets of descriptors: to read, to write, exceptional.
pub type Sets = [[u8; MOST / 8]; 3];

fn has(set: &[u8; MOST / 8], fd: usize) -> bool {
    set.get(fd / 8)
        .is_some_and(|byte| byte & 1 << (fd % 8) != 0)
}

/// The `struct pollfd`s for the first `count` descriptors of `sets`.
pub fn to_poll(sets: &Sets, count: usize) -> Vec<u8> {
    let mut list = Vec::new();
    for fd in 0..count.min(MOST) {
        let asked = sets.iter().zip(ASKS).filter(|(set, _)| has(set, fd));
        let events = asked.fold(0, |all, (_, ask)| all | ask);
        if events != 0 {
            let mut entry = [0; POLL_BYTES];
            put_u32(&mut entry, 0, fd as u32);
            put(&mut entry, 4, &events.to_le_bytes());
            list.extend_from_slice(&entry);
        }
    }
    list
}

/// The sets that remain, and how many members they have.
///
/// # Errors
/// `EBADF` if a descriptor is not open.
pub fn from_poll(list: &[u8], asked: &Sets) -> Result<(Sets, u64), Errno> {
    let mut sets: Sets = [[0; MOST / 8]; 3];
    let mut count = 0;
    for entry in list.chunks_exact(POLL_BYTES) {
        let (fd, got) = (usize::from(get_u16(entry, 0)), get_u16(entry, 6));
        if got & POLLNVAL != 0 {
            return Err(Errno::EBADF);
        }
        for ((set, asked), answers) in sets.iter_mut().zip(asked).zip(ANSWERS) {
            if got & answers != 0
                && has(asked, fd)
                && let Some(byte) = set.get_mut(fd / 8)
            {
                *byte |= 1 << (fd % 8);
                count += 1;
            }
        }
    }
    Ok((sets, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_becomes_a_list_and_comes_back() {
        let mut sets: Sets = [[0; MOST / 8]; 3];
        sets[0][0] = 0b1001;
        sets[1][1] = 0b10;
        let mut list = to_poll(&sets, 16);
        assert_eq!(list.len(), 3 * POLL_BYTES);
        assert_eq!(&list[8..16], [3, 0, 0, 0, 1, 0, 0, 0]);
        list[6] = POLLHUP as u8;
        list[22] = POLLOUT as u8;
        let (ready, count) = from_poll(&list, &sets).expect("all are open");
        assert_eq!((ready[0][0], ready[1][1], count), (1, 0b10, 2));
        list[14] = POLLNVAL as u8;
        assert_eq!(from_poll(&list, &sets), Err(Errno::EBADF));
    }

    #[test]
    fn descriptors_above_the_count_are_not_asked_for() {
        let sets: Sets = [[0xff; MOST / 8]; 3];
        assert_eq!(to_poll(&sets, 3).len(), 3 * POLL_BYTES);
        assert_eq!(to_poll(&sets, usize::MAX).len(), MOST * POLL_BYTES);
    }
}
