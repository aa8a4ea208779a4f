//! `open` and `close`.

use crate::data::Data;
use crate::device;
use crate::linux;
use crate::locks::Owner;
use crate::node::{Kind, Node, NodeId, NodeRef, Place};
use crate::park::{Attempt, Call, Cause, DONE, Resume, Step, Wait};
use crate::path::{LastLink, Walked, Who};
use crate::permission::{self, READ, WRITE};
use crate::ports::{Platform, Ports};
use crate::process::{Descriptor, OpenId};
use crate::requests::text::PathText;
use crate::vfs::{Vfs, entry, identity, permission_bits};
use abi::Errno;
use proto::Pid;
use proto::vfs::{Fd, Reply};

/// Flags that matter only while opening.
const OPENING: u32 =
    linux::O_CREAT | linux::O_EXCL | linux::O_NOCTTY | linux::O_TRUNC | linux::O_CLOEXEC;

impl Vfs {
    /// `openat`. A FIFO may have to wait for its other end.
    pub(crate) fn open<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        (flags, mode, resolve): (u32, u32, u32),
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        if let Some((open, seen)) = resume.opened {
            return self.open_again(call, open, seen, flags, ports);
        }
        if flags & linux::O_TMPFILE_BIT != 0 {
            return self.open_unnamed(call, directory, (flags, mode), ports);
        }
        check_flags(flags)?;
        self.check_opens()?;
        let mut path = PathText::new();
        path.fill(call, 0, ports)?;
        let now = self.now(&mut ports.system);
        let mut who = self.who(call.pid, &ports.system)?;
        let limit = who.identity.limit_files;
        self.processes
            .get_mut(call.pid)?
            .descriptors
            .free_number(0, limit)?;
        let mut start = self.start(call.pid, directory, path.bytes())?;
        let last = last_link(flags);
        if resolve != 0 {
            start = self.hold_within(call.pid, directory, start, (&mut who, resolve))?;
        }
        let place = if flags & linux::O_CREAT == 0 && resolve == 0 {
            self.find(&who, start, path.bytes(), last)?
        } else {
            let walked = self.walk(&who, start, path.bytes(), last)?;
            if walked.place.is_none() && flags & linux::O_CREAT != 0 {
                let place = self.create_file(call, &who, &walked, mode, now)?;
                return self.open_place(call, place, flags, ports);
            }
            if flags & linux::O_EXCL != 0 && flags & linux::O_CREAT != 0 {
                return Err(Errno::EEXIST.into());
            }
            self.found(&walked)?
        };
        self.check_existing(&who, place, flags)?;
        self.open_place(call, place, flags, ports)
    }

    /// `openat2`: as [`Vfs::open`], but unknown and senseless flags are refused.
    pub(crate) fn open_within<P: Platform>(
        &mut self,
        call: &Call,
        directory: Fd,
        (flags, mode, resolve): (u32, u32, u32),
        resume: &Resume,
        ports: &mut Ports<P>,
    ) -> Attempt {
        check_strictly(flags, mode, resolve)?;
        self.open(call, directory, (flags, mode, resolve), resume, ports)
    }

    /// Where a path starts that may not lead everywhere, of which `who` is told.
    fn hold_within(
        &self,
        pid: Pid,
        directory: Fd,
        start: Place,
        (who, resolve): (&mut Who<'_>, u32),
    ) -> Result<Place, Errno> {
        who.resolve = resolve;
        if resolve & (linux::RESOLVE_BENEATH | linux::RESOLVE_IN_ROOT) == 0 {
            return Ok(start);
        }
        // Also an absolute path starts there.
        let start = self.start(pid, directory, b".")?;
        who.root = start;
        Ok(start)
    }

    /// Opens a file that the caller may open, and names it by the lowest free descriptor.
    pub(crate) fn open_place<P: Platform>(
        &mut self,
        call: &Call,
        place: Place,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let kept = (flags & !OPENING) | linux::O_LARGEFILE;
        if flags & linux::O_PATH != 0 {
            let open = self.add_open(
                place,
                kept & (linux::O_PATH | linux::O_DIRECTORY | linux::O_NOFOLLOW),
            );
            return self.name_open(call, open, flags, ports);
        }
        let NodeRef::Stored(id) = place.node else {
            let open = self.add_open(place, kept);
            return self.name_open(call, open, flags, ports);
        };
        let node = self.nodes.get_mut(id).ok_or(Errno::ENOENT)?;
        match &mut node.kind {
            Kind::File(data) => {
                if flags & linux::O_TRUNC != 0 && data.size() > 0 {
                    data.truncate(&mut ports.memory, 0)?;
                    let now = self.now(&mut ports.system);
                    self.touch(place, now, |times, now| {
                        times.modified = now;
                        times.changed = now;
                    });
                    self.tell(id, linux::IN_MODIFY);
                }
            }
            Kind::Pipe(_) => return self.open_pipe(call, id, place, flags, ports),
            Kind::Character(number) if device::exists(*number) => {
                let number = *number;
                let (mut line, is_slave) = (0, device::is_terminal(number));
                if is_slave {
                    let entry = entry(call.pid, &ports.system)?;
                    let may_control = flags & linux::O_NOCTTY == 0;
                    line = self.open_terminal(number, &entry, may_control, ports)?;
                } else if number == device::MASTERS {
                    line = self.open_master(call, ports)?;
                }
                if line > 0 {
                    let open = self.add_open(place, kept);
                    self.opens.get_mut(open).ok_or(Errno::EBADF)?.line = line;
                    if is_slave {
                        self.slave_opened(line);
                    }
                    return self.name_open(call, open, flags, ports);
                }
            }
            Kind::Directory(_) => {}
            Kind::Link(_) => return Err(Errno::ELOOP.into()),
            // What has no name cannot be opened by the one that /proc shows.
            Kind::Character(_)
            | Kind::Block(_)
            | Kind::Socket
            | Kind::Counter(_)
            | Kind::Timer(_)
            | Kind::Watch(_)
            | Kind::Signals(_)
            | Kind::Process(_)
            | Kind::Endpoint(_)
            | Kind::Queue(_)
            | Kind::Notices(_) => return Err(Errno::ENXIO.into()),
        }
        let open = self.add_open(place, kept);
        self.name_open(call, open, flags, ports)
    }

    /// Opens a FIFO: an end that waits is open already, so that the other end finds it.
    fn open_pipe<P: Platform>(
        &mut self,
        call: &Call,
        id: NodeId,
        place: Place,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let node = self.nodes.get(id).ok_or(Errno::EIO)?;
        let pipe = node.pipe().ok_or(Errno::EIO)?;
        let (alone, seen) = match flags & linux::O_ACCMODE {
            linux::O_RDONLY => (pipe.writers == 0, pipe.writers_seen),
            linux::O_WRONLY => (pipe.readers == 0, pipe.readers_seen),
            _ => (false, 0),
        };
        // A pipe without a name, opened again through /proc, is whole: nobody else can come to open it.
        let named = node.links > 0;
        let waits = flags & linux::O_NONBLOCK == 0;
        if alone && named && !waits && flags & linux::O_ACCMODE == linux::O_WRONLY {
            return Err(Errno::ENXIO.into());
        }
        let open = self.add_open(place, flags & !OPENING | linux::O_LARGEFILE);
        if alone && named && waits {
            let resume = Resume {
                opened: Some((open, seen)),
                ..Resume::default()
            };
            return Ok(Step::Wait(Wait::with(Cause::Pipe(id), resume)));
        }
        self.name_open(call, open, flags, ports)
    }

    /// Looks whether the other end of a FIFO has come.
    fn open_again<P: Platform>(
        &mut self,
        call: &Call,
        open: OpenId,
        seen: u32,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let place = self.opens.get(open).ok_or(Errno::EBADF)?.place;
        let (id, pipe) = self.pipe_at(place).ok_or(Errno::EIO)?;
        let came = match flags & linux::O_ACCMODE {
            linux::O_RDONLY => pipe.writers > 0 || pipe.writers_seen != seen,
            _ => pipe.readers > 0 || pipe.readers_seen != seen,
        };
        if came {
            return self.name_open(call, open, flags, ports);
        }
        let resume = Resume {
            opened: Some((open, seen)),
            ..Resume::default()
        };
        Ok(Step::Wait(Wait::with(Cause::Pipe(id), resume)))
    }

    /// Gives an open file a descriptor, or closes it if there is none.
    pub(crate) fn name_open<P: Platform>(
        &mut self,
        call: &Call,
        open: OpenId,
        flags: u32,
        ports: &mut Ports<P>,
    ) -> Attempt {
        match self.add_descriptor(call.pid, open, flags, ports) {
            Ok(fd) => {
                if !self.noticed.is_empty() {
                    self.tell_opened(open);
                }
                Ok(Step::Done(Reply::Descriptor(fd)))
            }
            Err(errno) => {
                self.release_open(open, ports);
                Err(errno.into())
            }
        }
    }

    /// Says to who hears of the file that it was opened.
    fn tell_opened(&mut self, open: OpenId) {
        let file = self.opens.get(open);
        let file = file.filter(|file| file.flags & linux::O_PATH == 0);
        if let Some(id) = file.and_then(|file| self.stored(file.place)) {
            self.tell(id, linux::IN_OPEN);
        }
    }

    /// The lowest free descriptor for an open file.
    pub(crate) fn add_descriptor<P: Platform>(
        &mut self,
        pid: Pid,
        open: OpenId,
        flags: u32,
        ports: &Ports<P>,
    ) -> Result<Fd, Errno> {
        let limit = identity(pid, &ports.system)?.limit_files;
        let descriptor = Descriptor {
            open,
            close_on_exec: flags & linux::O_CLOEXEC != 0,
        };
        self.processes
            .get_mut(pid)?
            .descriptors
            .insert(descriptor, 0, limit)
    }

    /// Makes the regular file that an open with `O_CREAT` did not find.
    fn create_file(
        &mut self,
        call: &Call,
        who: &Who,
        walked: &Walked,
        mode: u32,
        now: u64,
    ) -> Result<Place, Errno> {
        if walked.slash {
            return Err(Errno::EISDIR);
        }
        let directory = self.creatable(who, walked)?;
        let node = self.new_node(call, who, Kind::File(Data::default()), (mode, now))?;
        let id = self.add(directory, &walked.name, node)?;
        self.tell_entry(directory, &walked.name, id, linux::IN_CREATE);
        Ok(Place {
            mount: walked.directory.mount,
            node: NodeRef::Stored(id),
        })
    }

    /// A node that belongs to the caller, with its umask applied.
    pub(crate) fn new_node(
        &self,
        call: &Call,
        who: &Who,
        kind: Kind,
        (mode, now): (u32, u64),
    ) -> Result<Node, Errno> {
        let umask = self.process(call.pid)?.umask;
        let mut node = Node::new(kind, permission_bits(mode) & !umask, now);
        node.uid = who.identity.uid;
        node.gid = who.identity.gid;
        Ok(node)
    }

    /// Checks that an existing file may be opened so.
    fn check_existing(&self, who: &Who, place: Place, flags: u32) -> Result<(), Errno> {
        let is_directory = self.is_directory(place);
        if flags & linux::O_DIRECTORY != 0 && !is_directory {
            return Err(Errno::ENOTDIR);
        }
        if flags & linux::O_PATH != 0 {
            return Ok(());
        }
        if self.is_link(place) {
            return Err(Errno::ELOOP);
        }
        let writes = flags & linux::O_ACCMODE != linux::O_RDONLY || flags & linux::O_TRUNC != 0;
        if is_directory && (writes || flags & linux::O_CREAT != 0) {
            return Err(Errno::EISDIR);
        }
        let reads = flags & linux::O_ACCMODE != linux::O_WRONLY;
        let wanted = (if reads { READ } else { 0 }) | (if writes { WRITE } else { 0 });
        let ownership = self.ownership(who, place)?;
        permission::check(&who.identity, ownership, wanted)?;
        if flags & linux::O_NOATIME != 0 && !permission::is_owner(&who.identity, ownership.uid) {
            return Err(Errno::EPERM);
        }
        Ok(())
    }

    /// `close`.
    #[inline]
    pub(crate) fn close<P: Platform>(
        &mut self,
        call: &Call,
        fd: Fd,
        ports: &mut Ports<P>,
    ) -> Attempt {
        let descriptor = self.processes.get_mut(call.pid)?.descriptors.remove(fd)?;
        self.drop_descriptor(call.pid, descriptor, ports);
        DONE
    }

    /// What closing a descriptor means: its process's record locks go, a queue tells it no more, and
    /// maybe the open file goes, too.
    pub(crate) fn drop_descriptor<P: Platform>(
        &mut self,
        pid: Pid,
        descriptor: Descriptor,
        ports: &mut Ports<P>,
    ) {
        if !self.locks.is_empty()
            && let Some(NodeRef::Stored(id)) =
                self.opens.get(descriptor.open).map(|file| file.place.node)
            && self.locks.release(id, Owner::Process(pid))
        {
            self.changed(Cause::Lock(id));
        }
        if !self.queues.notices.is_empty() {
            self.leave_queue(pid, descriptor.open, ports);
        }
        self.release_open(descriptor.open, ports);
    }
}

