//! Words: quotes and `$` expansions.

use super::{Error, MAX_DEPTH, Parser, Token, lexer::Lexer, syntax};
use crate::ast::{Bytes, Part, Script, Word};
use alloc::vec::Vec;

/// Where the text stands that is being read.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Context {
    /// A word of a command: ends at a blank or operator.
    Bare,
    /// Inside double quotes: ends at `"`.
    Double,
    /// The word of `${x-word}`: ends at `}`.
    Brace,
    /// The same inside double quotes: `'` is no quote there.
    DoubleBrace,
    /// Inside `$((`: ends at `))`.
    Arithmetic,
    /// A here-document: ends with the text.
    Here,
}

impl Context {
    /// Whether text here is as inside double quotes.
    fn is_quoted(self) -> bool {
        !matches!(self, Context::Bare | Context::Brace)
    }
}

/// Collects parts, joining neighbouring bytes of bare text.
#[derive(Default)]
pub(super) struct Parts(Vec<Part>);

impl Parts {
    fn literal(&mut self, byte: u8) {
        match self.0.last_mut() {
            Some(Part::Literal(text)) => text.push(byte),
            _ => self.0.push(Part::Literal(alloc::vec![byte])),
        }
    }

    fn quoted(&mut self, text: &[u8]) {
        match self.0.last_mut() {
            Some(Part::Quoted(before)) => before.extend_from_slice(text),
            _ => self.0.push(Part::Quoted(text.to_vec())),
        }
    }

    /// Adds a byte as text that is quoted or not, as the context says.
    fn text(&mut self, byte: u8, context: Context) {
        if context.is_quoted() {
            self.quoted(&[byte])
        } else {
            self.literal(byte)
        }
    }
}

