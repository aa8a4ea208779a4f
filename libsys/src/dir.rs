//! Directories: their entries, one after the other.

use crate::file::{self, Fd, get_u16, get_u64};
use abi::Errno;
use alloc::vec;
use alloc::vec::Vec;

/// Room for entries, in bytes.
const BUFFER_BYTES: usize = 2048;
/// Bytes of an entry before its name (`struct linux_dirent64`).
const HEAD_BYTES: usize = 19;

/// Kinds of files in [`Entry::kind`], as `DT_…` of Linux.
#[allow(missing_docs, reason = "the names are Linux's")]
pub mod kind {
    pub const UNKNOWN: u8 = 0;
    pub const FIFO: u8 = 1;
    pub const CHARACTER: u8 = 2;
    pub const DIRECTORY: u8 = 4;
    pub const BLOCK: u8 = 6;
    pub const REGULAR: u8 = 8;
    pub const LINK: u8 = 10;
    pub const SOCKET: u8 = 12;
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number of the file.
    pub inode: u64,
    /// What it is.
    pub kind: u8,
    /// Its name.
    pub name: Vec<u8>,
}

/// An open directory: goes through its entries, `.` and `..` included.
#[derive(Debug)]
pub struct Directory {
    fd: Fd,
    buffer: Vec<u8>,
    used: usize,
    next: usize,
}

/// Opens the directory `path`.
///
/// # Errors
/// As `open(2)`; `ENOTDIR`.
pub fn read_dir(path: impl AsRef<[u8]>) -> Result<Directory, Errno> {
    let fd = file::open(
        path,
        file::O_RDONLY | file::O_DIRECTORY | file::O_CLOEXEC,
        0,
    )?;
    Ok(Directory {
        fd,
        buffer: vec![0; BUFFER_BYTES],
        used: 0,
        next: 0,
    })
}

impl Directory {
    /// The descriptor.
    pub fn fd(&self) -> Fd {
        self.fd
    }

    fn fill(&mut self) -> Result<(), Errno> {
        if self.next >= self.used {
            self.next = 0;
            self.used = file::getdents64(self.fd, &mut self.buffer)?;
        }
        Ok(())
    }
}

impl Iterator for Directory {
    type Item = Result<Entry, Errno>;

    fn next(&mut self) -> Option<Result<Entry, Errno>> {
        if let Err(errno) = self.fill() {
            return Some(Err(errno));
        }
        let entry = parse(self.buffer.get(self.next..self.used)?)?;
        self.next += entry.1;
        Some(Ok(entry.0))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = file::close(self.fd);
    }
}

/// Reads the first entry of `bytes`; returns it and its length.
fn parse(bytes: &[u8]) -> Option<(Entry, usize)> {
    let length = usize::from(get_u16(bytes, 16));
    let name = bytes.get(HEAD_BYTES..length)?;
    let end = name
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(name.len());
    let entry = Entry {
        inode: get_u64(bytes, 0),
        kind: *bytes.get(18)?,
        name: name.get(..end)?.to_vec(),
    };
    Some((entry, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_linux_writes_them() {
        let mut bytes = vec![0; 32];
        bytes[0] = 7;
        bytes[16] = 24;
        bytes[18] = kind::REGULAR;
        bytes[19..22].copy_from_slice(b"abc");
        let (entry, length) = parse(&bytes).unwrap();
        assert_eq!((entry.inode, entry.kind, length), (7, kind::REGULAR, 24));
        assert_eq!(entry.name, b"abc");
    }

    #[test]
    fn a_truncated_entry_is_the_end() {
        assert_eq!(parse(&[]), None);
        let mut bytes = vec![0; 20];
        bytes[16] = 24;
        assert_eq!(parse(&bytes), None);
    }
}
