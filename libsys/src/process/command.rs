//! Commands that a shell runs.

use super::{Status, execv, exit_now, fork, waitpid};
use crate::file;
use crate::posix::unexpected;
use abi::Errno;

/// Runs `/bin/sh -c command` and waits for it (`system`); interrupts from the keyboard go to it.
///
/// # Errors
/// As [`fork`] and [`waitpid`].
pub fn system(command: impl AsRef<[u8]>) -> Result<Status, Errno> {
    use crate::signal::{
        Action, Handler, SIGCHLD, SIGINT, SIGQUIT, action, block, set_mask, set_of,
    };
    let ignore = Action {
        handler: Handler::Ignore,
        ..Action::default()
    };
    let old_interrupt = action(SIGINT, &ignore)?;
    let old_quit = action(SIGQUIT, &ignore)?;
    let old_mask = block(set_of(&[SIGCHLD]))?;
    let restore = || {
        let _ = action(SIGINT, &old_interrupt);
        let _ = action(SIGQUIT, &old_quit);
        let _ = set_mask(old_mask);
    };
    let status = match fork() {
        Ok(0) => {
            restore();
            exec_shell(command.as_ref())
        }
        Ok(child) => wait_for(child),
        Err(errno) => Err(errno),
    };
    restore();
    status
}

fn exec_shell(command: &[u8]) -> ! {
    let _ = execv("/bin/sh", &[b"sh".as_slice(), b"-c", command]);
    exit_now(127)
}

fn wait_for(child: u32) -> Result<Status, Errno> {
    let child = i32::try_from(child).map_err(|_| unexpected())?;
    loop {
        match waitpid(child, 0) {
            Ok(waited) => return waited.map(|(_, status)| status).ok_or_else(unexpected),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// A command whose output is read, or whose input is written (`popen`).
#[derive(Debug)]
pub struct Command {
    child: u32,
    /// The pipe's end on this side.
    pub fd: file::Fd,
}

/// Which end of the pipe [`popen`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The command's output is read.
    Read,
    /// The command's input is written.
    Write,
}

/// Starts `/bin/sh -c command` with a pipe to it.
///
/// # Errors
/// As [`fork`] and [`file::pipe`].
pub fn popen(command: impl AsRef<[u8]>, direction: Direction) -> Result<Command, Errno> {
    let (read, write) = file::pipe2(file::O_CLOEXEC)?;
    let (ours, theirs, standard) = match direction {
        Direction::Read => (read, write, 1),
        Direction::Write => (write, read, 0),
    };
    match fork() {
        Ok(0) => {
            let _ = file::dup2(theirs, standard);
            if theirs == standard {
                let _ = file::fcntl(standard, file::F_SETFD, 0);
            }
            exec_shell(command.as_ref())
        }
        Ok(child) => {
            let _ = file::close(theirs);
            Ok(Command { child, fd: ours })
        }
        Err(errno) => {
            let _ = file::close(read);
            let _ = file::close(write);
            Err(errno)
        }
    }
}

impl Command {
    /// Closes the pipe and waits for the command (`pclose`).
    ///
    /// # Errors
    /// As [`waitpid`].
    pub fn close(self) -> Result<Status, Errno> {
        file::close(self.fd)?;
        wait_for(self.child)
    }
}
