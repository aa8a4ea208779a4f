//! A directory's entries: found by name, listed in an order that survives changes meanwhile.
//!
//! Each entry gets a cookie when it is made, larger than all before. A listing goes on behind the
//! last cookie it saw, so an entry that stays is seen exactly once whatever comes and goes.
//!
//! Names are found by a hash in a tree of numbers, which costs a fraction of comparing names in a
//! tree of names. Names with one hash lie at consecutive keys: a run without gaps, which
//! [`Directory::remove`] keeps.

use crate::node::NodeId;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// First cookie of an entry; the smaller ones are `.` and `..`.
const FIRST_COOKIE: u64 = 2;
/// Bits of the hash that count; few in tests, so that names share them.
const HASH_BITS: u64 = if cfg!(test) { 7 } else { u64::MAX };

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: Box<[u8]>,
    node: NodeId,
    cookie: u64,
}

/// A directory.
#[derive(Debug, Serialize, Deserialize)]
pub struct Directory {
    entries: BTreeMap<u64, Entry>,
    /// Cookie to key in `entries`.
    order: BTreeMap<u64, u64>,
    next_cookie: u64,
    /// The directory it is in; itself for a root, `None` once it was removed.
    pub parent: Option<NodeId>,
    /// The name it has there.
    pub name: Box<[u8]>,
}

/// A number that few names share: words are mixed as in FxHash, the hash of rustc.
#[inline]
pub(crate) fn hash(name: &[u8]) -> u64 {
    let mix =
        |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let (words, rest) = name.as_chunks::<8>();
    let hash = words.iter().fold(name.len() as u64, |hash, word| {
        mix(hash, u64::from_le_bytes(*word))
    });
    let rest = rest
        .iter()
        .fold(0, |word, &byte| word << 8 | u64::from(byte));
    mix(hash, rest) & HASH_BITS
}

impl Directory {
    /// An empty directory called `name` in `parent`.
    pub fn new(parent: Option<NodeId>, name: &[u8]) -> Self {
        Directory {
            entries: BTreeMap::new(),
            order: BTreeMap::new(),
            next_cookie: FIRST_COOKIE,
            parent,
            name: name.into(),
        }
    }

    /// The key of a name that is there, or else the key that it would get.
    #[inline]
    fn key(&self, name: &[u8]) -> Result<(u64, &Entry), u64> {
        let mut key = hash(name);
        loop {
            match self.entries.get(&key) {
                None => return Err(key),
                Some(entry) if *entry.name == *name => return Ok((key, entry)),
                Some(_) => key = key.wrapping_add(1),
            }
        }
    }

    /// The node called `name`.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<NodeId> {
        self.key(name).ok().map(|(_, entry)| entry.node)
    }

    /// Adds a name, or lets it stand for another node; answers the node it stood for.
    pub fn insert(&mut self, name: &[u8], node: NodeId) -> Option<NodeId> {
        match self.key(name).map(|(key, _)| key) {
            Ok(key) => {
                let entry = self.entries.get_mut(&key)?;
                Some(core::mem::replace(&mut entry.node, node))
            }
            Err(key) => {
                let cookie = self.next_cookie;
                self.next_cookie += 1;
                self.put(
                    key,
                    Entry {
                        name: name.into(),
                        node,
                        cookie,
                    },
                );
                None
            }
        }
    }

    fn put(&mut self, key: u64, entry: Entry) {
        self.order.insert(entry.cookie, key);
        self.entries.insert(key, entry);
    }

    /// Removes a name.
    pub fn remove(&mut self, name: &[u8]) -> Option<NodeId> {
        let (key, _) = self.key(name).ok()?;
        let entry = self.entries.remove(&key)?;
        self.order.remove(&entry.cookie);
        self.close_gap(key);
        Some(entry.node)
    }

    /// Puts what follows a removed key anew, so that nothing is behind a gap that must be before it.
    fn close_gap(&mut self, gap: u64) {
        let mut moved = Vec::new();
        let mut key = gap.wrapping_add(1);
        while let Some(entry) = self.entries.remove(&key) {
            moved.push(entry);
            key = key.wrapping_add(1);
        }
        for entry in moved {
            if let Err(key) = self.key(&entry.name).map(|(key, _)| key) {
                self.put(key, entry);
            }
        }
    }

    /// How many names there are, without `.` and `..`.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Entries from cookie `from` on: cookie, name, node.
    pub fn list(&self, from: u64) -> impl Iterator<Item = (u64, &[u8], NodeId)> {
        let listed = self.order.range(from.max(FIRST_COOKIE)..);
        listed.filter_map(|(&cookie, key)| {
            let entry = self.entries.get(key)?;
            Some((cookie, &*entry.name, entry.node))
        })
    }

    /// The first cookie of entries.
    pub const fn first_cookie() -> u64 {
        FIRST_COOKIE
    }

    /// The name of a node in this directory.
    pub fn name_of(&self, node: NodeId) -> Option<&[u8]> {
        self.entries
            .values()
            .find(|entry| entry.node == node)
            .map(|entry| &*entry.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_that_share_a_hash_are_kept_apart(steps in prop::collection::vec((0u32..40, any::<bool>()), 1..200)) {
            let mut directory = Directory::new(None, b"");
            let mut model = BTreeMap::new();
            for (step, (number, adds)) in steps.into_iter().enumerate() {
                let name = alloc::format!("name{number}").into_bytes();
                let node = step as u32;
                if adds {
                    prop_assert_eq!(directory.insert(&name, node), model.insert(name, node));
                } else {
                    prop_assert_eq!(directory.remove(&name), model.remove(&name));
                }
            }
            for number in 0..40 {
                let name = alloc::format!("name{number}").into_bytes();
                prop_assert_eq!(directory.get(&name), model.get(&name).copied());
            }
            let listed: BTreeMap<Vec<u8>, u32> = directory.list(0).map(|(_, name, node)| (name.into(), node)).collect();
            prop_assert_eq!(listed, model);
        }
    }

    #[test]
    fn words_and_rests_of_names_count() {
        let names = [
            b"a".as_slice(),
            b"b",
            b"ab",
            b"ba",
            b"12345678",
            b"12345679",
            b"12345678a",
            b"a12345678",
        ];
        let mut directory = Directory::new(None, b"");
        for (node, name) in names.iter().enumerate() {
            assert_eq!(directory.insert(name, node as u32), None);
        }
        assert_eq!(directory.get(b"12345678a"), Some(6));
        assert_eq!(directory.len(), names.len());
    }
}
