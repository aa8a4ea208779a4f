//! Making, keeping and freeing stored files, and the first mounts.
//!
//! A node is freed when it has no name and nobody holds it; only here.

use crate::device;
use crate::directory::Directory;
use crate::linux;
use crate::node::{Kind, MountId, Node, NodeId, NodeRef, Place};
use crate::policy::lookup::PathMemory;
use crate::ports::{Memory, Platform, Ports};
use crate::procfs;
use crate::vfs::{FileSystem, Mount, Vfs};
use abi::Errno;

impl Vfs {
    /// Somebody uses a file from now on.
    #[inline]
    pub(crate) fn hold(&mut self, place: Place) {
        if let NodeRef::Stored(id) = place.node
            && let Some(node) = self.nodes.get_mut(id)
        {
            node.holds += 1;
        }
        if let Some(Some(mount)) = self.mounts.get_mut(usize::from(place.mount)) {
            mount.users += 1;
        }
    }

    /// Somebody no longer uses a file.
    #[inline]
    pub(crate) fn unhold<P: Platform>(&mut self, place: Place, ports: &mut Ports<P>) {
        if let Some(Some(mount)) = self.mounts.get_mut(usize::from(place.mount)) {
            mount.users -= 1;
        }
        let NodeRef::Stored(id) = place.node else {
            return;
        };
        if let Some(node) = self.nodes.get_mut(id) {
            node.holds -= 1;
            if node.links == 0 && node.holds == 0 {
                self.free(id, &mut ports.memory);
            }
        }
    }

    /// A name of a file that is no directory was removed.
    pub(crate) fn unname<M: Memory>(&mut self, id: NodeId, now: u64, memory: &mut M) {
        let Some(node) = self.nodes.get_mut(id) else {
            return;
        };
        node.links = node.links.saturating_sub(1);
        node.times.changed = now;
        if node.links == 0 && node.holds == 0 {
            self.free(id, memory);
        }
    }

    /// An empty directory was removed from its parent.
    pub(crate) fn unname_directory<M: Memory>(
        &mut self,
        id: NodeId,
        parent: NodeId,
        memory: &mut M,
    ) {
        if let Some(parent) = self.nodes.get_mut(parent) {
            parent.links -= 1;
        }
        let Some(node) = self.nodes.get_mut(id) else {
            return;
        };
        node.links = 0;
        if let Some(directory) = node.directory_mut() {
            directory.parent = None;
        }
        if node.holds == 0 {
            self.free(id, memory);
        }
    }

    fn free<M: Memory>(&mut self, id: NodeId, memory: &mut M) {
        if !self.unnamed.is_empty() {
            self.unnamed.remove(&id);
        }
        self.end_noticed(id, linux::IN_DELETE_SELF);
        match self.nodes.remove(id).map(|node| node.kind) {
            Some(Kind::File(mut data)) => data.release(memory),
            Some(Kind::Pipe(pipe)) => self.pipes -= pipe.weight(),
            Some(Kind::Queue(queue)) => self.queues.release(&queue),
            Some(Kind::Socket) => self.names.forget_path(id),
            _ => {}
        }
    }

    /// Puts a new node into a directory under a name that is free.
    pub(crate) fn add(
        &mut self,
        directory: NodeId,
        name: &[u8],
        mut node: Node,
    ) -> Result<NodeId, Errno> {
        if !self.nodes.get(directory).is_some_and(Node::is_directory) {
            return Err(Errno::ENOTDIR);
        }
        self.admit(&node)?;
        let parent = self.nodes.get_mut(directory).ok_or(Errno::ENOENT)?;
        node.device = parent.device;
        if parent.permissions & linux::S_ISGID != 0 {
            node.gid = parent.gid;
            if node.is_directory() {
                node.permissions |= linux::S_ISGID;
            }
        }
        parent.links += u32::from(node.is_directory());
        parent.times.modified = node.times.changed;
        parent.times.changed = node.times.changed;
        if let Kind::Directory(new) = &mut node.kind {
            new.parent = Some(directory);
            new.name = name.into();
        }
        let id = self.nodes.insert(node);
        let entries = self
            .nodes
            .get_mut(directory)
            .and_then(Node::directory_mut)
            .ok_or(Errno::ENOTDIR)?;
        entries.insert(name, id);
        Ok(id)
    }

