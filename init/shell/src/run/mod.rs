//! The interpreter: walks the tree and carries it out through the port [`System`].
//!
//! Every command ends with a status, or with an [`Unwind`] that leaves the structures around it.

mod compound;
mod host;
mod job;
mod pipeline;
mod redirect;
mod simple;
mod trap;

use crate::{
    ast::{Bytes, Command, Script},
    expand::Failure,
    parse::{Error, Parser},
    state::State,
    system::{Fd, System},
};
use abi::Errno;
use alloc::{format, string::String};
use redirect::Refused;

/// Why control leaves the command that runs, and where to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unwind {
    /// Out of this many loops.
    Break(u32),
    /// To the next round of the loop this many levels up.
    Continue(u32),
    /// Out of the function or sourced file.
    Return(i32),
    /// Out of the shell.
    Exit(i32),
    /// Back to the prompt: a mistake or ^C in an interactive shell.
    Line(i32),
}

impl Unwind {
    /// The status if this ends the process.
    pub fn status(self) -> i32 {
        match self {
            Unwind::Break(_) | Unwind::Continue(_) => 0,
            Unwind::Return(status) | Unwind::Exit(status) | Unwind::Line(status) => status,
        }
    }
}

/// The status of a command, or where control goes instead.
pub type Run = Result<i32, Unwind>;

/// Whether the process has anything to do after a command.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// The shell goes on: programs need a child.
    Shell,
    /// A child that ends with the command: a program can take its place.
    Child,
}

/// Functions, `eval` and `.` that may be inside each other, so that the stack suffices.
const MAX_CALLS: u32 = 200;

/// A shell: what it remembers, and the system it runs on.
pub struct Shell<S: System> {
    /// What the shell remembers.
    pub state: State,
    /// What it runs on.
    pub system: S,
}

impl<S: System> Shell<S> {
    /// A shell with this state.
    pub fn new(state: State, mut system: S) -> Self {
        let main_pid = system.pid();
        Shell {
            state: State { main_pid, ..state },
            system,
        }
    }

    /// Runs a text line by line and gives the status of its last command.
    ///
    /// # Errors
    /// The [`Unwind`] that reached the outermost level; a syntax error leaves a script.
    pub fn run_text(&mut self, text: &[u8]) -> Run {
        let mut parser = Parser::new(text);
        let mut status = 0;
        loop {
            match parser.next_line() {
                Ok(Some(_)) if self.state.options.read_only => {}
                Ok(Some(script)) => status = self.run_script(&script)?,
                Ok(None) => return Ok(status),
                Err(error) => return self.syntax_error(&error),
            }
        }
    }

    /// Runs what `sh -c` or a script file contains, and the EXIT trap; gives the exit status.
    pub fn run_main(&mut self, text: &[u8]) -> i32 {
        let result = self.run_text(text);
        self.finish(result)
    }

    /// Ends the shell: runs the EXIT trap and gives the exit status.
    pub fn finish(&mut self, result: Run) -> i32 {
        let status = result.unwrap_or_else(Unwind::status);
        self.run_exit_trap(status) & 0xff
    }

    /// Says what is wrong with a text.
    ///
    /// # Errors
    /// Always: back to the prompt, or out of the shell.
    pub fn syntax_error(&mut self, error: &Error) -> Run {
        match error {
            Error::Incomplete => self.complain("syntax error: unexpected end of file"),
            Error::Syntax(reason) => self.complain(reason),
        }
        self.state.status = 2;
        Err(self.abort(2))
    }

    /// Runs commands one after the other.
    ///
    /// # Errors
    /// An [`Unwind`] that one of them caused.
    pub fn run_script(&mut self, script: &Script) -> Run {
        let mut status = 0;
        for item in &script.0 {
            status = self.item(item)?;
        }
        Ok(status)
    }

    /// Runs commands in a child that ends with them.
    fn run_last(&mut self, script: &Script) -> Run {
        if let [item] = script.0.as_slice()
            && let Some(command) = only_command(item)
        {
            return self.command(command, Place::Child);
        }
        self.run_script(script)
    }

    /// Runs one command of any kind.
    fn command(&mut self, command: &Command, place: Place) -> Run {
        match command {
            Command::Simple(simple) => self.simple(simple, place),
            Command::Compound(compound, redirects) => {
                let saved = match self.redirect(redirects) {
                    Ok(saved) => saved,
                    Err(Refused) => return self.not_redirected(),
                };
                let result = self.compound(compound, place);
                self.restore(saved);
                result
            }
            Command::Function(name, body) => {
                self.state.functions.insert(name.clone(), body.clone());
                Ok(0)
            }
        }
    }

    /// Runs `call` one level deeper, if there are not too many already.
    pub(crate) fn deeper(&mut self, call: impl FnOnce(&mut Self) -> Run) -> Run {
        if self.state.call_depth >= MAX_CALLS {
            self.complain("functions are nested too deeply");
            return Err(self.abort(2));
        }
        self.state.call_depth += 1;
        let result = call(self);
        self.state.call_depth -= 1;
        result
    }

    /// The unwinding that a mistake causes: to the prompt, or out of a script.
    pub(crate) fn abort(&self, status: i32) -> Unwind {
        if self.state.options.interactive {
            Unwind::Line(status)
        } else {
            Unwind::Exit(status)
        }
    }

    /// Reports an expansion that failed.
    pub(crate) fn fail(&mut self, failure: &Failure) -> Unwind {
        self.complain(&failure.0);
        self.state.status = 2;
        self.abort(2)
    }

    /// Writes a message with the shell's name to standard error.
    pub fn complain(&mut self, message: &str) {
        let name = String::from_utf8_lossy(&self.state.name).into_owned();
        self.print(2, format!("{name}: {message}\n").as_bytes());
    }

    /// Writes a message about `subject` and gives status 1.
    pub(crate) fn complain_of(&mut self, command: &str, subject: &[u8], errno: Errno) -> Run {
        let subject = String::from_utf8_lossy(subject);
        self.complain(&format!("{command}: {subject}: {}", errno.text()));
        Ok(1)
    }

    /// Writes all of `bytes`; false if that failed.
    pub fn print(&mut self, fd: Fd, bytes: &[u8]) -> bool {
        self.write_all(fd, bytes).is_ok()
    }

    fn write_all(&mut self, fd: Fd, bytes: &[u8]) -> Result<(), Errno> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.system.write(fd, rest) {
                Ok(count) if count > 0 => rest = rest.get(count..).unwrap_or(b""),
                Err(Errno::EINTR) => {}
                Ok(_) => return Err(Errno::EIO),
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Writes a builtin's output; if that fails it says so, and its status is 1.
    pub(crate) fn output(&mut self, bytes: &[u8]) -> Run {
        match self.write_all(1, bytes) {
            Ok(()) => Ok(0),
            Err(errno) => {
                self.complain(&format!("write error: {}", errno.text()));
                Ok(1)
            }
        }
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<Bytes> {
        self.state.get(name.as_bytes()).cloned()
    }
}

/// The command of a list entry that has only one and waits for it.
fn only_command(item: &crate::ast::Item) -> Option<&Command> {
    let pipeline = &item.list.first;
    let is_plain = item.mode == crate::ast::Mode::Foreground && item.list.rest.is_empty();
    match pipeline.commands.as_slice() {
        [command] if is_plain && !pipeline.negated => Some(command),
        _ => None,
    }
}
