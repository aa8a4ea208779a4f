//! Lines typed before, and where in them the user is.

use crate::ast::Bytes;
use alloc::vec::Vec;

/// Lines that are kept.
const MOST: usize = 500;

/// The history, oldest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    lines: Vec<Bytes>,
    /// The line shown, if it is not the new one.
    at: Option<usize>,
    /// The new line, as it was when the user left it.
    draft: Bytes,
}

impl History {
    /// Adds a line, unless it is blank or the same as the last.
    pub fn add(&mut self, line: &[u8]) {
        self.leave();
        if line.trim_ascii().is_empty() || self.lines.last().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() >= MOST {
            self.lines.remove(0);
        }
        self.lines.push(line.to_vec());
    }

    /// All lines, oldest first.
    pub fn lines(&self) -> &[Bytes] {
        &self.lines
    }

    /// Goes back to the new line.
    pub fn leave(&mut self) {
        self.at = None;
        self.draft.clear();
    }

    /// The line before the one shown.
    pub fn older(&mut self, shown: &[u8]) -> Option<Bytes> {
        let next = match self.at {
            None => {
                self.draft = shown.to_vec();
                self.lines.len().checked_sub(1)?
            }
            Some(at) => at.checked_sub(1)?,
        };
        self.at = Some(next);
        self.lines.get(next).cloned()
    }

    /// The line after the one shown; behind the last is the new line.
    pub fn newer(&mut self) -> Option<Bytes> {
        let next = self.at? + 1;
        match self.lines.get(next) {
            Some(line) => {
                self.at = Some(next);
                Some(line.clone())
            }
            None => {
                self.at = None;
                Some(core::mem::take(&mut self.draft))
            }
        }
    }

    /// The latest line that holds `wanted`; `further` looks before the one shown.
    pub fn search(&mut self, wanted: &[u8], further: bool) -> Option<Bytes> {
        let end = match self.at {
            Some(at) => at + usize::from(!further),
            None => self.lines.len(),
        };
        let holds = |line: &Bytes| {
            wanted.is_empty() || line.windows(wanted.len()).any(|window| window == wanted)
        };
        let found = self.lines.get(..end)?.iter().rposition(holds)?;
        self.at = Some(found);
        self.lines.get(found).cloned()
    }
}
