//! Terminals.

use super::*;
use abi::Errno;

/// Length of `struct termios`, as `TCGETS` fills it.
pub const TERMIOS_BYTES: usize = 36;

/// Numbers of `ioctl`s on terminals.
#[allow(missing_docs, reason = "the names are Linux's")]
pub mod terminal {
    pub const TCGETS: u32 = 0x5401;
    pub const TCSETS: u32 = 0x5402;
    pub const TCSETSW: u32 = 0x5403;
    pub const TCSETSF: u32 = 0x5404;
    pub const TIOCSCTTY: u32 = 0x540e;
    pub const TIOCGPGRP: u32 = 0x540f;
    pub const TIOCSPGRP: u32 = 0x5410;
    pub const TIOCGWINSZ: u32 = 0x5413;
    pub const TIOCSWINSZ: u32 = 0x5414;
    pub const FIONREAD: u32 = 0x541b;
    pub const TIOCNOTTY: u32 = 0x5422;
}

/// Whether `fd` is a terminal.
pub fn isatty(fd: Fd) -> bool {
    tcgetattr(fd).is_ok()
}

/// The settings of a terminal, as Linux's `struct termios`.
///
/// # Errors
/// `ENOTTY`, `EBADF`.
pub fn tcgetattr(fd: Fd) -> Result<[u8; TERMIOS_BYTES], Errno> {
    let mut settings = [0; TERMIOS_BYTES];
    ioctl_bytes(fd, terminal::TCGETS, &mut settings)?;
    Ok(settings)
}

/// Sets a terminal's settings: `when` 0 at once, 1 after output, 2 and drops input.
///
/// # Errors
/// `ENOTTY`, `EBADF`, `EINVAL`.
pub fn tcsetattr(fd: Fd, when: u32, settings: &[u8; TERMIOS_BYTES]) -> Result<(), Errno> {
    if when > 2 {
        return Err(Errno::EINVAL);
    }
    ioctl_bytes(fd, terminal::TCSETS + when, &mut settings.clone()).map(drop)
}

/// A terminal's foreground process group.
///
/// # Errors
/// `ENOTTY`.
pub fn tcgetpgrp(fd: Fd) -> Result<u32, Errno> {
    let mut group = [0; 4];
    ioctl_bytes(fd, terminal::TIOCGPGRP, &mut group)?;
    Ok(u32::from_le_bytes(group))
}

/// Sets a terminal's foreground process group.
///
/// # Errors
/// `ENOTTY`, `EPERM`.
pub fn tcsetpgrp(fd: Fd, pgid: u32) -> Result<(), Errno> {
    ioctl_bytes(fd, terminal::TIOCSPGRP, &mut pgid.to_le_bytes()).map(drop)
}

/// Rows and columns of a terminal.
///
/// # Errors
/// `ENOTTY`.
pub fn window_size(fd: Fd) -> Result<(u16, u16), Errno> {
    let mut size = [0; 8];
    ioctl_bytes(fd, terminal::TIOCGWINSZ, &mut size)?;
    Ok((get_u16(&size, 0), get_u16(&size, 2)))
}
