//! The process service: pids, parents, groups, credentials, signals, timers, exec.
//!
//! Besides these requests it answers the kernel's exception messages
//! (`abi::message::label::EXCEPTION`). Numbers are those of Linux/AArch64.

#![allow(missing_docs, reason = "the sentence of a variant names its fields")]

use crate::Protocol;
use crate::wire::field::{choices, messages, record};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The process service.
pub struct Proc;

impl Protocol for Proc {
    type Request = Request;
    type Reply = Reply;
    const NAME: &'static str = "proc";
    const STATE_VERSION: u32 = 3;
}

/// Option of [`Request::Wait`] that `waitid` sets: only the kinds of change that its options name
/// are reported. Without it `WEXITED` is implied, as in `wait4`.
pub const WAIT_BY_KIND: u32 = 1 << 16;

/// Signals 1 to 64 as bits 0 to 63.
pub type SignalSet = u64;

messages! {
/// Requests that the process service answers. Add at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// `fork`. Reply: `Pid`, the child's in the parent, 0 in the child. `EAGAIN`, `ENOMEM`.
    Fork,
    /// `execve`; [`Program`] (postcard) in lease 0. Does not return when it succeeds.
    Exec,
    /// `_exit`: ends the process with the low 8 bits of `status`. Does not return.
    Exit { status: i32 },
    /// `wait4`/`waitid`: `pid` as in `waitpid`; `options` are `WNOHANG` and kin. `struct rusage` to
    /// lease 0 if there is one. Parks. Reply: `Waited` (pid 0: none ready, `WNOHANG`). `ECHILD`.
    Wait { pid: i32, options: u32 },
    /// `kill`: `signal` 0 only checks. Reply: `Done`; for a signal that the caller's own handler gets
    /// now, `Deliver` or `DeliverLast`. `ESRCH`, `EPERM`, `EINVAL`.
    Kill { pid: i32, signal: u32 },
    /// `sigqueue`. Reply: as for `Kill`.
    Queue {
        pid: i32,
        signal: u32,
        code: i32,
        value: u64,
    },
    /// Reply: `Identity`.
    Identity,
    /// `getpgid` (0: own). Reply: `Pid`.
    GetGroup { pid: i32 },
    /// `setpgid`. Reply: `Done`.
    SetGroup { pid: i32, pgid: i32 },
    /// `getsid` (0: own). Reply: `Pid`.
    GetSession { pid: i32 },
    /// `setsid`. Reply: `Pid`.
    NewSession,
    /// Real, effective and saved user ids. Reply: `Ids`.
    GetUsers,
    /// Real, effective and saved group ids. Reply: `Ids`.
    GetGroups,
    /// `setuid` (`how` 0, in `effective`), `setreuid` (1; also `seteuid`), `setresuid` (2);
    /// `u32::MAX` leaves one. Reply: `Done`. `EPERM`.
    SetUsers {
        how: u32,
        real: u32,
        effective: u32,
        saved: u32,
    },
    /// The same for group ids.
    SetGroups {
        how: u32,
        real: u32,
        effective: u32,
        saved: u32,
    },
    /// `getgroups` to lease 0 (`u32` each; none: only the count). Reply: `Count`.
    Supplementary,
    /// `setgroups` from lease 0. Reply: `Done`.
    SetSupplementary,
    /// `sigaction`: `handler` 0 default, 1 ignore, else an address. Without `change` it only asks.
    /// Reply: `Action`, the old one.
    Action {
        signal: u32,
        change: bool,
        handler: u64,
        flags: u32,
        mask: SignalSet,
        restorer: u64,
    },
    /// `sigprocmask`: `how` 0 block, 1 unblock, 2 set, 3 only ask. Reply: `Set`, the old one, and
    /// whether a signal is deliverable now. Only who unblocks what is pending has to ask: the kernel
    /// refuses that alone ([`abi::call::MASK_CHANGE`]).
    Mask { how: u32, set: SignalSet },
    /// Reply: `Set`, the pending signals.
    Pending,
    /// `sigsuspend`: sets the mask and parks until a signal is caught; answers `EINTR`, and the old
    /// mask is what [`Reply::Deliver`] says to restore.
    Suspend { mask: SignalSet },
    /// `sigtimedwait` (`u64::MAX`: no end). Parks. Reply: `Received`. `EAGAIN` after the time.
    WaitSignal { set: SignalSet, timeout_ns: u64 },
    /// From libsys at an upcall: the next signal to deliver to a handler; its mask is in force from
    /// now on. Reply: `Deliver` or `DeliverLast`, or `EAGAIN` if none is deliverable.
    Take,
    /// From libsys: a handler returned: sets the mask. Reply: `Set`, as for `Mask`; to be asked for the
    /// same reason only.
    Return { mask: SignalSet },
    /// `setitimer`: `which` 0 real, 1 virtual, 2 prof; nanoseconds. Reply: `Timer`, the old one.
    SetTimer {
        which: u32,
        value_ns: u64,
        interval_ns: u64,
    },
    /// Reply: `Timer`.
    GetTimer { which: u32 },
    /// `clock_nanosleep`: until `CLOCK_MONOTONIC` `deadline_ns`. Parks. Reply: `Done`; `EINTR`.
    Sleep { deadline_ns: u64 },
    /// `prlimit`: resource numbers and `u64::MAX` as infinity as in Linux. Reply: `Limit`, the old.
    Limit {
        pid: i32,
        resource: u32,
        change: bool,
        soft: u64,
        hard: u64,
    },
    /// `getrusage`/`times`: `who` 0 self, -1 children. Reply: `Times`.
    Times { who: i32 },
    /// `getpriority`/`setpriority` for a process. Reply: `Count`, 20 - nice, after the change.
    Nice { pid: i32, change: bool, nice: i32 },
    /// Nanoseconds from 1970 to boot. Reply: `Count`.
    Epoch,
    /// `clock_settime`. Reply: `Done`.
    SetEpoch { epoch_ns: u64 },
    /// Sets the command name (lease 0, at most 15 bytes), or copies it to lease 0 if that is
    /// writable. Reply: `Count`.
    Name,
    /// `reboot`: `how` 0 switches off, 1 restarts. Reply: none; `EPERM`.
    Power { how: u32 },
    /// From the root task: starts pid 1. [`Program`] in lease 0; its path is tried as it is.
    /// Reply: `Pid`, or the errno of the failed exec (nothing is left behind).
    Start,
    /// From the root task: parks until pid 1 of [`Request::Start`] ends. Reply: `Waited`.
    WaitInit,
    /// A thread beside the caller. It starts with the registers in the [`abi::thread::Block`] at
    /// `block` (`user[0]`: thread pointer), and has its upcalls there, on the stack that ends at
    /// `stack`. Its number goes to leases 0 and 1, four bytes each, if they are there, before it
    /// starts. Reply: `Pid`, its number. `EAGAIN`, `ENOMEM`.
    Spawn { block: u64, stack: u64 },
    /// `vfork`: a child that uses the caller's memory and starts as a thread of [`Request::Spawn`]
    /// does. The caller waits until the child executes a program or ends. Reply: `Pid`.
    VFork { block: u64, stack: u64 },
    /// `exit` of the calling thread; the process ends with its last one. Where it goes on, 0 is stored
    /// at `clear`, waking who waits for that word, and at `area` (addresses of 0: none). Does not return.
    ExitThread { status: i32, clear: u64, area: u64 },
    /// The calling thread's number. Reply: `Pid`.
    ThreadId,
    /// `tgkill`, or `tkill` with `pid` 0; `code` is `SI_TKILL`, or that of `rt_tgsigqueueinfo`.
    /// Reply: as for `Kill`.
    KillThread {
        pid: i32,
        tid: i32,
        signal: u32,
        code: i32,
        value: u64,
    },
    /// Reply: `Pid`, the parent. The asker's threads are kicked once when it becomes another.
    Parent,
    /// `timer_create`: a timer of `CLOCK_MONOTONIC`. `how`: 0 a signal to the process, 1 nothing, 4 a
    /// signal to the thread `tid`, 3 `SIGALRM` with the timer's number as value. Reply: `Count`, its
    /// number. `EAGAIN`, `EINVAL`.
    TimerCreate {
        how: u32,
        signal: u32,
        value: u64,
        tid: i32,
    },
    /// `timer_settime`: when it runs out first (0: never; with `absolute` a time, else from now on),
    /// and how often then. Reply: `Timer`, what it was set to.
    TimerSet {
        timer: u32,
        first_ns: u64,
        absolute: bool,
        interval_ns: u64,
    },
    /// `timer_gettime`. Reply: `Timer`.
    TimerGet { timer: u32 },
    /// `timer_getoverrun`. Reply: `Count`.
    TimerOverrun { timer: u32 },
    /// `timer_delete`. Reply: `Done`.
    TimerDelete { timer: u32 },
    /// From now on the file server is told of the caller's pending signals, and those of children
    /// that it makes: for `signalfd`. Reply: `Done`.
    WatchSignals,
    /// `clock_gettime` of a clock of processor time. Reply: `Count`, nanoseconds. `EINVAL`.
    CpuTime { clock: CpuClock },
    /// `clock_nanosleep` until a clock of processor time shows `until_ns`. Parks. Reply: `Done`; `EINTR`,
    /// `EINVAL`.
    CpuSleep { clock: CpuClock, until_ns: u64 },
    /// `timer_create` of a timer of processor time; the rest and the reply are as for `TimerCreate`.
    CpuTimerCreate {
        clock: CpuClock,
        how: u32,
        signal: u32,
        value: u64,
        tid: i32,
    },
    /// `getpriority`: 20 less the nice value, of several the best. Reply: `Count`. `ESRCH`.
    NiceOf { whose: Whose, who: i32 },
    /// `setpriority`. Reply: `Count`, as `NiceOf`. `ESRCH`, `EPERM`, `EACCES`.
    SetNice { whose: Whose, who: i32, nice: i32 },
    /// `ioprio_get`. Reply: `Count`. `ESRCH`.
    TransferPriority { whose: Whose, who: i32 },
    /// `ioprio_set`. Reply: `Done`. `ESRCH`, `EPERM`, `EINVAL`.
    SetTransferPriority {
        whose: Whose,
        who: i32,
        priority: u32,
    },
    /// How a thread (0: the caller) is scheduled. Reply: `Scheduling`. `ESRCH`.
    Scheduling { tid: i32 },
    /// `sched_setscheduler`, `sched_setattr`; `nice` only with `change_nice`. Reply: `Done`. `ESRCH`,
    /// `EPERM`, `EINVAL`.
    SetScheduling {
        tid: i32,
        policy: u32,
        priority: i32,
        reset_on_fork: bool,
        change_nice: bool,
        nice: i32,
    },
    /// Whether the caller may change how a thread is scheduled. Reply: `Done`. `ESRCH`, `EPERM`.
    CheckScheduling { tid: i32 },
    /// What the caller asked for with `prctl` and its kin. Reply: `Count`.
    Attribute { what: Attribute },
    /// Asks for it. Reply: `Done`; for file ids `Count`, the old one. `EINVAL`.
    SetAttribute { what: Attribute, value: u64 },
    /// Whether a process (0: the caller) may do what only the administrator may. Reply: `Count`, 0 or 1.
    /// `ESRCH`.
    Privileged { pid: i32 },
    /// `process_vm_readv`: copies `pid`'s memory at `address` to lease 0. Reply: `Count`; `EFAULT` if
    /// nothing is there, `EPERM`.
    ReadMemory { pid: i32, address: u64 },
    /// `process_vm_writev`: copies lease 0 to `pid`'s memory at `address`. Reply: `Count`; as `ReadMemory`.
    WriteMemory { pid: i32, address: u64 },
}
}

