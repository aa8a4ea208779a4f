//! `$name` and `${name…}`.

use super::{Error, lexer::Lexer, syntax, word::Context};
use crate::ast::{Absent, Bytes, End, Extent, Operation, Parameter, is_name_byte};

impl Lexer<'_> {
    /// Takes a parameter expansion; `None` if the `$` stands for itself.
    pub fn parameter(&mut self, quoted: bool, depth: u32) -> Result<Option<Parameter>, Error> {
        if self.starts_with("${") {
            self.advance(2);
            return self.braced(quoted, depth).map(Some);
        }
        let length = match self.byte_after(1) {
            Some(byte) if is_special(byte) || byte.is_ascii_digit() => 1,
            Some(byte) if is_name_byte(byte) => self.name_length(1),
            _ => return Ok(None),
        };
        self.advance(1);
        let name = self.take_text(length);
        Ok(Some(Parameter {
            name,
            operation: Operation::Plain,
        }))
    }

    /// Takes what follows `${`, and the `}`.
    fn braced(&mut self, quoted: bool, depth: u32) -> Result<Parameter, Error> {
        let is_length = self.byte() == Some(b'#')
            && !matches!(
                self.byte_after(1),
                Some(b'}' | b'-' | b'=' | b'?' | b'+' | b':' | b'%')
            );
        if is_length {
            self.advance(1);
        }
        let name = self.braced_name()?;
        let operation = if is_length {
            Operation::Length
        } else {
            self.operation(quoted, depth)?
        };
        match self.take_byte()? {
            b'}' => Ok(Parameter { name, operation }),
            _ => Err(syntax("bad substitution")),
        }
    }

    fn braced_name(&mut self) -> Result<Bytes, Error> {
        let length = match self.byte().ok_or(Error::Incomplete)? {
            byte if is_special(byte) => 1,
            byte if is_name_byte(byte) => self.name_length(0),
            _ => return Err(syntax("bad substitution")),
        };
        Ok(self.take_text(length))
    }

    /// Takes the operator of `${x…}` and its word.
    fn operation(&mut self, quoted: bool, depth: u32) -> Result<Operation, Error> {
        let absent = match (self.byte(), self.byte_after(1)) {
            (Some(b':'), Some(b'-' | b'=' | b'+' | b'?')) => {
                self.advance(1);
                Absent::UnsetOrEmpty
            }
            _ => Absent::Unset,
        };
        let operator = match self.byte().ok_or(Error::Incomplete)? {
            byte @ (b'-' | b'=' | b'+' | b'?' | b'#' | b'%') => byte,
            _ => return Ok(Operation::Plain),
        };
        self.advance(1);
        let end = if operator == b'#' {
            End::Front
        } else {
            End::Back
        };
        let mut extent = Extent::Shortest;
        if matches!(operator, b'#' | b'%') && self.byte() == Some(operator) {
            self.advance(1);
            extent = Extent::Longest;
        }
        // The pattern of a trim is quoted on its own, even inside double quotes (POSIX 2.6.2).
        let is_trim = matches!(operator, b'#' | b'%');
        let context = if quoted && !is_trim {
            Context::DoubleBrace
        } else {
            Context::Brace
        };
        let word = self.text(context, depth)?;
        Ok(match operator {
            b'-' => Operation::Default(absent, word),
            b'=' => Operation::Assign(absent, word),
            b'+' => Operation::Alternative(absent, word),
            b'?' => Operation::Error(absent, word),
            _ => Operation::Trim(end, extent, word),
        })
    }

    /// How many bytes from `skip` on belong to a name or number.
    fn name_length(&self, skip: usize) -> usize {
        let mut length = 0;
        while self.byte_after(skip + length).is_some_and(is_name_byte) {
            length += 1;
        }
        length
    }

    /// Takes `length` bytes.
    fn take_text(&mut self, length: usize) -> Bytes {
        let start = self.position();
        self.advance(length);
        self.source()
            .get(start..start + length)
            .unwrap_or(b"")
            .to_vec()
    }
}

/// Whether `byte` names a special parameter.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'?' | b'$' | b'!' | b'#' | b'@' | b'*' | b'-')
}
