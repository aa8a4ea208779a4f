//! Ports: everything the process server needs of the world below it.
//!
//! The binary answers with messages to `ipc`, `vfs`, `tty` and `mem` and with kernel calls; a test
//! with tables. All calls go down, none of them waits for a program.

pub use crate::clone::Begin;
use abi::{Errno, Handle, Token};
use proto::Pid;
use proto::mem::{Image, ObjectId};
use proto::port::{Callers, Clock};
use proto::proc::{Reply, SignalSet};
use proto::publish::Entry;
use serde::{Deserialize, Serialize};

/// A process's thread: how to command it, and how others may look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Handle with the control right, in the server's own table.
    pub handle: Handle,
    /// Its frame number.
    pub frame: u32,
}

/// What the memory server says about a space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes that are in frames.
    pub resident_bytes: u64,
    /// Page faults so far.
    pub faults: u64,
}

/// Most bytes that a space may have; `u64::MAX` for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceLimits {
    /// All writable memory.
    pub memory: u64,
    /// The stack.
    pub stack: u64,
    /// The heap.
    pub data: u64,
}

/// Address spaces, at the memory server.
pub trait Memory {
    /// Makes `child`'s space a copy of `parent`'s, with one stopped thread.
    ///
    /// # Errors
    /// `ENOMEM`, and nothing is left behind.
    fn fork_space(&mut self, parent: Pid, child: Pid) -> Result<Thread, Errno>;

    /// Makes an empty space with one stopped thread.
    ///
    /// # Errors
    /// `ENOMEM`, and nothing is left behind.
    fn create_space(&mut self, space: Pid, priority: u32) -> Result<Thread, Errno>;

    /// Replaces a space's memory, all or nothing.
    ///
    /// # Errors
    /// `ENOMEM` and others; the old memory is untouched.
    fn exec_space(&mut self, space: Pid, image: &Image) -> Result<(), Errno>;

    /// Destroys a space with its threads.
    fn destroy_space(&mut self, space: Pid);

    /// Makes an empty space whose stopped thread uses the memory of `lender`.
    ///
    /// # Errors
    /// `ENOMEM`, and nothing is left behind.
    fn lend_space(&mut self, lender: Pid, borrower: Pid) -> Result<Thread, Errno>;

    /// Makes one more stopped thread in a space, known as `tid`.
    ///
    /// # Errors
    /// `ENOMEM`, `EAGAIN`, and nothing is left behind.
    fn add_thread(&mut self, space: Pid, priority: u32, tid: Pid) -> Result<Thread, Errno>;

    /// Ends a thread whose process goes on, as `exit` does: gives up its robust locks, and stores 0
    /// in two words of its memory (addresses of 0: in none), waking who waits for the first.
    fn end_thread(&mut self, space: Pid, thread: Thread, words: [u64; 2]);

    /// Ends a thread whose process goes on, as if it had never been.
    fn remove_thread(&mut self, space: Pid, thread: Thread);

    /// Forgets the handle of a thread that went with its space.
    fn forget_thread(&mut self, thread: Thread);

    /// Sets a space's limits.
    ///
    /// # Errors
    /// The memory server's.
    fn limit_space(&mut self, space: Pid, limits: SpaceLimits) -> Result<(), Errno>;

    /// Sets how many bytes of a space's memory may be locked.
    ///
    /// # Errors
    /// The memory server's.
    fn limit_locks(&mut self, space: Pid, bytes: u64) -> Result<(), Errno>;

    /// Copies what is in a space, up to where nothing is.
    ///
    /// # Errors
    /// `EFAULT` if the first byte is not there.
    fn peek_space(&mut self, space: Pid, address: u64, into: &mut [u8]) -> Result<usize, Errno>;

    /// Copies into a space, as far as its program could write.
    ///
    /// # Errors
    /// `EFAULT` if it could not write the first byte.
    fn poke_space(&mut self, space: Pid, address: u64, from: &[u8]) -> Result<usize, Errno>;

    /// What a space uses.
    fn space_usage(&mut self, space: Pid) -> Usage;
}

/// A program file that may be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramFile {
    /// The object with its bytes.
    pub object: ObjectId,
    /// Where in the object the file starts.
    pub offset: u64,
    /// The file's length.
    pub bytes: u64,
    /// Owner that its set-user-id bit asks for.
    pub set_uid: Option<u32>,
    /// Group that its set-group-id bit asks for.
    pub set_gid: Option<u32>,
    /// How much of the header buffer was filled.
    pub header_bytes: usize,
}

/// Descriptors and program files, at the file server.
pub trait Files {
    /// Gives a first process its directories, and the console as 0, 1 and 2.
    ///
    /// # Errors
    /// The file server's, and nothing is left behind.
    fn start_files(&mut self, process: Pid) -> Result<(), Errno>;

    /// Gives `child` the descriptors of `parent`.
    ///
    /// # Errors
    /// The file server's, and nothing is left behind.
    fn fork_files(&mut self, parent: Pid, child: Pid) -> Result<(), Errno>;

    /// Closes all that a process has.
    fn exit_files(&mut self, process: Pid);

    /// Finds a program as `process` sees it, and copies its first bytes to `header`.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES` and the others of a path.
    fn open_program(
        &mut self,
        process: Pid,
        path: &[u8],
        header: &mut [u8],
    ) -> Result<ProgramFile, Errno>;

