//! Requests, their errors, job control, and what others are told.

mod common;

use abi::{Errno, linux::general as linux};
use common::*;
use proto::{
    Pid,
    port::Refusal,
    tty::{Reply, Request},
};
use tty::{Termios, Tty, termios};

const READ: Request = Request::Read {
    line: 0,
    pgid: SHELL,
    sid: SHELL,
    stoppable: true,
};
const WRITE: Request = Request::Write {
    line: 0,
    pgid: SHELL,
    sid: SHELL,
};

#[test]
fn the_default_settings_are_linuxs() {
    let expected = [
        0x00, 0x45, 0, 0, // ICRNL IXON IUTF8
        0x05, 0, 0, 0, // OPOST ONLCR
        0xbf, 0x04, 0, 0, // B38400 CS8 CREAD HUPCL
        0x3b, 0x8a, 0, 0, // ISIG ICANON ECHO ECHOE ECHOK ECHOCTL ECHOKE IEXTEN
        0, // line discipline
        3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0,
    ];
    assert_eq!(Termios::default().to_bytes(), expected);
    assert_eq!(Termios::from_bytes(&expected), Termios::default());
    let mut tty = console();
    let mut fake = Fake {
        memory: vec![0xff; termios::BYTES],
        ..Fake::default()
    };
    assert_eq!(
        ask(&mut tty, &mut fake, Request::GetTermios { line: 0 }),
        Ok(Reply::Done)
    );
    assert_eq!(fake.memory, expected);
}

#[test]
fn setting_with_flush_drops_input() {
    let mut tty = console();
    tty.input(b"old\n", 0);
    let mut fake = Fake {
        memory: Termios::default().to_bytes().to_vec(),
        ..Fake::default()
    };
    assert_eq!(
        ask(
            &mut tty,
            &mut fake,
            Request::SetTermios { line: 0, when: 3 }
        ),
        Err(Errno::EINVAL.into())
    );
    assert_eq!(
        ask(
            &mut tty,
            &mut fake,
            Request::SetTermios { line: 0, when: 2 }
        ),
        Ok(Reply::Done)
    );
    assert_eq!(read(&mut tty, 9), Err(Errno::EAGAIN));
}

#[test]
fn keys_signal_the_foreground_group_and_flush() {
    let mut tty = console();
    write(&mut tty, b"unsent").unwrap();
    tty.input(b"half\x03", 0);
    let news = tty.take_news();
    assert!(news.signals && news.ready);
    assert!(!tty.take_news().signals, "told once");
    assert_eq!(sent(&mut tty), b"^C");
    tty.input(b"\x1c\x1a\x1a", 0);
    let expected = [linux::SIGINT, linux::SIGQUIT, linux::SIGTSTP].map(|signal| (SHELL, signal));
    assert_eq!(signals(&mut tty), expected);
    tty.input(b"\n", 0);
    assert_eq!(read(&mut tty, 99), Ok(b"\n".to_vec()));
    tty.input(b"\x03", 0);
    assert!(tty.take_news().signals, "news again after all were fetched");
}

#[test]
fn flow_stops_and_starts_output_and_sends_the_keys_for_the_other_side() {
    let mut tty = console();
    let mut fake = Fake::default();
    let mut flow = |tty: &mut Tty, action| ask(tty, &mut fake, Request::Flow { line: 0, action });
    assert_eq!(flow(&mut tty, linux::TCOOFF), Ok(Reply::Done));
    write(&mut tty, b"held").unwrap();
    assert_eq!(sent(&mut tty), b"");
    assert_eq!(flow(&mut tty, linux::TCOON), Ok(Reply::Done));
    assert!(tty.take_news().ready);
    assert_eq!(sent(&mut tty), b"held");
    write(&mut tty, b"later").unwrap();
    assert_eq!(flow(&mut tty, linux::TCIOFF), Ok(Reply::Done));
    assert_eq!(flow(&mut tty, linux::TCION), Ok(Reply::Done));
    assert_eq!(sent(&mut tty), b"\x11\x13later");
    assert_eq!(flow(&mut tty, 4), Err(Errno::EINVAL.into()));
}

#[test]
fn noflsh_keeps_what_was_typed() {
    let mut tty = console();
    let mut settings = Termios::default();
    settings.local |= linux::NOFLSH;
    set(&mut tty, settings);
    tty.input(b"ab\x03c\n", 0);
    assert_eq!(read(&mut tty, 99), Ok(b"abc\n".to_vec()));
    assert_eq!(signals(&mut tty), [(SHELL, linux::SIGINT)]);
}

#[test]
fn without_a_session_keys_signal_nobody() {
    let mut tty = Tty::new(false);
    tty.input(b"\x03", 0);
    assert_eq!(signals(&mut tty), []);
    assert!(!tty.take_news().signals);
}

