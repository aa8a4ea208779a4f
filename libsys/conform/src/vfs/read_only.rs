//! `read-only`: nothing can be changed, and each refusal is the one that Linux gives.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{ROOT, equal};

promises! { W, "read-only":
    nothing_is_opened_for_writing,
    nothing_is_created,
    nothing_is_removed_or_renamed,
    no_attribute_is_changed,
    access_for_writing_is_refused,
    what_is_not_there_is_missed_first,
    removing_is_refused_before_the_name_is_looked_for,
}

const ANYWHERE: Fd = AT_FDCWD;

fn nothing_is_opened_for_writing(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    for flags in [
        O_WRONLY,
        O_RDWR,
        O_WRONLY | O_APPEND,
        O_RDONLY | O_TRUNC,
        O_RDWR | O_CREAT,
    ] {
        refuse_open(w, who, MOTD, flags, Errno::EROFS)?;
    }
    refuse(
        w,
        who,
        Request::Truncate { length: 0 },
        text(MOTD),
        Errno::EROFS,
    )?;
    equal("it is as before", content(w, who, MOTD)?.is_empty(), false)
}

fn nothing_is_created(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    refuse_open(w, who, "/new", O_CREAT | O_WRONLY, Errno::EROFS)?;
    let device = 0;
    for request in [
        Request::MakeDirectory {
            directory: ANYWHERE,
            mode: 0o755,
        },
        Request::MakeNode {
            directory: ANYWHERE,
            mode: S_IFIFO | 0o644,
            device,
        },
    ] {
        refuse(w, who, request, text("/new"), Errno::EROFS)?;
    }
    let two = |first: &str| [Lease::of(first.as_bytes()), Lease::of(b"/new")];
    let link = Request::Link {
        old_directory: ANYWHERE,
        new_directory: ANYWHERE,
        flags: 0,
    };
    refuse(w, who, link, two(MOTD), Errno::EROFS)?;
    let symbolic = Request::SymbolicLink {
        directory: ANYWHERE,
    };
    refuse(w, who, symbolic, two("target"), Errno::EROFS)
}

fn nothing_is_removed_or_renamed(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let unlink = |flags| Request::Unlink {
        directory: ANYWHERE,
        flags,
    };
    refuse(w, who, unlink(0), text(MOTD), Errno::EROFS)?;
    refuse(w, who, unlink(AT_REMOVEDIR), text("/etc"), Errno::EROFS)?;
    let rename = Request::Rename {
        old_directory: ANYWHERE,
        new_directory: ANYWHERE,
        flags: 0,
    };
    let paths = [Lease::of(MOTD.as_bytes()), Lease::of(b"/etc/motd2")];
    refuse(w, who, rename, paths, Errno::EROFS)?;
    stat(w, who, MOTD, 0).map(drop)
}

fn no_attribute_is_changed(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, MOTD, 0)?;
    for request in [
        Request::ChangeMode {
            directory: ANYWHERE,
            mode: 0o777,
            flags: 0,
        },
        Request::ChangeOwner {
            directory: ANYWHERE,
            uid: 1,
            gid: 1,
            flags: 0,
        },
        Request::SetTimes {
            directory: ANYWHERE,
            flags: 0,
            accessed_ns: 0,
            modified_ns: 0,
        },
    ] {
        refuse(w, who, request, text(MOTD), Errno::EROFS)?;
    }
    for request in [
        Request::ChangeModeDescriptor { fd, mode: 0o777 },
        Request::ChangeOwnerDescriptor { fd, uid: 1, gid: 1 },
    ] {
        refuse(w, who, request, none(), Errno::EROFS)?;
    }
    Ok(())
}

fn access_for_writing_is_refused(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let access = Request::Access {
        directory: ANYWHERE,
        mode: W_OK,
        flags: 0,
    };
    refuse(w, who, access, text(MOTD), Errno::EROFS)?;
    refuse(w, who, access, text("/etc"), Errno::EROFS)
}

fn what_is_not_there_is_missed_first(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    refuse_open(w, who, "/none", O_WRONLY, Errno::ENOENT)?;
    refuse_open(w, who, "/none/x", O_WRONLY | O_CREAT, Errno::ENOENT)?;
    refuse_open(w, who, "/new/", O_WRONLY | O_CREAT, Errno::EISDIR)?;
    refuse_open(w, who, "/etc", O_CREAT, Errno::EISDIR)?;
    let mode = Request::ChangeMode {
        directory: ANYWHERE,
        mode: 0o777,
        flags: 0,
    };
    refuse(w, who, mode, text("/none"), Errno::ENOENT)?;
    refuse(
        w,
        who,
        Request::Truncate { length: 0 },
        text("/etc"),
        Errno::EISDIR,
    )
}

/// Linux asks whether the file system can be written before it looks for the last name.
fn removing_is_refused_before_the_name_is_looked_for(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    for flags in [0, AT_REMOVEDIR] {
        let unlink = Request::Unlink {
            directory: ANYWHERE,
            flags,
        };
        refuse(w, who, unlink, text("/none"), Errno::EROFS)?;
        refuse(w, who, unlink, text("/etc/motd/x"), Errno::ENOTDIR)?;
        refuse(w, who, unlink, text("/none/x"), Errno::ENOENT)?;
    }
    let rename = Request::Rename {
        old_directory: ANYWHERE,
        new_directory: ANYWHERE,
        flags: 0,
    };
    let paths = |old: &str, new: &str| [Lease::of(old.as_bytes()), Lease::of(new.as_bytes())];
    refuse(w, who, rename, paths("/none", "/new"), Errno::EROFS)?;
    refuse(w, who, rename, paths(MOTD, "/none/x"), Errno::ENOENT)
}