choices! {
/// Whose nice value is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    /// That of a process; 0: the caller's.
    Process,
    /// Those of a group; 0: the caller's.
    Group,
    /// Those of a real user; 0: the caller's.
    User,
}
}

choices! {
/// What a process can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attribute {
    /// The signal that it gets when its parent ends.
    DeathSignal,
    /// Whether others may look into it.
    Dumpable,
    /// Whether programs that it executes get no rights of their owners.
    NoNewPrivileges,
    /// Whether it adopts orphans among its descendants.
    Adopts,
    /// As which user it uses files.
    FileUser,
    /// As which group it uses files.
    FileGroup,
}
}

choices! {
/// A clock of processor time; number 0 is the caller's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CpuClock {
    /// A process's.
    Process { pid: u32 },
    /// That of a thread of the caller's process.
    Thread { tid: u32 },
}
}

messages! {
/// What the process service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done.
    Done,
    /// A number.
    Count(u64),
    /// A process.
    Pid(u32),
    /// A child that changed: its pid, wait status (as in `wait4`), uid and times.
    Waited {
        pid: u32,
        status: u32,
        uid: u32,
        user_ns: u64,
        system_ns: u64,
    },
    /// Own pid and parent.
    Identity { pid: u32, ppid: u32 },
    /// Three ids.
    Ids {
        real: u32,
        effective: u32,
        saved: u32,
    },
    /// A signal's action.
    Action {
        handler: u64,
        flags: u32,
        mask: SignalSet,
        restorer: u64,
    },
    /// A set, and whether a signal is deliverable now.
    Set { set: SignalSet, deliverable: bool },
    /// A signal to deliver. Another one may be deliverable.
    Deliver(Delivery),
    /// A signal that was waited for.
    Received {
        signal: u32,
        code: i32,
        sender: u64,
        value: u64,
    },
    /// A timer: time left and interval.
    Timer { value_ns: u64, interval_ns: u64 },
    /// A limit.
    Limit { soft: u64, hard: u64 },
    /// Used times, and faults.
    Times {
        user_ns: u64,
        system_ns: u64,
        faults: u64,
        max_bytes: u64,
    },
    /// A signal to deliver. No other one is deliverable.
    DeliverLast(Delivery),
    /// How a thread is scheduled.
    Scheduling {
        policy: u32,
        reset_on_fork: bool,
        nice: i32,
    },
}
}

