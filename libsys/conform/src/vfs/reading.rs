//! `base`: reading files and directories, offsets, absent pages.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{ROOT, equal};
use alloc::collections::BTreeSet;
use proto::port::Refusal;

promises! { W, "base":
    reading_moves_the_offset_and_ends_with_nothing,
    reading_at_an_offset_moves_nothing,
    seek_counts_from_start_here_and_end,
    a_seek_before_the_start_is_refused_and_moves_nothing,
    what_is_open_for_reading_is_not_written,
    a_directory_is_not_read,
    a_listing_names_everything_once,
    a_listing_in_small_pieces_names_the_same,
    a_listing_without_room_is_refused,
    a_listing_starts_again_after_seeking_to_0,
    a_file_is_not_listed,
    stat_agrees_with_what_is_read,
    an_absent_page_is_named_and_loses_nothing,
    an_absent_path_is_named,
}

fn reading_moves_the_offset_and_ends_with_nothing(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let size = stat(w, who, MOTD, 0)?.size();
    let fd = open(w, who, MOTD, 0)?;
    let whole = read_at(w, who, fd, 0, size as usize + 100)?;
    equal("length", whole.len() as u64, size)?;
    let mut pieces = Vec::new();
    loop {
        let piece = read(w, who, fd, 7)?;
        if piece.is_empty() {
            break;
        }
        pieces.extend(piece);
    }
    equal("in pieces", pieces, whole)?;
    equal("at the end", read(w, who, fd, 7)?.len(), 0)?;
    equal("offset", seek(w, who, fd, 0, SEEK_CUR)?, size)
}

fn reading_at_an_offset_moves_nothing(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, MOTD, 0)?;
    let start = read(w, who, fd, 10)?;
    equal("again", read_at(w, who, fd, 2, 8)?, start[2..].to_vec())?;
    equal("offset", seek(w, who, fd, 0, SEEK_CUR)?, 10)?;
    equal("behind the end", read_at(w, who, fd, 1 << 40, 5)?.len(), 0)
}

fn seek_counts_from_start_here_and_end(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let size = stat(w, who, MOTD, 0)?.size();
    let fd = open(w, who, MOTD, 0)?;
    equal("start", seek(w, who, fd, 5, SEEK_SET)?, 5)?;
    equal("here", seek(w, who, fd, 4, SEEK_CUR)?, 9)?;
    equal("back", seek(w, who, fd, -2, SEEK_CUR)?, 7)?;
    equal("end", seek(w, who, fd, -1, SEEK_END)?, size - 1)?;
    equal("last byte", read(w, who, fd, 9)?.len(), 1)?;
    equal("beyond", seek(w, who, fd, 100, SEEK_END)?, size + 100)?;
    equal("nothing there", read(w, who, fd, 9)?.len(), 0)
}

fn a_seek_before_the_start_is_refused_and_moves_nothing(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, MOTD, 0)?;
    seek(w, who, fd, 3, SEEK_SET)?;
    for (offset, whence) in [
        (-1, SEEK_SET),
        (-4, SEEK_CUR),
        (i64::MIN, SEEK_END),
        (0, 77),
    ] {
        let request = Request::Seek { fd, offset, whence };
        refuse(w, who, request, none(), Errno::EINVAL)?;
    }
    equal("offset", seek(w, who, fd, 0, SEEK_CUR)?, 3)
}

fn what_is_open_for_reading_is_not_written(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, MOTD, O_RDONLY)?;
    let bytes = || [Lease::of(b"x"), Lease::none()];
    refuse(w, who, Request::Write { fd }, bytes(), Errno::EBADF)?;
    refuse(
        w,
        who,
        Request::WriteAt { fd, offset: 0 },
        bytes(),
        Errno::EBADF,
    )?;
    refuse(
        w,
        who,
        Request::TruncateDescriptor { fd, length: 0 },
        none(),
        Errno::EINVAL,
    )
}

fn a_directory_is_not_read(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, "/etc", 0)?;
    let room = [Lease::room(9), Lease::none()];
    refuse(w, who, Request::Read { fd }, room, Errno::EISDIR)?;
    for flags in [O_WRONLY, O_RDWR] {
        refuse_open(w, who, "/etc", flags, Errno::EISDIR)?;
    }
    Ok(())
}

fn names(list: Vec<Name>) -> Vec<Vec<u8>> {
    list.into_iter().map(|(name, _)| name).collect()
}

