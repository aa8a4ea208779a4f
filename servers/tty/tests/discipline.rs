//! What a user at the terminal sees, key by key.

mod common;

use abi::{Errno, linux::general as linux};
use common::*;
use tty::{LINE_BYTES, Termios};

#[test]
fn a_line_can_be_read_once_it_is_ended() {
    let mut tty = console();
    tty.input(b"ls", 0);
    assert_eq!(read(&mut tty, 100), Err(Errno::EAGAIN));
    assert!(!tty.take_news().ready);
    tty.input(b"\r", 0);
    assert!(tty.take_news().ready);
    assert_eq!(read(&mut tty, 100), Ok(b"ls\n".to_vec()));
    assert_eq!(sent(&mut tty), b"ls\r\n");
}

#[test]
fn a_short_read_leaves_the_rest_of_the_line() {
    let mut tty = console();
    tty.input(b"abcdef\nx\n", 0);
    assert_eq!(read(&mut tty, 4), Ok(b"abcd".to_vec()));
    assert_eq!(read(&mut tty, 4), Ok(b"ef\n".to_vec()));
    assert_eq!(read(&mut tty, 4), Ok(b"x\n".to_vec()));
    assert_eq!(read(&mut tty, 4), Err(Errno::EAGAIN));
}

#[test]
fn end_of_file_ends_a_read_and_is_seen_only_at_the_start_of_a_line() {
    let mut tty = console();
    tty.input(b"abc\x04", 0);
    assert_eq!(
        read(&mut tty, 3),
        Ok(b"abc".to_vec()),
        "the key goes with what it ended"
    );
    assert_eq!(read(&mut tty, 3), Err(Errno::EAGAIN));
    tty.input(b"\x04", 0);
    assert_eq!(read(&mut tty, 3), Ok(vec![]));
    assert_eq!(read(&mut tty, 3), Err(Errno::EAGAIN));
    assert_eq!(sent(&mut tty), b"abc", "the key is not echoed");
}

#[test]
fn erasing_shows_on_the_screen() {
    let mut tty = console();
    tty.input(b"ab\x7f", 0);
    assert_eq!(sent(&mut tty), b"ab\x08 \x08");
    tty.input(b"\x02\x7f", 0);
    assert_eq!(sent(&mut tty), b"^B\x08 \x08\x08 \x08");
    tty.input(b"\x7f\x7f", 0);
    assert_eq!(sent(&mut tty), b"\x08 \x08", "an empty line stays as it is");
}

#[test]
fn erasing_takes_a_whole_utf8_character() {
    let mut tty = console();
    tty.input("aé\x7f\n".as_bytes(), 0);
    assert_eq!(sent(&mut tty), "aé\x08 \x08\r\n".as_bytes());
    assert_eq!(read(&mut tty, 9), Ok(b"a\n".to_vec()));
}

#[test]
fn erasing_a_tab_goes_back_to_where_it_began() {
    let mut tty = console();
    write(&mut tty, b"$ ").unwrap();
    tty.input(b"abc\t\x7f", 0);
    assert_eq!(sent(&mut tty), b"$ abc\t\x08\x08\x08");
}

#[test]
fn a_word_is_erased_with_the_blanks_behind_it() {
    let mut tty = console();
    tty.input(b"cat a_b  \x17\n", 0);
    assert_eq!(read(&mut tty, 99), Ok(b"cat \n".to_vec()));
}

#[test]
fn kill_drops_the_line_and_wipes_it() {
    let mut tty = console();
    tty.input(b"abc\x15", 0);
    assert_eq!(sent(&mut tty), b"abc\x08 \x08\x08 \x08\x08 \x08");
    tty.input(b"\n", 0);
    assert_eq!(read(&mut tty, 99), Ok(b"\n".to_vec()));
}

#[test]
fn without_visible_kill_the_key_and_a_newline_are_shown() {
    let mut tty = console();
    let mut settings = Termios::default();
    settings.local &= !linux::ECHOKE;
    set(&mut tty, settings);
    tty.input(b"abc\x15", 0);
    assert_eq!(sent(&mut tty), b"abc^U\r\n");
}

#[test]
fn a_printing_terminal_shows_what_is_erased() {
    let mut tty = console();
    let mut settings = Termios::default();
    settings.local |= linux::ECHOPRT;
    set(&mut tty, settings);
    tty.input(b"abc\x7f\x7fx", 0);
    assert_eq!(sent(&mut tty), b"abc\\cb/x");
}

#[test]
fn reprint_shows_the_line_again() {
    let mut tty = console();
    tty.input(b"abc\x12", 0);
    assert_eq!(sent(&mut tty), b"abc^R\r\nabc");
}

#[test]
fn a_quoted_key_is_an_ordinary_character() {
    let mut tty = console();
    tty.input(b"\x16\x03\x16\x7f\n", 0);
    assert_eq!(signals(&mut tty), []);
    assert_eq!(sent(&mut tty), b"^\x08^C^\x08^?\r\n");
    assert_eq!(read(&mut tty, 99), Ok(b"\x03\x7f\n".to_vec()));
}

