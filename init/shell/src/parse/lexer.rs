//! Characters to tokens, on demand.

use super::{Error, syntax};
use crate::ast::Word;
use alloc::{format, string::String};

/// A token of the grammar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A word, perhaps a reserved one: the grammar decides.
    Word(Word),
    /// A number that stands directly before `<` or `>`.
    Descriptor(u32),
    /// `&& || ;; ; & | ( )` and the redirection operators.
    Operator(&'static str),
    /// The end of a line.
    Newline,
    /// The end of the text.
    End,
}

/// A token and where it starts.
pub(super) struct Spanned {
    pub token: Token,
    pub start: usize,
}

/// Longest first, so that the first that fits is the right one.
const OPERATORS: [&str; 17] = [
    "<<-", "&&", "||", ";;", "<<", ">>", "<&", ">&", "<>", ">|", "<", ">", ";", "&", "|", "(", ")",
];

impl Token {
    /// The text of a word without quotes and expansions.
    pub fn literal(&self) -> Option<&[u8]> {
        match self {
            Token::Word(word) => word.as_literal(),
            _ => None,
        }
    }

    /// How the token is named in an error message.
    pub fn name(&self) -> String {
        match self {
            Token::Word(word) => match word.as_literal() {
                Some(text) => format!("\"{}\"", String::from_utf8_lossy(text)),
                None => String::from("word"),
            },
            Token::Descriptor(number) => format!("\"{number}\""),
            Token::Operator(text) => format!("\"{text}\""),
            Token::Newline => String::from("newline"),
            Token::End => String::from("end of file"),
        }
    }
}

/// A position in the text, and the line break behind which here-documents were already read.
pub(super) struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    /// The line end at .0 continues at .1: between them stand here-documents already read.
    skip: Option<(usize, usize)>,
}

impl<'a> Lexer<'a> {
    pub fn new(source: &'a [u8], at: usize) -> Self {
        Lexer {
            source,
            at,
            skip: None,
        }
    }

    pub fn source(&self) -> &'a [u8] {
        self.source
    }

    pub fn position(&self) -> usize {
        self.at
    }

    pub fn set_position(&mut self, at: usize) {
        self.at = at;
    }

    pub fn skip(&self) -> Option<(usize, usize)> {
        self.skip
    }

    pub fn set_skip(&mut self, skip: Option<(usize, usize)>) {
        self.skip = skip;
    }

    pub fn byte(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    pub fn byte_after(&self, count: usize) -> Option<u8> {
        self.source.get(self.at + count).copied()
    }

    pub fn advance(&mut self, count: usize) {
        self.at = (self.at + count).min(self.source.len());
    }

    pub fn starts_with(&self, text: &str) -> bool {
        self.source
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    /// Takes the next byte, which must be there.
    pub fn take_byte(&mut self) -> Result<u8, Error> {
        let byte = self.byte().ok_or(Error::Incomplete)?;
        self.at += 1;
        Ok(byte)
    }

    /// Takes the next token.
    pub fn next(&mut self, depth: u32) -> Result<Spanned, Error> {
        self.skip_blanks();
        let start = self.at;
        let token = self.token(depth)?;
        Ok(Spanned { token, start })
    }

    fn token(&mut self, depth: u32) -> Result<Token, Error> {
        match self.byte() {
            None => return Ok(Token::End),
            Some(b'\n') => return Ok(self.newline()),
            Some(0) => return Err(syntax("null byte in script")),
            Some(_) => {}
        }
        if let Some(number) = self.descriptor() {
            return Ok(Token::Descriptor(number));
        }
        for operator in OPERATORS {
            if self.starts_with(operator) {
                self.advance(operator.len());
                return Ok(Token::Operator(operator));
            }
        }
        Ok(Token::Word(self.word(depth)?))
    }

    /// Passes a line end, and the here-documents that follow it.
    fn newline(&mut self) -> Token {
        self.at = match self.skip.take() {
            Some((line_end, after)) if line_end == self.at => after,
            other => {
                self.skip = other;
                self.at + 1
            }
        };
        Token::Newline
    }

    /// Skips blanks, continued lines and a comment.
    fn skip_blanks(&mut self) {
        loop {
            if matches!(self.byte(), Some(b' ' | b'\t' | b'\r')) {
                self.advance(1);
            } else if self.starts_with("\\\n") {
                self.advance(2);
            } else if self.byte() == Some(b'#') {
                while self.byte().is_some_and(|byte| byte != b'\n') {
                    self.advance(1);
                }
            } else {
                return;
            }
        }
    }

    /// Takes digits that stand directly before a redirection operator.
    fn descriptor(&mut self) -> Option<u32> {
        let digits = self
            .source
            .get(self.at..)?
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        if digits == 0 || digits > 4 || !matches!(self.byte_after(digits), Some(b'<' | b'>')) {
            return None;
        }
        let text = core::str::from_utf8(self.source.get(self.at..self.at + digits)?).ok()?;
        let number = text.parse().ok()?;
        self.advance(digits);
        Some(number)
    }
}
