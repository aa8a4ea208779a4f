//! Buffered standard streams and files.
//!
//! Output is buffered by line on a terminal and fully elsewhere. The buffers are ordinary memory:
//! what was not written when a process forks is in both processes, and is written twice; `exit`
//! writes it, `_exit` does not.

use crate::file::{self, Fd};
use abi::Errno;
use alloc::vec::Vec;
use core::fmt;
use spin::Mutex;

/// Size of a buffer, in bytes.
const BUFFER_BYTES: usize = 4096;

/// When buffered output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffering {
    /// At once (standard error).
    None,
    /// At the end of a line (a terminal).
    Line,
    /// When the buffer is full.
    Full,
}

/// A buffered stream to a descriptor.
#[derive(Debug)]
pub struct Writer {
    fd: Fd,
    /// `None` until the first output, when the descriptor's kind decides.
    buffering: Option<Buffering>,
    buffer: Vec<u8>,
    /// The first error of writing that nobody has asked for.
    error: Option<Errno>,
}

impl Writer {
    /// A stream to `fd`.
    pub const fn new(fd: Fd) -> Self {
        Self {
            fd,
            buffering: None,
            buffer: Vec::new(),
            error: None,
        }
    }

    /// Chooses when output is written (`setvbuf`).
    pub fn set_buffering(&mut self, buffering: Buffering) {
        self.buffering = Some(buffering);
    }

    fn buffering(&mut self) -> Buffering {
        let fd = self.fd;
        let choose = || {
            if file::isatty(fd) {
                Buffering::Line
            } else {
                Buffering::Full
            }
        };
        *self.buffering.get_or_insert_with(choose)
    }

    /// Puts `bytes` into the stream.
    ///
    /// # Errors
    /// Of writing.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        match self.buffering() {
            Buffering::None => {
                let result = file::write_all(self.fd, bytes);
                self.noting(result)
            }
            Buffering::Full => self.append(bytes),
            Buffering::Line => match bytes.iter().rposition(|&byte| byte == b'\n') {
                Some(end) => {
                    let (lines, rest) = bytes.split_at(end + 1);
                    self.append(lines)?;
                    self.flush()?;
                    self.append(rest)
                }
                None => self.append(bytes),
            },
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
        }
        if bytes.len() >= BUFFER_BYTES {
            let result = file::write_all(self.fd, bytes);
            return self.noting(result);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    /// Of writing; the buffer is empty afterwards all the same.
    pub fn flush(&mut self) -> Result<(), Errno> {
        let result = file::write_all(self.fd, &self.buffer);
        self.buffer.clear();
        self.noting(result)
    }

    fn noting(&mut self, result: Result<(), Errno>) -> Result<(), Errno> {
        self.error = self.error.or(result.err());
        result
    }

    /// The first error of writing since this was last asked (`ferror`, `clearerr`).
    pub fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }

    /// The descriptor.
    pub fn fd(&self) -> Fd {
        self.fd
    }
}

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// A buffered stream from a descriptor.
#[derive(Debug)]
pub struct Reader {
    fd: Fd,
    buffer: Vec<u8>,
    next: usize,
}

impl Reader {
    /// A stream from `fd`.
    pub const fn new(fd: Fd) -> Self {
        Self {
            fd,
            buffer: Vec::new(),
            next: 0,
        }
    }

    /// Bytes that were read and not yet taken; reads more if there are none. Empty at the end.
    fn fill(&mut self) -> Result<&[u8], Errno> {
        if self.next >= self.buffer.len() {
            self.next = 0;
            self.buffer.resize(BUFFER_BYTES, 0);
            let bytes = file::read(self.fd, &mut self.buffer);
            self.buffer.truncate(*bytes.as_ref().unwrap_or(&0));
            bytes?;
        }
        Ok(self.buffer.get(self.next..).unwrap_or_default())
    }

    /// Appends a line with its newline to `line`; returns its length, 0 at the end of the file.
    ///
    /// # Errors
    /// Of reading.
    pub fn read_line(&mut self, line: &mut Vec<u8>) -> Result<usize, Errno> {
        let mut total = 0;
        loop {
            let available = self.fill()?;
            let newline = available.iter().position(|&byte| byte == b'\n');
            let count = newline.map_or(available.len(), |at| at + 1);
            line.extend_from_slice(available.get(..count).unwrap_or_default());
            self.next += count;
            total += count;
            if newline.is_some() || count == 0 {
                return Ok(total);
            }
        }
    }

    /// Takes one byte; `None` at the end of the file.
    ///
    /// # Errors
    /// Of reading.
    pub fn read_byte(&mut self) -> Result<Option<u8>, Errno> {
        let byte = self.fill()?.first().copied();
        self.next += usize::from(byte.is_some());
        Ok(byte)
    }

    /// Takes up to `into.len()` bytes; 0 at the end of the file.
    ///
    /// # Errors
    /// Of reading.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        let available = self.fill()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.next += count;
        Ok(count)
    }

    /// The lines, without their newlines, up to the end of the file or an error.
    pub fn lines(&mut self) -> impl Iterator<Item = Vec<u8>> {
        core::iter::from_fn(move || {
            let mut line = Vec::new();
            match self.read_line(&mut line) {
                Ok(0) | Err(_) => None,
                Ok(_) => {
                    line.pop_if(|&mut byte| byte == b'\n');
                    Some(line)
                }
            }
        })
    }
}

