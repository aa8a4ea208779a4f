//! Here-documents: text that stands behind the line that asks for it.

use super::{Error, lexer::Lexer, word::Context};
use crate::ast::{Bytes, Part, Word};

/// Whether tabs at the start of each line are taken away (`<<-`).
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Tabs {
    /// `<<`.
    Keep,
    /// `<<-`.
    Strip,
}

impl Lexer<'_> {
    /// Reads the here-document that `end` closes, and remembers to skip it at the line's end.
    pub fn heredoc(&mut self, end: &Word, tabs: Tabs, depth: u32) -> Result<Word, Error> {
        let (line_end, start) = match self.skip() {
            Some(skip) => skip,
            None => self.line_end()?,
        };
        let (delimiter, quoted) = plain(end);
        let (text, after) = self.heredoc_text(start, &delimiter, tabs)?;
        self.set_skip(Some((line_end, after)));
        if quoted {
            return Ok(Word(alloc::vec![Part::Quoted(text)]));
        }
        Lexer::new(&text, 0).text(Context::Here, depth)
    }

    /// Where this line ends and the next starts.
    fn line_end(&self) -> Result<(usize, usize), Error> {
        let rest = self.source().get(self.position()..).unwrap_or(b"");
        let length = rest
            .iter()
            .position(|b| *b == b'\n')
            .ok_or(Error::Incomplete)?;
        let line_end = self.position() + length;
        Ok((line_end, line_end + 1))
    }

    /// The lines from `start` to before `delimiter`, and where the next command starts.
    fn heredoc_text(
        &self,
        start: usize,
        delimiter: &[u8],
        tabs: Tabs,
    ) -> Result<(Bytes, usize), Error> {
        let mut text = Bytes::new();
        let mut at = start;
        loop {
            let rest = self.source().get(at..).unwrap_or(b"");
            if rest.is_empty() {
                return Err(Error::Incomplete);
            }
            let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            let mut line = rest.get(..length).unwrap_or(b"");
            at += (length + 1).min(rest.len());
            if tabs == Tabs::Strip {
                let count = line.iter().take_while(|b| **b == b'\t').count();
                line = line.get(count..).unwrap_or(b"");
            }
            if line == delimiter {
                return Ok((text, at));
            }
            text.extend_from_slice(line);
            text.push(b'\n');
        }
    }
}

/// The text of a delimiter, and whether any of it was quoted (then nothing is expanded).
fn plain(word: &Word) -> (Bytes, bool) {
    let mut text = Bytes::new();
    let mut quoted = false;
    for part in &word.0 {
        match part {
            Part::Literal(bytes) => text.extend_from_slice(bytes),
            Part::Quoted(bytes) => {
                quoted = true;
                text.extend_from_slice(bytes);
            }
            Part::Double(parts) => {
                quoted = true;
                text.extend(plain(&Word(parts.clone())).0);
            }
            Part::Parameter(_) | Part::Command(_) | Part::Arithmetic(_) | Part::Tilde(_) => {}
        }
    }
    (text, quoted)
}
