//! Processes: fork, exec, exit, wait, identity, groups, credentials, limits.

use crate::lease::Loan;
use crate::posix::{ask, ask_interruptible, unexpected};
use crate::runtime::{self, Role};
use crate::{arch, clock, env, file, request, stdio};
use abi::{Errno, Handle};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use proto::proc::{Proc, Reply, Request, WAIT_BY_KIND};
use serde::Serialize;

#[inline(always)]
fn proc(request: &Request) -> Result<Reply, Errno> {
    ask::<Proc>(Handle::PROC, request, [Loan::NONE; 2])
}

#[inline(always)]
fn done(request: &Request) -> Result<(), Errno> {
    proc(request).map(drop)
}

#[inline(always)]
fn pid(reply: Reply) -> Result<u32, Errno> {
    match reply {
        Reply::Pid(pid) => Ok(pid),
        _ => Err(unexpected()),
    }
}

/// Own pid; 0 until it is first asked for, and in a new child.
static PID: AtomicU32 = AtomicU32::new(0);

/// Makes a copy of this process: the child's pid in the parent, 0 in the child.
///
/// # Errors
/// `EAGAIN` at the process limit, `ENOMEM` when memory is short.
pub fn fork() -> Result<u32, Errno> {
    let child = pid(proc(&Request::Fork)?)?;
    // Writing only where there is something to change keeps the child from copying the page.
    if child == 0 && PID.load(Ordering::Relaxed) != 0 {
        PID.store(0, Ordering::Relaxed);
    }
    Ok(child)
}

fn identity() -> Result<(u32, u32), Errno> {
    match proc(&Request::Identity)? {
        Reply::Identity { pid, ppid } => Ok((pid, ppid)),
        _ => Err(unexpected()),
    }
}

/// Own pid. Never fails; asks only once.
pub fn getpid() -> u32 {
    match PID.load(Ordering::Relaxed) {
        0 => {
            let pid = identity().map_or(0, |(pid, _)| pid);
            PID.store(pid, Ordering::Relaxed);
            pid
        }
        known => known,
    }
}

/// The parent's pid. Never fails.
pub fn getppid() -> u32 {
    identity().map_or(0, |(_, ppid)| ppid)
}

/// [`proto::proc::Program`] as it is sent, borrowed: between `fork` and `exec` every page of the heap that is
/// written to would be copied first.
#[derive(Serialize)]
struct Borrowed<'a, A, E> {
    path: &'a [u8],
    arguments: A,
    environment: E,
}

/// Byte strings in a list of any kind of them.
struct List<'a, A>(&'a [A]);

impl<A> Clone for List<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for List<'_, A> {}

impl<A: AsRef<[u8]>> Serialize for List<'_, A> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(AsRef::as_ref))
    }
}

/// The own environment.
#[derive(Clone, Copy)]
struct OwnEnvironment;

impl Serialize for OwnEnvironment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        env::with_changed(|changed| match changed {
            Some(entries) => serializer.collect_seq(entries),
            None => {
                let count = (0..).map_while(runtime::environment).count();
                let entry = |index| runtime::environment(index).unwrap_or_default();
                serializer.collect_seq((0..count).map(entry))
            }
        })
    }
}

/// Programs up to this many bytes are sent from the stack.
const SMALL_PROGRAM: usize = 1024;

fn exec<A: AsRef<[u8]>, E: Serialize>(path: &[u8], arguments: &[A], environment: E) -> Errno {
    let program = Borrowed {
        path,
        arguments: List(arguments),
        environment,
    };
    let mut buffer = [0; SMALL_PROGRAM];
    if let Ok(bytes) = postcard::to_slice(&program, &mut buffer) {
        return send_program(bytes);
    }
    match postcard::to_allocvec(&program) {
        Ok(bytes) => send_program(&bytes),
        Err(_) => Errno::ENOMEM,
    }
}

fn send_program(bytes: &[u8]) -> Errno {
    match ask::<Proc>(
        Handle::PROC,
        &Request::Exec,
        [Loan::read(bytes), Loan::NONE],
    ) {
        Ok(_) => unexpected(),
        Err(errno) => errno,
    }
}

/// Runs a program in place of this one; returns only if that fails.
///
/// # Errors
/// As `execve(2)`; this process goes on unharmed.
pub fn execve<A: AsRef<[u8]>, E: AsRef<[u8]>>(
    path: impl AsRef<[u8]>,
    arguments: &[A],
    environment: &[E],
) -> Errno {
    exec(path.as_ref(), arguments, List(environment))
}

