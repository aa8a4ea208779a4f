//! `pipes`: bytes between processes, in order, without loss; who waits and who is woken.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{USER, equal, finish, waits};
use proto::vfs::PIPE_BUF;

promises! { W, "pipes":
    bytes_leave_a_pipe_in_the_order_in_which_they_came,
    a_reader_waits_for_bytes,
    a_reader_gets_the_end_when_the_last_writer_closes,
    a_reader_gets_the_end_when_the_last_writer_dies,
    a_writer_without_readers_is_told,
    a_waiting_writer_is_told_when_the_reader_goes,
    a_full_pipe_lets_the_writer_wait,
    a_small_write_is_whole_or_waits,
    without_waiting_it_is_said,
    an_interrupted_reader_has_lost_nothing,
    an_interrupted_writer_knows_what_was_taken,
    a_dead_reader_takes_nothing,
    waiting_readers_are_served_in_turn,
    a_pipe_has_no_offset,
    each_end_goes_one_way,
}

fn read_request(fd: Fd, room: usize) -> (Request, [Lease; 2]) {
    (Request::Read { fd }, [Lease::room(room), Lease::none()])
}

fn wait_to_read(w: &mut W, who: Caller, fd: Fd, room: usize) -> Check {
    let (request, leases) = read_request(fd, room);
    waits::<Vfs, W>(w, who, request, leases)
}

fn wait_to_write(w: &mut W, who: Caller, fd: Fd, bytes: &[u8]) -> Check {
    let lease = [Lease::of(bytes), Lease::none()];
    waits::<Vfs, W>(w, who, Request::Write { fd }, lease)
}

/// What a reader that waited has got.
fn got(w: &mut W, who: Caller) -> Result<Vec<u8>, String> {
    let answer = finish::<Vfs, W>(w, who)?;
    match answer.result {
        Ok(reply) => taken((reply, answer.leases)),
        Err(refusal) => Err(format!("a waiting reader got {refusal:?}")),
    }
}

/// Fills a pipe and says how much that took.
fn fill(w: &mut W, who: Caller, fd: Fd) -> Result<usize, String> {
    control(w, who, fd, 4, u64::from(O_NONBLOCK))?;
    let mut all = 0;
    loop {
        let lease = [Lease::of(&[b'f'; PIPE_BUF]), Lease::none()];
        match call(w, who, Request::Write { fd }, lease)?.plain() {
            Ok(reply) => all += count(reply)? as usize,
            Err(Errno::EAGAIN) => break,
            Err(errno) => return Err(format!("filling a pipe: {}", errno.name())),
        }
        if all > 1 << 24 {
            return Err("a pipe takes bytes without end".into());
        }
    }
    control(w, who, fd, 4, 0)?;
    Ok(all)
}

fn bytes_leave_a_pipe_in_the_order_in_which_they_came(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (from, to) = pipe(w, who, 0)?;
    write(w, who, to, b"one")?;
    write(w, who, to, b"two")?;
    equal("a part", read(w, who, from, 4)?, b"onet".to_vec())?;
    equal("the rest", read(w, who, from, 99)?, b"wo".to_vec())?;
    let bytes: Vec<u8> = (0..4000u32).map(|i| (i % 251) as u8).collect();
    for _ in 0..20 {
        write(w, who, to, &bytes)?;
        equal("round", read(w, who, from, 5000)? == bytes, true)?;
    }
    Ok(())
}

fn a_reader_waits_for_bytes(w: &mut W) -> Check {
    let writer = w.caller(USER);
    let (from, to) = pipe(w, writer, 0)?;
    let reader = w.fork(writer);
    wait_to_read(w, reader, from, 10)?;
    write(w, writer, to, b"hello")?;
    equal("read", got(w, reader)?, b"hello".to_vec())
}

fn a_reader_gets_the_end_when_the_last_writer_closes(w: &mut W) -> Check {
    let writer = w.caller(USER);
    let (from, to) = pipe(w, writer, 0)?;
    let reader = w.fork(writer);
    write(w, writer, to, b"last")?;
    close(w, reader, to)?;
    close(w, writer, to)?;
    equal("what is there", read(w, reader, from, 9)?, b"last".to_vec())?;
    equal("the end", read(w, reader, from, 9)?.len(), 0)
}

fn a_reader_gets_the_end_when_the_last_writer_dies(w: &mut W) -> Check {
    let parent = w.caller(USER);
    let (from, to) = pipe(w, parent, 0)?;
    let writer = w.fork(parent);
    let reader = w.fork(parent);
    close(w, parent, to)?;
    close(w, reader, to)?;
    wait_to_read(w, reader, from, 9)?;
    w.exit(writer);
    equal("the end", got(w, reader)?.len(), 0)
}

fn a_writer_without_readers_is_told(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (from, to) = pipe(w, who, 0)?;
    close(w, who, from)?;
    let bytes = [Lease::of(b"x"), Lease::none()];
    refuse(w, who, Request::Write { fd: to }, bytes, Errno::EPIPE)
}

fn a_waiting_writer_is_told_when_the_reader_goes(w: &mut W) -> Check {
    let reader = w.caller(USER);
    let (from, to) = pipe(w, reader, 0)?;
    let writer = w.fork(reader);
    close(w, writer, from)?;
    fill(w, writer, to)?;
    wait_to_write(w, writer, to, b"too much")?;
    close(w, reader, from)?;
    refused("write", finish::<Vfs, W>(w, writer)?.plain(), Errno::EPIPE)
}

