//! Structures of the Linux/AArch64 ABI as bytes. The tests hold the layouts literally.

use abi::Errno;

/// Writes fields one after the other.
struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put<const N: usize>(&mut self, field: [u8; N]) -> &mut Self {
        self.bytes[self.at..self.at + N].copy_from_slice(&field);
        self.at += N;
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.put(value.to_le_bytes())
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.put(value.to_le_bytes())
    }
}

/// Size of `struct epoll_event`.
pub const EPOLL_EVENT_BYTES: usize = 16;

/// A `struct epoll_event`.
pub fn epoll_event(events: u32, data: u64) -> [u8; EPOLL_EVENT_BYTES] {
    let mut bytes = [0; EPOLL_EVENT_BYTES];
    bytes[..4].copy_from_slice(&events.to_le_bytes());
    bytes[8..].copy_from_slice(&data.to_le_bytes());
    bytes
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    if let Some(from) = bytes.get(at..at + N) {
        field.copy_from_slice(from);
    }
    field
}

/// What `struct stat` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Device number of the file system.
    pub device: u64,
    /// Number of the file in it.
    pub inode: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Names.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number, of a device.
    pub device_number: u64,
    /// Bytes.
    pub size: u64,
    /// Last read, nanoseconds since 1970.
    pub accessed: u64,
    /// Last change of the content.
    pub modified: u64,
    /// Last change of the attributes.
    pub changed: u64,
}

impl Stat {
    /// Size of `struct stat`.
    pub const BYTES: usize = 128;

    /// As `struct stat`.
    #[inline(always)]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        const SECOND: u64 = 1_000_000_000;
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        to_bytes(&[
            self.device,
            self.inode,
            pair(self.mode, self.links),
            pair(self.uid, self.gid),
            self.device_number,
            0,
            self.size,
            pair(4096, 0),
            self.size.div_ceil(4096) * 8,
            self.accessed / SECOND,
            self.accessed % SECOND,
            self.modified / SECOND,
            self.modified % SECOND,
            self.changed / SECOND,
            self.changed % SECOND,
            0,
        ])
    }
}

/// Words as they lie in memory.
#[inline(always)]
fn to_bytes<const BYTES: usize>(words: &[u64]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (into, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *into = word.to_le_bytes();
    }
    bytes
}

/// What `struct statfs` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatFs {
    /// Magic number of the kind of file system.
    pub magic: u64,
    /// Blocks of 4096 bytes in all.
    pub blocks: u64,
    /// Free ones.
    pub free: u64,
    /// Files there can be.
    pub files: u64,
    /// Number of the file system.
    pub device: u64,
}

impl StatFs {
    /// Size of `struct statfs`.
    pub const BYTES: usize = 120;

    /// As `struct statfs`.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        Writer {
            bytes: &mut bytes,
            at: 0,
        }
        .u64(self.magic)
        .u64(4096)
        .u64(self.blocks)
        .u64(self.free)
        .u64(self.free)
        .u64(self.files)
        .u64(self.files)
        .u64(self.device)
        .u64(255)
        .u64(4096)
        .u64(0);
        bytes
    }
}

/// `struct flock`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flock {
    /// `F_RDLCK`, `F_WRLCK` or `F_UNLCK`.
    pub kind: i16,
    /// What `start` counts from.
    pub whence: i16,
    /// First byte.
    pub start: i64,
    /// Bytes; 0: to the end of the file, however long it gets.
    pub length: i64,
    /// Who holds it.
    pub pid: u32,
}

impl Flock {
    /// Size of `struct flock`.
    pub const BYTES: usize = 32;

    /// From `struct flock`.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        Flock {
            kind: i16::from_le_bytes(field(bytes, 0)),
            whence: i16::from_le_bytes(field(bytes, 2)),
            start: i64::from_le_bytes(field(bytes, 8)),
            length: i64::from_le_bytes(field(bytes, 16)),
            pid: u32::from_le_bytes(field(bytes, 24)),
        }
    }

    /// As `struct flock`.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        Writer {
            bytes: &mut bytes,
            at: 0,
        }
        .put(self.kind.to_le_bytes())
        .put(self.whence.to_le_bytes())
        .u32(0)
        .u64(self.start as u64)
        .u64(self.length as u64)
        .u32(self.pid);
        bytes
    }
}

