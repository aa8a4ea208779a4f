//! Finding the file that a path names, first as if the path were plain.
//!
//! Most paths are names of stored files without links, dots or a slash at the end. For those the
//! rules of [`crate::path`] come down to a loop; all others take the walk.

use crate::linux;
use crate::node::{Kind, NodeRef, Place};
use crate::path::{LastLink, Who};
use crate::permission::{self, EXECUTE, Ownership};
use crate::policy::lookup::{PathMemory, Paths, Search};
use crate::vfs::Vfs;
use abi::Errno;

impl Vfs {
    /// The file that a path names.
    #[inline]
    pub(crate) fn find(
        &self,
        who: &Who,
        start: Place,
        path: &[u8],
        last: LastLink,
    ) -> Result<Place, Errno> {
        match self.paths {
            Paths::Direct => match self.find_plain(who, start, path) {
                Some(result) => result,
                None => self.find_walking(who, start, path, last),
            },
            Paths::Cache(_) => self.find_again(who, start, path, last),
        }
    }

    /// As [`Vfs::find`] with a memory of paths, which is told of those that are plain.
    #[inline(never)]
    fn find_again(
        &self,
        who: &Who,
        start: Place,
        path: &[u8],
        last: LastLink,
    ) -> Result<Place, Errno> {
        let is_absolute = path.first() == Some(&b'/');
        let search = Search {
            identity: &who.identity,
            start: if is_absolute { who.root } else { start },
            path,
        };
        if let Some(place) = self.paths.recall(&search) {
            return Ok(place);
        }
        match self.find_plain(who, start, path) {
            Some(result) => result.inspect(|place| self.paths.note(&search, *place)),
            None => self.find_walking(who, start, path, last),
        }
    }

    fn find_walking(
        &self,
        who: &Who,
        start: Place,
        path: &[u8],
        last: LastLink,
    ) -> Result<Place, Errno> {
        let walked = self.walk(who, start, path, last)?;
        self.found(&walked)
    }

    /// As [`Vfs::find`] for what most paths are: names of stored files, without links, dots and a
    /// slash at the end. `None` says that the path is not like that.
    fn find_plain(&self, who: &Who, start: Place, path: &[u8]) -> Option<Result<Place, Errno>> {
        let (mut here, mut rest) = match path.split_first() {
            None => return None,
            Some((b'/', rest)) => (who.root, rest),
            Some(_) => (start, path),
        };
        loop {
            let end = rest.iter().position(|&byte| byte == b'/');
            let name = &rest[..end.unwrap_or(rest.len())];
            if name.is_empty() || name.len() > linux::NAME_MAX || name[0] == b'.' {
                return None;
            }
            let NodeRef::Stored(id) = here.node else {
                return None;
            };
            let node = self.nodes.get(id)?;
            let directory = node.directory()?;
            if let Err(errno) = permission::check(&who.identity, Ownership::from(node), EXECUTE) {
                return Some(Err(errno));
            }
            let Some(child) = directory.get(name) else {
                return Some(Err(Errno::ENOENT));
            };
            let node = self.nodes.get(child)?;
            here.node = NodeRef::Stored(child);
            match node.kind {
                Kind::Link(_) => return None,
                Kind::Directory(_) if node.covers > 0 => here = self.through_mounts(here),
                _ => {}
            }
            match end {
                None => return Some(Ok(here)),
                Some(end) => rest = &rest[end + 1..],
            }
        }
    }
}
