//! Wrong pointers, descriptors and lengths: the right error, and nothing else happens.

use crate::{
    Case,
    support::{Check, Context, Place, equal, make, open, refused},
};
use libsys::{Handle, file, ipc, lease::Loan, memory, prelude::*, process, request, signal};
use proto::{
    ipc as ipc_proto, proc as proc_proto,
    vfs::{AT_FDCWD, Request, Vfs},
};

pub const CASES: &[Case] = &[
    ("bad-pointers", bad_pointers),
    ("bad-descriptors", bad_descriptors),
    ("bad-lengths", bad_lengths),
    ("bad-paths", bad_paths),
    ("bad-numbers", bad_numbers),
];

/// Nothing is ever mapped at these: page 0, the gap before the stack, the kernel's half, the end.
const NOWHERE: [u64; 5] = [
    0,
    0x7f_ffff_f000,
    1 << 39,
    0xffff_0000_0000_0000,
    u64::MAX - 16,
];

/// Something to write to at an address that is nowhere.
fn bad_write(address: u64, bytes: usize) -> Loan<'static> {
    // SAFETY: the addresses of `NOWHERE` are not mapped, so nothing of ours can be overwritten.
    unsafe { Loan::write_at(address, bytes) }
}

fn vfs(request: Request, first: Loan<'_>, second: Loan<'_>) -> Result<proto::vfs::Reply, Errno> {
    request::request::<Vfs>(Handle::VFS, &request, [first, second])
}

fn bad_pointers() -> Check {
    let _place = Place::new()?;
    make("file", b"content")?;
    for address in NOWHERE {
        file_pointers(address)?;
        path_pointers(address)?;
        process_pointers(address)?;
        ipc_pointers(address)?;
    }
    equal(
        "the file afterwards",
        crate::support::content("file")?,
        String::from("content"),
    )
}

fn file_pointers(address: u64) -> Check {
    let fd = open("file", 0)?;
    let (read_end, write_end) = file::pipe().doing("pipe")?;
    file::write(write_end, b"12345678").doing("write")?;
    let expect =
        |what: &str, result| refused(&format!("{what} at {address:#x}"), result, Errno::EFAULT);
    expect("read", file::read_loan(fd, bad_write(address, 4)))?;
    expect("write", file::write_loan(fd, Loan::read_at(address, 4)))?;
    expect(
        "read of a pipe",
        file::read_loan(read_end, bad_write(address, 4)),
    )?;
    expect(
        "write to a pipe",
        file::write_loan(write_end, Loan::read_at(address, 4)),
    )?;
    let none = Loan::NONE;
    let expect =
        |what: &str, result| refused(&format!("{what} at {address:#x}"), result, Errno::EFAULT);
    expect(
        "pread",
        vfs(
            Request::ReadAt { fd, offset: 0 },
            bad_write(address, 4),
            none,
        ),
    )?;
    expect(
        "pwrite",
        vfs(
            Request::WriteAt { fd, offset: 0 },
            Loan::read_at(address, 4),
            none,
        ),
    )?;
    expect(
        "fstat",
        vfs(
            Request::StatDescriptor { fd },
            bad_write(address, 128),
            none,
        ),
    )?;
    expect(
        "getcwd",
        vfs(Request::CurrentDirectory, bad_write(address, 4096), none),
    )?;
    let directory = file::open(".", file::O_RDONLY, 0).doing("open")?;
    expect(
        "getdents64",
        vfs(
            Request::List { fd: directory },
            bad_write(address, 1024),
            none,
        ),
    )?;
    [fd, read_end, write_end, directory]
        .into_iter()
        .try_for_each(file::close)
        .doing("close")
}

