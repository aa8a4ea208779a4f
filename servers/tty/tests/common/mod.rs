//! A caller with one lease, a clock that stands still, and short forms of requests.
#![allow(dead_code, reason = "each test file uses its part")]

use abi::{Errno, Token, linux::general as linux, message::TokenState};
use proto::{
    Pid,
    port::{Callers, Clock, Gone, Incoming, LeaseError, LeaseInfo, Outcome, Refusal},
    server_id,
    tty::{Reply, Request},
};
use tty::{Termios, Tty};

/// The session and group that the console belongs to in these tests.
pub const SHELL: u32 = 10;

/// The ports of a test: lease 0 is `memory`; from `absent` on its pages are not there.
#[derive(Default)]
pub struct Fake {
    pub memory: Vec<u8>,
    pub absent: Option<usize>,
    pub now_ns: u64,
    pub timer_ns: Option<u64>,
}

impl Fake {
    fn check(&self, offset: u64, bytes: usize) -> Result<std::ops::Range<usize>, LeaseError> {
        let start = offset as usize;
        let range = start..start + bytes;
        if range.end > self.memory.len() {
            return Err(LeaseError::Invalid);
        }
        match self.absent {
            Some(absent) if range.end > absent => Err(LeaseError::Absent {
                lease: 0,
                offset: absent as u64,
            }),
            _ => Ok(range),
        }
    }
}

impl Callers<Reply> for Fake {
    fn read(&mut self, _: Token, _: u32, offset: u64, into: &mut [u8]) -> Result<(), LeaseError> {
        let range = self.check(offset, into.len())?;
        into.copy_from_slice(&self.memory[range]);
        Ok(())
    }

    fn write(&mut self, _: Token, _: u32, offset: u64, from: &[u8]) -> Result<(), LeaseError> {
        let range = self.check(offset, from.len())?;
        self.memory[range].copy_from_slice(from);
        Ok(())
    }

    fn reply(&mut self, _: Token, _: Result<Reply, Refusal>) -> Result<(), Gone> {
        Ok(())
    }

    fn state(&mut self, _: Token) -> TokenState {
        TokenState::Waiting
    }
}

impl Clock for Fake {
    fn now_ns(&mut self) -> u64 {
        self.now_ns
    }

    fn wake_at(&mut self, deadline_ns: Option<u64>) {
        self.timer_ns = deadline_ns;
    }
}

/// Asks as `vfs` does.
pub fn ask(tty: &mut Tty, fake: &mut Fake, request: Request) -> Result<Reply, Refusal> {
    ask_as(tty, fake, server_id::VFS, request)
}

pub fn ask_as(
    tty: &mut Tty,
    fake: &mut Fake,
    sender: Pid,
    request: Request,
) -> Result<Reply, Refusal> {
    let lease = LeaseInfo {
        bytes: fake.memory.len(),
        readable: true,
        writable: true,
    };
    let leases = [lease, LeaseInfo::default()];
    match tty.handle(
        Incoming {
            sender,
            token: Token(1),
            leases,
            request,
        },
        fake,
    ) {
        Outcome::Reply(reply) => reply,
        Outcome::Parked => panic!("the terminal never parks"),
    }
}

/// Reads up to `most` bytes as the shell.
pub fn read(tty: &mut Tty, most: usize) -> Result<Vec<u8>, Errno> {
    read_at(tty, most, 0)
}

pub fn read_at(tty: &mut Tty, most: usize, now_ns: u64) -> Result<Vec<u8>, Errno> {
    let mut fake = Fake {
        memory: vec![0; most],
        now_ns,
        ..Fake::default()
    };
    let request = Request::Read {
        line: 0,
        pgid: SHELL,
        sid: SHELL,
        stoppable: true,
    };
    match ask(tty, &mut fake, request) {
        Ok(Reply::Count(count)) => Ok(fake.memory[..count as usize].to_vec()),
        Err(Refusal::Errno(errno)) => Err(errno),
        other => panic!("{other:?}"),
    }
}

/// Writes as the shell; the number of bytes taken.
pub fn write(tty: &mut Tty, bytes: &[u8]) -> Result<usize, Errno> {
    let mut fake = Fake {
        memory: bytes.to_vec(),
        ..Fake::default()
    };
    match ask(
        tty,
        &mut fake,
        Request::Write {
            line: 0,
            pgid: SHELL,
            sid: SHELL,
        },
    ) {
        Ok(Reply::Count(count)) => Ok(count as usize),
        Err(Refusal::Errno(errno)) => Err(errno),
        other => panic!("{other:?}"),
    }
}

/// All that would be sent now.
pub fn sent(tty: &mut Tty) -> Vec<u8> {
    std::iter::from_fn(|| tty.next_output()).collect()
}

/// Sets the terminal up.
pub fn set(tty: &mut Tty, settings: Termios) {
    let mut fake = Fake {
        memory: settings.to_bytes().to_vec(),
        ..Fake::default()
    };
    assert_eq!(
        ask(tty, &mut fake, Request::SetTermios { line: 0, when: 0 }),
        Ok(Reply::Done)
    );
}

/// A console that belongs to the shell.
pub fn console() -> Tty {
    let mut tty = Tty::new(false);
    assert_eq!(
        ask(
            &mut tty,
            &mut Fake::default(),
            Request::Attach {
                line: 0,
                sid: SHELL
            }
        ),
        Ok(Reply::Done)
    );
    tty.take_news();
    tty
}

/// Raw mode, without echo, as an editor sets it.
pub fn raw(minimum: u8, time: u8) -> Termios {
    let mut settings = Termios {
        input: 0,
        local: 0,
        ..Termios::default()
    };
    settings.keys[linux::VMIN as usize] = minimum;
    settings.keys[linux::VTIME as usize] = time;
    settings
}

/// The signals that wait for `proc`.
pub fn signals(tty: &mut Tty) -> Vec<(u32, u32)> {
    let mut fake = Fake::default();
    std::iter::from_fn(
        || match ask_as(tty, &mut fake, server_id::PROC, Request::NextSignal) {
            Ok(Reply::Signal { pgid, signal }) => Some((pgid, signal)),
            _ => None,
        },
    )
    .collect()
}
