//! The text of the line and the cursor in it, which never stands inside a character.

use crate::ast::Bytes;

/// A line and its cursor (a byte offset).
#[derive(Debug, Default)]
pub(super) struct Line {
    text: Bytes,
    cursor: usize,
}

/// Whether a byte continues a UTF-8 character.
pub(super) fn continues(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

impl Line {
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    pub fn cursor(&self) -> usize {
        self.cursor
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub fn before_cursor(&self) -> &[u8] {
        self.text.get(..self.cursor).unwrap_or(b"")
    }

    /// Empties the line and gives its text.
    pub fn take(&mut self) -> Bytes {
        self.cursor = 0;
        core::mem::take(&mut self.text)
    }

    pub fn replace(&mut self, text: &[u8]) {
        self.text = text.to_vec();
        self.cursor = self.text.len();
    }

    /// Replaces what stands between `start` and the cursor.
    pub fn replace_before_cursor(&mut self, start: usize, text: &[u8]) {
        let start = start.min(self.cursor);
        self.text.splice(start..self.cursor, text.iter().copied());
        self.cursor = start + text.len();
    }

    pub fn insert(&mut self, text: &[u8]) {
        self.text
            .splice(self.cursor..self.cursor, text.iter().copied());
        self.cursor += text.len();
    }

    pub fn home(&mut self) {
        self.cursor = 0;
    }

    pub fn end(&mut self) {
        self.cursor = self.text.len();
    }

    pub fn left(&mut self) {
        self.cursor = self.previous();
    }

    pub fn right(&mut self) {
        self.cursor = self.next();
    }

    pub fn word_left(&mut self) {
        self.cursor = self.word_start();
    }

    pub fn word_right(&mut self) {
        let rest = self.text.get(self.cursor..).unwrap_or(b"");
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        let word = rest
            .iter()
            .skip(blanks)
            .take_while(|byte| **byte != b' ')
            .count();
        self.cursor += blanks + word;
    }

    pub fn backspace(&mut self) {
        let start = self.previous();
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }

    pub fn delete(&mut self) {
        let end = self.next();
        self.text.drain(self.cursor..end);
    }

    pub fn kill_to_end(&mut self) -> Bytes {
        self.text.split_off(self.cursor)
    }

    pub fn kill_to_start(&mut self) -> Bytes {
        self.kill_from(0)
    }

    pub fn kill_word(&mut self) -> Bytes {
        self.kill_from(self.word_start())
    }

    fn kill_from(&mut self, start: usize) -> Bytes {
        let killed = self.text.drain(start..self.cursor).collect();
        self.cursor = start;
        killed
    }

    /// Where the character before the cursor starts.
    fn previous(&self) -> usize {
        let before = self.before_cursor();
        before
            .iter()
            .rposition(|byte| !continues(*byte))
            .unwrap_or(0)
    }

    /// Where the character at the cursor ends.
    fn next(&self) -> usize {
        let rest = self.text.get(self.cursor..).unwrap_or(b"");
        let more = rest
            .iter()
            .skip(1)
            .take_while(|byte| continues(**byte))
            .count();
        self.cursor + rest.len().min(1 + more)
    }

    /// Where the word before the cursor starts.
    fn word_start(&self) -> usize {
        let before = self.before_cursor();
        let end = before
            .iter()
            .rposition(|byte| *byte != b' ')
            .map_or(0, |last| last + 1);
        before[..end]
            .iter()
            .rposition(|byte| *byte == b' ')
            .map_or(0, |blank| blank + 1)
    }
}
