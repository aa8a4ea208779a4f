//! Listing, making and changing directories.

use crate::directory::Directory;
use crate::layout::{DirectoryEntry, put_entry};
use crate::linux;
use crate::node::{Kind, NodeId, NodeRef, Place, entry_type};
use crate::park::{Attempt, Call, DONE, count};
use crate::path::{Last, LastLink, Walked, Who};
use crate::permission::{self, EXECUTE, WRITE};
use crate::ports::{Platform, Ports};
use crate::procfs;
use crate::requests::text::{Empty, PathText};
use crate::vfs::Vfs;
use abi::Errno;
use proto::port::{Callers, Refusal};
use proto::vfs::{AT_FDCWD, Fd, Reply};

/// Entries are gathered in pieces of this size before they are copied to the caller.
const PIECE_BYTES: usize = 1024;

/// Collects entries for one `getdents64`.
struct Listing {
    bytes: [u8; PIECE_BYTES],
    used: usize,
    copied: usize,
    /// Where the next listing starts.
    next: u64,
}

impl Listing {
    /// Adds an entry; `false` if the caller has no room for it.
    fn add<C: Callers<Reply>>(
        &mut self,
        entry: &DirectoryEntry,
        call: &Call,
        callers: &mut C,
    ) -> Result<bool, Refusal> {
        if self.put(entry, call) {
            return Ok(true);
        }
        // It may be only this piece that is full.
        self.flush(call, callers)?;
        Ok(self.put(entry, call))
    }

    fn put(&mut self, entry: &DirectoryEntry, call: &Call) -> bool {
        let room = (call.leases[0].bytes - self.copied).min(PIECE_BYTES);
        let Ok(end) = put_entry(&mut self.bytes[..room], self.used, entry) else {
            return false;
        };
        self.used = end;
        self.next = entry.next;
        true
    }

    /// Copies what was gathered to the caller.
    fn flush<C: Callers<Reply>>(&mut self, call: &Call, callers: &mut C) -> Result<(), Refusal> {
        if self.used > 0 {
            let at = self.copied as u64;
            callers.write(call.token, 0, at, &self.bytes[..self.used])?;
            self.copied += self.used;
            self.used = 0;
        }
        Ok(())
    }
}

/// What shows entries: `false` ends the listing.
type Show<'a> = &'a mut dyn FnMut(&DirectoryEntry) -> Result<bool, Refusal>;

