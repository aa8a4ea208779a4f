//! The devices in `/dev`, and what is needed of the console.

use abi::Errno;
use serde::{Deserialize, Serialize};

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// The terminal.
    Console,
    /// Empty, and takes everything.
    Null,
    /// Full of zeros, and takes everything.
    Zero,
    /// Full of zeros, and takes nothing.
    Full,
}

impl Device {
    /// Names in `/dev`, devices and their numbers (Linux, `Documentation/admin-guide/devices.txt`).
    pub const ALL: [(&'static [u8], Device); 5] = [
        (b"console", Device::Console),
        (b"tty", Device::Console),
        (b"null", Device::Null),
        (b"zero", Device::Zero),
        (b"full", Device::Full),
    ];

    /// `st_rdev`.
    pub fn number(self) -> u64 {
        match self {
            Device::Console => 5 << 8 | 1,
            Device::Null => 1 << 8 | 3,
            Device::Zero => 1 << 8 | 5,
            Device::Full => 1 << 8 | 7,
        }
    }
}

/// The terminal server, as this one needs it. It never waits: `EAGAIN` says that nothing can be
/// done now, and a notification follows when something can.
#[allow(
    clippy::missing_errors_doc,
    reason = "the errors are those of proto::tty"
)]
pub trait Console {
    /// Takes what was typed.
    fn typed(&mut self, into: &mut [u8]) -> Result<usize, Errno>;
    /// Shows bytes, possibly fewer than given.
    fn print(&mut self, from: &[u8]) -> Result<usize, Errno>;
    /// `struct termios`, as `TCGETS` copies it.
    fn termios(&mut self) -> Result<[u8; 36], Errno>;
    /// Changes it: `when` 0 now, 1 after output, 2 also dropping input.
    fn set_termios(&mut self, when: u32, termios: &[u8; 36]) -> Result<(), Errno>;
    /// Rows and columns of the window.
    fn window_size(&mut self) -> Result<[u16; 2], Errno>;
}