    /// Checks that there may be one more node, which is inserted next, and counts it.
    pub(crate) fn admit(&mut self, node: &Node) -> Result<(), Errno> {
        if self.nodes.len() >= self.limits.nodes {
            return Err(Errno::ENOSPC);
        }
        if matches!(node.kind, Kind::Pipe(_)) {
            if self.pipes >= self.limits.pipes {
                return Err(Errno::ENFILE);
            }
            self.pipes += 1;
        }
        Ok(())
    }

    /// The stored directory that a place is.
    pub(crate) fn stored(&self, place: Place) -> Option<NodeId> {
        match place.node {
            NodeRef::Stored(id) => Some(id),
            NodeRef::Proc(_) => None,
        }
    }

    /// `/`, `/dev`, `/proc` and `/sys`.
    pub(crate) fn mount_first_file_systems(&mut self) {
        let root = self.new_root(1, 0o755);
        self.mounts.push(Some(Mount {
            id: 0,
            on: None,
            root: NodeRef::Stored(root),
            device: 1,
            kind: FileSystem::Tmp,
            users: 0,
        }));
        for (name, kind) in [
            (b"dev".as_slice(), FileSystem::Dev),
            (b"proc", FileSystem::Proc),
            (b"sys", FileSystem::System),
        ] {
            let directory = Node::new(
                Kind::Directory(Directory::new(None, name)),
                0o755,
                self.epoch_ns,
            );
            let Ok(id) = self.add(root, name, directory) else {
                continue;
            };
            let on = Place {
                mount: 0,
                node: NodeRef::Stored(id),
            };
            if self.attach(kind, on).is_err() {
                continue;
            }
        }
    }

    /// Mounts a new file system on a directory.
    pub(crate) fn attach(&mut self, kind: FileSystem, on: Place) -> Result<MountId, Errno> {
        let free = self
            .mounts
            .iter()
            .position(Option::is_none)
            .unwrap_or(self.mounts.len());
        let id = MountId::try_from(free).map_err(|_| Errno::ENOSPC)?;
        self.next_device += 1;
        let device = self.next_device;
        let root = match kind {
            FileSystem::Tmp => NodeRef::Stored(self.new_root(device, 0o1777)),
            FileSystem::Dev => NodeRef::Stored(self.new_root(device, 0o755)),
            FileSystem::Proc => NodeRef::Proc(procfs::Node::Root),
            FileSystem::System => NodeRef::Proc(procfs::Node::System(procfs::system::Item::Root)),
        };
        let mount = Some(Mount {
            id,
            on: Some(on),
            root,
            device,
            kind,
            users: 0,
        });
        match self.mounts.get_mut(free) {
            Some(slot) => *slot = mount,
            None => self.mounts.push(mount),
        }
        self.paths.forget();
        self.hold(on);
        if let NodeRef::Stored(covered) = on.node
            && let Some(node) = self.nodes.get_mut(covered)
        {
            node.covers += 1;
        }
        if let (FileSystem::Dev, NodeRef::Stored(root)) = (kind, root) {
            self.add_devices(root);
        }
        Ok(id)
    }

    /// A directory that is its own parent, on a new file system.
    fn new_root(&mut self, device: u16, permissions: u32) -> NodeId {
        let mut node = Node::new(
            Kind::Directory(Directory::new(None, b"")),
            permissions,
            self.epoch_ns,
        );
        node.device = device;
        node.holds = 1;
        let id = self.nodes.insert(node);
        if let Some(directory) = self.nodes.get_mut(id).and_then(Node::directory_mut) {
            directory.parent = Some(id);
        }
        id
    }

    fn add_devices(&mut self, root: NodeId) {
        let now = self.epoch_ns;
        let nodes = device::NODES.iter().map(|&(name, number, permissions)| {
            (name, Node::new(Kind::Character(number), permissions, now))
        });
        let links = device::LINKS.iter().map(|&(name, target)| {
            (
                name,
                Node::new(Kind::Link(target.as_bytes().into()), 0o777, now),
            )
        });
        let shared = Node::new(Kind::Directory(Directory::new(None, b"shm")), 0o1777, now);
        for (name, node) in nodes.chain(links).chain([("shm", shared)]) {
            if self.add(root, name.as_bytes(), node).is_err() {
                return;
            }
        }
        let mut slaves = Node::new(Kind::Directory(Directory::new(None, b"pts")), 0o755, now);
        // It is kept, so that a pseudo-terminal can be told where its name goes.
        slaves.holds = 1;
        if let Ok(id) = self.add(root, b"pts", slaves) {
            self.pairs.directory.get_or_insert(id);
        }
    }
}
