//! `base`: descriptors, what they share, and what processes inherit.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{ROOT, equal};
use proto::Pid;

promises! { W, "base":
    opening_gives_the_lowest_free_descriptor,
    a_closed_descriptor_is_refused,
    a_duplicate_shares_the_offset,
    two_opens_have_offsets_of_their_own,
    duplicate_to_takes_the_place_of_what_was_open,
    duplicate_to_itself_is_dup2_and_not_dup3,
    control_keeps_the_flags_of_a_descriptor,
    a_child_inherits_descriptors_and_their_offset,
    the_end_of_a_child_leaves_its_parents_descriptors,
    a_child_has_a_table_of_its_own,
    a_new_process_has_the_directory_of_its_parent,
    what_only_proc_may_say_is_refused_to_programs,
    a_descriptor_beyond_the_limit_is_refused,
}

fn opening_gives_the_lowest_free_descriptor(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let first = open(w, who, MOTD, 0)?;
    let second = open(w, who, MOTD, 0)?;
    let third = open(w, who, MOTD, 0)?;
    equal("order", (second, third), (first + 1, first + 2))?;
    close(w, who, second)?;
    close(w, who, first)?;
    equal("lowest", open(w, who, MOTD, 0)?, first)?;
    let Reply::Descriptor(copy) = get(w, who, Request::Duplicate { fd: third }, none())?.0 else {
        return Err("dup answers no descriptor".into());
    };
    equal("dup", copy, second)
}

fn a_closed_descriptor_is_refused(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, MOTD, 0)?;
    close(w, who, fd)?;
    for fd in [fd, -1, 1_000_000] {
        let room = || [Lease::room(STAT_BYTES), Lease::none()];
        for request in [
            Request::Close { fd },
            Request::Duplicate { fd },
            Request::Seek {
                fd,
                offset: 0,
                whence: SEEK_SET,
            },
            Request::Control {
                fd,
                command: F_GETFD,
                argument: 0,
            },
            Request::ChangeDirectoryTo { fd },
        ] {
            refuse(w, who, request, none(), Errno::EBADF)?;
        }
        for request in [
            Request::Read { fd },
            Request::Write { fd },
            Request::ReadAt { fd, offset: 0 },
            Request::WriteAt { fd, offset: 0 },
            Request::StatDescriptor { fd },
            Request::List { fd },
        ] {
            refuse(w, who, request, room(), Errno::EBADF)?;
        }
    }
    Ok(())
}

fn a_duplicate_shares_the_offset(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, MOTD, 0)?;
    let Reply::Descriptor(copy) = get(w, who, Request::Duplicate { fd }, none())?.0 else {
        return Err("dup answers no descriptor".into());
    };
    let first = read(w, who, fd, 4)?;
    let second = read(w, who, copy, 4)?;
    equal("both", [first, second].concat(), read_at(w, who, fd, 0, 8)?)?;
    close(w, who, fd)?;
    equal("after closing one", seek(w, who, copy, 0, SEEK_CUR)?, 8)
}

fn two_opens_have_offsets_of_their_own(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let one = open(w, who, MOTD, 0)?;
    let other = open(w, who, MOTD, 0)?;
    let first = read(w, who, one, 6)?;
    equal("the same bytes", read(w, who, other, 6)?, first)
}

fn duplicate_to_takes_the_place_of_what_was_open(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let motd = open(w, who, MOTD, 0)?;
    let shell = open(w, who, SHELL, 0)?;
    read(w, who, motd, 3)?;
    let request = Request::DuplicateTo {
        fd: motd,
        to: shell,
        flags: O_CLOEXEC,
        same_is_fine: false,
    };
    equal(
        "answer",
        get(w, who, request, none())?.0,
        Reply::Descriptor(shell),
    )?;
    equal("offset", seek(w, who, shell, 0, SEEK_CUR)?, 3)?;
    equal("close on exec", control(w, who, shell, F_GETFD, 0)?, 1)?;
    equal("of the old one", control(w, who, motd, F_GETFD, 0)?, 0)?;
    let missing = Request::DuplicateTo {
        fd: shell + 1,
        to: motd,
        flags: 0,
        same_is_fine: false,
    };
    refuse(w, who, missing, none(), Errno::EBADF)?;
    equal("the target stays", read(w, who, motd, 1)?.len(), 1)?;
    let negative = Request::DuplicateTo {
        fd: motd,
        to: -1,
        flags: 0,
        same_is_fine: true,
    };
    refuse(w, who, negative, none(), Errno::EBADF)
}

