//! `epoll`: which of many descriptors have something to tell.
//!
//! A watch keeps a list of the entries that may be ready, in the order in which they became so. A
//! change puts an entry on the list; a wait looks at the entries of the list only, and leaves those on
//! it that are still ready and not edge-triggered. So nothing is looked at that did not change.

use crate::layout::{EPOLL_EVENT_BYTES, epoll_event};
use crate::linux::{self, EPOLLET, EPOLLEXCLUSIVE, EPOLLONESHOT, EPOLLWAKEUP, POLLIN};
use crate::node::{Kind, NodeId, NodeRef};
use crate::park::{Attempt, Call, Cause, DONE, Resume, Step, count};
use crate::poll::ALWAYS;
use crate::ports::{Platform, Ports};
use crate::process::OpenId;
use crate::vfs::{Vfs, known};
use abi::Errno;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use proto::Pid;
use proto::port::Callers;
use proto::vfs::Fd;
use serde::{Deserialize, Serialize};

/// Bits of an entry that are no events.
const PRIVATE: u32 = EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET;
/// What may come with `EPOLLEXCLUSIVE`.
const WITH_EXCLUSIVE: u32 =
    (linux::POLLIN | linux::POLLOUT | ALWAYS) as u32 | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
/// Events that are told without being asked for.
const UNASKED: u32 = (linux::POLLERR | linux::POLLHUP) as u32;
/// How deep watches may watch each other.
const DEPTH: u32 = 5;

/// What is watched: an open file, by the descriptor that it was named with.
pub type Key = (OpenId, Fd);

/// One entry of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Events asked for, and how they are told.
    pub events: u32,
    /// What the program wants to hear back.
    pub data: u64,
    /// The file behind the open file.
    node: NodeId,
    /// It is on the list of those that may be ready.
    listed: bool,
}

impl Entry {
    /// What of `events` is to be told.
    fn told(&self, events: i16) -> u32 {
        if self.events & !PRIVATE == 0 {
            return 0;
        }
        u32::from(events as u16) & (self.events | UNASKED)
    }
}

/// A watch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    entries: BTreeMap<Key, Entry>,
    /// Entries that may be ready, the longest ready first.
    ready: VecDeque<Key>,
}

/// Who watches a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watcher {
    /// The watch's node.
    watch: NodeId,
    /// Which of its entries.
    key: Key,
}

/// What a look at a watch's list found.
#[derive(Default)]
struct Looked {
    /// Entries that are ready, with their events and data.
    ready: Vec<(Key, u32, u64)>,
    /// Entries that are not, any more.
    stale: Vec<Key>,
}

impl Watch {
    fn list(&mut self, key: Key) {
        if let Some(entry) = self.entries.get_mut(&key)
            && !entry.listed
        {
            entry.listed = true;
            self.ready.push_back(key);
        }
    }

    fn unlist(&mut self, key: Key) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.listed = false;
        }
        self.ready.retain(|&other| other != key);
    }

    fn remove(&mut self, key: Key) -> Option<Entry> {
        self.unlist(key);
        self.entries.remove(&key)
    }

    /// After an entry was told: whether it stays on the list.
    fn tell(&mut self, key: Key) {
        self.unlist(key);
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        if entry.events & EPOLLONESHOT != 0 {
            entry.events &= PRIVATE;
        } else if entry.events & EPOLLET == 0 {
            self.list(key);
        }
    }
}

