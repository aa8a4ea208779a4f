//! The port: what the shell asks of the system it runs on.

use crate::{ast::Bytes, run::Shell};
use abi::Errno;
use alloc::vec::Vec;

/// A process id.
pub type Pid = i32;

/// A descriptor.
pub type Fd = i32;

/// How a process changed, as `waitpid` tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// It ended with this status.
    Exited(i32),
    /// A signal ended it.
    Killed(i32),
    /// A signal stopped it.
    Stopped(i32),
    /// It goes on.
    Continued,
}

impl Change {
    /// The status that `$?` shows: 128 is added to a signal's number.
    pub fn status(self) -> i32 {
        match self {
            Change::Exited(status) => status,
            Change::Killed(signal) | Change::Stopped(signal) => 128 + signal,
            Change::Continued => 0,
        }
    }
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Open {
    /// To read.
    Read,
    /// To write: made if missing, emptied if not.
    Write,
    /// To write at the end: made if missing.
    Append,
    /// To read and write: made if missing.
    ReadWrite,
}

/// Whether a wait blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Patience {
    /// Until a child changes.
    Block,
    /// Only what has already happened.
    Poll,
}

/// What becomes of a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disposition {
    /// The system's default.
    Default,
    /// Nothing.
    Ignore,
    /// [`System::take_signal`] tells of it.
    Catch,
}

/// What `access` is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Access {
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Running, or searching a directory.
    Execute,
}

/// What kind of file a path names.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Kind {
    /// A regular file.
    #[default]
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A pipe.
    Pipe,
    /// A character device.
    Character,
    /// A block device.
    Block,
    /// A socket.
    Socket,
}

/// What the shell wants to know of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// Its kind.
    pub kind: Kind,
    /// Permission and set-id bits.
    pub mode: u32,
    /// Size in bytes.
    pub size: u64,
    /// Device and inode: equal for two names of one file.
    pub identity: (u64, u64),
    /// Time of the last change, in nanoseconds since 1970.
    pub modified_ns: i128,
}

/// Questions about files, which `test` needs too.
pub trait Files {
    /// Facts about what `path` names, following links.
    ///
    /// # Errors
    /// As `stat`.
    fn facts(&mut self, path: &[u8]) -> Result<Facts, Errno>;

    /// Facts about `path` itself, even if it is a link.
    ///
    /// # Errors
    /// As `lstat`.
    fn link_facts(&mut self, path: &[u8]) -> Result<Facts, Errno>;

    /// Whether the caller may do this with `path`.
    fn may(&mut self, path: &[u8], access: Access) -> bool;

    /// Whether a descriptor is a terminal.
    fn is_terminal(&mut self, fd: Fd) -> bool;
}

/// The calls that the interpreter makes.
///
/// Each answers the error of the system call of that name.
#[allow(
    clippy::missing_errors_doc,
    reason = "each method answers its system call's errors"
)]
pub trait System: Files + Sized {
    /// Makes a child that runs `body` and exits with what it returns; gives the child's pid.
    ///
    /// This form of `fork`, which never returns twice, lets a fake run the child at once.
    fn fork(
        shell: &mut Shell<Self>,
        body: &mut dyn FnMut(&mut Shell<Self>) -> i32,
    ) -> Result<Pid, Errno>;

    /// Replaces the program. A real one does not return after success; a fake answers the status
    /// with which the program ended.
    fn exec(
        &mut self,
        path: &[u8],
        arguments: &[Bytes],
        environment: &[Bytes],
    ) -> Result<i32, Errno>;

    /// Makes a pipe: the end to read and the end to write.
    fn pipe(&mut self) -> Result<(Fd, Fd), Errno>;
    /// Opens a file.
    fn open(&mut self, path: &[u8], how: Open) -> Result<Fd, Errno>;
    /// Makes `to` mean what `from` means.
    fn duplicate(&mut self, from: Fd, to: Fd) -> Result<(), Errno>;
    /// Puts a copy of `fd` at 10 or above, closed on exec.
    fn save(&mut self, fd: Fd) -> Result<Fd, Errno>;
    /// Closes a descriptor.
    fn close(&mut self, fd: Fd) -> Result<(), Errno>;
    /// Reads; 0 at the end.
    fn read(&mut self, fd: Fd, buffer: &mut [u8]) -> Result<usize, Errno>;
    /// Writes; perhaps less than asked.
    fn write(&mut self, fd: Fd, bytes: &[u8]) -> Result<usize, Errno>;

    /// Waits for a change of any child, stops included; `None` if a poll found none.
    fn wait(&mut self, patience: Patience) -> Result<Option<(Pid, Change)>, Errno>;
    /// Puts a process (0: the caller) into a group (0: its own).
    fn set_group(&mut self, pid: Pid, group: Pid) -> Result<(), Errno>;
    /// Gives the terminal to a group.
    fn set_foreground(&mut self, group: Pid) -> Result<(), Errno>;
    /// Sends a signal; a negative pid means a group.
    fn kill(&mut self, pid: Pid, signal: i32) -> Result<(), Errno>;
    /// Sets what becomes of a signal.
    fn set_signal(&mut self, signal: i32, disposition: Disposition) -> Result<(), Errno>;
    /// Takes a caught signal that arrived.
    fn take_signal(&mut self) -> Option<i32>;

    /// The own process.
    fn pid(&mut self) -> Pid;
    /// The parent.
    fn parent_pid(&mut self) -> Pid;
    /// The own process group.
    fn group(&mut self) -> Pid;
    /// The effective user.
    fn user(&mut self) -> u32;

    /// The current directory.
    fn directory(&mut self) -> Result<Bytes, Errno>;
    /// Changes the current directory.
    fn change_directory(&mut self, path: &[u8]) -> Result<(), Errno>;
    /// Sets the mask of permissions and gives the old one.
    fn set_mask(&mut self, mask: u32) -> u32;
    /// The names in a directory, `.` and `..` left out.
    fn list(&mut self, directory: &[u8]) -> Result<Vec<Bytes>, Errno>;
    /// A user's home directory.
    fn home_of(&mut self, user: &[u8]) -> Option<Bytes>;
    /// The processor time used by the shell and by its children, in milliseconds.
    fn times_ms(&mut self) -> (u64, u64) {
        (0, 0)
    }
}

/// Names and numbers of the signals, as on Linux/AArch64.
pub const SIGNALS: [(&str, i32); 31] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
];

/// The number of a signal given as `9`, `KILL` or `SIGKILL`.
pub fn signal_number(text: &[u8]) -> Option<i32> {
    let text = core::str::from_utf8(text).ok()?;
    if let Ok(number) = text.parse() {
        return (0..=64).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    SIGNALS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, number)| *number)
}

/// The name of a signal without `SIG`.
pub fn signal_name(number: i32) -> Option<&'static str> {
    SIGNALS
        .iter()
        .find(|(_, known)| *known == number)
        .map(|(name, _)| *name)
}

/// What a signal's death is called in a message.
pub fn signal_text(number: i32) -> &'static str {
    match number {
        1 => "Hangup",
        2 => "Interrupt",
        3 => "Quit",
        4 => "Illegal instruction",
        5 => "Trace/breakpoint trap",
        6 => "Aborted",
        7 => "Bus error",
        8 => "Floating point exception",
        9 => "Killed",
        10 => "User defined signal 1",
        11 => "Segmentation fault",
        12 => "User defined signal 2",
        13 => "Broken pipe",
        14 => "Alarm clock",
        15 => "Terminated",
        _ => "Ended by a signal",
    }
}
