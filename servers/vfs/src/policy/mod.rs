//! Designs to compare, each behind one small trait with one file per design.
//!
//! Which designs a server uses is said by its program (`src/bin`) and by entries `pipe=…` and `path=…` of its
//! line in the manifest. They are chosen at run time, by a `match`, and not by type parameters: so the state
//! is one type, whatever the design, and a server with another design could take it over. The price is a
//! comparison for each transfer.

pub mod cache;
pub mod doubling;
pub mod list;
pub mod lookup;
pub mod ring;

use serde::{Deserialize, Serialize};

/// Bytes that wait in a pipe.
///
/// Both transfers are transactions: the closure copies to or from the caller's memory, and only
/// if all of its copies succeed do the bytes enter or leave the pipe.
pub trait PipeBuffer {
    /// Most bytes that it holds unless it is told otherwise; at least `PIPE_BUF`.
    fn capacity(&self) -> usize;

    /// Whether it can hold more than that.
    fn grows(&self) -> bool {
        true
    }

    /// Bytes in the pipe.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends `count` bytes (at most what its owner has room for), which the closure provides piece by piece:
    /// it gets the offset of the piece among the `count` bytes, and the place to fill.
    ///
    /// # Errors
    /// The closure's; then nothing was appended.
    fn append<E>(
        &mut self,
        count: usize,
        fill: impl FnMut(usize, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E>;

    /// Removes the first `count` bytes (at most [`PipeBuffer::len`]) after the closure took them
    /// piece by piece.
    ///
    /// # Errors
    /// The closure's; then nothing was removed.
    fn consume<E>(
        &mut self,
        count: usize,
        take: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E>;
}

/// How pipes keep their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PipeDesign {
    /// [`doubling`]
    #[default]
    Doubling,
    /// [`ring`]
    Ring,
    /// [`list`]
    List,
}

/// How files are found by their paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PathDesign {
    /// Each directory is asked each time.
    #[default]
    Direct,
    /// [`cache`]
    Cache,
}

/// What a file server is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Designs {
    /// How pipes keep their bytes.
    pub pipe: PipeDesign,
    /// How files are found by their paths.
    pub path: PathDesign,
}

impl Designs {
    /// The names under which a manifest chooses.
    pub const NAMES: [&str; 2] = ["pipe", "path"];

    /// Takes an entry `name=value` of the manifest; false if there is no such design.
    #[must_use]
    pub fn choose(&mut self, name: &str, value: &[u8]) -> bool {
        match (name, value) {
            ("pipe", b"doubling") => self.pipe = PipeDesign::Doubling,
            ("pipe", b"ring") => self.pipe = PipeDesign::Ring,
            ("pipe", b"list") => self.pipe = PipeDesign::List,
            ("path", b"direct") => self.path = PathDesign::Direct,
            ("path", b"cache") => self.path = PathDesign::Cache,
            _ => return false,
        }
        true
    }
}

/// A pipe's bytes in the design that its server uses.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Buffer {
    /// [`doubling`]
    Doubling(doubling::Doubling),
    /// [`ring`]
    Ring(ring::Ring),
    /// [`list`]
    List(list::List),
}

impl Buffer {
    /// An empty one.
    pub fn new(design: PipeDesign) -> Self {
        match design {
            PipeDesign::Doubling => Buffer::Doubling(doubling::Doubling::default()),
            PipeDesign::Ring => Buffer::Ring(ring::Ring::default()),
            PipeDesign::List => Buffer::List(list::List::default()),
        }
    }

    /// Drops what is in it.
    pub fn clear(&mut self) {
        *self = Buffer::new(match self {
            Buffer::Doubling(_) => PipeDesign::Doubling,
            Buffer::Ring(_) => PipeDesign::Ring,
            Buffer::List(_) => PipeDesign::List,
        });
    }
}

impl PipeBuffer for Buffer {
    fn capacity(&self) -> usize {
        match self {
            Buffer::Doubling(buffer) => buffer.capacity(),
            Buffer::Ring(buffer) => buffer.capacity(),
            Buffer::List(buffer) => buffer.capacity(),
        }
    }

    fn grows(&self) -> bool {
        match self {
            Buffer::Doubling(buffer) => buffer.grows(),
            Buffer::Ring(buffer) => buffer.grows(),
            Buffer::List(buffer) => buffer.grows(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Buffer::Doubling(buffer) => buffer.len(),
            Buffer::Ring(buffer) => buffer.len(),
            Buffer::List(buffer) => buffer.len(),
        }
    }

    fn append<E>(
        &mut self,
        count: usize,
        fill: impl FnMut(usize, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Buffer::Doubling(buffer) => buffer.append(count, fill),
            Buffer::Ring(buffer) => buffer.append(count, fill),
            Buffer::List(buffer) => buffer.append(count, fill),
        }
    }

    fn consume<E>(
        &mut self,
        count: usize,
        take: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Buffer::Doubling(buffer) => buffer.consume(count, take),
            Buffer::Ring(buffer) => buffer.consume(count, take),
            Buffer::List(buffer) => buffer.consume(count, take),
        }
    }
}
