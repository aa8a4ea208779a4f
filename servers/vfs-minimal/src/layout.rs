//! Structures of the Linux/AArch64 ABI as bytes.

use alloc::vec::Vec;

/// `struct stat` of a file of root's, made in 1970.
pub fn stat(inode: u64, mode: u32, links: u32, device: u64, size: u64) -> [u8; 128] {
    let words = [
        1,
        inode,
        u64::from(mode) | u64::from(links) << 32,
        0,
        device,
        0,
        size,
        4096,
        size.div_ceil(512),
    ];
    let mut bytes = [0; 128];
    for (into, word) in bytes.chunks_exact_mut(8).zip(words) {
        into.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Appends a `struct linux_dirent64` if `room` bytes hold it, too; `next` is where the listing goes on.
pub fn put_entry(
    list: &mut Vec<u8>,
    room: usize,
    inode: u64,
    next: u64,
    mode: u32,
    name: &[u8],
) -> bool {
    let length = (19 + name.len() + 1).next_multiple_of(8);
    let end = list.len() + length;
    if end > room {
        return false;
    }
    list.extend(inode.to_le_bytes());
    list.extend(next.to_le_bytes());
    list.extend((length as u16).to_le_bytes());
    list.push((mode >> 12) as u8);
    list.extend(name);
    list.resize(end, 0);
    true
}
