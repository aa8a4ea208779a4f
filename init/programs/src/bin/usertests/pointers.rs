//! Addresses where nothing is: `EFAULT`, and nothing else happens.

use crate::{
    Case,
    support::{Check, Context, Place, equal, make, open, refused},
};
use libsys::{Handle, file, ipc, lease::Loan, prelude::*, process, request};
use proto::{
    ipc as ipc_proto, proc as proc_proto,
    vfs::{AT_FDCWD, Request, Vfs},
};

pub const CASES: &[Case] = &[("bad-pointers", bad_pointers)];

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
