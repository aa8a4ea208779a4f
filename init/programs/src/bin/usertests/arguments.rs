//! Wrong descriptors, lengths, paths and numbers: the right error, and nothing else happens.

use crate::{
    Case, refuse,
    support::{Check, Context, Place, equal, make, open, refused},
};
use libsys::{Handle, file, ipc, lease::Loan, memory, prelude::*, process, request, signal};
use proto::vfs::{Request, Vfs};

pub const CASES: &[Case] = &[
    ("bad-descriptors", bad_descriptors),
    ("bad-lengths", bad_lengths),
    ("bad-paths", bad_paths),
    ("bad-numbers", bad_numbers),
];

fn bad_descriptors() -> Check {
    for fd in [-1, 3000, i32::MAX, i32::MIN, closed()?] {
        all_refuse(fd)?;
    }
    let (read, write) = file::pipe().doing("pipe")?;
    refuse! { EBADF:
        file::write(read, b"x");
        file::read(write, &mut [0]);
        file::dup2(read, -1);
    }
    refuse! { ESPIPE:
        file::lseek(read, 0, file::SEEK_SET);
        file::pread(read, &mut [0], 0);
    }
    refuse! { ENOTDIR:
        file::getdents64(read, &mut [0; 64]);
        file::fchdir(read);
    }
    refuse! { EINVAL: file::dup3(read, read, 0); }
    Ok(())
}

/// Every call with a descriptor refuses one that is none.
fn all_refuse(fd: file::Fd) -> Check {
    let mut buffer = [0; 8];
    refuse! { EBADF:
        file::close(fd);
        file::read(fd, &mut buffer);
        file::write(fd, b"x");
        file::pread(fd, &mut buffer, 0);
        file::pwrite(fd, b"x", 0);
        file::lseek(fd, 0, file::SEEK_SET);
        file::dup(fd);
        file::dup2(fd, 9);
        file::fcntl(fd, file::F_GETFD, 0);
        file::fstat(fd);
        file::getdents64(fd, &mut buffer);
        file::fchdir(fd);
        file::ftruncate(fd, 0);
        file::fchmod(fd, 0o644);
        file::fchown(fd, 0, 0);
        file::ioctl(fd, 0x5401, 0);
        file::openat(fd, "x", 0, 0);
    }
    Ok(())
}

/// A descriptor that was just closed.
fn closed() -> Result<file::Fd, String> {
    let fd = file::open("/", file::O_RDONLY, 0).doing("open")?;
    file::close(fd).doing("close")?;
    Ok(fd)
}

/// `getcwd` into a buffer of this length.
fn current_directory(buffer: &mut [u8]) -> Result<proto::vfs::Reply, Errno> {
    let loans = [Loan::write(buffer), Loan::NONE];
    request::request::<Vfs>(Handle::VFS, &Request::CurrentDirectory, loans)
}

fn bad_lengths() -> Check {
    let _place = Place::new()?;
    make("file", b"0123456789")?;
    let fd = open("file", 0)?;
    equal("read of 0 bytes", file::read(fd, &mut []), Ok(0))?;
    equal("write of 0 bytes", file::write(fd, &[]), Ok(0))?;
    let directory = file::open(".", file::O_RDONLY, 0).doing("open")?;
    refuse! { EINVAL:
        file::ftruncate(fd, -1);
        file::truncate("file", -1);
        file::lseek(fd, -1, file::SEEK_SET);
        file::lseek(fd, 0, 99);
        file::getdents64(directory, &mut [0; 1]);
        memory::map(0, 0, memory::PROT_READ, 0);
    }
    refuse! { ERANGE: current_directory(&mut [0; 1]); }
    refuse! { ENOMEM: memory::map(0, u64::MAX - 4095, memory::PROT_READ, 0); }
    refuse! { EFAULT: file::write_loan(fd, Loan::read_at(0x7f_ffff_0000, 1 << 20)); }
    let end = file::lseek(fd, 100, file::SEEK_END);
    equal("lseek behind the end", end, Ok(110))?;
    equal("read behind the end", file::read(fd, &mut [0; 4]), Ok(0))?;
    let far = file::pread(fd, &mut [0; 4], 1 << 40);
    equal("pread behind the end", far, Ok(0))?;
    let bytes = file::stat("file").doing("stat")?.bytes;
    equal("size afterwards", bytes, 10)
}

fn bad_paths() -> Check {
    let _place = Place::new()?;
    make("file", b"x")?;
    file::symlink("loop", "loop").doing("symlink")?;
    each_path_call("", Errno::ENOENT)?;
    each_path_call("missing", Errno::ENOENT)?;
    each_path_call("missing/below", Errno::ENOENT)?;
    each_path_call("file/below", Errno::ENOTDIR)?;
    each_path_call("loop", Errno::ELOOP)?;
    each_path_call(&"a".repeat(256), Errno::ENAMETOOLONG)?;
    each_path_call(&"/".repeat(5000), Errno::ENAMETOOLONG)?;
    refuse! { EEXIST:
        file::open("file", file::O_CREAT | file::O_EXCL, 0o644);
        file::mkdir("file", 0o755);
        file::link("file", "loop");
    }
    refuse! { ENOTDIR:
        file::open("file", file::O_DIRECTORY, 0);
        file::rmdir("file");
    }
    refuse! { EISDIR:
        file::open(".", file::O_WRONLY, 0);
        file::unlink("/tmp");
    }
    refuse! { EINVAL:
        file::rmdir(".");
        file::readlink("file");
    }
    refuse! { ELOOP: file::open("loop", file::O_NOFOLLOW, 0); }
    Ok(())
}

/// Every call that follows a path refuses this one in the same way.
fn each_path_call(path: &str, errno: Errno) -> Check {
    let name = &path[..path.len().min(20)];
    let open = file::open(path, file::O_RDONLY, 0);
    refused(&format!("open {name}"), open, errno)?;
    refused(&format!("stat {name}"), file::stat(path), errno)?;
    refused(&format!("chdir {name}"), file::chdir(path), errno)?;
    refused(&format!("chmod {name}"), file::chmod(path, 0o644), errno)?;
    let access = file::access(path, file::R_OK);
    refused(&format!("access {name}"), access, errno)?;
    let exec = Err::<(), _>(process::execv(path, &["x"]));
    refused(&format!("execve {name}"), exec, errno)
}

fn bad_numbers() -> Check {
    let own = process::getpid() as i32;
    let default = signal::Action::default();
    refuse! { EINVAL:
        signal::kill(own, 65);
        signal::kill(own, -1);
        signal::action(signal::SIGKILL, &default);
        signal::action(signal::SIGSTOP, &default);
        signal::action(0, &default);
        process::waitpid(-1, 0x100);
        process::setpgid(0, -1);
        process::getrlimit(99);
        ipc::msgsnd(-1, 1, b"x", 0);
        ipc::shmat(-1, 0, 0);
        file::pipe2(0x1234_5678);
    }
    refuse! { ESRCH:
        signal::kill(i32::MAX, 0);
        process::getpgid(i32::MAX);
        process::setpgid(i32::MAX, 0);
    }
    refuse! { ECHILD:
        process::wait();
        process::waitpid(1, 0);
    }
    refuse! { ENOENT:
        ipc::msgget(0x7e57, 0);
        ipc::semget(0x7e57, 1, 0);
        ipc::shmget(0x7e57, 4096, 0);
    }
    Ok(())
}