fn a_listing_names_everything_once(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let root = list(w, who, "/", 4096)?;
    const DIRECTORY: u8 = 4;
    for wanted in [&b"."[..], b"..", b"bin", b"etc"] {
        let found = root.iter().filter(|(name, _)| name == wanted);
        let kinds: Vec<u8> = found.map(|(_, kind)| *kind).collect();
        equal(
            core::str::from_utf8(wanted).unwrap_or("?"),
            kinds,
            [DIRECTORY].to_vec(),
        )?;
    }
    let bin = names(list(w, who, "/bin", 1024)?);
    let different: BTreeSet<_> = bin.iter().collect();
    equal("different names", different.len(), bin.len())?;
    for name in bin.iter().filter(|name| !name.starts_with(b".")).take(10) {
        let name = core::str::from_utf8(name).map_err(|_| "a name of /bin is no text")?;
        stat(w, who, &format!("/bin/{name}"), AT_SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}

fn a_listing_in_small_pieces_names_the_same(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let large = names(list(w, who, "/", 4096)?);
    equal("names", names(list(w, who, "/", 48)?), large)
}

fn a_listing_without_room_is_refused(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, "/", O_DIRECTORY)?;
    let room = [Lease::room(10), Lease::none()];
    refuse(w, who, Request::List { fd }, room, Errno::EINVAL)?;
    equal(
        "nothing was skipped",
        list_once(w, who, fd, 4096)?,
        list(w, who, "/", 4096)?,
    )
}

fn a_listing_starts_again_after_seeking_to_0(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, "/", O_DIRECTORY)?;
    let first = list_once(w, who, fd, 4096)?;
    equal("seek", seek(w, who, fd, 0, SEEK_SET)?, 0)?;
    equal("again", list_once(w, who, fd, 4096)?, first)
}

fn a_file_is_not_listed(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, MOTD, 0)?;
    let room = [Lease::room(400), Lease::none()];
    refuse(w, who, Request::List { fd }, room, Errno::ENOTDIR)
}

fn stat_agrees_with_what_is_read(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let by_path = stat(w, who, MOTD, 0)?;
    let fd = open(w, who, MOTD, 0)?;
    let by_descriptor = stat_descriptor(w, who, fd)?;
    equal(
        "the same file",
        by_path.identity(),
        by_descriptor.identity(),
    )?;
    equal("type", by_path.kind(), S_IFREG)?;
    equal("size", by_path.size(), content(w, who, MOTD)?.len() as u64)?;
    equal("directory", stat(w, who, "/etc", 0)?.kind(), S_IFDIR)?;
    equal(
        "may be executed",
        stat(w, who, SHELL, 0)?.permissions() & 0o111,
        0o111,
    )?;
    let other = stat(w, who, SHELL, 0)?;
    if other.identity() == by_path.identity() {
        return Err("two files have one identity".into());
    }
    Ok(())
}

fn an_absent_page_is_named_and_loses_nothing(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let fd = open(w, who, SHELL, 0)?;
    let room = [Lease::room(8192).absent_from(4096), Lease::none()];
    let answer = call(w, who, Request::Read { fd }, room)?;
    let done = match answer.result {
        Err(Refusal::Touch {
            lease: 0,
            offset,
            done,
        }) => {
            equal("the page", (offset, done <= 4096), (4096, true))?;
            done
        }
        Ok(Reply::Count(done @ 1..=4096)) => done,
        other => return Err(format!("{other:?}")),
    };
    equal("offset", seek(w, who, fd, 0, SEEK_CUR)?, done)?;
    let mut all = answer.leases[0][..done as usize].to_vec();
    all.extend(read(w, who, fd, 100)?);
    equal("bytes", read_at(w, who, fd, 0, all.len())?, all)
}

fn an_absent_path_is_named(w: &mut W) -> Check {
    let who = w.caller(ROOT);
    let path = [Lease::of(MOTD.as_bytes()).absent_from(0), Lease::none()];
    let answer = call(w, who, open_request(0), path)?;
    equal(
        "open",
        answer.result,
        Err(Refusal::Touch {
            lease: 0,
            offset: 0,
            done: 0,
        }),
    )?;
    let request = Request::Stat {
        directory: AT_FDCWD,
        flags: 0,
    };
    let leases = [
        Lease::of(MOTD.as_bytes()),
        Lease::room(STAT_BYTES).absent_from(0),
    ];
    let answer = call(w, who, request, leases)?;
    equal(
        "stat",
        answer.result,
        Err(Refusal::Touch {
            lease: 1,
            offset: 0,
            done: 0,
        }),
    )
}