fn path_pointers(address: u64) -> Check {
    let path = Loan::read_at(address, 8);
    let directory = AT_FDCWD;
    let (old_directory, new_directory) = (AT_FDCWD, AT_FDCWD);
    let requests = [
        (
            "open",
            Request::Open {
                directory,
                flags: 0,
                mode: 0,
            },
        ),
        (
            "stat",
            Request::Stat {
                directory,
                flags: 0,
            },
        ),
        (
            "mkdir",
            Request::MakeDirectory {
                directory,
                mode: 0o755,
            },
        ),
        (
            "mknod",
            Request::MakeNode {
                directory,
                mode: file::S_IFIFO | 0o644,
                device: 0,
            },
        ),
        (
            "unlink",
            Request::Unlink {
                directory,
                flags: 0,
            },
        ),
        (
            "rmdir",
            Request::Unlink {
                directory,
                flags: file::AT_REMOVEDIR,
            },
        ),
        (
            "link",
            Request::Link {
                old_directory,
                new_directory,
                flags: 0,
            },
        ),
        ("symlink", Request::SymbolicLink { directory }),
        ("readlink", Request::ReadLink { directory }),
        (
            "rename",
            Request::Rename {
                old_directory,
                new_directory,
                flags: 0,
            },
        ),
        ("truncate", Request::Truncate { length: 0 }),
        (
            "chmod",
            Request::ChangeMode {
                directory,
                mode: 0,
                flags: 0,
            },
        ),
        (
            "chown",
            Request::ChangeOwner {
                directory,
                uid: 0,
                gid: 0,
                flags: 0,
            },
        ),
        (
            "access",
            Request::Access {
                directory,
                mode: 0,
                flags: 0,
            },
        ),
        ("chdir", Request::ChangeDirectory),
        ("chroot", Request::ChangeRoot),
    ];
    for (what, request) in requests {
        let mut other = [0; 128];
        let second = match request {
            Request::Stat { .. } | Request::ReadLink { .. } => Loan::write(&mut other),
            Request::Link { .. } | Request::SymbolicLink { .. } | Request::Rename { .. } => {
                Loan::read(b"other")
            }
            _ => Loan::NONE,
        };
        refused(
            &format!("{what} at {address:#x}"),
            vfs(request, path, second),
            Errno::EFAULT,
        )?;
    }
    // The second of two paths, and where results go.
    let good = Loan::read(b"file");
    let link = Request::Link {
        old_directory,
        new_directory,
        flags: 0,
    };
    refused("link to nowhere", vfs(link, good, path), Errno::EFAULT)?;
    let rename = Request::Rename {
        old_directory,
        new_directory,
        flags: 0,
    };
    refused("rename to nowhere", vfs(rename, good, path), Errno::EFAULT)?;
    refused(
        "stat to nowhere",
        vfs(
            Request::Stat {
                directory,
                flags: 0,
            },
            good,
            bad_write(address, 128),
        ),
        Errno::EFAULT,
    )
}

fn process_pointers(address: u64) -> Check {
    use proc_proto::{Proc, Request};
    let proc = |request: Request, loan| {
        request::request::<Proc>(Handle::PROC, &request, [loan, Loan::NONE])
    };
    refused(
        "execve",
        proc(Request::Exec, Loan::read_at(address, 64)),
        Errno::EFAULT,
    )?;
    refused(
        "getgroups",
        proc(Request::Supplementary, bad_write(address, 64)),
        Errno::EFAULT,
    )
    .or_else(|reason| {
        // Without supplementary groups there is nothing to write.
        if process::getgroups() == Ok(Vec::new()) {
            Ok(())
        } else {
            Err(reason)
        }
    })?;
    refused(
        "setgroups",
        proc(Request::SetSupplementary, Loan::read_at(address, 8)),
        Errno::EFAULT,
    )
}

