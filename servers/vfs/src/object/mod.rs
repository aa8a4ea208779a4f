//! Files that are no files: counters, timers, watches and signals, which have descriptors but no names,
//! and message queues, whose names are no paths.
//!
//! Each of the former is a node without a name and one open file, so it ends with its last descriptor. A change is
//! told by [`Vfs::woke`], with the events that may have become true.

pub mod counter;
pub mod inotify;
pub mod notice;
pub mod process;
pub mod queue;
pub mod signals;
pub mod timer;
pub mod watch;

use crate::linux;
use crate::node::{Kind, Node, NodeId, NodeRef, Place};
use crate::park::{Attempt, Call, Cause, count};
use crate::ports::{Platform, Ports};
use crate::vfs::{Vfs, identity};
use abi::Errno;
use proto::port::Callers;
use proto::vfs::Fd;

/// Bytes that a counter or a timer gives and takes.
const NUMBER_BYTES: usize = 8;

impl Vfs {
    /// A new object and its descriptor.
    pub(crate) fn add_object<P: Platform>(
        &mut self,
        call: &Call,
        kind: Kind,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        self.check_opens()?;
        let place = self.new_object(call, kind, ports)?;
        let open = self.add_open(place, linux::O_RDWR | flags & linux::O_NONBLOCK);
        self.name_open(call, open, flags, ports)
    }

    /// A node without a name; whoever opens it first keeps it alive.
    pub(crate) fn new_object<P: Platform>(
        &mut self,
        call: &Call,
        kind: Kind,
        ports: &mut Ports<P>,
    ) -> Result<Place, Errno> {
        let now = self.now(&mut ports.system);
        let who = identity(call.pid, &ports.system)?;
        let mut node = Node::new(kind, 0o600, now);
        (node.links, node.uid, node.gid) = (0, who.uid, who.gid);
        self.admit(&node)?;
        Ok(Place {
            mount: 0,
            node: NodeRef::Stored(self.nodes.insert(node)),
        })
    }

    /// The node that a descriptor names.
    pub(crate) fn object(&self, call: &Call, fd: Fd) -> Result<(NodeId, &Kind), Errno> {
        let file = self.open_file(call.pid, fd)?;
        if file.flags & linux::O_PATH != 0 {
            return Err(Errno::EBADF);
        }
        let id = self.stored(file.place).ok_or(Errno::EINVAL)?;
        Ok((id, &self.nodes.get(id).ok_or(Errno::EBADF)?.kind))
    }

    /// Says that `events` of an object may have become true.
    pub(crate) fn woke(&mut self, id: NodeId, events: i16) {
        self.changed(Cause::Object(id));
        self.mark(id, events);
    }

    /// Copies a number to the reader.
    fn give_number<P: Platform>(
        call: &Call,
        number: u64,
        ports: &mut Ports<P>,
    ) -> Result<Attempt, proto::port::Refusal> {
        ports
            .callers
            .write(call.token, 0, 0, &number.to_le_bytes())?;
        Ok(count(NUMBER_BYTES as u64))
    }
}

/// Refuses a transfer that has no room for a number.
fn check_room(call: &Call) -> Result<(), Errno> {
    if call.leases[0].bytes < NUMBER_BYTES {
        Err(Errno::EINVAL)
    } else {
        Ok(())
    }
}