fn a_full_pipe_lets_the_writer_wait(w: &mut W) -> Check {
    let reader = w.caller(USER);
    let (from, to) = pipe(w, reader, 0)?;
    let writer = w.fork(reader);
    let size = fill(w, writer, to)?;
    equal("room for PIPE_BUF", size >= PIPE_BUF, true)?;
    wait_to_write(w, writer, to, b"later")?;
    let mut all = Vec::new();
    while all.len() < size + 5 {
        all.extend(read(w, reader, from, 3000)?);
    }
    let answer = finish::<Vfs, W>(w, writer)?;
    equal("written", answer.result, Ok(Reply::Count(5)))?;
    equal("the end of it", &all[size..], b"later")
}

fn a_small_write_is_whole_or_waits(w: &mut W) -> Check {
    let reader = w.caller(USER);
    let (from, to) = pipe(w, reader, 0)?;
    let writer = w.fork(reader);
    let mut left = fill(w, writer, to)?;
    wait_to_write(w, writer, to, &[b'w'; PIPE_BUF])?;
    // Room for a part of it is not enough.
    left -= read(w, reader, from, PIPE_BUF / 2)?.len();
    while left > 0 {
        let piece = read(w, reader, from, left)?;
        equal(
            "nothing of it before",
            piece.iter().all(|&byte| byte == b'f'),
            true,
        )?;
        left -= piece.len();
    }
    equal(
        "whole",
        read(w, reader, from, PIPE_BUF)?,
        [b'w'; PIPE_BUF].to_vec(),
    )?;
    equal(
        "written",
        finish::<Vfs, W>(w, writer)?.result,
        Ok(Reply::Count(PIPE_BUF as u64)),
    )
}

fn without_waiting_it_is_said(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (from, to) = pipe(w, who, O_NONBLOCK)?;
    let (request, leases) = read_request(from, 4);
    refuse(w, who, request, leases, Errno::EAGAIN)?;
    fill(w, who, to)?;
    control(w, who, to, 4, u64::from(O_NONBLOCK))?;
    let bytes = [Lease::of(b"x"), Lease::none()];
    refuse(w, who, Request::Write { fd: to }, bytes, Errno::EAGAIN)
}

fn an_interrupted_reader_has_lost_nothing(w: &mut W) -> Check {
    let writer = w.caller(USER);
    let (from, to) = pipe(w, writer, 0)?;
    let reader = w.fork(writer);
    wait_to_read(w, reader, from, 9)?;
    w.interrupt(reader);
    refused("read", finish::<Vfs, W>(w, reader)?.plain(), Errno::EINTR)?;
    write(w, writer, to, b"kept")?;
    equal("later", read(w, reader, from, 9)?, b"kept".to_vec())
}

fn an_interrupted_writer_knows_what_was_taken(w: &mut W) -> Check {
    let reader = w.caller(USER);
    let (from, to) = pipe(w, reader, 0)?;
    let writer = w.fork(reader);
    let size = {
        let size = fill(w, writer, to)?;
        let mut left = size;
        while left > 0 {
            left -= read(w, reader, from, left)?.len();
        }
        size
    };
    wait_to_write(w, writer, to, &alloc::vec![b'w'; size + 3 * PIPE_BUF])?;
    w.interrupt(writer);
    let written = match finish::<Vfs, W>(w, writer)?.plain() {
        Ok(reply) => count(reply)? as usize,
        Err(errno) => return Err(format!("{} although bytes were taken", errno.name())),
    };
    let mut all = 0;
    control(w, reader, from, 4, u64::from(O_NONBLOCK))?;
    loop {
        let (request, leases) = read_request(from, 5000);
        match call(w, reader, request, leases)?.plain() {
            Ok(reply) => all += count(reply)? as usize,
            Err(Errno::EAGAIN) => break,
            Err(errno) => return Err(format!("read: {}", errno.name())),
        }
    }
    equal("taken", all, written)
}

fn a_dead_reader_takes_nothing(w: &mut W) -> Check {
    let writer = w.caller(USER);
    let (from, to) = pipe(w, writer, 0)?;
    let reader = w.fork(writer);
    wait_to_read(w, reader, from, 9)?;
    w.exit(reader);
    write(w, writer, to, b"kept")?;
    equal("later", read(w, writer, from, 9)?, b"kept".to_vec())
}

fn waiting_readers_are_served_in_turn(w: &mut W) -> Check {
    let writer = w.caller(USER);
    let (from, to) = pipe(w, writer, 0)?;
    let first = w.fork(writer);
    let second = w.fork(writer);
    wait_to_read(w, first, from, 3)?;
    wait_to_read(w, second, from, 3)?;
    write(w, writer, to, b"one")?;
    equal("the first", got(w, first)?, b"one".to_vec())?;
    equal("the second waits", w.answer(second).is_none(), true)?;
    write(w, writer, to, b"two")?;
    equal("the second", got(w, second)?, b"two".to_vec())
}

fn a_pipe_has_no_offset(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (from, to) = pipe(w, who, 0)?;
    for fd in [from, to] {
        let seek = Request::Seek {
            fd,
            offset: 0,
            whence: SEEK_SET,
        };
        refuse(w, who, seek, none(), Errno::ESPIPE)?;
        equal("type", stat_descriptor(w, who, fd)?.kind(), S_IFIFO)?;
    }
    let room = [Lease::room(4), Lease::none()];
    refuse(
        w,
        who,
        Request::ReadAt {
            fd: from,
            offset: 0,
        },
        room,
        Errno::ESPIPE,
    )
}

fn each_end_goes_one_way(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (from, to) = pipe(w, who, O_CLOEXEC)?;
    let (request, leases) = read_request(to, 4);
    refuse(w, who, request, leases, Errno::EBADF)?;
    let bytes = [Lease::of(b"x"), Lease::none()];
    refuse(w, who, Request::Write { fd: from }, bytes, Errno::EBADF)?;
    equal("close on exec", control(w, who, from, F_GETFD, 0)?, 1)
}
