//! Lines for the kernel's log, from servers that were given a handle for it.

use crate::{arch, env, runtime};
use abi::Handle;
use core::fmt::{self, Write};

/// Longest line in bytes; what is longer is cut.
const LINE_BYTES: usize = 512;

/// A line that is being put together, without a heap.
pub struct Line {
    bytes: [u8; LINE_BYTES],
    used: usize,
}

impl Line {
    /// An empty line.
    pub const fn new() -> Self {
        Self {
            bytes: [0; LINE_BYTES],
            used: 0,
        }
    }

    /// What was written.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.used..).unwrap_or_default();
        let count = text.len().min(room.len());
        room[..count].copy_from_slice(&text.as_bytes()[..count]);
        self.used += count;
        Ok(())
    }
}

/// The handle with the right to write the log: the environment's `LOG`.
fn handle() -> Option<Handle> {
    env::initial_number("LOG")
        .and_then(|number| u32::try_from(number).ok())
        .map(Handle)
}

/// Writes one line to the kernel's log, with the server's name in front.
pub fn write(arguments: fmt::Arguments<'_>) {
    let Some(handle) = handle() else { return };
    let mut line = Line::new();
    let name = runtime::argument(0)
        .and_then(|name| core::str::from_utf8(name).ok())
        .unwrap_or("?");
    let _ = write!(line, "{name}: {arguments}");
    let _ = arch::log_write(handle, line.as_bytes());
}

/// Writes one line to the kernel's log.
#[macro_export]
macro_rules! log {
    ($($argument:tt)*) => { $crate::log::write(::core::format_args!($($argument)*)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut() {
        let mut line = Line::new();
        for _ in 0..100 {
            let _ = line.write_str("0123456789");
        }
        assert_eq!(line.as_bytes().len(), LINE_BYTES);
    }
}
