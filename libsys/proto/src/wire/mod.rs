//! How requests and replies become registers: the format "words".
//!
//! The index of an enum's variant is the label; each field is one word, an `Option` a word 0, or a
//! word 1 and its value. Signed numbers are sign-extended. So the words of a raw trace can be read
//! as they are. What is longer than eight words travels in a lease. Words not used are 0.
//!
//! Both directions come from the declaration of the enum ([`field::messages`]), and everything is
//! inlined: encoding is a few moves and decoding a jump table.

use crate::port::Refusal;
use abi::{Errno, Message, WORDS};

pub(crate) mod field;
#[cfg(test)]
mod tests;

pub use field::{Cursor, Field};

/// An enum that is a message, declared with `messages!`.
pub trait Words: Sized {
    /// Makes `message` this one.
    fn write(&self, message: &mut Message);

    /// Reads a message. Words that it does not use are ignored.
    ///
    /// # Errors
    /// [`WireError::Label`] if no variant has the label, [`WireError::Range`] if a word does not fit.
    fn read(message: &Message) -> Result<Self, WireError>;
}

/// First label of a reply that is an error number.
pub const ERRNO_LABEL: u64 = 0x1000;
/// Label of a reply that asks for a page of a lease: [`Refusal::Touch`].
pub const TOUCH_LABEL: u64 = 0x2000;

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// No variant has this label.
    Label,
    /// A word is out of its field's range.
    Range,
}

impl WireError {
    /// What a server answers to a request that it cannot read.
    pub const fn errno(self) -> Errno {
        match self {
            WireError::Label => Errno::ENOSYS,
            WireError::Range => Errno::EINVAL,
        }
    }
}

impl core::fmt::Display for WireError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            WireError::Label => "unknown label",
            WireError::Range => "word out of range",
        })
    }
}

impl core::error::Error for WireError {}

/// Writes an enum as a message.
#[inline(always)]
pub fn encode<T: Words>(value: &T) -> Message {
    let mut message = Message::default();
    value.write(&mut message);
    message
}

/// Reads an enum from a message.
///
/// # Errors
/// As [`Words::read`].
#[inline(always)]
pub fn decode<T: Words>(message: &Message) -> Result<T, WireError> {
    T::read(message)
}

/// Writes what a server answers.
#[inline(always)]
pub fn encode_reply<R: Words>(reply: &Result<R, Refusal>) -> Message {
    match reply {
        Ok(reply) => encode(reply),
        Err(Refusal::Errno(errno)) => errno_reply(*errno),
        Err(Refusal::Touch {
            lease,
            offset,
            done,
        }) => Message {
            label: TOUCH_LABEL,
            words: [u64::from(*lease), *offset, *done, 0, 0, 0, 0, 0],
        },
    }
}

/// Writes the refusal of a request.
#[inline(always)]
pub const fn errno_reply(errno: Errno) -> Message {
    Message {
        label: ERRNO_LABEL + errno.0 as u64,
        words: [0; WORDS],
    }
}

/// Reads what a server answered.
///
/// # Errors
/// The server's refusal; `EPROTO` if the message is none of its replies.
#[inline(always)]
pub fn decode_reply<R: Words>(message: &Message) -> Result<R, Refusal> {
    if message.label < ERRNO_LABEL {
        return decode(message).map_err(|_| Refusal::Errno(Errno::EPROTO));
    }
    Err(refusal(message))
}

/// Reads a reply whose label is [`ERRNO_LABEL`] or above; `EPROTO` for one that no server sends.
#[cold]
pub fn refusal(message: &Message) -> Refusal {
    let errno = message.label - ERRNO_LABEL;
    match (message.label, u32::try_from(message.words[0])) {
        (TOUCH_LABEL, Ok(lease)) => Refusal::Touch {
            lease,
            offset: message.words[1],
            done: message.words[2],
        },
        _ if (1..0x1000).contains(&errno) => Refusal::Errno(Errno(errno as u16)),
        _ => Refusal::Errno(Errno::EPROTO),
    }
}
