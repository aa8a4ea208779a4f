//! The process table: slots by pid, the tree, groups and sessions.
//!
//! Invariants, which a property test compares with a slow model: the slot of a pid is
//! `pid % CAPACITY`; a slot is given to a new pid only when neither a process nor a group nor a
//! session bears its old one; `members`, `alive` and `anchors` of a group are what counting would
//! give. An *anchor* is a living member whose parent is in another group of the same session; a
//! group without one is orphaned (POSIX, 3.264).

mod threads;
mod tree;

use crate::process::{Life, Links, Process};
use abi::Errno;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use proto::Pid;
use proto::publish::{CAPACITY, slot};
use serde::{Deserialize, Serialize};

/// Pids are below this number, as `/proc/sys/kernel/pid_max` says.
pub const PID_MAX: u32 = 32_768;
/// After wrapping, pids start again here, so that the low ones stay with the first processes.
const FIRST_AFTER_WRAP: u32 = 300;
/// Slots that only root may use, so that an administrator can still log in.
const ROOT_RESERVE: u32 = 16;
/// The first process.
pub const INIT: Pid = Pid(1);

/// A slot, and what is known of the group and the session whose number it has.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Slot {
    process: Option<Box<Process>>,
    /// The pid that has or had the slot; the counters below are of this number.
    id: u32,
    /// Processes in the group of this number, zombies included.
    members: u32,
    /// Those that have not ended.
    alive: u32,
    /// Those that keep the group from being orphaned.
    anchors: u32,
    /// The group's session.
    session: u32,
    /// Processes in the session of this number, zombies included.
    session_members: u32,
    /// Processes that use the memory of the process of this number, which may be gone.
    borrowers: u32,
}

impl Slot {
    fn is_free(&self) -> bool {
        self.process.is_none()
            && self.members == 0
            && self.session_members == 0
            && self.borrowers == 0
    }
}

/// All processes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Table {
    slots: Vec<Slot>,
    last_pid: u32,
    used: u32,
    /// Processes by real user id, for `RLIMIT_NPROC`.
    owners: BTreeMap<u32, u32>,
    /// Threads whose number is not their process's: the process of each.
    threads: BTreeMap<u32, Pid>,
}

impl Default for Table {
    fn default() -> Self {
        let slots = (0..CAPACITY).map(|_| Slot::default()).collect();
        Table {
            slots,
            last_pid: INIT.0,
            used: 0,
            owners: BTreeMap::new(),
            threads: BTreeMap::new(),
        }
    }
}

impl Table {
    /// A process, living or zombie.
    pub fn get(&self, pid: Pid) -> Option<&Process> {
        self.slots[slot(pid)]
            .process
            .as_deref()
            .filter(|process| process.pid == pid)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, pid: Pid) -> Option<&mut Process> {
        self.slots[slot(pid)]
            .process
            .as_deref_mut()
            .filter(|process| process.pid == pid)
    }

    /// A process that has not ended.
    pub fn living(&self, pid: Pid) -> Option<&Process> {
        self.get(pid).filter(|process| process.is_alive())
    }

    /// The same, to change it.
    pub fn living_mut(&mut self, pid: Pid) -> Option<&mut Process> {
        self.get_mut(pid).filter(|process| process.is_alive())
    }

    /// All processes, zombies included. For what is rare: it looks at every slot.
    pub fn iter(&self) -> impl Iterator<Item = &Process> {
        self.slots.iter().filter_map(|slot| slot.process.as_deref())
    }

    /// Number of processes, zombies included.
    pub fn len(&self) -> usize {
        self.used as usize
    }