fn ipc_pointers(address: u64) -> Check {
    use ipc_proto::{Ipc, Request};
    let ipc_call =
        |request: Request, loan| request::request::<Ipc>(Handle::IPC, &request, [loan, Loan::NONE]);
    let queue = ipc::msgget(ipc::IPC_PRIVATE, ipc::IPC_CREAT | 0o600).doing("msgget")?;
    let send = Request::MessageSend {
        id: queue,
        kind: 1,
        flags: 0,
    };
    let receive = Request::MessageReceive {
        id: queue,
        kind: 0,
        flags: 0,
    };
    let stat = Request::MessageControl {
        id: queue,
        command: ipc::IPC_STAT,
    };
    ipc::msgsnd(queue, 1, b"kept", 0).doing("msgsnd")?;
    refused(
        "msgsnd",
        ipc_call(send, Loan::read_at(address, 4)),
        Errno::EFAULT,
    )?;
    refused(
        "msgrcv",
        ipc_call(receive, bad_write(address, 4)),
        Errno::EFAULT,
    )?;
    refused(
        "msgctl",
        ipc_call(stat, bad_write(address, 120)),
        Errno::EFAULT,
    )?;
    equal(
        "messages afterwards",
        ipc::msg_stat(queue).doing("msg_stat")?.messages,
        1,
    )?;
    ipc::msg_remove(queue).doing("msgctl")?;
    let set = ipc::semget(ipc::IPC_PRIVATE, 1, ipc::IPC_CREAT | 0o600).doing("semget")?;
    let operate = Request::SemaphoreOperate {
        id: set,
        timeout_ns: u64::MAX,
    };
    refused(
        "semop",
        ipc_call(operate, Loan::read_at(address, 6)),
        Errno::EFAULT,
    )?;
    ipc::semctl(set, 0, ipc::IPC_RMID, 0)
        .doing("semctl")
        .map(drop)
}

fn bad_descriptors() -> Check {
    for fd in [-1, 3000, i32::MAX, i32::MIN, closed()?] {
        let expect = |what: &str, result: Result<u64, Errno>| {
            refused(&format!("{what}({fd})"), result, Errno::EBADF)
        };
        let mut buffer = [0; 8];
        expect("close", file::close(fd).map(|()| 0))?;
        expect(
            "read",
            file::read(fd, &mut buffer).map(|count| count as u64),
        )?;
        expect("write", file::write(fd, b"x").map(|count| count as u64))?;
        expect(
            "pread",
            file::pread(fd, &mut buffer, 0).map(|count| count as u64),
        )?;
        expect(
            "pwrite",
            file::pwrite(fd, b"x", 0).map(|count| count as u64),
        )?;
        expect("lseek", file::lseek(fd, 0, file::SEEK_SET))?;
        expect("dup", file::dup(fd).map(|fd| fd as u64))?;
        expect("dup2", file::dup2(fd, 9).map(|fd| fd as u64))?;
        expect("fcntl", file::fcntl(fd, file::F_GETFD, 0))?;
        expect("fstat", file::fstat(fd).map(|data| data.inode))?;
        expect(
            "getdents64",
            file::getdents64(fd, &mut buffer).map(|count| count as u64),
        )?;
        expect("fchdir", file::fchdir(fd).map(|()| 0))?;
        expect("ftruncate", file::ftruncate(fd, 0).map(|()| 0))?;
        expect("fchmod", file::fchmod(fd, 0o644).map(|()| 0))?;
        expect("fchown", file::fchown(fd, 0, 0).map(|()| 0))?;
        expect("ioctl", file::ioctl(fd, 0x5401, 0))?;
        expect(
            "openat",
            file::openat(if fd == file::AT_FDCWD { -1 } else { fd }, "x", 0, 0).map(|fd| fd as u64),
        )?;
    }
    let (read, write) = file::pipe().doing("pipe")?;
    refused(
        "write to the reading end",
        file::write(read, b"x"),
        Errno::EBADF,
    )?;
    refused(
        "read from the writing end",
        file::read(write, &mut [0]),
        Errno::EBADF,
    )?;
    refused(
        "lseek on a pipe",
        file::lseek(read, 0, file::SEEK_SET),
        Errno::ESPIPE,
    )?;
    refused(
        "pread on a pipe",
        file::pread(read, &mut [0], 0),
        Errno::ESPIPE,
    )?;
    refused(
        "getdents64 on a pipe",
        file::getdents64(read, &mut [0; 64]),
        Errno::ENOTDIR,
    )?;
    refused("fchdir to a pipe", file::fchdir(read), Errno::ENOTDIR)?;
    refused("dup2 to -1", file::dup2(read, -1), Errno::EBADF)?;
    refused("dup3 onto itself", file::dup3(read, read, 0), Errno::EINVAL)
}

