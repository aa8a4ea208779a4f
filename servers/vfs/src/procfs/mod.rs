//! `/proc` and `/sys`: what there is, computed from the published process table when looked at.
//!
//! Nothing is stored: a node says what it is, so a process that ended is simply no longer found.

pub mod machine;
pub mod memory;
pub mod names;
pub mod process;
pub mod read;
pub mod system;
pub mod tunable;
pub mod unimplemented;

use crate::layout::Stat;
use crate::linux;
use crate::node::NodeRef;
use crate::path::{Target, Who};
use crate::permission::{self, Ownership};
use crate::vfs::Vfs;
use abi::Errno;
use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;
use proto::Pid;
use proto::publish::{Entry, Processes, id};
use serde::{Deserialize, Serialize};

/// A file of `/proc` or `/sys`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Node {
    /// `/proc`
    Root,
    /// `/proc/self`
    Own,
    /// `/proc/thread-self`
    OwnThread,
    /// A file about the machine.
    Machine(machine::File),
    /// `/proc/PID`
    Process(u32),
    /// A file in `/proc/PID`.
    Item(u32, process::Item),
    /// `/proc/PID/fd/N`
    Descriptor(u32, i32),
    /// `/proc/sys`
    Sys,
    /// `/proc/sys/kernel`
    Kernel,
    /// A file in `/proc/sys/kernel`.
    Setting(machine::Setting),
    /// What is in `/sys`.
    System(system::Item),
    /// More of `/proc/sys`, and `/proc/net`.
    Tunable(tunable::Item),
    /// `/proc/PID/task/TID`
    Thread(u32, u32),
    /// A file in `/proc/PID/task/TID`.
    ThreadItem(u32, u32, process::Item),
    /// `/proc/PID/fdinfo/N`
    Information(u32, i32),
}

/// Cookies of processes in the listing of `/proc` start here; the fixed names are below.
const PROCESS_COOKIES: u64 = 256;
/// Cookie of the first entry behind `.` and `..`.
const FIRST_COOKIE: u64 = 2;

/// An entry of a listing.
pub struct Found<'a> {
    /// What it is.
    pub node: Node,
    /// Its name.
    pub name: Cow<'a, [u8]>,
    /// Where the listing goes on.
    pub next: u64,
}

/// The node called `name` in a directory of `/proc`.
pub fn child(vfs: &Vfs, who: &Who, node: Node, name: &[u8]) -> Option<Node> {
    match node {
        Node::Root => match number(name) {
            Some(pid) => who.table.get(Pid(pid)).map(|_| Node::Process(pid)),
            None => fixed(node)
                .find(|(known, _)| known.as_bytes() == name)
                .map(|(_, node)| node),
        },
        Node::Item(pid, item @ (process::Item::Descriptors | process::Item::Information)) => {
            let fd = i32::try_from(number(name)?).ok()?;
            vfs.open_file(Pid(pid), fd).ok()?;
            Some(match item {
                process::Item::Descriptors => Node::Descriptor(pid, fd),
                _ => Node::Information(pid, fd),
            })
        }
        Node::Item(pid, process::Item::Threads) => {
            let tid = number(name)?;
            let mut threads = who.table.threads(Pid(pid)).into_iter();
            threads
                .any(|(known, _)| known == tid)
                .then_some(Node::Thread(pid, tid))
        }
        _ => fixed(node)
            .find(|(known, _)| known.as_bytes() == name)
            .map(|(_, node)| node),
    }
}

