//! The terminal server's logic: a line discipline as Linux's `n_tty`, and the PL011's FIFO handling.
//!
//! The whole state is plain data in [`Tty`]. Nothing here waits, calls the system or touches a
//! device: bytes come in through [`Tty::input`], requests through [`Tty::handle`], bytes for the
//! device are fetched with [`Tty::next_output`], and what others should be told with
//! [`Tty::take_news`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod edit;
mod job;
mod keys;
mod line;
mod output;
mod pair;
pub mod pl011;
mod queue;
mod read;
mod server;
pub mod termios;

pub use server::{News, Tty};
pub use termios::Termios;

/// Longest line that can be typed, its end included.
pub const LINE_BYTES: usize = 4096;
/// Most unread bytes kept, so that pasted text of many lines is not lost.
pub const UNREAD_BYTES: usize = 64 * 1024;
/// Most unsent bytes that writers may queue; the echo may use as much again.
pub const UNSENT_BYTES: usize = 4096;
