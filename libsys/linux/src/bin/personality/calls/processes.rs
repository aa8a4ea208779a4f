//! Processes: `clone`, `execve`, `exit`, `wait4`, groups, limits.

use super::{Arguments, Result, proc, proc_number, word};
use crate::text::{Path, strings};
use crate::thread::Thread;
use crate::{machine, signals};
use abi::{Errno, Handle};
use alloc::format;
use alloc::vec::Vec;
use libsys::lease::Loan;
use libsys::request::request;
use personality::bytes::{get_u32, get_u64, put_u64};
use personality::{layout, number};
use proto::Pid;
use proto::proc::{Proc, Program, Reply, Request, WAIT_BY_KIND};
use proto::vfs::{AT_FDCWD, NONBLOCKING_PROCESS, PROCESS_DIRECTORY, Request as VfsRequest};

const RUSAGE_BYTES: usize = 144;
const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
const AT_EMPTY_PATH: u32 = 0x1000;

/// The calls of this file.
pub fn call(thread: &mut Thread, number: u64, a: Arguments) -> Option<Result> {
    Some(match number {
        number::EXECVE => execute(thread, a[0], a[1], a[2]),
        number::EXECVEAT => execute_at(thread, a),
        number::EXIT_GROUP => exit(a[0] as i32),
        number::WAIT4 => wait(a),
        number::WAITID => wait_id(a),
        number::PIDFD_OPEN => open(a),
        number::PIDFD_SEND_SIGNAL => send_signal(thread, a),
        number::SETPGID => proc_number(Request::SetGroup {
            pid: a[0] as i32,
            pgid: a[1] as i32,
        }),
        number::GETPGID => proc_number(Request::GetGroup { pid: a[0] as i32 }),
        number::GETSID => proc_number(Request::GetSession { pid: a[0] as i32 }),
        number::SETSID => proc_number(Request::NewSession),
        number::PRLIMIT64 => limit(a[0] as i32, word(a[1]), a[2], a[3]),
        number::GETRLIMIT => limit(0, word(a[0]), 0, a[1]),
        number::SETRLIMIT => limit(0, word(a[0]), a[1], 0),
        number::GETRUSAGE => usage(a),
        number::TIMES => times(a),
        _ => return None,
    })
}

fn execute(thread: &mut Thread, path: u64, arguments: u64, environment: u64) -> Result {
    let path = Path::read(path)?.into_bytes();
    execute_path(thread, path, arguments, environment)
}

fn execute_path(thread: &mut Thread, path: Vec<u8>, arguments: u64, environment: u64) -> Result {
    let program = Program {
        path,
        arguments: strings(arguments)?,
        environment: strings(environment)?,
    };
    thread.program = postcard::to_allocvec(&program).map_err(|_| Errno::ENOMEM)?;
    drop(program);
    let loan = Loan::read(&thread.program);
    let result = request::<Proc>(Handle::PROC, &Request::Exec, [loan, Loan::NONE]);
    thread.program = Vec::new();
    result.and(Err(Errno::EPROTO))
}

/// Whether a path ends in a symbolic link.
fn is_link(directory: i32, path: &[u8]) -> core::result::Result<bool, Errno> {
    const LINK: u32 = 0o12;
    let mut stat = [0; personality::layout::STAT_BYTES];
    let loans = [Loan::read(path), Loan::write(&mut stat)];
    let flags = AT_SYMLINK_NOFOLLOW;
    super::vfs(proto::vfs::Request::Stat { directory, flags }, loans)?;
    Ok(personality::bytes::get_u32(&stat, 16) >> 12 == LINK)
}

fn execute_at(thread: &mut Thread, a: Arguments) -> Result {
    const KNOWN: u32 = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
    let (directory, flags) = (a[0] as i32, word(a[4]));
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let path = Path::read(a[1])?;
    let path = match path.bytes() {
        [_, ..] if flags & AT_SYMLINK_NOFOLLOW != 0 && is_link(directory, path.bytes())? => {
            return Err(Errno::ELOOP);
        }
        [] if flags & AT_EMPTY_PATH == 0 => return Err(Errno::ENOENT),
        [] if directory != AT_FDCWD => format!("/proc/self/fd/{directory}").into_bytes(),
        [b'/', ..] => path.bytes().to_vec(),
        relative if directory == AT_FDCWD => relative.to_vec(),
        // What Linux names `/dev/fd/…`, too.
        relative => [format!("/proc/self/fd/{directory}/").as_bytes(), relative].concat(),
    };
    execute_path(thread, path, a[2], a[3])
}

