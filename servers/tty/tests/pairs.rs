//! Pseudo-terminals: the same line with a program on its other side.

mod common;

use abi::{Errno, linux::general as linux};
use common::*;
use proto::{
    port::Refusal,
    tty::{Reply, Request},
};
use tty::{News, Tty};

/// A terminal server with one pseudo-terminal, line 1, of session 20.
fn pair() -> Tty {
    let mut tty = Tty::new(false);
    let mut fake = Fake::default();
    let new = ask(&mut tty, &mut fake, Request::NewPair);
    assert_eq!(new, Ok(Reply::Count(1)));
    let attach = Request::Attach { line: 1, sid: 20 };
    assert_eq!(ask(&mut tty, &mut fake, attach), Ok(Reply::Done));
    tty.take_news();
    tty
}

fn transfer(tty: &mut Tty, request: Request, memory: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut fake = Fake {
        memory: memory.to_vec(),
        ..Fake::default()
    };
    match ask(tty, &mut fake, request)? {
        Reply::Count(count) => {
            fake.memory.truncate(count as usize);
            Ok(fake.memory)
        }
        other => panic!("{other:?}"),
    }
}

const SLAVE_READ: Request = Request::Read {
    line: 1,
    pgid: 20,
    sid: 20,
    stoppable: true,
};
const SLAVE_WRITE: Request = Request::Write {
    line: 1,
    pgid: 20,
    sid: 20,
};
const TYPE: Request = Request::MasterWrite { line: 1 };
const SHOW: Request = Request::MasterRead { line: 1 };

#[test]
fn what_is_typed_is_read_and_echoed_and_what_is_written_is_shown() {
    let mut tty = pair();
    let nothing = Err(Refusal::Errno(Errno::EAGAIN));
    assert_eq!(transfer(&mut tty, SHOW, &[0; 9]), nothing);
    transfer(&mut tty, TYPE, b"hi\n").unwrap();
    assert!(tty.take_news().ready, "both sides have something");
    assert_eq!(transfer(&mut tty, SLAVE_READ, &[0; 9]).unwrap(), b"hi\n");
    assert_eq!(transfer(&mut tty, SHOW, &[0; 9]).unwrap(), b"hi\r\n");
    transfer(&mut tty, SLAVE_WRITE, b"a\n").unwrap();
    assert!(tty.take_news().ready);
    assert_eq!(transfer(&mut tty, SHOW, &[0; 2]).unwrap(), b"a\r");
    assert_eq!(transfer(&mut tty, SHOW, &[0; 2]).unwrap(), b"\n");
    assert_eq!(transfer(&mut tty, SLAVE_READ, &[0; 9]), nothing);
    assert!(!tty.take_news().ready, "asking in vain is no news");
}

#[test]
fn keys_of_a_pair_signal_its_own_foreground_group() {
    let mut tty = pair();
    let mut fake = Fake::default();
    transfer(&mut tty, TYPE, b"\x03").unwrap();
    assert!(tty.take_news().signals);
    let next = ask_as(
        &mut tty,
        &mut fake,
        proto::server_id::PROC,
        Request::NextSignal,
    );
    let (pgid, signal) = (20, linux::SIGINT);
    assert_eq!(next, Ok(Reply::Signal { pgid, signal }));
    let line = ask(&mut tty, &mut fake, Request::LineOf { sid: 20 });
    assert_eq!(line, Ok(Reply::Count(1)));
    let none = ask(&mut tty, &mut fake, Request::LineOf { sid: 21 });
    assert_eq!(none, Err(Errno::ENXIO.into()));
}

#[test]
fn the_end_of_the_master_hangs_up_and_frees_the_line() {
    let mut tty = pair();
    let mut fake = Fake::default();
    let done = ask(&mut tty, &mut fake, Request::EndPair { line: 1 });
    assert_eq!(done, Ok(Reply::Done));
    assert!(matches!(tty.take_news(), News { signals: true, .. }));
    let signals: Vec<_> = std::iter::from_fn(|| {
        let next = ask(&mut tty, &mut fake, Request::NextSignal);
        next.ok()
    })
    .collect();
    let pgid = 20;
    let expected = [linux::SIGHUP, linux::SIGCONT].map(|signal| Reply::Signal { pgid, signal });
    assert_eq!(signals, expected);
    assert_eq!(transfer(&mut tty, SHOW, &[0; 9]), Err(Errno::ENXIO.into()));
    let again = ask(&mut tty, &mut fake, Request::NewPair);
    assert_eq!(again, Ok(Reply::Count(1)));
}

#[test]
fn a_master_waits_for_room_and_is_told_of_it() {
    let mut tty = pair();
    let piece = [b"x".repeat(99), b"\n".to_vec()].concat();
    let mut typed = 0;
    loop {
        match transfer(&mut tty, TYPE, &piece) {
            Ok(bytes) => typed += bytes.len(),
            Err(refusal) => break assert_eq!(refusal, Errno::EAGAIN.into()),
        }
        while transfer(&mut tty, SHOW, &[0; 4096]).is_ok() {}
    }
    assert!(typed >= tty::UNREAD_BYTES - 100);
    tty.take_news();
    transfer(&mut tty, SLAVE_READ, &[0; 200]).unwrap();
    assert!(tty.take_news().ready);
    assert!(transfer(&mut tty, TYPE, &piece).is_ok());
}

#[test]
fn the_console_has_no_master() {
    let mut tty = pair();
    let request = Request::MasterRead { line: 0 };
    assert_eq!(
        transfer(&mut tty, request, &[0; 9]),
        Err(Errno::ENXIO.into())
    );
}

#[test]
fn a_key_that_signals_drops_what_was_typed_but_nothing_that_the_master_may_read() {
    let mut tty = pair();
    transfer(&mut tty, SLAVE_WRITE, b"shown").unwrap();
    transfer(&mut tty, TYPE, b"x\x03").unwrap();
    assert_eq!(transfer(&mut tty, SHOW, &[0; 20]).unwrap(), b"shownx^C");
    let nothing = Err(Refusal::Errno(Errno::EAGAIN));
    transfer(&mut tty, TYPE, b"\n").unwrap();
    assert_eq!(transfer(&mut tty, SLAVE_READ, &[0; 9]).unwrap(), b"\n");
    assert_eq!(transfer(&mut tty, SLAVE_READ, &[0; 9]), nothing);
}