/// A descriptor that was just closed.
fn closed() -> Result<i32, String> {
    let fd = file::dup(0)
        .or_else(|_| file::open("/", file::O_RDONLY, 0))
        .doing("dup")?;
    file::close(fd).doing("close")?;
    Ok(fd)
}

fn bad_lengths() -> Check {
    let _place = Place::new()?;
    make("file", b"0123456789")?;
    let fd = open("file", 0)?;
    equal("read of 0 bytes", file::read(fd, &mut []), Ok(0))?;
    equal("write of 0 bytes", file::write(fd, &[]), Ok(0))?;
    refused("ftruncate to -1", file::ftruncate(fd, -1), Errno::EINVAL)?;
    refused("truncate to -1", file::truncate("file", -1), Errno::EINVAL)?;
    refused(
        "lseek before the start",
        file::lseek(fd, -1, file::SEEK_SET),
        Errno::EINVAL,
    )?;
    refused(
        "lseek by an unknown way",
        file::lseek(fd, 0, 99),
        Errno::EINVAL,
    )?;
    equal(
        "lseek behind the end",
        file::lseek(fd, 100, file::SEEK_END),
        Ok(110),
    )?;
    equal("read behind the end", file::read(fd, &mut [0; 4]), Ok(0))?;
    equal(
        "pread behind the end",
        file::pread(fd, &mut [0; 4], 1 << 40),
        Ok(0),
    )?;
    let directory = file::open(".", file::O_RDONLY, 0).doing("open")?;
    refused(
        "getdents64 into 1 byte",
        file::getdents64(directory, &mut [0; 1]),
        Errno::EINVAL,
    )?;
    let loan = Loan::write(&mut []);
    let none = Loan::NONE;
    let short = vfs(Request::CurrentDirectory, loan, none);
    refused("getcwd into nothing", short, Errno::ERANGE).or(refused(
        "getcwd",
        vfs(Request::CurrentDirectory, Loan::write(&mut []), none),
        Errno::EINVAL,
    ))?;
    let mut one = [0];
    refused(
        "getcwd into 1 byte",
        vfs(Request::CurrentDirectory, Loan::write(&mut one), none),
        Errno::ERANGE,
    )?;
    refused(
        "mmap of 0 bytes",
        memory::map(0, 0, memory::PROT_READ, 0),
        Errno::EINVAL,
    )?;
    refused(
        "mmap of everything",
        memory::map(0, u64::MAX - 4095, memory::PROT_READ, 0),
        Errno::ENOMEM,
    )?;
    let wide = Loan::read_at(0x7f_ffff_0000, 1 << 20);
    refused(
        "write of a megabyte from nowhere",
        file::write_loan(fd, wide),
        Errno::EFAULT,
    )?;
    equal(
        "size afterwards",
        file::stat("file").doing("stat")?.bytes,
        10,
    )
}

