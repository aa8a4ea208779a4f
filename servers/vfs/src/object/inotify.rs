//! `inotify`: a queue of what happened to files that somebody wants to hear of.
//!
//! Who hears of a file is kept by the file's node ([`Vfs::noticed`]); while nobody does, an event costs one
//! look at an empty map. A directory hears of what happens to the files that have a name in it: they are
//! found by asking the directories that are noticed, so that an open file need not know its name.

use crate::linux::{self, POLLIN};
use crate::node::{Kind, NodeId, NodeRef};
use crate::park::{Attempt, Call, Cause, DONE, Step, Wait, count};
use crate::path::LastLink;
use crate::permission::{self, READ};
use crate::ports::{Platform, Ports};
use crate::requests::text::{Empty, PathText};
use crate::vfs::{Vfs, known};
use abi::Errno;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use proto::port::Callers;
use proto::vfs::{AT_FDCWD, Fd};
use serde::{Deserialize, Serialize};

/// Events that a queue keeps (Linux: `fs.inotify.max_queued_events`).
pub const MOST_EVENTS: usize = 16384;
/// Most queues of all processes (Linux: `fs.inotify.max_user_instances`, of a user).
pub const MOST_QUEUES: usize = 128;
/// Most files that all queues hear of together (Linux: `fs.inotify.max_user_watches`, of a user).
pub const MOST_WATCHES: usize = 8192;
/// Bytes of a `struct inotify_event` without a name.
const EVENT_BYTES: usize = 16;

/// Which files a queue hears of, and what happened to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    watches: BTreeMap<i32, Watched>,
    /// The last number that was given to a watch.
    last: i32,
    events: VecDeque<Event>,
    /// What the events take, as they are read.
    bytes: usize,
}

/// A file that a queue hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Watched {
    /// `None` for one that nothing ever happens to (in `/proc`).
    node: Option<NodeId>,
    /// `IN_*`
    mask: u32,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Event {
    watch: i32,
    mask: u32,
    cookie: u32,
    name: Vec<u8>,
}

impl Event {
    /// Bytes of its name as a reader gets it: zeros up to a multiple of an event without one.
    fn name_bytes(&self) -> usize {
        match self.name.len() {
            0 => 0,
            length => (length + 1).next_multiple_of(EVENT_BYTES),
        }
    }

    fn bytes(&self) -> usize {
        EVENT_BYTES + self.name_bytes()
    }

    fn write(&self, into: &mut Vec<u8>) {
        let length = self.name_bytes();
        for word in [self.watch as u32, self.mask, self.cookie, length as u32] {
            into.extend_from_slice(&word.to_le_bytes());
        }
        let end = into.len() + length;
        into.extend_from_slice(&self.name);
        into.resize(end, 0);
    }
}

impl Notices {
    /// What `poll` says of it.
    pub fn ready(&self) -> i16 {
        if self.events.is_empty() { 0 } else { POLLIN }
    }

    /// Bytes that can be read.
    pub fn readable_bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps an event, unless it is the same as the last one. What comes when the queue is full is lost,
    /// and that is an event, too.
    fn push(&mut self, event: Event) {
        let event = if self.events.len() < MOST_EVENTS {
            event
        } else {
            Event {
                watch: -1,
                mask: linux::IN_Q_OVERFLOW,
                cookie: 0,
                name: Vec::new(),
            }
        };
        if self.events.back() != Some(&event) {
            self.bytes += event.bytes();
            self.events.push_back(event);
        }
    }

    /// A watch is over.
    fn end(&mut self, watch: i32) -> Option<Watched> {
        let watched = self.watches.remove(&watch)?;
        self.push(Event {
            watch,
            mask: linux::IN_IGNORED,
            cookie: 0,
            name: Vec::new(),
        });
        Some(watched)
    }
}

/// What is told of an event beside its mask.
#[derive(Clone, Copy, Default)]
struct About<'a> {
    name: &'a [u8],
    cookie: u32,
}

