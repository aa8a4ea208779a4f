//! Fields under construction: text, the pattern it is for file names, and where it splits.

use super::pattern;
use crate::ast::Bytes;
use alloc::vec::Vec;

/// A finished field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    /// The field without quotes.
    pub text: Bytes,
    /// The same as a pattern: quoted characters are escaped.
    pub pattern: Bytes,
    /// Whether an unquoted pattern character is in it.
    pub is_pattern: bool,
}

/// Whether unquoted expansions split into fields.
#[derive(Clone, Copy, PartialEq)]
pub enum Splitting {
    /// By the characters of `IFS`.
    Split,
    /// Assignments, redirections, `case`: one field.
    Whole,
}

/// Builds the fields of one word.
pub struct Builder {
    splitting: Splitting,
    separators: Bytes,
    done: Vec<Field>,
    current: Option<Field>,
}

impl Builder {
    /// A builder that splits at `separators` (the value of `IFS`).
    pub fn new(splitting: Splitting, separators: Bytes) -> Self {
        Builder {
            splitting,
            separators,
            done: Vec::new(),
            current: None,
        }
    }

    /// Text that stands in the script itself: not split, but a pattern.
    pub fn literal(&mut self, text: &[u8]) {
        let field = self.current.get_or_insert_default();
        field.text.extend_from_slice(text);
        field.pattern.extend_from_slice(text);
        field.is_pattern |= text.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['));
    }

    /// Quoted text; empty text makes a field too.
    pub fn quoted(&mut self, text: &[u8]) {
        let field = self.current.get_or_insert_default();
        field.text.extend_from_slice(text);
        for byte in text {
            if pattern::is_special(*byte) {
                field.pattern.push(b'\\');
            }
            field.pattern.push(*byte);
        }
    }

    /// The result of an unquoted expansion: split and a pattern.
    pub fn expanded(&mut self, text: &[u8]) {
        let mut after_blank = false;
        for byte in text {
            if self.splitting == Splitting::Whole || !self.separators.contains(byte) {
                self.expanded_byte(*byte);
                after_blank = false;
            } else if matches!(byte, b' ' | b'\t' | b'\n') {
                after_blank |= self.current.is_some();
                self.finish();
            } else {
                // `a : b` has one separator: the blanks around belong to it (POSIX 2.6.5).
                if !after_blank {
                    self.current.get_or_insert_default();
                    self.finish();
                }
                after_blank = false;
            }
        }
    }

    fn expanded_byte(&mut self, byte: u8) {
        let field = self.current.get_or_insert_default();
        field.text.push(byte);
        if byte == b'\\' {
            field.pattern.push(b'\\');
        }
        field.pattern.push(byte);
        field.is_pattern |= matches!(byte, b'*' | b'?' | b'[');
    }

    /// Ends the current field, if there is one.
    pub fn finish(&mut self) {
        self.done.extend(self.current.take());
    }

    /// The first character of `IFS`, which joins the fields of `$*`.
    pub fn joiner(&self) -> Option<u8> {
        self.separators.first().copied()
    }

    /// Whether fields split.
    pub fn splitting(&self) -> Splitting {
        self.splitting
    }

    /// The fields.
    pub fn into_fields(mut self) -> Vec<Field> {
        self.finish();
        self.done
    }
}
