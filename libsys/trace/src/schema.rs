//! What the services' messages look like, found out from their declarations: serde's derived code is
//! asked to read each variant from a source that notes what is asked for.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use personality::arguments::{self, Form};
use personality::number;
use proto::{Pid, Protocol, server_id};
use serde::de::{self, Deserialize, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};

/// All services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, DeriveDeserialize)]
pub struct Schema {
    /// In no particular order.
    pub services: Vec<Service>,
    /// Calls of Linux programs.
    pub linux: Vec<LinuxCall>,
}

/// A call that a Linux program makes with `svc #0`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, DeriveDeserialize)]
pub struct LinuxCall {
    /// Number in x8.
    pub number: u64,
    /// Name and arguments, which are x0 and so on; no arguments are known if there are none.
    pub call: Variant,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, DeriveDeserialize)]
pub struct Service {
    /// Its name in `proto`.
    pub name: String,
    /// Identity of its server.
    pub id: u32,
    /// What it is asked; the index is the label.
    pub requests: Vec<Variant>,
    /// What it answers.
    pub replies: Vec<Variant>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, DeriveDeserialize)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Its words.
    pub fields: Vec<Field>,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, DeriveDeserialize)]
pub struct Field {
    /// Its name; for a field of a field with a point between; empty for a variant's only field.
    pub name: String,
    /// How it is read.
    pub kind: Kind,
}

/// How a word is read. Files have the numbers: add at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, DeriveDeserialize)]
pub enum Kind {
    /// A number of 0 or more.
    Unsigned,
    /// A number that may be negative.
    Signed,
    /// Yes or no.
    Bool,
    /// 1 if the next so many fields are there, 0 if they have no words.
    Present(u32),
    /// A process.
    Process,
    /// One of these names.
    Choice(Vec<String>),
    /// 32 bits that may be a negative number.
    Int,
    /// An address, or bits without names.
    Hex,
    /// Permissions.
    Octal,
    /// An address: shown is what the messages below lend to be read as this lease.
    Text(u32),
    /// An address: shown is what the messages below lend to be written as this lease.
    Filled(u32),
    /// 32 bits: one of these.
    One(Vec<(u64, String)>),
    /// 32 bits: several of these.
    Bits(Vec<(u64, String)>),
}

impl Schema {
    /// The services of `proto`, and the calls that the personality knows.
    pub fn of_proto() -> Schema {
        Schema {
            linux: linux_calls(),
            services: [
                service::<proto::proc::Proc>(server_id::PROC),
                service::<proto::ipc::Ipc>(server_id::IPC),
                service::<proto::vfs::Vfs>(server_id::VFS),
                service::<proto::tty::Tty>(server_id::TTY),
                service::<proto::mem::Mem>(server_id::MEM),
            ]
            .into(),
        }
    }

    /// The service whose server has this identity.
    pub fn service(&self, id: u32) -> Option<&Service> {
        self.services.iter().find(|service| service.id == id)
    }

    /// A Linux program's call.
    pub fn linux_call(&self, number: u64) -> Option<&Variant> {
        let found = self.linux.iter().find(|known| known.number == number);
        found.map(|known| &known.call)
    }

    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = postcard::to_allocvec(&self.services).unwrap_or_default();
        bytes.extend(postcard::to_allocvec(&self.linux).unwrap_or_default());
        bytes
    }

    /// From bytes, which may be those of a build that did not know all that this one does.
    pub fn from_bytes(bytes: &[u8]) -> Option<Schema> {
        let (services, rest) = postcard::take_from_bytes(bytes).ok()?;
        let linux = match rest {
            [] => Vec::new(),
            rest => postcard::from_bytes(rest).ok()?,
        };
        Some(Schema { services, linux })
    }

    /// What somebody is called: a service's name, `root`, or a process's number.
    pub fn name(&self, id: u32) -> String {
        match self.service(id) {
            Some(service) => service.name.clone(),
            // The kernel starts the root task without an identity.
            None if id == server_id::ROOT.0 || id == 0 => "root".into(),
            None => id.to_string(),
        }
    }
}

fn service<P: Protocol>(id: Pid) -> Service {
    Service {
        name: P::NAME.into(),
        id: id.0,
        requests: variants::<P::Request>(),
        replies: variants::<P::Reply>(),
    }
}

fn linux_calls() -> Vec<LinuxCall> {
    let field = |(name, form): &(&str, Form)| Field {
        name: (*name).into(),
        kind: kind_of(*form),
    };
    let calls = number::CALLS.iter().map(|call| LinuxCall {
        number: call.number,
        call: Variant {
            name: call.name.into(),
            fields: arguments::of(call.number)
                .unwrap_or_default()
                .iter()
                .map(field)
                .collect(),
        },
    });
    calls.collect()
}

