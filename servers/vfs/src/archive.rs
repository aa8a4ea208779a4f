//! The boot archive (cpio, "newc" format) as the first content of the root file system.
//!
//! File data is not copied: it starts at a page of the archive's object, which the files refer to.
//! (Linux, `Documentation/driver-api/early-userspace/buffer-format.rst`.)

use crate::data::{Data, INLINE_BYTES};
use crate::directory::Directory;
use crate::linux;
use crate::node::{Kind, Node, NodeId, NodeRef};
use crate::pipe::Pipe;
use crate::policy::PipeDesign;
use crate::ports::{Memory, Window};
use crate::vfs::Vfs;
use abi::PAGE_BYTES;
use alloc::boxed::Box;
use core::fmt;

/// Size of an entry's header.
const HEADER_BYTES: usize = 110;
/// Name of the entry that ends an archive.
const TRAILER: &[u8] = b"TRAILER!!!";

/// What is wrong with an archive, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Offset of the entry in the archive.
    pub offset: usize,
    /// What is wrong.
    pub problem: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "boot archive: {} at byte {}", self.problem, self.offset)
    }
}

/// One entry.
struct Entry<'a> {
    mode: u32,
    modified_s: u32,
    device: u64,
    name: &'a [u8],
    /// Where its data starts in the archive.
    data: usize,
    bytes: usize,
    /// Where the next entry starts.
    next: usize,
}

impl<'a> Entry<'a> {
    fn parse(archive: &'a [u8], at: usize) -> Result<Self, Malformed> {
        let malformed = |problem| Malformed {
            offset: at,
            problem,
        };
        let header = archive
            .get(at..at + HEADER_BYTES)
            .ok_or(malformed("it ends without a trailer"))?;
        if header[..6] != *b"070701" {
            return Err(malformed("an entry does not start with 070701"));
        }
        let number = |index: usize| hexadecimal(&header[6 + 8 * index..14 + 8 * index]);
        let field = |index| number(index).ok_or(malformed("a header field is not hexadecimal"));
        let name_bytes = field(11)? as usize;
        let bytes = field(6)? as usize;
        let name_start = at + HEADER_BYTES;
        let name = archive
            .get(name_start..name_start + name_bytes)
            .ok_or(malformed("a name is cut off"))?;
        let end = name
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(name.len());
        let data = (name_start + name_bytes).next_multiple_of(4);
        if archive.len() < data || archive.len() - data < bytes {
            return Err(malformed("data is cut off"));
        }
        Ok(Entry {
            mode: field(1)?,
            modified_s: field(5)?,
            device: linux::device(field(9)?, field(10)?),
            name: &name[..end],
            data,
            bytes,
            next: (data + bytes).next_multiple_of(4),
        })
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number: u32, &digit| {
        Some(number << 4 | (digit as char).to_digit(16)?)
    })
}

/// The directory that the last entry was put into: most entries follow their neighbours.
struct Recent<'a> {
    path: &'a [u8],
    directory: NodeId,
}

impl Vfs {
    /// Adds the files of an archive to the root file system.
    pub(crate) fn unpack<M: Memory>(
        &mut self,
        memory: &M,
        archive: Window,
    ) -> Result<(), Malformed> {
        let bytes = memory.bytes(archive, 0, archive.bytes as usize);
        let Some(NodeRef::Stored(root)) = self.mount(0).ok().map(|mount| mount.root) else {
            return Ok(());
        };
        let mut recent = Recent {
            path: b"",
            directory: root,
        };
        let mut at = 0;
        loop {
            let entry = Entry::parse(bytes, at)?;
            if entry.name == TRAILER {
                return Ok(());
            }
            let malformed = |problem| Malformed {
                offset: at,
                problem,
            };
            self.unpack_entry(&entry, bytes, archive, root, &mut recent)
                .map_err(malformed)?;
            at = entry.next;
        }
    }

