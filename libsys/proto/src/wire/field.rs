//! What may stand in a message, and how it becomes words.

use super::WireError;
use crate::{Pid, mem::ObjectId};
use abi::{Message, WORDS};

/// A message whose first `used` words are written, or read.
pub struct Cursor<M> {
    message: M,
    used: usize,
}

impl<M> Cursor<M> {
    /// At the first word of `message`.
    #[inline(always)]
    pub const fn new(message: M) -> Self {
        Self { message, used: 0 }
    }
}

impl Cursor<&mut Message> {
    /// Writes a word. That all words fit is checked where a message is declared.
    #[inline(always)]
    fn put(&mut self, word: u64) {
        if let Some(place) = self.message.words.get_mut(self.used) {
            *place = word;
            self.used += 1;
        }
    }
}

impl Cursor<&Message> {
    /// Reads a word.
    #[inline(always)]
    fn take(&mut self) -> u64 {
        let word = self.message.words.get(self.used).copied().unwrap_or(0);
        self.used += 1;
        word
    }
}

/// A value that may be a field of a message.
pub trait Field: Copy {
    /// The most words that it takes.
    const WORDS: usize = 1;

    /// Writes it.
    fn write(self, to: &mut Cursor<&mut Message>);

    /// Reads it.
    ///
    /// # Errors
    /// [`WireError::Range`] if no value has these words.
    fn read(from: &mut Cursor<&Message>) -> Result<Self, WireError>;
}

/// Fails to compile where the fields of a message take more words than there are.
pub const fn fits(words: usize) {
    assert!(words <= WORDS, "a message has eight words");
}

/// Scalars are one word each; the cast only changes how the same 64 bits are read.
macro_rules! scalars {
    ($($type:ty: $through:ty),*) => {$(
        impl Field for $type {
            #[inline(always)]
            fn write(self, to: &mut Cursor<&mut Message>) {
                // Sign extension is the format of signed numbers.
                to.put(self as u64);
            }

            #[inline(always)]
            fn read(from: &mut Cursor<&Message>) -> Result<Self, WireError> {
                <$type>::try_from(from.take() as $through).map_err(|_| WireError::Range)
            }
        }
    )*};
}

scalars!(u8: u64, u16: u64, u32: u64, u64: u64, i8: i64, i16: i64, i32: i64, i64: i64);

impl Field for bool {
    #[inline(always)]
    fn write(self, to: &mut Cursor<&mut Message>) {
        to.put(u64::from(self));
    }

    #[inline(always)]
    fn read(from: &mut Cursor<&Message>) -> Result<Self, WireError> {
        match from.take() {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::Range),
        }
    }
}

impl<T: Field> Field for Option<T> {
    const WORDS: usize = 1 + T::WORDS;

    #[inline(always)]
    fn write(self, to: &mut Cursor<&mut Message>) {
        to.put(u64::from(self.is_some()));
        if let Some(value) = self {
            value.write(to);
        }
    }

    #[inline(always)]
    fn read(from: &mut Cursor<&Message>) -> Result<Self, WireError> {
        match bool::read(from)? {
            true => T::read(from).map(Some),
            false => Ok(None),
        }
    }
}

/// Numbers with a name of their own.
macro_rules! named_numbers {
    ($($type:ident),*) => {$(
        impl Field for $type {
            #[inline(always)]
            fn write(self, to: &mut Cursor<&mut Message>) {
                self.0.write(to);
            }

            #[inline(always)]
            fn read(from: &mut Cursor<&Message>) -> Result<Self, WireError> {
                Field::read(from).map($type)
            }
        }
    )*};
}

named_numbers!(Pid, ObjectId);

/// Declares a structure that several messages have as a field: its fields are words one behind the other.
macro_rules! record {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $(pub $field:ident: $type:ty),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        pub struct $name {
            $(pub $field: $type),*
        }

        impl $crate::wire::Field for $name {
            const WORDS: usize = 0 $(+ <$type as $crate::wire::Field>::WORDS)*;

            #[inline(always)]
            fn write(self, to: &mut $crate::wire::Cursor<&mut abi::Message>) {
                $($crate::wire::Field::write(self.$field, to);)*
            }

            #[inline(always)]
            fn read(
                from: &mut $crate::wire::Cursor<&abi::Message>,
            ) -> Result<Self, $crate::wire::WireError> {
                Ok(Self { $($field: $crate::wire::Field::read(from)?),* })
            }
        }
    };
}

pub(crate) use record;

