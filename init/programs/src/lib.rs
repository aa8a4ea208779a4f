//! What the programs share: options and messages, lines of input, numbers, calendar, patterns.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod calendar;
pub mod files;
pub mod mode;
pub mod regex;
pub mod tool;
pub mod users;
pub mod watch;

use alloc::{string::String, vec::Vec};
use core::ops::ControlFlow;
use libsys::{Errno, args::Args, file::Fd, stdio::Reader};
pub use tool::Tool;

/// Bytes as text for a message.
pub fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes bytes to the buffered standard output; a program whose output fails says so and ends with
/// status 1.
pub fn put(bytes: &[u8]) {
    if let Err(errno) = libsys::stdio::write(bytes) {
        libsys::process::exit_now(write_error(errno));
    }
}

/// Writes what is buffered; gives the status to end with: `status`, or 1 if output was lost.
pub fn finish(status: i32) -> i32 {
    let flushed = libsys::stdio::flush();
    match libsys::stdio::with_stdout(|stdout| stdout.take_error()).or(flushed.err()) {
        Some(errno) => status.max(write_error(errno)),
        None => status,
    }
}

fn write_error(errno: Errno) -> i32 {
    let args = Args::new();
    let name = base_name(args.name().as_bytes());
    libsys::eprintln!("{}: write error: {}", show(name), errno.text());
    1
}

/// Reads a decimal number.
pub fn number<T: core::str::FromStr>(text: &[u8]) -> Option<T> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// The last component of a path.
pub fn base_name(path: &[u8]) -> &[u8] {
    let end = path
        .iter()
        .rposition(|byte| *byte != b'/')
        .map_or(0, |last| last + 1);
    let trimmed = &path[..end];
    match trimmed.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => &trimmed[slash + 1..],
        None if trimmed.is_empty() && !path.is_empty() => b"/",
        None => trimmed,
    }
}

/// `directory/name`.
pub fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if directory.ends_with(b"/") { b"" } else { b"/" };
    [directory, slash, name].concat()
}

/// The names in a directory, sorted, without `.` and `..`.
///
/// # Errors
/// As opening and reading a directory.
pub fn names(path: &[u8]) -> Result<Vec<Vec<u8>>, Errno> {
    let entries: Result<Vec<_>, Errno> = libsys::dir::read_dir(path)?.collect();
    let mut names: Vec<Vec<u8>> = entries?.into_iter().map(|entry| entry.name).collect();
    names.retain(|name| name != b"." && name != b"..");
    names.sort();
    Ok(names)
}

/// Whether a descriptor is a terminal.
pub fn is_terminal(fd: Fd) -> bool {
    libsys::file::isatty(fd)
}

/// Calls `work` with each line of a descriptor, line end included, until it answers `Break`.
///
/// # Errors
/// As `read`.
pub fn each_line(fd: Fd, mut work: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), Errno> {
    let mut reader = Reader::new(fd);
    let mut line = Vec::new();
    while reader.read_line(&mut line)? > 0 {
        if work(&line).is_break() {
            break;
        }
        line.clear();
    }
    Ok(())
}

/// A line without its line end.
pub fn chomp(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_names_are_those_of_posix() {
        let table: [(&[u8], &[u8]); 6] = [
            (b"a", b"a"),
            (b"/a/b", b"b"),
            (b"a/", b"a"),
            (b"/", b"/"),
            (b"//", b"/"),
            (b"", b""),
        ];
        for (path, name) in table {
            assert_eq!(base_name(path), name, "{}", show(path));
        }
    }

    #[test]
    fn joining_adds_one_slash() {
        assert_eq!(join(b"/", b"a"), b"/a");
        assert_eq!(join(b"d", b"a"), b"d/a");
    }
}