    fn unpack_entry<'a>(
        &mut self,
        entry: &Entry<'a>,
        bytes: &[u8],
        archive: Window,
        root: NodeId,
        recent: &mut Recent<'a>,
    ) -> Result<(), &'static str> {
        let path = entry.name.strip_prefix(b"./").unwrap_or(entry.name);
        let path = path.strip_prefix(b"/").unwrap_or(path);
        if path == b"." || path.is_empty() || path.starts_with(b".pad") {
            return Ok(());
        }
        let (above, name) = match path.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&path[..0], path),
        };
        if above != recent.path {
            *recent = Recent {
                path: above,
                directory: self.make_directories(root, above)?,
            };
        }
        if name.is_empty() || name.len() > linux::NAME_MAX {
            return Err("a name is empty or too long");
        }
        let kind = kind_of(entry, bytes, archive, self.designs.pipe)?;
        self.put(recent.directory, name, kind, entry)
    }

    /// Makes an entry; a directory that is there already only gets the entry's mode.
    fn put(
        &mut self,
        directory: NodeId,
        name: &[u8],
        kind: Kind,
        entry: &Entry,
    ) -> Result<(), &'static str> {
        let existing = self
            .nodes
            .get(directory)
            .and_then(Node::directory)
            .and_then(|entries| entries.get(name));
        if let Some(id) = existing {
            let node = self
                .nodes
                .get_mut(id)
                .filter(|node| node.is_directory() && matches!(kind, Kind::Directory(_)));
            node.ok_or("a name comes twice")?.permissions = entry.mode & linux::PERMISSIONS;
            return Ok(());
        }
        let node = Node::new(
            kind,
            entry.mode,
            u64::from(entry.modified_s) * 1_000_000_000,
        );
        self.add(directory, name, node)
            .map(|_| ())
            .map_err(|_| "a file is in something that is no directory")
    }

    /// The directory with this path, made with its parents if it is not there.
    fn make_directories(&mut self, root: NodeId, path: &[u8]) -> Result<NodeId, &'static str> {
        let mut here = root;
        for name in path
            .split(|&byte| byte == b'/')
            .filter(|name| !name.is_empty())
        {
            let entries = self
                .nodes
                .get(here)
                .and_then(Node::directory)
                .ok_or("a path leads through a file")?;
            here = match entries.get(name) {
                Some(id) => id,
                None => {
                    let node = Node::new(
                        Kind::Directory(Directory::new(None, name)),
                        0o755,
                        self.epoch_ns,
                    );
                    self.add(here, name, node)
                        .map_err(|_| "a path leads through a file")?
                }
            };
        }
        Ok(here)
    }
}

fn kind_of(
    entry: &Entry,
    bytes: &[u8],
    archive: Window,
    pipes: PipeDesign,
) -> Result<Kind, &'static str> {
    let content = &bytes[entry.data..entry.data + entry.bytes];
    Ok(match entry.mode & linux::S_IFMT {
        linux::S_IFREG => Kind::File(data_of(entry, content, archive)?),
        linux::S_IFDIR => Kind::Directory(Directory::new(None, b"")),
        linux::S_IFLNK => Kind::Link(content.into()),
        linux::S_IFIFO => Kind::Pipe(Box::new(Pipe::new(pipes))),
        linux::S_IFCHR => Kind::Character(entry.device),
        linux::S_IFBLK => Kind::Block(entry.device),
        linux::S_IFSOCK => Kind::Socket,
        _ => return Err("an entry has no known type"),
    })
}

fn data_of(entry: &Entry, content: &[u8], archive: Window) -> Result<Data, &'static str> {
    let offset = entry.data as u64;
    if offset.is_multiple_of(PAGE_BYTES) && !content.is_empty() {
        return Ok(Data::Archive {
            archive,
            offset,
            size: content.len() as u64,
            slice: None,
        });
    }
    if content.len() as u64 > INLINE_BYTES {
        return Err("a file's data does not start at a page");
    }
    Ok(Data::Inline(content.to_vec()))
}
