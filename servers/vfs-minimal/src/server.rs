//! The server: what each request does.

use crate::device::{Console, Device};
use crate::process::Table;
use crate::tree::{Found, Kind, ROOT, Tree};
use abi::message::TokenState;
use abi::{Errno, Token};
use alloc::vec;
use alloc::vec::Vec;
use proto::Pid;
use proto::mem::ObjectId;
use proto::port::{Callers, Incoming, Outcome, Refusal};
use proto::vfs::{AT_FDCWD, Fd, PATH_MAX, Reply, Request};
use serde::{Deserialize, Serialize};

/// The boot archive: the first object of the memory server.
pub(crate) const ARCHIVE: ObjectId = ObjectId(1);
/// Most bytes of one transfer.
const TRANSFER_BYTES: usize = 64 << 10;

const ACCESS_MODE: u32 = 3;
const WRITE_ONLY: u32 = 1;
const O_CREAT: u32 = 0o100;
const O_EXCL: u32 = 0o200;
const O_TRUNC: u32 = 0o1000;
const O_DIRECTORY: u32 = 0o40000;
const O_NOFOLLOW: u32 = 0o100000;
pub(crate) const O_CLOEXEC: u32 = 0o2000000;

/// The outside: callers and console. The archive's bytes are handed in beside it.
pub trait Outside: Callers<Reply> + Console {}

impl<T: Callers<Reply> + Console> Outside for T {}

/// Who asks, and how much memory it lends.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) pid: Pid,
    pub(crate) token: Token,
    pub(crate) bytes: [usize; 2],
}

/// What becomes of a request. `EAGAIN` of the console means waiting, and nothing else here does.
pub(crate) type Answer = Result<Reply, Refusal>;

/// The server's whole state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Minimal {
    pub(crate) tree: Tree,
    pub(crate) table: Table,
    /// Requests that wait for the console.
    pub(crate) parked: Vec<(Call, Request)>,
}

impl proto::handover::State for Minimal {
    type Service = proto::vfs::Vfs;
    const FORM: &'static str = "minimal";
}

impl Minimal {
    /// A server of this archive; `None` if it is malformed.
    pub fn new(archive: &[u8]) -> Option<Minimal> {
        let mut tree = Tree::read(archive)?;
        let dev = match tree.child(ROOT, b"dev") {
            Some(dev) => dev,
            None => tree.add(ROOT, b"dev", 0o040755, Kind::Directory),
        };
        for (name, device) in Device::ALL {
            tree.add(dev, name, 0o020666, Kind::Device(device));
        }
        Some(Minimal {
            tree,
            table: Table::default(),
            parked: Vec::new(),
        })
    }

    /// Answers a request, or parks it.
    pub fn handle<P: Outside>(
        &mut self,
        incoming: Incoming<Request>,
        archive: &[u8],
        outside: &mut P,
    ) -> Outcome<Reply> {
        let call = Call {
            pid: incoming.sender,
            token: incoming.token,
            bytes: incoming.leases.map(|lease| lease.bytes),
        };
        match self.answer(&call, incoming.request, archive, outside) {
            Err(Refusal::Errno(Errno::EAGAIN)) => {
                self.parked.push((call, incoming.request));
                Outcome::Parked
            }
            answer => Outcome::Reply(answer),
        }
    }

    /// The console may have something: what waits is tried again.
    pub fn console_ready<P: Outside>(&mut self, archive: &[u8], outside: &mut P) {
        for (call, request) in core::mem::take(&mut self.parked) {
            match self.answer(&call, request, archive, outside) {
                Err(Refusal::Errno(Errno::EAGAIN)) => self.parked.push((call, request)),
                // Who is gone needs no answer.
                answer => drop(outside.reply(call.token, answer)),
            }
        }
    }

    /// Callers were interrupted or died: they no longer wait.
    pub fn cancelled<P: Outside>(&mut self, outside: &mut P) {
        self.parked.retain(|(call, _)| {
            let state = outside.state(call.token);
            if state == TokenState::Interrupted {
                let _ = outside.reply(call.token, Err(Errno::EINTR.into()));
            }
            state == TokenState::Waiting
        });
    }