/// As [`execve`] with the own environment.
///
/// # Errors
/// As `execv(3)`.
pub fn execv<A: AsRef<[u8]>>(path: impl AsRef<[u8]>, arguments: &[A]) -> Errno {
    exec(path.as_ref(), arguments, OwnEnvironment)
}

/// As [`execv`], looking a name without `/` up in `PATH`, and running what is no program by the shell.
///
/// # Errors
/// As `execvp(3)`.
pub fn execvp<A: AsRef<[u8]>>(name: impl AsRef<[u8]>, arguments: &[A]) -> Errno {
    search(name.as_ref(), arguments, OwnEnvironment)
}

/// As [`execvp`] with an environment.
///
/// # Errors
/// As `execvpe(3)`.
pub fn execvpe<A: AsRef<[u8]>, E: AsRef<[u8]>>(
    name: impl AsRef<[u8]>,
    arguments: &[A],
    environment: &[E],
) -> Errno {
    search(name.as_ref(), arguments, List(environment))
}

fn search<A: AsRef<[u8]>, E: Serialize + Copy>(
    name: &[u8],
    arguments: &[A],
    environment: E,
) -> Errno {
    let mut best = Errno::ENOENT;
    for path in candidates(name, env::get("PATH")) {
        match exec(&path, arguments, environment) {
            Errno::ENOENT | Errno::ENOTDIR => {}
            Errno::EACCES => best = Errno::EACCES,
            Errno::ENOEXEC => return exec_script(&path, arguments, environment),
            errno => return errno,
        }
    }
    best
}

/// The `l` variants: arguments in a row. `execl` and `execv` are the same here.
pub use execv as execl;
/// See [`execve`].
pub use execve as execle;
/// See [`execvp`].
pub use execvp as execlp;

fn exec_script<A: AsRef<[u8]>, E: Serialize>(
    path: &[u8],
    arguments: &[A],
    environment: E,
) -> Errno {
    let mut with_shell: Vec<&[u8]> = vec![b"sh", path];
    with_shell.extend(arguments.iter().skip(1).map(AsRef::as_ref));
    exec(b"/bin/sh", &with_shell, environment)
}

/// Paths at which a program `name` may be.
fn candidates(name: &[u8], search: Option<Vec<u8>>) -> Vec<Vec<u8>> {
    if name.is_empty() {
        return Vec::new();
    }
    if name.contains(&b'/') {
        return vec![name.to_vec()];
    }
    let search = search.unwrap_or_else(|| b"/bin:/usr/bin".to_vec());
    search
        .split(|&byte| byte == b':')
        .map(|directory| match directory {
            [] => name.to_vec(),
            directory => [directory, b"/", name].concat(),
        })
        .collect()
}

enum ExitHandler {
    Plain(fn()),
    WithStatus(Box<dyn FnOnce(i32) + Send>),
}

static EXIT_HANDLERS: spin::Mutex<Vec<ExitHandler>> = spin::Mutex::new(Vec::new());

/// Has `handler` called by [`exit`]; the last one first.
pub fn atexit(handler: fn()) {
    EXIT_HANDLERS.lock().push(ExitHandler::Plain(handler));
}

/// Has `handler` called by [`exit`] with the status; the last one first.
pub fn on_exit(handler: impl FnOnce(i32) + Send + 'static) {
    EXIT_HANDLERS
        .lock()
        .push(ExitHandler::WithStatus(Box::new(handler)));
}

/// Ends the process in good order: exit handlers run, buffered output is written.
pub fn exit(status: i32) -> ! {
    loop {
        // The lock must be free while a handler runs: it may register another.
        let handler = EXIT_HANDLERS.lock().pop();
        match handler {
            Some(ExitHandler::Plain(handler)) => handler(),
            Some(ExitHandler::WithStatus(handler)) => handler(status),
            None => break,
        }
    }
    stdio::flush_all();
    exit_now(status)
}

/// Ends the process at once (`_exit`): no handlers, nothing is written.
pub fn exit_now(status: i32) -> ! {
    if runtime::role() == Role::Server {
        crate::log!("ended with status {status}");
        arch::abort()
    }
    loop {
        let _ = request::request::<Proc>(Handle::PROC, &Request::Exit { status }, [Loan::NONE; 2]);
    }
}

