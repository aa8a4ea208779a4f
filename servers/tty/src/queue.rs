//! Unread input. Invariant: the first `complete` entries may be read, the rest is the line being
//! edited (in raw mode there is no such rest).

use alloc::collections::VecDeque;
use serde::{Deserialize, Serialize};

/// What an entry ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mark {
    /// Nothing.
    Plain,
    /// A line; the byte belongs to it.
    Line,
    /// What was typed so far; the byte is the end-of-file key and not part of it.
    File,
}

/// One typed byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Typed {
    pub(crate) byte: u8,
    pub(crate) mark: Mark,
}

/// The queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Queue {
    entries: VecDeque<Typed>,
    complete: usize,
}

impl Queue {
    /// Bytes in all.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Entries that may be read.
    pub(crate) fn complete(&self) -> usize {
        self.complete
    }

    /// Length of the line being edited.
    pub(crate) fn edited(&self) -> usize {
        self.entries.len() - self.complete
    }

    /// The bytes of the line being edited.
    pub(crate) fn line(&self) -> impl DoubleEndedIterator<Item = u8> + '_ {
        self.entries
            .iter()
            .skip(self.complete)
            .map(|typed| typed.byte)
    }

    /// Takes the last byte of the line being edited off.
    pub(crate) fn erase(&mut self) -> Option<u8> {
        if self.edited() == 0 {
            return None;
        }
        self.entries.pop_back().map(|typed| typed.byte)
    }

    /// Drops the line being edited.
    pub(crate) fn kill(&mut self) {
        self.entries.truncate(self.complete);
    }

    /// Adds a byte to the line being edited.
    pub(crate) fn push(&mut self, byte: u8) {
        self.entries.push_back(Typed {
            byte,
            mark: Mark::Plain,
        });
    }

    /// Adds the byte that ends the line; all of it may be read now.
    pub(crate) fn finish(&mut self, byte: u8, mark: Mark) {
        self.entries.push_back(Typed { byte, mark });
        self.complete = self.entries.len();
    }

    /// Lets all be read, whatever it is.
    pub(crate) fn complete_all(&mut self) {
        self.complete = self.entries.len();
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.complete = 0;
    }

    /// What the next canonical read of up to `most` bytes takes: `entries` to remove, of which
    /// `bytes` are data.
    pub(crate) fn next_line(&self, most: usize) -> Take {
        let mut bytes = 0;
        for (at, typed) in self.entries.iter().take(self.complete).enumerate() {
            match typed.mark {
                // An end of file right behind a full buffer goes with it: a later read must not
                // take it for one at the start of a line.
                Mark::File => {
                    return Take {
                        entries: at + 1,
                        bytes,
                    };
                }
                _ if bytes == most => break,
                Mark::Line => {
                    return Take {
                        entries: at + 1,
                        bytes: bytes + 1,
                    };
                }
                Mark::Plain => bytes += 1,
            }
        }
        Take {
            entries: bytes,
            bytes,
        }
    }

    /// The first `bytes` bytes.
    pub(crate) fn peek(&self, bytes: usize) -> alloc::vec::Vec<u8> {
        self.entries
            .iter()
            .take(bytes)
            .map(|typed| typed.byte)
            .collect()
    }

    /// Removes entries that were read.
    pub(crate) fn remove(&mut self, entries: usize) {
        self.entries.drain(..entries.min(self.complete));
        self.complete = self.complete.saturating_sub(entries);
    }

    /// Data bytes that may be read, end-of-file marks not counted.
    pub(crate) fn readable_bytes(&self) -> usize {
        let complete = self.entries.iter().take(self.complete);
        complete.filter(|typed| typed.mark != Mark::File).count()
    }

    /// Forgets lines when the mode changes: what is there may be read, and (back in canonical mode)
    /// counts as one line.
    pub(crate) fn change_mode(&mut self, canonical: bool) {
        for typed in &mut self.entries {
            if typed.mark == Mark::File {
                typed.byte = 0;
            }
            typed.mark = Mark::Plain;
        }
        if let (true, Some(last)) = (canonical, self.entries.back_mut()) {
            last.mark = Mark::Line;
        }
        self.complete_all();
    }
}

/// What a read takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Take {
    /// Entries to remove.
    pub(crate) entries: usize,
    /// Data bytes among them, from the front.
    pub(crate) bytes: usize,
}
