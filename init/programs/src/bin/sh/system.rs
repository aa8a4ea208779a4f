//! The port of the shell, answered by the system.

use core::sync::atomic::{AtomicU64, Ordering};
use libsys::{
    file,
    prelude::*,
    process,
    signal::{self, Action, Handler},
};
use programs::files::SystemFiles;
use shell::{
    Shell,
    system::{Access, Change, Disposition, Facts, Fd, Files, Open, Patience, Pid, System},
};

/// The system itself.
pub struct Real;

/// Signals that were caught and not yet taken: signal N is bit N.
static CAUGHT: AtomicU64 = AtomicU64::new(0);

fn catch(signal: i32) {
    CAUGHT.fetch_or(1 << (signal & 63), Ordering::Relaxed);
}

impl Files for Real {
    fn facts(&mut self, path: &[u8]) -> Result<Facts, Errno> {
        SystemFiles.facts(path)
    }

    fn link_facts(&mut self, path: &[u8]) -> Result<Facts, Errno> {
        SystemFiles.link_facts(path)
    }

    fn may(&mut self, path: &[u8], access: Access) -> bool {
        SystemFiles.may(path, access)
    }

    fn is_terminal(&mut self, fd: Fd) -> bool {
        SystemFiles.is_terminal(fd)
    }
}

impl System for Real {
    fn fork(
        shell: &mut Shell<Self>,
        body: &mut dyn FnMut(&mut Shell<Self>) -> i32,
    ) -> Result<Pid, Errno> {
        match process::fork()? {
            0 => {
                CAUGHT.store(0, Ordering::Relaxed);
                process::exit(body(shell))
            }
            pid => Ok(pid as Pid),
        }
    }

    fn exec(
        &mut self,
        path: &[u8],
        arguments: &[Vec<u8>],
        environment: &[Vec<u8>],
    ) -> Result<i32, Errno> {
        Err(process::execve(path, arguments, environment))
    }

    fn pipe(&mut self) -> Result<(Fd, Fd), Errno> {
        file::pipe()
    }

    fn open(&mut self, path: &[u8], how: Open) -> Result<Fd, Errno> {
        let flags = match how {
            Open::Read => file::O_RDONLY,
            Open::Write => file::O_WRONLY | file::O_CREAT | file::O_TRUNC,
            Open::Append => file::O_WRONLY | file::O_CREAT | file::O_APPEND,
            Open::ReadWrite => file::O_RDWR | file::O_CREAT,
        };
        file::open(path, flags, 0o666)
    }

    fn duplicate(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        file::dup2(from, to).map(drop)
    }

    fn save(&mut self, fd: Fd) -> Result<Fd, Errno> {
        file::fcntl(fd, file::F_DUPFD_CLOEXEC, 10).map(|fd| fd as Fd)
    }

    fn close(&mut self, fd: Fd) -> Result<(), Errno> {
        file::close(fd)
    }

    fn read(&mut self, fd: Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
        file::read(fd, buffer)
    }

    fn write(&mut self, fd: Fd, bytes: &[u8]) -> Result<usize, Errno> {
        file::write(fd, bytes)
    }

    fn wait(&mut self, patience: Patience) -> Result<Option<(Pid, Change)>, Errno> {
        let options = match patience {
            Patience::Block => process::WUNTRACED | process::WCONTINUED,
            Patience::Poll => process::WUNTRACED | process::WCONTINUED | process::WNOHANG,
        };
        let waited = process::waitpid(-1, options)?;
        Ok(waited.map(|(pid, status)| (pid as Pid, change(status))))
    }

    fn set_group(&mut self, pid: Pid, group: Pid) -> Result<(), Errno> {
        process::setpgid(pid, group)
    }

    fn set_foreground(&mut self, group: Pid) -> Result<(), Errno> {
        file::tcsetpgrp(0, group as u32)
    }

    fn kill(&mut self, pid: Pid, signal: i32) -> Result<(), Errno> {
        signal::kill(pid, signal)
    }

    fn set_signal(&mut self, signal: i32, disposition: Disposition) -> Result<(), Errno> {
        let handler = match disposition {
            Disposition::Default => Handler::Default,
            Disposition::Ignore => Handler::Ignore,
            Disposition::Catch => Handler::Call(catch),
        };
        signal::action(
            signal,
            &Action {
                handler,
                flags: 0,
                mask: 0,
            },
        )
        .map(drop)
    }

    fn take_signal(&mut self) -> Option<i32> {
        let caught = CAUGHT.load(Ordering::Relaxed);
        if caught == 0 {
            return None;
        }
        let signal = caught.trailing_zeros();
        CAUGHT.fetch_and(!(1 << signal), Ordering::Relaxed);
        Some(signal as i32)
    }

    fn pid(&mut self) -> Pid {
        process::getpid() as Pid
    }

    fn parent_pid(&mut self) -> Pid {
        process::getppid() as Pid
    }

    fn group(&mut self) -> Pid {
        process::getpgrp() as Pid
    }

    fn user(&mut self) -> u32 {
        process::geteuid()
    }

    fn directory(&mut self) -> Result<Vec<u8>, Errno> {
        file::getcwd()
    }

    fn change_directory(&mut self, path: &[u8]) -> Result<(), Errno> {
        file::chdir(path)
    }

    fn set_mask(&mut self, mask: u32) -> u32 {
        file::umask(mask).unwrap_or(0)
    }

    fn list(&mut self, directory: &[u8]) -> Result<Vec<Vec<u8>>, Errno> {
        programs::names(directory)
    }

    fn home_of(&mut self, user: &[u8]) -> Option<Vec<u8>> {
        programs::users::home_of(user)
    }
}

fn change(status: process::Status) -> Change {
    if let Some(signal) = status.signaled() {
        return Change::Killed(signal);
    }
    if let Some(signal) = status.stopped() {
        return Change::Stopped(signal);
    }
    if status.continued() {
        return Change::Continued;
    }
    Change::Exited(status.shell_status())
}