/// Ends the process by `SIGABRT`.
pub fn abort() -> ! {
    use crate::signal::{Action, Handler, SIGABRT, action, raise};
    let _ = raise(SIGABRT);
    let _ = action(
        SIGABRT,
        &Action {
            handler: Handler::Default,
            ..Action::default()
        },
    );
    let _ = raise(SIGABRT);
    exit_now(127)
}

/// How a child ended or changed, as `wait` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u32);

impl Status {
    /// The exit status, if it ended by `exit` (`WIFEXITED`, `WEXITSTATUS`).
    pub fn exited(self) -> Option<i32> {
        (self.0 & 0x7f == 0).then_some((self.0 >> 8 & 0xff) as i32)
    }

    /// The signal that killed it (`WIFSIGNALED`, `WTERMSIG`).
    pub fn signaled(self) -> Option<i32> {
        let signal = self.0 & 0x7f;
        (signal != 0 && signal != 0x7f).then_some(signal as i32)
    }

    /// The signal that stopped it (`WIFSTOPPED`, `WSTOPSIG`).
    pub fn stopped(self) -> Option<i32> {
        (self.0 & 0xff == 0x7f).then_some((self.0 >> 8 & 0xff) as i32)
    }

    /// Whether it goes on after a stop (`WIFCONTINUED`).
    pub fn continued(self) -> bool {
        self.0 == 0xffff
    }

    /// What a shell makes of it for `$?`.
    pub fn shell_status(self) -> i32 {
        self.exited()
            .or(self.signaled().map(|signal| 128 + signal))
            .or(self.stopped().map(|signal| 128 + signal))
            .unwrap_or(0)
    }
}

/// Does not wait if no child has changed.
pub const WNOHANG: u32 = 1;
/// Stopped children count, too.
pub const WUNTRACED: u32 = 2;
/// As [`WUNTRACED`], for [`waitid`].
pub const WSTOPPED: u32 = 2;
/// Ended children count, for [`waitid`].
pub const WEXITED: u32 = 4;
/// Children that go on after a stop count, too.
pub const WCONTINUED: u32 = 8;
/// Leaves the child to be waited for again.
pub const WNOWAIT: u32 = 0x0100_0000;

/// A child that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// The child.
    pub pid: u32,
    /// What became of it.
    pub status: Status,
    /// Its real user.
    pub uid: u32,
    /// Time that it used.
    pub user_ns: u64,
    /// Time that the system used for it.
    pub system_ns: u64,
}

/// Waits for a child (`wait4`): `pid` above 0 that one, -1 any, 0 any of the own group, below -1
/// any of group `-pid`. `None`: none has changed, with [`WNOHANG`].
///
/// # Errors
/// `ECHILD`, `EINTR`, `EINVAL`.
pub fn wait4(pid: i32, options: u32) -> Result<Option<Waited>, Errno> {
    match proc(&Request::Wait { pid, options })? {
        Reply::Waited { pid: 0, .. } => Ok(None),
        Reply::Waited {
            pid,
            status,
            uid,
            user_ns,
            system_ns,
        } => Ok(Some(Waited {
            pid,
            status: Status(status),
            uid,
            user_ns,
            system_ns,
        })),
        _ => Err(unexpected()),
    }
}

/// Waits for a child, as [`wait4`], but tells only pid and status.
///
/// # Errors
/// As [`wait4`].
pub fn waitpid(pid: i32, options: u32) -> Result<Option<(u32, Status)>, Errno> {
    Ok(wait4(pid, options)?.map(|waited| (waited.pid, waited.status)))
}

/// Waits for any child to end.
///
/// # Errors
/// `ECHILD`, `EINTR`.
pub fn wait() -> Result<(u32, Status), Errno> {
    waitpid(-1, 0)?.ok_or_else(unexpected)
}

/// Which children [`waitid`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Any.
    All,
    /// This one.
    Pid(u32),
    /// Those of this process group (0: the own).
    Group(u32),
}