    /// Whether there is no process.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// The pids of the children, eldest first.
    pub fn children(&self, pid: Pid) -> Children<'_> {
        let next = self.get(pid).map_or(Pid(0), |process| process.links.first);
        Children { table: self, next }
    }

    /// Processes of a real user.
    pub fn owned_by(&self, uid: u32) -> u32 {
        self.owners.get(&uid).copied().unwrap_or(0)
    }

    /// A pid for a new process: the next one whose slot is free.
    ///
    /// # Errors
    /// `EAGAIN` if there is none, or only those that are kept for root.
    pub fn free_pid(&self, privileged: bool) -> Result<Pid, Errno> {
        let reserve = if privileged { 0 } else { ROOT_RESERVE };
        if self.used + reserve >= CAPACITY as u32 {
            return Err(Errno::EAGAIN);
        }

        // One more than the slots: wrapping skips some, which may be the only free ones.
        let mut pid = self.last_pid;
        for _ in 0..2 * CAPACITY {
            pid = if pid + 1 >= PID_MAX {
                FIRST_AFTER_WRAP
            } else {
                pid + 1
            };
            if self.slots[slot(Pid(pid))].is_free() && !self.is_thread(pid) {
                return Ok(Pid(pid));
            }
        }
        Err(Errno::EAGAIN)
    }

    /// Enters a process whose slot is free, as the youngest child of its parent.
    pub fn insert(&mut self, mut process: Process) {
        let (pid, parent) = (process.pid, process.parent);
        process.links = Links::default();
        let (group, session) = (process.group, process.session);
        *self.owners.entry(process.credentials.uid[0]).or_default() += 1;
        self.used += 1;
        if pid != INIT {
            self.last_pid = pid.0;
        }

        let place = &mut self.slots[slot(pid)];
        (place.id, place.session) = (pid.0, session);
        place.process = Some(Box::new(process));
        self.link(pid, parent);
        self.join(group, session, true);
        self.anchor(pid);
    }

    /// Takes a process out. Its children must have been given to another parent.
    pub fn remove(&mut self, pid: Pid) -> Option<Box<Process>> {
        self.get(pid)?;
        self.unanchor(pid);
        self.unlink(pid);
        let process = self.slots[slot(pid)].process.take()?;
        self.forget_threads(pid);
        self.leave(process.group, process.session, process.is_alive());
        self.disown(process.credentials.uid[0]);
        self.used -= 1;
        Some(process)
    }

    /// Notes that the real user of a process has changed from `old` to `new`.
    pub fn change_owner(&mut self, old: u32, new: u32) {
        self.disown(old);
        *self.owners.entry(new).or_default() += 1;
    }

    /// Makes a process a zombie. Answers with its group if that is orphaned by it.
    pub fn end(&mut self, pid: Pid, status: u32) -> Option<u32> {
        let lost = self.unanchor(pid);
        let process = self.living_mut(pid)?;
        process.life = Life::Zombie(status);
        self.forget_threads(pid);
        let process = self.get_mut(pid)?;
        let group = process.group;
        self.slots[slot(Pid(group))].alive -= 1;
        lost.filter(|&group| self.is_orphaned(group))
    }

    /// Gives a child to another parent. Answers with its group if that is orphaned by it.
    pub fn adopt(&mut self, child: Pid, parent: Pid) -> Option<u32> {
        let lost = self.unanchor(child);
        self.unlink(child);
        self.link(child, parent);
        self.anchor(child);
        lost.filter(|&group| self.is_orphaned(group))
    }

    /// Moves a process to another group (and session). Answers with the groups that are orphaned by it.
    pub fn move_to(&mut self, pid: Pid, group: u32, session: u32) -> Vec<u32> {
        let family: Vec<Pid> = core::iter::once(pid).chain(self.children(pid)).collect();
        let lost: Vec<u32> = family
            .iter()
            .filter_map(|&member| self.unanchor(member))
            .collect();
        if let Some(process) = self.get_mut(pid) {
            let (old_group, old_session, alive) =
                (process.group, process.session, process.is_alive());
            (process.group, process.session) = (group, session);
            self.leave(old_group, old_session, alive);
            self.join(group, session, alive);
        }
        family.iter().for_each(|&member| self.anchor(member));
        lost.into_iter()
            .filter(|&group| self.is_orphaned(group))
            .collect()
    }

    /// The session of a group; `None` if it has no members.
    pub fn group_session(&self, group: u32) -> Option<u32> {
        let slot = &self.slots[slot(Pid(group))];
        (slot.id == group && slot.members > 0).then_some(slot.session)
    }

    /// Whether a group has living members, and none whose parent could look after it.
    pub fn is_orphaned(&self, group: u32) -> bool {
        let slot = &self.slots[slot(Pid(group))];
        slot.id == group && slot.alive > 0 && slot.anchors == 0
    }

    /// The members of a group, zombies included. Looks at every slot.
    pub fn members(&self, group: u32) -> Vec<Pid> {
        self.iter()
            .filter(|process| process.group == group)
            .map(|process| process.pid)
            .collect()
    }
}

/// Iterator over children.
pub struct Children<'a> {
    table: &'a Table,
    next: Pid,
}

impl Iterator for Children<'_> {
    type Item = Pid;

    fn next(&mut self) -> Option<Pid> {
        let process = self.table.get(self.next)?;
        self.next = process.links.next;
        Some(process.pid)
    }
}
