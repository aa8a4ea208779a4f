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
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde::ser::{self, Serialize};

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
    let mut writer = Writer {
        message: Message {
            label: 0,
            words: [0; WORDS],
        },
        used: 0,
    };
    value.serialize(Top(&mut writer))?;
    Ok(writer.message)
}

/// Reads an enum from a message. Words that it does not use are ignored.
///
/// # Errors
/// [`WireError::Label`] if no variant has the label, [`WireError::Range`] if a word does not fit.
#[inline(always)]
pub fn decode<T: DeserializeOwned>(message: &Message) -> Result<T, WireError> {
    T::deserialize(Top(&mut Reader { message, used: 0 }))
}

/// Writes what a server answers. A reply type that does not fit the format becomes `EPROTO`.
#[inline(always)]
pub fn encode_reply<R: Serialize>(reply: &Result<R, Refusal>) -> Message {
    match reply {
        Ok(reply) => encode(reply).unwrap_or_else(|_| errno_reply(Errno::EPROTO)),
        Err(Refusal::Errno(errno)) => errno_reply(*errno),
        Err(Refusal::Touch {
            lease,
            offset,
            done,
        }) => {
            let mut message = Message {
                label: TOUCH_LABEL,
                words: [0; WORDS],
            };
            message.words[..3].copy_from_slice(&[u64::from(*lease), *offset, *done]);
            message
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

struct Writer {
    message: Message,
    used: usize,
}

impl Writer {
    #[inline(always)]
    fn word(&mut self, word: u64) -> Result<(), WireError> {
        *self
            .message
            .words
            .get_mut(self.used)
            .ok_or(WireError::Length)? = word;
        self.used += 1;
        Ok(())
    }
}

/// Refuses the listed methods of a serializer.
macro_rules! refuse {
    ($($name:ident($($argument:ty),*) -> $result:ty;)*) => {$(
        #[inline(always)]
        fn $name(self, $(_: $argument),*) -> Result<$result, WireError> {
            Err(WireError::Unsupported)
        }
    )*};
}

impl<'a> ser::Serializer for Top<&'a mut Writer> {
    type Ok = ();
    type Error = WireError;
    type SerializeSeq = ser::Impossible<(), WireError>;
    type SerializeTuple = ser::Impossible<(), WireError>;
    type SerializeTupleStruct = ser::Impossible<(), WireError>;
    type SerializeTupleVariant = &'a mut Writer;
    type SerializeMap = ser::Impossible<(), WireError>;
    type SerializeStruct = ser::Impossible<(), WireError>;
    type SerializeStructVariant = &'a mut Writer;

    #[inline(always)]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<(), WireError> {
        self.0.message.label = u64::from(index);
        Ok(())
    }

    #[inline(always)]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), WireError> {
        self.0.message.label = u64::from(index);
        value.serialize(self.0)
    }

    #[inline(always)]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, WireError> {
        self.0.message.label = u64::from(index);
        Ok(self.0)
    }

    #[inline(always)]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, WireError> {
        self.0.message.label = u64::from(index);
        Ok(self.0)
    }

    #[inline(always)]
    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), WireError> {
        Err(WireError::Unsupported)
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), WireError> {
        value.serialize(self)
    }

    refuse! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
    }
}

/// Writes scalars as one word each.
macro_rules! write_scalars {
    ($($name:ident($type:ty);)*) => {$(
        #[inline(always)]
        fn $name(self, value: $type) -> Result<(), WireError> {
            // Sign extension is the format of signed numbers.
            self.word(value as u64)
        }
    )*};
}