record! {
/// A signal to deliver: number, `si_code`, sender (pid, uid in the halves) or address or value,
/// handler, flags, the mask to restore afterwards, and the restorer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub signal: u32,
    pub code: i32,
    pub sender: u64,
    pub value: u64,
    pub handler: u64,
    pub flags: u32,
    pub restore: SignalSet,
    pub restorer: u64,
}
}

impl Reply {
    /// The signal that is to be delivered, and whether another one may be deliverable.
    pub fn delivery(self) -> Option<(Delivery, bool)> {
        match self {
            Reply::Deliver(delivery) => Some((delivery, true)),
            Reply::DeliverLast(delivery) => Some((delivery, false)),
            _ => None,
        }
    }
}

/// What to execute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The file's path; no search.
    pub path: Vec<u8>,
    /// `argv`, without final zero bytes.
    pub arguments: Vec<Vec<u8>>,
    /// `envp`, likewise.
    pub environment: Vec<Vec<u8>>,
}

/// [`Program`] as its receiver reads it, without copying the strings. The two have one encoding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRef<'a> {
    /// The file's path; no search.
    #[serde(borrow)]
    pub path: &'a [u8],
    /// `argv`.
    #[serde(borrow)]
    pub arguments: Vec<&'a [u8]>,
    /// `envp`.
    #[serde(borrow)]
    pub environment: Vec<&'a [u8]>,
}
