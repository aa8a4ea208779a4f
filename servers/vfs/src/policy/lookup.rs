//! How files are found by their paths: what a design must do, and the choice between the designs.

use super::PathDesign;
use super::cache::Cache;
use crate::node::Place;
use crate::permission::Identity;
use serde::{Deserialize, Serialize};

/// A search for a file.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// Who searches: directories may be closed to it.
    pub identity: &'a Identity,
    /// Where the path starts: the root of the process or a directory.
    pub start: Place,
    /// The path.
    pub path: &'a [u8],
}

/// Remembers where paths led.
///
/// The file server asks before it looks in directories, tells what it found, and says when what was found
/// may no longer hold: a name was removed or stands for another file, a directory's owner or permissions
/// changed, something was mounted or unmounted. Making a name needs no word, because only files that were
/// found are remembered.
pub trait PathMemory {
    /// Where the same search led before.
    fn recall(&self, search: &Search<'_>) -> Option<Place>;

    /// A search led to `place`, without links, dots or a slash at the end.
    fn note(&self, search: &Search<'_>, place: Place);

    /// Nothing holds any more.
    fn forget(&self);
}

/// The design that the server uses. What it remembers is no state: a successor starts without it.
#[derive(Debug, Serialize, Deserialize)]
pub enum Paths {
    /// Remembers nothing. The standard: a directory is a tree of hashes in this server's own memory, so
    /// asking it is cheap, and what is never kept is never wrong.
    Direct,
    /// [`super::cache`]
    Cache(#[serde(skip)] Cache),
}

impl Paths {
    /// One that remembers nothing yet.
    pub fn new(design: PathDesign) -> Self {
        match design {
            PathDesign::Direct => Paths::Direct,
            PathDesign::Cache => Paths::Cache(Cache::default()),
        }
    }
}

impl PathMemory for Paths {
    #[inline]
    fn recall(&self, search: &Search<'_>) -> Option<Place> {
        match self {
            Paths::Direct => None,
            Paths::Cache(cache) => cache.recall(search),
        }
    }

    #[inline]
    fn note(&self, search: &Search<'_>, place: Place) {
        match self {
            Paths::Direct => {}
            Paths::Cache(cache) => cache.note(search, place),
        }
    }

    fn forget(&self) {
        match self {
            Paths::Direct => {}
            Paths::Cache(cache) => cache.forget(),
        }
    }
}
