//! Listing, making and changing directories.

use crate::directory::Directory;
use crate::layout::{DirectoryEntry, put_entry};
use crate::linux;
use crate::node::{Kind, NodeId, NodeRef, Place, entry_type};
use crate::park::{Attempt, Call, DONE, count};
use crate::path::{Last, LastLink, Walked, Who};
use crate::permission::{self, EXECUTE, WRITE};
use crate::ports::{Monitor, Platform, Ports};
use crate::procfs;
use crate::requests::text::{Empty, PathText};
use crate::vfs::Vfs;
use abi::Errno;
use alloc::boxed::Box;
use proto::port::{Callers, Refusal};
use proto::vfs::{AT_FDCWD, Fd, Reply};

/// Entries are gathered in pieces of this size before they are copied to the caller.
const PIECE_BYTES: usize = 1024;

/// A piece. It lies inside one page, for copies across two cost several times as much.
#[derive(Debug)]
#[repr(align(1024))]
pub(crate) struct Piece([u8; PIECE_BYTES]);

/// Collects entries for one `getdents64`.
struct Listing<'a, C> {
    call: &'a Call,
    callers: &'a mut C,
    piece: &'a mut Piece,
    used: usize,
    copied: usize,
    /// Where the next listing starts.
    next: u64,
}

impl<C: Callers<Reply>> Listing<'_, C> {
    /// Adds an entry; `false` if the caller has no room for it.
    #[inline(always)]
    fn add(&mut self, entry: &DirectoryEntry) -> Result<bool, Refusal> {
        if self.put(entry) {
            return Ok(true);
        }
        self.add_to_next_piece(entry)
    }

    /// As [`Listing::add`]: it may be only this piece that is full.
    #[inline(never)]
    fn add_to_next_piece(&mut self, entry: &DirectoryEntry) -> Result<bool, Refusal> {
        self.flush()?;
        Ok(self.put(entry))
    }

    #[inline(always)]
    fn put(&mut self, entry: &DirectoryEntry) -> bool {
        let room = (self.call.leases[0].bytes - self.copied).min(PIECE_BYTES);
        let Ok(end) = put_entry(&mut self.piece.0[..room], self.used, entry) else {
            return false;
        };
        self.used = end;
        self.next = entry.next;
        true
    }

    /// Copies what was gathered to the caller.
    fn flush(&mut self) -> Result<(), Refusal> {
        if self.used > 0 {
            let gathered = &self.piece.0[..self.used];
            self.callers
                .write(self.call.token, 0, self.copied as u64, gathered)?;
            self.copied += self.used;
            self.used = 0;
        }
        Ok(())
    }
}

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
        let mut piece = self.piece.take();
        let mut listing = Listing {
            call,
            callers: &mut ports.callers,
            piece: piece.get_or_insert_with(|| Box::new(Piece([0; PIECE_BYTES]))),
            used: 0,
            copied: 0,
            next: offset,
        };
        let listed = self.list_into(place, &mut listing, &ports.system);
        let (copied, next) = (listing.copied, listing.next);
        self.piece = piece;
        listed?;
        let file = self.open_file_mut(call.pid, fd)?;
        file.offset = next;
        if let NodeRef::Stored(id) = file.place.node {
            self.tell(id, crate::linux::IN_ACCESS);
        }
        count(copied as u64)
    }

    /// Copies entries to the caller from where `listing` starts on.
    fn list_into<C: Callers<Reply>, S: Monitor>(
        &self,
        place: Place,
        listing: &mut Listing<'_, C>,
        system: &S,
    ) -> Result<(), Refusal> {
        let pid = listing.call.pid;
        let mut full = false;
        if listing.next < Directory::first_cookie() {
            full = self.list_dots(&self.who(pid, system)?, place, listing)?;
        }
        if !full {
            full = match place.node {
                NodeRef::Stored(id) => self.list_stored(id, listing)?,
                NodeRef::Proc(node) => self.list_proc(&self.who(pid, system)?, node, listing)?,
            };
        }
        listing.flush()?;
        if listing.copied == 0 && full {
            return Err(Errno::EINVAL.into());
        }
        Ok(())
    }

    /// Lists `.` and `..`; answers whether the caller has no more room.
    fn list_dots<C: Callers<Reply>>(
        &self,
        who: &Who,
        place: Place,
        listing: &mut Listing<'_, C>,
    ) -> Result<bool, Refusal> {
        let above = self.parent(who, place).unwrap_or(place);
        let dots = [(b".".as_slice(), place, 1), (b"..", above, 2)];
        for (name, place, next) in dots.into_iter().skip(listing.next as usize) {
            let entry = DirectoryEntry {
                inode: self.inode(place),
                next,
                kind: linux::DT_DIR,
                name,
            };
            if !listing.add(&entry)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// As [`Vfs::list_dots`], for the entries of a stored directory.
    fn list_stored<C: Callers<Reply>>(
        &self,
        id: NodeId,
        listing: &mut Listing<'_, C>,
    ) -> Result<bool, Refusal> {
        let directory = self.nodes.get(id).and_then(|node| node.directory());
        for (cookie, name, id) in directory.ok_or(Errno::ENOTDIR)?.list(listing.next) {
            let node = self.nodes.get(id);
            let entry = DirectoryEntry {
                inode: stored_inode(id),
                next: cookie + 1,
                kind: node.map_or(0, |node| entry_type(node.type_bits())),
                name,
            };
            if !listing.add(&entry)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// As [`Vfs::list_dots`], for the entries of a directory in `/proc` or `/sys`.
    fn list_proc<C: Callers<Reply>>(
        &self,
        who: &Who,
        directory: procfs::Node,
        listing: &mut Listing<'_, C>,
    ) -> Result<bool, Refusal> {
        while let Some(found) = procfs::entry_at(self, who.table, directory, listing.next) {
            let entry = DirectoryEntry {
                inode: procfs::inode(found.node),
                next: found.next,
                kind: entry_type(procfs::type_bits(found.node)),
                name: &found.name,
            };
            if !listing.add(&entry)? {
                return Ok(true);
            }
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
        let id = self.add(parent, &walked.name, node)?;
        self.tell_entry(parent, &walked.name, id, linux::IN_CREATE);
        DONE
    }
}

/// `st_ino` of a stored file: 0 would be a removed one.
pub(crate) fn stored_inode(id: NodeId) -> u64 {
    u64::from(id) + 1
}