/// Declares an enum of messages: its variants are the labels, in order, and their fields the words.
///
/// Everything is inlined, so a message whose variant is known is a few moves into registers.
macro_rules! messages {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $(
                $(#[$documentation:meta])*
                $variant:ident $(($value:ty))? $({ $($field:ident: $type:ty),* $(,)? })?
            ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        pub enum $name {
            $($(#[$documentation])* $variant $(($value))? $({ $($field: $type),* })?),*
        }

        $crate::wire::field::messages!(@words value, $name {
            $($variant $(($value))? $({ $($field: $type),* })?),*
        });
    };
    (
        @words $only:ident, $name:ident {
            $($variant:ident $(($value:ty))? $({ $($field:ident: $type:ty),* })?),*
        }
    ) => {
        impl $crate::wire::Words for $name {
            #[inline(always)]
            fn write(&self, message: &mut abi::Message) {
                #[repr(u64)]
                enum Label { $($variant),* }
                *message = abi::Message::default();
                match *self {
                    $($name::$variant $(($crate::wire::field::messages!(@name $only $value)))? $({ $($field),* })? => {
                        const {
                            $crate::wire::field::fits(
                                0 $(+ <$value as $crate::wire::Field>::WORDS)?
                                $($(+ <$type as $crate::wire::Field>::WORDS)*)?
                            );
                        }
                        message.label = Label::$variant as u64;
                        #[allow(unused_mut, unused_variables, reason = "some have no fields")]
                        let mut words = $crate::wire::Cursor::new(message);
                        $(<$value as $crate::wire::Field>::write($only, &mut words);)?
                        $($($crate::wire::Field::write($field, &mut words);)*)?
                    })*
                }
            }

            #[inline(always)]
            #[allow(non_upper_case_globals, reason = "a label is called as its variant")]
            #[allow(unused_mut, unused_variables, reason = "some have no fields")]
            fn read(message: &abi::Message) -> Result<Self, $crate::wire::WireError> {
                #[repr(u64)]
                enum Label { $($variant),* }
                $(const $variant: u64 = Label::$variant as u64;)*
                let mut words = $crate::wire::Cursor::new(message);
                match message.label {
                    $($variant => Ok($name::$variant
                        $((<$value as $crate::wire::Field>::read(&mut words)?))?
                        $({ $($field: $crate::wire::Field::read(&mut words)?),* })?
                    ),)*
                    _ => Err($crate::wire::WireError::Label),
                }
            }
        }
    };
    (@name $only:ident $value:ty) => { $only };
}

/// Declares an enum that may be a field of a message: a word for the variant, in order, then its fields.
macro_rules! choices {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $(
                $(#[$documentation:meta])*
                $variant:ident $({ $($field:ident: $type:ty),* $(,)? })?
            ),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        pub enum $name {
            $($(#[$documentation])* $variant $({ $($field: $type),* })?),*
        }

        impl $crate::wire::Field for $name {
            const WORDS: usize = 1 + $crate::wire::field::most(&[
                $(0 $($(+ <$type as $crate::wire::Field>::WORDS)*)?),*
            ]);

            #[inline(always)]
            fn write(self, to: &mut $crate::wire::Cursor<&mut abi::Message>) {
                #[repr(u64)]
                enum Label { $($variant),* }
                match self {
                    $($name::$variant $({ $($field),* })? => {
                        $crate::wire::Field::write(Label::$variant as u64, to);
                        $($($crate::wire::Field::write($field, to);)*)?
                    })*
                }
            }

            #[inline(always)]
            #[allow(non_upper_case_globals, reason = "a label is called as its variant")]
            fn read(
                from: &mut $crate::wire::Cursor<&abi::Message>,
            ) -> Result<Self, $crate::wire::WireError> {
                #[repr(u64)]
                enum Label { $($variant),* }
                $(const $variant: u64 = Label::$variant as u64;)*
                match <u64 as $crate::wire::Field>::read(from)? {
                    $($variant => Ok($name::$variant
                        $({ $($field: $crate::wire::Field::read(from)?),* })?
                    ),)*
                    _ => Err($crate::wire::WireError::Range),
                }
            }
        }
    };
}

/// The largest of some numbers of words.
pub const fn most(counts: &[usize]) -> usize {
    match counts {
        [] => 0,
        [first, rest @ ..] => {
            let other = most(rest);
            if *first > other { *first } else { other }
        }
    }
}

pub(crate) use choices;
pub(crate) use messages;
