//! `base`: how a path becomes a file.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{ROOT, equal};

promises! { W, "base":
    what_is_not_there_is_not_found,
    a_path_through_a_file_is_refused,
    a_slash_behind_a_file_is_refused,
    long_names_and_paths_are_refused,
    dots_and_slashes_lead_where_they_should,
    the_current_directory_can_be_changed_and_named,
    a_directory_descriptor_is_where_a_path_starts,
    symbolic_links_are_followed_or_not,
    only_a_link_is_read_as_one,
    access_says_what_open_would,
    a_directory_that_is_asked_for_must_be_one,
    what_is_there_is_not_created_again,
    the_mask_is_kept_for_each_process,
}

fn what_is_not_there_is_not_found(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    for path in [
        "/nothing",
        "/etc/nothing",
        "/nothing/below",
        "nothing",
        "",
        "/etc/motd2",
    ] {
        refuse_open(w, who, path, 0, Errno::ENOENT)?;
        refuse_stat(w, who, path, Errno::ENOENT)?;
        refuse(w, who, Request::ChangeDirectory, text(path), Errno::ENOENT)?;
    }
    Ok(())
}

fn a_path_through_a_file_is_refused(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    for path in ["/etc/motd/x", "/etc/motd/..", "/bin/sh/a/b"] {
        refuse_open(w, who, path, 0, Errno::ENOTDIR)?;
        refuse_stat(w, who, path, Errno::ENOTDIR)?;
    }
    refuse(w, who, Request::ChangeDirectory, text(MOTD), Errno::ENOTDIR)
}

fn a_slash_behind_a_file_is_refused(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    refuse_open(w, who, "/etc/motd/", 0, Errno::ENOTDIR)?;
    refuse_stat(w, who, "/etc/motd//", Errno::ENOTDIR)?;
    stat(w, who, "/etc//", 0).map(drop)
}

fn long_names_and_paths_are_refused(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let name = |length: usize| "n".repeat(length);
    refuse_open(w, who, &name(255), 0, Errno::ENOENT)?;
    refuse_open(w, who, &name(256), 0, Errno::ENAMETOOLONG)?;
    let path = |length: usize| "/".repeat(length - 3) + "etc";
    stat(w, who, &path(4095), 0)?;
    refuse_stat(w, who, &path(4096), Errno::ENAMETOOLONG)
}

fn dots_and_slashes_lead_where_they_should(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let motd = stat(w, who, MOTD, 0)?.identity();
    for path in [
        "/etc/./motd",
        "//etc///motd",
        "/bin/../etc/motd",
        "/../../etc/motd",
    ] {
        equal(path, stat(w, who, path, 0)?.identity(), motd)?;
    }
    let root = stat(w, who, "/", 0)?.identity();
    for path in ["/..", "/.", "/etc/..", "/bin/../etc/../."] {
        equal(path, stat(w, who, path, 0)?.identity(), root)?;
    }
    Ok(())
}

fn here(w: &mut W, who: Caller) -> Result<Vec<u8>, String> {
    let room = [Lease::room(100), Lease::none()];
    taken(get(w, who, Request::CurrentDirectory, room)?)
}

fn the_current_directory_can_be_changed_and_named(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    get(w, who, Request::ChangeDirectory, text("/etc"))?;
    equal("getcwd", here(w, who)?, b"/etc\0".to_vec())?;
    let fd = open(w, who, "motd", 0)?;
    get(w, who, Request::ChangeDirectory, text("../bin"))?;
    equal("getcwd", here(w, who)?, b"/bin\0".to_vec())?;
    stat(w, who, "sh", 0)?;
    let short = [Lease::room(4), Lease::none()];
    refuse(w, who, Request::CurrentDirectory, short, Errno::ERANGE)?;
    refuse(
        w,
        who,
        Request::ChangeDirectoryTo { fd },
        none(),
        Errno::ENOTDIR,
    )?;
    let fd = open(w, who, "/", 0)?;
    get(w, who, Request::ChangeDirectoryTo { fd }, none())?;
    equal("getcwd", here(w, who)?, b"/\0".to_vec())
}

