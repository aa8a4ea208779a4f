//! One line's state: what was typed, what goes out, whose terminal it is.

use crate::{Termios, output::Output, queue::Queue};
use abi::Errno;
use abi::linux::general as linux;
use alloc::collections::VecDeque;
use serde::{Deserialize, Serialize};

/// Size of the window, as programs set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) x_pixels: u16,
    pub(crate) y_pixels: u16,
}

/// A signal that `proc` shall send to a process group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Raised {
    pub(crate) pgid: u32,
    pub(crate) signal: u32,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) settings: Termios,
    pub(crate) input: Queue,
    pub(crate) output: Output,
    /// The next byte is taken literally.
    pub(crate) literal_next: bool,
    /// Erased characters are being shown between `\` and `/` (`ECHOPRT`).
    pub(crate) erasing: bool,
    pub(crate) window: Window,
    /// The session whose controlling terminal this is.
    pub(crate) session: Option<u32>,
    pub(crate) foreground: Option<u32>,
    /// When the last byte came, for `VTIME` between bytes.
    pub(crate) last_byte_ns: u64,
    /// When a read that found nothing shall end (`VMIN` 0, `VTIME` not).
    pub(crate) read_ends_ns: Option<u64>,
    /// When `vfs` shall be told to ask again.
    pub(crate) timer_ns: Option<u64>,
    /// Signals for `proc`, oldest first, each once.
    pub(crate) signals: VecDeque<Raised>,
    /// Readers, writers or pollers may go on: tell `vfs`.
    pub(crate) ready: bool,
    /// A writer found no room, or somebody waits for all to be sent.
    pub(crate) drain_wanted: bool,
    /// A master found no room for input.
    pub(crate) room_wanted: bool,
    /// Its other side is a master, not a device.
    pub(crate) is_pair: bool,
}

impl Line {
    /// A line with Linux's defaults and 24 rows of 80 columns. `framed` doubles bytes 0x1c.
    pub(crate) fn new(framed: bool) -> Self {
        Line {
            settings: Termios::default(),
            input: Queue::default(),
            output: Output::new(framed),
            literal_next: false,
            erasing: false,
            window: Window {
                rows: 24,
                columns: 80,
                x_pixels: 0,
                y_pixels: 0,
            },
            session: None,
            foreground: None,
            last_byte_ns: 0,
            read_ends_ns: None,
            timer_ns: None,
            signals: VecDeque::new(),
            ready: false,
            drain_wanted: false,
            room_wanted: false,
            is_pair: false,
        }
    }

    /// The line of a pseudo-terminal, whose window nobody knows yet.
    pub(crate) fn of_pair() -> Self {
        let mut settings = Termios::default();
        settings.input &= !linux::IUTF8;
        settings.control &= !linux::HUPCL;
        Line {
            settings,
            window: Window {
                rows: 0,
                columns: 0,
                x_pixels: 0,
                y_pixels: 0,
            },
            is_pair: true,
            ..Line::new(false)
        }
    }

    /// Takes new settings.
    pub(crate) fn set(&mut self, settings: Termios) {
        let changed = (self.settings.local ^ settings.local) & linux::ICANON != 0;
        self.settings = settings;
        if changed {
            self.input.change_mode(settings.canonical());
            self.literal_next = false;
            self.erasing = false;
        }
        if !settings.i(linux::IXON) {
            self.output.stopped = false;
        }
        self.ready = true;
    }

    /// Drops unread input.
    pub(crate) fn flush_input(&mut self) {
        self.input.clear();
        self.literal_next = false;
        self.erasing = false;
    }

    /// Drops unsent output; writers may go on.
    pub(crate) fn flush_output(&mut self) {
        self.output.flush();
        self.ready = true;
    }

    /// `tcflow`.
    pub(crate) fn flow(&mut self, action: u32) -> Result<(), Errno> {
        match action {
            linux::TCOOFF => self.output.stopped = true,
            linux::TCOON => self.output.stopped = false,
            linux::TCIOFF => self.send_key(linux::VSTOP),
            linux::TCION => self.send_key(linux::VSTART),
            _ => return Err(Errno::EINVAL),
        }
        self.ready = true;
        Ok(())
    }

    fn send_key(&mut self, key: u32) {
        let byte = self.settings.key(key);
        if self.settings.is_key(key, byte) {
            self.output.send(byte);
        }
    }

    /// The next byte for the device. Tells `vfs` when a writer that waited may go on.
    pub(crate) fn next_output(&mut self) -> Option<u8> {
        let byte = self.output.next();
        if self.drain_wanted && (self.output.unsent() == 0 || self.writable()) {
            self.ready = true;
            self.drain_wanted = self.output.unsent() != 0;
        }
        byte
    }

    /// Whether a waiting writer should go on: half the room is free, so that it does not come back
    /// for every byte.
    pub(crate) fn writable(&self) -> bool {
        self.output.room() >= crate::UNSENT_BYTES / 2
    }

    /// Queues a signal for a group, unless the same one waits there already.
    pub(crate) fn raise(&mut self, pgid: u32, signal: u32) {
        let raised = Raised { pgid, signal };
        if !self.signals.contains(&raised) {
            self.signals.push_back(raised);
        }
    }

    /// Queues a signal for the foreground group.
    pub(crate) fn raise_foreground(&mut self, signal: u32) {
        if let Some(pgid) = self.foreground {
            self.raise(pgid, signal);
        }
    }
}