    fn answer<P: Outside>(
        &mut self,
        call: &Call,
        request: Request,
        archive: &[u8],
        outside: &mut P,
    ) -> Answer {
        use Request as R;
        let mut attempt = Attempt {
            server: self,
            call,
            archive,
            outside,
        };
        match request {
            R::Open {
                directory, flags, ..
            } => attempt.open(directory, flags),
            R::Close { fd } => done(attempt.server.table.close(call.pid, fd)),
            R::Read { fd } => attempt.read(fd, None),
            R::ReadAt { fd, offset } => attempt.read(fd, Some(offset)),
            R::Write { fd } | R::WriteAt { fd, .. } => attempt.write(fd),
            R::Seek { fd, offset, whence } => attempt.seek(fd, offset, whence),
            R::List { fd } => attempt.list(fd),
            R::Duplicate { fd } => attempt.duplicate(fd, 0, false),
            R::DuplicateTo {
                fd,
                to,
                flags,
                same_is_fine,
            } => attempt.duplicate_to(fd, to, flags, same_is_fine),
            R::Control {
                fd,
                command,
                argument,
            } => attempt.control(fd, command, argument),
            R::DeviceControl { fd, command, .. } => attempt.control_device(fd, command),
            R::Sync { .. } => Ok(Reply::Done),
            R::Start { .. }
            | R::Fork { .. }
            | R::Exit { .. }
            | R::OpenProgram { .. }
            | R::CommitProgram { .. }
            | R::FailTerminalReads { .. }
            | R::Publish { .. } => attempt.hear_proc(request),
            _ => attempt.name(request),
        }
    }
}

pub(crate) fn done(result: Result<(), Errno>) -> Answer {
    result?;
    Ok(Reply::Done)
}

/// One request being answered.
pub(crate) struct Attempt<'a, P> {
    pub(crate) server: &'a mut Minimal,
    pub(crate) call: &'a Call,
    pub(crate) archive: &'a [u8],
    pub(crate) outside: &'a mut P,
}

