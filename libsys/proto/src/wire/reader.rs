//! Reading: a serde deserializer that takes scalars from words.

use super::{Top, WireError};
use abi::Message;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

/// A message of which `used` words are read.
pub(super) struct Reader<'m> {
    message: &'m Message,
    used: usize,
}

impl<'m> Reader<'m> {
    #[inline(always)]
    pub(super) const fn new(message: &'m Message) -> Self {
        Self { message, used: 0 }
    }

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