fn kind_of(form: Form) -> Kind {
    let owned = |names: arguments::Names| {
        let names = names.iter().map(|&(value, name)| (value, name.into()));
        names.collect()
    };
    match form {
        Form::Int => Kind::Int,
        Form::Count => Kind::Unsigned,
        Form::Hex => Kind::Hex,
        Form::Octal => Kind::Octal,
        Form::Text(lease) => Kind::Text(lease),
        Form::Filled(lease) => Kind::Filled(lease),
        Form::One(names) => Kind::One(owned(names)),
        Form::Bits(names) => Kind::Bits(owned(names)),
    }
}

/// The variants of an enum.
pub fn variants<T: DeserializeOwned>() -> Vec<Variant> {
    let mut found = Vec::new();
    loop {
        let mut probe = Probe {
            variant: Variant {
                name: String::new(),
                fields: Vec::new(),
            },
            names: &[],
        };
        let index = found.len() as u32;
        let read = T::deserialize(Top {
            probe: &mut probe,
            index,
        });
        let Some(name) = probe.names.get(found.len()).filter(|_| read.is_ok()) else {
            return found;
        };
        probe.variant.name = (*name).into();
        found.push(probe.variant);
    }
}

/// Nothing can go wrong but a type that cannot travel in words.
#[derive(Debug)]
pub struct Unknown;

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("type without a form in words")
    }
}

impl core::error::Error for Unknown {}

impl de::Error for Unknown {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Unknown
    }
}

/// What has been noted.
struct Probe {
    variant: Variant,
    names: &'static [&'static str],
}

impl Probe {
    fn note(&mut self, name: &str, kind: Kind) {
        self.variant.fields.push(Field {
            name: name.into(),
            kind,
        });
    }
}

/// Reads variant `index` of an enum.
struct Top<'p> {
    probe: &'p mut Probe,
    index: u32,
}

macro_rules! unknown {
    ($($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unknown> {
            Err(Unknown)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Top<'_> {
    type Error = Unknown;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        self.probe.names = variants;
        visitor.visit_enum(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unknown> {
        Err(Unknown)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de, 'p> de::EnumAccess<'de> for Top<'p> {
    type Error = Unknown;
    type Variant = Fields<'p>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Fields<'p>), Unknown> {
        let index: de::value::U32Deserializer<Unknown> = self.index.into_deserializer();
        let fields = Fields {
            probe: self.probe,
            name: String::new(),
        };
        Ok((seed.deserialize(index)?, fields))
    }
}

/// Reads one field, or several that belong to it, under a name.
struct Fields<'p> {
    probe: &'p mut Probe,
    name: String,
}

impl<'de> de::VariantAccess<'de> for Fields<'_> {
    type Error = Unknown;

    fn unit_variant(self) -> Result<(), Unknown> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unknown> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        de::Deserializer::deserialize_tuple(self, length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        visitor.visit_seq(Each {
            names: fields.iter().map(|name| (*name).into()).collect(),
            next: 0,
            fields: self,
        })
    }
}

/// Reads fields one after the other.
struct Each<'p> {
    names: Vec<String>,
    next: usize,
    fields: Fields<'p>,
}

impl<'de> de::SeqAccess<'de> for Each<'_> {
    type Error = Unknown;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unknown> {
        let Some(name) = self.names.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        let name = match self.fields.name.as_str() {
            "" => name.clone(),
            outer => alloc::format!("{outer}.{name}"),
        };
        let fields = Fields {
            probe: self.fields.probe,
            name,
        };
        seed.deserialize(fields).map(Some)
    }
}