    /// The exec of `path` succeeded: closes what is to be closed then.
    fn commit_program(&mut self, process: Pid, path: &[u8]);

    /// The exec of a program that was opened has failed.
    fn abandon_program(&mut self, process: Pid);

    /// Lets the terminal reads of a group that waits for the foreground fail.
    fn fail_terminal_reads(&mut self, group: u32);

    /// The next signal that something at the file server caused: whom to send it to, and what that one learns.
    fn next_file_signal(&mut self) -> Option<(Pid, crate::signal::Info)>;

    /// Says which signals are pending for a process that has a descriptor for signals.
    fn tell_pending(&mut self, process: Pid, set: SignalSet);
}

/// System V objects, at the interprocess-communication server.
pub trait Ipc {
    /// Whether a process may have anything there; if not, it need not be told of its end.
    fn has_ipc_state(&mut self, process: Pid) -> bool;

    /// `child` is a copy of `parent`.
    ///
    /// # Errors
    /// The server's, and nothing is left behind.
    fn fork_ipc(&mut self, parent: Pid, child: Pid) -> Result<(), Errno>;

    /// The process ended, or got new memory.
    fn exit_ipc(&mut self, process: Pid, why: IpcExit);
}

/// Why a process leaves its System V objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpcExit {
    /// It ended: undo is done, attachments are gone.
    Ended,
    /// It executes another program: attachments are gone.
    Exec,
}

/// The terminal server.
pub trait Terminal {
    /// The next signal that a key or a background access caused: group and signal.
    fn next_terminal_signal(&mut self) -> Option<(u32, u32)>;

    /// The leader of session `sid` ended.
    fn detach_terminal(&mut self, sid: u32);

    /// Bytes of output that are not sent yet.
    fn unsent_terminal_bytes(&mut self) -> u64;
}

/// The kernel's threads.
pub trait Threads {
    /// Makes stopped thread `child` a copy of `parent`, which waits for a reply, with handles that
    /// carry `badge`; it waits for a reply too.
    ///
    /// # Errors
    /// `ENOMEM` if the kernel cannot.
    fn inherit_thread(&mut self, child: Thread, parent: Thread, badge: Pid)
    -> Result<Token, Errno>;

    /// Starts stopped thread `child` in the memory of `parent`, which waits for a reply. Its handles,
    /// if they are not those of `parent`, and its exceptions carry `badge`.
    ///
    /// # Errors
    /// `EFAULT` if there is no block, `ENOMEM` if the kernel cannot.
    fn spawn_thread(
        &mut self,
        child: Thread,
        parent: Thread,
        badge: Pid,
        begin: Begin,
    ) -> Result<(), Errno>;

    /// Gives the first process's thread its handles with badge `pid` and sets where its exceptions go.
    ///
    /// # Errors
    /// `ENOMEM` if the kernel cannot.
    fn equip_thread(&mut self, thread: Thread, pid: Pid) -> Result<(), Errno>;

    /// Starts a thread afresh.
    fn start_thread(&mut self, thread: Thread, pc: u64, sp: u64);

    /// Stops a thread.
    fn suspend_thread(&mut self, thread: Thread);

    /// Lets a stopped thread go on.
    fn resume_thread(&mut self, thread: Thread);

    /// Lets the thread's upcall run as soon as it is in user mode, and interrupts its wait.
    fn kick_thread(&mut self, thread: Thread);

    /// Changes a thread's mask: keeps bits, then sets others; and pins `pinned`, which the thread cannot
    /// unblock itself, instead of what was pinned. Answers with the mask before.
    fn mask_thread(
        &mut self,
        thread: Thread,
        keep: SignalSet,
        set: SignalSet,
        pinned: SignalSet,
    ) -> SignalSet;

    /// Sets a thread's priority (0 lowest to 31).
    fn set_thread_priority(&mut self, thread: Thread, priority: u32);

    /// Processor time of a thread so far.
    fn thread_cpu_ns(&mut self, thread: Thread) -> u64;

    /// Whether a thread runs or could run, and its processor time in nanoseconds so far.
    fn thread_activity(&mut self, thread: Thread) -> (bool, u64);

    /// Lets the thread that waits with an exception go on.
    fn resume_exception(&mut self, token: Token);

    /// Lets `thread`, which waits with an exception, go on at `pc`.
    fn divert_exception(&mut self, thread: Thread, token: Token, pc: u64);
}

/// The table that other servers read.
pub trait Publish {
    /// Writes slot `slot`.
    fn publish(&mut self, slot: usize, entry: &Entry);
}

/// The machine itself.
pub trait Machine {
    /// Switches it off, or starts it again. Comes back only if that is impossible.
    fn power(&mut self, how: Power);

    /// Bytes that nobody can foresee.
    fn random(&mut self) -> [u8; 16];
}

/// How the machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Power {
    /// Off.
    Off,
    /// Started again.
    Restart,
}

/// All ports together.
pub trait Ports:
    Callers<Reply> + Clock + Memory + Files + Ipc + Terminal + Threads + Publish + Machine
{
}

impl<T> Ports for T where
    T: Callers<Reply> + Clock + Memory + Files + Ipc + Terminal + Threads + Publish + Machine
{
}
