//! What the cases share: expectations, children, places to write.

use core::fmt::Debug;
use libsys::{
    file::{self, Fd},
    prelude::*,
    process::{self, Status},
};

/// How a case went: the error says what was wrong.
pub type Check = Result<(), String>;

/// Says what an unexpected error came from.
pub trait Context<T> {
    /// The value, or the error with a text before it.
    fn doing(self, what: &str) -> Result<T, String>;
}

impl<T> Context<T> for Result<T, Errno> {
    fn doing(self, what: &str) -> Result<T, String> {
        self.map_err(|errno| format!("{what}: {}", errno.name()))
    }
}

/// Expects two values to be equal.
pub fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Check {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, expected {expected:?}"))
}

/// Expects a condition to hold.
pub fn ensure(what: &str, holds: bool) -> Check {
    if holds {
        Ok(())
    } else {
        Err(String::from(what))
    }
}

/// Expects a call to be refused.
pub fn refused<T: Debug>(what: &str, result: Result<T, Errno>, expected: Errno) -> Check {
    match result {
        Err(errno) if errno == expected => Ok(()),
        Err(errno) => Err(format!(
            "{what}: {} instead of {}",
            errno.name(),
            expected.name()
        )),
        Ok(value) => Err(format!("{what}: {value:?} instead of {}", expected.name())),
    }
}

/// Expects each call to be refused with one error; the call's text says what failed.
#[macro_export]
macro_rules! refuse {
    ($errno:ident: $($call:expr;)+) => {
        $($crate::support::refused(stringify!($call), $call, libsys::Errno::$errno)?;)+
    };
}

/// Waits for one child, whatever interrupts.
pub fn wait_for(child: u32) -> Result<Status, String> {
    loop {
        match process::waitpid(child as i32, 0) {
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) => return Err(String::from("waitpid answered nobody")),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(format!("waitpid: {}", errno.name())),
        }
    }
}

/// Starts a child that ends with the status that `work` gives.
pub fn start(work: impl FnOnce() -> i32) -> Result<u32, String> {
    match process::fork().doing("fork")? {
        0 => process::exit_now(work()),
        child => Ok(child),
    }
}

/// Runs `work` in a child and waits for it.
pub fn in_child(work: impl FnOnce() -> i32) -> Result<Status, String> {
    wait_for(start(work)?)
}

/// Runs a check in a child, so that what it changes is gone afterwards.
pub fn check_in_child(work: impl FnOnce() -> Check) -> Check {
    let status = in_child(|| match work() {
        Ok(()) => 0,
        Err(reason) => {
            libsys::eprintln!("{reason}");
            1
        }
    })?;
    equal("status of the child", status.exited(), Some(0))
}

/// A fresh directory, removed with all in it when dropped.
pub struct Place {
    path: Vec<u8>,
}

impl Place {
    /// Makes a directory and goes into it.
    pub fn new() -> Result<Place, String> {
        let path = format!("/tmp/usertests.{}", process::getpid()).into_bytes();
        file::mkdir(&path, 0o777).doing("mkdir in /tmp")?;
        file::chmod(&path, 0o777).doing("chmod")?;
        file::chdir(&path).doing("chdir")?;
        Ok(Place { path })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = file::chdir("/");
        remove(&self.path);
    }
}

fn remove(path: &[u8]) {
    for name in programs::names(path).unwrap_or_default() {
        let below = programs::join(path, &name);
        if file::unlink(&below).is_err() {
            remove(&below);
        }
    }
    let _ = file::rmdir(path);
}

/// Makes a file with this content.
pub fn make(path: &str, content: &[u8]) -> Check {
    let fd = file::creat(path, 0o644).doing("creat")?;
    file::write_all(fd, content).doing("write")?;
    file::close(fd).doing("close")
}

/// Opens a file for reading and writing.
pub fn open(path: &str, flags: u32) -> Result<Fd, String> {
    file::open(path, file::O_RDWR | flags, 0o644).doing("open")
}

/// The content of a file as text.
pub fn content(path: &str) -> Result<String, String> {
    libsys::stdio::read_file(path)
        .doing("read")
        .map(|bytes| programs::show(&bytes))
}

/// Frames of the machine that are free, once it has come to rest.
pub fn free_frames() -> Result<u64, String> {
    let mut last = libsys::memory::statistics().doing("statistics")?.free;
    for _ in 0..20 {
        let _ = process::nanosleep(20_000_000);
        let now = libsys::memory::statistics().doing("statistics")?.free;
        if now == last {
            return Ok(now);
        }
        last = now;
    }
    Ok(last)
}