macro_rules! scalars {
    ($($name:ident $kind:ident $visit:ident($zero:expr);)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unknown> {
            self.probe.note(&self.name, Kind::$kind);
            visitor.$visit($zero)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Fields<'_> {
    type Error = Unknown;

    scalars! {
        deserialize_bool Bool visit_bool(false);
        deserialize_i8 Signed visit_i8(0);
        deserialize_i16 Signed visit_i16(0);
        deserialize_i32 Signed visit_i32(0);
        deserialize_i64 Signed visit_i64(0);
        deserialize_u8 Unsigned visit_u8(0);
        deserialize_u16 Unsigned visit_u16(0);
        deserialize_u32 Unsigned visit_u32(0);
        deserialize_u64 Unsigned visit_u64(0);
        deserialize_char Unsigned visit_char('\0');
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unknown> {
        let place = self.probe.variant.fields.len();
        self.probe.note(&self.name, Kind::Present(0));
        let Fields { probe, name } = self;
        let inner = Fields {
            probe: &mut *probe,
            name,
        };
        let value = visitor.visit_some(inner)?;
        let count = probe.variant.fields.len() - place - 1;
        if let Some(field) = probe.variant.fields.get_mut(place) {
            field.kind = Kind::Present(count as u32);
        }
        Ok(value)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unknown> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        let place = self.probe.variant.fields.len();
        let Fields { probe, name: field } = self;
        let inner = Fields {
            probe: &mut *probe,
            name: field,
        };
        let value = visitor.visit_newtype_struct(inner)?;
        if let Some(field) = probe
            .variant
            .fields
            .get_mut(place)
            .filter(|_| name == "Pid")
        {
            field.kind = Kind::Process;
        }
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        visitor.visit_seq(Each {
            names: (0..length).map(|index| index.to_string()).collect(),
            next: 0,
            fields: self,
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        visitor.visit_seq(Each {
            names: fields.iter().map(|name| (*name).into()).collect(),
            next: 0,
            fields: self,
        })
    }

    /// A choice: its variants have no fields of their own in any message so far.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unknown> {
        let names = variants.iter().map(|name| (*name).into()).collect();
        self.probe.note(&self.name, Kind::Choice(names));
        let first: de::value::U32Deserializer<Unknown> = 0u32.into_deserializer();
        visitor.visit_enum(first)
    }

    unknown! {
        deserialize_any deserialize_i128 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_seq
        deserialize_map deserialize_identifier deserialize_ignored_any
    }
}

/// Only to name the trait that the probe relies on.
const _: fn() = || {
    fn reads<T: for<'de> Deserialize<'de>>() {}
    reads::<proto::mem::Request>();
};

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(DeriveDeserialize)]
    #[allow(dead_code)]
    enum Sample {
        Plain,
        One(u64),
        Named {
            fd: i32,
            flag: bool,
        },
        Nested {
            who: Pid,
            place: Option<(u32, i8)>,
            last: Mood,
        },
    }

    #[derive(DeriveDeserialize)]
    #[allow(dead_code)]
    enum Mood {
        Calm,
        Busy,
    }

    fn names(variant: &Variant) -> Vec<(&str, Kind)> {
        let fields = variant.fields.iter();
        fields
            .map(|field| (field.name.as_str(), field.kind.clone()))
            .collect()
    }

    #[test]
    fn a_declaration_tells_names_and_kinds_of_all_its_words() {
        let found = variants::<Sample>();
        assert_eq!(found.len(), 4);
        assert_eq!(names(&found[0]), []);
        assert_eq!(names(&found[1]), [("", Kind::Unsigned)]);
        assert_eq!(
            names(&found[2]),
            [("fd", Kind::Signed), ("flag", Kind::Bool)]
        );
        assert_eq!(
            names(&found[3]),
            [
                ("who", Kind::Process),
                ("place", Kind::Present(2)),
                ("place.0", Kind::Unsigned),
                ("place.1", Kind::Signed),
                ("last", Kind::Choice(["Calm".into(), "Busy".into()].into())),
            ]
        );
    }

    #[test]
    fn every_message_of_every_service_has_a_form() {
        let schema = Schema::of_proto();
        let vfs = schema.service(server_id::VFS.0).unwrap();
        assert_eq!(vfs.requests[0].name, "Open");
        assert_eq!(vfs.requests[0].fields[1].name, "flags");
        for service in &schema.services {
            assert!(
                service.requests.len() > 10 && service.replies.len() > 2,
                "{}",
                service.name
            );
            for variant in service.requests.iter().chain(&service.replies) {
                assert!(variant.fields.len() <= abi::WORDS, "{}", variant.name);
            }
        }
        assert_eq!(
            schema
                .services
                .iter()
                .find(|service| service.name == "mem")
                .unwrap()
                .requests
                .last()
                .unwrap()
                .name,
            last_of_mem()
        );
    }

    #[test]
    fn linux_calls_have_names_and_arguments() {
        let schema = Schema::of_proto();
        let openat = schema.linux_call(56).unwrap();
        assert_eq!((openat.name.as_str(), openat.fields.len()), ("openat", 4));
        assert_eq!(openat.fields[1].kind, Kind::Text(0));
        assert!(schema.linux_call(9999).is_none());
    }

    #[test]
    fn a_schema_without_linux_calls_is_read_too() {
        let schema = Schema::of_proto();
        assert_eq!(
            Schema::from_bytes(&schema.to_bytes()).as_ref(),
            Some(&schema)
        );
        let older = postcard::to_allocvec(&schema.services).unwrap();
        let read = Schema::from_bytes(&older).unwrap();
        assert_eq!((read.services, read.linux), (schema.services, Vec::new()));
        assert_eq!(Schema::from_bytes(&older[..older.len() - 1]), None);
    }

    /// The probe must not stop before the last variant.
    fn last_of_mem() -> String {
        let source = include_str!("../../proto/src/mem.rs");
        let body = source
            .split("pub enum Request {")
            .nth(1)
            .unwrap()
            .split("\n}")
            .next()
            .unwrap();
        let line = body
            .lines()
            .rev()
            .find(|line| !line.trim().starts_with("//"))
            .unwrap()
            .trim();
        line.split([' ', ',', '(']).next().unwrap().into()
    }
}
