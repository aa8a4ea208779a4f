//! `devices`: the files of `/dev` that every program relies on.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{ROOT, equal};

promises! { W, "devices":
    null_is_empty_and_takes_everything,
    zero_gives_zeros,
    full_is_full,
    only_a_terminal_is_one,
}

fn null_is_empty_and_takes_everything(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    equal("type", stat(w, who, "/dev/null", 0)?.kind(), S_IFCHR)?;
    let fd = open(w, who, "/dev/null", O_RDWR)?;
    equal("write", write(w, who, fd, b"anything")?, 8)?;
    equal("read", read(w, who, fd, 9)?.len(), 0)
}

fn zero_gives_zeros(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, "/dev/zero", O_RDWR)?;
    equal("read", read(w, who, fd, 5000)?, [0; 5000].to_vec())?;
    equal("write", write(w, who, fd, b"anything")?, 8)
}

fn full_is_full(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, "/dev/full", O_RDWR)?;
    let bytes = [Lease::of(b"x"), Lease::none()];
    refuse(w, who, Request::Write { fd }, bytes, Errno::ENOSPC)
}

fn only_a_terminal_is_one(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    for path in [MOTD, "/dev/null"] {
        let fd = open(w, who, path, 0)?;
        let request = Request::DeviceControl {
            fd,
            command: TCGETS,
            argument: 0,
        };
        let room = [Lease::room(60), Lease::none()];
        refuse(w, who, request, room, Errno::ENOTTY)?;
    }
    Ok(())
}
