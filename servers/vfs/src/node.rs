//! Files of every kind as they are stored (inodes), and where they are found.

use crate::data::Data;
use crate::directory::Directory;
use crate::linux;
use crate::object::queue::{self, Queue};
use crate::object::{counter::Counter, inotify::Notices, timer::Timer, watch::Watch};
use crate::pipe::Pipe;
use crate::procfs;
use crate::socket::Socket;
use alloc::boxed::Box;
use serde::{Deserialize, Serialize};

/// Number of a stored node.
pub type NodeId = u32;
/// Number of a mount.
pub type MountId = u16;

/// A file, stored or made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeRef {
    /// In the node table.
    Stored(NodeId),
    /// Part of `/proc`, which is computed when looked at.
    Proc(procfs::Node),
}

/// A file as seen through a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Which mount the path went through last.
    pub mount: MountId,
    /// The file.
    pub node: NodeRef,
}

/// A stored file. It lives while it has a name (`links`) or somebody uses it (`holds`).
#[derive(Debug, Serialize, Deserialize)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Permission bits, without the type.
    pub permissions: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names it has; a directory counts `.` and its subdirectories' `..` too.
    pub links: u32,
    /// Open files, current directories, mounts.
    pub holds: u32,
    /// Mounts that cover this directory.
    pub covers: u32,
    /// The file system it belongs to.
    pub device: u16,
    /// When it was last read, changed, and its attributes changed: nanoseconds since 1970.
    pub times: Times,
}

/// The three times of a file, nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// Last read.
    pub accessed: u64,
    /// Last change of the content.
    pub modified: u64,
    /// Last change of content or attributes.
    pub changed: u64,
}

impl Times {
    /// All the same.
    pub fn at(now: u64) -> Self {
        Times {
            accessed: now,
            modified: now,
            changed: now,
        }
    }
}

/// The kinds of files.
#[derive(Debug, Serialize, Deserialize)]
pub enum Kind {
    /// A regular file.
    File(Data),
    /// A directory.
    Directory(Directory),
    /// A symbolic link.
    Link(Box<[u8]>),
    /// A pipe or FIFO.
    Pipe(Box<Pipe>),
    /// A character device.
    Character(u64),
    /// A block device.
    Block(u64),
    /// A socket's name.
    Socket,
    /// A counter (`eventfd`).
    Counter(Counter),
    /// A timer (`timerfd`).
    Timer(Timer),
    /// Signals (`signalfd`): which.
    Signals(u64),
    /// A process, as `pidfd_open` opens it.
    Process(crate::object::process::Known),
    /// A watch (`epoll`).
    Watch(Box<Watch>),
    /// A socket that is open, which has no node of its own in a directory.
    Endpoint(Box<Socket>),
    /// A message queue, whose name is no path.
    Queue(Box<Queue>),
    /// What happened to files (`inotify`).
    Notices(Box<Notices>),
}

impl Node {
    /// A file with one name.
    pub fn new(kind: Kind, permissions: u32, now: u64) -> Self {
        let links = if matches!(kind, Kind::Directory(_)) {
            2
        } else {
            1
        };
        Node {
            kind,
            permissions: permissions & linux::PERMISSIONS,
            uid: 0,
            gid: 0,
            links,
            holds: 0,
            covers: 0,
            device: 0,
            times: Times::at(now),
        }
    }

    /// The type bits of `st_mode`.
    pub fn type_bits(&self) -> u32 {
        match self.kind {
            Kind::File(_) | Kind::Queue(_) => linux::S_IFREG,
            Kind::Directory(_) => linux::S_IFDIR,
            Kind::Link(_) => linux::S_IFLNK,
            Kind::Pipe(_) => linux::S_IFIFO,
            Kind::Character(_) => linux::S_IFCHR,
            Kind::Block(_) => linux::S_IFBLK,
            Kind::Socket | Kind::Endpoint(_) => linux::S_IFSOCK,
            Kind::Counter(_)
            | Kind::Timer(_)
            | Kind::Watch(_)
            | Kind::Signals(_)
            | Kind::Notices(_)
            | Kind::Process(_) => 0,
        }
    }

    /// `st_size`.
    pub fn size(&self) -> u64 {
        match &self.kind {
            Kind::File(data) => data.size(),
            Kind::Link(target) => target.len() as u64,
            Kind::Queue(_) => queue::FILE_BYTES,
            Kind::Directory(directory) => 32 * (directory.len() as u64 + 2),
            _ => 0,
        }
    }

    /// `st_rdev`.
    pub fn device_number(&self) -> u64 {
        match self.kind {
            Kind::Character(number) | Kind::Block(number) => number,
            _ => 0,
        }
    }

    /// Whether this is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.kind, Kind::Directory(_))
    }

    /// The directory in it.
    pub fn directory(&self) -> Option<&Directory> {
        match &self.kind {
            Kind::Directory(directory) => Some(directory),
            _ => None,
        }
    }

    /// The directory in it, to be changed.
    pub fn directory_mut(&mut self) -> Option<&mut Directory> {
        match &mut self.kind {
            Kind::Directory(directory) => Some(directory),
            _ => None,
        }
    }

    /// The pipe in it.
    pub fn pipe(&self) -> Option<&Pipe> {
        match &self.kind {
            Kind::Pipe(pipe) => Some(pipe),
            _ => None,
        }
    }

    /// The pipe in it, to be changed.
    pub fn pipe_mut(&mut self) -> Option<&mut Pipe> {
        match &mut self.kind {
            Kind::Pipe(pipe) => Some(pipe),
            _ => None,
        }
    }
}

/// The `d_type` of type bits.
pub fn entry_type(type_bits: u32) -> u8 {
    (type_bits >> 12) as u8
}
