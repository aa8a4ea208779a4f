//! Arguments of the program, as they lie on its initial stack.

use crate::runtime;

/// The arguments; the first is the program's name.
#[derive(Clone, Copy, Debug)]
pub struct Args {
    next: usize,
}

impl Args {
    /// All arguments.
    pub const fn new() -> Self {
        Self { next: 0 }
    }

    /// Number of arguments, the name included.
    pub fn len(&self) -> usize {
        runtime::argument_count().saturating_sub(self.next)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The argument at `index`, as bytes.
    pub fn bytes(&self, index: usize) -> Option<&'static [u8]> {
        runtime::argument(self.next.checked_add(index)?)
    }

    /// The argument at `index`, if there is one and it is UTF-8.
    pub fn get(&self, index: usize) -> Option<&'static str> {
        core::str::from_utf8(self.bytes(index)?).ok()
    }

    /// The program's name, or `"?"`.
    pub fn name(&self) -> &'static str {
        runtime::argument(0)
            .and_then(|name| core::str::from_utf8(name).ok())
            .unwrap_or("?")
    }
}

impl Default for Args {
    fn default() -> Self {
        Self::new()
    }
}

/// Goes through the arguments as bytes, the name first.
impl Iterator for Args {
    type Item = &'static [u8];

    fn next(&mut self) -> Option<&'static [u8]> {
        let argument = runtime::argument(self.next)?;
        self.next += 1;
        Some(argument)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

impl ExactSizeIterator for Args {}
