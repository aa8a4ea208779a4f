//! The terminal service: a line discipline over a serial line.
//!
//! Its clients are `vfs` (for programs) and `proc` (for signals that keys cause). It never waits:
//! a read with nothing to read answers `EAGAIN`, and it notifies `vfs` when that may have changed.

#![allow(missing_docs, reason = "the sentence of a variant names its fields")]

use crate::wire::field::messages;
use crate::{Pid, Protocol};
use serde::{Deserialize, Serialize};

/// The terminal service.
pub struct Tty;

impl Protocol for Tty {
    type Request = Request;
    type Reply = Reply;
    const NAME: &'static str = "tty";
}

/// Notification bit (number) that tells `vfs`: reads, writes or polls of a line may go on.
pub const VFS_READY_BIT: u32 = 8;
/// Notification bit (number) that tells `proc`: [`Request::NextSignal`] has something.
pub const PROC_SIGNAL_BIT: u32 = 8;

messages! {
/// Requests that the terminal service answers. `line` 0 is the console, others are pseudo-terminals:
/// what a device does to the console a master does to them. Add at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Reads up to lease 0's length for a process of group `pgid` and session `sid`. Reply: `Count`
    /// (0: end of file), `EAGAIN`: nothing yet, `EINTR`: the group is in the background and
    /// `SIGTTIN` is on its way (`EIO` if `stoppable` is false).
    Read {
        line: u32,
        pgid: u32,
        sid: u32,
        stoppable: bool,
    },
    /// Writes lease 0. Reply: `Count`, possibly fewer; `EAGAIN`: full; `EINTR`: background with
    /// `TOSTOP`, `SIGTTOU` is on its way.
    Write { line: u32, pgid: u32, sid: u32 },
    /// Copies the Linux `struct termios` (36 bytes, as `TCGETS`) to lease 0. Reply: `Done`.
    GetTermios { line: u32 },
    /// Sets it from lease 0. `when`: 0 now, 1 after output, 2 and drops input. Reply: `Done`.
    SetTermios { line: u32, when: u32 },
    /// Reply: `WindowSize`.
    GetWindowSize { line: u32 },
    /// Sets it; `SIGWINCH` goes to the foreground group. Reply: `Done`.
    SetWindowSize {
        line: u32,
        rows: u16,
        columns: u16,
        x_pixels: u16,
        y_pixels: u16,
    },
    /// Reply: `Count`, the foreground group; `ENOTTY` if `sid` is not the line's session.
    GetForeground { line: u32, sid: u32 },
    /// Sets the foreground group (`vfs` has checked the group's session). Reply: `Done`.
    SetForeground { line: u32, sid: u32, pgid: u32 },
    /// Makes the line the controlling terminal of session `sid` (its leader asks), unless it is one
    /// already (`EPERM`). Reply: `Done`.
    Attach { line: u32, sid: u32 },
    /// Session `sid` gives the line up, or ended: `SIGHUP` and `SIGCONT` to the foreground group.
    /// Reply: `Done`.
    Detach { line: u32, sid: u32 },
    /// Reply: `Count`, the session, 0 if none.
    Session { line: u32 },
    /// Reply: `Ready`: whether it can be read or written without waiting, and bytes to read.
    Poll { line: u32 },
    /// Drops unread input (1), unsent output (2) or both (3). Reply: `Done`.
    Flush { line: u32, which: u32 },
    /// From `proc`: the next signal that a key or background access caused. Reply: `Signal`, or
    /// `EAGAIN` if there is none.
    NextSignal,
    /// Whether all output has been sent. Reply: `Count`, bytes unsent.
    Unsent { line: u32 },
    /// As `Attach`, but takes the line away from the session that has it, which is told nothing.
    Steal { line: u32, sid: u32 },
    /// Reply: `Count`, the line that is the controlling terminal of session `sid`; `ENXIO`: none is.
    LineOf { sid: u32 },
    /// Makes a pseudo-terminal. Reply: `Count`, its line (1 and up); `ENOSPC`.
    NewPair,
    /// The master is gone, and with it the line: `SIGHUP` and `SIGCONT` to the session's leader and
    /// the foreground group. Reply: `Done`.
    EndPair { line: u32 },
    /// The master takes output to lease 0. Reply: `Count`; `EAGAIN`: there is none.
    MasterRead { line: u32 },
    /// The master gives lease 0 as input. Reply: `Count`, possibly fewer; `EAGAIN`: no room.
    MasterWrite { line: u32 },
    /// Reply: `Ready`, for the master.
    MasterPoll { line: u32 },
    /// The foreground group of a line, whoever asks; 0 if there is none. Reply: `Count`.
    MasterForeground { line: u32 },
    /// A signal to the foreground group, as if a key had caused it. Reply: `Done`.
    MasterSignal { line: u32, signal: u32 },
    /// `tcflow`: stops output (0), lets it go on (1), or sends the key that stops (2) or starts (3) the other
    /// side. Reply: `Done`.
    Flow { line: u32, action: u32 },
}
}

messages! {
/// What the terminal service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done.
    Done,
    /// A number.
    Count(u64),
    /// A window's size.
    WindowSize {
        rows: u16,
        columns: u16,
        x_pixels: u16,
        y_pixels: u16,
    },
    /// What can go on.
    Ready {
        readable: bool,
        writable: bool,
        bytes: u32,
    },
    /// Send `signal` to process group `pgid`.
    Signal { pgid: u32, signal: u32 },
}
}

/// A process group for [`Request::Read`]; only to show where the numbers come from.
pub type Group = Pid;
