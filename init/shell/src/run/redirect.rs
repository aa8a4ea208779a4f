//! Redirections, and taking them back.

use super::{Run, Shell};
use crate::{
    ast::{Bytes, Redirect, Target, Word},
    expand::{Failure, failure},
    system::{Fd, Open, System},
};
use abi::Errno;
use alloc::{format, string::String, vec::Vec};

/// Most bytes that surely fit into an empty pipe without a reader.
const PIPE_BYTES: usize = 4096;

/// What descriptors were before: a copy, or `None` if they were closed.
pub(crate) type Saved = Vec<(Fd, Option<Fd>)>;

/// A redirection failed: it was reported, and those before it were taken back.
pub(crate) struct Refused;

impl<S: System> Shell<S> {
    /// Carries out redirections; the answer takes them back.
    ///
    /// A failure is told before it is undone: `2>/dev/null >&9` says nothing.
    pub(crate) fn redirect(&mut self, redirects: &[Redirect]) -> Result<Saved, Refused> {
        let mut saved = Saved::new();
        for redirect in redirects {
            let fd = Fd::try_from(redirect.fd).unwrap_or(Fd::MAX);
            if !saved.iter().any(|(known, _)| *known == fd) {
                saved.push((fd, self.system.save(fd).ok()));
            }
            if let Err(failure) = self.redirect_one(fd, &redirect.target) {
                self.complain(&failure.0);
                self.restore(saved);
                return Err(Refused);
            }
        }
        Ok(saved)
    }

    /// Takes redirections back, the last first.
    pub(crate) fn restore(&mut self, saved: Saved) {
        for (fd, copy) in saved.into_iter().rev() {
            let _ = match copy {
                Some(copy) => self.move_descriptor(copy, fd),
                None => self.system.close(fd),
            };
        }
    }

    /// Makes redirections permanent.
    pub(crate) fn keep(&mut self, saved: Saved) {
        for copy in saved.into_iter().filter_map(|(_, copy)| copy) {
            let _ = self.system.close(copy);
        }
    }

    /// The status of a command that did not run because a redirection failed.
    pub(super) fn not_redirected(&mut self) -> Run {
        self.state.status = 1;
        Ok(1)
    }

    /// Makes `to` mean what `from` means, and closes `from`.
    pub(crate) fn move_descriptor(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        if from == to {
            return Ok(());
        }
        self.system.duplicate(from, to)?;
        self.system.close(from)
    }

    fn redirect_one(&mut self, fd: Fd, target: &Target) -> Result<(), Failure> {
        match target {
            Target::Read(word) => self.redirect_file(fd, word, Open::Read),
            Target::Write(word) => self.redirect_file(fd, word, Open::Write),
            Target::Append(word) => self.redirect_file(fd, word, Open::Append),
            Target::ReadWrite(word) => self.redirect_file(fd, word, Open::ReadWrite),
            Target::Duplicate(word) => self.redirect_copy(fd, word),
            Target::Here(word) => self.redirect_text(fd, word),
        }
    }

    fn redirect_file(&mut self, fd: Fd, word: &Word, how: Open) -> Result<(), Failure> {
        let path = crate::expand::single(self, word)?;
        let file = self
            .system
            .open(&path, how)
            .map_err(|errno| cannot(&path, errno))?;
        self.move_descriptor(file, fd)
            .map_err(|errno| cannot(&path, errno))
    }

    fn redirect_copy(&mut self, fd: Fd, word: &Word) -> Result<(), Failure> {
        let text = crate::expand::single(self, word)?;
        if text == b"-" {
            // Closing what is closed is no mistake.
            let _ = self.system.close(fd);
            return Ok(());
        }
        let number = core::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.parse().ok());
        let from: Fd = number.ok_or_else(|| cannot(&text, Errno::EBADF))?;
        self.system
            .duplicate(from, fd)
            .map_err(|errno| cannot(&text, errno))
    }

    /// A here-document: a pipe that already holds the text, or that a child fills.
    fn redirect_text(&mut self, fd: Fd, word: &Word) -> Result<(), Failure> {
        let text = crate::expand::single(self, word)?;
        let (read, write) = self.system.pipe().map_err(|errno| cannot(b"pipe", errno))?;
        let result = self.fill(read, write, &text);
        let _ = self.system.close(write);
        match result.and_then(|()| self.move_descriptor(read, fd)) {
            Ok(()) => Ok(()),
            Err(errno) => Err(cannot(b"here-document", errno)),
        }
    }

    fn fill(&mut self, read: Fd, write: Fd, text: &Bytes) -> Result<(), Errno> {
        if text.len() <= PIPE_BYTES {
            self.print(write, text);
            return Ok(());
        }
        S::fork(self, &mut |shell| {
            shell.enter_child();
            let _ = shell.system.close(read);
            i32::from(!shell.print(write, text))
        })?;
        Ok(())
    }
}

fn cannot(subject: &[u8], errno: Errno) -> Failure {
    failure(format!(
        "{}: {}",
        String::from_utf8_lossy(subject),
        errno.text()
    ))
}
