//! Lines for the kernel's log, without a heap.

use abi::Handle;
use core::fmt::{self, Write};

struct Line {
    bytes: [u8; 200],
    used: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if let Some(place) = self.bytes.get_mut(self.used) {
                *place = byte;
                self.used += 1;
            }
        }
        Ok(())
    }
}

/// Writes a line; what does not fit is cut off.
pub fn line(text: fmt::Arguments) {
    let mut line = Line {
        bytes: [0; 200],
        used: 0,
    };
    let _ = line.write_fmt(text);
    let _ = libsys::arch::log_write(Handle::SYSTEM, &line.bytes[..line.used]);
}

/// Says how a check went; returns 1 if it failed.
pub fn check(name: &str, result: Result<(), &str>) -> u32 {
    match result {
        Ok(()) => line(format_args!("{name}: ok")),
        Err(why) => line(format_args!("{name}: FAILED {why}")),
    }
    u32::from(result.is_err())
}
