//! What goes out: processing, limits, who is told, and frames.

mod common;

use abi::linux::general as linux;
use common::*;
use proto::tty::{Reply, Request};
use tty::{Termios, Tty, UNSENT_BYTES};

#[test]
fn a_full_line_refuses_writers_until_half_is_sent() {
    let mut tty = console();
    let text = [b'x'; 1000];
    while write(&mut tty, &text).is_ok() {}
    let mut fake = Fake::default();
    let poll = |tty: &mut Tty, fake: &mut Fake| ask(tty, fake, Request::Poll { line: 0 });
    assert!(matches!(
        poll(&mut tty, &mut fake),
        Ok(Reply::Ready {
            writable: false,
            ..
        })
    ));
    tty.take_news();
    for _ in 0..UNSENT_BYTES / 2 - 10 {
        assert!(tty.next_output().is_some());
    }
    assert!(!tty.take_news().ready);
    for _ in 0..10 {
        tty.next_output();
    }
    assert!(tty.take_news().ready);
    assert!(matches!(
        poll(&mut tty, &mut fake),
        Ok(Reply::Ready { writable: true, .. })
    ));
}

#[test]
fn who_waits_for_the_last_byte_is_told() {
    let (mut tty, mut fake) = (console(), Fake::default());
    write(&mut tty, b"ab").unwrap();
    tty.take_news();
    let unsent = Request::Unsent { line: 0 };
    assert_eq!(ask(&mut tty, &mut fake, unsent), Ok(Reply::Count(2)));
    sent(&mut tty);
    assert!(tty.take_news().ready);
    assert_eq!(ask(&mut tty, &mut fake, unsent), Ok(Reply::Count(0)));
}

#[test]
fn output_is_processed_as_set() {
    let cases: [(u32, &[u8], &[u8]); 7] = [
        (0, b"a\n\t", b"a\n\t"),
        (linux::OPOST | linux::ONLCR, b"a\nb", b"a\r\nb"),
        (linux::OPOST | linux::OCRNL, b"a\rb", b"a\nb"),
        (linux::OPOST | linux::ONOCR, b"\ra\r", b"a\r"),
        (linux::OPOST | linux::XTABS, b"ab\tc", b"ab      c"),
        (linux::OPOST | linux::OLCUC, b"aB1", b"AB1"),
        (
            linux::OPOST | linux::ONLRET | linux::ONOCR,
            b"a\n\r",
            b"a\n",
        ),
    ];
    for (flags, text, expected) in cases {
        let mut tty = console();
        let settings = Termios {
            output: flags,
            ..Termios::default()
        };
        set(&mut tty, settings);
        assert_eq!(write(&mut tty, text), Ok(text.len()));
        assert_eq!(sent(&mut tty), expected, "{flags:#x}");
    }
}

#[test]
fn on_a_framed_line_the_frame_byte_is_doubled_even_across_a_flush() {
    let mut tty = Tty::new(true);
    write(&mut tty, b"\x1cab").unwrap();
    assert_eq!(tty.next_output(), Some(0x1c));
    ask(
        &mut tty,
        &mut Fake::default(),
        Request::Flush { line: 0, which: 2 },
    )
    .unwrap();
    assert_eq!(sent(&mut tty), b"\x1c");
}
