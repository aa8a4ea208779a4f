//! `rename`: the new name stands for the file at one moment, whatever it stood for before.

use crate::linux;
use crate::node::{Node, NodeId, NodeRef};
use crate::park::{Attempt, Call, DONE};
use crate::path::{Last, LastLink, Walked, Who};
use crate::permission::{self, EXECUTE, WRITE};
use crate::ports::{Memory, Platform, Ports};
use crate::requests::text::PathText;
use crate::vfs::{Vfs, known};
use abi::Errno;
use proto::vfs::Fd;

/// A rename that passed all checks.
struct Move<'a> {
    from: NodeId,
    to: NodeId,
    old_name: &'a [u8],
    new_name: &'a [u8],
    id: NodeId,
}

impl Vfs {
    /// `renameat2`.
    pub(crate) fn rename<P: Platform>(
        &mut self,
        call: &Call,
        old_directory: Fd,
        new_directory: Fd,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::RENAME_NOREPLACE)?;
        let mut old_path = PathText::new();
        old_path.fill(call, 0, ports)?;
        let mut new_path = PathText::new();
        new_path.fill(call, 1, ports)?;
        let now = self.now(&mut ports.system);
        let who = self.who(call.pid, &ports.system)?;
        let start = self.start(call.pid, old_directory, old_path.bytes())?;
        let old = self.walk(&who, start, old_path.bytes(), LastLink::Entry)?;
        let start = self.start(call.pid, new_directory, new_path.bytes())?;
        let new = self.walk(&who, start, new_path.bytes(), LastLink::Entry)?;
        if old.last != Last::Name || new.last != Last::Name {
            return Err(Errno::EBUSY.into());
        }
        if old.directory.mount != new.directory.mount {
            return Err(Errno::EXDEV.into());
        }
        let (from, id) = self.removable(&who, &old)?;
        if flags & linux::RENAME_NOREPLACE != 0 && new.place.is_some() {
            return Err(Errno::EEXIST.into());
        }
        let to = self.check_target(&who, &old, &new, (from, id))?;
        if new.place == old.place {
            return DONE;
        }
        let change = Move {
            from,
            to,
            old_name: &old.name,
            new_name: &new.name,
            id,
        };
        self.carry_out(&change, now, &mut ports.memory);
        DONE
    }

    /// Checks that the new name may stand for the old file; the directory it is in.
    fn check_target(
        &self,
        who: &Who,
        old: &Walked,
        new: &Walked,
        (from, id): (NodeId, NodeId),
    ) -> Result<NodeId, Errno> {
        let node = self.nodes.get(id).ok_or(Errno::ENOENT)?;
        if new.slash && !node.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        let to = self.stored(new.directory).ok_or(Errno::EXDEV)?;
        if node.is_directory() {
            self.check_not_inside(to, id)?;
            if from != to {
                permission::check(&who.identity, node.into(), WRITE)?;
            }
        }
        if new.place.is_none() {
            return self.creatable(who, new);
        }
        if new.place == old.place {
            return Ok(to);
        }
        let (to, replaced) = self.removable(
            who,
            &Walked {
                slash: false,
                ..new.clone()
            },
        )?;
        let replaced = self.nodes.get(replaced).ok_or(Errno::ENOENT)?;
        match (node.is_directory(), replaced.directory()) {
            (true, None) => Err(Errno::ENOTDIR),
            (false, Some(_)) => Err(Errno::EISDIR),
            (true, Some(directory)) if !directory.is_empty() => Err(Errno::ENOTEMPTY),
            (true, Some(_)) if replaced.covers > 0 => Err(Errno::EBUSY),
            _ => permission::check(
                &who.identity,
                self.ownership(who, new.directory)?,
                WRITE | EXECUTE,
            )
            .map(|()| to),
        }
    }

    /// Checks that directory `inner` is not `outer` and not below it.
    fn check_not_inside(&self, inner: NodeId, outer: NodeId) -> Result<(), Errno> {
        let mut here = inner;
        loop {
            if here == outer {
                return Err(Errno::EINVAL);
            }
            let parent = self
                .nodes
                .get(here)
                .and_then(Node::directory)
                .and_then(|directory| directory.parent);
            match parent {
                Some(parent) if parent != here => here = parent,
                _ => return Ok(()),
            }
        }
    }

    fn carry_out<M: Memory>(&mut self, change: &Move, now: u64, memory: &mut M) {
        let replaced = self.set_entry(change.to, change.new_name, change.id, now);
        self.remove_entry(change.from, change.old_name, now);
        let mut is_directory = false;
        if let Some(node) = self.nodes.get_mut(change.id) {
            node.times.changed = now;
            is_directory = node.is_directory();
            if let Some(directory) = node.directory_mut() {
                directory.parent = Some(change.to);
                directory.name = change.new_name.into();
            }
        }
        if is_directory && change.from != change.to {
            self.add_links(change.from, -1);
            self.add_links(change.to, 1);
        }
        self.tell_renamed(change, replaced);
        match replaced {
            Some(id)
                if self.is_directory(crate::node::Place {
                    mount: 0,
                    node: NodeRef::Stored(id),
                }) =>
            {
                self.unname_directory(id, change.to, memory);
            }
            Some(id) => self.unname(id, now, memory),
            None => {}
        }
    }

    fn tell_renamed(&mut self, change: &Move, replaced: Option<NodeId>) {
        if self.noticed.is_empty() {
            return;
        }
        let (id, cookie) = (change.id, self.next_cookie());
        self.tell_move(
            change.from,
            change.old_name,
            id,
            (linux::IN_MOVED_FROM, cookie),
        );
        self.tell_move(change.to, change.new_name, id, (linux::IN_MOVED_TO, cookie));
        if let Some(replaced) = replaced {
            self.tell_itself(replaced, linux::IN_ATTRIB);
        }
        self.tell_itself(id, linux::IN_MOVE_SELF);
    }

    fn add_links(&mut self, id: NodeId, difference: i32) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.links = node.links.saturating_add_signed(difference);
        }
    }
}
