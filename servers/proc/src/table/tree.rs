//! The table's bookkeeping: links between relatives, counters of groups and sessions.

use super::Table;
use crate::process::Process;
use proto::Pid;
use proto::publish::slot;

impl Table {
    /// Makes `pid` the youngest child of `parent` (nobody's if there is no such process).
    pub(super) fn link(&mut self, pid: Pid, parent: Pid) {
        let elder = self.get(parent).map_or(Pid(0), |parent| parent.links.last);
        if let Some(process) = self.get_mut(pid) {
            process.parent = parent;
            process.links.previous = elder;
            process.links.next = Pid(0);
        }
        match self.get_mut(elder) {
            Some(elder) => elder.links.next = pid,
            None => self.with(parent, |parent| parent.links.first = pid),
        }
        self.with(parent, |parent| parent.links.last = pid);
    }

    /// Takes `pid` out of its parent's list.
    pub(super) fn unlink(&mut self, pid: Pid) {
        let Some(process) = self.get(pid) else { return };
        let (parent, links) = (process.parent, process.links);
        match self.get_mut(links.previous) {
            Some(elder) => elder.links.next = links.next,
            None => self.with(parent, |parent| parent.links.first = links.next),
        }
        match self.get_mut(links.next) {
            Some(younger) => younger.links.previous = links.previous,
            None => self.with(parent, |parent| parent.links.last = links.previous),
        }
    }

    fn with(&mut self, pid: Pid, change: impl FnOnce(&mut Process)) {
        if let Some(process) = self.get_mut(pid) {
            change(process);
        }
    }

    pub(super) fn join(&mut self, group: u32, session: u32, alive: bool) {
        let place = &mut self.slots[slot(Pid(group))];
        place.members += 1;
        place.alive += u32::from(alive);
        place.session = session;
        self.slots[slot(Pid(session))].session_members += 1;
    }

    pub(super) fn leave(&mut self, group: u32, session: u32, alive: bool) {
        let place = &mut self.slots[slot(Pid(group))];
        place.members -= 1;
        place.alive -= u32::from(alive);
        self.slots[slot(Pid(session))].session_members -= 1;
    }

    fn is_anchor(&self, pid: Pid) -> bool {
        let Some(process) = self.living(pid) else {
            return false;
        };
        self.get(process.parent).is_some_and(|parent| {
            parent.session == process.session && parent.group != process.group
        })
    }

    /// Counts `pid` as an anchor of its group if it is one now.
    pub(super) fn anchor(&mut self, pid: Pid) {
        if let (true, Some(group)) = (
            self.is_anchor(pid),
            self.get(pid).map(|process| process.group),
        ) {
            self.slots[slot(Pid(group))].anchors += 1;
        }
    }

    /// No longer counts `pid`, before something changes that it depends on. Answers with its group
    /// if it was the last anchor.
    pub(super) fn unanchor(&mut self, pid: Pid) -> Option<u32> {
        if !self.is_anchor(pid) {
            return None;
        }
        let group = self.get(pid)?.group;
        let place = &mut self.slots[slot(Pid(group))];
        place.anchors -= 1;
        (place.anchors == 0).then_some(group)
    }

    pub(super) fn disown(&mut self, uid: u32) {
        let Some(count) = self.owners.get_mut(&uid) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            self.owners.remove(&uid);
        }
    }
}
