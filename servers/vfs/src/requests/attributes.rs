//! `stat`, `chmod`, `chown`, `access`, `utimensat`, `truncate`, `statfs`, `umask`.

use crate::layout::Stat;
use crate::linux;
use crate::node::{Kind, NodeId, NodeRef, Place};
use crate::park::{Attempt, Call, DONE};
use crate::path::{LastLink, Who};
use crate::permission::{self, WRITE};
use crate::policy::lookup::PathMemory;
use crate::ports::{Platform, Ports};
use crate::procfs;
use crate::requests::text::{Empty, PathText};
use crate::vfs::{Vfs, identity, known};
use abi::Errno;
use proto::port::{Callers, Refusal};
use proto::publish::Processes;
use proto::vfs::Fd;

/// In `SetTimes`: leave this time.
const LEAVE: u64 = u64::MAX;
/// In `SetTimes`: the time is now.
const NOW: u64 = u64::MAX - 1;

/// Whether the last link is followed, as `AT_SYMLINK_NOFOLLOW` says.
fn last_of(flags: u32) -> LastLink {
    if flags & linux::AT_SYMLINK_NOFOLLOW != 0 {
        LastLink::Keep
    } else {
        LastLink::Follow
    }
}

impl Vfs {
    /// `fstatat`.
    pub(crate) fn stat<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(
            flags,
            linux::AT_SYMLINK_NOFOLLOW | linux::AT_NO_AUTOMOUNT | linux::AT_EMPTY_PATH,
        )?;
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let who = self.who(call.pid, &ports.system)?;
        let place = self.place_at(
            call,
            &who,
            directory,
            &path,
            (last_of(flags), Empty::from_flags(flags)),
        )?;
        let stat = self.stat_of(place, who.table)?;
        ports.callers.write(call.token, 1, 0, &stat.to_bytes())?;
        DONE
    }

    /// `fstat`.
    pub(crate) fn stat_descriptor<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let place = self.open_file(call.pid, fd)?.place;
        let stat = self.stat_of(place, &ports.system)?;
        ports.callers.write(call.token, 0, 0, &stat.to_bytes())?;
        DONE
    }

    #[inline(always)]
    fn stat_of(&self, place: Place, table: &dyn Processes) -> Result<Stat, Errno> {
        let id = match place.node {
            NodeRef::Stored(id) => id,
            NodeRef::Proc(node) => {
                let device = u64::from(self.mount(place.mount)?.device);
                return Ok(Stat {
                    device,
                    ..procfs::stat(table, node, self.epoch_ns)?
                });
            }
        };
        let node = self.nodes.get(id).ok_or(Errno::ENOENT)?;
        Ok(Stat {
            device: u64::from(node.device),
            inode: self.inode(place),
            mode: node.type_bits() | node.permissions,
            links: node.links,
            uid: node.uid,
            gid: node.gid,
            device_number: node.device_number(),
            size: node.size(),
            accessed: node.times.accessed,
            modified: node.times.modified,
            changed: node.times.changed,
        })
    }

    /// `faccessat2`.
    pub(crate) fn access<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        mode: u32,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(
            flags,
            linux::AT_EACCESS | linux::AT_SYMLINK_NOFOLLOW | linux::AT_EMPTY_PATH,
        )?;
        known(mode, 7)?;
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let mut who = self.who(call.pid, &ports.system)?;
        if flags & linux::AT_EACCESS == 0 {
            who.identity = permission::with_real_ids(who.identity);
        }
        let place = self.place_at(
            call,
            &who,
            directory,
            &path,
            (last_of(flags), Empty::from_flags(flags)),
        )?;
        permission::check(&who.identity, self.ownership(&who, place)?, mode)?;
        DONE
    }

    /// A stored file whose attributes the caller wants to change; `/proc` cannot be changed.
    fn stored_at<P: Platform>(
        &self,
        call: &Call,
        directory: Fd,
        how: (LastLink, Empty),
        ports: &mut Ports<P>,
    ) -> Result<NodeId, Refusal> {
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let who = self.who(call.pid, &ports.system)?;
        let place = self.place_at(call, &who, directory, &path, how)?;
        Ok(self.stored(place).ok_or(Errno::EPERM)?)
    }

    /// The stored file of a descriptor; one that only stands for a path will not do.
    fn stored_of(&self, call: &Call, fd: Fd) -> Result<NodeId, Errno> {
        let file = self.open_file(call.pid, fd)?;
        if file.flags & linux::O_PATH != 0 {
            return Err(Errno::EBADF);
        }
        self.stored(file.place).ok_or(Errno::EPERM)
    }

    /// `fchmodat`.
    pub(crate) fn change_mode<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        mode: u32,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::AT_SYMLINK_NOFOLLOW | linux::AT_EMPTY_PATH)?;
        let id = self.stored_at(
            call,
            directory,
            (last_of(flags), Empty::from_flags(flags)),
            ports,
        )?;
        self.set_mode(call, id, mode, ports)
    }

    /// `fchmod`.
    pub(crate) fn change_mode_descriptor<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        mode: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let id = self.stored_of(call, fd)?;
        self.set_mode(call, id, mode, ports)
    }

    fn set_mode<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        mode: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let now = self.now(&mut ports.system);
        let who = identity(call.pid, &ports.system)?;
        let node = self.nodes.get_mut(id).ok_or(Errno::ENOENT)?;
        if matches!(node.kind, Kind::Link(_)) {
            return Err(Errno::EOPNOTSUPP.into());
        }
        if !permission::is_owner(&who, node.uid) {
            return Err(Errno::EPERM.into());
        }
        let mut mode = crate::vfs::permission_bits(mode);
        if !permission::is_root(&who) && !who.in_group(node.gid) {
            mode &= !linux::S_ISGID;
        }
        node.permissions = mode;
        self.paths.forget();
        node.times.changed = now;
        self.tell(id, linux::IN_ATTRIB);
        DONE
    }

    /// `fchownat`.
    pub(crate) fn change_owner<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        ids: [u32; 2],
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::AT_SYMLINK_NOFOLLOW | linux::AT_EMPTY_PATH)?;
        let id = self.stored_at(
            call,
            directory,
            (last_of(flags), Empty::from_flags(flags)),
            ports,
        )?;
        self.set_owner(call, id, ids, ports)
    }

    /// `fchown`.
    pub(crate) fn change_owner_descriptor<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        ids: [u32; 2],
        ports: &mut Ports<P>,
    ) -> Attempt {
        let id = self.stored_of(call, fd)?;
        self.set_owner(call, id, ids, ports)
    }

    /// Only root gives files away; owners may choose among their groups.
    fn set_owner<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        [uid, gid]: [u32; 2],
        ports: &mut Ports<P>,
    ) -> Attempt {
        let now = self.now(&mut ports.system);
        let who = identity(call.pid, &ports.system)?;
        let node = self.nodes.get_mut(id).ok_or(Errno::ENOENT)?;
        let owns = permission::is_owner(&who, node.uid);
        let uid_allowed = uid == u32::MAX || permission::is_root(&who) || (owns && uid == node.uid);
        let gid_allowed = gid == u32::MAX
            || permission::is_root(&who)
            || (owns && (gid == node.gid || who.in_group(gid)));
        if !uid_allowed || !gid_allowed {
            return Err(Errno::EPERM.into());
        }
        self.paths.forget();
        if uid != u32::MAX {
            node.uid = uid;
        }
        if gid != u32::MAX {
            node.gid = gid;
        }
        if !node.is_directory() {
            let group_executes = node.permissions & 0o010 != 0;
            node.permissions &= !(linux::S_ISUID | if group_executes { linux::S_ISGID } else { 0 });
        }
        node.times.changed = now;
        self.tell(id, linux::IN_ATTRIB);
        DONE
    }

    /// `utimensat`.
    pub(crate) fn set_times<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        flags: u32,
        [accessed, modified]: [u64; 2],
        ports: &mut Ports<P>,
    ) -> Attempt {
        known(flags, linux::AT_SYMLINK_NOFOLLOW | linux::AT_EMPTY_PATH)?;
        let id = self.stored_at(call, directory, (last_of(flags), Empty::Descriptor), ports)?;
        let now = self.now(&mut ports.system);
        let who = identity(call.pid, &ports.system)?;
        let node = self.nodes.get_mut(id).ok_or(Errno::ENOENT)?;
        if !permission::is_owner(&who, node.uid) {
            if accessed != NOW || modified != NOW {
                return Err(Errno::EPERM.into());
            }
            permission::check(&who, (&*node).into(), WRITE)?;
        }
        let chosen = |wish: u64, old: u64| match wish {
            LEAVE => old,
            NOW => now,
            wish => wish,
        };
        node.times.accessed = chosen(accessed, node.times.accessed);
        node.times.modified = chosen(modified, node.times.modified);
        node.times.changed = now;
        // Linux takes a single time for a sign of the access that changes it.
        self.tell(
            id,
            match (accessed, modified) {
                (LEAVE, _) => linux::IN_MODIFY,
                (_, LEAVE) => linux::IN_ACCESS,
                _ => linux::IN_ATTRIB,
            },
        );
        DONE
    }

    /// What `/proc/PID/fd` says of an open file.
    pub(crate) fn link_text(&self, who: &Who, place: Place) -> alloc::vec::Vec<u8> {
        if let NodeRef::Stored(id) = place.node
            && let Some(node) = self.nodes.get(id)
        {
            match &node.kind {
                Kind::Pipe(_) if node.links == 0 => {
                    return alloc::format!("pipe:[{}]", self.inode(place)).into_bytes();
                }
                Kind::File(_) if node.links == 0 => {
                    if let Some(text) = self.memory_file_text(id) {
                        return text;
                    }
                }
                Kind::Endpoint(_) => {
                    return alloc::format!("socket:[{}]", self.inode(place)).into_bytes();
                }
                Kind::Queue(queue) => return queue.text(node.links > 0),
                Kind::Counter(_) => return b"anon_inode:[eventfd]".to_vec(),
                Kind::Timer(_) => return b"anon_inode:[timerfd]".to_vec(),
                Kind::Signals(_) => return b"anon_inode:[signalfd]".to_vec(),
                Kind::Process(_) => return b"anon_inode:[pidfd]".to_vec(),
                Kind::Watch(_) => return b"anon_inode:[eventpoll]".to_vec(),
                Kind::Notices(_) => return b"anon_inode:inotify".to_vec(),
                _ => {}
            }
        }
        self.path_of(who, place)
            .unwrap_or_else(|| b"(deleted)".to_vec())
    }
}
