//! `read`, `write`, `lseek` and their kin.

use crate::data::Data;
use crate::device;
use crate::linux;
use crate::node::{Kind, Node, NodeId, NodeRef};
use crate::park::{Attempt, Call, DONE, Resume, Step, count};
use crate::ports::{Platform, Ports};
use crate::process::OpenId;
use crate::vfs::{Vfs, identity};
use abi::Errno;
use proto::port::{Callers, Clock, LeaseError, Refusal};
use proto::vfs::{Fd, Reply};

/// Most bytes of one transfer, as in Linux.
const TRANSFER_BYTES: usize = 0x7fff_f000;

/// Most bytes that a file grows by before it is known that the caller has them.
const WRITE_BYTES: usize = 4 << 20;

/// What a failed copy means for a transfer that keeps what was copied, and how much that was.
pub(crate) fn partial(error: LeaseError) -> (Refusal, u64) {
    match error {
        LeaseError::Absent { lease, offset } => (
            Refusal::Touch {
                lease,
                offset,
                done: offset,
            },
            offset,
        ),
        other => (other.into(), 0),
    }
}

/// Where a positioned transfer happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// At the open file's offset, which moves.
    Shared,
    /// At this offset.
    At(u64),
}

impl Vfs {
    /// `read`.
    #[inline]
    pub(crate) fn read<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        self.read_from(call, fd, Position::Shared, resume, ports)
    }

    /// `pread`.
    pub(crate) fn read_at<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        offset: u64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        self.read_from(call, fd, position(offset)?, &Resume::FIRST, ports)
    }

    /// `write`; `resume` says what was written before this request was parked.
    #[inline]
    pub(crate) fn write<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        self.write_to(call, fd, Position::Shared, resume, ports)
    }

    /// `pwritev2` with `RWF_APPEND`: a write at the end of the file, after which the offset is where it was
    /// unless `moves`.
    pub(crate) fn append<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        moves: bool,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let file = self.open_file_mut(call.pid, fd)?;
        let (flags, offset) = (file.flags, file.offset);
        file.flags |= linux::O_APPEND;
        let done = self.write_to(call, fd, Position::Shared, resume, ports);
        let file = self.open_file_mut(call.pid, fd)?;
        file.flags = flags;
        if !moves {
            file.offset = offset;
        }
        done
    }

    /// `pwrite`.
    pub(crate) fn write_at<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        offset: u64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        self.write_to(call, fd, position(offset)?, &Resume::FIRST, ports)
    }

    fn read_from<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        from: Position,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let open = self.open_id(call.pid, fd)?;
        let file = self.opens.get_mut(open).ok_or(Errno::EBADF)?;
        if !file.reads() {
            return Err(Errno::EBADF.into());
        }
        let NodeRef::Stored(id) = file.place.node else {
            let position = match from {
                Position::Shared => None,
                Position::At(offset) => Some(offset),
            };
            return self.read_proc(call, open, position, ports);
        };
        let node = self.nodes.get_mut(id).ok_or(Errno::EIO)?;
        match &mut node.kind {
            Kind::File(_) => self.read_file(call, open, id, from, ports),
            Kind::Directory(_) => Err(Errno::EISDIR.into()),
            Kind::Pipe(_) if from != Position::Shared => Err(Errno::ESPIPE.into()),
            Kind::Pipe(_) => {
                let waits = !file.is_nonblocking();
                self.read_pipe(call, id, waits, ports)
            }
            Kind::Character(number) => {
                let (number, waits, line) = (*number, !file.is_nonblocking(), file.line);
                match (device::can_wait(number), from) {
                    (true, Position::Shared) if number == device::MASTERS => {
                        self.read_master(call, line, waits, ports)
                    }
                    (true, Position::Shared) => self.read_terminal(call, line, waits, ports),
                    (true, Position::At(_)) => Err(Errno::ESPIPE.into()),
                    (false, _) => self.read_device(call, open, number, ports),
                }
            }
            Kind::Counter(_) | Kind::Timer(_) | Kind::Endpoint(_) | Kind::Notices(_)
                if from != Position::Shared =>
            {
                Err(Errno::ESPIPE.into())
            }
            Kind::Notices(_) => {
                let waits = !file.is_nonblocking();
                self.read_notices(call, id, waits, ports)
            }
            Kind::Endpoint(_) => {
                let waits = !file.is_nonblocking();
                self.read_socket(call, id, (waits, resume), ports)
            }
            Kind::Counter(_) => {
                let waits = !file.is_nonblocking();
                self.read_counter(call, id, waits, ports)
            }
            Kind::Signals(set) => Self::read_signals(call, *set, !file.is_nonblocking()),
            Kind::Timer(_) => {
                let waits = !file.is_nonblocking();
                self.read_timer(call, id, waits, ports)
            }
            Kind::Queue(queue) => {
                let text = queue.state_text();
                self.read_text(call, open, &text, from, ports)
            }
            Kind::Link(_) | Kind::Block(_) | Kind::Socket | Kind::Process(_) | Kind::Watch(_) => {
                Err(Errno::EINVAL.into())
            }
        }
    }

    /// `read` of what is text only while it is read.
    fn read_text<P: Platform>(
        &mut self,
        call: &Call,
        open: OpenId,
        text: &[u8],
        from: Position,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let file = self.opens.get_mut(open).ok_or(Errno::EBADF)?;
        let offset = match from {
            Position::Shared => file.offset,
            Position::At(offset) => offset,
        };
        let rest = usize::try_from(offset).map_or(&[][..], |at| text.get(at..).unwrap_or_default());
        let part = rest.get(..call.leases[0].bytes).unwrap_or(rest);
        if !part.is_empty() {
            ports.callers.write(call.token, 0, 0, part)?;
        }
        if from == Position::Shared {
            file.offset += part.len() as u64;
        }
        count(part.len() as u64)
    }

    #[inline(always)]
    fn read_file<P: Platform>(
        &mut self,
        call: &Call,
        open: OpenId,
        id: NodeId,
        from: Position,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let file = self.opens.get_mut(open).ok_or(Errno::EBADF)?;
        let node = self.nodes.get_mut(id).ok_or(Errno::EIO)?;
        let Kind::File(data) = &node.kind else {
            return Err(Errno::EIO.into());
        };
        let offset = match from {
            Position::Shared => file.offset,
            Position::At(offset) => offset,
        };
        let wanted = call.leases[0].bytes.min(TRANSFER_BYTES);
        let bytes = data.bytes(&ports.memory, offset, wanted);
        let length = bytes.len() as u64;
        if length > 0
            && let Err(error) = ports.callers.write(call.token, 0, 0, bytes)
        {
            let Position::Shared = from else {
                return Err(error.into());
            };
            let (refusal, done) = partial(error);
            file.offset += done;
            return Err(refusal);
        }
        if from == Position::Shared {
            file.offset += length;
        }
        // As Linux's relatime: only the first read after a change is noted.
        if node.times.accessed <= node.times.modified && file.flags & linux::O_NOATIME == 0 {
            node.times.accessed = self.epoch_ns.saturating_add(ports.system.now_ns());
        }
        if length > 0 {
            self.tell(id, linux::IN_ACCESS);
        }
        count(length)
    }

    fn write_to<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        to: Position,
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let done = resume.done;
        let open = self.open_id(call.pid, fd)?;
        let file = self.opens.get_mut(open).ok_or(Errno::EBADF)?;
        if !file.writes() {
            return Err(Errno::EBADF.into());
        }
        let NodeRef::Stored(id) = file.place.node else {
            return Err(Errno::EIO.into());
        };
        let waits = !file.is_nonblocking();
        let node = self.nodes.get_mut(id).ok_or(Errno::EIO)?;
        match &node.kind {
            Kind::File(_) => self.write_file_at(call, open, id, to, ports),
            Kind::Directory(_) => Err(Errno::EISDIR.into()),
            Kind::Pipe(_) if to != Position::Shared => Err(Errno::ESPIPE.into()),
            Kind::Pipe(_) => self.write_pipe(call, id, done, waits, ports),
            Kind::Character(number) => {
                let (number, line) = (*number, file.line);
                match (device::can_wait(number), to) {
                    (true, Position::Shared) if number == device::MASTERS => {
                        self.write_master(call, line, (done, waits), ports)
                    }
                    (true, Position::Shared) => {
                        self.write_terminal(call, line, (done, waits), ports)
                    }
                    (true, Position::At(_)) => Err(Errno::ESPIPE.into()),
                    (false, _) => self.write_device(call, open, number, ports),
                }
            }
            Kind::Counter(_) | Kind::Endpoint(_) if to != Position::Shared => {
                Err(Errno::ESPIPE.into())
            }
            Kind::Endpoint(_) => self.write_socket(call, id, (waits, resume), ports),
            Kind::Counter(_) => self.write_counter(call, id, waits, ports),
            Kind::Link(_)
            | Kind::Block(_)
            | Kind::Socket
            | Kind::Timer(_)
            | Kind::Watch(_)
            | Kind::Queue(_)
            | Kind::Process(_)
            | Kind::Notices(_)
            | Kind::Signals(_) => Err(Errno::EINVAL.into()),
        }
    }

    /// Writes lease 0 where the open file or the call says, and moves the open file's offset.
    fn write_file_at<P: Platform>(
        &mut self,
        call: &Call,
        open: OpenId,
        id: NodeId,
        to: Position,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let file = self.opens.get(open).ok_or(Errno::EBADF)?;
        let offset = match to {
            _ if file.flags & linux::O_APPEND != 0 => self.nodes.get(id).map_or(0, Node::size),
            Position::Shared => file.offset,
            Position::At(offset) => offset,
        };
        let written = self.write_file(call, id, offset, ports);
        let moved = match &written {
            Ok(Step::Done(Reply::Count(length))) => *length,
            Err(Refusal::Touch { done, .. }) => *done,
            _ => 0,
        };
        match (to, written) {
            (Position::Shared, written) => {
                if moved > 0
                    && let Some(file) = self.opens.get_mut(open)
                {
                    file.offset = offset + moved;
                }
                written
            }
            // The caller repeats the whole transfer, which is the same bytes at the same place.
            (Position::At(_), Err(Refusal::Touch { lease, offset, .. })) => Err(Refusal::Touch {
                lease,
                offset,
                done: 0,
            }),
            (Position::At(_), written) => written,
        }
    }

    /// Writes lease 0 at `offset` of a regular file. A transfer that stops keeps what it has.
    ///
    /// A long one goes in pieces, so that there need not be room for bytes that the caller has not.
    fn write_file<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        offset: u64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let total = call.leases[0].bytes.min(TRANSFER_BYTES);
        let mut done = 0;
        loop {
            let piece = (total - done).min(WRITE_BYTES);
            let at = offset.saturating_add(done as u64);
            match self.write_piece(call, id, at, (done, piece), ports) {
                Ok(written) => done += written,
                Err(Refusal::Errno(_)) if done > 0 => return count(done as u64),
                Err(refusal) => return Err(refusal),
            }
            if done % WRITE_BYTES != 0 || done == 0 || done >= total {
                return count(done as u64);
            }
        }
    }

    /// Writes the `wanted` bytes at `from` of lease 0 at `offset` of a regular file.
    fn write_piece<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        offset: u64,
        (from, mut wanted): (usize, usize),
        ports: &mut Ports<P>,
    ) -> Result<usize, Refusal> {
        self.check_seals(id, linux::F_SEAL_WRITE)?;
        let may_grow = self.check_seals(id, linux::F_SEAL_GROW);
        let node = self.nodes.get_mut(id).ok_or(Errno::EIO)?;
        let Kind::File(data) = &mut node.kind else {
            return Err(Errno::EIO.into());
        };
        let old = data.size();
        if wanted == 0 {
            return Ok(0);
        }
        if offset.saturating_add(wanted as u64) > old {
            may_grow?;
            let limit = identity(call.pid, &ports.system)?.limit_file_bytes;
            wanted = limit.saturating_sub(offset).min(wanted as u64) as usize;
            if wanted == 0 {
                return Err(Errno::EFBIG.into());
            }
        }
        let room = data.room(&mut ports.memory, offset, wanted)?;
        let from = from as u64;
        let copied = ports.callers.read(call.token, 0, from, room);
        let copied = copied.map_err(partial);
        let length = match &copied {
            Ok(()) => wanted as u64,
            Err((_, done)) => done.saturating_sub(from),
        };
        let end = if length > 0 { offset + length } else { old };
        data.grown(&mut ports.memory, old, end);
        if length > 0 {
            let set_id = node.permissions & (linux::S_ISUID | linux::S_ISGID) != 0;
            if set_id && identity(call.pid, &ports.system)?.uid != 0 {
                node.permissions &= !(linux::S_ISUID | linux::S_ISGID);
            }
            let now = self.epoch_ns.saturating_add(ports.system.now_ns());
            node.times.modified = now;
            node.times.changed = now;
        }
        if length > 0 {
            self.tell(id, linux::IN_MODIFY);
        }
        copied.map_err(|(refusal, _)| refusal)?;
        Ok(length as usize)
    }

    /// `lseek`.
    #[inline]
    pub(crate) fn seek<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        offset: i64,
        whence: u32,
        _ports: &mut Ports<P>,
    ) -> Attempt {
        let open = self.open_id(call.pid, fd)?;
        let file = self.opens.get_mut(open).ok_or(Errno::EBADF)?;
        if file.flags & linux::O_PATH != 0 {
            return Err(Errno::EBADF.into());
        }
        let data = match file.place.node {
            NodeRef::Proc(_) => None,
            NodeRef::Stored(id) => match self.nodes.get(id).map(|node| &node.kind) {
                Some(Kind::File(data)) => Some(data),
                Some(Kind::Directory(_)) => None,
                // They have no position, and nobody is told.
                Some(
                    Kind::Counter(_)
                    | Kind::Timer(_)
                    | Kind::Watch(_)
                    | Kind::Process(_)
                    | Kind::Signals(_)
                    | Kind::Notices(_),
                ) => {
                    return count(0);
                }
                Some(Kind::Character(number)) if !device::can_wait(*number) => return count(0),
                _ => return Err(Errno::ESPIPE.into()),
            },
        };
        let new = match whence {
            linux::SEEK_SET => offset,
            linux::SEEK_CUR => added(file.offset, offset)?,
            _ => {
                let text = file.text.as_ref().map_or(0, |text| text.len() as u64);
                seek_by_size(data.map_or(text, Data::size), offset, whence)?
            }
        };
        file.offset = u64::try_from(new).map_err(|_| Errno::EINVAL)?;
        count(file.offset)
    }

    /// `fsync`, `sync`: files are in memory only.
    pub(crate) fn sync(&mut self, call: &Call, fd: Fd) -> Attempt {
        if fd == -1 {
            return DONE;
        }
        let NodeRef::Stored(id) = self.open_file(call.pid, fd)?.place.node else {
            return Err(Errno::EINVAL.into());
        };
        match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::File(_) | Kind::Directory(_) | Kind::Block(_)) => DONE,
            _ => Err(Errno::EINVAL.into()),
        }
    }
}

/// The sum of an offset in a file and one of a call.
#[inline]
fn added(base: u64, offset: i64) -> Result<i64, Errno> {
    (base as i64).checked_add(offset).ok_or(Errno::EOVERFLOW)
}

/// Where `lseek` goes in a file of this size, where that depends on the size.
#[inline(never)]
fn seek_by_size(size: u64, offset: i64, whence: u32) -> Result<i64, Errno> {
    match whence {
        linux::SEEK_END => added(size, offset),
        // Files have no known holes: all of a file is data, and a hole is at its end.
        linux::SEEK_DATA | linux::SEEK_HOLE => {
            let inside = u64::try_from(offset).is_ok_and(|from| from < size);
            let found = if whence == linux::SEEK_DATA {
                offset
            } else {
                size as i64
            };
            inside.then_some(found).ok_or(Errno::ENXIO)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// An offset of `pread` and `pwrite`, which are signed numbers to the caller.
fn position(offset: u64) -> Result<Position, Errno> {
    if offset > linux::FILE_MAX {
        Err(Errno::EINVAL)
    } else {
        Ok(Position::At(offset))
    }
}
