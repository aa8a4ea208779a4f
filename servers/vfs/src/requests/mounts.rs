//! `mount` and `umount2`.

use crate::linux;
use crate::node::{NodeId, NodeRef, Place};
use crate::park::{Attempt, Call, DONE};
use crate::path::LastLink;
use crate::permission;
use crate::policy::lookup::PathMemory;
use crate::ports::{Memory, Platform, Ports};
use crate::requests::text::{Empty, PathText};
use crate::vfs::{FileSystem, Vfs, known};
use abi::Errno;
use proto::port::Refusal;
use proto::vfs::AT_FDCWD;

impl Vfs {
    /// `mount`: a new file system of `kind` covers a directory.
    pub(crate) fn mount_on<P: Platform>(
        &mut self,
        call: &Call,
        kind: u32,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let kind = match kind {
            0 => FileSystem::Tmp,
            1 => FileSystem::Dev,
            2 => FileSystem::Proc,
            3 => FileSystem::System,
            _ => return Err(Errno::ENODEV.into()),
        };
        // It asks for no messages, and there are none.
        known(flags, linux::MS_SILENT)?;
        let place = self.place_for_root(call, ports)?;
        if !self.is_directory(place) {
            return Err(Errno::ENOTDIR.into());
        }
        self.stored(place).ok_or(Errno::EACCES)?;
        self.attach(kind, place)?;
        DONE
    }

    /// `umount2`.
    pub(crate) fn unmount<P: Platform>(
        &mut self,
        call: &Call,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, 0)?;
        let place = self.place_for_root(call, ports)?;
        let mount = *self.mount(place.mount)?;
        let Some(on) = mount.on.filter(|_| mount.root == place.node) else {
            return Err(Errno::EINVAL.into());
        };
        if mount.users > 0 {
            return Err(Errno::EBUSY.into());
        }
        self.paths.forget();
        self.mounts[usize::from(mount.id)] = None;
        if let NodeRef::Stored(covered) = on.node
            && let Some(node) = self.nodes.get_mut(covered)
        {
            node.covers -= 1;
        }
        self.unhold(on, ports);
        if let NodeRef::Stored(root) = mount.root {
            self.discard(root, &mut ports.memory);
        }
        DONE
    }

    fn place_for_root<P: Platform>(
        &self,
        call: &Call,
        ports: &mut Ports<P>,
    ) -> Result<Place, Refusal> {
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let who = self.who(call.pid, &ports.system)?;
        if !permission::is_root(&who.identity) {
            return Err(Errno::EPERM.into());
        }
        self.place_at(
            call,
            &who,
            AT_FDCWD,
            &path,
            (LastLink::Follow, Empty::Refused),
        )
    }

    /// Frees all files of a file system that nobody uses any more.
    fn discard<M: Memory>(&mut self, root: NodeId, memory: &mut M) {
        let mut waiting = alloc::vec![root];
        while let Some(id) = waiting.pop() {
            let Some(node) = self.nodes.get_mut(id) else {
                continue;
            };
            if let Some(directory) = node.directory() {
                waiting.extend(directory.list(0).map(|(_, _, child)| child));
            }
            if node.is_directory() {
                self.nodes.remove(id);
            } else {
                self.unname(id, 0, memory);
            }
        }
    }
}