impl ser::Serializer for &mut Writer {
    type Ok = ();
    type Error = WireError;
    type SerializeSeq = ser::Impossible<(), WireError>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = ser::Impossible<(), WireError>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    write_scalars! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_char(char);
    }

    #[inline(always)]
    fn serialize_none(self) -> Result<(), WireError> {
        self.word(0)
    }

    #[inline(always)]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), WireError> {
        self.word(1)?;
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_unit(self) -> Result<(), WireError> {
        Ok(())
    }

    #[inline(always)]
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), WireError> {
        Ok(())
    }

    #[inline(always)]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<(), WireError> {
        self.word(u64::from(index))
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), WireError> {
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), WireError> {
        self.word(u64::from(index))?;
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_tuple(self, _: usize) -> Result<Self, WireError> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, WireError> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, WireError> {
        self.word(u64::from(index))?;
        Ok(self)
    }

    #[inline(always)]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, WireError> {
        Ok(self)
    }

    #[inline(always)]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, WireError> {
        self.word(u64::from(index))?;
        Ok(self)
    }

    refuse! {
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_map(Option<usize>) -> Self::SerializeMap;
    }
}

/// Collects the elements of tuples.
macro_rules! collect_elements {
    ($($compound:ident::$name:ident),* $(,)?) => {$(
        impl ser::$compound for &mut Writer {
            type Ok = ();
            type Error = WireError;

            #[inline(always)]
            fn $name<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), WireError> {
                value.serialize(&mut **self)
            }

            #[inline(always)]
            fn end(self) -> Result<(), WireError> {
                Ok(())
            }
        }
    )*};
}

/// Collects the fields of structures.
macro_rules! collect_fields {
    ($($compound:ident),* $(,)?) => {$(
        impl ser::$compound for &mut Writer {
            type Ok = ();
            type Error = WireError;

            #[inline(always)]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _: &'static str,
                value: &T,
            ) -> Result<(), WireError> {
                value.serialize(&mut **self)
            }

            #[inline(always)]
            fn end(self) -> Result<(), WireError> {
                Ok(())
            }
        }
    )*};
}

collect_elements!(
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
);
collect_fields!(SerializeStruct, SerializeStructVariant);

struct Reader<'m> {
    message: &'m Message,
    used: usize,
}

impl Reader<'_> {
    #[inline(always)]
    fn word(&mut self) -> Result<u64, WireError> {
        let word = *self.message.words.get(self.used).ok_or(WireError::Length)?;
        self.used += 1;
        Ok(word)
    }
}

/// Refuses the listed methods of a deserializer.
macro_rules! refuse_reading {
    ($($name:ident($($argument:ty),*);)*) => {$(
        #[inline(always)]
        fn $name<V: Visitor<'de>>(self, $(_: $argument,)* _: V) -> Result<V::Value, WireError> {
            Err(WireError::Unsupported)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Top<&mut Reader<'_>> {
    type Error = WireError;

    #[inline(always)]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WireError> {
        if self.0.message.label >= variants.len() as u64 {
            return Err(WireError::Label);
        }
        let index = self.0.message.label as u32;
        visitor.visit_enum(Variant {
            reader: self.0,
            index,
        })
    }

    #[inline(always)]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_newtype_struct(self)
    }

    refuse_reading! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(&'static str);
        deserialize_seq();
        deserialize_tuple(usize);
        deserialize_tuple_struct(&'static str, usize);
        deserialize_map();
        deserialize_struct(&'static str, &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }
}

/// Reads scalars from one word each, and checks their range.
macro_rules! read_scalars {
    ($($name:ident: $through:ty => $type:ty, $visit:ident;)*) => {$(
        #[inline(always)]
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
            // The cast only changes how the same 64 bits are read.
            let word = self.word()? as $through;
            visitor.$visit(<$type>::try_from(word).map_err(|_| WireError::Range)?)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for &mut Reader<'_> {
    type Error = WireError;

    read_scalars! {
        deserialize_i8: i64 => i8, visit_i8;
        deserialize_i16: i64 => i16, visit_i16;
        deserialize_i32: i64 => i32, visit_i32;
        deserialize_i64: i64 => i64, visit_i64;
        deserialize_u8: u64 => u8, visit_u8;
        deserialize_u16: u64 => u16, visit_u16;
        deserialize_u32: u64 => u32, visit_u32;
        deserialize_u64: u64 => u64, visit_u64;
    }

    #[inline(always)]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        match self.word()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            _ => Err(WireError::Range),
        }
    }

    #[inline(always)]
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        let word = u32::try_from(self.word()?).map_err(|_| WireError::Range)?;
        visitor.visit_char(char::from_u32(word).ok_or(WireError::Range)?)
    }

    #[inline(always)]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        match self.word()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(self),
            _ => Err(WireError::Range),
        }
    }

    #[inline(always)]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WireError> {
        visitor.visit_unit()
    }

    #[inline(always)]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_unit()
    }

    #[inline(always)]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_newtype_struct(self)
    }

    #[inline(always)]
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_seq(Elements {
            reader: self,
            left: length,
        })
    }

    #[inline(always)]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_seq(Elements {
            reader: self,
            left: length,
        })
    }

    #[inline(always)]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_seq(Elements {
            reader: self,
            left: fields.len(),
        })
    }

    #[inline(always)]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WireError> {
        let index = u32::try_from(self.word()?).map_err(|_| WireError::Range)?;
        visitor.visit_enum(Variant {
            reader: self,
            index,
        })
    }

    refuse_reading! {
        deserialize_any();
        deserialize_f32();
        deserialize_f64();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_seq();
        deserialize_map();
        deserialize_identifier();
        deserialize_ignored_any();
    }
}

