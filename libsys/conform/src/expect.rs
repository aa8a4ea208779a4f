//! How a check says what is wrong.

use abi::Errno;
use alloc::format;
use alloc::string::String;
use core::fmt::Debug;

/// How a check went: the error says what was wrong.
pub type Check = Result<(), String>;

/// Expects two values to be equal.
///
/// # Errors
/// A text that names both.
pub fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Check {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: found {found:?}, expected {expected:?}"))
    }
}

/// Expects a refusal.
///
/// # Errors
/// A text that names what came instead.
pub fn refused<T: Debug>(what: &str, found: Result<T, Errno>, expected: Errno) -> Check {
    match found {
        Err(errno) if errno == expected => Ok(()),
        Err(errno) => Err(format!(
            "{what}: {} instead of {}",
            errno.name(),
            expected.name()
        )),
        Ok(value) => Err(format!("{what}: {value:?} instead of {}", expected.name())),
    }
}