/// Waits for a child to change in one of the ways that `options` names.
///
/// # Errors
/// `ECHILD`, `EINTR`, `EINVAL` if no way is named.
pub fn waitid(which: Which, options: u32) -> Result<Option<Waited>, Errno> {
    if options & (WEXITED | WSTOPPED | WCONTINUED) == 0 {
        return Err(Errno::EINVAL);
    }
    let number = |id: u32| i32::try_from(id).map_err(|_| Errno::EINVAL);
    let pid = match which {
        Which::All => -1,
        Which::Pid(0) => return Err(Errno::EINVAL),
        Which::Pid(pid) => number(pid)?,
        Which::Group(group) => -number(group)?,
    };
    // By kind: without WEXITED an end does not count, and is left to be waited for.
    wait4(pid, options | WAIT_BY_KIND)
}

/// Sleeps until [`clock::now_ns`] is `deadline_ns`.
///
/// # Errors
/// `EINTR` after a handler ran.
pub fn sleep_until(deadline_ns: u64) -> Result<(), Errno> {
    ask_interruptible::<Proc>(
        Handle::PROC,
        &Request::Sleep { deadline_ns },
        [Loan::NONE; 2],
    )
    .map(drop)
}

/// Sleeps; if a handler ran, the nanoseconds that remained are the error.
///
/// # Errors
/// The time that remained.
pub fn nanosleep(ns: u64) -> Result<(), u64> {
    let deadline = clock::now_ns().saturating_add(ns);
    sleep_until(deadline).map_err(|_| deadline.saturating_sub(clock::now_ns()))
}

/// Sleeps for seconds; returns those that remained when a handler ran.
pub fn sleep(seconds: u32) -> u32 {
    match nanosleep(u64::from(seconds) * 1_000_000_000) {
        Ok(()) => 0,
        Err(left_ns) => left_ns.div_ceil(1_000_000_000) as u32,
    }
}

/// Which timer [`set_timer`] sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Real time; `SIGALRM`.
    Real = 0,
    /// Own CPU time; `SIGVTALRM`.
    Virtual = 1,
    /// CPU time, the system's for it included; `SIGPROF`.
    Profile = 2,
}

#[inline(always)]
fn timer(request: &Request) -> Result<(u64, u64), Errno> {
    match proc(request)? {
        Reply::Timer {
            value_ns,
            interval_ns,
        } => Ok((value_ns, interval_ns)),
        _ => Err(unexpected()),
    }
}

/// Sets a timer (0 stops it) and the interval at which it repeats; returns the old two.
///
/// # Errors
/// `EINVAL`.
pub fn set_timer(which: Timer, value_ns: u64, interval_ns: u64) -> Result<(u64, u64), Errno> {
    timer(&Request::SetTimer {
        which: which as u32,
        value_ns,
        interval_ns,
    })
}

/// Time left on a timer, and its interval.
///
/// # Errors
/// `EINVAL`.
pub fn get_timer(which: Timer) -> Result<(u64, u64), Errno> {
    timer(&Request::GetTimer {
        which: which as u32,
    })
}

/// Has `SIGALRM` sent after `seconds` (0: not at all); returns the seconds that were left.
pub fn alarm(seconds: u32) -> u32 {
    let old = set_timer(Timer::Real, u64::from(seconds) * 1_000_000_000, 0);
    old.map_or(0, |(left_ns, _)| left_ns.div_ceil(1_000_000_000) as u32)
}

pub use crate::signal::{kill, pause, raise};

/// The process group of `pid` (0: own).
///
/// # Errors
/// `ESRCH`.
pub fn getpgid(target: i32) -> Result<u32, Errno> {
    pid(proc(&Request::GetGroup { pid: target })?)
}

/// Own process group.
pub fn getpgrp() -> u32 {
    getpgid(0).unwrap_or(0)
}

/// Moves `pid` (0: own) to process group `pgid` (0: one of its own).
///
/// # Errors
/// As `setpgid(2)`.
pub fn setpgid(pid: i32, pgid: i32) -> Result<(), Errno> {
    done(&Request::SetGroup { pid, pgid })
}

/// The session of `pid` (0: own).
///
/// # Errors
/// `ESRCH`.
pub fn getsid(target: i32) -> Result<u32, Errno> {
    pid(proc(&Request::GetSession { pid: target })?)
}

/// Starts a session.
///
/// # Errors
/// `EPERM` for a group leader.
pub fn setsid() -> Result<u32, Errno> {
    pid(proc(&Request::NewSession)?)
}

/// Real, effective and saved ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Who started the process.
    pub real: u32,
    /// What it may do.
    pub effective: u32,
    /// What it may go back to.
    pub saved: u32,
}

