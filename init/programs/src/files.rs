//! What `test` and the shell ask about files, answered by the system.

use libsys::file::{self, Metadata};
use shell::system::{Access, Facts, Fd, Files, Kind};

/// The files of the system.
pub struct SystemFiles;

impl Files for SystemFiles {
    fn facts(&mut self, path: &[u8]) -> Result<Facts, libsys::Errno> {
        file::stat(path).map(|data| facts(&data))
    }

    fn link_facts(&mut self, path: &[u8]) -> Result<Facts, libsys::Errno> {
        file::lstat(path).map(|data| facts(&data))
    }

    fn may(&mut self, path: &[u8], access: Access) -> bool {
        let mode = match access {
            Access::Read => file::R_OK,
            Access::Write => file::W_OK,
            Access::Execute => file::X_OK,
        };
        file::faccessat(file::AT_FDCWD, path, mode, file::AT_EACCESS).is_ok()
    }

    fn is_terminal(&mut self, fd: Fd) -> bool {
        file::isatty(fd)
    }
}

fn facts(data: &Metadata) -> Facts {
    let kind = match data.mode & file::S_IFMT {
        file::S_IFDIR => Kind::Directory,
        file::S_IFLNK => Kind::Link,
        file::S_IFIFO => Kind::Pipe,
        file::S_IFCHR => Kind::Character,
        file::S_IFBLK => Kind::Block,
        file::S_IFSOCK => Kind::Socket,
        _ => Kind::File,
    };
    Facts {
        kind,
        mode: data.permissions(),
        size: data.bytes,
        identity: (data.device, data.inode),
        modified_ns: i128::from(data.modified_ns),
    }
}
