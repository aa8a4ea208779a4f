//! Walking paths: from text to a place in the tree.
//!
//! Every rule about paths is here: `.` and `..`, symbolic links, mounts, roots, search permission,
//! trailing slashes, lengths (POSIX.1-2017, "Pathname Resolution").

use crate::linux;
use crate::node::{Kind, MountId, NodeRef, Place};
use crate::permission::{self, EXECUTE, Identity, Ownership};
use crate::procfs;
use crate::vfs::Vfs;
use abi::Errno;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use proto::publish::Processes;
use proto::vfs::{AT_FDCWD, Fd};

/// Who walks.
pub struct Who<'a> {
    /// What it may do.
    pub identity: Identity,
    /// Where absolute paths start, and `..` ends.
    pub root: Place,
    /// The published table, for `/proc`.
    pub table: &'a dyn Processes,
    /// What paths may not lead through: `RESOLVE_*`.
    pub resolve: u32,
}

impl Who<'_> {
    /// Whether paths may not leave the root ([`Who::root`]), as an error or at all.
    fn is_held(&self) -> bool {
        self.resolve & (linux::RESOLVE_BENEATH | linux::RESOLVE_IN_ROOT) != 0
    }

    fn has(&self, bit: u32) -> bool {
        self.resolve & bit != 0
    }
}

/// What to do with a symbolic link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastLink {
    /// Follow it.
    Follow,
    /// The link itself is meant, unless a slash follows it.
    Keep,
    /// The directory entry is meant: to be made, removed or renamed.
    Entry,
}

/// What the last component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// A name.
    Name,
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// Nothing: the path is `/`.
    Root,
}

/// Where a path leads.
#[derive(Clone, Debug)]
pub struct Walked<'p> {
    /// The directory that the last component is in.
    pub directory: Place,
    /// The last component.
    pub name: Cow<'p, [u8]>,
    /// What kind of component that is.
    pub last: Last,
    /// What it names, if that exists.
    pub place: Option<Place>,
    /// A slash follows: only a directory will do.
    pub slash: bool,
}

impl Walked<'_> {
    fn into_owned(self) -> Walked<'static> {
        Walked {
            name: Cow::Owned(self.name.into_owned()),
            ..self
        }
    }
}

/// What following a link found.
enum Followed {
    /// A file directly.
    Place(Place),
    /// The end of the link's own path.
    Walked(Walked<'static>),
}

/// Where a symbolic link leads.
pub enum Target {
    /// To a path.
    Path(Vec<u8>),
    /// To a file directly, as those in `/proc/PID/fd` do.
    Place(Place),
}

impl Vfs {
    /// The file that a walk found.
    pub(crate) fn found(&self, walked: &Walked) -> Result<Place, Errno> {
        let place = walked.place.ok_or(Errno::ENOENT)?;
        if walked.slash && !self.is_directory(place) {
            return Err(Errno::ENOTDIR);
        }
        Ok(place)
    }

    /// Where a relative path starts: the current directory or that of a descriptor.
    ///
    /// An absolute path needs no directory, so a wrong descriptor does not matter then.
    pub(crate) fn start(
        &self,
        pid: proto::Pid,
        directory: Fd,
        path: &[u8],
    ) -> Result<Place, Errno> {
        let process = self.processes.get(pid)?;
        if directory == AT_FDCWD || path.first() == Some(&b'/') {
            return Ok(process.current);
        }
        let open = process.descriptors.get(directory)?.open;
        let place = self.opens.get(open).ok_or(Errno::EBADF)?.place;
        if !self.is_directory(place) && !path.is_empty() {
            return Err(Errno::ENOTDIR);
        }
        Ok(place)
    }