impl Vfs {
    /// `inotify_init1`.
    pub(crate) fn make_notices<P: Platform>(
        &mut self,
        call: &Call,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::O_CLOEXEC | linux::O_NONBLOCK)?;
        if self.notice_queues >= MOST_QUEUES {
            return Err(Errno::EMFILE.into());
        }
        self.check_opens()?;
        let place = self.new_object(call, Kind::Notices(Default::default()), ports)?;
        self.notice_queues += 1;
        let open = self.add_open(place, linux::O_RDONLY | flags & linux::O_NONBLOCK);
        self.name_open(call, open, flags, ports)
    }

    fn notices(&mut self, id: NodeId) -> Option<&mut Notices> {
        match self.nodes.get_mut(id).map(|node| &mut node.kind) {
            Some(Kind::Notices(notices)) => Some(notices),
            _ => None,
        }
    }

    /// The queue that a descriptor names.
    fn notices_of(&self, call: &Call, fd: Fd) -> Result<NodeId, Errno> {
        match self.object(call, fd)? {
            (id, Kind::Notices(_)) => Ok(id),
            _ => Err(Errno::EINVAL),
        }
    }

    /// `inotify_add_watch`.
    pub(crate) fn add_notice<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        mask: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let both = linux::IN_MASK_ADD | linux::IN_MASK_CREATE;
        if mask & linux::IN_ALL == 0 || mask & both == both {
            return Err(Errno::EINVAL.into());
        }
        let queue = self.notices_of(call, fd)?;
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let who = self.who(call.pid, &ports.system)?;
        let last = match mask & linux::IN_DONT_FOLLOW {
            0 => LastLink::Follow,
            _ => LastLink::Keep,
        };
        let place = self.place_at(call, &who, AT_FDCWD, &path, (last, Empty::Refused))?;
        if mask & linux::IN_ONLYDIR != 0 && !self.is_directory(place) {
            return Err(Errno::ENOTDIR.into());
        }
        permission::check(&who.identity, self.ownership(&who, place)?, READ)?;
        let node = match place.node {
            NodeRef::Stored(id) => Some(id),
            NodeRef::Proc(_) => None,
        };
        count(self.set_notice(queue, node, mask)? as u64)
    }

    /// Lets a queue hear of a file, or of other events of it; the watch's number.
    fn set_notice(&mut self, queue: NodeId, node: Option<NodeId>, mask: u32) -> Result<i32, Errno> {
        let kept = mask & (linux::IN_ALL_EVENTS | linux::IN_ONESHOT | linux::IN_EXCL_UNLINK);
        let full = self.noticed.values().map(Vec::len).sum::<usize>() >= MOST_WATCHES;
        let notices = self.notices(queue).ok_or(Errno::EINVAL)?;
        let mut watches = notices.watches.iter_mut();
        let old = watches.find(|(_, watched)| node.is_some() && watched.node == node);
        if let Some((&number, watched)) = old {
            if mask & linux::IN_MASK_CREATE != 0 {
                return Err(Errno::EEXIST);
            }
            let added = mask & linux::IN_MASK_ADD != 0;
            watched.mask = kept | if added { watched.mask } else { 0 };
            return Ok(number);
        }
        if full {
            return Err(Errno::ENOSPC);
        }
        let number = notices.last.checked_add(1).ok_or(Errno::ENOSPC)?;
        notices.last = number;
        notices.watches.insert(number, Watched { node, mask: kept });
        if let Some(node) = node {
            self.noticed.entry(node).or_default().push((queue, number));
        }
        Ok(number)
    }

    /// `inotify_rm_watch`.
    pub(crate) fn remove_notice(&mut self, call: &Call, fd: Fd, watch: i32) -> Attempt {
        let queue = self.notices_of(call, fd)?;
        self.end_inotify_watch(queue, watch).ok_or(Errno::EINVAL)?;
        DONE
    }

    /// Ends a watch, and says so.
    fn end_inotify_watch(&mut self, queue: NodeId, watch: i32) -> Option<()> {
        let watched = self.notices(queue)?.end(watch)?;
        if let Some(node) = watched.node {
            self.unnotice(node, (queue, watch));
        }
        self.woke(queue, POLLIN);
        Some(())
    }

    fn unnotice(&mut self, node: NodeId, which: (NodeId, i32)) {
        if let Some(list) = self.noticed.get_mut(&node) {
            list.retain(|&other| other != which);
            if list.is_empty() {
                self.noticed.remove(&node);
            }
        }
    }

    /// The last descriptor of a queue is gone.
    pub(crate) fn end_notices(&mut self, queue: NodeId) {
        self.notice_queues = self.notice_queues.saturating_sub(1);
        let Some(notices) = self.notices(queue) else {
            return;
        };
        let watches = core::mem::take(&mut notices.watches);
        for (number, watched) in watches {
            if let Some(node) = watched.node {
                self.unnotice(node, (queue, number));
            }
        }
    }

    /// `read` of a queue: as many events as fit.
    pub(crate) fn read_notices<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        waits: bool,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let notices = self.notices(id).ok_or(Errno::EIO)?;
        let room = call.leases[0].bytes;
        let Some(first) = notices.events.front() else {
            return match waits {
                true => Ok(Step::Wait(Wait::on(Cause::Object(id)))),
                false => Err(Errno::EAGAIN.into()),
            };
        };
        if first.bytes() > room {
            return Err(Errno::EINVAL.into());
        }
        let (mut bytes, mut taken) = (Vec::new(), 0);
        for event in &notices.events {
            if bytes.len() + event.bytes() > room {
                break;
            }
            event.write(&mut bytes);
            taken += 1;
        }
        ports.callers.write(call.token, 0, 0, &bytes)?;
        notices.events.drain(..taken);
        notices.bytes -= bytes.len();
        count(bytes.len() as u64)
    }

    /// Something happened to a file: told to who hears of it, and to who hears of directories that it
    /// has a name in.
    #[inline(always)]
    pub(crate) fn tell(&mut self, id: NodeId, mask: u32) {
        if !self.noticed.is_empty() {
            self.tell_all(id, mask);
        }
    }

    #[cold]
    fn tell_all(&mut self, id: NodeId, mask: u32) {
        let mask = mask | self.directory_bit(id);
        for (directory, name) in self.noticed_names(id) {
            self.tell_watchers(
                directory,
                mask,
                About {
                    name: &name,
                    cookie: 0,
                },
            );
        }
        self.tell_watchers(id, mask, About::default());
    }

    /// Something happened that only who hears of the file itself is told.
    pub(crate) fn tell_itself(&mut self, id: NodeId, mask: u32) {
        if !self.noticed.is_empty() {
            let mask = mask | self.directory_bit(id);
            self.tell_watchers(id, mask, About::default());
        }
    }

    /// Something happened to a name in a directory, which stands or stood for `id`.
    pub(crate) fn tell_entry(&mut self, directory: NodeId, name: &[u8], id: NodeId, mask: u32) {
        self.tell_move(directory, name, id, (mask, 0));
    }

    /// As [`Vfs::tell_entry`], with the number that both halves of a move have.
    pub(crate) fn tell_move(
        &mut self,
        directory: NodeId,
        name: &[u8],
        id: NodeId,
        (mask, cookie): (u32, u32),
    ) {
        if !self.noticed.is_empty() {
            let mask = mask | self.directory_bit(id);
            self.tell_watchers(directory, mask, About { name, cookie });
        }
    }

    /// The number of the next move.
    pub(crate) fn next_cookie(&mut self) -> u32 {
        self.cookie = self.cookie.wrapping_add(1).max(1);
        self.cookie
    }

    fn directory_bit(&self, id: NodeId) -> u32 {
        match self.nodes.get(id) {
            Some(node) if node.is_directory() => linux::IN_ISDIR,
            _ => 0,
        }
    }

    /// The directories somebody hears of that have a name for the node.
    fn noticed_names(&self, id: NodeId) -> Vec<(NodeId, Vec<u8>)> {
        let names = self.noticed.keys().filter_map(|&directory| {
            let entries = self.nodes.get(directory)?.directory()?;
            Some((directory, entries.name_of(id)?.to_vec()))
        });
        names.collect()
    }

    fn tell_watchers(&mut self, id: NodeId, mask: u32, about: About<'_>) {
        let Some(watchers) = self.noticed.get(&id) else {
            return;
        };
        for (queue, number) in watchers.clone() {
            let Some(notices) = self.notices(queue) else {
                continue;
            };
            let Some(&watched) = notices.watches.get(&number) else {
                continue;
            };
            if mask & watched.mask & linux::IN_ALL_EVENTS == 0 {
                continue;
            }
            // As on Linux, a directory is not called one when it is itself what goes or moves.
            let itself = mask & (linux::IN_DELETE_SELF | linux::IN_MOVE_SELF) != 0;
            let told = linux::IN_ALL_EVENTS | if itself { 0 } else { linux::IN_ISDIR };
            notices.push(Event {
                watch: number,
                mask: mask & told,
                cookie: about.cookie,
                name: about.name.to_vec(),
            });
            self.woke(queue, POLLIN);
            if watched.mask & linux::IN_ONESHOT != 0 {
                self.end_inotify_watch(queue, number);
            }
        }
    }

    /// A node is gone for good.
    pub(crate) fn end_noticed(&mut self, id: NodeId, mask: u32) {
        if self.noticed.is_empty() {
            return;
        }
        self.tell_itself(id, mask);
        for (queue, number) in self.noticed.get(&id).cloned().unwrap_or_default() {
            self.end_inotify_watch(queue, number);
        }
    }
}
