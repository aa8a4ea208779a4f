//! What the file server needs from outside. The binary answers with messages, a test with fakes.
//!
//! The ports are separate values, so that data can be copied between a file's memory (one port)
//! and a caller's lease (another) without a copy in between.

use crate::permission::Identity;
use abi::Errno;
use proto::Pid;
use proto::mem::{ObjectId, Region};
use proto::port::{Callers, Clock};
use proto::proc::SignalSet;
use proto::publish::Processes;
use proto::vfs::Reply;
use serde::{Deserialize, Serialize};

/// Names the types of the four ports.
pub trait Platform {
    /// The waiting callers.
    type Callers: Callers<Reply>;
    /// File data.
    type Memory: Memory;
    /// The console and pseudo-terminals.
    type Terminal: Terminal;
    /// Clock, published process table, statistics.
    type System: Clock + Processes + Monitor;
}

/// The four ports.
pub struct Ports<P: Platform> {
    /// The waiting callers.
    pub callers: P::Callers,
    /// File data.
    pub memory: P::Memory,
    /// The console and pseudo-terminals.
    pub terminal: P::Terminal,
    /// Clock, published process table, statistics.
    pub system: P::System,
}

/// A memory object mapped into the server's own space, from its first byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// What is mapped.
    pub object: ObjectId,
    /// Where.
    pub address: u64,
    /// Length in bytes, a multiple of the page size (the archive's may be any length).
    pub bytes: u64,
}

/// What the memory service says of all memory, in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryStatistics {
    /// All there is.
    pub total: u64,
    /// Unused.
    pub free: u64,
    /// In kernel objects and page tables.
    pub kernel: u64,
    /// In memory objects: files.
    pub objects: u64,
    /// Copied on write so far.
    pub copied: u64,
    /// Page faults so far.
    pub faults: u64,
}

/// What the memory service says of one space, in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Mapped regions.
    pub size: u64,
    /// Present.
    pub resident: u64,
    /// Present and shared.
    pub shared: u64,
    /// Page faults so far.
    pub faults: u64,
}

/// Memory objects that hold file data, and what `/proc` shows of memory.
///
/// Errors are those of the memory service; running out is `ENOMEM`.
pub trait Memory {
    /// Makes an object of zeros.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn create(&mut self, bytes: u64) -> Result<ObjectId, Errno>;

    /// Makes an object of `bytes` bytes of `parent` from `offset` (page-aligned) on.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn slice(&mut self, parent: ObjectId, offset: u64, bytes: u64) -> Result<ObjectId, Errno>;

    /// Changes an object's length.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn resize(&mut self, object: ObjectId, bytes: u64) -> Result<(), Errno>;

    /// Zeroes a range of an object and frees whole pages of it.
    ///
    /// # Errors
    /// As the memory service.
    fn zero(&mut self, object: ObjectId, offset: u64, bytes: u64) -> Result<(), Errno>;

    /// Lets an object go; it lives on while somebody has it mapped.
    fn release(&mut self, object: ObjectId);

    /// Maps the first `bytes` bytes of an object into the server's own space, writable.
    ///
    /// # Errors
    /// `ENOMEM`.
    fn map(&mut self, object: ObjectId, bytes: u64) -> Result<Window, Errno>;

    /// Undoes [`Memory::map`].
    fn unmap(&mut self, window: Window);

    /// The bytes of a window; shorter if it ends before.
    fn bytes(&self, window: Window, offset: u64, bytes: usize) -> &[u8];

    /// The bytes of a window, to be changed; shorter if it ends before.
    fn bytes_mut(&mut self, window: Window, offset: u64, bytes: usize) -> &mut [u8];

    /// Maps an object into a process. `prot` and `flags` are those of [`proto::mem`].
    ///
    /// # Errors
    /// As the memory service.
    fn map_into(&mut self, process: Pid, object: ObjectId, wish: Mapping) -> Result<u64, Errno>;

    /// What memory there is.
    fn statistics(&mut self) -> MemoryStatistics;

    /// What a process uses; `None` if it has no memory (any more).
    fn usage(&mut self, process: Pid) -> Option<MemoryUsage>;

    /// How often programs map an object so that they may write to it.
    fn writable_mappings(&mut self, object: ObjectId) -> u64;

    /// Copies what a process has in its memory, up to where nothing is; how many bytes.
    fn peek(&mut self, process: Pid, address: u64, into: &mut [u8]) -> usize;

    /// The regions of a process from the `skip`th on; fewer than there are, none at the end.
    fn regions(&mut self, process: Pid, skip: u32) -> alloc::vec::Vec<Region>;
}

/// How an object shall be mapped into a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// First byte in the object.
    pub offset: u64,
    /// Wished address, 0 for any.
    pub address: u64,
    /// Length in bytes.
    pub bytes: u64,
    /// `PROT_*`.
    pub prot: u32,
    /// Bits of [`proto::mem::flags`].
    pub flags: u32,
}

/// What can go on at the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// A read would not wait.
    pub readable: bool,
    /// A write would not wait.
    pub writable: bool,
    /// Bytes to read.
    pub bytes: u32,
}

/// A window's rows, columns, and pixels across and down, as in `struct winsize`.
pub type WindowSize = [u16; 4];
/// `struct termios` as `TCGETS` copies it.
pub type Termios = [u8; 36];

/// A line of the terminal service.
pub type LineId = u32;

