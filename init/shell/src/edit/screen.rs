//! How the line looks on a terminal: what to write so that it shows text and cursor.
//!
//! A line longer than the terminal is shown through a window around the cursor, so that nothing
//! ever wraps and no answer of the terminal is needed.

use super::line::continues;
use crate::ast::Bytes;
use alloc::format;

/// What the terminal shows.
#[derive(Debug, Default)]
pub(super) struct Screen {
    prompt: Bytes,
    columns: usize,
    /// The text drawn last, with the cursor at its end: then typing on only adds to it.
    drawn: Bytes,
}

impl Screen {
    pub fn new(prompt: &[u8], columns: usize) -> Self {
        Screen {
            prompt: prompt.to_vec(),
            columns: columns.max(20),
            drawn: Bytes::new(),
        }
    }

    /// The prompt alone.
    pub fn start(&self) -> Bytes {
        self.prompt.clone()
    }

    /// Empties the screen.
    pub fn clear(&mut self, output: &mut Bytes) {
        output.extend_from_slice(b"\x1b[H\x1b[2J");
        self.drawn = b"\0".to_vec();
    }

    /// Shows the line behind the prompt.
    pub fn draw(&mut self, text: &[u8], cursor: usize, output: &mut Bytes) {
        let fits = width(&self.prompt) + width(text) < self.columns;
        match text.strip_prefix(self.drawn.as_slice()) {
            Some(added) if fits && cursor == text.len() => output.extend_from_slice(added),
            _ => {
                let prompt = core::mem::take(&mut self.prompt);
                self.redraw(&prompt, text, cursor, output);
                self.prompt = prompt;
            }
        }
        // Only with the cursor at the end can the next key be a plain addition.
        self.drawn = if cursor == text.len() && fits {
            text.to_vec()
        } else {
            b"\0".to_vec()
        };
    }

    /// Shows the line behind another prompt.
    pub fn draw_with(&mut self, prompt: &[u8], text: &[u8], cursor: usize, output: &mut Bytes) {
        self.redraw(prompt, text, cursor, output);
        self.drawn = b"\0".to_vec();
    }

    fn redraw(&self, prompt: &[u8], text: &[u8], cursor: usize, output: &mut Bytes) {
        let room = self.columns.saturating_sub(width(prompt) + 1).max(8);
        let (before, after) = text.split_at(cursor.min(text.len()));
        let before = last(before, room);
        let after = first(after, room - width(before));
        output.push(b'\r');
        output.extend_from_slice(prompt);
        output.extend_from_slice(before);
        output.extend_from_slice(after);
        output.extend_from_slice(b"\x1b[K");
        let back = width(after);
        if back > 0 {
            output.extend_from_slice(format!("\x1b[{back}D").as_bytes());
        }
    }

    /// Shows names in columns below the line.
    pub fn list(&mut self, names: &[Bytes], output: &mut Bytes) {
        let widest = names.iter().map(|name| width(name)).max().unwrap_or(0) + 2;
        let per_row = (self.columns / widest).max(1);
        for row in names.chunks(per_row) {
            output.extend_from_slice(b"\r\n");
            for name in row {
                output.extend_from_slice(name);
                output.extend(core::iter::repeat_n(b' ', widest - width(name)));
            }
        }
        output.extend_from_slice(b"\r\n");
        self.drawn = b"\0".to_vec();
    }
}

/// Columns that a text takes: one for each character.
fn width(text: &[u8]) -> usize {
    text.iter().filter(|byte| !continues(**byte)).count()
}

/// The last characters of a text that fit.
fn last(text: &[u8], room: usize) -> &[u8] {
    let mut rest = text;
    while width(rest) > room {
        rest = rest.get(1..).unwrap_or(b"");
        while rest.first().is_some_and(|byte| continues(*byte)) {
            rest = &rest[1..];
        }
    }
    rest
}

/// The first characters of a text that fit.
fn first(text: &[u8], room: usize) -> &[u8] {
    let mut columns = 0;
    let end = text.iter().position(|byte| {
        columns += usize::from(!continues(*byte));
        columns > room
    });
    text.get(..end.unwrap_or(text.len())).unwrap_or(b"")
}
