//! `write`: files and directories that can be made, changed and removed.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{ROOT, USER, equal};

promises! { W, "write":
    what_is_written_is_read,
    a_write_behind_the_end_leaves_zeros,
    appending_writes_at_the_end_wherever_the_offset_is,
    writing_at_an_offset_moves_nothing,
    truncating_cuts_and_grows_with_zeros,
    opening_with_o_trunc_empties,
    o_excl_makes_or_refuses,
    the_mask_takes_permissions_away,
    a_removed_file_lives_while_it_is_open,
    links_share_one_file,
    renaming_replaces_and_moves,
    a_directory_is_not_moved_into_itself,
    a_directory_is_removed_only_when_empty,
    links_in_a_circle_are_refused,
    a_stranger_is_refused_what_the_mode_denies,
    only_the_owner_changes_the_mode,
    a_file_that_is_open_for_writing_only_is_not_read,
    times_are_set_and_shown,
    an_absent_page_of_a_write_counts_what_was_done,
}

fn what_is_written_is_read(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    let bytes: Vec<u8> = (0..10_000u32).map(|i| (i * 7) as u8).collect();
    create(w, who, "file", &bytes)?;
    equal("size", stat(w, who, "file", 0)?.size(), 10_000)?;
    equal("content", content(w, who, "file")? == bytes, true)?;
    let fd = open(w, who, "file", O_RDWR)?;
    seek(w, who, fd, 4090, SEEK_SET)?;
    equal("over a page", write(w, who, fd, &[1; 12])?, 12)?;
    equal("offset", seek(w, who, fd, 0, SEEK_CUR)?, 4102)?;
    let around = read_at(w, who, fd, 4089, 14)?;
    equal(
        "neighbours",
        (around[0], around[13]),
        (bytes[4089], bytes[4102]),
    )?;
    equal("in it", around[1..13].to_vec(), [1; 12].to_vec())
}

fn a_write_behind_the_end_leaves_zeros(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    create(w, who, "file", b"ab")?;
    let fd = open(w, who, "file", O_RDWR)?;
    seek(w, who, fd, 9000, SEEK_SET)?;
    equal(
        "only a write grows it",
        stat_descriptor(w, who, fd)?.size(),
        2,
    )?;
    write(w, who, fd, b"z")?;
    equal("size", stat_descriptor(w, who, fd)?.size(), 9001)?;
    let all = read_at(w, who, fd, 0, 9001)?;
    equal("hole", all[2..9000].iter().all(|&byte| byte == 0), true)?;
    equal("ends", (&all[..2], all[9000]), (&b"ab"[..], b'z'))
}

fn appending_writes_at_the_end_wherever_the_offset_is(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    create(w, who, "file", b"one")?;
    let fd = open(w, who, "file", O_RDWR | O_APPEND)?;
    let other = open(w, who, "file", O_WRONLY | O_APPEND)?;
    write(w, who, fd, b"two")?;
    write(w, who, other, b"three")?;
    seek(w, who, fd, 0, SEEK_SET)?;
    write(w, who, fd, b"four")?;
    equal(
        "content",
        content(w, who, "file")?,
        b"onetwothreefour".to_vec(),
    )
}

fn writing_at_an_offset_moves_nothing(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    create(w, who, "file", b"abcdef")?;
    let fd = open(w, who, "file", O_RDWR)?;
    read(w, who, fd, 2)?;
    let lease = [Lease::of(b"XY"), Lease::none()];
    get(w, who, Request::WriteAt { fd, offset: 3 }, lease)?;
    equal("offset", read(w, who, fd, 9)?, b"cXYf".to_vec())
}