impl Vfs {
    /// `epoll_create1`.
    pub(crate) fn make_watch<P: Platform>(
        &mut self,
        call: &Call,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::O_CLOEXEC)?;
        self.add_object(call, Kind::Watch(Box::default()), flags, ports)
    }

    fn watch_of(&self, call: &Call, fd: Fd) -> Result<NodeId, Errno> {
        match self.object(call, fd)? {
            (id, Kind::Watch(_)) => Ok(id),
            _ => Err(Errno::EINVAL),
        }
    }

    fn watch(&self, id: NodeId) -> Result<&Watch, Errno> {
        match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::Watch(watch)) => Ok(watch),
            _ => Err(Errno::EINVAL),
        }
    }

    fn watch_mut(&mut self, id: NodeId) -> Result<&mut Watch, Errno> {
        match self.nodes.get_mut(id).map(|node| &mut node.kind) {
            Some(Kind::Watch(watch)) => Ok(watch),
            _ => Err(Errno::EINVAL),
        }
    }

    /// `epoll_ctl`.
    pub(crate) fn change_watch<P: Platform>(
        &mut self,
        call: &Call,
        (watch, fd): (Fd, Fd),
        operation: u32,
        (events, data): (u32, u64),
        ports: &mut Ports<P>,
    ) -> Attempt {
        self.open_file(call.pid, watch)?;
        let open = self.open_id(call.pid, fd)?;
        let node = self.watchable(open)?;
        let id = self.watch_of(call, watch)?;
        if open == self.open_id(call.pid, watch)? {
            return Err(Errno::EINVAL.into());
        }
        let key = (open, fd);
        let known = self.watch(id)?.entries.get(&key).copied();
        let entry = Entry {
            events: events | UNASKED,
            data,
            node,
            listed: false,
        };
        match (operation, known) {
            (linux::EPOLL_CTL_ADD, Some(_)) => return Err(Errno::EEXIST.into()),
            (linux::EPOLL_CTL_ADD, None) => self.add_entry(id, key, entry)?,
            (linux::EPOLL_CTL_DEL | linux::EPOLL_CTL_MOD, None) => {
                return Err(Errno::ENOENT.into());
            }
            (linux::EPOLL_CTL_DEL, Some(_)) => {
                self.watch_mut(id)?.remove(key);
                self.unwatch(node, |watcher| watcher.watch == id && watcher.key == key);
                return DONE;
            }
            (linux::EPOLL_CTL_MOD, Some(old)) => {
                if (events | old.events) & EPOLLEXCLUSIVE != 0 {
                    return Err(Errno::EINVAL.into());
                }
                let watch = self.watch_mut(id)?;
                watch.unlist(key);
                watch.entries.insert(key, entry);
            }
            _ => return Err(Errno::EINVAL.into()),
        }
        if entry.told(self.events_of(call.pid, open, ports)) != 0 {
            self.watch_mut(id)?.list(key);
            self.woke(id, POLLIN);
        }
        DONE
    }

    /// The node of an open file that can be waited for.
    fn watchable(&self, open: OpenId) -> Result<NodeId, Errno> {
        let file = self.opens.get(open).ok_or(Errno::EBADF)?;
        if file.flags & linux::O_PATH != 0 {
            return Err(Errno::EBADF);
        }
        let NodeRef::Stored(id) = file.place.node else {
            return Err(Errno::EPERM);
        };
        match self.nodes.get(id).map(|node| &node.kind) {
            Some(
                Kind::Pipe(_)
                | Kind::Counter(_)
                | Kind::Timer(_)
                | Kind::Watch(_)
                | Kind::Signals(_)
                | Kind::Process(_)
                | Kind::Endpoint(_)
                | Kind::Queue(_)
                | Kind::Notices(_),
            ) => Ok(id),
            Some(Kind::Character(number)) if crate::device::can_wait(*number) => Ok(id),
            Some(_) => Err(Errno::EPERM),
            None => Err(Errno::EBADF),
        }
    }

    fn add_entry(&mut self, id: NodeId, key: Key, entry: Entry) -> Result<(), Errno> {
        if entry.events & EPOLLEXCLUSIVE != 0 && entry.events & !WITH_EXCLUSIVE != 0 {
            return Err(Errno::EINVAL);
        }
        if self.watch(entry.node).is_ok() {
            if entry.events & EPOLLEXCLUSIVE != 0 {
                return Err(Errno::EINVAL);
            }
            if self.reaches(entry.node, id, DEPTH)? {
                return Err(Errno::ELOOP);
            }
        }
        if self.watchers >= self.limits.opens {
            return Err(Errno::ENOSPC);
        }
        self.watch_mut(id)?.entries.insert(key, entry);
        self.watchers += 1;
        let watchers = self.watched.entry(entry.node).or_default();
        watchers.push(Watcher { watch: id, key });
        Ok(())
    }

    /// Whether watch `from` watches `to`, itself or through others.
    fn reaches(&self, from: NodeId, to: NodeId, depth: u32) -> Result<bool, Errno> {
        if from == to {
            return Ok(true);
        }
        let deeper = depth.checked_sub(1).ok_or(Errno::ELOOP)?;
        let Ok(watch) = self.watch(from) else {
            return Ok(false);
        };
        if deeper == 0 {
            return Err(Errno::ELOOP);
        }
        for entry in watch.entries.values() {
            if self.watch(entry.node).is_ok() && self.reaches(entry.node, to, deeper)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn unwatch(&mut self, node: NodeId, gone: impl Fn(&Watcher) -> bool) {
        if let Some(watchers) = self.watched.get_mut(&node) {
            let before = watchers.len();
            watchers.retain(|watcher| !gone(watcher));
            self.watchers -= before - watchers.len();
            if watchers.is_empty() {
                self.watched.remove(&node);
            }
        }
    }

    /// Puts the entries that want one of `events` of a file on their watches' lists.
    #[inline]
    pub(crate) fn mark(&mut self, node: NodeId, events: i16) {
        if !self.watched.is_empty() {
            self.mark_watchers(node, events);
        }
    }

    #[cold]
    fn mark_watchers(&mut self, node: NodeId, events: i16) {
        let watchers = self.watched.get(&node).cloned().unwrap_or_default();
        for Watcher { watch: id, key } in watchers {
            let Ok(watch) = self.watch_mut(id) else {
                continue;
            };
            let wants = watch.entries.get(&key).map(|entry| entry.told(events));
            if wants.is_some_and(|wants| wants != 0) {
                watch.list(key);
                // At most `DEPTH` watches watch each other.
                self.woke(id, POLLIN);
            }
        }
    }

    /// Marks everything that watches a terminal: which one changed is not said.
    pub(crate) fn mark_terminals(&mut self) {
        let terminals: Vec<NodeId> = self
            .watched
            .keys()
            .copied()
            .filter(|&id| {
                matches!(
                    self.nodes.get(id).map(|node| &node.kind),
                    Some(Kind::Character(_))
                )
            })
            .collect();
        for id in terminals {
            self.mark(id, POLLIN | linux::POLLOUT | linux::POLLHUP);
        }
    }

    /// An open file ends: nobody watches it any more.
    pub(crate) fn forget_watched(&mut self, open: OpenId, node: NodeId) {
        let watchers = self.watched.get(&node).cloned().unwrap_or_default();
        for watcher in watchers.iter().filter(|watcher| watcher.key.0 == open) {
            if let Ok(watch) = self.watch_mut(watcher.watch) {
                watch.remove(watcher.key);
            }
        }
        self.unwatch(node, |watcher| watcher.key.0 == open);
    }

    /// A watch ends.
    pub(crate) fn end_watch(&mut self, id: NodeId) {
        let Ok(watch) = self.watch_mut(id) else {
            return;
        };
        for entry in core::mem::take(&mut watch.entries).into_values() {
            self.unwatch(entry.node, |watcher| watcher.watch == id);
        }
    }

    /// The entries on a watch's list that are ready, as many as `most`, and those that are not.
    fn collect<P: Platform>(
        &self,
        pid: Pid,
        id: NodeId,
        most: usize,
        ports: &mut Ports<P>,
    ) -> Result<Looked, Errno> {
        let watch = self.watch(id)?;
        let mut looked = Looked::default();
        for &key in &watch.ready {
            if looked.ready.len() >= most {
                break;
            }
            let Some(entry) = watch.entries.get(&key) else {
                continue;
            };
            match entry.told(self.events_of(pid, key.0, ports)) {
                0 => looked.stale.push(key),
                events => looked.ready.push((key, events, entry.data)),
            }
        }
        Ok(looked)
    }

    /// Whether a watch has something to tell.
    pub(crate) fn watch_events<P: Platform>(
        &self,
        pid: Pid,
        id: NodeId,
        ports: &mut Ports<P>,
    ) -> i16 {
        match self.collect(pid, id, 1, ports) {
            Ok(looked) if !looked.ready.is_empty() => POLLIN | linux::POLLRDNORM,
            _ => 0,
        }
    }

    /// `epoll_wait`.
    pub(crate) fn await_watch<P: Platform>(
        &mut self,
        call: &Call,
        watch: Fd,
        timeout_ns: u64,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let id = self.watch_of(call, watch)?;
        let most = call.leases[0].bytes / EPOLL_EVENT_BYTES;
        if most == 0 {
            return Err(Errno::EINVAL.into());
        }
        let Looked { ready, stale } = self.collect(call.pid, id, most, ports)?;
        if !ready.is_empty() {
            let told = ready.iter();
            let bytes: Vec<u8> = told
                .flat_map(|&(_, events, data)| epoll_event(events, data))
                .collect();
            ports.callers.write(call.token, 0, 0, &bytes)?;
        }
        let watch = self.watch_mut(id)?;
        for key in stale {
            watch.unlist(key);
        }
        for &(key, ..) in &ready {
            watch.tell(key);
        }
        if !ready.is_empty() {
            return count(ready.len() as u64);
        }
        match Self::wait_until(Cause::Object(id), timeout_ns, resume, ports) {
            Some(wait) => Ok(Step::Wait(wait)),
            None => count(0),
        }
    }
}
