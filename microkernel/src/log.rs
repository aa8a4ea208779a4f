//! The kernel's log on the UART, which it shares with the console of user space.
//!
//! With the word `framed` on the command line each record is enclosed in `0x1c 0x02` and
//! `0x1c 0x03`, so that the host can tell log and console apart. A record's text has no `0x1c`.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use spin::Once;

use crate::driver::Mmio;
use crate::driver::pl011::Pl011;

static UART: Once<Pl011> = Once::new();
static FRAMED: AtomicBool = AtomicBool::new(false);

/// First byte of a frame mark.
const MARK: u8 = 0x1c;

/// Writes one record to the kernel's log, formatted as by `format!`.
#[macro_export]
macro_rules! log {
    ($($argument:tt)*) => { $crate::log::write(format_args!($($argument)*)) };
}

/// Lets records appear at the UART with these registers; the first one stays.
pub(crate) fn open(registers: Mmio) {
    UART.call_once(|| Pl011::new(registers));
}

/// Whether records have somewhere to appear.
pub(crate) fn is_open() -> bool {
    UART.is_completed()
}

/// Chooses whether records are framed for the host.
pub(crate) fn set_framed(framed: bool) {
    FRAMED.store(framed, Relaxed);
}

/// Writes a formatted record; see [`log!`].
pub(crate) fn write(text: fmt::Arguments) {
    record(|uart| {
        // `Text` accepts everything, so only a value's own formatter can fail; its text ends early.
        let _short = Text(uart).write_fmt(text);
    });
}

/// Writes a record that user space gives; a line end at its end is the record's own.
pub(crate) fn write_record(text: &[u8]) {
    record(|uart| put_all(uart, text.strip_suffix(b"\n").unwrap_or(text)));
}

fn record(put_text: impl FnOnce(&Pl011)) {
    let Some(uart) = UART.get() else { return };
    if !FRAMED.load(Relaxed) {
        put_text(uart);
        return put_line_end(uart);
    }
    [MARK, 2].iter().for_each(|&byte| uart.put(byte));
    put_text(uart);
    put_line_end(uart);
    [MARK, 3].iter().for_each(|&byte| uart.put(byte));
}

fn put_all(uart: &Pl011, text: &[u8]) {
    for &byte in text.iter().filter(|&&byte| byte != MARK) {
        match byte {
            b'\n' => put_line_end(uart),
            _ => uart.put(byte),
        }
    }
}

/// Ends a line; a terminal needs the carriage to return too.
fn put_line_end(uart: &Pl011) {
    if !FRAMED.load(Relaxed) {
        uart.put(b'\r');
    }
    uart.put(b'\n');
}

struct Text<'a>(&'a Pl011);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        put_all(self.0, text.as_bytes());
        Ok(())
    }
}