#[test]
fn without_echo_only_the_newline_may_be_shown() {
    let mut tty = console();
    let mut settings = Termios::default();
    settings.local &= !linux::ECHO;
    set(&mut tty, settings);
    tty.input(b"secret\n", 0);
    assert_eq!(sent(&mut tty), b"");
    settings.local |= linux::ECHONL;
    set(&mut tty, settings);
    tty.input(b"secret\n", 0);
    assert_eq!(sent(&mut tty), b"\r\n");
}

#[test]
fn line_ends_are_mapped_as_set() {
    let cases: [(u32, &[u8]); 4] = [
        (linux::ICRNL, b"a\nb\n"),
        (linux::IGNCR, b"ab\n"),
        (linux::INLCR, b"a\rb\r"),
        (linux::ICRNL | linux::INLCR, b"a\nb\r"),
    ];
    for (flags, expected) in cases {
        let mut tty = console();
        let mut settings = raw(1, 0);
        settings.input = flags;
        set(&mut tty, settings);
        tty.input(b"a\rb\n", 0);
        assert_eq!(read(&mut tty, 99), Ok(expected.to_vec()), "{flags:#x}");
    }
}

#[test]
fn the_stop_key_holds_output_back_and_start_lets_it_go() {
    let mut tty = console();
    tty.input(b"\x13", 0);
    assert_eq!(write(&mut tty, b"hello"), Ok(5));
    assert_eq!(sent(&mut tty), b"");
    tty.input(b"\x11", 0);
    assert_eq!(sent(&mut tty), b"hello");
}

#[test]
fn an_endless_line_rings_the_bell_and_can_still_be_ended() {
    let mut tty = console();
    let mut settings = Termios::default();
    settings.local &= !linux::ECHO;
    set(&mut tty, settings);
    tty.input(&[b'x'; LINE_BYTES], 0);
    assert_eq!(sent(&mut tty), b"\x07");
    tty.input(b"\n", 0);
    let line = read(&mut tty, 2 * LINE_BYTES).unwrap();
    assert_eq!((line.len(), line.last()), (LINE_BYTES, Some(&b'\n')));
}

#[test]
fn raw_mode_gives_every_byte_as_it_is() {
    let mut tty = console();
    set(&mut tty, raw(1, 0));
    let all: Vec<u8> = (0..=255).collect();
    tty.input(&all, 0);
    assert_eq!(read(&mut tty, 999), Ok(all));
    assert_eq!(sent(&mut tty), b"");
}

#[test]
fn a_raw_read_waits_for_its_minimum() {
    let mut tty = console();
    set(&mut tty, raw(3, 0));
    tty.input(b"ab", 0);
    assert_eq!(read(&mut tty, 10), Err(Errno::EAGAIN));
    assert_eq!(
        read(&mut tty, 2),
        Ok(b"ab".to_vec()),
        "no more is asked for"
    );
    tty.input(b"cdef", 0);
    assert_eq!(read(&mut tty, 10), Ok(b"cdef".to_vec()));
    set(&mut tty, raw(0, 0));
    assert_eq!(read(&mut tty, 10), Ok(vec![]));
}

#[test]
fn a_timed_read_ends_with_nothing() {
    const SECOND: u64 = 1_000_000_000;
    let mut tty = console();
    set(&mut tty, raw(0, 10));
    assert_eq!(read_at(&mut tty, 9, 5), Err(Errno::EAGAIN));
    let mut fake = Fake {
        now_ns: 5 + SECOND,
        ..Fake::default()
    };
    tty.take_news();
    tty.tick(&mut fake);
    assert!(tty.take_news().ready);
    assert_eq!(read_at(&mut tty, 9, 5 + SECOND), Ok(vec![]));
    assert_eq!(
        read_at(&mut tty, 9, 6 + SECOND),
        Err(Errno::EAGAIN),
        "each read has its time"
    );
}

#[test]
fn a_pause_between_bytes_ends_a_raw_read() {
    const SECOND: u64 = 1_000_000_000;
    let mut tty = console();
    set(&mut tty, raw(5, 10));
    assert_eq!(read_at(&mut tty, 9, 0), Err(Errno::EAGAIN));
    tty.input(b"ab", 7);
    assert_eq!(read_at(&mut tty, 9, 8), Err(Errno::EAGAIN));
    assert_eq!(read_at(&mut tty, 9, 7 + SECOND), Ok(b"ab".to_vec()));
}

#[test]
fn a_change_of_mode_loses_no_input() {
    let mut tty = console();
    tty.input(b"one\ntw", 0);
    set(&mut tty, raw(1, 0));
    assert_eq!(read(&mut tty, 99), Ok(b"one\ntw".to_vec()));
    tty.input(b"xy", 0);
    set(&mut tty, Termios::default());
    assert_eq!(read(&mut tty, 99), Ok(b"xy".to_vec()));
}
