//! A cache of whole paths: a path that was found before is found again by one look, however deep it is.
//!
//! The usual cache keeps names by directory (the name cache of 4.3BSD; Linux's dcache). It pays where a
//! directory lies on a disk; here a directory is in memory and hashed itself, so a cache like that would
//! ask one table instead of another. A cache of whole paths saves the walk: Tsai, Zhan, Reddy, Jiao, Zhang
//! and Porter, "How to Get More Value From Your File System Directory Cache" (SOSP 2015), keep in it,
//! as here, whether the directories on the way were open to who asks.
//!
//! That is also what it costs. Whatever may change the answer of any path (a name removed, a permission
//! changed, a mount) makes all entries stale, and each user has entries of its own. Work that reads
//! many files gains, work that removes many files only pays. Counted: a loop that opens and reads a
//! file six directories deep takes 370 instructions less each time round, 1 % of all that it takes; a script
//! that makes, lists and removes files in `/tmp` takes 1.6 % more.
//!
//! The table is direct-mapped: a path has one place, and the newest one has it. *Rejected*: forgetting only
//! what lies below a changed directory (a walk over the table for each change, or a generation in each
//! directory, which the look would have to ask on its way), keeping failures (every new name would have to
//! be told, too), several places for a path (a miss costs no more than a server without a cache pays always).

use super::lookup::{PathMemory, Search};
use crate::directory::hash;
use crate::node::Place;
use crate::permission::Identity;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use proto::publish::GROUPS;

/// Places of the table.
const PLACES: usize = 64;
/// Longest path that is kept: longer ones are rare and would make the server's heap theirs.
const LONGEST: usize = 128;

/// Paths that were found. It changes while it is asked, hence the cell; nobody keeps it borrowed.
#[derive(Debug, Default)]
pub struct Cache {
    /// Empty until the first path is kept.
    entries: RefCell<Vec<Entry>>,
    /// How often everything was forgotten: only entries of this age hold.
    age: Cell<u64>,
}

/// A path and where it led.
#[derive(Clone, Debug, Default)]
struct Entry {
    key: Key,
    path: Vec<u8>,
    /// `None`: nothing was ever kept here.
    place: Option<Place>,
    age: u64,
}

/// What an answer depends on beside the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Key {
    start: Option<Place>,
    uid: u32,
    gid: u32,
    group_count: u32,
    groups: [u32; GROUPS],
}

impl Key {
    fn of(search: &Search<'_>) -> Self {
        let Identity {
            uid,
            gid,
            group_count,
            groups,
            ..
        } = *search.identity;
        let start = Some(search.start);
        // All directories are open to root, so its groups do not matter.
        if uid == 0 {
            return Key {
                start,
                ..Key::default()
            };
        }
        let mut key = Key {
            start,
            uid,
            gid,
            group_count,
            ..Key::default()
        };
        let count = (group_count as usize).min(GROUPS);
        key.groups[..count].copy_from_slice(&groups[..count]);
        key
    }
}

/// Where a path is in the table.
fn place_of(path: &[u8]) -> usize {
    // The upper bits are the ones that a multiplication mixes well.
    (hash(path) >> 32) as usize % PLACES
}

impl PathMemory for Cache {
    fn recall(&self, search: &Search<'_>) -> Option<Place> {
        let entries = self.entries.borrow();
        let entry = entries.get(place_of(search.path))?;
        let place = entry.place?;
        let holds = entry.age == self.age.get()
            && entry.path == search.path
            && entry.key == Key::of(search);
        holds.then_some(place)
    }

    fn note(&self, search: &Search<'_>, place: Place) {
        if search.path.len() > LONGEST {
            return;
        }
        let mut entries = self.entries.borrow_mut();
        if entries.is_empty() {
            entries.resize(PLACES, Entry::default());
        }
        if let Some(entry) = entries.get_mut(place_of(search.path)) {
            entry.key = Key::of(search);
            entry.path.clear();
            entry.path.extend_from_slice(search.path);
            entry.place = Some(place);
            entry.age = self.age.get();
        }
    }

    fn forget(&self) {
        self.age.set(self.age.get() + 1);
    }
}