/// The entries of a directory that are always there.
fn fixed(directory: Node) -> impl Iterator<Item = (&'static str, Node)> {
    let root = (directory == Node::Root).then(|| {
        let files = machine::FILES
            .iter()
            .map(|&(name, file)| (name, Node::Machine(file)));
        [
            ("self", Node::Own),
            ("thread-self", Node::OwnThread),
            ("sys", Node::Sys),
        ]
        .into_iter()
        .chain(files)
    });
    let items = process::ITEMS.iter().filter_map(move |&(name, item)| {
        let node = match directory {
            Node::Process(pid) => Node::Item(pid, item),
            // Threads share their descriptors.
            Node::Thread(pid, _)
                if matches!(
                    item,
                    process::Item::Descriptors | process::Item::Information
                ) =>
            {
                Node::Item(pid, item)
            }
            Node::Thread(pid, tid) if item.is_of_thread() => Node::ThreadItem(pid, tid, item),
            _ => return None,
        };
        Some((name, node))
    });
    let more = tunable::NAMES
        .iter()
        .filter_map(move |&(above, name, item)| {
            (directory == above_node(above)).then_some((name, Node::Tunable(item)))
        });
    let sys = (directory == Node::Sys).then_some([("kernel", Node::Kernel)]);
    let settings = (directory == Node::Kernel).then(|| {
        machine::SETTINGS
            .iter()
            .map(|&(name, setting)| (name, Node::Setting(setting)))
    });
    let items_of_system = system::NAMES
        .iter()
        .filter(move |(above, ..)| directory == Node::System(*above))
        .map(|&(_, name, item)| (name, Node::System(item)));
    let sys = sys.into_iter().flatten();
    root.into_iter()
        .flatten()
        .chain(items)
        .chain(more)
        .chain(sys)
        .chain(settings.into_iter().flatten())
        .chain(items_of_system)
}

/// The node of a directory in which a tunable file is.
fn above_node(above: tunable::Above) -> Node {
    match above {
        tunable::Above::Root => Node::Root,
        tunable::Above::Sys => Node::Sys,
        tunable::Above::Kernel => Node::Kernel,
        tunable::Above::In(item) => Node::Tunable(item),
    }
}

/// The directory that a node is in.
pub fn parent(node: Node) -> Node {
    match node {
        Node::Item(pid, _) => Node::Process(pid),
        Node::Descriptor(pid, _) => Node::Item(pid, process::Item::Descriptors),
        Node::Information(pid, _) => Node::Item(pid, process::Item::Information),
        Node::Thread(pid, _) => Node::Item(pid, process::Item::Threads),
        Node::ThreadItem(pid, tid, _) => Node::Thread(pid, tid),
        Node::Tunable(item) => above_node(tunable::above(item)),
        Node::Kernel => Node::Sys,
        Node::Setting(_) => Node::Kernel,
        Node::System(item) => Node::System(system::parent(item)),
        Node::Root
        | Node::Own
        | Node::OwnThread
        | Node::Machine(_)
        | Node::Process(_)
        | Node::Sys => Node::Root,
    }
}

/// The entry at or behind a cookie.
pub fn entry_at(
    vfs: &Vfs,
    table: &dyn Processes,
    node: Node,
    cookie: u64,
) -> Option<Found<'static>> {
    if let Node::Item(pid, process::Item::Threads) = node {
        let from = (cookie - FIRST_COOKIE) as u32;
        let threads = table.threads(Pid(pid)).into_iter();
        let tid = threads
            .map(|(tid, _)| tid)
            .filter(|&tid| tid >= from)
            .min()?;
        return Some(Found {
            node: Node::Thread(pid, tid),
            name: Cow::Owned(format!("{tid}").into_bytes()),
            next: u64::from(tid) + 1 + FIRST_COOKIE,
        });
    }
    if let Node::Item(pid, item @ (process::Item::Descriptors | process::Item::Information)) = node
    {
        let from = cookie - FIRST_COOKIE;
        let mut descriptors = vfs.process(Pid(pid)).ok()?.descriptors.iter();
        let (fd, _) = descriptors.find(|&(fd, _)| fd as u64 >= from)?;
        let name = Cow::Owned(format!("{fd}").into_bytes());
        return Some(Found {
            node: match item {
                process::Item::Descriptors => Node::Descriptor(pid, fd),
                _ => Node::Information(pid, fd),
            },
            name,
            next: fd as u64 + 1 + FIRST_COOKIE,
        });
    }
    if let Some((name, node)) = fixed(node).nth((cookie - FIRST_COOKIE) as usize) {
        return Some(Found {
            node,
            name: Cow::Borrowed(name.as_bytes()),
            next: cookie + 1,
        });
    }
    if node != Node::Root {
        return None;
    }
    let pid = table
        .next(Pid(cookie.saturating_sub(PROCESS_COOKIES) as u32))?
        .0;
    let name = Cow::Owned(format!("{pid}").into_bytes());
    Some(Found {
        node: Node::Process(pid),
        name,
        next: PROCESS_COOKIES + u64::from(pid),
    })
}

