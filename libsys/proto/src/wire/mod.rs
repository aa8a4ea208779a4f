//! How requests and replies become registers: the serde format "words".
//!
//! The index of an enum's variant is the label; each scalar of it is one word, nested structures
//! and tuples are flattened, an `Option` is a word 0, or a word 1 and its value. Signed numbers are
//! sign-extended. So the words of a raw trace can be read as they are. Strings, sequences and maps
//! are refused: what is longer than eight words travels in a lease. Words not used are 0.
//!
//! Everything is inlined: at `opt-level` 3 encoding is a few moves and decoding a jump table.

use crate::port::Refusal;
use abi::{Errno, Message, WORDS};
use reader::Reader;
use serde::de::{self, DeserializeOwned};
use serde::ser::{self, Serialize};
use writer::Writer;

mod reader;
#[cfg(test)]
mod tests;
mod writer;

/// First label of a reply that is an error number.
pub const ERRNO_LABEL: u64 = 0x1000;
/// Label of a reply that asks for a page of a lease: [`Refusal::Touch`].
pub const TOUCH_LABEL: u64 = 0x2000;

/// Why a message cannot be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// No variant has this label.
    Label,
    /// A word is out of its field's range.
    Range,
    /// More than [`WORDS`] words, or fewer than are needed.
    Length,
    /// The type is none that can travel in words.
    Unsupported,
}

impl WireError {
    /// What a server answers to a request that it cannot read.
    pub const fn errno(self) -> Errno {
        match self {
            WireError::Label => Errno::ENOSYS,
            WireError::Range | WireError::Length | WireError::Unsupported => Errno::EINVAL,
        }
    }
}

impl core::fmt::Display for WireError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            WireError::Label => "unknown label",
            WireError::Range => "word out of range",
            WireError::Length => "too many words",
            WireError::Unsupported => "type without a form in words",
        })
    }
}

impl core::error::Error for WireError {}

impl ser::Error for WireError {
    #[inline(always)]
    fn custom<T: core::fmt::Display>(_: T) -> Self {
        WireError::Unsupported
    }
}

impl de::Error for WireError {
    #[inline(always)]
    fn custom<T: core::fmt::Display>(_: T) -> Self {
        WireError::Range
    }

    // The default would format its arguments first.
    #[inline(always)]
    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        WireError::Range
    }

    #[inline(always)]
    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        WireError::Range
    }

    #[inline(always)]
    fn invalid_length(_: usize, _: &dyn de::Expected) -> Self {
        WireError::Length
    }
}

/// Writes an enum as a message.
///
/// # Errors
/// [`WireError::Length`] or [`WireError::Unsupported`] if its type does not fit the format.
#[inline(always)]
pub fn encode<T: Serialize>(value: &T) -> Result<Message, WireError> {
    let mut message = Message::default();
    value.serialize(Top(&mut Writer::new(&mut message)))?;
    Ok(message)
}

/// Reads an enum from a message. Words that it does not use are ignored.
///
/// # Errors
/// [`WireError::Label`] if no variant has the label, [`WireError::Range`] if a word does not fit.
#[inline(always)]
pub fn decode<T: DeserializeOwned>(message: &Message) -> Result<T, WireError> {
    T::deserialize(Top(&mut Reader::new(message)))
}

/// Writes what a server answers. A reply type that does not fit the format becomes `EPROTO`.
#[inline(always)]
pub fn encode_reply<R: Serialize>(reply: &Result<R, Refusal>) -> Message {
    let mut message = Message::default();
    encode_reply_into(reply, &mut message);
    message
}

/// As [`encode_reply`], into a message that is there already.
#[inline(always)]
pub fn encode_reply_into<R: Serialize>(reply: &Result<R, Refusal>, message: &mut Message) {
    match reply {
        Ok(reply) => {
            if reply.serialize(Top(&mut Writer::new(message))).is_err() {
                *message = errno_reply(Errno::EPROTO);
            }
        }
        Err(Refusal::Errno(errno)) => *message = errno_reply(*errno),
        Err(Refusal::Touch {
            lease,
            offset,
            done,
        }) => {
            *message = Message {
                label: TOUCH_LABEL,
                words: [u64::from(*lease), *offset, *done, 0, 0, 0, 0, 0],
            };
        }
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
pub fn decode_reply<R: DeserializeOwned>(message: &Message) -> Result<R, Refusal> {
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

/// The message itself, where only an enum may stand.
struct Top<T>(T);
