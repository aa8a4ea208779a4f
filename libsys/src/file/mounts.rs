//! File systems.

use super::*;
use crate::lease::Loan;
use abi::Errno;
use proto::vfs::Request;

/// What is known of a file system (`struct statfs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSystem {
    /// Magic number of its kind.
    pub kind: u64,
    /// Size of a block in bytes.
    pub block_bytes: u64,
    /// Blocks in all.
    pub blocks: u64,
    /// Free blocks.
    pub free_blocks: u64,
    /// Files in all.
    pub files: u64,
    /// Files that there is room for.
    pub free_files: u64,
}

/// What is known of the file system that `path` is on.
///
/// # Errors
/// As `statfs(2)`.
pub fn statfs(path: impl AsRef<[u8]>) -> Result<FileSystem, Errno> {
    let mut bytes = [0; 120];
    vfs(
        &Request::StatFileSystem { fd: -1 },
        [Loan::read(path.as_ref()), Loan::write(&mut bytes)],
    )?;
    let word = |index: usize| get_u64(&bytes, index * 8);
    Ok(FileSystem {
        kind: word(0),
        block_bytes: word(1),
        blocks: word(2),
        free_blocks: word(3),
        files: word(5),
        free_files: word(6),
    })
}

/// Waits until an open file is stored.
///
/// # Errors
/// `EBADF`.
pub fn fsync(fd: Fd) -> Result<(), Errno> {
    plain(&Request::Sync { fd })
}

/// Waits until all files are stored.
///
/// # Errors
/// None in practice.
pub fn sync() -> Result<(), Errno> {
    plain(&Request::Sync { fd: -1 })
}

/// File systems that [`mount`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountKind {
    /// Files in memory.
    Tmpfs = 0,
    /// Devices.
    Devfs = 1,
    /// Processes.
    Procfs = 2,
}

/// Mounts a file system on the directory `path`.
///
/// # Errors
/// As `mount(2)`.
pub fn mount(kind: MountKind, path: impl AsRef<[u8]>) -> Result<(), Errno> {
    with_path(
        &Request::Mount {
            kind: kind as u32,
            flags: 0,
        },
        path.as_ref(),
    )
    .map(drop)
}

/// Unmounts the file system on `path`.
///
/// # Errors
/// As `umount(2)`.
pub fn unmount(path: impl AsRef<[u8]>) -> Result<(), Errno> {
    with_path(&Request::Unmount { flags: 0 }, path.as_ref()).map(drop)
}
