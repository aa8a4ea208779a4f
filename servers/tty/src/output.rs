//! Output processing (`OPOST`) and the queue of bytes for the device.
//!
//! Columns are counted as Linux counts them, because erasing a tab needs to know where it began.

use crate::{Termios, UNSENT_BYTES};
use abi::linux::general as linux;
use alloc::{collections::VecDeque, vec::Vec};
use serde::{Deserialize, Serialize};

/// Starts a log record on a framed line; doubled when it is data.
const FRAME: u8 = 0x1c;
const TAB_COLUMNS: u32 = 8;

/// What goes out on a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Output {
    queue: VecDeque<u8>,
    column: u32,
    /// Column in which the line being typed began.
    line_column: u32,
    /// Stopped by the STOP key.
    pub(crate) stopped: bool,
    /// Bytes [`FRAME`] are doubled.
    framed: bool,
    /// The second [`FRAME`] of a pair is due, even if the queue is flushed meanwhile.
    second_due: bool,
}

impl Output {
    /// Nothing yet. `framed`: bytes [`FRAME`] are doubled.
    pub(crate) fn new(framed: bool) -> Self {
        Output {
            framed,
            ..Output::default()
        }
    }

    /// Bytes not sent yet.
    pub(crate) fn unsent(&self) -> usize {
        self.queue.len() + usize::from(self.second_due)
    }

    /// Bytes that writers may still queue.
    pub(crate) fn room(&self) -> usize {
        UNSENT_BYTES.saturating_sub(self.queue.len())
    }

    /// Drops what is not sent yet.
    pub(crate) fn flush(&mut self) {
        self.queue.clear();
    }

    /// The next bytes, without taking them; none while output is stopped. (Only for a line that is
    /// not framed.)
    pub(crate) fn peek(&self, most: usize) -> Vec<u8> {
        let most = if self.stopped { 0 } else { most };
        self.queue.iter().take(most).copied().collect()
    }

    /// The next byte for the device.
    pub(crate) fn next(&mut self) -> Option<u8> {
        if self.second_due {
            self.second_due = false;
            return Some(FRAME);
        }
        if self.stopped {
            return None;
        }
        let byte = self.queue.pop_front()?;
        self.second_due = self.framed && byte == FRAME;
        Some(byte)
    }

    /// Queues a byte of a writer; `false` if there is no room for what it becomes.
    pub(crate) fn write(&mut self, settings: &Termios, byte: u8) -> bool {
        if self.room() < TAB_COLUMNS as usize {
            return false;
        }
        self.process(settings, byte);
        true
    }

    /// Queues an echoed byte. Echo beyond twice the writers' limit is lost, as the line is full.
    pub(crate) fn echo(&mut self, settings: &Termios, byte: u8) {
        if self.queue.len() < 2 * UNSENT_BYTES {
            self.process(settings, byte);
        }
    }

    /// Sends a byte before all others, as it is; not if the line is full.
    pub(crate) fn send(&mut self, byte: u8) {
        if self.queue.len() < 2 * UNSENT_BYTES {
            self.queue.push_front(byte);
        }
    }

    /// Echoes a typed character, control characters as `^X` if so set.
    pub(crate) fn echo_visible(&mut self, settings: &Termios, byte: u8) {
        if byte.is_ascii_control() && byte != b'\t' && settings.l(linux::ECHOCTL) {
            self.echo(settings, b'^');
            self.echo(settings, byte ^ 0o100);
        } else {
            self.echo(settings, byte);
        }
    }

    /// Notes that the line being typed begins in the present column.
    pub(crate) fn begin_line(&mut self) {
        self.line_column = self.column;
    }

    /// Moves back over an erased tab. `columns` are taken by what is left before it: since the last
    /// tab, or since the line's beginning.
    pub(crate) fn erase_tab(&mut self, columns: u32, after_tab: bool) {
        let start = if after_tab {
            columns
        } else {
            columns.saturating_add(self.line_column)
        };
        for _ in 0..TAB_COLUMNS - start % TAB_COLUMNS {
            self.queue.push_back(8);
            self.column = self.column.saturating_sub(1);
        }
    }

    fn process(&mut self, settings: &Termios, byte: u8) {
        if settings.o(linux::OPOST) {
            self.post_process(settings, byte);
        } else {
            self.queue.push_back(byte);
        }
    }

    fn post_process(&mut self, settings: &Termios, byte: u8) {
        match byte {
            b'\n' => return self.newline(settings),
            b'\r' => return self.carriage_return(settings),
            b'\t' => return self.tab(settings),
            8 => self.column = self.column.saturating_sub(1),
            _ if byte.is_ascii_control() || settings.continues(byte) => {}
            _ => self.column = self.column.saturating_add(1),
        }
        let upper = settings.o(linux::OLCUC);
        self.queue.push_back(if upper {
            byte.to_ascii_uppercase()
        } else {
            byte
        });
    }

    fn newline(&mut self, settings: &Termios) {
        if settings.o(linux::ONLRET) || settings.o(linux::ONLCR) {
            self.column = 0;
        }
        if settings.o(linux::ONLCR) {
            self.queue.push_back(b'\r');
        }
        self.line_column = self.column;
        self.queue.push_back(b'\n');
    }

    fn carriage_return(&mut self, settings: &Termios) {
        if settings.o(linux::ONOCR) && self.column == 0 {
            return;
        }
        if settings.o(linux::OCRNL) {
            if settings.o(linux::ONLRET) {
                (self.column, self.line_column) = (0, 0);
            }
            return self.queue.push_back(b'\n');
        }
        (self.column, self.line_column) = (0, 0);
        self.queue.push_back(b'\r');
    }

    fn tab(&mut self, settings: &Termios) {
        let columns = TAB_COLUMNS - self.column % TAB_COLUMNS;
        self.column = self.column.saturating_add(columns);
        if settings.output & linux::TABDLY == linux::XTABS {
            self.queue.extend((0..columns).map(|_| b' '));
        } else {
            self.queue.push_back(b'\t');
        }
    }
}