/// The type bits of `st_mode`.
pub fn type_bits(node: Node) -> u32 {
    match node {
        Node::Root | Node::Process(_) | Node::Sys | Node::Kernel | Node::Thread(..) => {
            linux::S_IFDIR
        }
        Node::Item(_, item) | Node::ThreadItem(_, _, item) => item.type_bits(),
        Node::Own | Node::OwnThread | Node::Descriptor(..) => linux::S_IFLNK,
        Node::System(item) if system::text(item).is_none() => linux::S_IFDIR,
        Node::Tunable(item) if tunable::is_directory(item) => linux::S_IFDIR,
        Node::Machine(_)
        | Node::Setting(_)
        | Node::System(_)
        | Node::Tunable(_)
        | Node::Information(..) => linux::S_IFREG,
    }
}

/// The process that a node is about.
fn pid_of(node: Node) -> Option<u32> {
    match node {
        Node::Process(pid)
        | Node::Item(pid, _)
        | Node::Descriptor(pid, _)
        | Node::Information(pid, _)
        | Node::Thread(pid, _)
        | Node::ThreadItem(pid, _, _) => Some(pid),
        _ => None,
    }
}

/// Owner, group, mode.
///
/// # Errors
/// `ENOENT` if the process is gone.
pub fn ownership(table: &dyn Processes, node: Node) -> Result<Ownership, Errno> {
    let permissions = match (node, type_bits(node)) {
        (Node::Item(_, item) | Node::ThreadItem(_, _, item), linux::S_IFDIR | linux::S_IFREG) => {
            item.permissions()
        }
        (Node::Information(..), _) => 0o400,
        (_, linux::S_IFLNK) => 0o777,
        (_, linux::S_IFDIR) => 0o555,
        _ => 0o444,
    };
    let mode = type_bits(node) | permissions;
    match pid_of(node) {
        None => Ok(Ownership {
            uid: 0,
            gid: 0,
            mode,
        }),
        Some(pid) => {
            let entry = table.get(Pid(pid)).ok_or(Errno::ENOENT)?;
            Ok(Ownership {
                uid: entry.uid[id::EFFECTIVE],
                gid: entry.gid[id::EFFECTIVE],
                mode,
            })
        }
    }
}

/// `struct stat`, without the device.
///
/// # Errors
/// `ENOENT` if the process is gone.
pub fn stat(table: &dyn Processes, node: Node, epoch_ns: u64) -> Result<Stat, Errno> {
    let Ownership { uid, gid, mode } = ownership(table, node)?;
    let started = pid_of(node)
        .and_then(|pid| table.get(Pid(pid)))
        .map_or(0, |entry| entry.start_ns);
    let time = epoch_ns.saturating_add(started);
    let links = if mode & linux::S_IFMT == linux::S_IFDIR {
        2
    } else {
        1
    };
    Ok(Stat {
        inode: inode(node),
        mode,
        links,
        uid,
        gid,
        accessed: time,
        modified: time,
        changed: time,
        ..Stat::default()
    })
}

