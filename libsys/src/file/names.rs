//! Names: directories, links, renaming, the current directory.

use super::*;
use crate::lease::Loan;
use abi::Errno;
use alloc::vec;
use alloc::vec::Vec;
use proto::vfs::Request;

/// Reads directory entries (`struct linux_dirent64`); 0 bytes at the end. See [`crate::dir`].
///
/// # Errors
/// As `getdents64(2)`.
pub fn getdents64(fd: Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
    let bytes = count(vfs(
        &Request::List { fd },
        [Loan::write(buffer), Loan::NONE],
    )?)?;
    Ok(bytes as usize)
}

/// Changes the current directory.
///
/// # Errors
/// As `chdir(2)`.
pub fn chdir(path: impl AsRef<[u8]>) -> Result<(), Errno> {
    with_path(&Request::ChangeDirectory, path.as_ref()).map(drop)
}

/// Changes the current directory to an open one.
///
/// # Errors
/// As `fchdir(2)`.
pub fn fchdir(fd: Fd) -> Result<(), Errno> {
    plain(&Request::ChangeDirectoryTo { fd })
}

/// The current directory's path.
///
/// # Errors
/// `ENOENT` if it was removed.
pub fn getcwd() -> Result<Vec<u8>, Errno> {
    let mut path = vec![0; PATH_MAX];
    let bytes = count(vfs(
        &Request::CurrentDirectory,
        [Loan::write(&mut path), Loan::NONE],
    )?)?;
    path.truncate((bytes as usize).saturating_sub(1));
    Ok(path)
}

/// Changes the root directory.
///
/// # Errors
/// As `chroot(2)`.
pub fn chroot(path: impl AsRef<[u8]>) -> Result<(), Errno> {
    with_path(&Request::ChangeRoot, path.as_ref()).map(drop)
}

/// Makes a directory.
///
/// # Errors
/// As `mkdir(2)`.
pub fn mkdir(path: impl AsRef<[u8]>, mode: u32) -> Result<(), Errno> {
    mkdirat(AT_FDCWD, path, mode)
}

/// Makes a directory, relative to an open one.
///
/// # Errors
/// As `mkdirat(2)`.
pub fn mkdirat(directory: Fd, path: impl AsRef<[u8]>, mode: u32) -> Result<(), Errno> {
    with_path(&Request::MakeDirectory { directory, mode }, path.as_ref()).map(drop)
}

/// Makes a file, FIFO or device; `mode` says which.
///
/// # Errors
/// As `mknod(2)`.
pub fn mknod(path: impl AsRef<[u8]>, mode: u32, device: u64) -> Result<(), Errno> {
    with_path(
        &Request::MakeNode {
            directory: AT_FDCWD,
            mode,
            device,
        },
        path.as_ref(),
    )
    .map(drop)
}

/// Makes a FIFO.
///
/// # Errors
/// As `mkfifo(3)`.
pub fn mkfifo(path: impl AsRef<[u8]>, mode: u32) -> Result<(), Errno> {
    mknod(path, S_IFIFO | (mode & 0o7777), 0)
}

/// Gives the file `old` the further name `new`.
///
/// # Errors
/// As `link(2)`.
pub fn link(old: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> Result<(), Errno> {
    let request = Request::Link {
        old_directory: AT_FDCWD,
        new_directory: AT_FDCWD,
        flags: 0,
    };
    with_paths(&request, old.as_ref(), new.as_ref()).map(drop)
}

/// Removes a name.
///
/// # Errors
/// As `unlink(2)`.
pub fn unlink(path: impl AsRef<[u8]>) -> Result<(), Errno> {
    unlinkat(AT_FDCWD, path, 0)
}

/// Removes an empty directory.
///
/// # Errors
/// As `rmdir(2)`.
pub fn rmdir(path: impl AsRef<[u8]>) -> Result<(), Errno> {
    unlinkat(AT_FDCWD, path, AT_REMOVEDIR)
}

/// Removes a name, or with `AT_REMOVEDIR` a directory.
///
/// # Errors
/// As `unlinkat(2)`.
pub fn unlinkat(directory: Fd, path: impl AsRef<[u8]>, flags: u32) -> Result<(), Errno> {
    with_path(&Request::Unlink { directory, flags }, path.as_ref()).map(drop)
}

/// Makes `path` a symbolic link to `target`.
///
/// # Errors
/// As `symlink(2)`.
pub fn symlink(target: impl AsRef<[u8]>, path: impl AsRef<[u8]>) -> Result<(), Errno> {
    let request = Request::SymbolicLink {
        directory: AT_FDCWD,
    };
    with_paths(&request, target.as_ref(), path.as_ref()).map(drop)
}

/// What a symbolic link points to.
///
/// # Errors
/// As `readlink(2)`.
pub fn readlink(path: impl AsRef<[u8]>) -> Result<Vec<u8>, Errno> {
    let mut target = vec![0; PATH_MAX];
    let loans = [Loan::read(path.as_ref()), Loan::write(&mut target)];
    let bytes = count(vfs(
        &Request::ReadLink {
            directory: AT_FDCWD,
        },
        loans,
    )?)?;
    target.truncate(bytes as usize);
    Ok(target)
}

/// Renames `old` to `new`, replacing it atomically.
///
/// # Errors
/// As `rename(2)`.
pub fn rename(old: impl AsRef<[u8]>, new: impl AsRef<[u8]>) -> Result<(), Errno> {
    let request = Request::Rename {
        old_directory: AT_FDCWD,
        new_directory: AT_FDCWD,
        flags: 0,
    };
    with_paths(&request, old.as_ref(), new.as_ref()).map(drop)
}
