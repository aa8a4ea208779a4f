//! From text to [`ast`](crate::ast): a recursive-descent parser of the POSIX shell grammar.
//!
//! The lexer works on demand, because the grammar decides what a character means: `)` ends a
//! command substitution, `#` a comment only where a word could start, and a here-document starts
//! behind the line that asks for it. Any input gives a tree or an [`Error`], never a panic.
//!
//! (POSIX.1-2017, Shell Command Language, 2.10 "Shell Grammar".)

mod command;
mod compound;
mod heredoc;
mod lexer;
mod parameter;
mod word;

use crate::ast::{Bytes, Script};
use alloc::{format, string::String};
use lexer::{Lexer, Spanned, Token};

/// Why text is not a script.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// It ends in the middle of something: more input may complete it.
    Incomplete,
    /// It cannot become a script whatever follows. The text says what was not expected.
    Syntax(String),
}

/// Structures that may stand inside each other, so that hostile input cannot exhaust the stack.
const MAX_DEPTH: u32 = 64;

/// Bytes of a file that decide whether it is a script.
const JUDGED_BYTES: usize = 80;

/// Whether a file that starts so is no script but data: a program that the system refused, or with
/// a NUL in its first line. Running such a file as a script could do anything.
pub fn is_binary(file: &[u8]) -> bool {
    let start = &file[..file.len().min(JUDGED_BYTES)];
    let line = start.split(|byte| *byte == b'\n').next();
    start.starts_with(b"\x7fELF") || line.is_some_and(|line| line.contains(&0))
}

/// Parses all of `source`.
///
/// # Errors
/// [`Error`] if it is not a whole script.
pub fn parse(source: &[u8]) -> Result<Script, Error> {
    let mut parser = Parser::new(source);
    let mut items = alloc::vec::Vec::new();
    while let Some(script) = parser.next_line()? {
        items.extend(script.0);
    }
    Ok(Script(items))
}

/// A parser over one text.
pub struct Parser<'a> {
    lexer: Lexer<'a>,
    peeked: Option<Spanned>,
    depth: u32,
}

impl<'a> Parser<'a> {
    /// A parser that starts at the beginning of `source`.
    pub fn new(source: &'a [u8]) -> Self {
        Parser {
            lexer: Lexer::new(source, 0),
            peeked: None,
            depth: 0,
        }
    }

    /// Parses the commands up to the next line end that no structure contains; `None` at the end.
    ///
    /// A script is run line by line, so that what stands before a mistake has already happened.
    ///
    /// # Errors
    /// [`Error`] if the text is wrong or ends too early.
    pub fn next_line(&mut self) -> Result<Option<Script>, Error> {
        self.skip_newlines()?;
        if *self.peek()? == Token::End {
            return Ok(None);
        }
        let script = self.line()?;
        match self.peek()? {
            Token::Newline | Token::End => Ok(Some(script)),
            _ => Err(self.unexpected()),
        }
    }

    /// Looks at the next token without taking it.
    fn peek(&mut self) -> Result<&Token, Error> {
        if self.peeked.is_none() {
            self.peeked = Some(self.lexer.next(self.depth)?);
        }
        Ok(self
            .peeked
            .as_ref()
            .map_or(&Token::End, |spanned| &spanned.token))
    }

    /// Takes the next token.
    fn take(&mut self) -> Result<Token, Error> {
        self.peek()?;
        Ok(self
            .peeked
            .take()
            .map_or(Token::End, |spanned| spanned.token))
    }

    /// Takes the next token if it is `wanted`.
    fn accept(&mut self, wanted: &Token) -> Result<bool, Error> {
        let found = self.peek()? == wanted;
        if found {
            self.peeked = None;
        }
        Ok(found)
    }

    /// Takes the operator `wanted`, which must be next.
    fn expect(&mut self, wanted: &Token) -> Result<(), Error> {
        if self.accept(wanted)? {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// Whether the next token is the reserved word `word`.
    fn at_reserved(&mut self, word: &str) -> Result<bool, Error> {
        Ok(self.peek()?.literal() == Some(word.as_bytes()))
    }

    /// Takes the reserved word `word`, which must be next.
    fn expect_reserved(&mut self, word: &str) -> Result<(), Error> {
        if !self.at_reserved(word)? {
            return Err(self.unexpected());
        }
        self.take()?;
        Ok(())
    }

    /// Skips line ends.
    fn skip_newlines(&mut self) -> Result<(), Error> {
        while self.accept(&Token::Newline)? {}
        Ok(())
    }

    /// The error for the token that is next.
    fn unexpected(&mut self) -> Error {
        match self.peek() {
            Ok(Token::End) => Error::Incomplete,
            Ok(token) => Error::Syntax(format!("syntax error: {} unexpected", token.name())),
            Err(error) => error,
        }
    }

    /// Where the next token starts in the source.
    fn position(&mut self) -> Result<usize, Error> {
        self.peek()?;
        Ok(self
            .peeked
            .as_ref()
            .map_or(self.lexer.position(), |spanned| spanned.start))
    }

    /// The source from `start` to before the next token, without blanks at its end.
    fn text_since(&mut self, start: usize) -> Bytes {
        let end = self.position().unwrap_or(start);
        self.lexer
            .source()
            .get(start..end)
            .unwrap_or(b"")
            .trim_ascii_end()
            .to_vec()
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(syntax("nested too deeply"));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }
}

/// A syntax error with this reason.
fn syntax(reason: &str) -> Error {
    Error::Syntax(format!("syntax error: {reason}"))
}