static STDOUT: Mutex<Writer> = Mutex::new(Writer::new(1));
static STDIN: Mutex<Reader> = Mutex::new(Reader::new(0));

/// Lets `use_it` have standard output. In a signal handler that interrupted a use of it, output
/// goes past the buffer instead.
pub fn with_stdout<T>(use_it: impl FnOnce(&mut Writer) -> T) -> T {
    match STDOUT.try_lock() {
        Some(mut stdout) => use_it(&mut stdout),
        None => {
            let mut direct = Writer::new(1);
            direct.set_buffering(Buffering::None);
            use_it(&mut direct)
        }
    }
}

/// Lets `use_it` have standard input. A signal handler that interrupted a use of it gets an empty
/// buffer of its own.
pub fn with_stdin<T>(use_it: impl FnOnce(&mut Reader) -> T) -> T {
    match STDIN.try_lock() {
        Some(mut stdin) => use_it(&mut stdin),
        None => use_it(&mut Reader::new(0)),
    }
}

/// Reads a line of standard input, with its newline; `None` at the end of the file.
///
/// # Errors
/// Of reading.
pub fn read_line() -> Result<Option<Vec<u8>>, Errno> {
    let mut line = Vec::new();
    let bytes = with_stdin(|stdin| stdin.read_line(&mut line))?;
    Ok((bytes > 0).then_some(line))
}

/// Writes `bytes` to standard output, buffered.
///
/// # Errors
/// Of writing.
pub fn write(bytes: &[u8]) -> Result<(), Errno> {
    with_stdout(|stdout| stdout.write(bytes))
}

/// Writes what standard output has buffered.
///
/// # Errors
/// Of writing.
pub fn flush() -> Result<(), Errno> {
    with_stdout(Writer::flush)
}

/// What `exit` does with the streams.
pub(crate) fn flush_all() {
    let _ = flush();
}

/// Prints to standard output; an error is dropped, as `printf` without a look at its result does.
pub fn print(arguments: fmt::Arguments<'_>) {
    let _ = with_stdout(|stdout| fmt::Write::write_fmt(stdout, arguments));
}

/// Prints to standard error: one write for what fits one line.
pub fn print_error(arguments: fmt::Arguments<'_>) {
    let mut text = alloc::string::String::new();
    let _ = fmt::Write::write_fmt(&mut text, arguments);
    let _ = file::write_all(2, text.as_bytes());
}

/// Prints to standard output.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => { $crate::stdio::print(::core::format_args!($($argument)*)) };
}

/// Prints a line to standard output.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($argument:tt)*) => {
        $crate::stdio::print(::core::format_args!("{}\n", ::core::format_args!($($argument)*)))
    };
}

/// Prints to standard error.
#[macro_export]
macro_rules! eprint {
    ($($argument:tt)*) => { $crate::stdio::print_error(::core::format_args!($($argument)*)) };
}

/// Prints a line to standard error.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::eprint!("\n") };
    ($($argument:tt)*) => {
        $crate::stdio::print_error(::core::format_args!("{}\n", ::core::format_args!($($argument)*)))
    };
}

/// An open file with a buffer, closed when it is dropped.
#[derive(Debug)]
pub struct File {
    reader: Reader,
    writer: Writer,
}

impl File {
    /// Opens `path` for reading.
    ///
    /// # Errors
    /// As `open(2)`.
    pub fn open(path: impl AsRef<[u8]>) -> Result<Self, Errno> {
        file::open(path, file::O_RDONLY | file::O_CLOEXEC, 0).map(Self::from_fd)
    }

    /// Creates or empties `path` and opens it for writing.
    ///
    /// # Errors
    /// As `open(2)`.
    pub fn create(path: impl AsRef<[u8]>) -> Result<Self, Errno> {
        use file::{O_CLOEXEC, O_CREAT, O_TRUNC, O_WRONLY};
        file::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666).map(Self::from_fd)
    }

    /// Takes over a descriptor.
    pub fn from_fd(fd: Fd) -> Self {
        let mut writer = Writer::new(fd);
        writer.set_buffering(Buffering::Full);
        Self {
            reader: Reader::new(fd),
            writer,
        }
    }

    /// The descriptor.
    pub fn fd(&self) -> Fd {
        self.writer.fd
    }

    /// For reading.
    pub fn reader(&mut self) -> &mut Reader {
        &mut self.reader
    }

    /// For writing.
    pub fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }

    /// All that is left to read.
    ///
    /// # Errors
    /// As `read(2)`.
    pub fn read_to_end(&mut self) -> Result<Vec<u8>, Errno> {
        let mut all = self
            .reader
            .buffer
            .get(self.reader.next..)
            .unwrap_or_default()
            .to_vec();
        self.reader.next = self.reader.buffer.len();
        all.extend(file::read_to_end(self.fd())?);
        Ok(all)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if !self.writer.buffer.is_empty() {
            let _ = self.writer.flush();
        }
        let _ = file::close(self.writer.fd);
    }
}

/// Reads the whole file `path`.
///
/// # Errors
/// As `open(2)` and `read(2)`.
pub fn read_file(path: impl AsRef<[u8]>) -> Result<Vec<u8>, Errno> {
    File::open(path)?.read_to_end()
}