/// Linux ignores flags of `open` that it does not know, but not these.
fn check_flags(flags: u32) -> Result<(), Errno> {
    let creates_directory = linux::O_CREAT | linux::O_DIRECTORY;
    if flags & linux::O_ACCMODE == linux::O_ACCMODE
        || flags & creates_directory == creates_directory
    {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// What `openat2` refuses beside that (Linux: `build_open_flags`).
fn check_strictly(flags: u32, mode: u32, resolve: u32) -> Result<(), Errno> {
    const KNOWN: u32 = linux::O_ACCMODE
        | OPENING
        | linux::O_APPEND
        | linux::O_NONBLOCK
        | linux::O_SYNC
        | linux::O_ASYNC
        | linux::O_DIRECT
        | linux::O_LARGEFILE
        | linux::O_DIRECTORY
        | linux::O_NOFOLLOW
        | linux::O_NOATIME
        | linux::O_PATH
        | linux::O_TMPFILE_BIT;
    const WITH_PATH: u32 =
        linux::O_PATH | linux::O_DIRECTORY | linux::O_NOFOLLOW | linux::O_CLOEXEC;
    let makes = flags & (linux::O_CREAT | linux::O_TMPFILE_BIT) != 0;
    let held = linux::RESOLVE_BENEATH | linux::RESOLVE_IN_ROOT;
    let senseless = flags & !KNOWN != 0
        || resolve >= 2 * linux::RESOLVE_CACHED
        || resolve & held == held
        || (if makes { mode & !0o7777 } else { mode }) != 0
        || (flags & linux::O_PATH != 0 && flags & !WITH_PATH != 0);
    if senseless {
        return Err(Errno::EINVAL);
    }
    let changes = linux::O_CREAT | linux::O_TRUNC | linux::O_TMPFILE_BIT;
    if resolve & linux::RESOLVE_CACHED != 0 && flags & changes != 0 {
        return Err(Errno::EAGAIN);
    }
    Ok(())
}

fn last_link(flags: u32) -> LastLink {
    let exclusive = linux::O_CREAT | linux::O_EXCL;
    if flags & exclusive == exclusive {
        LastLink::Entry
    } else if flags & linux::O_NOFOLLOW != 0 {
        LastLink::Keep
    } else {
        LastLink::Follow
    }
}
