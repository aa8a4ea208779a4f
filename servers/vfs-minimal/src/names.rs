//! Requests about names, attributes and descriptors; and what only reads cannot do.

use crate::device::Device;
use crate::layout;
use crate::process::DESCRIPTORS;
use crate::server::{ARCHIVE, Answer, Attempt, O_CLOEXEC, Outside, done};
use crate::tree::{Kind, ROOT};
use abi::Errno;
use alloc::vec;
use alloc::vec::Vec;
use proto::server_id;
use proto::vfs::{AT_FDCWD, Fd, Reply, Request};

const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
const TCGETS: u32 = 0x5401;
const TCSETS: u32 = 0x5402;
const TCSETSF: u32 = 0x5404;
const TIOCGWINSZ: u32 = 0x5413;

impl<P: Outside> Attempt<'_, P> {
    /// Requests about names and attributes.
    pub(crate) fn name(&mut self, request: Request) -> Answer {
        use Request as R;
        match request {
            R::Stat { directory, flags } => {
                let node = self.node(directory, flags & AT_SYMLINK_NOFOLLOW == 0)?;
                self.stat(1, node)
            }
            R::StatDescriptor { fd } => {
                let node = self.file(fd)?;
                self.stat(0, node)
            }
            R::Access {
                directory, mode, ..
            } => self.access(directory, mode),
            R::ReadLink { directory } => self.read_link(directory),
            R::ChangeDirectory => {
                let node = self.node(AT_FDCWD, true)?;
                self.change_directory(node)
            }
            R::ChangeDirectoryTo { fd } => {
                let node = self.file(fd)?;
                self.change_directory(node)
            }
            R::CurrentDirectory => self.current_directory(),
            R::Umask { mask } => {
                let process = self.server.table.process(self.call.pid)?;
                let old = core::mem::replace(&mut process.umask, mask & 0o777);
                Ok(Reply::Count(old.into()))
            }
            _ => self.change(request),
        }
    }

    fn size(&self, node: usize) -> u64 {
        match self.kind(node) {
            Kind::File(range) | Kind::Link(range) => range.bytes as u64,
            Kind::Directory | Kind::Device(_) => 0,
        }
    }

    pub(crate) fn seek(&mut self, fd: Fd, offset: i64, whence: u32) -> Answer {
        let node = self.file(fd)?;
        if self.kind(node) == Kind::Device(Device::Console) {
            return Err(Errno::ESPIPE.into());
        }
        let size = self.size(node);
        let file = self.server.table.file(self.call.pid, fd)?;
        let base = match whence {
            0 => 0,
            1 => file.offset,
            2 => size,
            _ => return Err(Errno::EINVAL.into()),
        };
        let target = base
            .checked_add_signed(offset)
            .filter(|&to| to <= i64::MAX as u64);
        file.offset = target.ok_or(Errno::EINVAL)?;
        Ok(Reply::Count(file.offset))
    }

    /// Offsets: 0 is `.`, 1 is `..`, and from 2 on one more than the node to look at next.
    pub(crate) fn list(&mut self, fd: Fd) -> Answer {
        let file = self.server.table.file(self.call.pid, fd)?;
        let (directory, start) = (file.node, file.offset);
        let tree = &self.server.tree;
        if !tree.is_directory(directory) {
            return Err(Errno::ENOTDIR.into());
        }
        let dots = [
            (0, directory, &b"."[..]),
            (1, tree.nodes[directory].parent, b".."),
        ];
        let first = usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX);
        let children = tree.children(directory, first);
        let children = children.map(|child| (child + 1, child, tree.nodes[child].name.as_slice()));
        let entries = dots
            .into_iter()
            .filter(|(at, ..)| *at as u64 >= start)
            .chain(children);
        let (mut list, mut next) = (Vec::new(), start);
        for (at, node, name) in entries {
            let after = at as u64 + 1;
            let mode = tree.nodes[node].mode;
            if !layout::put_entry(
                &mut list,
                self.call.bytes[0],
                node as u64 + 1,
                after,
                mode,
                name,
            ) {
                if list.is_empty() {
                    return Err(Errno::EINVAL.into());
                }
                break;
            }
            next = after;
        }
        let count = self.give(0, &list)?;
        self.server.table.file(self.call.pid, fd)?.offset = next;
        Ok(Reply::Count(count as u64))
    }

    fn stat(&mut self, lease: usize, node: usize) -> Answer {
        let tree = &self.server.tree;
        let directories = tree
            .children(node, 0)
            .filter(|&child| tree.is_directory(child));
        let below = directories.count() as u32;
        let links = match self.kind(node) {
            Kind::Directory => 2 + below,
            _ => 1,
        };
        let device = match self.kind(node) {
            Kind::Device(device) => device.number(),
            _ => 0,
        };
        let mode = tree.nodes[node].mode;
        let bytes = layout::stat(node as u64 + 1, mode, links, device, self.size(node));
        self.give(lease, &bytes)?;
        Ok(Reply::Done)
    }

    /// There are no permissions, but what cannot be executed or written is told.
    fn access(&mut self, directory: Fd, mode: u32) -> Answer {
        if mode & !7 != 0 {
            return Err(Errno::EINVAL.into());
        }
        let node = self.node(directory, true)?;
        let executable = self.server.tree.nodes[node].mode & 0o111 != 0;
        match self.kind(node) {
            _ if mode & 1 != 0 && !executable => Err(Errno::EACCES.into()),
            Kind::Device(_) => Ok(Reply::Done),
            _ if mode & 2 != 0 => Err(Errno::EROFS.into()),
            _ => Ok(Reply::Done),
        }
    }

    fn read_link(&mut self, directory: Fd) -> Answer {
        let node = self.node(directory, false)?;
        let Kind::Link(target) = self.kind(node) else {
            return Err(Errno::EINVAL.into());
        };
        Ok(Reply::Count(self.give(1, target.of(self.archive))? as u64))
    }

    fn change_directory(&mut self, node: usize) -> Answer {
        if !self.server.tree.is_directory(node) {
            return Err(Errno::ENOTDIR.into());
        }
        self.server.table.process(self.call.pid)?.current = node;
        Ok(Reply::Done)
    }

    fn current_directory(&mut self) -> Answer {
        let current = self.server.table.process(self.call.pid)?.current;
        let mut path = self.server.tree.path_of(current);
        path.push(0);
        if path.len() > self.call.bytes[0] {
            return Err(Errno::ERANGE.into());
        }
        Ok(Reply::Count(self.give(0, &path)? as u64))
    }

    pub(crate) fn duplicate(&mut self, fd: Fd, least: usize, close_on_exec: bool) -> Answer {
        let (open, _) = *self.server.table.descriptor(self.call.pid, fd)?;
        let new = (open, close_on_exec);
        let fd = self.server.table.add(self.call.pid, least, new)?;
        Ok(Reply::Descriptor(fd))
    }

    pub(crate) fn duplicate_to(
        &mut self,
        fd: Fd,
        to: Fd,
        flags: u32,
        same_is_fine: bool,
    ) -> Answer {
        if flags & !O_CLOEXEC != 0 || (fd == to && !same_is_fine) {
            return Err(Errno::EINVAL.into());
        }
        let (open, _) = *self.server.table.descriptor(self.call.pid, fd)?;
        let slot = usize::try_from(to).ok().filter(|&slot| slot < DESCRIPTORS);
        let slot = slot.ok_or(Errno::EBADF)?;
        if fd != to {
            let new = (open, flags & O_CLOEXEC != 0);
            self.server.table.put(self.call.pid, slot, new)?;
        }
        Ok(Reply::Descriptor(to))
    }

    /// `fcntl`: `F_DUPFD`, `F_GETFD`, `F_SETFD`, `F_GETFL`, `F_SETFL`, `F_DUPFD_CLOEXEC`.
    pub(crate) fn control(&mut self, fd: Fd, command: u32, argument: u64) -> Answer {
        let descriptor = self.server.table.descriptor(self.call.pid, fd)?;
        match command {
            0 | 1030 => {
                let least = usize::try_from(argument).ok();
                let least = least
                    .filter(|&least| least < DESCRIPTORS)
                    .ok_or(Errno::EINVAL)?;
                match self.duplicate(fd, least, command != 0)? {
                    Reply::Descriptor(fd) => Ok(Reply::Count(fd as u64)),
                    other => Ok(other),
                }
            }
            1 => Ok(Reply::Count(descriptor.1.into())),
            2 => {
                descriptor.1 = argument & 1 != 0;
                Ok(Reply::Count(0))
            }
            3 => {
                let flags = self.server.table.file(self.call.pid, fd)?.flags;
                Ok(Reply::Count(u64::from(flags & !O_CLOEXEC)))
            }
            4 => Ok(Reply::Count(0)),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// `ioctl`: what a shell asks of its terminal, without groups and sessions.
    pub(crate) fn control_device(&mut self, fd: Fd, command: u32) -> Answer {
        let node = self.file(fd)?;
        if self.kind(node) != Kind::Device(Device::Console) {
            return Err(Errno::ENOTTY.into());
        }
        match command {
            TCGETS => {
                let termios = self.outside.termios()?;
                self.give(0, &termios)?;
            }
            TCSETS..=TCSETSF => {
                let mut termios = [0; 36];
                self.outside.read(self.call.token, 0, 0, &mut termios)?;
                self.outside.set_termios(command - TCSETS, &termios)?;
            }
            TIOCGWINSZ => {
                let [rows, columns] = self.outside.window_size()?.map(u16::to_le_bytes);
                let size = [rows, columns, [0; 2], [0; 2]].concat();
                self.give(0, &size)?;
            }
            _ => return Err(Errno::ENOTTY.into()),
        }
        Ok(Reply::Count(0))
    }

    /// What the process server says, and nobody else may.
    pub(crate) fn hear_proc(&mut self, request: Request) -> Answer {
        if ![server_id::PROC, server_id::ROOT].contains(&self.call.pid) {
            return Err(Errno::EPERM.into());
        }
        let server = &mut *self.server;
        match request {
            Request::Start { process, console } => {
                let descriptors = if console {
                    let node = server.tree.nodes.iter();
                    let is_console = |kind| kind == Kind::Device(Device::Console);
                    let node = node.clone().position(|node| is_console(node.kind));
                    let open = server.table.open(node.unwrap_or(ROOT), 2, 3);
                    vec![Some((open, false)); 3]
                } else {
                    Vec::new()
                };
                server.table.start(process, descriptors);
                Ok(Reply::Done)
            }
            Request::Fork { parent, child } => done(server.table.fork(parent, child)),
            Request::Exit { process } => {
                server.parked.retain(|(call, _)| call.pid != process);
                done(server.table.exit(process))
            }
            Request::CommitProgram { process } => done(server.table.close_on_exec(process)),
            Request::OpenProgram { process } => self.open_program(process),
            // Nobody is in the background, and nobody's credentials are asked for.
            _ => Ok(Reply::Done),
        }
    }

    fn open_program(&mut self, process: proto::Pid) -> Answer {
        let current = self.server.table.process(process)?.current;
        let path = self.path_text(0)?;
        let found = self
            .server
            .tree
            .resolve(self.archive, current, &path, true)?;
        let node = found.node.ok_or(Errno::ENOENT)?;
        let executable = self.server.tree.nodes[node].mode & 0o111 != 0;
        let Kind::File(range) = self.kind(node) else {
            return Err(Errno::EACCES.into());
        };
        if !executable {
            return Err(Errno::EACCES.into());
        }
        let header_bytes = self.give(1, range.of(self.archive))? as u32;
        Ok(Reply::Program {
            object: ARCHIVE,
            offset: range.offset as u64,
            bytes: range.bytes as u64,
            set_uid: u32::MAX,
            set_gid: u32::MAX,
            header_bytes,
        })
    }

    /// Requests that would change something. Each looks at its names as far as Linux does, and then
    /// there is nothing that can be written.
    fn change(&mut self, request: Request) -> Answer {
        use Request as R;
        match request {
            // The names that would be made: who is there is told first.
            R::MakeDirectory { directory, .. } | R::MakeNode { directory, .. } => {
                self.must_be_new(0, directory)?;
            }
            R::SymbolicLink { directory } => self.must_be_new(1, directory)?,
            R::Link {
                old_directory,
                new_directory,
                ..
            } => {
                self.node(old_directory, false)?;
                self.must_be_new(1, new_directory)?;
            }
            // Only the directories of what would be removed are looked for.
            R::Unlink { directory, .. } => {
                self.path(0, directory, false)?;
            }
            R::Rename {
                old_directory,
                new_directory,
                ..
            } => {
                self.path(0, old_directory, false)?;
                self.path(1, new_directory, false)?;
            }
            R::Truncate { .. } => {
                let node = self.node(AT_FDCWD, true)?;
                if self.server.tree.is_directory(node) {
                    return Err(Errno::EISDIR.into());
                }
            }
            R::ChangeMode { directory, .. }
            | R::ChangeOwner { directory, .. }
            | R::SetTimes { directory, .. } => {
                self.node(directory, true)?;
            }
            R::ChangeModeDescriptor { fd, .. } | R::ChangeOwnerDescriptor { fd, .. } => {
                self.file(fd)?;
            }
            R::TruncateDescriptor { fd, .. } => {
                self.file(fd)?;
                return Err(Errno::EINVAL.into());
            }
            _ => return Err(Errno::ENOSYS.into()),
        }
        Err(Errno::EROFS.into())
    }

    fn must_be_new(&mut self, lease: usize, directory: Fd) -> Result<(), proto::port::Refusal> {
        match self.path(lease, directory, false)?.node {
            Some(_) => Err(Errno::EEXIST.into()),
            None => Ok(()),
        }
    }
}