fn exit(status: i32) -> Result {
    loop {
        let _ = proc(Request::Exit { status });
    }
}

struct Ended {
    pid: u32,
    status: u32,
    uid: u32,
}

fn wait_for(pid: i32, options: u32, usage: u64) -> core::result::Result<Ended, Errno> {
    let loan = match usage {
        0 => Loan::NONE,
        address => machine::lend_out(address, RUSAGE_BYTES)?,
    };
    match request::<Proc>(
        Handle::PROC,
        &Request::Wait { pid, options },
        [loan, Loan::NONE],
    )? {
        Reply::Waited {
            pid, status, uid, ..
        } => Ok(Ended { pid, status, uid }),
        _ => Err(Errno::EPROTO),
    }
}

/// `__WNOTHREAD`, `__WALL` and `__WCLONE`.
const KINDS: u32 = 0xe000_0000;

/// All children signal their end with `SIGCHLD`, so there is none of the other kind, for which `__WCLONE`
/// alone asks.
fn children(options: u32) -> core::result::Result<(), Errno> {
    const ALL: u32 = 0x4000_0000;
    const OTHERS: u32 = 0x8000_0000;
    match options & (ALL | OTHERS) {
        OTHERS => Err(Errno::ECHILD),
        _ => Ok(()),
    }
}

fn wait(a: Arguments) -> Result {
    const KNOWN: u32 = 0b1011;
    let options = word(a[2]);
    if options & !(KNOWN | KINDS) != 0 {
        return Err(Errno::EINVAL);
    }
    if a[0] as i32 == i32::MIN {
        return Err(Errno::ESRCH);
    }
    children(options)?;
    let ended = wait_for(a[0] as i32, options & KNOWN, a[3])?;
    if a[1] != 0 && ended.pid != 0 {
        machine::write(a[1], &ended.status.to_le_bytes())?;
    }
    Ok(ended.pid.into())
}

/// `waitid`. As on Linux, what it tells is all zeros if it fails.
fn wait_id(a: Arguments) -> Result {
    /// What is written of a `siginfo`.
    const TOLD: usize = 28;
    let ended = wait_by_kind(a);
    if a[2] != 0 {
        let info = match &ended {
            Ok(ended) if ended.pid != 0 => layout::wait_info(ended.pid, ended.uid, ended.status),
            _ => [0; 128],
        };
        machine::write(a[2], info.get(..TOLD).unwrap_or_default())?;
    }
    ended.map(|_| 0)
}

fn wait_by_kind(a: Arguments) -> core::result::Result<Ended, Errno> {
    const WNOHANG: u32 = 1;
    const WSTOPPED: u32 = 2;
    const WEXITED: u32 = 4;
    const WCONTINUED: u32 = 8;
    const WNOWAIT: u32 = 0x0100_0000;
    const KNOWN: u32 = WNOHANG | WSTOPPED | WEXITED | WCONTINUED | WNOWAIT;
    let options = word(a[3]);
    if options & !(KNOWN | KINDS) != 0 || options & (WSTOPPED | WEXITED | WCONTINUED) == 0 {
        return Err(Errno::EINVAL);
    }
    let (pid, never_waits) = waited_for(word(a[0]), a[1] as i32)?;
    children(options)?;
    let may_wait = options & WNOHANG == 0;
    let options = options & KNOWN | if never_waits { WNOHANG } else { 0 };
    let ended = wait_for(pid, options | WAIT_BY_KIND, a[4])?;
    match ended.pid {
        0 if may_wait => Err(Errno::EAGAIN),
        _ => Ok(ended),
    }
}

/// Whom `waitid` waits for, as `waitpid` names them, and whether that shall never wait.
fn waited_for(kind: u32, id: i32) -> core::result::Result<(i32, bool), Errno> {
    match (kind, id) {
        (0, _) => Ok((-1, false)),
        (1, 1..) => Ok((id, false)),
        (2, 0) => Ok((0, false)),
        (2, 1..) => Ok((-id, false)),
        // Who is gone was waited for by somebody.
        (3, 0..) => match process_of(id) {
            Ok((_, told)) if told & PROCESS_DIRECTORY != 0 => Err(Errno::EBADF),
            Ok((pid, told)) => Ok((pid, told & NONBLOCKING_PROCESS != 0)),
            Err(Errno::ESRCH) => Err(Errno::ECHILD),
            Err(errno) => Err(errno),
        },
        _ => Err(Errno::EINVAL),
    }
}