fn bad_paths() -> Check {
    let _place = Place::new()?;
    make("file", b"x")?;
    file::symlink("loop", "loop").doing("symlink")?;
    let long = [b'a'; 256];
    let endless = [b'/'; 5000];
    let table: [(&[u8], Errno); 7] = [
        (b"", Errno::ENOENT),
        (b"missing", Errno::ENOENT),
        (b"missing/below", Errno::ENOENT),
        (b"file/below", Errno::ENOTDIR),
        (b"loop", Errno::ELOOP),
        (&long, Errno::ENAMETOOLONG),
        (&endless, Errno::ENAMETOOLONG),
    ];
    for (path, errno) in table {
        let name = &programs::show(path)[..path.len().min(20)];
        refused(
            &format!("open {name}"),
            file::open(path, file::O_RDONLY, 0),
            errno,
        )?;
        refused(&format!("stat {name}"), file::stat(path), errno)?;
        refused(&format!("chdir {name}"), file::chdir(path), errno)?;
        refused(&format!("chmod {name}"), file::chmod(path, 0o644), errno)?;
        refused(
            &format!("access {name}"),
            file::access(path, file::R_OK),
            errno,
        )?;
        refused(
            &format!("execve {name}"),
            Err::<(), _>(process::execv(path, &["x"])),
            errno,
        )?;
    }
    refused(
        "open with O_EXCL",
        file::open("file", file::O_CREAT | file::O_EXCL, 0o644),
        Errno::EEXIST,
    )?;
    refused(
        "open with O_DIRECTORY",
        file::open("file", file::O_DIRECTORY, 0),
        Errno::ENOTDIR,
    )?;
    refused(
        "open with O_NOFOLLOW",
        file::open("loop", file::O_NOFOLLOW, 0),
        Errno::ELOOP,
    )?;
    refused(
        "write to a directory",
        file::open(".", file::O_WRONLY, 0),
        Errno::EISDIR,
    )?;
    refused("unlink of a directory", file::unlink("/tmp"), Errno::EISDIR)?;
    refused("rmdir of a file", file::rmdir("file"), Errno::ENOTDIR)?;
    refused("rmdir of .", file::rmdir("."), Errno::EINVAL)?;
    refused(
        "mkdir of what is there",
        file::mkdir("file", 0o755),
        Errno::EEXIST,
    )?;
    refused(
        "link to what is there",
        file::link("file", "loop"),
        Errno::EEXIST,
    )?;
    refused("readlink of a file", file::readlink("file"), Errno::EINVAL)
}

fn bad_numbers() -> Check {
    refused(
        "kill with signal 65",
        signal::kill(process::getpid() as i32, 65),
        Errno::EINVAL,
    )?;
    refused(
        "kill with signal -1",
        signal::kill(process::getpid() as i32, -1),
        Errno::EINVAL,
    )?;
    refused("kill of nobody", signal::kill(i32::MAX, 0), Errno::ESRCH)?;
    refused(
        "sigaction on SIGKILL",
        signal::action(signal::SIGKILL, &signal::Action::default()),
        Errno::EINVAL,
    )?;
    refused(
        "sigaction on SIGSTOP",
        signal::action(signal::SIGSTOP, &signal::Action::default()),
        Errno::EINVAL,
    )?;
    refused(
        "sigaction on 0",
        signal::action(0, &signal::Action::default()),
        Errno::EINVAL,
    )?;
    refused("wait without children", process::wait(), Errno::ECHILD)?;
    refused(
        "waitpid for a stranger",
        process::waitpid(1, 0),
        Errno::ECHILD,
    )?;
    refused(
        "waitpid with unknown options",
        process::waitpid(-1, 0x100),
        Errno::EINVAL,
    )?;
    refused(
        "getpgid of nobody",
        process::getpgid(i32::MAX),
        Errno::ESRCH,
    )?;
    refused(
        "setpgid of nobody",
        process::setpgid(i32::MAX, 0),
        Errno::ESRCH,
    )?;
    refused("setpgid to -1", process::setpgid(0, -1), Errno::EINVAL)?;
    refused("getrlimit of 99", process::getrlimit(99), Errno::EINVAL)?;
    refused("msgget of nothing", ipc::msgget(0x7e57, 0), Errno::ENOENT)?;
    refused(
        "semget of nothing",
        ipc::semget(0x7e57, 1, 0),
        Errno::ENOENT,
    )?;
    refused(
        "shmget of nothing",
        ipc::shmget(0x7e57, 4096, 0),
        Errno::ENOENT,
    )?;
    refused(
        "msgsnd to nowhere",
        ipc::msgsnd(-1, 1, b"x", 0),
        Errno::EINVAL,
    )?;
    refused("shmat of nothing", ipc::shmat(-1, 0, 0), Errno::EINVAL)?;
    refused(
        "pipe2 with unknown flags",
        file::pipe2(0x1234_5678),
        Errno::EINVAL,
    )
}
