//! `/proc/sys` beside `kernel`, and `/proc/net`: figures that programs look for.

use crate::object::inotify;
use crate::ports::{Platform, Ports};
use crate::vfs::Vfs;
use alloc::format;
use alloc::string::String;
use core::fmt::Write;
use serde::{Deserialize, Serialize};

/// A file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// `/proc/sys/fs`
    Files,
    /// Most open files.
    FileMost,
    /// Open files, free ones, most.
    FileNumber,
    /// Highest limit of descriptors.
    OpenMost,
    /// Largest pipe.
    PipeMost,
    /// `/proc/sys/fs/inotify`
    Notify,
    /// Events that a queue keeps.
    QueuedEvents,
    /// Most `inotify` descriptors of a user.
    Instances,
    /// Most watches of a user.
    Watches,
    /// `/proc/sys/vm`
    Memory,
    /// Whether memory can be promised that is not there.
    Overcommit,
    /// Most regions of a process.
    MapCount,
    /// Lowest address that can be mapped.
    LowestAddress,
    /// How much is swapped.
    Swappiness,
    /// `/proc/sys/kernel/random`
    Random,
    /// A number that each boot has its own of.
    BootId,
    /// A number that each reading has its own of.
    Uuid,
    /// Secret bits that are there.
    Entropy,
    /// `/proc/net`
    Net,
    /// Sockets of `AF_UNIX`.
    Unix,
    /// `/proc/tty`
    Terminals,
    /// Which driver has which terminals.
    Drivers,
}

/// Where a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Above {
    /// `/proc`
    Root,
    /// `/proc/sys`
    Sys,
    /// `/proc/sys/kernel`
    Kernel,
    /// One of these.
    In(Item),
}

/// Each name: the directory that it is in, and what it names.
pub const NAMES: [(Above, &str, Item); 22] = [
    (Above::Sys, "fs", Item::Files),
    (Above::In(Item::Files), "file-max", Item::FileMost),
    (Above::In(Item::Files), "file-nr", Item::FileNumber),
    (Above::In(Item::Files), "nr_open", Item::OpenMost),
    (Above::In(Item::Files), "pipe-max-size", Item::PipeMost),
    (Above::In(Item::Files), "inotify", Item::Notify),
    (
        Above::In(Item::Notify),
        "max_queued_events",
        Item::QueuedEvents,
    ),
    (
        Above::In(Item::Notify),
        "max_user_instances",
        Item::Instances,
    ),
    (Above::In(Item::Notify), "max_user_watches", Item::Watches),
    (Above::Sys, "vm", Item::Memory),
    (
        Above::In(Item::Memory),
        "overcommit_memory",
        Item::Overcommit,
    ),
    (Above::In(Item::Memory), "max_map_count", Item::MapCount),
    (
        Above::In(Item::Memory),
        "mmap_min_addr",
        Item::LowestAddress,
    ),
    (Above::In(Item::Memory), "swappiness", Item::Swappiness),
    (Above::Kernel, "random", Item::Random),
    (Above::In(Item::Random), "boot_id", Item::BootId),
    (Above::In(Item::Random), "uuid", Item::Uuid),
    (Above::In(Item::Random), "entropy_avail", Item::Entropy),
    (Above::Root, "net", Item::Net),
    (Above::In(Item::Net), "unix", Item::Unix),
    (Above::Root, "tty", Item::Terminals),
    (Above::In(Item::Terminals), "drivers", Item::Drivers),
];

/// The directory that an item is in.
pub fn above(item: Item) -> Above {
    let mut names = NAMES.iter();
    let found = names.find(|&&(_, _, known)| known == item);
    found.map_or(Above::Root, |&(above, _, _)| above)
}

/// Whether it is a directory.
pub fn is_directory(item: Item) -> bool {
    NAMES.iter().any(|&(above, _, _)| above == Above::In(item))
}

/// Random bits as programs like them (RFC 4122, version 4).
fn uuid(bytes: [u8; 16]) -> String {
    let number = u128::from_be_bytes(bytes) & !(0xf << 76 | 0x3 << 62) | 4 << 76 | 2 << 62;
    let hex = format!("{number:032x}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-") + "\n"
}

impl Vfs {
    /// The content of a file; `None` for a directory.
    pub(super) fn tunable_text<P: Platform>(
        &mut self,
        item: Item,
        ports: &mut Ports<P>,
    ) -> Option<String> {
        let number = |number: u64| format!("{number}\n");
        Some(match item {
            Item::FileMost => number(self.limits.opens as u64),
            Item::FileNumber => format!("{}\t0\t{}\n", self.opens.len(), self.limits.opens),
            Item::OpenMost => number(crate::limits::DESCRIPTORS.into()),
            Item::PipeMost => number(crate::pipe::CAPACITY as u64),
            Item::QueuedEvents => number(inotify::MOST_EVENTS as u64),
            Item::Instances => number(inotify::MOST_QUEUES as u64),
            Item::Watches => number(inotify::MOST_WATCHES as u64),
            // As with a 1 there: promises are not counted.
            Item::Overcommit => number(1),
            Item::MapCount => number(4096),
            Item::LowestAddress => number(0x1_0000),
            Item::Swappiness => number(0),
            Item::BootId => uuid(self.boot_id),
            Item::Uuid => {
                let mut bytes = [0; 16];
                self.generator.fill(&mut bytes);
                uuid(bytes)
            }
            Item::Entropy => number(256),
            Item::Unix => self.unix_lines(ports),
            Item::Drivers => String::from(
                "/dev/tty             /dev/tty        5       0 system:/dev/tty\n\
                 /dev/console         /dev/console    5       1 system:console\n\
                 /dev/ptmx            /dev/ptmx       5       2 system\n\
                 pty_slave            /dev/pts      136 0-1048575 pty:slave\n",
            ),
            Item::Files
            | Item::Notify
            | Item::Memory
            | Item::Random
            | Item::Net
            | Item::Terminals => return None,
        })
    }

    /// As `/proc/net/unix` has them.
    fn unix_lines<P: Platform>(&self, _: &mut Ports<P>) -> String {
        let mut text = String::from("Num       RefCount Protocol Flags    Type St Inode Path\n");
        for (id, node) in self.nodes.iter() {
            if let crate::node::Kind::Endpoint(socket) = &node.kind {
                let line = socket.line(id);
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{line}");
            }
        }
        text
    }
}
