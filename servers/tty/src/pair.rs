//! Pseudo-terminals: lines whose other side is a program, the master, and not a device.
//!
//! The line is the same as the console's. Who has which side open, and the names in `/dev/pts`, is for
//! `vfs` to know: here a pair is there until its master ends it.

use crate::{
    UNREAD_BYTES,
    line::{Line, Raised},
    server::{Answer, Caller},
};
use abi::{Errno, linux::general as linux};
use alloc::{
    collections::{BTreeMap, VecDeque},
    vec,
    vec::Vec,
};
use proto::{
    port::{Callers, Clock},
    tty::Reply,
};
use serde::{Deserialize, Serialize};

/// Most pseudo-terminals at a time.
const MOST: u32 = 256;
/// Bytes copied to or from a master at once.
const PIECE_BYTES: usize = 4096;

/// All pseudo-terminals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pairs {
    lines: BTreeMap<u32, Line>,
    /// Signals of lines that ended.
    signals: VecDeque<Raised>,
}

impl Pairs {
    /// The lowest free number, for a new line.
    pub(crate) fn add(&mut self) -> Result<u32, Errno> {
        let free = (1..=MOST).find(|number| !self.lines.contains_key(number));
        let number = free.ok_or(Errno::ENOSPC)?;
        self.lines.insert(number, Line::of_pair());
        Ok(number)
    }

    /// The line hangs up and is gone.
    pub(crate) fn end(&mut self, number: u32) -> Result<(), Errno> {
        let mut line = self.lines.remove(&number).ok_or(Errno::ENXIO)?;
        for group in [line.session, line.foreground].into_iter().flatten() {
            line.raise(group, linux::SIGHUP);
            line.raise(group, linux::SIGCONT);
        }
        self.signals.append(&mut line.signals);
        Ok(())
    }

    pub(crate) fn line(&mut self, number: u32) -> Result<&mut Line, Errno> {
        self.lines.get_mut(&number).ok_or(Errno::ENXIO)
    }

    pub(crate) fn lines(&mut self) -> impl Iterator<Item = &mut Line> {
        self.lines.values_mut()
    }

    /// The line that is the controlling terminal of a session.
    pub(crate) fn line_of(&self, sid: u32) -> Option<u32> {
        let mut lines = self.lines.iter();
        let found = lines.find(|(_, line)| line.session == Some(sid));
        found.map(|(&number, _)| number)
    }

    pub(crate) fn has_signals(&self) -> bool {
        !self.signals.is_empty() || self.lines.values().any(|line| !line.signals.is_empty())
    }

    pub(crate) fn next_signal(&mut self) -> Option<Raised> {
        if let Some(raised) = self.signals.pop_front() {
            return Some(raised);
        }
        self.lines().find_map(|line| line.signals.pop_front())
    }
}

impl Line {
    /// Whether a byte more would be kept.
    fn takes_input(&self) -> bool {
        self.input.len() < UNREAD_BYTES
    }
}

/// Output is removed only after it was copied.
pub(crate) fn master_read<P>(line: &mut Line, caller: Caller<'_, P>) -> Answer
where
    P: Callers<Reply> + Clock + ?Sized,
{
    if caller.lease.bytes == 0 {
        return Ok(Reply::Count(0));
    }
    let bytes = line.output.peek(caller.lease.bytes.min(PIECE_BYTES));
    if bytes.is_empty() {
        return Err(Errno::EAGAIN.into());
    }
    caller.ports.write(caller.token, 0, 0, &bytes)?;
    for _ in &bytes {
        line.next_output();
    }
    Ok(Reply::Count(bytes.len() as u64))
}

/// Each byte does what it would do if it were typed.
pub(crate) fn master_write<P>(line: &mut Line, caller: Caller<'_, P>) -> Answer
where
    P: Callers<Reply> + Clock + ?Sized,
{
    if caller.lease.bytes == 0 {
        return Ok(Reply::Count(0));
    }
    let mut bytes = vec![0; caller.lease.bytes.min(PIECE_BYTES)];
    caller.ports.read(caller.token, 0, 0, &mut bytes)?;
    let now_ns = caller.ports.now_ns();
    let mut taken = 0;
    for &byte in &bytes {
        if !line.takes_input() {
            break;
        }
        line.receive(byte, now_ns);
        taken += 1;
    }
    if taken == 0 {
        line.room_wanted = true;
        return Err(Errno::EAGAIN.into());
    }
    Ok(Reply::Count(taken))
}

/// What a master can do without waiting.
pub(crate) fn master_poll(line: &mut Line) -> Reply {
    let writable = line.takes_input();
    line.room_wanted |= !writable;
    let bytes: Vec<u8> = line.output.peek(1);
    Reply::Ready {
        readable: !bytes.is_empty(),
        writable,
        bytes: u32::try_from(line.output.unsent()).unwrap_or(u32::MAX),
    }
}
