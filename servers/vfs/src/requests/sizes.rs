//! `truncate`, `statfs`, `umask`.

use crate::layout::StatFs;
use crate::linux;
use crate::node::{Kind, NodeId};
use crate::park::{Attempt, Call, DONE, count};
use crate::path::LastLink;
use crate::permission::{self, WRITE};
use crate::ports::{Memory, Platform, Ports};
use crate::requests::text::{Empty, PathText};
use crate::vfs::{FileSystem, Vfs, identity};
use abi::Errno;
use proto::port::Callers;
use proto::vfs::{AT_FDCWD, Fd};

impl Vfs {
    /// `truncate`.
    pub(crate) fn truncate<P: Platform>(
        &mut self,
        call: &Call,
        length: i64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let length = u64::try_from(length).map_err(|_| Errno::EINVAL)?;
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let who = self.who(call.pid, &ports.system)?;
        let how = (LastLink::Follow, Empty::Refused);
        let place = self.place_at(call, &who, proto::vfs::AT_FDCWD, &path, how)?;
        if self.is_directory(place) {
            return Err(Errno::EISDIR.into());
        }
        permission::check(&who.identity, self.ownership(&who, place)?, WRITE)?;
        let id = self.stored(place).ok_or(Errno::EACCES)?;
        self.set_length(call, id, length, ports)
    }

    /// `ftruncate`.
    pub(crate) fn truncate_descriptor<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        length: i64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let length = u64::try_from(length).map_err(|_| Errno::EINVAL)?;
        let file = self.open_file(call.pid, fd)?;
        if !file.writes() {
            return Err(Errno::EINVAL.into());
        }
        let id = self.stored(file.place).ok_or(Errno::EINVAL)?;
        self.set_length(call, id, length, ports)
    }

    fn set_length<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        length: u64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let now = self.now(&mut ports.system);
        let (may_shrink, may_grow) = (
            self.check_seals(id, linux::F_SEAL_SHRINK),
            self.check_seals(id, linux::F_SEAL_GROW),
        );
        let node = self.nodes.get_mut(id).ok_or(Errno::ENOENT)?;
        let Kind::File(data) = &mut node.kind else {
            return Err(Errno::EINVAL.into());
        };
        if length < data.size() {
            may_shrink?;
        } else if length > data.size() {
            may_grow?;
        }
        if length > data.size() && length > identity(call.pid, &ports.system)?.limit_file_bytes {
            return Err(Errno::EFBIG.into());
        }
        data.truncate(&mut ports.memory, length)?;
        node.times.modified = now;
        node.times.changed = now;
        self.tell(id, linux::IN_MODIFY);
        DONE
    }

    /// `fallocate`: memory is given when it is written, so only lengths and holes are left to do.
    pub(crate) fn allocate<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        mode: u32,
        (offset, bytes): (u64, u64),
        ports: &mut Ports<P>,
    ) -> Attempt {
        let end = offset.checked_add(bytes).ok_or(Errno::EFBIG)?;
        if bytes == 0 || offset > linux::FILE_MAX || bytes > linux::FILE_MAX {
            return Err(Errno::EINVAL.into());
        }
        let keeps = mode & linux::FALLOC_FL_KEEP_SIZE != 0;
        let hole = mode & linux::FALLOC_FL_PUNCH_HOLE != 0;
        let known = linux::FALLOC_FL_KEEP_SIZE | linux::FALLOC_FL_PUNCH_HOLE;
        if mode & !known != 0 || hole && !keeps {
            return Err(Errno::EOPNOTSUPP.into());
        }
        let file = self.open_file(call.pid, fd)?;
        if !file.writes() {
            return Err(Errno::EBADF.into());
        }
        let id = self.stored(file.place).ok_or(Errno::ENODEV)?;
        let size = match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::File(data)) => data.size(),
            Some(Kind::Pipe(_)) => return Err(Errno::ESPIPE.into()),
            _ => return Err(Errno::ENODEV.into()),
        };
        if end > linux::FILE_MAX {
            return Err(Errno::EFBIG.into());
        }
        if hole {
            self.check_seals(id, linux::F_SEAL_WRITE)?;
            return self.punch(id, offset, end.min(size), ports);
        }
        match end > size && !keeps {
            true => self.set_length(call, id, end, ports),
            false => DONE,
        }
    }

    fn punch<P: Platform>(
        &mut self,
        id: NodeId,
        start: u64,
        end: u64,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let now = self.now(&mut ports.system);
        let node = self.nodes.get_mut(id).ok_or(Errno::ENOENT)?;
        let Kind::File(data) = &mut node.kind else {
            return Err(Errno::ENODEV.into());
        };
        if start < end {
            data.zero(&mut ports.memory, start, end - start)?;
            node.times.modified = now;
            node.times.changed = now;
        }
        DONE
    }

    /// `umask`.
    pub(crate) fn umask(&mut self, call: &Call, mask: u32) -> Attempt {
        let process = self.processes.get_mut(call.pid)?;
        count(u64::from(core::mem::replace(
            &mut process.umask,
            mask & 0o777,
        )))
    }

    /// `statfs`.
    pub(crate) fn stat_file_system<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let place = if call.leases[0].bytes == 0 {
            self.open_file(call.pid, fd)?.place
        } else {
            let mut path = PathText::new();
            path.fill(call, 0, ports)?;
            let who = self.who(call.pid, &ports.system)?;
            self.place_at(
                call,
                &who,
                AT_FDCWD,
                &path,
                (LastLink::Follow, Empty::Refused),
            )?
        };
        let mount = *self.mount(place.mount)?;
        let answer = match mount.kind {
            FileSystem::Proc => StatFs {
                magic: 0x9fa0,
                device: u64::from(mount.device),
                ..StatFs::default()
            },
            FileSystem::System => StatFs {
                magic: 0x6265_6572,
                device: u64::from(mount.device),
                ..StatFs::default()
            },
            FileSystem::Tmp | FileSystem::Dev => {
                let memory = ports.memory.statistics();
                let device = u64::from(mount.device);
                StatFs {
                    magic: 0x0102_1994,
                    blocks: memory.total,
                    free: memory.free,
                    files: memory.total,
                    device,
                }
            }
        };
        ports.callers.write(call.token, 1, 0, &answer.to_bytes())?;
        DONE
    }
}
