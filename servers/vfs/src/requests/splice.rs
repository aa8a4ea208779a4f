//! `splice` and `tee`: bytes go between pipes and files without their owner's memory.

use crate::device;
use crate::linux::{self, POLLIN, POLLOUT};
use crate::node::{Kind, Node, NodeId};
use crate::open_file::OpenFile;
use crate::park::{Attempt, Call, Cause, Step, Wait, count};
use crate::pipe::Pipe;
use crate::policy::PipeBuffer;
use crate::ports::{Platform, Ports};
use crate::process::OpenId;
use crate::vfs::Vfs;
use abi::Errno;
use alloc::vec::Vec;
use core::convert::Infallible;
use proto::port::{Callers, Clock, Refusal};
use proto::vfs::Fd;

/// Most bytes that go at once; a pipe holds no more.
const MOST: usize = crate::pipe::CAPACITY;
/// Bytes of the two offsets.
const OFFSETS_BYTES: usize = 16;

/// One end of a transfer.
#[derive(Clone, Copy)]
struct End {
    open: OpenId,
    id: NodeId,
    is_pipe: bool,
    waits: bool,
    /// Where in a file, if the caller says so.
    offset: Option<u64>,
    /// Where the open file is.
    position: u64,
}

impl Vfs {
    /// `splice`.
    pub(crate) fn splice<P: Platform>(
        &mut self,
        call: &Call,
        (from, to): (Fd, Fd),
        bytes: u64,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let mut offsets = [0; OFFSETS_BYTES];
        ports.callers.read(call.token, 0, 0, &mut offsets)?;
        let (mut from, mut to) = self.ends(call, (from, to), flags)?;
        if !from.is_pipe && !to.is_pipe {
            return Err(Errno::EINVAL.into());
        }
        for (end, at) in [(&mut from, 0), (&mut to, 8)] {
            let mut word = [0; 8];
            word.copy_from_slice(&offsets[at..at + 8]);
            // What the caller has no offset for is -1 here; -1 itself came as another negative number.
            match i64::from_le_bytes(word) {
                -1 => {}
                _ if end.is_pipe => return Err(Errno::ESPIPE.into()),
                offset => {
                    let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
                    end.offset = Some(offset);
                }
            }
        }
        if from.is_pipe && to.is_pipe && from.id == to.id {
            return Err(Errno::EINVAL.into());
        }
        let wanted = bytes.min(MOST as u64) as usize;
        let moved = match (from.is_pipe, to.is_pipe) {
            (true, true) => self.between_pipes(from.id, to.id, wanted, true),
            (true, false) => self.pipe_to_file(call, from.id, &to, wanted, ports),
            (false, _) => self.file_to_pipe(&from, to.id, wanted, ports),
        };
        let Some(moved) = moved? else {
            return self.wait_for_pipes(&from, &to);
        };
        for (end, at) in [(&from, 0), (&to, 8)] {
            if let Some(offset) = end.offset {
                let now = (offset + moved as u64).to_le_bytes();
                offsets[at..at + 8].copy_from_slice(&now);
            }
        }
        ports.callers.write(call.token, 0, 0, &offsets)?;
        self.moved(Some(&from), &to, moved);
        count(moved as u64)
    }

    /// `tee`.
    pub(crate) fn tee<P: Platform>(
        &mut self,
        call: &Call,
        (from, to): (Fd, Fd),
        bytes: u64,
        flags: u32,
        _: &mut Ports<P>,
    ) -> Attempt {
        let (from, to) = self.ends(call, (from, to), flags)?;
        if !from.is_pipe || !to.is_pipe || from.id == to.id {
            return Err(Errno::EINVAL.into());
        }
        let wanted = bytes.min(MOST as u64) as usize;
        let Some(moved) = self.between_pipes(from.id, to.id, wanted, false)? else {
            return self.wait_for_pipes(&from, &to);
        };
        self.moved(None, &to, moved);
        count(moved as u64)
    }

