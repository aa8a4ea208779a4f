//! The file service: descriptors, paths, files, pipes, devices, `/proc`.
//!
//! Flags, modes and structures are those of Linux/AArch64 (`abi::linux::general`). A path is
//! lease 0 (without a final zero byte); `directory` is a descriptor or [`AT_FDCWD`] that relative
//! paths start from. Lease sizes say how much may be transferred.

#![allow(missing_docs, reason = "the sentence of a variant names its fields")]

use crate::wire::field::{choices, messages};
use crate::{Pid, Protocol, mem::ObjectId};
use serde::{Deserialize, Serialize};

/// The file service.
pub struct Vfs;

impl Protocol for Vfs {
    type Request = Request;
    type Reply = Reply;
    const NAME: &'static str = "vfs";
    const STATE_VERSION: u32 = 3;
}

/// A descriptor number.
pub type Fd = i32;
/// In place of a directory descriptor: the current directory.
pub const AT_FDCWD: Fd = -100;
/// Longest path in bytes, as Linux's `PATH_MAX`.
pub const PATH_MAX: usize = 4096;
/// Writes to a pipe up to this many bytes are atomic.
pub const PIPE_BUF: usize = 4096;

messages! {
/// Requests that the file service answers. Add at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// `openat`; path in lease 0. Reply: `Descriptor`.
    Open {
        directory: Fd,
        flags: u32,
        mode: u32,
    },
    /// Reply: `Done`.
    Close { fd: Fd },
    /// Reads into lease 0; may park. Reply: `Count`.
    Read { fd: Fd },
    /// Writes lease 0; may park. Reply: `Count`; `EPIPE` without raising the signal.
    Write { fd: Fd },
    /// Reads at `offset` into lease 0. Reply: `Count`.
    ReadAt { fd: Fd, offset: u64 },
    /// Writes lease 0 at `offset`. Reply: `Count`.
    WriteAt { fd: Fd, offset: u64 },
    /// `lseek`. Reply: `Count`, the new offset.
    Seek { fd: Fd, offset: i64, whence: u32 },
    /// `dup`: to the lowest free descriptor. Reply: `Descriptor`.
    Duplicate { fd: Fd },
    /// `dup3` (and `dup2` with `same_is_fine`). Reply: `Descriptor`.
    DuplicateTo {
        fd: Fd,
        to: Fd,
        flags: u32,
        same_is_fine: bool,
    },
    /// `fcntl` with an integer argument. Reply: `Count`.
    Control { fd: Fd, command: u32, argument: u64 },
    /// `fcntl` locks (`F_GETLK`, `F_SETLK`, `F_SETLKW`); `struct flock` in lease 0. Reply: `Done`.
    Lock { fd: Fd, command: u32 },
    /// `pipe2`. Reply: `Descriptors`.
    Pipe { flags: u32 },
    /// `fstatat`; path in lease 0, `struct stat` to lease 1. Reply: `Done`.
    Stat { directory: Fd, flags: u32 },
    /// `fstat`; `struct stat` to lease 0. Reply: `Done`.
    StatDescriptor { fd: Fd },
    /// `getdents64` to lease 0. Reply: `Count` of bytes, 0 at the end.
    List { fd: Fd },
    /// `chdir`; path in lease 0. Reply: `Done`.
    ChangeDirectory,
    /// `fchdir`. Reply: `Done`.
    ChangeDirectoryTo { fd: Fd },
    /// `getcwd` to lease 0, with a final zero byte. Reply: `Count`, zero byte included; `ERANGE`.
    CurrentDirectory,
    /// `chroot`; path in lease 0. Reply: `Done`.
    ChangeRoot,
    /// `mkdirat`. Reply: `Done`.
    MakeDirectory { directory: Fd, mode: u32 },
    /// `mknodat` (regular files, FIFOs, devices). Reply: `Done`.
    MakeNode {
        directory: Fd,
        mode: u32,
        device: u64,
    },
    /// `linkat`: lease 0 the old path, lease 1 the new. Reply: `Done`.
    Link {
        old_directory: Fd,
        new_directory: Fd,
        flags: u32,
    },
    /// `unlinkat` (with `AT_REMOVEDIR`: `rmdir`). Reply: `Done`.
    Unlink { directory: Fd, flags: u32 },
    /// `symlinkat`: lease 0 the target, lease 1 the link's path. Reply: `Done`.
    SymbolicLink { directory: Fd },
    /// `readlinkat`: lease 0 the path, target to lease 1. Reply: `Count`.
    ReadLink { directory: Fd },
    /// `renameat2`: lease 0 the old path, lease 1 the new. Reply: `Done`.
    Rename {
        old_directory: Fd,
        new_directory: Fd,
        flags: u32,
    },
    /// `truncate`; path in lease 0. Reply: `Done`.
    Truncate { length: i64 },
    /// `ftruncate`. Reply: `Done`.
    TruncateDescriptor { fd: Fd, length: i64 },
    /// `fchmodat`; path in lease 0. Reply: `Done`.
    ChangeMode {
        directory: Fd,
        mode: u32,
        flags: u32,
    },
    /// `fchmod`. Reply: `Done`.
    ChangeModeDescriptor { fd: Fd, mode: u32 },
    /// `fchownat`; path in lease 0; `u32::MAX` leaves an id. Reply: `Done`.
    ChangeOwner {
        directory: Fd,
        uid: u32,
        gid: u32,
        flags: u32,
    },
    /// `fchown`. Reply: `Done`.
    ChangeOwnerDescriptor { fd: Fd, uid: u32, gid: u32 },
    /// `faccessat2`; path in lease 0. Reply: `Done`.
    Access {
        directory: Fd,
        mode: u32,
        flags: u32,
    },
    /// `umask`. Reply: `Count`, the old one.
    Umask { mask: u32 },
    /// `utimensat`: path in lease 0 (none: the descriptor `directory` itself), times in
    /// nanoseconds since 1970; `u64::MAX` leaves one, `u64::MAX - 1` is now. Reply: `Done`.
    SetTimes {
        directory: Fd,
        flags: u32,
        accessed_ns: u64,
        modified_ns: u64,
    },
    /// `ioctl`; a structure argument is lease 0, both ways. Reply: `Count`.
    DeviceControl { fd: Fd, command: u32, argument: u64 },
    /// `ppoll` without its mask: `struct pollfd` array in lease 0, read and written. Parks until
    /// ready or `timeout_ns` (from now; `u64::MAX` never) has passed. Reply: `Count`.
    Poll { timeout_ns: u64 },
    /// `mmap` of a file. Reply: `Count`, the address.
    MapFile {
        fd: Fd,
        address: u64,
        bytes: u64,
        prot: u32,
        flags: u32,
        offset: u64,
    },
    /// `statfs`: path in lease 0 (none: descriptor `fd`), `struct statfs` to lease 1. Reply: `Done`.
    StatFileSystem { fd: Fd },
    /// `fsync`, `sync` (`fd` -1). Reply: `Done`.
    Sync { fd: Fd },
    /// `mount` of file system `kind` (0 tmpfs, 1 devfs, 2 procfs) on the directory in lease 0. Reply: `Done`.
    Mount { kind: u32, flags: u32 },
    /// `umount2` of the mount point in lease 0. Reply: `Done`.
    Unmount { flags: u32 },

    /// From `proc`: a first process, with root and current directory `/` and no descriptors; if
    /// `console`, with 0, 1, 2 on `/dev/console`. Reply: `Done`.
    Start { process: Pid, console: bool },
    /// From `proc`: `child` gets `parent`'s descriptors, directories and umask. Reply: `Done`.
    Fork { parent: Pid, child: Pid },
    /// From `proc`: the process ended: all is closed, locks are released. Reply: `Done`.
    Exit { process: Pid },
    /// From `proc`: looks up the program whose path is lease 0, as `process`, and checks that it
    /// may be executed. The file's first bytes go to lease 1. The file stays until `CommitProgram` or
    /// `AbandonProgram`, whatever becomes of its name. Reply: `Program`.
    OpenProgram { process: Pid },
    /// From `proc`: the exec succeeded: closes close-on-exec descriptors, notes the path in
    /// lease 0 as `/proc/PID/exe`. Reply: `Done`.
    CommitProgram { process: Pid },
    /// From `proc`: a terminal read of the group that waits shall fail with `EIO` (it is orphaned
    /// or ignores the signal). Reply: `Done`.
    FailTerminalReads { pgid: u32 },
    /// From `proc`, at its start: the object with the table of [`crate::publish::Entry`]. Reply: `Done`.
    Publish { table: ObjectId },

    /// `eventfd2`. Reply: `Descriptor`.
    EventFile { initial: u32, flags: u32 },
    /// `timerfd_create`. Reply: `Descriptor`.
    TimerFile { clock: u32, flags: u32 },
    /// `timerfd_settime`: first expiry (0: none), and every so often from then on. Reply: `Timer`, as
    /// it was before.
    SetTimer {
        fd: Fd,
        flags: u32,
        value_ns: u64,
        interval_ns: u64,
    },
    /// `timerfd_gettime`. Reply: `Timer`.
    GetTimer { fd: Fd },
    /// `epoll_create1`. Reply: `Descriptor`.
    WatchFile { flags: u32 },
    /// `epoll_ctl`, with what `struct epoll_event` says. Reply: `Done`.
    ChangeWatch {
        watch: Fd,
        operation: u32,
        fd: Fd,
        events: u32,
        data: u64,
    },
    /// `epoll_wait`: array of `struct epoll_event` to lease 0; parks until there is one or
    /// `timeout_ns` (from now; `u64::MAX` never) has passed. Reply: `Count`.
    AwaitWatch { watch: Fd, timeout_ns: u64 },
    /// `socket`. Reply: `Descriptor`.
    Socket {
        domain: u32,
        kind: u32,
        protocol: u32,
    },
    /// `socketpair`. Reply: `Descriptors`.
    SocketPair {
        domain: u32,
        kind: u32,
        protocol: u32,
    },
    /// `bind`; the address in lease 0. Reply: `Done`.
    Bind { fd: Fd },
    /// `connect`; the address in lease 0; may park. Reply: `Done`.
    Connect { fd: Fd },
    /// `listen`. Reply: `Done`.
    Listen { fd: Fd, backlog: u32 },
    /// `accept4`; the other side's address to lease 0; may park. Reply: `Accepted`.
    Accept { fd: Fd, flags: u32 },
    /// `getsockname` (`whose` 0), `getpeername` (1): the address to lease 0. Reply: `Count`, its full
    /// length.
    SocketName { fd: Fd, whose: u32 },
    /// `shutdown`. Reply: `Done`.
    ShutDown { fd: Fd, how: u32 },
    /// `getsockopt`; value to lease 0. Reply: `Count`, its length.
    GetOption { fd: Fd, level: u32, option: u32 },
    /// `setsockopt`; value in lease 0. Reply: `Done`.
    SetOption { fd: Fd, level: u32, option: u32 },
    /// `sendmsg`: bytes in lease 0; in lease 1 an address of `name_bytes` (0: none) and behind it
    /// control data. May park. Reply: `Count`; `EPIPE` without raising the signal.
    Send { fd: Fd, flags: u32, name_bytes: u32 },
    /// `recvmsg`: bytes to lease 0; to lease 1 the address, for which there is room of `name_bytes`,
    /// and behind that control data. May park. Reply: `Received`.
    Receive { fd: Fd, flags: u32, name_bytes: u32 },
    /// `flock`; may park. Reply: `Done`.
    LockFile { fd: Fd, operation: u32 },
    /// `fallocate`. Reply: `Done`.
    Allocate {
        fd: Fd,
        mode: u32,
        offset: u64,
        bytes: u64,
    },
    /// `memfd_create`; the name in lease 0. Reply: `Descriptor`.
    MemoryFile { flags: u32 },
    /// `signalfd4`: a new one (`fd` -1), or other signals for an old one. Reply: `Descriptor`.
    SignalFile { fd: Fd, set: u64, flags: u32 },
    /// From `proc`: these signals are pending for a process that asked to be watched. Reply: `Done`.
    SignalsPending { process: Pid, set: u64 },
    /// `mq_open`: the name without its first slash in lease 0; in lease 1 a `struct mq_attr`, or nothing.
    /// Reply: `Descriptor`.
    OpenQueue { flags: u32, mode: u32 },
    /// `mq_unlink`; the name as in `OpenQueue`. Reply: `Done`.
    UnlinkQueue,
    /// `mq_timedsend`: the message in lease 0. Parks while the queue is full until `timeout_ns` (from now;
    /// `u64::MAX` never) has passed. Reply: `Done`.
    SendToQueue {
        fd: Fd,
        priority: u32,
        timeout_ns: u64,
    },
    /// `mq_timedreceive`: the message to lease 0, its priority (32 bits) to lease 1 if there is one. Parks as
    /// `SendToQueue`. Reply: `Count`.
    ReceiveFromQueue { fd: Fd, timeout_ns: u64 },
    /// `mq_getsetattr`: a `struct mq_attr` with new flags in lease 0, one with what there was to lease 1;
    /// either may be nothing. Reply: `Done`.
    QueueAttributes { fd: Fd },
    /// The sender's program made this call of Linux for the first time, and there is no such call. Reply:
    /// `Done`.
    Unimplemented { number: u32 },
    /// From `proc`: the exec of a program that was opened has failed. Reply: `Done`.
    AbandonProgram { process: Pid },
    /// `mq_notify`; for [`QueueNotice::Socket`] the cookie in lease 0. Reply: `Done`.
    NotifyOfQueue { fd: Fd, wish: QueueNotice },
    /// From `proc`, when bit [`PROC_SIGNAL_BIT`] was signalled: the next signal to send. Reply: `Signal`;
    /// `EAGAIN` if there is none.
    NextSignal,
    /// Copies the machine's name to lease 0, and its domain's to lease 1, as much as there is room for.
    /// Reply: `Done`.
    MachineNames,
    /// `sethostname`, `setdomainname`: the name, of `bytes` bytes, in lease 0. Reply: `Done`. `EPERM`, `EINVAL`.
    SetMachineName { domain: bool, bytes: u64 },
    /// `pidfd_open`. Reply: `Descriptor`. `ESRCH`, `EINVAL`.
    ProcessFile { pid: Pid, flags: u32 },
    /// The process that such a descriptor, or one of its directory in `/proc`, stands for. Reply: `Count`, its
    /// pid, and [`NONBLOCKING_PROCESS`] if waiting for it shall not wait or [`PROCESS_DIRECTORY`]. `EBADF`,
    /// `ESRCH`.
    ProcessOf { fd: Fd },
    /// `inotify_init1`. Reply: `Descriptor`.
    NoticeFile { flags: u32 },
    /// `inotify_add_watch`; the path in lease 0. Reply: `Count`, the watch's number.
    AddNotice { fd: Fd, mask: u32 },
    /// `inotify_rm_watch`. Reply: `Done`.
    RemoveNotice { fd: Fd, watch: i32 },
    /// `openat2`; path in lease 0; `resolve` is `RESOLVE_*`. Reply: `Descriptor`.
    OpenWithin {
        directory: Fd,
        flags: u32,
        mode: u32,
        resolve: u32,
    },
    /// `splice`: lease 0 has two offsets of 64 bits, -1 for none, which move. May park. Reply: `Count`.
    Splice {
        from: Fd,
        to: Fd,
        bytes: u64,
        flags: u32,
    },
    /// `tee`; may park. Reply: `Count`.
    Tee {
        from: Fd,
        to: Fd,
        bytes: u64,
        flags: u32,
    },
    /// As `Write`, at the end of a file; the open file's offset stays unless `moves`. Reply: `Count`.
    Append { fd: Fd, moves: bool },
}
}

