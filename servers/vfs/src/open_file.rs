//! Open file descriptions: what descriptors of several processes share.

use crate::linux;
use crate::locks::Owner;
use crate::node::{Kind, NodeId, NodeRef, Place};
use crate::park::Cause;
use crate::ports::{LineId, Platform, Ports};
use crate::process::OpenId;
use crate::vfs::Vfs;
use abi::Errno;
use alloc::vec::Vec;
use proto::Pid;
use proto::vfs::Fd;
use serde::{Deserialize, Serialize};

/// An open file description.
#[derive(Debug, Serialize, Deserialize)]
pub struct OpenFile {
    /// What is open.
    pub place: Place,
    /// Access mode and status flags, as `F_GETFL` answers.
    pub flags: u32,
    /// Where the next read or write starts; in a directory the next entry's cookie.
    pub offset: u64,
    /// Descriptors that name it.
    pub references: u32,
    /// Content of a file of `/proc`, made when reading starts.
    pub text: Option<Vec<u8>>,
    /// Which line it is, of a terminal or a master.
    pub line: LineId,
}

impl OpenFile {
    /// A file that one descriptor will name.
    pub fn new(place: Place, flags: u32) -> Self {
        OpenFile {
            place,
            flags,
            offset: 0,
            references: 1,
            text: None,
            line: 0,
        }
    }

    /// Whether it may be read.
    #[inline]
    pub fn reads(&self) -> bool {
        self.flags & linux::O_ACCMODE != linux::O_WRONLY && self.flags & linux::O_PATH == 0
    }

    /// Whether it may be written.
    #[inline]
    pub fn writes(&self) -> bool {
        self.flags & linux::O_ACCMODE != linux::O_RDONLY && self.flags & linux::O_PATH == 0
    }

    /// Whether it never waits.
    #[inline]
    pub fn is_nonblocking(&self) -> bool {
        self.flags & linux::O_NONBLOCK != 0
    }
}

impl Vfs {
    /// The open file description that a descriptor names.
    #[inline]
    pub(crate) fn open_id(&self, pid: Pid, fd: Fd) -> Result<OpenId, Errno> {
        Ok(self.processes.get(pid)?.descriptors.get(fd)?.open)
    }

    /// The open file that a descriptor names.
    #[inline]
    pub(crate) fn open_file(&self, pid: Pid, fd: Fd) -> Result<&OpenFile, Errno> {
        self.opens.get(self.open_id(pid, fd)?).ok_or(Errno::EBADF)
    }

    /// The open file that a descriptor names, to be changed.
    #[inline]
    pub(crate) fn open_file_mut(&mut self, pid: Pid, fd: Fd) -> Result<&mut OpenFile, Errno> {
        let id = self.open_id(pid, fd)?;
        self.opens.get_mut(id).ok_or(Errno::EBADF)
    }

    /// Checks that there may be two more open files.
    #[inline]
    pub(crate) fn check_opens(&self) -> Result<(), Errno> {
        if self.opens.len() + 2 > self.limits.opens {
            Err(Errno::ENFILE)
        } else {
            Ok(())
        }
    }

    /// Opens a file that was found and checked.
    pub(crate) fn add_open(&mut self, place: Place, flags: u32) -> OpenId {
        self.hold(place);
        let file = OpenFile::new(place, flags);
        let (reads, writes) = (file.reads(), file.writes());
        if let Some((id, pipe)) = self.pipe_at(place) {
            pipe.enter(reads, writes);
            self.changed(Cause::Pipe(id));
            self.mark(id, linux::POLLIN | linux::POLLOUT);
        }
        self.opens.insert(file)
    }

    /// One descriptor less names an open file; the last one closes it.
    #[inline]
    pub(crate) fn release_open<P: Platform>(&mut self, id: OpenId, ports: &mut Ports<P>) {
        self.release_one(id, ports);
        self.release_undelivered(ports);
    }

    /// Lets go of the open files that were on their way to a socket that ended, and so on: a loop, for
    /// they may be sockets.
    #[inline]
    pub(crate) fn release_undelivered<P: Platform>(&mut self, ports: &mut Ports<P>) {
        while let Some(id) = self.names.take_undelivered() {
            self.release_one(id, ports);
        }
    }

    fn release_one<P: Platform>(&mut self, id: OpenId, ports: &mut Ports<P>) {
        let Some(file) = self.opens.get_mut(id) else {
            return;
        };
        if file.references > 1 {
            file.references -= 1;
            return;
        }
        let Some(file) = self.opens.remove(id) else {
            return;
        };
        if let Some((id, pipe)) = self.pipe_at(file.place) {
            pipe.leave(file.reads(), file.writes());
            self.changed(Cause::Pipe(id));
            self.mark(id, linux::POLLIN | linux::POLLHUP | linux::POLLERR);
        }
        self.leave_tracing(id, ports);
        self.end_object(id, &file, ports);
        self.unhold(file.place, ports);
    }

    /// What the end of an open file means for those who watch it, and for the object that it was.
    fn end_object<P: Platform>(&mut self, open: OpenId, file: &OpenFile, ports: &mut Ports<P>) {
        let NodeRef::Stored(id) = file.place.node else {
            return;
        };
        if !self.watched.is_empty() {
            self.forget_watched(open, id);
        }
        if !self.noticed.is_empty() && file.flags & linux::O_PATH == 0 {
            let written = file.writes();
            self.tell(
                id,
                if written {
                    linux::IN_CLOSE_WRITE
                } else {
                    linux::IN_CLOSE_NOWRITE
                },
            );
        }
        self.release_locks_of(open, id);
        match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::Character(_)) if file.line > 0 => self.end_terminal(id, file.line, ports),
            Some(Kind::Timer(_)) => self.disarm(id),
            Some(Kind::Process(_)) => self.forget_process(id),
            Some(Kind::Watch(_)) => self.end_watch(id),
            Some(Kind::Notices(_)) => self.end_notices(id),
            Some(Kind::Endpoint(_)) => self.end_socket(id),
            _ => {}
        }
    }

    /// The locks of an open file end with it.
    fn release_locks_of(&mut self, open: OpenId, id: NodeId) {
        let owner = Owner::Open(open);
        let mut released = false;
        for locks in [&mut self.file_locks, &mut self.locks] {
            released |= !locks.is_empty() && locks.release(id, owner);
        }
        if released {
            self.changed(Cause::Lock(id));
        }
    }

    /// The pipe at a place, if one is there.
    #[inline]
    pub(crate) fn pipe_at(&mut self, place: Place) -> Option<(NodeId, &mut crate::pipe::Pipe)> {
        let NodeRef::Stored(id) = place.node else {
            return None;
        };
        match &mut self.nodes.get_mut(id)?.kind {
            Kind::Pipe(pipe) => Some((id, pipe)),
            _ => None,
        }
    }
}
