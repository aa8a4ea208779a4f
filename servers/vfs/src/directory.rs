//! A directory's entries: found by name, listed in an order that survives changes meanwhile.
//!
//! Each entry gets a cookie when it is made, larger than all before, and a slot behind all others. A
//! listing goes on behind the last cookie it saw, so an entry that stays is seen exactly once whatever
//! comes and goes. The slot of an entry that goes stays empty until there are more empty than used ones.
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
}

/// Where an entry is, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    cookie: u64,
    entry: Option<Entry>,
}

/// A directory.
#[derive(Debug, Serialize, Deserialize)]
pub struct Directory {
    /// In the order of their cookies. The last one is not empty.
    slots: Vec<Slot>,
    /// From the key of a name to its slot.
    keys: BTreeMap<u64, u32>,
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
            slots: Vec::new(),
            keys: BTreeMap::new(),
            next_cookie: FIRST_COOKIE,
            parent,
            name: name.into(),
        }
    }

    /// The entry in a slot.
    #[inline]
    fn entry(&self, slot: u32) -> Option<&Entry> {
        self.slots.get(slot as usize)?.entry.as_ref()
    }

    /// The key and slot of a name that is there, or else the key that it would get.
    #[inline]
    fn key(&self, name: &[u8]) -> Result<(u64, u32), u64> {
        let mut key = hash(name);
        loop {
            match self.keys.get(&key) {
                None => return Err(key),
                Some(&slot) if self.entry(slot).is_some_and(|entry| *entry.name == *name) => {
                    return Ok((key, slot));
                }
                Some(_) => key = key.wrapping_add(1),
            }
        }
    }

    /// The node called `name`.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<NodeId> {
        let (_, slot) = self.key(name).ok()?;
        self.entry(slot).map(|entry| entry.node)
    }

    /// Adds a name, or lets it stand for another node; answers the node it stood for.
    pub fn insert(&mut self, name: &[u8], node: NodeId) -> Option<NodeId> {
        match self.key(name) {
            Ok((_, slot)) => {
                let entry = self.slots.get_mut(slot as usize)?.entry.as_mut()?;
                Some(core::mem::replace(&mut entry.node, node))
            }
            Err(key) => {
                let cookie = self.next_cookie;
                self.next_cookie += 1;
                self.keys.insert(key, self.slots.len() as u32);
                let name = name.into();
                let entry = Some(Entry { name, node });
                self.slots.push(Slot { cookie, entry });
                None
            }
        }
    }

    /// Removes a name.
    pub fn remove(&mut self, name: &[u8]) -> Option<NodeId> {
        let (key, slot) = self.key(name).ok()?;
        self.keys.remove(&key);
        self.close_gap(key);
        let entry = self.slots.get_mut(slot as usize)?.entry.take()?;
        while self.slots.last().is_some_and(|last| last.entry.is_none()) {
            self.slots.pop();
        }
        if self.slots.len() > 2 * self.keys.len() {
            self.compact();
        }
        Some(entry.node)
    }

    /// Puts what follows a removed key anew, so that nothing is behind a gap that must be before it.
    fn close_gap(&mut self, gap: u64) {
        let mut moved = Vec::new();
        let mut key = gap.wrapping_add(1);
        while let Some(slot) = self.keys.remove(&key) {
            moved.push(slot);
            key = key.wrapping_add(1);
        }
        for slot in moved {
            let key = self.entry(slot).map(|entry| self.key(&entry.name));
            if let Some(Err(key)) = key {
                self.keys.insert(key, slot);
            }
        }
    }

    /// Gives up the empty slots.
    fn compact(&mut self) {
        let mut used = 0;
        let mut moved = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            moved.push(used);
            used += u32::from(slot.entry.is_some());
        }
        for slot in self.keys.values_mut() {
            if let Some(&to) = moved.get(*slot as usize) {
                *slot = to;
            }
        }
        self.slots.retain(|slot| slot.entry.is_some());
    }

    /// How many names there are, without `.` and `..`.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Entries from cookie `from` on: cookie, name, node.
    #[inline]
    pub fn list(&self, from: u64) -> impl Iterator<Item = (u64, &[u8], NodeId)> {
        let first = self.slots.partition_point(|slot| slot.cookie < from);
        let listed = self.slots.get(first..).unwrap_or_default().iter();
        listed.filter_map(|slot| {
            let entry = slot.entry.as_ref()?;
            Some((slot.cookie, &*entry.name, entry.node))
        })
    }

    /// The first cookie of entries.
    pub const fn first_cookie() -> u64 {
        FIRST_COOKIE
    }

    /// The name of a node in this directory.
    pub fn name_of(&self, node: NodeId) -> Option<&[u8]> {
        self.list(0)
            .find(|&(_, _, listed)| listed == node)
            .map(|(_, name, _)| name)
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
            prop_assert_eq!(directory.len(), model.len());
            prop_assert_eq!(listed, model);
            prop_assert!(directory.list(0).is_sorted_by_key(|(cookie, _, _)| cookie));
            prop_assert!(directory.slots.len() <= 2 * directory.len());
        }
    }

    #[test]
    fn a_listing_goes_on_where_it_was_whatever_goes_meanwhile() {
        let name = |number: u32| alloc::format!("name{number}").into_bytes();
        let mut directory = Directory::new(None, b"");
        for number in 0..100 {
            directory.insert(&name(number), number);
        }
        let half: Vec<u64> = directory
            .list(0)
            .take(50)
            .map(|(cookie, ..)| cookie)
            .collect();
        for number in (0..100).filter(|number| number % 10 != 0) {
            directory.remove(&name(number));
        }
        directory.insert(b"new", 100);
        let rest = directory.list(half[49] + 1).map(|(_, _, node)| node);
        assert_eq!(rest.collect::<Vec<_>>(), [50, 60, 70, 80, 90, 100]);
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
