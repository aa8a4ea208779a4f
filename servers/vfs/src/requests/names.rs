//! `mknod`, `link`, `unlink`, `symlink`, `readlink`.

use crate::data::Data;
use crate::linux;
use crate::node::{Kind, NodeId, NodeRef, Place};
use crate::park::{Attempt, Call, DONE, count};
use crate::path::{Last, LastLink, Target, Walked, Who};
use crate::permission::{self, EXECUTE, WRITE};
use crate::pipe::Pipe;
use crate::policy::lookup::PathMemory;
use crate::ports::{Platform, Ports};
use crate::requests::text::{Empty, PathText};
use crate::vfs::{Vfs, known};
use abi::Errno;
use alloc::boxed::Box;
use proto::port::Callers;
use proto::vfs::Fd;

impl Vfs {
    /// `mknodat`.
    pub(crate) fn make_node<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        mode: u32,
        device: u64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let now = self.now(&mut ports.system);
        let who = self.who(call.pid, &ports.system)?;
        let kind = match mode & linux::S_IFMT {
            0 | linux::S_IFREG => Kind::File(Data::default()),
            linux::S_IFIFO => Kind::Pipe(Box::new(Pipe::new(self.designs.pipe))),
            linux::S_IFSOCK => Kind::Socket,
            linux::S_IFCHR if permission::is_root(&who.identity) => Kind::Character(device),
            linux::S_IFBLK if permission::is_root(&who.identity) => Kind::Block(device),
            linux::S_IFCHR | linux::S_IFBLK | linux::S_IFDIR => return Err(Errno::EPERM.into()),
            _ => return Err(Errno::EINVAL.into()),
        };
        self.make(call, &who, directory, &path, (kind, mode, now))
    }

    /// `symlinkat`.
    pub(crate) fn symbolic_link<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let mut target = PathText::new();
        target.fill(call, 0, ports)?;
        if target.bytes().is_empty() {
            return Err(Errno::ENOENT.into());
        }
        let mut path = PathText::new();
        path.fill(call, 1, ports)?;
        let now = self.now(&mut ports.system);
        let who = self.who(call.pid, &ports.system)?;
        let kind = Kind::Link(target.bytes().into());
        self.make(call, &who, directory, &path, (kind, 0o777, now))
    }

    /// Makes a node that is no directory.
    fn make(
        &mut self,
        call: &Call,
        who: &Who,
        directory: Fd,
        path: &PathText,
        (kind, mode, now): (Kind, u32, u64),
    ) -> Attempt {
        let start = self.start(call.pid, directory, path.bytes())?;
        let walked = self.walk(who, start, path.bytes(), LastLink::Entry)?;
        if walked.slash && walked.place.is_none() {
            return Err(Errno::ENOENT.into());
        }
        let parent = self.creatable(who, &walked)?;
        let mut node = self.new_node(call, who, kind, (mode, now))?;
        if matches!(node.kind, Kind::Link(_)) {
            node.permissions = 0o777;
        }
        let id = self.add(parent, &walked.name, node)?;
        self.tell_entry(parent, &walked.name, id, linux::IN_CREATE);
        DONE
    }

    /// `linkat`.
    pub(crate) fn link<P: Platform>(
        &mut self,
        call: &Call,
        old_directory: Fd,
        new_directory: Fd,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::AT_SYMLINK_FOLLOW | linux::AT_EMPTY_PATH)?;
        let mut old = PathText::new();
        old.fill(call, 0, ports)?;
        let mut new = PathText::new();
        new.fill(call, 1, ports)?;
        let now = self.now(&mut ports.system);
        let who = self.who(call.pid, &ports.system)?;
        let last = if flags & linux::AT_SYMLINK_FOLLOW != 0 {
            LastLink::Follow
        } else {
            LastLink::Keep
        };
        let place = self.place_at(
            call,
            &who,
            old_directory,
            &old,
            (last, Empty::from_flags(flags)),
        )?;
        let start = self.start(call.pid, new_directory, new.bytes())?;
        let walked = self.walk(&who, start, new.bytes(), LastLink::Entry)?;
        if self.is_directory(place) {
            return Err(Errno::EPERM.into());
        }
        if walked.slash && walked.place.is_none() {
            return Err(Errno::ENOENT.into());
        }
        let parent = self.creatable(&who, &walked)?;
        if place.mount != walked.directory.mount {
            return Err(Errno::EXDEV.into());
        }
        let id = self.stored(place).ok_or(Errno::EXDEV)?;
        let node = self.nodes.get_mut(id).ok_or(Errno::ENOENT)?;
        let unnamed = self.unnamed.get_mut(&id);
        let is_linkable = unnamed.is_some_and(|unnamed| core::mem::take(&mut unnamed.is_linkable));
        if node.links == 0 && !is_linkable {
            return Err(Errno::ENOENT.into());
        }
        node.links = node.links.checked_add(1).ok_or(Errno::EMLINK)?;
        node.times.changed = now;
        self.set_entry(parent, &walked.name, id, now);
        self.tell_itself(id, linux::IN_ATTRIB);
        self.tell_entry(parent, &walked.name, id, linux::IN_CREATE);
        DONE
    }

    /// Lets a name stand for a node; answers what it stood for.
    pub(crate) fn set_entry(
        &mut self,
        directory: NodeId,
        name: &[u8],
        id: NodeId,
        now: u64,
    ) -> Option<NodeId> {
        let node = self.nodes.get_mut(directory)?;
        node.times.modified = now;
        node.times.changed = now;
        let old = node.directory_mut()?.insert(name, id);
        if old.is_some() {
            self.paths.forget();
        }
        old
    }

    /// Removes a name.
    pub(crate) fn remove_entry(&mut self, directory: NodeId, name: &[u8], now: u64) {
        self.paths.forget();
        let Some(node) = self.nodes.get_mut(directory) else {
            return;
        };
        node.times.modified = now;
        node.times.changed = now;
        if let Some(entries) = node.directory_mut() {
            entries.remove(name);
        }
    }

    /// `unlinkat`.
    pub(crate) fn unlink<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::AT_REMOVEDIR)?;
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let now = self.now(&mut ports.system);
        let who = self.who(call.pid, &ports.system)?;
        let start = self.start(call.pid, directory, path.bytes())?;
        let walked = self.walk(&who, start, path.bytes(), LastLink::Entry)?;
        let removes_directory = flags & linux::AT_REMOVEDIR != 0;
        match (walked.last, removes_directory) {
            (Last::Name, _) => {}
            (_, false) => return Err(Errno::EISDIR.into()),
            (Last::Dot, true) => return Err(Errno::EINVAL.into()),
            (Last::DotDot, true) => return Err(Errno::ENOTEMPTY.into()),
            (Last::Root, true) => return Err(Errno::EBUSY.into()),
        }
        let (parent, id) = self.removable(&who, &walked)?;
        let node = self.nodes.get(id).ok_or(Errno::ENOENT)?;
        match (removes_directory, node.directory()) {
            (false, Some(_)) => return Err(Errno::EISDIR.into()),
            (true, None) => return Err(Errno::ENOTDIR.into()),
            (true, Some(directory)) if !directory.is_empty() => return Err(Errno::ENOTEMPTY.into()),
            _ => {}
        }
        self.remove_entry(parent, &walked.name, now);
        if !removes_directory {
            self.tell_itself(id, linux::IN_ATTRIB);
        }
        self.tell_entry(parent, &walked.name, id, linux::IN_DELETE);
        if removes_directory {
            self.unname_directory(id, parent, &mut ports.memory);
        } else {
            self.unname(id, now, &mut ports.memory);
        }
        DONE
    }

    /// Checks that what a walk found may lose its name; its directory and its node.
    pub(crate) fn removable(&self, who: &Who, walked: &Walked) -> Result<(NodeId, NodeId), Errno> {
        let place = self.found(walked)?;
        let parent = self.stored(walked.directory).ok_or(Errno::EPERM)?;
        let directory = self.ownership(who, walked.directory)?;
        permission::check(&who.identity, directory, WRITE | EXECUTE)?;
        permission::check_sticky(&who.identity, directory, self.ownership(who, place)?)?;
        let id = match place {
            Place {
                mount,
                node: NodeRef::Stored(id),
            } if mount == walked.directory.mount => id,
            _ => return Err(Errno::EBUSY),
        };
        Ok((parent, id))
    }

    /// `readlinkat`.
    pub(crate) fn read_link<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let who = self.who(call.pid, &ports.system)?;
        let place = self.place_at(
            call,
            &who,
            directory,
            &path,
            (LastLink::Keep, Empty::Descriptor),
        )?;
        if !self.is_link(place) {
            return Err(if path.bytes().is_empty() {
                Errno::ENOENT
            } else {
                Errno::EINVAL
            }
            .into());
        }
        let text = match self.link_target(&who, place)? {
            Target::Path(text) => text,
            Target::Place(target) => self.link_text(&who, target),
        };
        let length = text.len().min(call.leases[1].bytes);
        if call.leases[1].bytes == 0 {
            return Err(Errno::EINVAL.into());
        }
        ports.callers.write(call.token, 1, 0, &text[..length])?;
        count(length as u64)
    }
}
