//! Users, groups, permissions, the mask.

use crate::{
    Case,
    support::{Check, Context, Place, check_in_child, equal, make, refused},
};
use libsys::{file, prelude::*, process};

pub const CASES: &[Case] = &[
    ("set-ids", set_ids),
    ("permissions", permissions),
    ("umask", umask),
];

const USER: u32 = 1000;
const OTHER: u32 = 1001;

fn set_ids() -> Check {
    equal("the tests run as root", process::geteuid(), 0)?;
    check_in_child(|| {
        process::setgroups(&[5, 7]).doing("setgroups")?;
        equal("getgroups", process::getgroups(), Ok(vec![5, 7]))?;
        process::seteuid(USER).doing("seteuid")?;
        equal("effective", process::geteuid(), USER)?;
        equal("real", process::getuid(), 0)?;
        refused(
            "setgroups without privilege",
            process::setgroups(&[1]),
            Errno::EPERM,
        )?;
        process::seteuid(0).doing("seteuid back")?;
        process::setgid(USER).doing("setgid")?;
        process::setuid(USER).doing("setuid")?;
        let ids = process::users().doing("getresuid")?;
        equal(
            "all three",
            (ids.real, ids.effective, ids.saved),
            (USER, USER, USER),
        )?;
        refused("setuid to root", process::setuid(0), Errno::EPERM)?;
        refused("setuid to another", process::setuid(OTHER), Errno::EPERM)?;
        refused("seteuid to another", process::seteuid(OTHER), Errno::EPERM)?;
        refused("setgid to another", process::setgid(OTHER), Errno::EPERM)?;
        refused(
            "kill of another's process",
            libsys::signal::kill(1, 15),
            Errno::EPERM,
        )?;
        process::setuid(USER).doing("setuid to itself")
    })
}

fn permissions() -> Check {
    let _place = Place::new()?;
    make("private", b"secret")?;
    make("readable", b"open")?;
    file::chmod("private", 0o600).doing("chmod")?;
    file::mkdir("closed", 0o700).doing("mkdir")?;
    check_in_child(|| {
        process::setgid(USER).doing("setgid")?;
        process::setuid(USER).doing("setuid")?;
        refused(
            "open of a private file",
            file::open("private", file::O_RDONLY, 0),
            Errno::EACCES,
        )?;
        refused(
            "write to a readable file",
            file::open("readable", file::O_WRONLY, 0),
            Errno::EACCES,
        )?;
        file::open("readable", file::O_RDONLY, 0).doing("open")?;
        refused(
            "access to write",
            file::access("readable", file::W_OK),
            Errno::EACCES,
        )?;
        refused(
            "chmod of another's file",
            file::chmod("readable", 0o666),
            Errno::EPERM,
        )?;
        refused(
            "chown of another's file",
            file::chown("readable", USER, USER),
            Errno::EPERM,
        )?;
        refused(
            "open in a closed directory",
            file::stat("closed/file"),
            Errno::EACCES,
        )?;
        refused(
            "mkdir in a closed directory",
            file::mkdir("closed/new", 0o755),
            Errno::EACCES,
        )?;
        make("mine", b"x")?;
        equal("owner", file::stat("mine").doing("stat")?.uid, USER)?;
        refused(
            "giving a file away",
            file::chown("mine", OTHER, file::KEEP),
            Errno::EPERM,
        )
    })
}

fn umask() -> Check {
    let _place = Place::new()?;
    let old = file::umask(0o027).doing("umask")?;
    let fd = file::open("file", file::O_WRONLY | file::O_CREAT, 0o666).doing("open")?;
    equal(
        "mode of a file",
        file::fstat(fd).doing("fstat")?.permissions(),
        0o640,
    )?;
    file::mkdir("directory", 0o777).doing("mkdir")?;
    equal(
        "mode of a directory",
        file::stat("directory").doing("stat")?.permissions(),
        0o750,
    )?;
    equal("umask answers the old one", file::umask(old), Ok(0o027))
}
