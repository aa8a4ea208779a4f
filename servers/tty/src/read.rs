//! When a read may go on, and with how much (termios(3): canonical mode, `VMIN` and `VTIME`).

use crate::{line::Line, queue::Take};
use abi::linux::general as linux;

/// `VTIME` counts tenths of a second.
const TENTH_NS: u64 = 100_000_000;

/// What a read of a line leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// This much, which may be nothing (end of file, time over).
    Now(Take),
    /// Nothing yet.
    Later,
}

const NOTHING: Reading = Reading::Now(Take {
    entries: 0,
    bytes: 0,
});

impl Line {
    /// What a read of up to `most` bytes takes; nothing is removed yet. May set the timer.
    pub(crate) fn reading(&mut self, most: usize, now_ns: u64) -> Reading {
        if most == 0 {
            return NOTHING;
        }
        if !self.settings.canonical() {
            return self.raw_reading(most, now_ns);
        }
        if self.input.complete() == 0 {
            return Reading::Later;
        }
        Reading::Now(self.input.next_line(most))
    }

    fn raw_reading(&mut self, most: usize, now_ns: u64) -> Reading {
        let minimum = usize::from(self.settings.key(linux::VMIN));
        let time_ns = u64::from(self.settings.key(linux::VTIME)) * TENTH_NS;
        let bytes = self.input.complete().min(most);
        let all = Reading::Now(Take {
            entries: bytes,
            bytes,
        });
        if bytes > 0 && bytes >= minimum.min(most) {
            return all;
        }
        match (minimum, time_ns) {
            (0, 0) => NOTHING,
            (0, _) => self.timed_reading(now_ns, time_ns),
            (_, 0) => Reading::Later,
            _ if bytes == 0 => Reading::Later,
            _ if now_ns >= self.last_byte_ns.saturating_add(time_ns) => all,
            _ => {
                self.timer_ns = Some(self.last_byte_ns.saturating_add(time_ns));
                Reading::Later
            }
        }
    }

    /// `VMIN` 0: the first attempt starts the time, an attempt after its end reads nothing.
    fn timed_reading(&mut self, now_ns: u64, time_ns: u64) -> Reading {
        let end = *self
            .read_ends_ns
            .get_or_insert(now_ns.saturating_add(time_ns));
        if now_ns >= end {
            self.read_ends_ns = None;
            return NOTHING;
        }
        self.timer_ns = Some(end);
        Reading::Later
    }

    /// Removes what was read.
    pub(crate) fn finish_reading(&mut self, take: Take) {
        self.input.remove(take.entries);
        self.read_ends_ns = None;
    }

    /// Whether a read would not wait: `VMIN` counts unless `VTIME` would end the wait.
    pub(crate) fn readable(&self) -> bool {
        let minimum = usize::from(self.settings.key(linux::VMIN)).max(1);
        let timed = self.settings.key(linux::VTIME) > 0;
        let needed = if self.settings.canonical() || timed {
            1
        } else {
            minimum
        };
        self.input.complete() >= needed
    }

    /// The time `VTIME` waits for is over: `vfs` shall ask again.
    pub(crate) fn tick(&mut self, now_ns: u64) {
        if self.timer_ns.is_some_and(|end| now_ns >= end) {
            self.timer_ns = None;
            self.ready = true;
        }
    }
}