#[inline(always)]
fn ids(request: &Request) -> Result<Ids, Errno> {
    match proc(request)? {
        Reply::Ids {
            real,
            effective,
            saved,
        } => Ok(Ids {
            real,
            effective,
            saved,
        }),
        _ => Err(unexpected()),
    }
}

/// The user ids (`getresuid`).
///
/// # Errors
/// None in practice.
pub fn users() -> Result<Ids, Errno> {
    ids(&Request::GetUsers)
}

/// The group ids (`getresgid`).
///
/// # Errors
/// None in practice.
pub fn groups() -> Result<Ids, Errno> {
    ids(&Request::GetGroups)
}

/// Real user.
pub fn getuid() -> u32 {
    users().map_or(KEEP, |ids| ids.real)
}

/// Effective user.
pub fn geteuid() -> u32 {
    users().map_or(KEEP, |ids| ids.effective)
}

/// Real group.
pub fn getgid() -> u32 {
    groups().map_or(KEEP, |ids| ids.real)
}

/// Effective group.
pub fn getegid() -> u32 {
    groups().map_or(KEEP, |ids| ids.effective)
}

/// Leaves an id as it is.
pub const KEEP: u32 = u32::MAX;
const HOW_PLAIN: u32 = 0;
const HOW_REAL_EFFECTIVE: u32 = 1;
const HOW_ALL: u32 = 2;

/// `setuid`.
///
/// # Errors
/// `EPERM`.
pub fn setuid(uid: u32) -> Result<(), Errno> {
    done(&Request::SetUsers {
        how: HOW_PLAIN,
        real: KEEP,
        effective: uid,
        saved: KEEP,
    })
}

/// `seteuid`.
///
/// # Errors
/// `EPERM`.
pub fn seteuid(uid: u32) -> Result<(), Errno> {
    setresuid(KEEP, uid, KEEP)
}

/// `setreuid`.
///
/// # Errors
/// `EPERM`.
pub fn setreuid(real: u32, effective: u32) -> Result<(), Errno> {
    done(&Request::SetUsers {
        how: HOW_REAL_EFFECTIVE,
        real,
        effective,
        saved: KEEP,
    })
}

/// `setresuid`.
///
/// # Errors
/// `EPERM`.
pub fn setresuid(real: u32, effective: u32, saved: u32) -> Result<(), Errno> {
    done(&Request::SetUsers {
        how: HOW_ALL,
        real,
        effective,
        saved,
    })
}

/// `setgid`.
///
/// # Errors
/// `EPERM`.
pub fn setgid(gid: u32) -> Result<(), Errno> {
    done(&Request::SetGroups {
        how: HOW_PLAIN,
        real: KEEP,
        effective: gid,
        saved: KEEP,
    })
}

/// `setegid`.
///
/// # Errors
/// `EPERM`.
pub fn setegid(gid: u32) -> Result<(), Errno> {
    setresgid(KEEP, gid, KEEP)
}

/// `setregid`.
///
/// # Errors
/// `EPERM`.
pub fn setregid(real: u32, effective: u32) -> Result<(), Errno> {
    done(&Request::SetGroups {
        how: HOW_REAL_EFFECTIVE,
        real,
        effective,
        saved: KEEP,
    })
}

/// `setresgid`.
///
/// # Errors
/// `EPERM`.
pub fn setresgid(real: u32, effective: u32, saved: u32) -> Result<(), Errno> {
    done(&Request::SetGroups {
        how: HOW_ALL,
        real,
        effective,
        saved,
    })
}

/// The supplementary groups.
///
/// # Errors
/// None in practice.
pub fn getgroups() -> Result<Vec<u32>, Errno> {
    let mut bytes = vec![0; proto::publish::GROUPS * 4];
    let reply = ask::<Proc>(
        Handle::PROC,
        &Request::Supplementary,
        [Loan::write(&mut bytes), Loan::NONE],
    )?;
    let Reply::Count(count) = reply else {
        return Err(unexpected());
    };
    Ok(bytes
        .chunks(4)
        .take(count as usize)
        .map(|group| file::get_u32(group, 0))
        .collect())
}

/// Sets the supplementary groups.
///
/// # Errors
/// `EPERM`, `EINVAL` for too many.
pub fn setgroups(groups: &[u32]) -> Result<(), Errno> {
    let bytes: Vec<u8> = groups
        .iter()
        .flat_map(|group| group.to_le_bytes())
        .collect();
    ask::<Proc>(
        Handle::PROC,
        &Request::SetSupplementary,
        [Loan::read(&bytes), Loan::NONE],
    )
    .map(drop)
}

