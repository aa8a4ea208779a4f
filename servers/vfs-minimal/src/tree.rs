//! The boot archive (cpio, "newc" format) as a tree, and how a path leads through it.
//!
//! The tree holds names and where things are; content stays in the archive, at the offsets here.
//! Node 0 is the root, and its own parent.

use crate::device::Device;
use abi::Errno;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The root directory.
pub const ROOT: usize = 0;
const NAME_MAX: usize = 255;
/// Most symbolic links on one way, as Linux has it.
const LINKS_MAX: usize = 40;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A directory: the nodes that have it as their parent.
    Directory,
    /// A file: bytes of the archive.
    File(Range),
    /// A symbolic link: its target's bytes in the archive.
    Link(Range),
    /// A device.
    Device(Device),
}

/// Bytes of the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first.
    pub offset: usize,
    /// How many.
    pub bytes: usize,
}

impl Range {
    /// The bytes; none if the archive is shorter.
    pub fn of<'a>(&self, archive: &'a [u8]) -> &'a [u8] {
        let bytes = archive.get(self.offset..self.offset + self.bytes);
        bytes.unwrap_or_default()
    }
}

/// A file, directory, link or device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Node {
    /// Its name in its directory.
    pub name: Vec<u8>,
    /// Its directory.
    pub parent: usize,
    /// Type and permissions, as in `struct stat`.
    pub mode: u32,
    /// What it is.
    pub kind: Kind,
}

/// All nodes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tree {
    /// A node's index is its inode number less 1.
    pub nodes: Vec<Node>,
}

/// Where a path leads.
pub struct Found {
    /// The node; `None` if only the last name is missing.
    pub node: Option<usize>,
    /// There is a slash behind the last name.
    pub slash: bool,
}

impl Tree {
    /// Reads an archive; `None` if it is malformed.
    pub fn read(archive: &[u8]) -> Option<Tree> {
        let mut tree = Tree { nodes: Vec::new() };
        tree.add(ROOT, b"", 0o040755, Kind::Directory);
        let mut at = 0;
        loop {
            let header = archive.get(at..at + 110)?;
            let field = |index: usize| {
                let digits = header.get(6 + 8 * index..14 + 8 * index)?;
                let digits = core::str::from_utf8(digits).ok()?;
                usize::from_str_radix(digits, 16).ok()
            };
            let (mode, bytes, name_bytes) = (field(1)? as u32, field(6)?, field(11)?);
            let name = archive.get(at + 110..at + 110 + name_bytes)?;
            let name = name.split(|&byte| byte == 0).next()?;
            let offset = (at + 110 + name_bytes).next_multiple_of(4);
            if name == b"TRAILER!!!" {
                return Some(tree);
            }
            let range = Range { offset, bytes };
            let kind = match mode & 0o170000 {
                0o100000 => Some(Kind::File(range)),
                0o120000 => Some(Kind::Link(range)),
                0o040000 => Some(Kind::Directory),
                _ => None,
            };
            if let Some(kind) = kind {
                tree.add_path(name, mode, kind);
            }
            at = (offset + bytes).next_multiple_of(4);
        }
    }

    /// Adds an entry of the archive, with the directories above it.
    fn add_path(&mut self, path: &[u8], mode: u32, kind: Kind) {
        let mut here = ROOT;
        let mut names = path.split(|&byte| byte == b'/').peekable();
        while let Some(name) = names.next() {
            if name.is_empty() || name == b"." || name.starts_with(b".pad") {
                continue;
            }
            let is_last = names.peek().is_none();
            here = match self.child(here, name) {
                Some(node) => node,
                None if is_last => self.add(here, name, mode, kind),
                None => self.add(here, name, 0o040755, Kind::Directory),
            };
            if is_last && kind == Kind::Directory {
                self.nodes[here].mode = mode;
            }
        }
    }

    /// Adds a node.
    pub fn add(&mut self, parent: usize, name: &[u8], mode: u32, kind: Kind) -> usize {
        let name = name.to_vec();
        self.nodes.push(Node {
            name,
            parent,
            mode,
            kind,
        });
        self.nodes.len() - 1
    }

    /// Whether a node is a directory.
    pub fn is_directory(&self, node: usize) -> bool {
        self.nodes[node].kind == Kind::Directory
    }

    /// The nodes in a directory, from node `first` on.
    pub fn children(&self, directory: usize, first: usize) -> impl Iterator<Item = usize> {
        let nodes = self.nodes.iter().enumerate().skip(first.max(1));
        nodes.filter_map(move |(index, node)| (node.parent == directory).then_some(index))
    }

    /// The node with this name in a directory. It looks at all nodes: that is the whole design.
    pub fn child(&self, directory: usize, name: &[u8]) -> Option<usize> {
        self.children(directory, 0)
            .find(|&child| self.nodes[child].name == name)
    }

    /// Goes where a path leads from `start`; `follow`: also through a link at its end.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `ENAMETOOLONG`, `ELOOP`, as of every path.
    pub fn resolve(
        &self,
        archive: &[u8],
        start: usize,
        path: &[u8],
        follow: bool,
    ) -> Result<Found, Errno> {
        let first = path.first().ok_or(Errno::ENOENT)?;
        let mut here = if *first == b'/' { ROOT } else { start };
        let mut rest = path.to_vec();
        let mut links = 0;
        loop {
            let Some(begin) = rest.iter().position(|&byte| byte != b'/') else {
                return Ok(Found {
                    node: Some(here),
                    slash: true,
                });
            };
            rest.drain(..begin);
            let end = rest.iter().position(|&byte| byte == b'/');
            let slash = end.is_some();
            let end = end.unwrap_or(rest.len());
            let is_last = rest[end..].iter().all(|&byte| byte == b'/');
            let Some(next) = self.step(here, &rest[..end])? else {
                let node = None;
                return if is_last {
                    Ok(Found { node, slash })
                } else {
                    Err(Errno::ENOENT)
                };
            };
            if let Kind::Link(target) = self.nodes[next].kind
                && (!is_last || slash || follow)
            {
                links += 1;
                if links > LINKS_MAX {
                    return Err(Errno::ELOOP);
                }
                let target = target.of(archive);
                here = if target.first() == Some(&b'/') {
                    ROOT
                } else {
                    here
                };
                rest.splice(..end, target.iter().copied());
                continue;
            }
            if is_last && slash && !self.is_directory(next) {
                return Err(Errno::ENOTDIR);
            }
            if is_last {
                let node = Some(next);
                return Ok(Found { node, slash });
            }
            here = next;
            rest.drain(..end);
        }
    }

    /// One name of a path; `None` if the directory has no such name.
    fn step(&self, here: usize, name: &[u8]) -> Result<Option<usize>, Errno> {
        if !self.is_directory(here) {
            return Err(Errno::ENOTDIR);
        }
        if name.len() > NAME_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        Ok(match name {
            b"." => Some(here),
            b".." => Some(self.nodes[here].parent),
            _ => self.child(here, name),
        })
    }

    /// The path from the root to a directory.
    pub fn path_of(&self, mut node: usize) -> Vec<u8> {
        let mut names = Vec::new();
        while node != ROOT {
            names.push(self.nodes[node].name.as_slice());
            node = self.nodes[node].parent;
        }
        names.push(b"");
        names.reverse();
        match names.len() {
            1 => b"/".to_vec(),
            _ => names.join(&b'/'),
        }
    }
}