/// Bit beside the pid that [`Request::ProcessOf`] is answered with.
pub const NONBLOCKING_PROCESS: u64 = 1 << 32;
/// Bit beside that pid for a directory of `/proc`, through which signals can be sent, but which cannot be
/// waited for.
pub const PROCESS_DIRECTORY: u64 = 1 << 33;

/// Number of the notification bit by which this service tells `proc` that there are signals to send
/// ([`Request::NextSignal`]).
pub const PROC_SIGNAL_BIT: u32 = 9;
/// Bytes of what comes back through a socket from `mq_notify` (`NOTIFY_COOKIE_LEN`).
pub const COOKIE_BYTES: usize = 32;

choices! {
/// How the caller of `mq_notify` wants to be told of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueueNotice {
    /// Not any more.
    Remove,
    /// Not at all, nor anybody else.
    Nobody,
    /// By a signal.
    Signal { signal: u32, value: u64 },
    /// By a cookie to a socket.
    Socket { fd: Fd },
}
}

messages! {
/// What the file service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done.
    Done,
    /// A number of bytes, or another number.
    Count(u64),
    /// A descriptor.
    Descriptor(Fd),
    /// A pipe's two ends.
    Descriptors { read: Fd, write: Fd },
    /// A program file: its object (released by nobody: it belongs to the file), where in the object the file starts (page-aligned),
    /// its length, and the ids that its set-id bits ask for (`u32::MAX`: none).
    Program {
        object: ObjectId,
        offset: u64,
        bytes: u64,
        set_uid: u32,
        set_gid: u32,
        header_bytes: u32,
    },
    /// What a timer has left until it expires (0: it does not), and how often it does so then.
    Timer { left_ns: u64, interval_ns: u64 },
    /// The descriptor is one of signals: take one of `set` from `proc`, and wait for it if `waits`.
    TakeSignal { set: u64, waits: bool },
    /// A descriptor, and the full length of the other side's address.
    Accepted { fd: Fd, name_bytes: u32 },
    /// What was received: bytes, full length of the address, bytes of control data, `MSG_*`.
    Received {
        bytes: u64,
        name_bytes: u32,
        control_bytes: u32,
        flags: u32,
    },
    /// A signal to send: to whom, its number and `si_code`, the sender's pid and user (in the halves), and
    /// its value.
    Signal {
        process: Pid,
        signal: u32,
        code: i32,
        sender: u64,
        value: u64,
    },
}
}