fn duplicate_to_itself_is_dup2_and_not_dup3(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, MOTD, 0)?;
    let to_itself = |same_is_fine| Request::DuplicateTo {
        fd,
        to: fd,
        flags: 0,
        same_is_fine,
    };
    refuse(w, who, to_itself(false), none(), Errno::EINVAL)?;
    equal(
        "dup2",
        get(w, who, to_itself(true), none())?.0,
        Reply::Descriptor(fd),
    )?;
    equal("it is open", read(w, who, fd, 1)?.len(), 1)
}

fn control_keeps_the_flags_of_a_descriptor(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, MOTD, O_CLOEXEC)?;
    equal("O_CLOEXEC", control(w, who, fd, F_GETFD, 0)?, 1)?;
    equal("set", control(w, who, fd, F_SETFD, 0)?, 0)?;
    equal("get", control(w, who, fd, F_GETFD, 0)?, 0)?;
    equal(
        "access mode",
        control(w, who, fd, F_GETFL, 0)? & 3,
        u64::from(O_RDONLY),
    )?;
    equal("F_DUPFD", control(w, who, fd, F_DUPFD, 30)?, 30)?;
    equal("the next", control(w, who, fd, F_DUPFD, 30)?, 31)?;
    let unknown = Request::Control {
        fd,
        command: 9999,
        argument: 0,
    };
    refuse(w, who, unknown, none(), Errno::EINVAL)
}

fn a_child_inherits_descriptors_and_their_offset(w: &mut W) -> Check {
    let parent = w.caller(ROOT);
    let fd = open(w, parent, MOTD, 0)?;
    let whole = read_at(w, parent, fd, 0, 9)?;
    let child = w.fork(parent);
    let first = read(w, child, fd, 3)?;
    let second = read(w, parent, fd, 3)?;
    let third = read(w, child, fd, 3)?;
    equal("in turns", [first, second, third].concat(), whole)
}

fn the_end_of_a_child_leaves_its_parents_descriptors(w: &mut W) -> Check {
    let parent = w.caller(ROOT);
    let fd = open(w, parent, MOTD, 0)?;
    let child = w.fork(parent);
    read(w, child, fd, 5)?;
    w.exit(child);
    equal("offset", seek(w, parent, fd, 0, SEEK_CUR)?, 5)?;
    equal("still open", read(w, parent, fd, 1)?.len(), 1)
}

fn a_child_has_a_table_of_its_own(w: &mut W) -> Check {
    let parent = w.caller(ROOT);
    let fd = open(w, parent, MOTD, 0)?;
    let child = w.fork(parent);
    close(w, child, fd)?;
    equal("the parent's", read(w, parent, fd, 2)?.len(), 2)?;
    let other = open(w, parent, SHELL, 0)?;
    equal("the child's next", open(w, child, MOTD, 0)?, fd)?;
    refuse(w, child, Request::Close { fd: other }, none(), Errno::EBADF)
}

fn a_new_process_has_the_directory_of_its_parent(w: &mut W) -> Check {
    let parent = w.caller(ROOT);
    get(w, parent, Request::ChangeDirectory, text("/etc"))?;
    let child = w.fork(parent);
    let fd = open(w, child, "motd", 0)?;
    close(w, child, fd)?;
    get(w, child, Request::ChangeDirectory, text("/bin"))?;
    open(w, parent, "motd", 0).map(drop)
}

fn what_only_proc_may_say_is_refused_to_programs(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let pid = Pid(w.pid(who));
    let stranger = Pid(999);
    for request in [
        Request::Start {
            process: stranger,
            console: false,
        },
        Request::Fork {
            parent: pid,
            child: stranger,
        },
        Request::Exit { process: pid },
        Request::FailTerminalReads { pgid: pid.0 },
        Request::Publish {
            table: proto::mem::ObjectId(1),
        },
    ] {
        refuse(w, who, request, none(), Errno::EPERM)?;
    }
    for request in [
        Request::OpenProgram { process: pid },
        Request::CommitProgram { process: pid },
    ] {
        let leases = [Lease::of(SHELL.as_bytes()), Lease::room(64)];
        refuse(w, who, request, leases, Errno::EPERM)?;
    }
    Ok(())
}

fn a_descriptor_beyond_the_limit_is_refused(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, MOTD, 0)?;
    let far = Request::DuplicateTo {
        fd,
        to: 1_000_000,
        flags: 0,
        same_is_fine: true,
    };
    refuse(w, who, far, none(), Errno::EBADF)?;
    let beyond = Request::Control {
        fd,
        command: F_DUPFD,
        argument: 1_000_000,
    };
    refuse(w, who, beyond, none(), Errno::EINVAL)
}