/// No limit.
pub const RLIM_INFINITY: u64 = u64::MAX;

/// Numbers of limits, as in Linux.
#[allow(missing_docs, reason = "the names are POSIX's")]
pub mod resource {
    pub const RLIMIT_CPU: u32 = 0;
    pub const RLIMIT_FSIZE: u32 = 1;
    pub const RLIMIT_DATA: u32 = 2;
    pub const RLIMIT_STACK: u32 = 3;
    pub const RLIMIT_CORE: u32 = 4;
    pub const RLIMIT_NPROC: u32 = 6;
    pub const RLIMIT_NOFILE: u32 = 7;
    pub const RLIMIT_AS: u32 = 9;
}

#[inline(always)]
fn limit(request: &Request) -> Result<(u64, u64), Errno> {
    match proc(request)? {
        Reply::Limit { soft, hard } => Ok((soft, hard)),
        _ => Err(unexpected()),
    }
}

/// A limit's value in force, and the most that it may be raised to.
///
/// # Errors
/// `EINVAL`.
pub fn getrlimit(resource: u32) -> Result<(u64, u64), Errno> {
    limit(&Request::Limit {
        pid: 0,
        resource,
        change: false,
        soft: 0,
        hard: 0,
    })
}

/// Sets a limit.
///
/// # Errors
/// `EINVAL`, `EPERM`.
pub fn setrlimit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    limit(&Request::Limit {
        pid: 0,
        resource,
        change: true,
        soft,
        hard,
    })
    .map(drop)
}

/// What a process, or its children that were waited for, used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time in user mode.
    pub user_ns: u64,
    /// Time that the system used for it.
    pub system_ns: u64,
    /// Page faults.
    pub faults: u64,
    /// Most memory that it had, in bytes.
    pub max_bytes: u64,
}

fn usage(who: i32) -> Result<Usage, Errno> {
    match proc(&Request::Times { who })? {
        Reply::Times {
            user_ns,
            system_ns,
            faults,
            max_bytes,
        } => Ok(Usage {
            user_ns,
            system_ns,
            faults,
            max_bytes,
        }),
        _ => Err(unexpected()),
    }
}

/// What this process used (`getrusage`, `times`).
///
/// # Errors
/// None in practice.
pub fn own_usage() -> Result<Usage, Errno> {
    usage(0)
}

/// What the children used that were waited for.
///
/// # Errors
/// None in practice.
pub fn children_usage() -> Result<Usage, Errno> {
    usage(-1)
}

/// The nice value of `pid` (0: own).
///
/// # Errors
/// `ESRCH`.
pub fn getpriority(pid: i32) -> Result<i32, Errno> {
    nice(&Request::Nice {
        pid,
        change: false,
        nice: 0,
    })
}

/// Sets the nice value of `pid` (0: own), -20 to 19.
///
/// # Errors
/// `ESRCH`, `EACCES`, `EPERM`.
pub fn setpriority(pid: i32, value: i32) -> Result<i32, Errno> {
    nice(&Request::Nice {
        pid,
        change: true,
        nice: value,
    })
}

fn nice(request: &Request) -> Result<i32, Errno> {
    match proc(request)? {
        Reply::Count(count) => Ok(20 - count as i32),
        _ => Err(unexpected()),
    }
}

/// Own command name, as `ps` shows it.
///
/// # Errors
/// None in practice.
pub fn set_name(name: impl AsRef<[u8]>) -> Result<(), Errno> {
    ask::<Proc>(
        Handle::PROC,
        &Request::Name,
        [Loan::read(name.as_ref()), Loan::NONE],
    )
    .map(drop)
}

/// Switches the machine off or starts it again; returns only if that is refused.
///
/// # Errors
/// `EPERM`.
pub fn power(how: arch::Power) -> Errno {
    match proc(&Request::Power {
        how: u32::from(how == arch::Power::Restart),
    }) {
        Ok(_) => unexpected(),
        Err(errno) => errno,
    }
}