#[test]
fn the_background_is_stopped_when_it_reads() {
    let mut tty = console();
    tty.input(b"line\n", 0);
    let mut fake = Fake {
        memory: vec![0; 9],
        ..Fake::default()
    };
    let background = |stoppable| Request::Read {
        line: 0,
        pgid: 77,
        sid: SHELL,
        stoppable,
    };
    assert_eq!(
        ask(&mut tty, &mut fake, background(true)),
        Err(Errno::EINTR.into())
    );
    assert_eq!(
        ask(&mut tty, &mut fake, background(true)),
        Err(Errno::EINTR.into())
    );
    assert_eq!(
        signals(&mut tty),
        [(77, linux::SIGTTIN)],
        "once, until proc fetched it"
    );
    assert_eq!(
        ask(&mut tty, &mut fake, background(false)),
        Err(Errno::EIO.into())
    );
    let other = Request::Read {
        line: 0,
        pgid: 77,
        sid: 70,
        stoppable: true,
    };
    assert_eq!(
        ask(&mut tty, &mut fake, other),
        Ok(Reply::Count(5)),
        "not its controlling terminal"
    );
}

#[test]
fn the_background_writes_unless_tostop_is_set() {
    let mut tty = console();
    let mut fake = Fake {
        memory: b"text".to_vec(),
        ..Fake::default()
    };
    let background = Request::Write {
        line: 0,
        pgid: 77,
        sid: SHELL,
    };
    assert_eq!(ask(&mut tty, &mut fake, background), Ok(Reply::Count(4)));
    let mut settings = Termios::default();
    settings.local |= linux::TOSTOP;
    set(&mut tty, settings);
    assert_eq!(
        ask(&mut tty, &mut fake, background),
        Err(Errno::EINTR.into())
    );
    assert_eq!(signals(&mut tty), [(77, linux::SIGTTOU)]);
    assert_eq!(ask(&mut tty, &mut fake, WRITE), Ok(Reply::Count(4)));
}

#[test]
fn a_stolen_line_is_anothers_and_nobody_is_hung_up() {
    let (mut tty, mut fake) = (console(), Fake::default());
    let mut ask = |request| ask(&mut tty, &mut fake, request);
    let steal = |sid| Request::Steal { line: 0, sid };
    assert_eq!(ask(steal(SHELL)), Ok(Reply::Done));
    assert_eq!(ask(steal(11)), Ok(Reply::Done));
    assert_eq!(ask(Request::Session { line: 0 }), Ok(Reply::Count(11)));
    assert_eq!(ask(Request::NextSignal), Err(Errno::EAGAIN.into()));
    let lost = Request::GetForeground {
        line: 0,
        sid: SHELL,
    };
    assert_eq!(ask(lost), Err(Errno::ENOTTY.into()));
}

#[test]
fn a_line_is_the_controlling_terminal_of_one_session() {
    let (mut tty, mut fake) = (console(), Fake::default());
    let mut ask = |request| ask(&mut tty, &mut fake, request);
    let attach = |sid| Request::Attach { line: 0, sid };
    let foreground = |sid| Request::GetForeground { line: 0, sid };
    assert_eq!(ask(attach(11)), Err(Errno::EPERM.into()));
    assert_eq!(ask(attach(SHELL)), Ok(Reply::Done));
    assert_eq!(ask(foreground(11)), Err(Errno::ENOTTY.into()));
    assert_eq!(
        ask(Request::SetForeground {
            line: 0,
            sid: 11,
            pgid: 5
        }),
        Err(Errno::ENOTTY.into())
    );
    assert_eq!(
        ask(Request::SetForeground {
            line: 0,
            sid: SHELL,
            pgid: 55
        }),
        Ok(Reply::Done)
    );
    assert_eq!(ask(foreground(SHELL)), Ok(Reply::Count(55)));
    assert_eq!(
        ask(Request::Session { line: 0 }),
        Ok(Reply::Count(SHELL.into()))
    );
    assert_eq!(
        ask(Request::Detach { line: 0, sid: 11 }),
        Err(Errno::ENOTTY.into())
    );
    assert_eq!(
        ask(Request::Detach {
            line: 0,
            sid: SHELL
        }),
        Ok(Reply::Done)
    );
    assert_eq!(ask(Request::Session { line: 0 }), Ok(Reply::Count(0)));
    assert_eq!(ask(attach(11)), Ok(Reply::Done));
    assert_eq!(
        signals(&mut tty),
        [(55, linux::SIGHUP), (55, linux::SIGCONT)]
    );
}

