//! From a place in the tree back to a path: `getcwd`, `/proc/PID/cwd`, `/proc/PID/fd`.

use crate::node::{NodeId, NodeRef, Place};
use crate::path::Who;
use crate::procfs;
use crate::vfs::Vfs;
use abi::Errno;
use alloc::vec::Vec;

impl Vfs {
    /// The path of a directory as `who` sees it.
    pub(crate) fn directory_path(&self, who: &Who, place: Place) -> Result<Vec<u8>, Errno> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut here = place;
        while here != who.root {
            let mount = self.mount(here.mount)?;
            if here.node == mount.root {
                match mount.on {
                    Some(on) => here = on,
                    None => break,
                }
                continue;
            }
            let NodeRef::Stored(id) = here.node else {
                let mut path = self.directory_path(who, mount.on.ok_or(Errno::ENOENT)?)?;
                path.extend(procfs::path(here.node));
                return Ok(path);
            };
            let directory = self
                .nodes
                .get(id)
                .and_then(|node| node.directory())
                .ok_or(Errno::ENOTDIR)?;
            let parent = directory.parent.ok_or(Errno::ENOENT)?;
            names.push(&directory.name);
            here = Place {
                mount: here.mount,
                node: NodeRef::Stored(parent),
            };
        }
        let path = self.prefix(&names);
        Ok(if path.is_empty() { b"/".to_vec() } else { path })
    }

    fn prefix(&self, names: &[&[u8]]) -> Vec<u8> {
        names
            .iter()
            .rev()
            .flat_map(|name| [b"/".as_slice(), name])
            .flatten()
            .copied()
            .collect()
    }

    /// A path that leads to a file, found by searching its file system; for `/proc/PID/fd`.
    pub(crate) fn path_of(&self, who: &Who, place: Place) -> Option<Vec<u8>> {
        if self.is_directory(place) {
            return self.directory_path(who, place).ok();
        }
        let NodeRef::Stored(wanted) = place.node else {
            return Some([b"/proc".to_vec(), procfs::path(place.node)].concat());
        };
        let NodeRef::Stored(root) = self.mount(place.mount).ok()?.root else {
            return None;
        };
        let mut waiting: Vec<NodeId> = alloc::vec![root];
        while let Some(id) = waiting.pop() {
            let Some(directory) = self.nodes.get(id).and_then(|node| node.directory()) else {
                continue;
            };
            if let Some(name) = directory.name_of(wanted) {
                let above = Place {
                    mount: place.mount,
                    node: NodeRef::Stored(id),
                };
                let mut path = self.directory_path(who, above).ok()?;
                if path != b"/" {
                    path.push(b'/');
                }
                path.extend_from_slice(name);
                return Some(path);
            }
            let is_directory = |node: &NodeId| {
                self.nodes
                    .get(*node)
                    .is_some_and(|node| node.is_directory())
            };
            waiting.extend(
                directory
                    .list(0)
                    .map(|(_, _, node)| node)
                    .filter(is_directory),
            );
        }
        None
    }
}