/// Size of `struct pollfd`.
pub const POLLFD_BYTES: usize = 8;

/// Descriptor and events of a `struct pollfd`.
pub fn pollfd(bytes: &[u8]) -> (i32, i16) {
    (
        i32::from_le_bytes(field(bytes, 0)),
        i16::from_le_bytes(field(bytes, 4)),
    )
}

/// Appends a `struct linux_dirent64` to what `into` has from `at` on, and says where it ends.
///
/// # Errors
/// `EINVAL` if it does not fit.
#[inline]
pub fn put_entry(into: &mut [u8], at: usize, entry: &DirectoryEntry<'_>) -> Result<usize, Errno> {
    let length = (19 + entry.name.len() + 1).next_multiple_of(8);
    let bytes = into.get_mut(at..at + length).ok_or(Errno::EINVAL)?;
    // The name covers all of the last eight bytes but those behind its end.
    *bytes.last_chunk_mut().ok_or(Errno::EINVAL)? = [0; 8];
    let (head, name) = bytes.split_first_chunk_mut::<19>().ok_or(Errno::EINVAL)?;
    head[..8].copy_from_slice(&entry.inode.to_le_bytes());
    head[8..16].copy_from_slice(&entry.next.to_le_bytes());
    head[16..18].copy_from_slice(&(length as u16).to_le_bytes());
    head[18] = entry.kind;
    name[..entry.name.len()].copy_from_slice(entry.name);
    Ok(at + length)
}

/// What a `struct linux_dirent64` says.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryEntry<'a> {
    /// Number of the file.
    pub inode: u64,
    /// Where the listing goes on behind it.
    pub next: u64,
    /// `DT_*`.
    pub kind: u8,
    /// Its name.
    pub name: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_has_the_layout_of_aarch64() {
        let stat = Stat {
            device: 1,
            inode: 2,
            mode: 0o100644,
            links: 3,
            uid: 4,
            gid: 5,
            device_number: 6,
            size: 5000,
            accessed: 1_000_000_007,
            modified: 2_000_000_008,
            changed: 3_000_000_009,
        };
        let bytes = stat.to_bytes();
        let words: alloc::vec::Vec<u64> = bytes
            .chunks(8)
            .map(|word| u64::from_le_bytes(word.try_into().unwrap()))
            .collect();
        let mode_and_links = 0o100644 | 3 << 32;
        let ids = 4 | 5 << 32;
        assert_eq!(
            words,
            [
                1,
                2,
                mode_and_links,
                ids,
                6,
                0,
                5000,
                4096,
                16,
                1,
                7,
                2,
                8,
                3,
                9,
                0
            ]
        );
    }

    #[test]
    fn a_directory_entry_is_padded_to_eight_bytes() {
        let mut bytes = [0xff; 48];
        let entry = DirectoryEntry {
            inode: 7,
            next: 9,
            kind: 8,
            name: b"hello",
        };
        assert_eq!(put_entry(&mut bytes, 0, &entry), Ok(32));
        assert_eq!(bytes[..8], 7u64.to_le_bytes());
        assert_eq!(bytes[8..16], 9u64.to_le_bytes());
        assert_eq!(bytes[16..19], [32, 0, 8]);
        assert_eq!(&bytes[19..32], b"hello\0\0\0\0\0\0\0\0");
        assert_eq!(put_entry(&mut bytes, 32, &entry), Err(Errno::EINVAL));
    }

    #[test]
    fn a_lock_reads_back_as_it_was_written() {
        let lock = Flock {
            kind: 1,
            whence: 2,
            start: -3,
            length: 4,
            pid: 5,
        };
        let bytes = lock.to_bytes();
        assert_eq!(bytes[8..16], (-3i64).to_le_bytes());
        assert_eq!(bytes[24..28], [5, 0, 0, 0]);
        assert_eq!(Flock::from_bytes(&bytes), lock);
    }

    #[test]
    fn statfs_has_the_layout_of_aarch64() {
        let bytes = StatFs {
            magic: 0x0102_1994,
            blocks: 10,
            free: 5,
            files: 6,
            device: 7,
        }
        .to_bytes();
        assert_eq!(bytes[..4], [0x94, 0x19, 0x02, 0x01]);
        assert_eq!(bytes[64..72], 255u64.to_le_bytes());
    }
}