    /// What the two descriptors name: one that can be read, and one that can be written.
    fn ends(&self, call: &Call, (from, to): (Fd, Fd), flags: u32) -> Result<(End, End), Errno> {
        if flags & !linux::SPLICE_F_ALL != 0 {
            return Err(Errno::EINVAL);
        }
        let (source, target) = (
            self.open_file(call.pid, from)?,
            self.open_file(call.pid, to)?,
        );
        if !source.reads() || !target.writes() {
            return Err(Errno::EBADF);
        }
        let waits = flags & linux::SPLICE_F_NONBLOCK == 0;
        let end = |fd, file: &OpenFile| {
            let id = self.stored(file.place).ok_or(Errno::EINVAL)?;
            let node = self.nodes.get(id).ok_or(Errno::EBADF)?;
            let is_pipe = matches!(node.kind, Kind::Pipe(_));
            Ok(End {
                open: self.open_id(call.pid, fd)?,
                position: file.offset,
                id,
                is_pipe,
                waits: waits && !file.is_nonblocking(),
                offset: None,
            })
        };
        let (from, to) = (end(from, source)?, end(to, target)?);
        // Where the end is, is not for the caller to say.
        if !to.is_pipe && target.flags & linux::O_APPEND != 0 {
            return Err(Errno::EINVAL);
        }
        Ok((from, to))
    }

    fn pipe_of(&mut self, id: NodeId) -> Result<&mut Pipe, Errno> {
        let node = self.nodes.get_mut(id);
        node.and_then(Node::pipe_mut).ok_or(Errno::EIO)
    }

    /// The first bytes of a pipe, which stay there; `None`: there are none, but somebody may still write.
    fn front(&mut self, id: NodeId, wanted: usize) -> Result<Option<Vec<u8>>, Errno> {
        let pipe = self.pipe_of(id)?;
        if pipe.buffer.is_empty() && pipe.writers > 0 && wanted > 0 {
            return Ok(None);
        }
        let length = pipe.buffer.len().min(wanted);
        let mut bytes = Vec::with_capacity(length);
        // An error lets them stay.
        let _ = pipe.buffer.consume(length, |_, piece| {
            bytes.extend_from_slice(piece);
            if bytes.len() < length {
                Ok(())
            } else {
                Err(())
            }
        });
        Ok(Some(bytes))
    }

    fn drop_front(&mut self, id: NodeId, length: usize) -> Result<(), Errno> {
        let pipe = self.pipe_of(id)?;
        let Ok(()) = pipe.buffer.consume(length, |_, _| Ok::<(), Infallible>(()));
        Ok(())
    }

    fn push_back(&mut self, id: NodeId, bytes: &[u8]) -> Result<(), Errno> {
        let pipe = self.pipe_of(id)?;
        let Ok(()) = pipe.buffer.append(bytes.len(), |at, into| {
            into.copy_from_slice(&bytes[at..at + into.len()]);
            Ok::<(), Infallible>(())
        });
        Ok(())
    }

    /// Room in a pipe; `None`: there is none, but somebody may still read.
    fn room_in(&mut self, id: NodeId) -> Result<Option<usize>, Errno> {
        let pipe = self.pipe_of(id)?;
        match (pipe.readers, pipe.space()) {
            (0, _) => Err(Errno::EPIPE),
            (_, 0) => Ok(None),
            (_, space) => Ok(Some(space)),
        }
    }

    fn between_pipes(
        &mut self,
        from: NodeId,
        to: NodeId,
        wanted: usize,
        takes: bool,
    ) -> Result<Option<usize>, Refusal> {
        let Some(room) = self.room_in(to)? else {
            return Ok(None);
        };
        let Some(bytes) = self.front(from, wanted.min(room))? else {
            return Ok(None);
        };
        self.push_back(to, &bytes)?;
        if takes {
            self.drop_front(from, bytes.len())?;
        }
        Ok(Some(bytes.len()))
    }