fn open(a: Arguments) -> Result {
    let pid = match a[0] as i32 {
        pid @ 1.. => Pid(pid.unsigned_abs()),
        _ => return Err(Errno::EINVAL),
    };
    let flags = word(a[1]);
    super::vfs(VfsRequest::ProcessFile { pid, flags }, [Loan::NONE; 2])
}

/// The process that a descriptor stands for, and all that was told of it.
fn process_of(fd: i32) -> core::result::Result<(i32, u64), Errno> {
    let told = super::vfs(VfsRequest::ProcessOf { fd }, [Loan::NONE; 2])?;
    Ok((told as i32, told))
}

fn send_signal(thread: &mut Thread, a: Arguments) -> Result {
    const SI_TKILL: i32 = -6;
    let (signal, flags) = (word(a[1]), word(a[3]));
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let (pid, _) = process_of(a[0] as i32)?;
    if a[2] == 0 {
        return signals::send(thread, &Request::Kill { pid, signal });
    }
    let mut info = [0; personality::frame::INFO_BYTES];
    machine::read(a[2], &mut info)?;
    let (code, value) = (get_u32(&info, 8) as i32, get_u64(&info, 24));
    if get_u32(&info, 0) != signal {
        return Err(Errno::EINVAL);
    }
    if (code >= 0 || code == SI_TKILL) && pid.unsigned_abs() != thread.pid()? {
        return Err(Errno::EPERM);
    }
    let wish = Request::Queue {
        pid,
        signal,
        code,
        value,
    };
    signals::send(thread, &wish)
}

fn limit(pid: i32, resource: u32, new_at: u64, old_at: u64) -> Result {
    let mut bytes = [0; 16];
    if new_at != 0 {
        machine::read(new_at, &mut bytes)?;
    }
    let (soft, hard) = (get_u64(&bytes, 0), get_u64(&bytes, 8));
    let wish = Request::Limit {
        pid,
        resource,
        change: new_at != 0,
        soft,
        hard,
    };
    let Reply::Limit { soft, hard } = proc(wish)? else {
        return Err(Errno::EPROTO);
    };
    if old_at != 0 {
        put_u64(&mut bytes, 0, soft);
        put_u64(&mut bytes, 8, hard);
        machine::write(old_at, &bytes)?;
    }
    Ok(0)
}

/// Whether the length of files is limited for this process.
pub fn has_file_limit() -> bool {
    let question = Request::Limit {
        pid: 0,
        resource: abi::linux::general::RLIMIT_FSIZE,
        change: false,
        soft: 0,
        hard: 0,
    };
    matches!(proc(question), Ok(Reply::Limit { soft, .. }) if soft != u64::MAX)
}

struct Used {
    user_ns: u64,
    system_ns: u64,
    faults: u64,
    max_bytes: u64,
}

fn used(who: i32) -> core::result::Result<Used, Errno> {
    match proc(Request::Times { who })? {
        Reply::Times {
            user_ns,
            system_ns,
            faults,
            max_bytes,
        } => Ok(Used {
            user_ns,
            system_ns,
            faults,
            max_bytes,
        }),
        _ => Err(Errno::EPROTO),
    }
}

fn usage(a: Arguments) -> Result {
    let used = used(a[0] as i32)?;
    let bytes = layout::rusage(used.user_ns, used.system_ns, used.max_bytes, used.faults);
    machine::write(a[1], &bytes).map(|()| 0)
}

fn times(a: Arguments) -> Result {
    /// Nanoseconds of a clock tick, of which there are 100 a second (`AT_CLKTCK`).
    const TICK_NS: u64 = 10_000_000;
    if a[0] != 0 {
        let (own, children) = (used(0)?, used(-1)?);
        let all = [
            own.user_ns,
            own.system_ns,
            children.user_ns,
            children.system_ns,
        ];
        let mut bytes = [0; 32];
        for (index, ns) in all.into_iter().enumerate() {
            put_u64(&mut bytes, 8 * index, ns / TICK_NS);
        }
        machine::write(a[0], &bytes)?;
    }
    Ok(libsys::time::monotonic_ns() / TICK_NS)
}