fn truncating_cuts_and_grows_with_zeros(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    create(w, who, "file", &[7; 6000])?;
    let fd = open(w, who, "file", O_RDWR)?;
    get(
        w,
        who,
        Request::TruncateDescriptor { fd, length: 10 },
        none(),
    )?;
    equal("cut", content(w, who, "file")?, [7; 10].to_vec())?;
    get(w, who, Request::Truncate { length: 5000 }, text("file"))?;
    let all = content(w, who, "file")?;
    equal("size", all.len(), 5000)?;
    equal("zeros", all[10..].iter().all(|&byte| byte == 0), true)?;
    let negative = Request::TruncateDescriptor { fd, length: -1 };
    refuse(w, who, negative, none(), Errno::EINVAL)?;
    refuse(
        w,
        who,
        Request::Truncate { length: 0 },
        text("."),
        Errno::EISDIR,
    )
}

fn opening_with_o_trunc_empties(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    create(w, who, "file", b"content")?;
    let other = open(w, who, "file", 0)?;
    let fd = open(w, who, "file", O_RDWR | O_TRUNC)?;
    equal("empty", stat_descriptor(w, who, other)?.size(), 0)?;
    write(w, who, fd, b"new")?;
    equal("the same file", read(w, who, other, 9)?, b"new".to_vec())
}

fn o_excl_makes_or_refuses(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    let fd = open(w, who, "file", O_CREAT | O_EXCL | O_RDWR)?;
    equal("a new file", stat_descriptor(w, who, fd)?.size(), 0)?;
    refuse_open(w, who, "file", O_CREAT | O_EXCL | O_RDWR, Errno::EEXIST)?;
    refuse_open(w, who, "none/file", O_CREAT, Errno::ENOENT)?;
    refuse_open(w, who, "file/file", O_CREAT, Errno::ENOTDIR)?;
    refuse_open(w, who, "new/", O_CREAT, Errno::EISDIR)
}

fn the_mask_takes_permissions_away(w: &mut W) -> Check {
    let who = in_place(w, USER)?;
    get(w, who, Request::Umask { mask: 0o26 }, none())?;
    create(w, who, "file", b"")?;
    equal("file", stat(w, who, "file", 0)?.permissions(), 0o640)?;
    let make = Request::MakeDirectory {
        directory: AT_FDCWD,
        mode: 0o777,
    };
    get(w, who, make, text("folder"))?;
    let folder = stat(w, who, "folder", 0)?;
    equal("directory", folder.permissions(), 0o751)?;
    equal("owner", folder.owner(), (USER.0, USER.0))?;
    equal("links", folder.links(), 2)
}

fn a_removed_file_lives_while_it_is_open(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    create(w, who, "file", b"still here")?;
    let fd = open(w, who, "file", 0)?;
    let unlink = Request::Unlink {
        directory: AT_FDCWD,
        flags: 0,
    };
    get(w, who, unlink, text("file"))?;
    refuse_open(w, who, "file", 0, Errno::ENOENT)?;
    equal("links", stat_descriptor(w, who, fd)?.links(), 0)?;
    equal("content", read(w, who, fd, 99)?, b"still here".to_vec())
}

fn two(first: &str, second: &str) -> [Lease; 2] {
    [Lease::of(first.as_bytes()), Lease::of(second.as_bytes())]
}

fn links_share_one_file(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    create(w, who, "one", b"1")?;
    let link = Request::Link {
        old_directory: AT_FDCWD,
        new_directory: AT_FDCWD,
        flags: 0,
    };
    get(w, who, link, two("one", "two"))?;
    equal("links", stat(w, who, "one", 0)?.links(), 2)?;
    create(w, who, "two", b"22")?;
    equal("content", content(w, who, "one")?, b"22".to_vec())?;
    refuse(w, who, link, two("one", "two"), Errno::EEXIST)?;
    refuse(w, who, link, two(".", "three"), Errno::EPERM)?;
    let unlink = Request::Unlink {
        directory: AT_FDCWD,
        flags: 0,
    };
    get(w, who, unlink, text("one"))?;
    equal("the last", stat(w, who, "two", 0)?.links(), 1)
}

