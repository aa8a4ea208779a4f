//! Pipes and FIFOs: blocking, end of file, broken pipes, atomic writes.

use crate::{
    Case,
    support::{Check, Context, Place, ensure, equal, in_child, refused, start, wait_for},
};
use libsys::{
    file::{self, PollFd},
    prelude::*,
    process, signal,
};

pub const CASES: &[Case] = &[
    ("pipe-end-of-file", end_of_file),
    ("pipe-broken", broken),
    ("pipe-blocks", blocks),
    ("pipe-atomic", atomic),
    ("pipe-non-blocking", non_blocking),
    ("pipe-large", large),
    ("fifo", fifo),
    ("poll", poll),
];

fn end_of_file() -> Check {
    let (read, write) = file::pipe().doing("pipe")?;
    let copy = file::dup(write).doing("dup")?;
    file::write(write, b"abc").doing("write")?;
    file::close(write).doing("close")?;
    let child = start(|| {
        let _ = process::nanosleep(50_000_000);
        0
    })?;
    file::close(copy).doing("close")?;
    let mut buffer = [0; 8];
    equal("what is left", file::read(read, &mut buffer), Ok(3))?;
    // The child still holds a copy of the writing end, so this waits for its end.
    equal("the end", file::read(read, &mut buffer), Ok(0))?;
    wait_for(child).map(drop)
}

fn broken() -> Check {
    let (read, write) = file::pipe().doing("pipe")?;
    file::close(read).doing("close")?;
    let status = in_child(|| {
        let _ = file::write(write, b"x");
        0
    })?;
    equal(
        "the writer is killed",
        status.signaled(),
        Some(signal::SIGPIPE),
    )?;
    signal::signal(signal::SIGPIPE, signal::Handler::Ignore).doing("signal")?;
    refused(
        "write when the signal is ignored",
        file::write(write, b"x"),
        Errno::EPIPE,
    )
}

fn blocks() -> Check {
    let (read, write) = file::pipe().doing("pipe")?;
    let child = start(|| {
        let _ = file::close(read);
        // More than any pipe holds.
        i32::from(file::write_all(write, &vec![7; 300_000]).is_err())
    })?;
    file::close(write).doing("close")?;
    let _ = process::nanosleep(30_000_000);
    equal(
        "the writer waits",
        process::waitpid(child as i32, process::WNOHANG),
        Ok(None),
    )?;
    let all = file::read_to_end(read).doing("read")?;
    equal("bytes", all.len(), 300_000)?;
    ensure("content", all.iter().all(|byte| *byte == 7))?;
    equal("the writer", wait_for(child)?.exited(), Some(0))
}

fn atomic() -> Check {
    const MESSAGE: usize = 1000;
    let (read, write) = file::pipe().doing("pipe")?;
    let children: Result<Vec<u32>, String> = (0..4u8)
        .map(|number| {
            start(|| {
                let _ = file::close(read);
                let message = [b'a' + number; MESSAGE];
                i32::from(!(0..40).all(|_| file::write(write, &message) == Ok(MESSAGE)))
            })
        })
        .collect();
    file::close(write).doing("close")?;
    let all = file::read_to_end(read).doing("read")?;
    for child in children? {
        equal("writer", wait_for(child)?.exited(), Some(0))?;
    }
    equal("bytes", all.len(), 4 * 40 * MESSAGE)?;
    ensure(
        "a small write is torn",
        all.chunks(MESSAGE)
            .all(|chunk| chunk.iter().all(|byte| *byte == chunk[0])),
    )
}