impl Vfs {
    /// `getdents64`.
    pub(crate) fn list<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let file = self.open_file(call.pid, fd)?;
        let (place, offset) = (file.place, file.offset);
        if !file.reads() {
            return Err(Errno::EBADF.into());
        }
        if !self.is_directory(place) {
            return Err(Errno::ENOTDIR.into());
        }
        let mut listing = Listing {
            bytes: [0; PIECE_BYTES],
            used: 0,
            copied: 0,
            next: offset,
        };
        let who = self.who(call.pid, &ports.system)?;
        let callers = &mut ports.callers;
        let full = self.each_entry(&who, place, offset, &mut |entry| {
            listing.add(entry, call, callers)
        })?;
        listing.flush(call, callers)?;
        let total = listing.copied;
        if total == 0 && full {
            return Err(Errno::EINVAL.into());
        }
        self.open_file_mut(call.pid, fd)?.offset = listing.next;
        count(total as u64)
    }

    /// Shows the entries of a directory from cookie `from` on, until the closure says `false`;
    /// answers whether it did.
    fn each_entry(
        &self,
        who: &Who,
        place: Place,
        from: u64,
        show: Show<'_>,
    ) -> Result<bool, Refusal> {
        let above = self.parent(who, place).unwrap_or(place);
        let dots = [(b".".as_slice(), place, 1), (b"..", above, 2)];
        for (name, place, next) in dots.into_iter().skip(from as usize) {
            let inode = self.inode(place);
            let kind = linux::DT_DIR;
            if !show(&DirectoryEntry {
                inode,
                next,
                kind,
                name,
            })? {
                return Ok(true);
            }
        }
        match place.node {
            NodeRef::Stored(id) => self.each_stored(id, from, show),
            NodeRef::Proc(node) => self.each_proc(who, node, from, show),
        }
    }

    fn each_stored(&self, id: NodeId, from: u64, show: Show<'_>) -> Result<bool, Refusal> {
        let directory = self.nodes.get(id).and_then(|node| node.directory());
        for (cookie, name, id) in directory.ok_or(Errno::ENOTDIR)?.list(from) {
            let node = self.nodes.get(id);
            let entry = DirectoryEntry {
                inode: stored_inode(id),
                next: cookie + 1,
                kind: node.map_or(0, |node| entry_type(node.type_bits())),
                name,
            };
            if !show(&entry)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn each_proc(
        &self,
        who: &Who,
        directory: procfs::Node,
        from: u64,
        show: Show<'_>,
    ) -> Result<bool, Refusal> {
        let mut cookie = from.max(Directory::first_cookie());
        while let Some(found) = procfs::entry_at(self, who.table, directory, cookie) {
            let entry = DirectoryEntry {
                inode: procfs::inode(found.node),
                next: found.next,
                kind: entry_type(procfs::type_bits(found.node)),
                name: &found.name,
            };
            if !show(&entry)? {
                return Ok(true);
            }
            cookie = found.next;
        }
        Ok(false)
    }

    /// `st_ino` of a file.
    pub(crate) fn inode(&self, place: Place) -> u64 {
        match place.node {
            NodeRef::Stored(id) => stored_inode(id),
            NodeRef::Proc(node) => procfs::inode(node),
        }
    }

    /// `chdir`.
    pub(crate) fn change_directory<P: Platform>(
        &mut self,
        call: &Call,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let place = self.directory_at(call, ports)?;
        self.set_current(call, place, ports)
    }

    /// `fchdir`.
    pub(crate) fn change_directory_to<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let place = self.open_file(call.pid, fd)?.place;
        let who = self.who(call.pid, &ports.system)?;
        self.may_enter(&who, place)?;
        self.set_current(call, place, ports)
    }

    fn set_current<P: Platform>(
        &mut self,
        call: &Call,
        place: Place,
        ports: &mut Ports<P>,
    ) -> Attempt {
        self.hold(place);
        let old = core::mem::replace(&mut self.processes.get_mut(call.pid)?.current, place);
        self.unhold(old, ports);
        DONE
    }

    /// `chroot`.
    pub(crate) fn change_root<P: Platform>(
        &mut self,
        call: &Call,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let place = self.directory_at(call, ports)?;
        if !permission::is_root(&crate::vfs::identity(call.pid, &ports.system)?) {
            return Err(Errno::EPERM.into());
        }
        self.hold(place);
        let old = core::mem::replace(&mut self.processes.get_mut(call.pid)?.root, place);
        self.unhold(old, ports);
        DONE
    }

    /// The directory that lease 0's path names, if the caller may enter it.
    fn directory_at<P: Platform>(
        &self,
        call: &Call,
        ports: &mut Ports<P>,
    ) -> Result<Place, Refusal> {
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let who = self.who(call.pid, &ports.system)?;
        let place = self.place_at(
            call,
            &who,
            AT_FDCWD,
            &path,
            (LastLink::Follow, Empty::Refused),
        )?;
        self.may_enter(&who, place)?;
        Ok(place)
    }

    fn may_enter(&self, who: &Who, place: Place) -> Result<(), Errno> {
        if !self.is_directory(place) {
            return Err(Errno::ENOTDIR);
        }
        permission::check(&who.identity, self.ownership(who, place)?, EXECUTE)
    }

    /// `getcwd`.
    pub(crate) fn current_directory<P: Platform>(
        &mut self,
        call: &Call,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let who = self.who(call.pid, &ports.system)?;
        let mut path = self.directory_path(&who, self.process(call.pid)?.current)?;
        path.push(0);
        if path.len() > call.leases[0].bytes {
            return Err(Errno::ERANGE.into());
        }
        ports.callers.write(call.token, 0, 0, &path)?;
        count(path.len() as u64)
    }

    /// Checks that an entry may be made where a walk ended, and says in which directory.
    pub(crate) fn creatable(&self, who: &Who, walked: &Walked) -> Result<NodeId, Errno> {
        if walked.place.is_some() || walked.last != Last::Name {
            return Err(Errno::EEXIST);
        }
        let directory = self.stored(walked.directory).ok_or(Errno::EACCES)?;
        let node = self.nodes.get(directory).ok_or(Errno::ENOENT)?;
        if node.links == 0 {
            return Err(Errno::ENOENT);
        }
        permission::check(&who.identity, node.into(), WRITE | EXECUTE)?;
        Ok(directory)
    }

    /// `mkdirat`.
    pub(crate) fn make_directory<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        mode: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let now = self.now(&mut ports.system);
        let who = self.who(call.pid, &ports.system)?;
        let start = self.start(call.pid, directory, path.bytes())?;
        let walked = self.walk(&who, start, path.bytes(), LastLink::Entry)?;
        let parent = self.creatable(&who, &walked)?;
        let kind = Kind::Directory(Directory::new(Some(parent), &walked.name));
        let mode = mode & (0o777 | linux::S_ISVTX);
        let node = self.new_node(call, &who, kind, (mode, now))?;
        self.add(parent, &walked.name, node)?;
        DONE
    }
}

/// `st_ino` of a stored file: 0 would be a removed one.
pub(crate) fn stored_inode(id: NodeId) -> u64 {
    u64::from(id) + 1
}