#[test]
fn a_new_window_size_is_told_to_the_foreground() {
    let (mut tty, mut fake) = (console(), Fake::default());
    let get = Request::GetWindowSize { line: 0 };
    let size = |rows, columns| Reply::WindowSize {
        rows,
        columns,
        x_pixels: 0,
        y_pixels: 0,
    };
    let set = Request::SetWindowSize {
        line: 0,
        rows: 50,
        columns: 132,
        x_pixels: 0,
        y_pixels: 0,
    };
    assert_eq!(ask(&mut tty, &mut fake, get), Ok(size(24, 80)));
    assert_eq!(ask(&mut tty, &mut fake, set), Ok(Reply::Done));
    assert_eq!(ask(&mut tty, &mut fake, set), Ok(Reply::Done));
    assert_eq!(ask(&mut tty, &mut fake, get), Ok(size(50, 132)));
    assert_eq!(
        signals(&mut tty),
        [(SHELL, linux::SIGWINCH)],
        "only a change is worth a signal"
    );
}

#[test]
fn a_console_without_window_has_size_zero() {
    let (mut tty, mut fake) = (console().without_window(), Fake::default());
    assert_eq!(
        ask(&mut tty, &mut fake, Request::GetWindowSize { line: 0 }),
        Ok(Reply::WindowSize {
            rows: 0,
            columns: 0,
            x_pixels: 0,
            y_pixels: 0,
        })
    );
}

#[test]
fn an_absent_page_changes_nothing() {
    let mut tty = console();
    tty.input(b"line\n", 0);
    sent(&mut tty);
    let mut fake = Fake {
        memory: b"12345".to_vec(),
        absent: Some(2),
        ..Fake::default()
    };
    let touch = Err(Refusal::Touch {
        lease: 0,
        offset: 2,
        done: 0,
    });
    assert_eq!(ask(&mut tty, &mut fake, READ), touch);
    assert_eq!(ask(&mut tty, &mut fake, WRITE), touch);
    assert_eq!(sent(&mut tty), b"");
    assert_eq!(read(&mut tty, 9), Ok(b"line\n".to_vec()));
}

#[test]
fn poll_counts_bytes_but_not_the_end_of_file() {
    let (mut tty, mut fake) = (console(), Fake::default());
    let ready = |readable, bytes| {
        Ok(Reply::Ready {
            readable,
            writable: true,
            bytes,
        })
    };
    tty.input(b"abc", 0);
    assert_eq!(
        ask(&mut tty, &mut fake, Request::Poll { line: 0 }),
        ready(false, 0)
    );
    tty.input(b"\x04", 0);
    assert_eq!(
        ask(&mut tty, &mut fake, Request::Poll { line: 0 }),
        ready(true, 3)
    );
}

#[test]
fn other_lines_and_other_callers_are_refused() {
    let (mut tty, mut fake) = (console(), Fake::default());
    let other = Request::Session { line: 1 };
    assert_eq!(ask(&mut tty, &mut fake, other), Err(Errno::ENXIO.into()));
    let here = Request::Session { line: 0 };
    assert_eq!(
        ask_as(&mut tty, &mut fake, Pid(5), here),
        Err(Errno::EPERM.into())
    );
    assert_eq!(
        ask(&mut tty, &mut fake, Request::NextSignal),
        Err(Errno::EAGAIN.into())
    );
}

#[test]
fn flushing_drops_what_it_names() {
    let (mut tty, mut fake) = (console(), Fake::default());
    let flush = |which| Request::Flush { line: 0, which };
    tty.input(b"a\n", 0);
    assert_eq!(ask(&mut tty, &mut fake, flush(2)), Ok(Reply::Done));
    assert_eq!(sent(&mut tty), b"");
    assert_eq!(ask(&mut tty, &mut fake, flush(1)), Ok(Reply::Done));
    assert_eq!(read(&mut tty, 9), Err(Errno::EAGAIN));
    assert_eq!(
        ask(&mut tty, &mut fake, flush(0)),
        Err(Errno::EINVAL.into())
    );
    assert_eq!(
        ask(&mut tty, &mut fake, flush(4)),
        Err(Errno::EINVAL.into())
    );
}

#[test]
fn the_state_survives_a_change_of_server() {
    let mut tty = console();
    tty.input(b"one\ntw\x16", 0);
    write(&mut tty, b"out").unwrap();
    let bytes = proto::handover::save(&tty).unwrap();
    let mut copy: Tty = proto::handover::restore(&bytes).unwrap();
    assert_eq!(copy, tty);
    copy.input(b"\x03\n", 0);
    assert_eq!(read(&mut copy, 99), Ok(b"one\n".to_vec()));
    assert_eq!(read(&mut copy, 99), Ok(b"tw\x03\n".to_vec()));
}