fn non_blocking() -> Check {
    let (read, write) = file::pipe2(file::O_NONBLOCK).doing("pipe2")?;
    refused(
        "read of an empty pipe",
        file::read(read, &mut [0]),
        Errno::EAGAIN,
    )?;
    let mut total = 0;
    let full = loop {
        match file::write(write, &[1; 4096]) {
            Ok(count) => total += count,
            Err(errno) => break errno,
        }
        if total > 10 << 20 {
            return Err(String::from("a pipe without limit"));
        }
    };
    equal("a full pipe", full, Errno::EAGAIN)?;
    ensure("it holds at least PIPE_BUF", total >= 4096)?;
    file::read(read, &mut [0; 100]).doing("read")?;
    refused(
        "no room for an atomic write",
        file::write(write, &[1; 4096]),
        Errno::EAGAIN,
    )?;
    file::close(write).doing("close")?;
    let mut left = 0;
    let mut buffer = [0; 4096];
    loop {
        match file::read(read, &mut buffer).doing("read")? {
            0 => return equal("bytes", left, total - 100),
            count => left += count,
        }
    }
}

/// One megabyte through two processes arrives as it was.
fn large() -> Check {
    let (read, write) = file::pipe().doing("pipe")?;
    let pattern = |at: usize| (at * 31 + at / 4096) as u8;
    let child = start(|| {
        let _ = file::close(read);
        let data: Vec<u8> = (0..1 << 20).map(pattern).collect();
        i32::from(
            data.chunks(7001)
                .any(|piece| file::write_all(write, piece).is_err()),
        )
    })?;
    file::close(write).doing("close")?;
    let all = file::read_to_end(read).doing("read")?;
    equal("bytes", all.len(), 1 << 20)?;
    ensure(
        "content",
        all.iter()
            .enumerate()
            .all(|(at, byte)| *byte == pattern(at)),
    )?;
    equal("writer", wait_for(child)?.exited(), Some(0))
}

fn fifo() -> Check {
    let _place = Place::new()?;
    file::mkfifo("fifo", 0o600).doing("mkfifo")?;
    refused(
        "a writer without reader",
        file::open("fifo", file::O_WRONLY | file::O_NONBLOCK, 0),
        Errno::ENXIO,
    )?;
    let child = start(|| {
        let Ok(fd) = file::open("fifo", file::O_WRONLY, 0) else {
            return 1;
        };
        i32::from(file::write(fd, b"through") != Ok(7))
    })?;
    let fd = file::open("fifo", file::O_RDONLY, 0).doing("open")?;
    let text = file::read_to_end(fd).doing("read")?;
    equal("text", programs::show(&text), String::from("through"))?;
    equal("writer", wait_for(child)?.exited(), Some(0))
}

fn poll() -> Check {
    let (read, write) = file::pipe().doing("pipe")?;
    let mut set = [
        PollFd {
            fd: read,
            events: file::POLLIN,
            found: 0,
        },
        PollFd {
            fd: write,
            events: file::POLLOUT,
            found: 0,
        },
    ];
    equal("ready", file::poll(&mut set, Some(0)), Ok(1))?;
    equal("found", (set[0].found, set[1].found), (0, file::POLLOUT))?;
    let mut reader = [set[0]];
    equal(
        "after the time",
        file::poll(&mut reader, Some(20_000_000)),
        Ok(0),
    )?;
    let child = start(|| {
        let _ = process::nanosleep(30_000_000);
        i32::from(file::write(write, b"x").is_err())
    })?;
    equal("when written", file::poll(&mut reader, None), Ok(1))?;
    equal("to read", reader[0].found & file::POLLIN, file::POLLIN)?;
    wait_for(child)?;
    file::close(write).doing("close")?;
    file::read(read, &mut [0]).doing("read")?;
    file::poll(&mut reader, None).doing("poll")?;
    equal("hang-up", reader[0].found & file::POLLHUP, file::POLLHUP)?;
    let mut bad = [PollFd {
        fd: 3000,
        events: file::POLLIN,
        found: 0,
    }];
    equal("a bad descriptor", file::poll(&mut bad, Some(0)), Ok(1))?;
    equal("is told", bad[0].found, file::POLLNVAL)
}