    fn file_to_pipe<P: Platform>(
        &mut self,
        from: &End,
        to: NodeId,
        wanted: usize,
        ports: &mut Ports<P>,
    ) -> Result<Option<usize>, Refusal> {
        let Some(room) = self.room_in(to)? else {
            return Ok(None);
        };
        let wanted = wanted.min(room);
        let bytes = match self.nodes.get(from.id).map(|node| &node.kind) {
            Some(Kind::File(data)) => {
                let offset = from.offset.unwrap_or(from.position);
                data.bytes(&ports.memory, offset, wanted).to_vec()
            }
            Some(Kind::Character(device::NULL)) => Vec::new(),
            Some(Kind::Character(device::ZERO)) => alloc::vec![0; wanted],
            _ => return Err(Errno::EINVAL.into()),
        };
        self.push_back(to, &bytes)?;
        Ok(Some(bytes.len()))
    }

    fn pipe_to_file<P: Platform>(
        &mut self,
        call: &Call,
        from: NodeId,
        to: &End,
        wanted: usize,
        ports: &mut Ports<P>,
    ) -> Result<Option<usize>, Refusal> {
        let Some(bytes) = self.front(from, wanted)? else {
            return Ok(None);
        };
        let is_sink = match self.nodes.get(to.id).map(|node| &node.kind) {
            Some(Kind::File(_)) => false,
            Some(Kind::Character(device::NULL | device::ZERO)) => true,
            _ => return Err(Errno::EINVAL.into()),
        };
        let written = if is_sink || bytes.is_empty() {
            bytes.len()
        } else {
            let offset = to.offset.unwrap_or(to.position);
            self.put_in_file(call, to.id, offset, &bytes, ports)?
        };
        self.drop_front(from, written)?;
        Ok(Some(written))
    }

    /// Writes bytes of the server's own to a file.
    fn put_in_file<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        offset: u64,
        bytes: &[u8],
        ports: &mut Ports<P>,
    ) -> Result<usize, Refusal> {
        self.check_seals(id, linux::F_SEAL_WRITE)?;
        let may_grow = self.check_seals(id, linux::F_SEAL_GROW);
        let limit = crate::vfs::identity(call.pid, &ports.system)?.limit_file_bytes;
        let now = self.epoch_ns.saturating_add(ports.system.now_ns());
        let node = self.nodes.get_mut(id).ok_or(Errno::EIO)?;
        let Kind::File(data) = &mut node.kind else {
            return Err(Errno::EIO.into());
        };
        let old = data.size();
        let mut length = bytes.len();
        if offset.saturating_add(length as u64) > old {
            may_grow?;
            length = limit.saturating_sub(offset).min(length as u64) as usize;
            if length == 0 {
                return Err(Errno::EFBIG.into());
            }
        }
        let room = data.room(&mut ports.memory, offset, length)?;
        room.copy_from_slice(&bytes[..length]);
        data.grown(&mut ports.memory, old, offset + length as u64);
        (node.times.modified, node.times.changed) = (now, now);
        Ok(length)
    }

    fn wait_for_pipes(&mut self, from: &End, to: &End) -> Attempt {
        let blocked = match from.is_pipe && self.pipe_of(from.id)?.buffer.is_empty() {
            true => from,
            false => to,
        };
        if blocked.waits {
            Ok(Step::Wait(Wait::on(Cause::Pipe(blocked.id))))
        } else {
            Err(Errno::EAGAIN.into())
        }
    }

    /// Moves the offsets of files, and tells those who wait for the pipes or hear of the files.
    fn moved(&mut self, from: Option<&End>, to: &End, bytes: usize) {
        if bytes == 0 {
            return;
        }
        for (end, mask) in [(from, linux::IN_ACCESS), (Some(to), linux::IN_MODIFY)] {
            let Some(end) = end else { continue };
            if end.is_pipe {
                self.changed(Cause::Pipe(end.id));
                self.mark(end.id, POLLIN | POLLOUT);
            } else if end.offset.is_none()
                && let Some(file) = self.opens.get_mut(end.open)
            {
                file.offset = end.position + bytes as u64;
            }
            self.tell(end.id, mask);
        }
    }
}
