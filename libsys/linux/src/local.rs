//! Which calls are answered by the few instructions behind the kernel's entry, without Rust.

use crate::number::{self, CALLS, State};

/// Numbers below this can be looked up in [`LOCAL`]; those above are `ENOSYS`.
pub const NUMBERS: usize = 512;

/// What answers a call: the index of a piece of code in `machine.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Answer {
    /// Rust.
    Rust = 0,
    /// `ENOSYS`, counted.
    Missing = 1,
    /// The process's number.
    Pid = 2,
    /// Its parent's number.
    Parent = 3,
}

/// The [`Answer`] of each call.
pub static LOCAL: [u8; NUMBERS] = table();

const fn table() -> [u8; NUMBERS] {
    let mut table = [Answer::Missing as u8; NUMBERS];
    let mut index = 0;
    while index < CALLS.len() {
        let call = &CALLS[index];
        table[call.number as usize] = match (call.number, call.state) {
            (number::GETPID, _) => Answer::Pid as u8,
            (number::GETPPID, _) => Answer::Parent as u8,
            (_, State::Missing) => Answer::Missing as u8,
            _ => Answer::Rust as u8,
        };
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_the_table_of_calls_is_missing_and_the_rest_is_not() {
        for number in 0..NUMBERS as u64 {
            let known = CALLS.iter().find(|call| call.number == number);
            let there = known.is_some_and(|call| call.state != State::Missing);
            let missing = LOCAL[number as usize] == Answer::Missing as u8;
            assert_eq!(there, !missing, "call {number}");
        }
        assert_eq!(LOCAL[172], Answer::Pid as u8);
    }
}