impl<P: Outside> Attempt<'_, P> {
    /// Where the path in a lease leads.
    pub(crate) fn path(
        &mut self,
        lease: usize,
        directory: Fd,
        follow: bool,
    ) -> Result<Found, Refusal> {
        let path = self.path_text(lease)?;
        let start = match directory {
            _ if path.first() == Some(&b'/') => ROOT,
            AT_FDCWD => self.server.table.process(self.call.pid)?.current,
            fd => self.file(fd)?,
        };
        let tree = &self.server.tree;
        Ok(tree.resolve(self.archive, start, &path, follow)?)
    }

    /// The path in a lease.
    pub(crate) fn path_text(&mut self, lease: usize) -> Result<Vec<u8>, Refusal> {
        let length = self.call.bytes[lease];
        if length >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG.into());
        }
        let mut path = vec![0; length];
        if length > 0 {
            let token = self.call.token;
            Callers::read(self.outside, token, lease as u32, 0, &mut path)?;
        }
        Ok(path)
    }

    /// The node that the path in lease 0 names.
    pub(crate) fn node(&mut self, directory: Fd, follow: bool) -> Result<usize, Refusal> {
        let found = self.path(0, directory, follow)?;
        Ok(found.node.ok_or(Errno::ENOENT)?)
    }

    /// The node that a descriptor names.
    pub(crate) fn file(&mut self, fd: Fd) -> Result<usize, Refusal> {
        Ok(self.server.table.file(self.call.pid, fd)?.node)
    }

    pub(crate) fn kind(&self, node: usize) -> Kind {
        self.server.tree.nodes[node].kind
    }

    /// Copies to a lease, as much as fits, and counts.
    pub(crate) fn give(&mut self, lease: usize, bytes: &[u8]) -> Result<usize, Refusal> {
        let length = bytes.len().min(self.call.bytes[lease]);
        if length > 0 {
            self.outside
                .write(self.call.token, lease as u32, 0, &bytes[..length])?;
        }
        Ok(length)
    }

    fn open(&mut self, directory: Fd, flags: u32) -> Answer {
        let exclusive = flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL;
        let follow = flags & O_NOFOLLOW == 0 && !exclusive;
        let found = self.path(0, directory, follow)?;
        let writes = flags & ACCESS_MODE != 0 || flags & O_TRUNC != 0;
        let creates = flags & O_CREAT != 0;
        let Some(node) = found.node else {
            return Err(match (creates, found.slash) {
                (false, _) => Errno::ENOENT,
                (true, true) => Errno::EISDIR,
                (true, false) => Errno::EROFS,
            }
            .into());
        };
        let problem = match self.kind(node) {
            _ if exclusive => Some(Errno::EEXIST),
            Kind::Link(_) => Some(Errno::ELOOP),
            Kind::Directory => (writes || creates).then_some(Errno::EISDIR),
            _ if flags & O_DIRECTORY != 0 => Some(Errno::ENOTDIR),
            Kind::File(_) => writes.then_some(Errno::EROFS),
            Kind::Device(_) => None,
        };
        if let Some(errno) = problem {
            return Err(errno.into());
        }
        let open = self.server.table.open(node, flags, 0);
        let new = (open, flags & O_CLOEXEC != 0);
        Ok(Reply::Descriptor(self.server.table.add(
            self.call.pid,
            0,
            new,
        )?))
    }

    fn read(&mut self, fd: Fd, at: Option<u64>) -> Answer {
        let file = self.server.table.file(self.call.pid, fd)?.clone();
        if file.flags & ACCESS_MODE == WRITE_ONLY {
            return Err(Errno::EBADF.into());
        }
        let room = self.call.bytes[0].min(TRANSFER_BYTES);
        let offset = at.unwrap_or(file.offset);
        let count = match self.kind(file.node) {
            Kind::Directory | Kind::Link(_) => return Err(Errno::EISDIR.into()),
            Kind::File(range) => {
                let bytes = range.of(self.archive);
                let start = bytes
                    .len()
                    .min(usize::try_from(offset).unwrap_or(usize::MAX));
                let end = bytes.len().min(start + room);
                self.give(0, &bytes[start..end])?
            }
            Kind::Device(Device::Null) => 0,
            Kind::Device(Device::Zero | Device::Full) => self.give(0, &vec![0; room])?,
            Kind::Device(Device::Console) => return self.read_console(room),
        };
        if at.is_none() {
            self.server.table.file(self.call.pid, fd)?.offset += count as u64;
        }
        Ok(Reply::Count(count as u64))
    }

    /// What was typed cannot be put back, so the caller's memory is tried first.
    fn read_console(&mut self, room: usize) -> Answer {
        let mut bytes = vec![0; room];
        self.give(0, &bytes)?;
        let count = self.outside.typed(&mut bytes)?;
        Ok(Reply::Count(self.give(0, &bytes[..count])? as u64))
    }

    fn write(&mut self, fd: Fd) -> Answer {
        let file = self.server.table.file(self.call.pid, fd)?.clone();
        let Kind::Device(device) = self.kind(file.node) else {
            return Err(Errno::EBADF.into());
        };
        if file.flags & ACCESS_MODE == 0 {
            return Err(Errno::EBADF.into());
        }
        let length = self.call.bytes[0].min(TRANSFER_BYTES);
        let count = match device {
            Device::Full => return Err(Errno::ENOSPC.into()),
            Device::Null | Device::Zero => length,
            Device::Console if length == 0 => 0,
            Device::Console => {
                let mut bytes = vec![0; length];
                self.outside.read(self.call.token, 0, 0, &mut bytes)?;
                self.outside.print(&bytes)?
            }
        };
        Ok(Reply::Count(count as u64))
    }
}