fn a_directory_descriptor_is_where_a_path_starts(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let etc = open(w, who, "/etc", O_DIRECTORY)?;
    let from = |directory| Request::Open {
        directory,
        flags: 0,
        mode: 0,
    };
    let (reply, _) = get(w, who, from(etc), text("motd"))?;
    let Reply::Descriptor(motd) = reply else {
        return Err(format!("{reply:?}"));
    };
    get(w, who, from(motd), text("/etc/motd"))?;
    get(w, who, from(-5), text("/etc/motd"))?;
    refuse(w, who, from(motd), text("motd"), Errno::ENOTDIR)?;
    refuse(w, who, from(-5), text("motd"), Errno::EBADF)
}

fn symbolic_links_are_followed_or_not(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let bin = stat(w, who, "/bin", 0)?.identity();
    equal("followed", stat(w, who, "/usr/bin", 0)?.identity(), bin)?;
    let link = stat(w, who, "/usr/bin", AT_SYMLINK_NOFOLLOW)?;
    equal("not followed", link.kind(), S_IFLNK)?;
    equal("its size", link.size(), 6)?;
    let through = stat(w, who, "/usr/bin/sh", AT_SYMLINK_NOFOLLOW)?.identity();
    equal("through it", through, stat(w, who, SHELL, 0)?.identity())?;
    refuse_open(w, who, "/usr/bin", O_NOFOLLOW, Errno::ELOOP)?;
    let followed = stat(w, who, "/usr/bin/", AT_SYMLINK_NOFOLLOW)?.identity();
    equal("with a slash", followed, bin)
}

fn only_a_link_is_read_as_one(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let request = Request::ReadLink {
        directory: AT_FDCWD,
    };
    let leases = |path: &str, room| [Lease::of(path.as_bytes()), Lease::room(room)];
    let (reply, [_, target]) = get(w, who, request, leases("/usr/bin", 100))?;
    equal("length", count(reply)?, 6)?;
    equal("target", &target[..6], b"../bin")?;
    let (reply, [_, target]) = get(w, who, request, leases("/usr/bin", 3))?;
    equal("cut off", (count(reply)?, target), (3, b"../".to_vec()))?;
    refuse(w, who, request, leases(MOTD, 9), Errno::EINVAL)?;
    refuse(w, who, request, leases("/none", 9), Errno::ENOENT)
}

fn access_says_what_open_would(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let access = |mode| Request::Access {
        directory: AT_FDCWD,
        mode,
        flags: 0,
    };
    for (path, mode) in [
        (SHELL, X_OK | R_OK),
        (MOTD, R_OK),
        ("/etc", X_OK),
        (MOTD, 0),
    ] {
        get(w, who, access(mode), text(path))?;
    }
    refuse(w, who, access(X_OK), text(MOTD), Errno::EACCES)?;
    refuse(w, who, access(0), text("/none"), Errno::ENOENT)?;
    refuse(w, who, access(8), text(MOTD), Errno::EINVAL)
}

fn a_directory_that_is_asked_for_must_be_one(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    refuse_open(w, who, MOTD, O_DIRECTORY, Errno::ENOTDIR)?;
    open(w, who, "/usr/bin", O_DIRECTORY).map(drop)
}

fn what_is_there_is_not_created_again(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    refuse_open(w, who, MOTD, O_CREAT | O_EXCL, Errno::EEXIST)?;
    refuse_open(w, who, "/usr/bin", O_CREAT | O_EXCL, Errno::EEXIST)?;
    let make = Request::MakeDirectory {
        directory: AT_FDCWD,
        mode: 0o755,
    };
    for path in ["/etc", "/", MOTD] {
        refuse(w, who, make, text(path), Errno::EEXIST)?;
    }
    let fd = open(w, who, MOTD, O_CREAT)?;
    equal("without O_EXCL", read(w, who, fd, 3)?.len(), 3)
}

fn the_mask_is_kept_for_each_process(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let mut set = |who, mask| count(get(w, who, Request::Umask { mask }, none())?.0);
    set(who, 0o27)?;
    equal("the old one", set(who, 0o7777)?, 0o27)?;
    equal("only permissions", set(who, 0o22)?, 0o777)?;
    let child = w.fork(who);
    let old = count(get(w, child, Request::Umask { mask: 0 }, none())?.0)?;
    equal("inherited", old, 0o22)?;
    let old = count(get(w, who, Request::Umask { mask: 0o22 }, none())?.0)?;
    equal("the parent's", old, 0o22)
}
