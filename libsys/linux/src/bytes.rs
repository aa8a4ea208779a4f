//! Little-endian numbers in structures.

/// The `N` bytes at `at`; zeros behind the end.
#[inline]
fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    at.checked_add(N)
        .and_then(|end| bytes.get(at..end))
        .and_then(|part| part.try_into().ok())
        .unwrap_or([0; N])
}

/// The number of two bytes at `at`.
#[inline]
pub fn get_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(part(bytes, at))
}

/// The number of four bytes at `at`.
#[inline]
pub fn get_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(part(bytes, at))
}

/// The number of eight bytes at `at`.
#[inline]
pub fn get_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(part(bytes, at))
}

/// Puts `from` at `at`; what does not fit is left out.
#[inline]
pub fn put(bytes: &mut [u8], at: usize, from: &[u8]) {
    let place = at
        .checked_add(from.len())
        .and_then(|end| bytes.get_mut(at..end));
    match place {
        Some(place) => place.copy_from_slice(from),
        None => put_some(bytes, at, from),
    }
}

#[cold]
fn put_some(bytes: &mut [u8], at: usize, from: &[u8]) {
    let room = bytes.get_mut(at..).unwrap_or_default();
    for (to, from) in room.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Puts a number of four bytes at `at`.
#[inline]
pub fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    put(bytes, at, &value.to_le_bytes());
}

/// Puts a number of eight bytes at `at`.
#[inline]
pub fn put_u64(bytes: &mut [u8], at: usize, value: u64) {
    put(bytes, at, &value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_ends_are_kept() {
        let mut bytes = [0; 10];
        put_u64(&mut bytes, 1, 0x0102_0304_0506_0708);
        assert_eq!(get_u64(&bytes, 1), 0x0102_0304_0506_0708);
        assert_eq!(
            (get_u16(&bytes, 1), get_u32(&bytes, 5)),
            (0x0708, 0x0102_0304)
        );
        put_u64(&mut bytes, 8, u64::MAX);
        assert_eq!(&bytes[8..], [0xff, 0xff]);
        assert_eq!((get_u64(&bytes, 5), get_u32(&bytes, usize::MAX)), (0, 0));
    }
}