impl Lexer<'_> {
    /// Takes a word of a command.
    pub fn word(&mut self, depth: u32) -> Result<Word, Error> {
        let mut parts = Parts::default();
        if let Some(user) = self.tilde() {
            parts.0.push(Part::Tilde(user));
        }
        self.parts(Context::Bare, depth, &mut parts)?;
        Ok(Word(parts.0))
    }

    /// Takes text up to the end that the context has; the end itself stays.
    pub fn text(&mut self, context: Context, depth: u32) -> Result<Word, Error> {
        if depth >= MAX_DEPTH {
            return Err(syntax("nested too deeply"));
        }
        let mut parts = Parts::default();
        if context == Context::Brace
            && let Some(user) = self.tilde()
        {
            parts.0.push(Part::Tilde(user));
        }
        self.parts(context, depth + 1, &mut parts)?;
        Ok(Word(parts.0))
    }

    fn parts(&mut self, context: Context, depth: u32, parts: &mut Parts) -> Result<(), Error> {
        let mut parentheses = 0u32;
        while let Some(byte) = self.byte() {
            if parentheses == 0 && self.at_end_of(context, byte) {
                return Ok(());
            }
            if context == Context::Arithmetic {
                match byte {
                    b'(' => parentheses += 1,
                    b')' => parentheses = parentheses.saturating_sub(1),
                    _ => {}
                }
            }
            self.part(byte, context, depth, parts)?;
        }
        match context {
            Context::Bare | Context::Here => Ok(()),
            _ => Err(Error::Incomplete),
        }
    }

    fn at_end_of(&self, context: Context, byte: u8) -> bool {
        match context {
            Context::Bare => matches!(
                byte,
                b' ' | b'\t' | b'\r' | b'\n' | b'<' | b'>' | b'|' | b'&' | b';' | b'(' | b')' | 0
            ),
            Context::Double => byte == b'"',
            Context::Brace | Context::DoubleBrace => byte == b'}',
            Context::Arithmetic => self.starts_with("))"),
            Context::Here => false,
        }
    }

    /// Takes one piece that starts with `byte`.
    fn part(
        &mut self,
        byte: u8,
        context: Context,
        depth: u32,
        parts: &mut Parts,
    ) -> Result<(), Error> {
        match byte {
            b'\\' => self.backslash(context, parts),
            b'\'' if matches!(context, Context::Bare | Context::Brace) => self.single(parts),
            b'"' if matches!(
                context,
                Context::Bare | Context::Brace | Context::DoubleBrace
            ) =>
            {
                self.advance(1);
                let inner = self.text(Context::Double, depth)?;
                self.advance(1);
                parts.0.push(Part::Double(inner.0));
                Ok(())
            }
            b'$' => self.dollar(context, depth, parts),
            b'`' => {
                let script = self.backquotes(context, depth)?;
                parts.0.push(Part::Command(script));
                Ok(())
            }
            _ => {
                self.advance(1);
                parts.text(byte, context);
                Ok(())
            }
        }
    }

    /// Takes a backslash and what it quotes (POSIX 2.2.1 and 2.2.3).
    fn backslash(&mut self, context: Context, parts: &mut Parts) -> Result<(), Error> {
        self.advance(1);
        let Some(byte) = self.byte() else {
            // At the very end of the text it stands for itself; a terminal would continue the line.
            parts.quoted(b"\\");
            return Ok(());
        };
        self.advance(1);
        let special = match context {
            Context::Bare | Context::Brace => true,
            Context::Double => matches!(byte, b'$' | b'`' | b'"' | b'\\' | b'\n'),
            Context::DoubleBrace => matches!(byte, b'$' | b'`' | b'"' | b'\\' | b'\n' | b'}'),
            Context::Here | Context::Arithmetic => matches!(byte, b'$' | b'`' | b'\\' | b'\n'),
        };
        match (special, byte) {
            (true, b'\n') => {}
            (true, _) => parts.quoted(&[byte]),
            (false, _) => parts.quoted(&[b'\\', byte]),
        }
        Ok(())
    }

    /// Takes `'…'`.
    fn single(&mut self, parts: &mut Parts) -> Result<(), Error> {
        self.advance(1);
        let rest = self.source().get(self.position()..).unwrap_or(b"");
        let length = rest
            .iter()
            .position(|byte| *byte == b'\'')
            .ok_or(Error::Incomplete)?;
        parts.quoted(&rest[..length]);
        self.advance(length + 1);
        Ok(())
    }

    /// Takes what starts with `$`.
    fn dollar(&mut self, context: Context, depth: u32, parts: &mut Parts) -> Result<(), Error> {
        if self.starts_with("$((") && self.is_arithmetic() {
            let word = self.arithmetic(depth)?;
            parts.0.push(Part::Arithmetic(word));
        } else if self.starts_with("$(") {
            self.advance(2);
            let script = self.substitution(depth)?;
            parts.0.push(Part::Command(script));
        } else if let Some(parameter) = self.parameter(context.is_quoted(), depth)? {
            parts.0.push(Part::Parameter(parameter.into()));
        } else {
            self.advance(1);
            parts.text(b'$', context);
        }
        Ok(())
    }

    /// Takes `$((…))`.
    fn arithmetic(&mut self, depth: u32) -> Result<Word, Error> {
        self.advance(3);
        let word = self.text(Context::Arithmetic, depth)?;
        self.advance(2);
        Ok(word)
    }

    /// Whether `$((` here is closed by `))`; else it is a command substitution with a subshell.
    fn is_arithmetic(&self) -> bool {
        let mut open = 2;
        for (byte, next) in
            (3..).map_while(|at| Some((self.byte_after(at)?, self.byte_after(at + 1))))
        {
            match byte {
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
            if open == 1 {
                return next == Some(b')');
            }
        }
        true
    }

    /// Takes the commands of `$(` and the closing `)`.
    fn substitution(&mut self, depth: u32) -> Result<Script, Error> {
        if depth >= MAX_DEPTH {
            return Err(syntax("nested too deeply"));
        }
        let mut lexer = Lexer::new(self.source(), self.position());
        lexer.set_skip(self.skip());
        let mut parser = Parser {
            lexer,
            peeked: None,
            depth: depth + 1,
        };
        let script = parser.list()?;
        parser.expect(&Token::Operator(")"))?;
        self.set_position(parser.lexer.position());
        self.set_skip(parser.lexer.skip());
        Ok(script)
    }

    /// Takes a command substitution in backquotes: its text is unquoted first, then parsed.
    fn backquotes(&mut self, context: Context, depth: u32) -> Result<Script, Error> {
        if depth >= MAX_DEPTH {
            return Err(syntax("nested too deeply"));
        }
        self.advance(1);
        let mut text = Bytes::new();
        loop {
            match (self.take_byte()?, self.byte()) {
                (b'`', _) => break,
                (b'\\', Some(byte @ (b'$' | b'`' | b'\\'))) => {
                    text.push(byte);
                    self.advance(1);
                }
                (b'\\', Some(b'"')) if context == Context::Double => {
                    text.push(b'"');
                    self.advance(1);
                }
                (byte, _) => text.push(byte),
            }
        }
        let mut parser = Parser {
            lexer: Lexer::new(&text, 0),
            peeked: None,
            depth: depth + 1,
        };
        let script = parser.list().and_then(|script| {
            parser.expect(&Token::End)?;
            Ok(script)
        });
        script.map_err(|error| match error {
            Error::Incomplete => syntax("end of file in backquotes"),
            other => other,
        })
    }

    /// Takes a `~` or `~user` at the start of a word.
    fn tilde(&mut self) -> Option<Bytes> {
        if self.byte() != Some(b'~') {
            return None;
        }
        let rest = self.source().get(self.position() + 1..)?;
        let length = rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
            .count();
        match rest.get(length) {
            None | Some(b'/' | b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')' | b':' | b'}') => {
                self.advance(1 + length);
                Some(rest[..length].to_vec())
            }
            Some(_) => None,
        }
    }
}
