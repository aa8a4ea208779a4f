//! Finding one name in one directory without a cache: the directory's map is asked each time.

use crate::node::{Node, NodeId};
use crate::slab::Slab;

/// How one component of a path is found.
pub trait PathLookup {
    /// The node called `name` in `directory`.
    fn find(nodes: &Slab<Node>, directory: NodeId, name: &[u8]) -> Option<NodeId>;
}

/// Asks the directory.
pub struct Direct;

impl PathLookup for Direct {
    #[inline]
    fn find(nodes: &Slab<Node>, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        nodes.get(directory)?.directory()?.get(name)
    }
}
