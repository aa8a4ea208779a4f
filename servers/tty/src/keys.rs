//! What a byte from the device does (termios(3), and Linux's `n_tty_receive_char`).

use crate::{LINE_BYTES, UNREAD_BYTES, line::Line, queue::Mark};
use abi::linux::general as linux;

const BELL: u8 = 7;
const SIGNAL_KEYS: [(u32, u32); 3] = [
    (linux::VINTR, linux::SIGINT),
    (linux::VQUIT, linux::SIGQUIT),
    (linux::VSUSP, linux::SIGTSTP),
];

impl Line {
    /// Takes a byte that arrived at `now_ns`.
    pub(crate) fn receive(&mut self, byte: u8, now_ns: u64) {
        self.last_byte_ns = now_ns;
        let mut byte = if self.settings.i(linux::ISTRIP) {
            byte & 0x7f
        } else {
            byte
        };
        if self.settings.i(linux::IUCLC) && self.settings.l(linux::IEXTEN) {
            byte = byte.to_ascii_lowercase();
        }
        if core::mem::take(&mut self.literal_next) {
            self.restart_if_any();
            return self.keep(byte);
        }
        if self.flow_key(byte) || self.signal_key(byte) {
            return;
        }
        self.restart_if_any();
        let Some(byte) = self.map_ends(byte) else {
            return;
        };
        if self.settings.canonical() && self.canonical_key(byte) {
            return;
        }
        self.keep(byte);
    }

    /// Takes a break condition.
    pub(crate) fn receive_break(&mut self, now_ns: u64) {
        self.last_byte_ns = now_ns;
        if self.settings.i(linux::IGNBRK) {
            return;
        }
        if self.settings.i(linux::BRKINT) {
            return self.interrupt(linux::SIGINT);
        }
        if self.settings.i(linux::PARMRK) {
            self.store(0xff);
            self.store(0);
        }
        self.store(0);
    }

    /// `^S` and `^Q`.
    fn flow_key(&mut self, byte: u8) -> bool {
        if !self.settings.i(linux::IXON) {
            return false;
        }
        if self.settings.is_key(linux::VSTART, byte) {
            self.output.stopped = false;
            return true;
        }
        if self.settings.is_key(linux::VSTOP, byte) {
            self.output.stopped = true;
            return true;
        }
        false
    }

    /// With `IXANY` every key restarts stopped output.
    fn restart_if_any(&mut self) {
        if self.settings.i(linux::IXON) && self.settings.i(linux::IXANY) {
            self.output.stopped = false;
        }
    }

    /// `^C`, `^\`, `^Z`.
    fn signal_key(&mut self, byte: u8) -> bool {
        if !self.settings.l(linux::ISIG) {
            return false;
        }
        let hit = SIGNAL_KEYS
            .iter()
            .find(|(key, _)| self.settings.is_key(*key, byte));
        let Some(&(_, signal)) = hit else {
            return false;
        };
        self.interrupt(signal);
        if self.settings.i(linux::IXON) {
            self.output.stopped = false;
        }
        if self.settings.l(linux::ECHO) {
            self.output.echo_visible(&self.settings, byte);
        }
        true
    }

    fn interrupt(&mut self, signal: u32) {
        self.raise_foreground(signal);
        if !self.settings.l(linux::NOFLSH) {
            self.flush_input();
            // What waits for a master has arrived there: as on Linux, only a device's output is dropped.
            if !self.is_pair {
                self.flush_output();
            }
        }
    }

    /// `ICRNL`, `INLCR`, `IGNCR`.
    fn map_ends(&self, byte: u8) -> Option<u8> {
        match byte {
            b'\r' if self.settings.i(linux::IGNCR) => None,
            b'\r' if self.settings.i(linux::ICRNL) => Some(b'\n'),
            b'\n' if self.settings.i(linux::INLCR) => Some(b'\r'),
            _ => Some(byte),
        }
    }

    /// Editing keys and line ends. `false`: an ordinary character.
    fn canonical_key(&mut self, byte: u8) -> bool {
        let settings = self.settings;
        let extended = settings.l(linux::IEXTEN);
        let key = |index| settings.is_key(index, byte);
        if key(linux::VERASE) {
            self.erase_character();
        } else if key(linux::VKILL) {
            self.kill_line();
        } else if extended && key(linux::VWERASE) {
            self.erase_word();
        } else if extended && key(linux::VLNEXT) {
            self.take_next_literally();
        } else if extended && settings.l(linux::ECHO) && key(linux::VREPRINT) {
            self.reprint(byte);
        } else if byte == b'\n' {
            if settings.l(linux::ECHO) || settings.l(linux::ECHONL) {
                self.output.echo(&settings, b'\n');
            }
            self.end_line(byte, Mark::Line);
        } else if key(linux::VEOF) {
            self.end_line(byte, Mark::File);
        } else if key(linux::VEOL) || extended && key(linux::VEOL2) {
            self.echo_typed(byte);
            self.end_line(byte, Mark::Line);
        } else {
            return false;
        }
        true
    }

    fn take_next_literally(&mut self) {
        self.literal_next = true;
        if self.settings.l(linux::ECHO) {
            self.finish_erasing();
            if self.settings.l(linux::ECHOCTL) {
                self.output.echo(&self.settings, b'^');
                self.output.echo(&self.settings, 8);
            }
        }
    }

    fn end_line(&mut self, byte: u8, mark: Mark) {
        if self.input.len() >= UNREAD_BYTES + LINE_BYTES {
            return self.bell();
        }
        self.erasing = false;
        self.input.finish(byte, mark);
        self.ready = true;
    }

    /// An ordinary character: echoes and stores it, if there is room.
    fn keep(&mut self, byte: u8) {
        // One byte stays free for the line's end.
        if self.input.edited() >= LINE_BYTES - 1 || self.input.len() >= UNREAD_BYTES {
            return self.bell();
        }
        self.echo_typed(byte);
        if byte == 0xff && self.settings.i(linux::PARMRK) {
            self.store(byte);
        }
        self.store(byte);
    }

    fn echo_typed(&mut self, byte: u8) {
        if !self.settings.l(linux::ECHO) {
            return;
        }
        self.finish_erasing();
        if self.input.edited() == 0 {
            self.output.begin_line();
        }
        // In canonical mode a newline comes here only when it was quoted: it shows as `^J`.
        if byte == b'\n' && !self.settings.canonical() {
            self.output.echo(&self.settings, byte);
        } else {
            self.output.echo_visible(&self.settings, byte);
        }
    }

    fn store(&mut self, byte: u8) {
        self.input.push(byte);
        if !self.settings.canonical() {
            self.input.complete_all();
            self.ready = true;
        }
    }

    /// Always rings: Linux behaves as if `IMAXBEL` were set.
    fn bell(&mut self) {
        self.output.echo(&self.settings, BELL);
    }
}
