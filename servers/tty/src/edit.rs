//! Erasing what was typed, and showing it (`n_tty`'s `eraser`).

use crate::line::Line;
use abi::linux::general as linux;
use alloc::vec::Vec;

/// Which key erases: they differ in what is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Eraser {
    Character,
    Word,
    Line,
}

impl Line {
    /// The ERASE key.
    pub(crate) fn erase_character(&mut self) {
        if let Some(erased) = self.take_character() {
            self.show_erased(&erased, Eraser::Character);
        }
        self.end_if_empty();
    }

    /// The WERASE key: blanks and other separators, then letters, digits and `_` before them.
    pub(crate) fn erase_word(&mut self) {
        let mut in_word = false;
        while let Some(byte) = self.character_start() {
            let word_byte = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
            if in_word && !word_byte {
                break;
            }
            in_word |= word_byte;
            let Some(erased) = self.take_character() else {
                break;
            };
            self.show_erased(&erased, Eraser::Word);
        }
        self.end_if_empty();
    }

    /// The KILL key.
    pub(crate) fn kill_line(&mut self) {
        let settings = self.settings;
        if self.input.edited() == 0 {
            return;
        }
        if !settings.l(linux::ECHO) {
            return self.input.kill();
        }
        let visibly = linux::ECHOK | linux::ECHOKE | linux::ECHOE;
        if settings.local & visibly != visibly {
            self.input.kill();
            self.finish_erasing();
            self.output
                .echo_visible(&settings, settings.key(linux::VKILL));
            if settings.l(linux::ECHOK) {
                self.output.echo(&settings, b'\n');
            }
            return;
        }
        while let Some(erased) = self.take_character() {
            self.show_erased(&erased, Eraser::Line);
        }
        self.end_if_empty();
    }

    /// The REPRINT key, echoed as `byte`: shows the line again.
    pub(crate) fn reprint(&mut self, byte: u8) {
        let settings = self.settings;
        self.finish_erasing();
        self.output.echo_visible(&settings, byte);
        self.output.echo(&settings, b'\n');
        let line: Vec<u8> = self.input.line().collect();
        for byte in line {
            self.output.echo_visible(&settings, byte);
        }
    }

    /// Closes what `ECHOPRT` opened.
    pub(crate) fn finish_erasing(&mut self) {
        if core::mem::take(&mut self.erasing) {
            self.output.echo(&self.settings, b'/');
        }
    }

    fn end_if_empty(&mut self) {
        if self.input.edited() == 0 && self.settings.l(linux::ECHO) {
            self.finish_erasing();
        }
    }

    /// The first byte of the last character; `None` if it has no beginning in this line.
    fn character_start(&self) -> Option<u8> {
        self.input
            .line()
            .rev()
            .find(|&byte| !self.settings.continues(byte))
    }

    /// Takes the last character off, all of its bytes. A character without its beginning is left.
    fn take_character(&mut self) -> Option<Vec<u8>> {
        self.character_start()?;
        let mut bytes = Vec::new();
        while let Some(byte) = self.input.erase() {
            bytes.insert(0, byte);
            if !self.settings.continues(byte) {
                break;
            }
        }
        Some(bytes)
    }

    fn show_erased(&mut self, erased: &[u8], eraser: Eraser) {
        let settings = self.settings;
        let Some(&first) = erased.first() else { return };
        if !settings.l(linux::ECHO) {
            return;
        }
        if settings.l(linux::ECHOPRT) {
            self.print_erased(erased);
        } else if eraser == Eraser::Character && !settings.l(linux::ECHOE) {
            self.output
                .echo_visible(&settings, settings.key(linux::VERASE));
        } else if first == b'\t' {
            let (columns, after_tab) = self.columns_before_tab();
            self.output.erase_tab(columns, after_tab);
        } else {
            for _ in 0..self.width(first) {
                [8, b' ', 8]
                    .iter()
                    .for_each(|&byte| self.output.echo(&settings, byte));
            }
        }
    }

    /// As on a printing terminal: what is erased appears between `\` and `/`.
    fn print_erased(&mut self, erased: &[u8]) {
        let settings = self.settings;
        if !self.erasing {
            self.output.echo(&settings, b'\\');
            self.erasing = true;
        }
        for (at, &byte) in erased.iter().enumerate() {
            if at == 0 {
                self.output.echo_visible(&settings, byte);
            } else {
                self.output.echo(&settings, byte);
            }
        }
    }

    /// Columns that the rest of the line takes since its last tab, and whether there is one.
    fn columns_before_tab(&self) -> (u32, bool) {
        let mut columns = 0;
        for byte in self.input.line().rev() {
            if byte == b'\t' {
                return (columns, true);
            }
            columns += self.width(byte);
        }
        (columns, false)
    }

    /// Columns that a byte's echo takes.
    fn width(&self, byte: u8) -> u32 {
        if byte.is_ascii_control() {
            if self.settings.l(linux::ECHOCTL) {
                2
            } else {
                0
            }
        } else {
            u32::from(!self.settings.continues(byte))
        }
    }
}