fn rename() -> Request {
    Request::Rename {
        old_directory: AT_FDCWD,
        new_directory: AT_FDCWD,
        flags: 0,
    }
}

fn renaming_replaces_and_moves(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    create(w, who, "one", b"1")?;
    create(w, who, "two", b"2")?;
    get(w, who, rename(), two("one", "two"))?;
    refuse_stat(w, who, "one", Errno::ENOENT)?;
    equal("replaced", content(w, who, "two")?, b"1".to_vec())?;
    let make = Request::MakeDirectory {
        directory: AT_FDCWD,
        mode: 0o755,
    };
    get(w, who, make, text("folder"))?;
    get(w, who, rename(), two("two", "folder/three"))?;
    equal("moved", content(w, who, "folder/three")?, b"1".to_vec())?;
    refuse(
        w,
        who,
        rename(),
        two("folder/three", "folder"),
        Errno::EISDIR,
    )?;
    refuse(
        w,
        who,
        rename(),
        two("folder", "folder/three"),
        Errno::EINVAL,
    )?;
    refuse(w, who, rename(), two("none", "x"), Errno::ENOENT)?;
    let keep = Request::Rename {
        old_directory: AT_FDCWD,
        new_directory: AT_FDCWD,
        flags: 1,
    };
    create(w, who, "four", b"4")?;
    refuse(w, who, keep, two("folder/three", "four"), Errno::EEXIST)
}

fn a_directory_is_not_moved_into_itself(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    let make = Request::MakeDirectory {
        directory: AT_FDCWD,
        mode: 0o755,
    };
    get(w, who, make, text("a"))?;
    get(w, who, make, text("a/b"))?;
    refuse(w, who, rename(), two("a", "a/b/c"), Errno::EINVAL)?;
    get(w, who, rename(), two("a/b", "c"))?;
    equal(
        "parent",
        stat(w, who, "c/..", 0)?.identity(),
        stat(w, who, ".", 0)?.identity(),
    )?;
    equal("links of the old parent", stat(w, who, "a", 0)?.links(), 2)
}

fn a_directory_is_removed_only_when_empty(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    let make = Request::MakeDirectory {
        directory: AT_FDCWD,
        mode: 0o755,
    };
    get(w, who, make, text("folder"))?;
    create(w, who, "folder/file", b"")?;
    let remove = |flags| Request::Unlink {
        directory: AT_FDCWD,
        flags,
    };
    refuse(
        w,
        who,
        remove(AT_REMOVEDIR),
        text("folder"),
        Errno::ENOTEMPTY,
    )?;
    refuse(w, who, remove(0), text("folder"), Errno::EISDIR)?;
    refuse(
        w,
        who,
        remove(AT_REMOVEDIR),
        text("folder/file"),
        Errno::ENOTDIR,
    )?;
    get(w, who, remove(0), text("folder/file"))?;
    get(w, who, remove(AT_REMOVEDIR), text("folder"))?;
    refuse_stat(w, who, "folder", Errno::ENOENT)
}

fn links_in_a_circle_are_refused(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    let link = Request::SymbolicLink {
        directory: AT_FDCWD,
    };
    get(w, who, link, two("b", "a"))?;
    get(w, who, link, two("a", "b"))?;
    refuse_open(w, who, "a", 0, Errno::ELOOP)?;
    get(w, who, link, two("missing", "dangling"))?;
    refuse_open(w, who, "dangling", 0, Errno::ENOENT)?;
    let fd = open(w, who, "dangling", O_CREAT | O_WRONLY)?;
    write(w, who, fd, b"made")?;
    equal(
        "through the link",
        content(w, who, "missing")?,
        b"made".to_vec(),
    )
}

