//! `#!` lines: a file that names its interpreter, as Linux's `binfmt_script` reads them.

use abi::Errno;

/// Bytes of a file in which the whole `#!` line must end (Linux: `BINPRM_BUF_SIZE`).
pub const LINE_BYTES: usize = 256;

/// What a `#!` line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script<'a> {
    /// Path of the interpreter.
    pub interpreter: &'a [u8],
    /// Everything behind it, as one argument, without surrounding blanks.
    pub argument: Option<&'a [u8]>,
}

/// Reads the `#!` line of a file that starts with `header`; `None` if it has none.
///
/// # Errors
/// `ENOEXEC` if it names no interpreter, or the interpreter's name is cut off by the line limit.
pub fn script(header: &[u8]) -> Result<Option<Script<'_>>, Errno> {
    let Some(rest) = header.strip_prefix(b"#!") else {
        return Ok(None);
    };
    let window = &rest[..rest.len().min(LINE_BYTES - 2)];
    let end = window.iter().position(|&byte| byte == b'\n' || byte == 0);
    let line = trim(&window[..end.unwrap_or(window.len())]);
    let cut = end.is_none() && rest.len() > window.len();

    let (interpreter, argument) = match line.iter().position(|&byte| blank(byte)) {
        Some(at) => (&line[..at], Some(trim(&line[at..]))),
        None if cut => return Err(Errno::ENOEXEC),
        None => (line, None),
    };
    if interpreter.is_empty() {
        return Err(Errno::ENOEXEC);
    }
    Ok(Some(Script {
        interpreter,
        argument,
    }))
}

fn blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && blank(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && blank(*last)
    {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_behind_the_interpreter_is_one_argument() {
        let line = script(b"#! /bin/sh  -e  -x \necho")
            .expect("well formed")
            .expect("a script");
        assert_eq!(
            line,
            Script {
                interpreter: b"/bin/sh",
                argument: Some(b"-e  -x")
            }
        );
    }

    #[test]
    fn a_line_without_argument_may_end_with_the_file() {
        let line = script(b"#!/bin/sh")
            .expect("well formed")
            .expect("a script");
        assert_eq!(
            line,
            Script {
                interpreter: b"/bin/sh",
                argument: None
            }
        );
    }

    #[test]
    fn other_files_are_no_scripts() {
        assert_eq!(script(b"\x7fELF"), Ok(None));
        assert_eq!(script(b""), Ok(None));
    }

    #[test]
    fn a_line_that_names_nobody_or_never_ends_is_refused() {
        assert_eq!(script(b"#!  \n"), Err(Errno::ENOEXEC));
        let endless = [&b"#!/"[..], &[b'a'; 4000]].concat();
        assert_eq!(script(&endless), Err(Errno::ENOEXEC));
    }
}