/// The lines, as [`proto::tty`] describes them: 0 is the console, others are pseudo-terminals. They
/// never wait.
#[allow(
    clippy::missing_errors_doc,
    reason = "the errors are those of the requests of proto::tty"
)]
pub trait Terminal {
    /// Reads for a process of group `pgid` and session `sid`; `stoppable`: `SIGTTIN` may stop it.
    fn read(
        &mut self,
        line: LineId,
        pgid: u32,
        sid: u32,
        stoppable: bool,
        into: &mut [u8],
    ) -> Result<usize, Errno>;
    /// Writes, possibly fewer bytes than given.
    fn write(&mut self, line: LineId, pgid: u32, sid: u32, from: &[u8]) -> Result<usize, Errno>;
    /// The line's settings.
    fn termios(&mut self, line: LineId) -> Result<Termios, Errno>;
    /// Changes them: `when` 0 now, 1 after output, 2 also dropping input.
    fn set_termios(&mut self, line: LineId, when: u32, termios: &Termios) -> Result<(), Errno>;
    /// The window's size.
    fn window_size(&mut self, line: LineId) -> Result<WindowSize, Errno>;
    /// Changes it.
    fn set_window_size(&mut self, line: LineId, size: WindowSize) -> Result<(), Errno>;
    /// The foreground group.
    fn foreground(&mut self, line: LineId, sid: u32) -> Result<u32, Errno>;
    /// Changes it.
    fn set_foreground(&mut self, line: LineId, sid: u32, pgid: u32) -> Result<(), Errno>;
    /// Makes it the controlling terminal of a session.
    fn attach(&mut self, line: LineId, sid: u32) -> Result<(), Errno>;
    /// Makes it the controlling terminal of a session, whosever it was.
    fn steal(&mut self, line: LineId, sid: u32) -> Result<(), Errno>;
    /// The session gives it up.
    fn detach(&mut self, line: LineId, sid: u32) -> Result<(), Errno>;
    /// The session whose controlling terminal it is, or 0.
    fn session(&mut self, line: LineId) -> u32;
    /// What can go on.
    fn poll(&mut self, line: LineId) -> Readiness;
    /// Drops input (1), output (2) or both (3).
    fn flush(&mut self, line: LineId, which: u32) -> Result<(), Errno>;
    /// Stops (0) or starts (1) output, or sends the key that stops (2) or starts (3) the other side.
    fn flow(&mut self, line: LineId, action: u32) -> Result<(), Errno>;
    /// Bytes of output not sent yet.
    fn unsent(&mut self, line: LineId) -> u64;
    /// The line that is the controlling terminal of a session.
    fn line_of(&mut self, sid: u32) -> Option<LineId>;
    /// Makes a pseudo-terminal.
    fn new_pair(&mut self) -> Result<LineId, Errno>;
    /// Its master is gone, and so the line.
    fn end_pair(&mut self, line: LineId);
    /// Takes output, as the master.
    fn master_read(&mut self, line: LineId, into: &mut [u8]) -> Result<usize, Errno>;
    /// Gives input, as the master.
    fn master_write(&mut self, line: LineId, from: &[u8]) -> Result<usize, Errno>;
    /// What the master can do.
    fn master_poll(&mut self, line: LineId) -> Readiness;
    /// The foreground group, whoever asks; 0 if there is none.
    fn master_foreground(&mut self, line: LineId) -> u32;
    /// A signal to the foreground group.
    fn master_signal(&mut self, line: LineId, signal: u32) -> Result<(), Errno>;
}

/// What the kernel knows of a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadStatus {
    /// It runs or is ready to.
    pub running: bool,
    /// Processor time used, nanoseconds.
    pub cpu_ns: u64,
    /// Signals that it blocks.
    pub blocked: SignalSet,
}

/// Who is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// Nobody.
    Off,
    /// The thread with this frame number, too.
    Thread(u32),
    /// Everybody.
    All,
}

/// Observation of the machine, and the two things that a server learns only once.
pub trait Monitor: Processes {
    /// The part of a process's published entry that most requests need, without the rest.
    fn identity(&self, pid: Pid) -> Option<Identity> {
        self.get(pid).map(|entry| Identity::from(&entry))
    }

    /// The thread with this frame number, if there is one.
    fn thread(&mut self, frame: u32) -> Option<ThreadStatus>;

    /// Says who is traced.
    ///
    /// # Errors
    /// `ENODEV` without a ring for records, `ESRCH` without such a thread.
    fn set_tracing(&mut self, who: Tracing) -> Result<(), Errno>;

    /// The oldest trace records that [`Monitor::drop_trace`] has not dropped, as bytes.
    fn trace(&mut self) -> &[u8];

    /// Drops the first bytes of what [`Monitor::trace`] gives.
    fn drop_trace(&mut self, bytes: usize);

    /// Nanoseconds that the processor was idle since boot.
    fn idle_ns(&mut self) -> u64;

    /// Nanoseconds from 1970 to boot.
    fn epoch_ns(&mut self) -> u64;

    /// Tells the process service that there are signals to send.
    fn wake_proc(&mut self);

    /// Random bytes that nobody else knows, for the generator of `/dev/random`.
    fn seed(&mut self) -> [u8; 32];

    /// The object with the published process table: from now on [`Processes`] answers from it.
    ///
    /// # Errors
    /// As the memory service.
    fn publish(&mut self, table: ObjectId) -> Result<(), Errno>;
}
