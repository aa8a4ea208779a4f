//! What is known of a file: `stat` and its kin, modes, owners, times.

use super::*;
use crate::lease::Loan;
use abi::Errno;
use proto::vfs::Request;

/// Length of `struct stat` in bytes.
const STAT_BYTES: usize = 128;

/// What is known of a file: `struct stat`, with times in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Device of the file system.
    pub device: u64,
    /// Number of the file in it.
    pub inode: u64,
    /// Kind ([`S_IFMT`]) and permissions.
    pub mode: u32,
    /// Number of names.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Which device this is.
    pub special_device: u64,
    /// Length in bytes.
    pub bytes: u64,
    /// Preferred size of transfers, in bytes.
    pub block_bytes: u32,
    /// Blocks of 512 bytes that it takes.
    pub blocks: u64,
    /// Last reading.
    pub accessed_ns: u64,
    /// Last writing.
    pub modified_ns: u64,
    /// Last change of what is told here.
    pub changed_ns: u64,
}

impl Metadata {
    fn from_bytes(stat: &[u8; STAT_BYTES]) -> Self {
        let time = |at| {
            get_u64(stat, at)
                .wrapping_mul(1_000_000_000)
                .wrapping_add(get_u64(stat, at + 8))
        };
        Self {
            device: get_u64(stat, 0),
            inode: get_u64(stat, 8),
            mode: get_u32(stat, 16),
            links: get_u32(stat, 20),
            uid: get_u32(stat, 24),
            gid: get_u32(stat, 28),
            special_device: get_u64(stat, 32),
            bytes: get_u64(stat, 48),
            block_bytes: get_u32(stat, 56),
            blocks: get_u64(stat, 64),
            accessed_ns: time(72),
            modified_ns: time(88),
            changed_ns: time(104),
        }
    }

    fn is(&self, kind: u32) -> bool {
        self.mode & S_IFMT == kind
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.is(S_IFDIR)
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.is(S_IFREG)
    }

    /// Whether it is a symbolic link.
    pub fn is_symbolic_link(&self) -> bool {
        self.is(S_IFLNK)
    }

    /// Permission bits, set-id bits included.
    pub fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }
}

/// What is known of the file `path`, with `AT_SYMLINK_NOFOLLOW` and kin as flags.
///
/// # Errors
/// As `fstatat(2)`.
pub fn fstatat(directory: Fd, path: impl AsRef<[u8]>, flags: u32) -> Result<Metadata, Errno> {
    let mut bytes = [0; STAT_BYTES];
    vfs(
        &Request::Stat { directory, flags },
        [Loan::read(path.as_ref()), Loan::write(&mut bytes)],
    )?;
    Ok(Metadata::from_bytes(&bytes))
}

/// What is known of the file `path`.
///
/// # Errors
/// As `stat(2)`.
pub fn stat(path: impl AsRef<[u8]>) -> Result<Metadata, Errno> {
    fstatat(AT_FDCWD, path, 0)
}

/// As [`stat`], for a symbolic link itself.
///
/// # Errors
/// As `lstat(2)`.
pub fn lstat(path: impl AsRef<[u8]>) -> Result<Metadata, Errno> {
    fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)
}

/// What is known of an open file.
///
/// # Errors
/// `EBADF`.
pub fn fstat(fd: Fd) -> Result<Metadata, Errno> {
    let mut bytes = [0; STAT_BYTES];
    vfs(
        &Request::StatDescriptor { fd },
        [Loan::write(&mut bytes), Loan::NONE],
    )?;
    Ok(Metadata::from_bytes(&bytes))
}

/// Sets a file's length.
///
/// # Errors
/// As `truncate(2)`.
pub fn truncate(path: impl AsRef<[u8]>, length: i64) -> Result<(), Errno> {
    with_path(&Request::Truncate { length }, path.as_ref()).map(drop)
}

/// Sets an open file's length.
///
/// # Errors
/// As `ftruncate(2)`.
pub fn ftruncate(fd: Fd, length: i64) -> Result<(), Errno> {
    plain(&Request::TruncateDescriptor { fd, length }).inspect_err(|&errno| tell_by_signal(errno))
}