/// Runs `/bin/sh -c command` and waits for it (`system`); interrupts from the keyboard go to it.
///
/// # Errors
/// As [`fork`] and [`waitpid`].
pub fn system(command: impl AsRef<[u8]>) -> Result<Status, Errno> {
    use crate::signal::{
        Action, Handler, SIGCHLD, SIGINT, SIGQUIT, action, block, set_mask, set_of,
    };
    let ignore = Action {
        handler: Handler::Ignore,
        ..Action::default()
    };
    let old_interrupt = action(SIGINT, &ignore)?;
    let old_quit = action(SIGQUIT, &ignore)?;
    let old_mask = block(set_of(&[SIGCHLD]))?;
    let restore = || {
        let _ = action(SIGINT, &old_interrupt);
        let _ = action(SIGQUIT, &old_quit);
        let _ = set_mask(old_mask);
    };
    let status = match fork() {
        Ok(0) => {
            restore();
            exec_shell(command.as_ref())
        }
        Ok(child) => wait_for(child),
        Err(errno) => Err(errno),
    };
    restore();
    status
}

fn exec_shell(command: &[u8]) -> ! {
    let _ = execv("/bin/sh", &[b"sh".as_slice(), b"-c", command]);
    exit_now(127)
}

fn wait_for(child: u32) -> Result<Status, Errno> {
    let child = i32::try_from(child).map_err(|_| unexpected())?;
    loop {
        match waitpid(child, 0) {
            Ok(waited) => return waited.map(|(_, status)| status).ok_or_else(unexpected),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// A command whose output is read, or whose input is written (`popen`).
#[derive(Debug)]
pub struct Command {
    child: u32,
    /// The pipe's end on this side.
    pub fd: file::Fd,
}

/// Which end of the pipe [`popen`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The command's output is read.
    Read,
    /// The command's input is written.
    Write,
}

/// Starts `/bin/sh -c command` with a pipe to it.
///
/// # Errors
/// As [`fork`] and [`file::pipe`].
pub fn popen(command: impl AsRef<[u8]>, direction: Direction) -> Result<Command, Errno> {
    let (read, write) = file::pipe2(file::O_CLOEXEC)?;
    let (ours, theirs, standard) = match direction {
        Direction::Read => (read, write, 1),
        Direction::Write => (write, read, 0),
    };
    match fork() {
        Ok(0) => {
            let _ = file::dup2(theirs, standard);
            if theirs == standard {
                let _ = file::fcntl(standard, file::F_SETFD, 0);
            }
            exec_shell(command.as_ref())
        }
        Ok(child) => {
            let _ = file::close(theirs);
            Ok(Command { child, fd: ours })
        }
        Err(errno) => {
            let _ = file::close(read);
            let _ = file::close(write);
            Err(errno)
        }
    }
}

impl Command {
    /// Closes the pipe and waits for the command (`pclose`).
    ///
    /// # Errors
    /// As [`waitpid`].
    pub fn close(self) -> Result<Status, Errno> {
        file::close(self.fd)?;
        wait_for(self.child)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_linux_writes_it() {
        assert_eq!(Status(3 << 8).exited(), Some(3));
        assert_eq!(Status(9).signaled(), Some(9));
        assert_eq!(Status(9).exited(), None);
        assert_eq!(Status(19 << 8 | 0x7f).stopped(), Some(19));
        assert_eq!(Status(19 << 8 | 0x7f).signaled(), None);
        assert!(Status(0xffff).continued());
        assert_eq!(Status(9).shell_status(), 137);
        assert_eq!(Status(7 << 8).shell_status(), 7);
    }

    #[test]
    fn a_borrowed_program_is_sent_as_a_program() {
        let arguments = ["a", "bc"];
        let environment = [b"X=1".to_vec()];
        let borrowed = Borrowed {
            path: b"/bin/a",
            arguments: List(&arguments),
            environment: List(&environment),
        };
        let bytes = postcard::to_allocvec(&borrowed).unwrap();
        let program: proto::proc::Program = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(program.path, b"/bin/a");
        assert_eq!(program.arguments, [b"a".to_vec(), b"bc".to_vec()]);
        assert_eq!(program.environment, environment);
    }

    #[test]
    fn a_name_without_slash_is_looked_up_in_the_path() {
        assert_eq!(
            candidates(b"ls", Some(b"/a::/b".to_vec())),
            [b"/a/ls".to_vec(), b"ls".to_vec(), b"/b/ls".to_vec()]
        );
        assert_eq!(
            candidates(b"./ls", Some(b"/a".to_vec())),
            [b"./ls".to_vec()]
        );
        assert!(candidates(b"", None).is_empty());
    }
}
