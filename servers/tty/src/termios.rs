//! The terminal's settings, in Linux's numbers and layout.

use abi::linux::general as linux;
use serde::{Deserialize, Serialize};

/// Length of `struct termios`, as `TCGETS` copies it.
pub const BYTES: usize = 36;
/// Number of special characters.
pub const KEYS: usize = 19;
/// A special character with this value is switched off (`_POSIX_VDISABLE`).
const DISABLED: u8 = 0;

/// Settings of a line: Linux's `struct termios`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Termios {
    /// `c_iflag`.
    pub input: u32,
    /// `c_oflag`.
    pub output: u32,
    /// `c_cflag`: kept and shown; the serial line runs as the boot firmware set it.
    pub control: u32,
    /// `c_lflag`.
    pub local: u32,
    /// `c_line`: only discipline 0 exists.
    pub discipline: u8,
    /// `c_cc`.
    pub keys: [u8; KEYS],
}

impl Default for Termios {
    /// Linux's `tty_std_termios`, with `IUTF8` as on its console.
    fn default() -> Self {
        Termios {
            input: linux::ICRNL | linux::IXON | linux::IUTF8,
            output: linux::OPOST | linux::ONLCR,
            control: linux::B38400 | linux::CS8 | linux::CREAD | linux::HUPCL,
            local: linux::ISIG
                | linux::ICANON
                | linux::ECHO
                | linux::ECHOE
                | linux::ECHOK
                | linux::ECHOCTL
                | linux::ECHOKE
                | linux::IEXTEN,
            discipline: 0,
            // INTR QUIT ERASE KILL EOF TIME MIN SWTC START STOP SUSP EOL REPRINT DISCARD WERASE
            // LNEXT EOL2
            keys: [
                3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0,
            ],
        }
    }
}

impl Termios {
    /// The structure as programs see it.
    pub fn to_bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[0..4].copy_from_slice(&self.input.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.output.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.control.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.local.to_le_bytes());
        bytes[16] = self.discipline;
        bytes[17..36].copy_from_slice(&self.keys);
        bytes
    }

    /// The settings that a program's structure asks for. Every value is acceptable: unknown flags
    /// are kept and mean nothing, as on Linux.
    pub fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let mut keys = [0; KEYS];
        keys.copy_from_slice(&bytes[17..36]);
        Termios {
            input: word(0),
            output: word(4),
            control: word(8),
            local: word(12),
            discipline: 0,
            keys,
        }
    }

    /// Whether an input flag is set.
    pub(crate) fn i(&self, flag: u32) -> bool {
        self.input & flag != 0
    }

    /// Whether an output flag is set.
    pub(crate) fn o(&self, flag: u32) -> bool {
        self.output & flag != 0
    }

    /// Whether a local flag is set.
    pub(crate) fn l(&self, flag: u32) -> bool {
        self.local & flag != 0
    }

    /// Whether lines are edited before they are read.
    pub(crate) fn canonical(&self) -> bool {
        self.l(linux::ICANON)
    }

    /// The character in `c_cc[index]`.
    pub(crate) fn key(&self, index: u32) -> u8 {
        self.keys.get(index as usize).copied().unwrap_or(DISABLED)
    }

    /// Whether `byte` is the special character `c_cc[index]`, and that one is switched on.
    pub(crate) fn is_key(&self, index: u32, byte: u8) -> bool {
        byte != DISABLED && byte == self.key(index)
    }

    /// Whether `byte` continues a character of several bytes.
    pub(crate) fn continues(&self, byte: u8) -> bool {
        self.i(linux::IUTF8) && byte & 0xc0 == 0x80
    }
}