/// Fields that are still to be read.
struct Elements<'r, 'm> {
    reader: &'r mut Reader<'m>,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Elements<'_, '_> {
    type Error = WireError;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, WireError> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Ok(None),
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    #[inline(always)]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// A variant whose number is known and whose fields follow.
struct Variant<'r, 'm> {
    reader: &'r mut Reader<'m>,
    index: u32,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, '_> {
    type Error = WireError;
    type Variant = Self;

    #[inline(always)]
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), WireError> {
        let index: de::value::U32Deserializer<WireError> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, '_> {
    type Error = WireError;

    #[inline(always)]
    fn unit_variant(self) -> Result<(), WireError> {
        Ok(())
    }

    #[inline(always)]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, WireError> {
        seed.deserialize(self.reader)
    }

    #[inline(always)]
    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_seq(Elements {
            reader: self.reader,
            left: length,
        })
    }

    #[inline(always)]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WireError> {
        visitor.visit_seq(Elements {
            reader: self.reader,
            left: fields.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pid, ipc, mem, proc, tty, vfs};
    use alloc::{string::String, vec::Vec};
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    fn round_trip<T: Serialize + DeserializeOwned + PartialEq + core::fmt::Debug>(
        value: T,
    ) -> Message {
        let message = encode(&value).expect("every declared message fits");
        assert_eq!(decode::<T>(&message), Ok(value));
        message
    }

    #[test]
    fn golden_words_of_a_request() {
        let request = vfs::Request::Open {
            directory: vfs::AT_FDCWD,
            flags: 0o101,
            mode: 0o644,
        };
        let message = round_trip(request);
        assert_eq!(
            message,
            Message {
                label: 0,
                words: [-100i64 as u64, 0o101, 0o644, 0, 0, 0, 0, 0]
            }
        );
    }

    #[test]
    fn golden_labels_of_the_first_and_last_variants() {
        assert_eq!(encode(&vfs::Request::Close { fd: 3 }).unwrap().label, 1);
        assert_eq!(encode(&mem::Request::Brk { end: 0 }).unwrap().label, 0);
        assert_eq!(encode(&proc::Request::Fork).unwrap(), Message::default());
        assert_eq!(encode(&tty::Request::Unsent { line: 0 }).unwrap().label, 14);
    }

    #[test]
    fn the_longest_messages_fit() {
        round_trip(proc::Reply::Deliver {
            signal: 1,
            code: -2,
            sender: 3,
            value: 4,
            handler: 5,
            flags: 6,
            restore: u64::MAX,
            restorer: 8,
        });
        round_trip(mem::Request::MapObject {
            space: Pid(1),
            object: mem::ObjectId(2),
            offset: 3,
            address: 4,
            bytes: 5,
            prot: 6,
            flags: 7,
        });
        round_trip(mem::Reply::Statistics {
            total: 1,
            free: 2,
            kernel: 3,
            objects: 4,
            copied: 5,
            faults: 6,
        });
    }

    #[test]
    fn an_unknown_label_is_told_from_a_bad_word() {
        let unknown = Message {
            label: 4000,
            words: [0; WORDS],
        };
        assert_eq!(decode::<vfs::Request>(&unknown), Err(WireError::Label));
        let wide = Message {
            label: 1,
            words: [u64::MAX >> 1, 0, 0, 0, 0, 0, 0, 0],
        };
        assert_eq!(decode::<vfs::Request>(&wide), Err(WireError::Range));
        assert_eq!(WireError::Label.errno(), Errno::ENOSYS);
        assert_eq!(WireError::Range.errno(), Errno::EINVAL);
    }

    #[test]
    fn a_refusal_arrives_as_it_was_sent() {
        for refusal in [
            Refusal::Errno(Errno::ENOENT),
            Refusal::Touch {
                lease: 1,
                offset: 4096,
                done: 17,
            },
        ] {
            let message = encode_reply::<vfs::Reply>(&Err(refusal));
            assert_eq!(decode_reply::<vfs::Reply>(&message), Err(refusal));
        }
        assert_eq!(
            encode_reply::<vfs::Reply>(&Err(Errno::ENOENT.into())).label,
            0x1002
        );
    }

    #[test]
    fn garbage_in_place_of_a_reply_is_a_protocol_error() {
        for label in [0xfff, 0x1000, 0x2001, u64::MAX] {
            let message = Message {
                label,
                words: [u64::MAX; WORDS],
            };
            assert_eq!(
                decode_reply::<vfs::Reply>(&message),
                Err(Refusal::Errno(Errno::EPROTO))
            );
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Inner {
        Plain,
        With(u16),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Sample {
        Nothing,
        All {
            a: bool,
            b: i8,
            c: Option<u16>,
            d: (u32, i64),
        },
        One(Pid),
        Nested {
            inner: Inner,
            rest: Option<Pid>,
        },
        Text(String),
        List(Vec<u8>),
        TooLong([u64; 9]),
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(
            encode(&Sample::Text(String::new())),
            Err(WireError::Unsupported)
        );
        assert_eq!(
            encode(&Sample::List(Vec::new())),
            Err(WireError::Unsupported)
        );
        assert_eq!(encode(&Sample::TooLong([0; 9])), Err(WireError::Length));
        assert_eq!(encode(&7u32), Err(WireError::Unsupported));
    }

    #[test]
    fn nested_values_are_flattened() {
        let message = round_trip(Sample::All {
            a: true,
            b: -1,
            c: Some(7),
            d: (8, -9),
        });
        assert_eq!(message.words, [1, u64::MAX, 1, 7, 8, -9i64 as u64, 0, 0]);
        round_trip(Sample::Nothing);
        round_trip(Sample::One(Pid(9)));
        round_trip(Sample::Nested {
            inner: Inner::With(3),
            rest: None,
        });
        round_trip(Sample::Nested {
            inner: Inner::Plain,
            rest: Some(Pid(1)),
        });
    }

    proptest! {
        #[test]
        fn any_sample_comes_back(a: bool, b: i8, c: Option<u16>, d: (u32, i64)) {
            round_trip(Sample::All { a, b, c, d });
        }

        #[test]
        fn any_semaphore_request_comes_back(id: i32, index: u32, command: u32, value: i32) {
            round_trip(ipc::Request::SemaphoreControl { id, index, command, value });
        }

        #[test]
        fn decoding_garbage_never_panics(label: u64, words: [u64; WORDS]) {
            for label in [label, label % 64] {
                let message = Message { label, words };
                let _ = decode::<mem::Request>(&message);
                let _ = decode::<proc::Request>(&message);
                let _ = decode_reply::<vfs::Reply>(&message);
            }
        }

        #[test]
        fn what_decodes_encodes_to_the_same_used_words(label in 0u64..64, words: [u64; WORDS]) {
            if let Ok(request) = decode::<vfs::Request>(&Message { label, words }) {
                let again = encode(&request).unwrap();
                prop_assert_eq!(again.label, label);
                for (new, old) in again.words.iter().zip(words) {
                    prop_assert!(*new == old || *new == 0);
                }
            }
        }
    }
}
