//! `poll`: waiting for several descriptors at once.

use super::*;
use crate::linux::*;
use crate::run::promises;
use crate::{USER, equal, finish, waits};

promises! { W, "poll":
    a_file_is_always_ready,
    a_descriptor_that_is_not_open_is_marked,
    polling_a_pipe_tells_what_can_be_done,
    polling_waits_until_something_can_be_done,
    polling_ends_when_its_time_is_over,
    an_interrupted_poll_says_so,
}

const SECOND_NS: u64 = 1_000_000_000;

fn entries(list: &[(Fd, u16)]) -> [Lease; 2] {
    let bytes = list.iter().flat_map(|&(fd, events)| {
        let mut entry = [0; 8];
        entry[..4].copy_from_slice(&fd.to_le_bytes());
        entry[4..6].copy_from_slice(&events.to_le_bytes());
        entry
    });
    [Lease::of(&bytes.collect::<Vec<u8>>()), Lease::none()]
}

/// The events that a poll found.
fn found(answer: Answer<Reply>) -> Result<(u64, Vec<u16>), String> {
    let list = answer.leases[0].as_chunks::<8>().0.iter();
    let events = list.map(|entry| u16::from_le_bytes([entry[6], entry[7]]));
    let events = events.collect();
    match answer.result {
        Ok(reply) => Ok((count(reply)?, events)),
        Err(refusal) => Err(format!("poll: {refusal:?}")),
    }
}

fn poll(w: &mut W, who: Caller, list: &[(Fd, u16)]) -> Result<(u64, Vec<u16>), String> {
    found(call(
        w,
        who,
        Request::Poll { timeout_ns: 0 },
        entries(list),
    )?)
}

fn a_file_is_always_ready(w: &mut W) -> Check {
    let who = w.caller(USER);
    let fd = open(w, who, MOTD, 0)?;
    let both = POLLIN | POLLOUT;
    equal("file", poll(w, who, &[(fd, both)])?, (1, [both].to_vec()))
}

fn a_descriptor_that_is_not_open_is_marked(w: &mut W) -> Check {
    let who = w.caller(USER);
    let fd = open(w, who, MOTD, 0)?;
    let list = [(fd + 9, POLLIN), (-1, POLLIN), (fd, POLLIN)];
    equal(
        "poll",
        poll(w, who, &list)?,
        (2, [POLLNVAL, 0, POLLIN].to_vec()),
    )
}

fn polling_a_pipe_tells_what_can_be_done(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (from, to) = pipe(w, who, 0)?;
    let list = [(from, POLLIN), (to, POLLOUT)];
    equal("empty", poll(w, who, &list)?, (1, [0, POLLOUT].to_vec()))?;
    write(w, who, to, b"x")?;
    // Whether more could be written depends on the pipe's size, which is not promised.
    let reader = [(from, POLLIN)];
    equal("a byte", poll(w, who, &reader)?, (1, [POLLIN].to_vec()))?;
    read(w, who, from, 1)?;
    close(w, who, to)?;
    equal(
        "no writer",
        poll(w, who, &[(from, POLLIN)])?,
        (1, [POLLHUP].to_vec()),
    )
}

fn polling_waits_until_something_can_be_done(w: &mut W) -> Check {
    let writer = w.caller(USER);
    let (from, to) = pipe(w, writer, 0)?;
    let reader = w.fork(writer);
    let request = Request::Poll {
        timeout_ns: u64::MAX,
    };
    waits::<Vfs, W>(w, reader, request, entries(&[(from, POLLIN)]))?;
    write(w, writer, to, b"x")?;
    let answer = finish::<Vfs, W>(w, reader)?;
    equal("poll", found(answer)?, (1, [POLLIN].to_vec()))
}

fn polling_ends_when_its_time_is_over(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (from, _) = pipe(w, who, 0)?;
    let request = Request::Poll {
        timeout_ns: SECOND_NS,
    };
    waits::<Vfs, W>(w, who, request, entries(&[(from, POLLIN)]))?;
    w.pass(SECOND_NS + SECOND_NS / 2);
    equal("poll", found(finish::<Vfs, W>(w, who)?)?, (0, [0].to_vec()))
}

fn an_interrupted_poll_says_so(w: &mut W) -> Check {
    let who = w.caller(USER);
    let (from, _) = pipe(w, who, 0)?;
    let request = Request::Poll {
        timeout_ns: u64::MAX,
    };
    waits::<Vfs, W>(w, who, request, entries(&[(from, POLLIN)]))?;
    w.interrupt(who);
    refused("poll", finish::<Vfs, W>(w, who)?.plain(), Errno::EINTR)
}
