//! POSIX error numbers, with the values of Linux/AArch64.

use linux_raw_sys::errno as linux;
use serde::{Deserialize, Serialize};

/// Why a POSIX call failed. The number is Linux/AArch64's `errno`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Errno(pub u16);

macro_rules! errnos {
    ($($name:ident $text:literal),* $(,)?) => {
        impl Errno {
            $(#[doc = $text] pub const $name: Errno = Errno(linux::$name as u16);)*

            /// The symbolic name, for instance `"ENOENT"`.
            pub fn name(self) -> &'static str {
                match self { $(Errno::$name => stringify!($name),)* _ => "E?" }
            }

            /// The text that `strerror` gives.
            pub fn text(self) -> &'static str {
                match self { $(Errno::$name => $text,)* _ => "Unknown error" }
            }
        }
    };
}

errnos! {
    EPERM "Operation not permitted", ENOENT "No such file or directory", ESRCH "No such process",
    EINTR "Interrupted system call", EIO "Input/output error", ENXIO "No such device or address",
    E2BIG "Argument list too long", ENOEXEC "Exec format error", EBADF "Bad file descriptor",
    ECHILD "No child processes", EAGAIN "Resource temporarily unavailable",
    ENOMEM "Cannot allocate memory", EACCES "Permission denied", EFAULT "Bad address",
    EBUSY "Device or resource busy", EEXIST "File exists", EXDEV "Invalid cross-device link",
    ENODEV "No such device", ENOTDIR "Not a directory", EISDIR "Is a directory",
    EINVAL "Invalid argument", ENFILE "Too many open files in system", EMFILE "Too many open files",
    ENOTTY "Inappropriate ioctl for device", ETXTBSY "Text file busy", EFBIG "File too large",
    ENOSPC "No space left on device", ESPIPE "Illegal seek", EROFS "Read-only file system",
    EMLINK "Too many links", EPIPE "Broken pipe", EDOM "Numerical argument out of domain",
    ERANGE "Numerical result out of range", EDEADLK "Resource deadlock avoided",
    ENAMETOOLONG "File name too long", ENOLCK "No locks available",
    ENOSYS "Function not implemented", ENOTEMPTY "Directory not empty",
    ELOOP "Too many levels of symbolic links", ENOMSG "No message of desired type",
    EIDRM "Identifier removed", ENODATA "No data available", EPROTO "Protocol error",
    EOVERFLOW "Value too large for defined data type", ENOTSOCK "Socket operation on non-socket",
    EOPNOTSUPP "Operation not supported", EAFNOSUPPORT "Address family not supported by protocol",
    ECONNREFUSED "Connection refused", ETIMEDOUT "Connection timed out", EALREADY "Operation already in progress",
    ECANCELED "Operation canceled",
}

impl core::fmt::Debug for Errno {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}({})", self.name(), self.0)
    }
}

impl core::fmt::Display for Errno {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_linux() {
        assert_eq!(Errno::ENOENT.0, 2);
        assert_eq!(Errno::EDEADLK.0, 35);
        assert_eq!(Errno::ENOSYS.0, 38);
        assert_eq!(Errno::EIDRM.0, 43);
        assert_eq!(Errno::ENOENT.name(), "ENOENT");
    }
}