/// Sets a file's permissions.
///
/// # Errors
/// As `chmod(2)`.
pub fn chmod(path: impl AsRef<[u8]>, mode: u32) -> Result<(), Errno> {
    with_path(
        &Request::ChangeMode {
            directory: AT_FDCWD,
            mode,
            flags: 0,
        },
        path.as_ref(),
    )
    .map(drop)
}

/// Sets an open file's permissions.
///
/// # Errors
/// As `fchmod(2)`.
pub fn fchmod(fd: Fd, mode: u32) -> Result<(), Errno> {
    plain(&Request::ChangeModeDescriptor { fd, mode })
}

/// Sets a file's owner and group; [`KEEP`] leaves one.
///
/// # Errors
/// As `chown(2)`.
pub fn chown(path: impl AsRef<[u8]>, uid: u32, gid: u32) -> Result<(), Errno> {
    with_path(
        &Request::ChangeOwner {
            directory: AT_FDCWD,
            uid,
            gid,
            flags: 0,
        },
        path.as_ref(),
    )
    .map(drop)
}

/// As [`chown`], for a symbolic link itself.
///
/// # Errors
/// As `lchown(2)`.
pub fn lchown(path: impl AsRef<[u8]>, uid: u32, gid: u32) -> Result<(), Errno> {
    let request = Request::ChangeOwner {
        directory: AT_FDCWD,
        uid,
        gid,
        flags: AT_SYMLINK_NOFOLLOW,
    };
    with_path(&request, path.as_ref()).map(drop)
}

/// Sets an open file's owner and group.
///
/// # Errors
/// As `fchown(2)`.
pub fn fchown(fd: Fd, uid: u32, gid: u32) -> Result<(), Errno> {
    plain(&Request::ChangeOwnerDescriptor { fd, uid, gid })
}

/// Whether the real user may do `mode` (`R_OK`, `W_OK`, `X_OK`) with a file.
///
/// # Errors
/// As `access(2)`.
pub fn access(path: impl AsRef<[u8]>, mode: u32) -> Result<(), Errno> {
    faccessat(AT_FDCWD, path, mode, 0)
}

/// As [`access`], with `AT_EACCESS` for the effective user.
///
/// # Errors
/// As `faccessat(2)`.
pub fn faccessat(
    directory: Fd,
    path: impl AsRef<[u8]>,
    mode: u32,
    flags: u32,
) -> Result<(), Errno> {
    with_path(
        &Request::Access {
            directory,
            mode,
            flags,
        },
        path.as_ref(),
    )
    .map(drop)
}

/// Sets the mask of permissions that new files do not get; returns the old one.
///
/// # Errors
/// None in practice.
pub fn umask(mask: u32) -> Result<u32, Errno> {
    count(vfs(&Request::Umask { mask }, [Loan::NONE; 2])?).map(|old| old as u32)
}

/// A time of [`set_times`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Nanoseconds since 1970.
    At(u64),
    /// The present.
    Now,
    /// What it is.
    Keep,
}

impl Time {
    fn word(self) -> u64 {
        match self {
            Time::At(ns) => ns.min(u64::MAX - 2),
            Time::Now => u64::MAX - 1,
            Time::Keep => u64::MAX,
        }
    }
}

/// Sets the times of a file's last reading and writing (`utimensat`).
///
/// # Errors
/// As `utimensat(2)`.
pub fn set_times(path: impl AsRef<[u8]>, accessed: Time, modified: Time) -> Result<(), Errno> {
    let (accessed_ns, modified_ns) = (accessed.word(), modified.word());
    let request = Request::SetTimes {
        directory: AT_FDCWD,
        flags: 0,
        accessed_ns,
        modified_ns,
    };
    with_path(&request, path.as_ref()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_structure_is_read_where_linux_has_its_fields() {
        let mut bytes = [0; STAT_BYTES];
        bytes[16..20].copy_from_slice(&(S_IFDIR | 0o755).to_le_bytes());
        bytes[48..56].copy_from_slice(&77u64.to_le_bytes());
        bytes[88..96].copy_from_slice(&2u64.to_le_bytes());
        bytes[96..104].copy_from_slice(&5u64.to_le_bytes());
        let metadata = Metadata::from_bytes(&bytes);
        assert!(metadata.is_directory());
        assert_eq!((metadata.permissions(), metadata.bytes), (0o755, 77));
        assert_eq!(metadata.modified_ns, 2_000_000_005);
    }
}
