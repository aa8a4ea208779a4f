//! Writing: a serde serializer that puts scalars into words.

use super::{Top, WireError};
use abi::{Message, WORDS};
use serde::ser::{self, Serialize};

/// A message of which `used` words are written. It is written where it stays, because it is long.
pub(super) struct Writer<'m> {
    message: &'m mut Message,
    used: usize,
}

impl<'m> Writer<'m> {
    #[inline(always)]
    pub(super) fn new(message: &'m mut Message) -> Self {
        message.label = 0;
        message.words = [0; WORDS];
        Self { message, used: 0 }
    }

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

impl<'a, 'm> ser::Serializer for Top<&'a mut Writer<'m>> {
    type Ok = ();
    type Error = WireError;
    type SerializeSeq = ser::Impossible<(), WireError>;
    type SerializeTuple = ser::Impossible<(), WireError>;
    type SerializeTupleStruct = ser::Impossible<(), WireError>;
    type SerializeTupleVariant = &'a mut Writer<'m>;
    type SerializeMap = ser::Impossible<(), WireError>;
    type SerializeStruct = ser::Impossible<(), WireError>;
    type SerializeStructVariant = &'a mut Writer<'m>;

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

impl ser::Serializer for &mut Writer<'_> {
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
        impl ser::$compound for &mut Writer<'_> {
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
        impl ser::$compound for &mut Writer<'_> {
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
