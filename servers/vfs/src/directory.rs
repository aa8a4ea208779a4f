//! A directory's entries, in an order that survives changes while it is being listed.
//!
//! Each entry gets a cookie when it is made, larger than all before. A listing goes on behind the
//! last cookie it saw, so an entry that stays is seen exactly once whatever comes and goes.

use crate::node::NodeId;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use serde::{Deserialize, Serialize};

/// First cookie of an entry; the smaller ones are `.` and `..`.
const FIRST_COOKIE: u64 = 2;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    node: NodeId,
    cookie: u64,
}

/// A directory.
#[derive(Debug, Serialize, Deserialize)]
pub struct Directory {
    entries: BTreeMap<Box<[u8]>, Entry>,
    order: BTreeMap<u64, (Box<[u8]>, NodeId)>,
    next_cookie: u64,
    /// The directory it is in; itself for a root, `None` once it was removed.
    pub parent: Option<NodeId>,
    /// The name it has there.
    pub name: Box<[u8]>,
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

    /// The node called `name`.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<NodeId> {
        Some(self.entries.get(name)?.node)
    }

    /// Adds a name, or lets it stand for another node; answers the node it stood for.
    pub fn insert(&mut self, name: &[u8], node: NodeId) -> Option<NodeId> {
        if let Some(entry) = self.entries.get_mut(name) {
            if let Some((_, listed)) = self.order.get_mut(&entry.cookie) {
                *listed = node;
            }
            return Some(core::mem::replace(&mut entry.node, node));
        }
        let cookie = self.next_cookie;
        self.next_cookie += 1;
        self.entries.insert(name.into(), Entry { node, cookie });
        self.order.insert(cookie, (name.into(), node));
        None
    }

    /// Removes a name.
    pub fn remove(&mut self, name: &[u8]) -> Option<NodeId> {
        let entry = self.entries.remove(name)?;
        self.order.remove(&entry.cookie);
        Some(entry.node)
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
        listed.map(|(&cookie, (name, node))| (cookie, &**name, *node))
    }

    /// The first cookie of entries.
    pub const fn first_cookie() -> u64 {
        FIRST_COOKIE
    }

    /// The name of a node in this directory.
    pub fn name_of(&self, node: NodeId) -> Option<&[u8]> {
        self.entries
            .iter()
            .find(|(_, entry)| entry.node == node)
            .map(|(name, _)| &**name)
    }
}
