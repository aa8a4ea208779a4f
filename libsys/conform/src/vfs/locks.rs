//! `locks`: record locks of processes.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{ROOT, equal, finish, waits};

promises! { W, "locks":
    a_lock_keeps_others_out,
    a_waiting_lock_is_given_when_the_other_goes,
    closing_any_descriptor_of_a_file_releases_its_locks,
    an_interrupted_lock_is_not_held,
}

fn flock(kind: u16, start: u64, length: u64) -> [Lease; 2] {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&kind.to_le_bytes());
    bytes[8..16].copy_from_slice(&start.to_le_bytes());
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    [Lease::of(&bytes), Lease::none()]
}

/// Two processes with one file open.
fn two(w: &mut W) -> Result<(Caller, Caller, Fd), String> {
    let one = in_place(w, ROOT)?;
    create(w, one, "file", b"0123456789")?;
    let fd = open(w, one, "file", O_RDWR)?;
    let other = w.fork(one);
    Ok((one, other, fd))
}

fn set(fd: Fd) -> Request {
    Request::Lock {
        fd,
        command: F_SETLK,
    }
}

fn a_lock_keeps_others_out(w: &mut W) -> Check {
    let (one, other, fd) = two(w)?;
    get(w, one, set(fd), flock(F_WRLCK, 0, 5))?;
    refuse(w, other, set(fd), flock(F_WRLCK, 4, 1), Errno::EAGAIN)?;
    get(w, other, set(fd), flock(F_WRLCK, 5, 5))?;
    get(w, one, set(fd), flock(F_UNLCK, 2, 3))?;
    get(w, other, set(fd), flock(F_WRLCK, 4, 1)).map(drop)
}

fn a_waiting_lock_is_given_when_the_other_goes(w: &mut W) -> Check {
    let (one, other, fd) = two(w)?;
    get(w, one, set(fd), flock(F_WRLCK, 0, 0))?;
    let wait = Request::Lock {
        fd,
        command: F_SETLKW,
    };
    waits::<Vfs, W>(w, other, wait, flock(F_WRLCK, 3, 1))?;
    w.exit(one);
    equal("lock", finish::<Vfs, W>(w, other)?.result, Ok(Reply::Done))
}

fn closing_any_descriptor_of_a_file_releases_its_locks(w: &mut W) -> Check {
    let (one, other, fd) = two(w)?;
    get(w, one, set(fd), flock(F_WRLCK, 0, 0))?;
    let again = open(w, one, "file", 0)?;
    close(w, one, again)?;
    get(w, other, set(fd), flock(F_WRLCK, 0, 0)).map(drop)
}

fn an_interrupted_lock_is_not_held(w: &mut W) -> Check {
    let (one, other, fd) = two(w)?;
    get(w, one, set(fd), flock(F_WRLCK, 0, 0))?;
    let wait = Request::Lock {
        fd,
        command: F_SETLKW,
    };
    waits::<Vfs, W>(w, other, wait, flock(F_WRLCK, 0, 0))?;
    w.interrupt(other);
    refused("lock", finish::<Vfs, W>(w, other)?.plain(), Errno::EINTR)?;
    get(w, one, set(fd), flock(F_UNLCK, 0, 0))?;
    get(w, one, set(fd), flock(F_WRLCK, 0, 0)).map(drop)
}