    /// Walks a path.
    pub(crate) fn walk<'p>(
        &self,
        who: &Who,
        start: Place,
        path: &'p [u8],
        last: LastLink,
    ) -> Result<Walked<'p>, Errno> {
        self.walk_links(who, start, path, last, &mut 0)
    }

    fn walk_links<'p>(
        &self,
        who: &Who,
        start: Place,
        path: &'p [u8],
        last: LastLink,
        links: &mut u32,
    ) -> Result<Walked<'p>, Errno> {
        let mut here = match path.first() {
            None => return Err(Errno::ENOENT),
            // The caller may start anywhere, a link may not.
            Some(b'/') if who.has(linux::RESOLVE_BENEATH) => return Err(Errno::EXDEV),
            Some(b'/') if *links > 0 && who.resolve != 0 => Self::jump(who, start, who.root)?,
            Some(b'/') => who.root,
            Some(_) => start,
        };
        let slash = path.last() == Some(&b'/');
        let mut rest = without_slashes(path);
        if rest.is_empty() {
            let name = Cow::Borrowed(rest);
            return Ok(Walked {
                directory: here,
                name,
                last: Last::Root,
                place: Some(here),
                slash,
            });
        }
        loop {
            let (name, behind) = split(rest);
            let is_last = behind.is_empty();
            let step = self.step(who, here, name)?;
            if who.resolve != 0 {
                Self::check_step(who, here, name, step)?;
            }
            let Some(next) = step else {
                if !is_last {
                    return Err(Errno::ENOENT);
                }
                return Ok(Walked {
                    directory: here,
                    name: Cow::Borrowed(name),
                    last: Last::Name,
                    place: None,
                    slash,
                });
            };

            let follows = !is_last || last == LastLink::Follow || (last == LastLink::Keep && slash);
            let next = if follows && self.is_link(next) {
                match self.follow(who, here, next, links)? {
                    Followed::Place(place) => place,
                    Followed::Walked(walked) if is_last => {
                        let slash = slash || walked.slash;
                        return Ok(Walked { slash, ..walked });
                    }
                    Followed::Walked(walked) => self.found(&walked)?,
                }
            } else {
                next
            };
            if is_last {
                let name = Cow::Borrowed(name);
                return Ok(Walked {
                    directory: here,
                    last: kind_of(&name),
                    name,
                    place: Some(next),
                    slash,
                });
            }
            here = next;
            rest = behind;
        }
    }

    /// Where a link in directory `here` leads.
    fn follow(
        &self,
        who: &Who,
        here: Place,
        link: Place,
        links: &mut u32,
    ) -> Result<Followed, Errno> {
        *links += 1;
        if *links > linux::LINKS_MAX {
            return Err(Errno::ELOOP);
        }
        if who.has(linux::RESOLVE_NO_SYMLINKS) {
            return Err(Errno::ELOOP);
        }
        match self.link_target(who, link)? {
            Target::Place(_) if who.has(linux::RESOLVE_NO_MAGICLINKS) => Err(Errno::ELOOP),
            Target::Place(_) if who.is_held() => Err(Errno::EXDEV),
            Target::Place(place) if who.has(linux::RESOLVE_NO_XDEV) => {
                Self::jump(who, here, place).map(Followed::Place)
            }
            Target::Place(place) => Ok(Followed::Place(place)),
            Target::Path(target) => {
                let walked = self.walk_links(who, here, &target, LastLink::Follow, links)?;
                Ok(Followed::Walked(walked.into_owned()))
            }
        }
    }

    /// A path goes on at `to`, wherever that is.
    fn jump(who: &Who, from: Place, to: Place) -> Result<Place, Errno> {
        let leaves = who.has(linux::RESOLVE_NO_XDEV) && from.mount != to.mount;
        if leaves || who.has(linux::RESOLVE_BENEATH) {
            Err(Errno::EXDEV)
        } else {
            Ok(to)
        }
    }

    /// Whether the step from `here` to what `name` is there is one that is allowed.
    fn check_step(who: &Who, here: Place, name: &[u8], next: Option<Place>) -> Result<(), Errno> {
        let leaves = next.is_some_and(|next| next.mount != here.mount);
        let rises = name == b".." && here == who.root && who.has(linux::RESOLVE_BENEATH);
        if rises || (leaves && who.has(linux::RESOLVE_NO_XDEV)) {
            Err(Errno::EXDEV)
        } else {
            Ok(())
        }
    }

    /// One component: what `name` is in `here`.
    #[inline]
    fn step(&self, who: &Who, here: Place, name: &[u8]) -> Result<Option<Place>, Errno> {
        let ownership = self.ownership(who, here)?;
        if ownership.mode & linux::S_IFMT != linux::S_IFDIR {
            return Err(Errno::ENOTDIR);
        }
        permission::check(&who.identity, ownership, EXECUTE)?;
        if name.len() > linux::NAME_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        match name {
            b"." => Ok(Some(here)),
            b".." => self.parent(who, here).map(Some),
            _ => Ok(self.child(who, here, name)),
        }
    }

    /// What a name in a directory leads to, through what is mounted there.
    fn child(&self, who: &Who, here: Place, name: &[u8]) -> Option<Place> {
        let node = match here.node {
            NodeRef::Stored(directory) => {
                NodeRef::Stored(self.nodes.get(directory)?.directory()?.get(name)?)
            }
            NodeRef::Proc(node) => NodeRef::Proc(procfs::child(self, who, node, name)?),
        };
        Some(self.through_mounts(Place {
            mount: here.mount,
            node,
        }))
    }

    /// The root of what is mounted on a place, or the place itself.
    pub(crate) fn through_mounts(&self, mut place: Place) -> Place {
        while let NodeRef::Stored(id) = place.node {
            if self.nodes.get(id).is_none_or(|node| node.covers == 0) {
                break;
            }
            let Some((mount, root)) = self.mounted_on(place) else {
                break;
            };
            place = Place { mount, node: root };
        }
        place
    }

    fn mounted_on(&self, place: Place) -> Option<(MountId, NodeRef)> {
        let on_it = |mount: &&crate::vfs::Mount| mount.on == Some(place);
        let mount = self.mounts.iter().flatten().find(on_it)?;
        Some((mount.id, mount.root))
    }

    /// The directory above, which for the root of a mount is above its mount point.
    pub(crate) fn parent(&self, who: &Who, mut here: Place) -> Result<Place, Errno> {
        loop {
            if here == who.root {
                return Ok(here);
            }
            let mount = self.mount(here.mount)?;
            if here.node != mount.root {
                break;
            }
            match mount.on {
                Some(on) => here = on,
                None => return Ok(here),
            }
        }
        let node = match here.node {
            NodeRef::Stored(id) => {
                let directory = self
                    .nodes
                    .get(id)
                    .and_then(|node| node.directory())
                    .ok_or(Errno::ENOTDIR)?;
                NodeRef::Stored(directory.parent.ok_or(Errno::ENOENT)?)
            }
            NodeRef::Proc(node) => NodeRef::Proc(procfs::parent(node)),
        };
        Ok(Place {
            mount: here.mount,
            node,
        })
    }

    /// Owner, group, mode of a file.
    pub(crate) fn ownership(&self, who: &Who, place: Place) -> Result<Ownership, Errno> {
        match place.node {
            NodeRef::Stored(id) => Ok(Ownership::from(self.nodes.get(id).ok_or(Errno::ENOENT)?)),
            NodeRef::Proc(node) => procfs::ownership(who.table, node),
        }
    }

    /// Whether a place is a directory.
    pub(crate) fn is_directory(&self, place: Place) -> bool {
        match place.node {
            NodeRef::Stored(id) => self.nodes.get(id).is_some_and(|node| node.is_directory()),
            NodeRef::Proc(node) => procfs::type_bits(node) == linux::S_IFDIR,
        }
    }

    /// Whether a place is a symbolic link.
    pub(crate) fn is_link(&self, place: Place) -> bool {
        match place.node {
            NodeRef::Stored(id) => matches!(
                self.nodes.get(id).map(|node| &node.kind),
                Some(Kind::Link(_))
            ),
            NodeRef::Proc(node) => procfs::type_bits(node) == linux::S_IFLNK,
        }
    }

    /// Where a link leads.
    pub(crate) fn link_target(&self, who: &Who, place: Place) -> Result<Target, Errno> {
        match place.node {
            NodeRef::Stored(id) => match self.nodes.get(id).map(|node| &node.kind) {
                Some(Kind::Link(target)) => Ok(Target::Path(target.to_vec())),
                _ => Err(Errno::EINVAL),
            },
            NodeRef::Proc(node) => procfs::target(self, who, node),
        }
    }
}

fn without_slashes(path: &[u8]) -> &[u8] {
    let skip = path.iter().take_while(|&&byte| byte == b'/').count();
    &path[skip..]
}

/// The first component, and what follows its slashes.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().position(|&byte| byte == b'/') {
        Some(end) => (&path[..end], without_slashes(&path[end..])),
        None => (path, &[]),
    }
}

fn kind_of(name: &[u8]) -> Last {
    match name {
        b"." => Last::Dot,
        b".." => Last::DotDot,
        _ => Last::Name,
    }
}