/// `st_ino`: the kind of the node and its process, so that no two are the same.
pub fn inode(node: Node) -> u64 {
    let (kind, index) = match node {
        Node::Root => (1, 0),
        Node::Own => (2, 0),
        Node::Sys => (3, 0),
        Node::Kernel => (4, 0),
        Node::Machine(file) => (5, file as u64),
        Node::Setting(setting) => (6, setting as u64),
        Node::Process(_) => (7, 0),
        Node::Item(_, item) => (8, item as u64),
        Node::Descriptor(_, fd) => (9, fd as u64),
        Node::System(item) => (10, item as u64),
        Node::Tunable(item) => (11, item as u64),
        Node::Information(_, fd) => (12, fd as u64),
        Node::OwnThread => (13, 0),
        Node::Thread(_, tid) => return u64::from(tid) << 32 | 14 << 24,
        Node::ThreadItem(_, tid, item) => return u64::from(tid) << 32 | 15 << 24 | item as u64,
    };
    u64::from(pid_of(node).unwrap_or(0)) << 32 | kind << 24 | index
}

/// Where a link leads.
///
/// # Errors
/// `ENOENT` if the process or descriptor is gone, `EACCES` if it belongs to somebody else.
pub fn target(vfs: &Vfs, who: &Who, node: Node) -> Result<Target, Errno> {
    if node == Node::Own {
        return Ok(Target::Path(format!("{}", who.identity.pid).into_bytes()));
    }
    if node == Node::OwnThread {
        let pid = who.identity.pid;
        return Ok(Target::Path(format!("{pid}/task/{pid}").into_bytes()));
    }
    let pid = pid_of(node).ok_or(Errno::EINVAL)?;
    let entry: Entry = who.table.get(Pid(pid)).ok_or(Errno::ENOENT)?;
    if entry.pid != who.identity.pid && !permission::is_owner(&who.identity, entry.uid[id::REAL]) {
        return Err(Errno::EACCES);
    }
    let process = vfs.process(Pid(pid)).map_err(|_| Errno::ENOENT)?;
    let node = match node {
        Node::ThreadItem(pid, _, item) => Node::Item(pid, item),
        other => other,
    };
    match node {
        Node::Descriptor(_, fd) => {
            let file = vfs.open_file(Pid(pid), fd).map_err(|_| Errno::ENOENT)?;
            Ok(Target::Place(file.place))
        }
        Node::Item(_, process::Item::Current) => Ok(Target::Place(process.current)),
        Node::Item(_, process::Item::Root) => Ok(Target::Place(process.root)),
        Node::Item(_, process::Item::Program) if !process.program.is_empty() => {
            Ok(Target::Path(process.program.clone()))
        }
        Node::Item(_, process::Item::Program) => Err(Errno::ENOENT),
        _ => Err(Errno::EINVAL),
    }
}

/// The path of a node below `/proc` or `/sys`, with a slash in front; empty for these themselves.
pub fn path(node: NodeRef) -> Vec<u8> {
    let NodeRef::Proc(node) = node else {
        return Vec::new();
    };
    let text = match node {
        Node::Root | Node::System(system::Item::Root) => return Vec::new(),
        Node::Process(pid) => format!("/{pid}"),
        Node::Item(pid, process::Item::Descriptors) => format!("/{pid}/fd"),
        Node::Descriptor(pid, fd) => format!("/{pid}/fd/{fd}"),
        Node::Information(pid, fd) => format!("/{pid}/fdinfo/{fd}"),
        Node::Thread(pid, tid) => format!("/{pid}/task/{tid}"),
        _ => {
            let above = path(NodeRef::Proc(parent(node)));
            let name = fixed(parent(node))
                .find(|&(_, known)| known == node)
                .map_or("", |(name, _)| name);
            return [above.as_slice(), b"/", name.as_bytes()].concat();
        }
    };
    text.into_bytes()
}

/// A decimal number without a sign.
fn number(name: &[u8]) -> Option<u32> {
    if name.is_empty() || !name.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(name).ok()?.parse().ok()
}