fn a_stranger_is_refused_what_the_mode_denies(w: &mut W) -> Check {
    let owner = in_place(w, ROOT)?;
    create(w, owner, "file", b"secret")?;
    let mode = |mode| Request::ChangeMode {
        directory: AT_FDCWD,
        mode,
        flags: 0,
    };
    get(w, owner, mode(0o600), text("file"))?;
    let stranger = w.caller(USER);
    let room = [Lease::room(200), Lease::none()];
    let mut place = taken(get(w, owner, Request::CurrentDirectory, room)?)?;
    place.pop();
    get(
        w,
        stranger,
        Request::ChangeDirectory,
        [Lease::of(&place), Lease::none()],
    )?;
    refuse_open(w, stranger, "file", O_RDONLY, Errno::EACCES)?;
    get(w, owner, mode(0o644), text("file"))?;
    refuse_open(w, stranger, "file", O_WRONLY, Errno::EACCES)?;
    equal("reading", content(w, stranger, "file")?, b"secret".to_vec())?;
    get(
        w,
        owner,
        Request::MakeDirectory {
            directory: AT_FDCWD,
            mode: 0o700,
        },
        text("folder"),
    )?;
    refuse_open(w, stranger, "folder/file", O_RDONLY, Errno::EACCES)?;
    get(w, owner, mode(0o755), text("folder"))?;
    refuse_open(w, stranger, "folder/new", O_CREAT | O_WRONLY, Errno::EACCES)
}

fn only_the_owner_changes_the_mode(w: &mut W) -> Check {
    let owner = in_place(w, ROOT)?;
    create(w, owner, "file", b"")?;
    let stranger = w.fork(owner);
    w.exit(stranger);
    let user = in_place(w, USER)?;
    let mode = Request::ChangeMode {
        directory: AT_FDCWD,
        mode: 0o700,
        flags: 0,
    };
    refuse(w, user, mode, text("/"), Errno::EPERM)?;
    create(w, user, "mine", b"")?;
    get(w, user, mode, text("mine"))?;
    equal("changed", stat(w, user, "mine", 0)?.permissions(), 0o700)?;
    let give = Request::ChangeOwner {
        directory: AT_FDCWD,
        uid: 0,
        gid: u32::MAX,
        flags: 0,
    };
    refuse(w, user, give, text("mine"), Errno::EPERM)
}

fn a_file_that_is_open_for_writing_only_is_not_read(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    let fd = open(w, who, "file", O_CREAT | O_WRONLY)?;
    let room = || [Lease::room(4), Lease::none()];
    refuse(w, who, Request::Read { fd }, room(), Errno::EBADF)?;
    refuse(
        w,
        who,
        Request::ReadAt { fd, offset: 0 },
        room(),
        Errno::EBADF,
    )
}

fn times_are_set_and_shown(w: &mut W) -> Check {
    let who = in_place(w, ROOT)?;
    create(w, who, "file", b"")?;
    let set = Request::SetTimes {
        directory: AT_FDCWD,
        flags: 0,
        accessed_ns: 5_000_000_007,
        modified_ns: u64::MAX,
    };
    let before = stat(w, who, "file", 0)?;
    get(w, who, set, text("file"))?;
    let after = stat(w, who, "file", 0)?;
    equal("accessed", (after.word(72), after.word(80)), (5, 7))?;
    equal("modified", after.word(88), before.word(88))
}

fn an_absent_page_of_a_write_counts_what_was_done(w: &mut W) -> Check {
    use proto::port::Refusal;
    let who = in_place(w, ROOT)?;
    let fd = open(w, who, "file", O_CREAT | O_RDWR)?;
    let bytes = Lease::of(&[5; 8192]).absent_from(4096);
    let answer = call(w, who, Request::Write { fd }, [bytes, Lease::none()])?;
    let done = match answer.result {
        Err(Refusal::Touch {
            lease: 0,
            offset: 4096,
            done,
        }) => done,
        Ok(Reply::Count(done @ 1..=4096)) => done,
        other => return Err(format!("{other:?}")),
    };
    equal("size", stat_descriptor(w, who, fd)?.size(), done)?;
    equal("offset", seek(w, who, fd, 0, SEEK_CUR)?, done)
}
