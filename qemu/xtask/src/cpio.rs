//! Writes the boot archive: "newc" cpio in which the data of every regular file starts on a page.
//!
//! Invariant: after each entry the archive's length is a multiple of 4. Alignment is reached by
//! ending the file's name with more than one NUL, which every reader of the format skips; so the
//! machine can use pages of the archive in place, and `cpio -t` still reads it.
use crate::overlay::{Entry, Kind, Tree};

/// Alignment of file data, in bytes.
pub const PAGE_BYTES: usize = 4096;
/// Alignment of everything else, in bytes.
const WORD_BYTES: usize = 4;
const HEADER_BYTES: usize = 110;

/// Builds the archive: first the files named in `first` (in that order), then the others by name.
pub fn archive(tree: &Tree, first: &[&str]) -> Vec<u8> {
    write(tree, first, PAGE_BYTES)
}

/// As [`archive`], but with data anywhere: Linux refuses names that are as long as a page.
pub fn plain_archive(tree: &Tree) -> Vec<u8> {
    write(tree, &[], WORD_BYTES)
}

fn write(tree: &Tree, first: &[&str], file_alignment: usize) -> Vec<u8> {
    let mut writer = Writer {
        bytes: Vec::new(),
        entries: 0,
        file_alignment,
    };
    for name in first {
        if let Some(entry) = tree.get(*name) {
            writer.entry(name, entry);
        }
    }
    for (name, entry) in tree
        .iter()
        .filter(|(name, _)| !first.contains(&name.as_str()))
    {
        writer.entry(name, entry);
    }
    writer.finish()
}

struct Writer {
    bytes: Vec<u8>,
    entries: u32,
    /// Where the data of a file that is not empty starts.
    file_alignment: usize,
}

impl Writer {
    fn entry(&mut self, name: &str, entry: &Entry) {
        let (kind, data): (u32, &[u8]) = match &entry.kind {
            Kind::File(data) => (0o100_000, data),
            Kind::Directory => (0o040_000, &[]),
            Kind::SymbolicLink(target) => (0o120_000, target.as_bytes()),
            Kind::Fifo => (0o010_000, &[]),
        };
        let aligned = matches!(entry.kind, Kind::File(_)) && !data.is_empty();
        let alignment = if aligned {
            self.file_alignment
        } else {
            WORD_BYTES
        };
        self.put(name, kind | entry.mode, data, alignment);
    }

    fn put(&mut self, name: &str, mode: u32, data: &[u8], alignment: usize) {
        let name_end = self.bytes.len() + HEADER_BYTES + name.len() + 1;
        let padding = match alignment {
            WORD_BYTES => 0,
            _ => name_end.next_multiple_of(alignment) - name_end,
        };
        self.header(mode, data.len(), name.len() + 1 + padding);
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.resize(name_end + padding, 0);
        self.pad();
        self.bytes.extend_from_slice(data);
        self.pad();
    }

    /// The fields in order: inode, mode, uid, gid, links, mtime, size, device (2), special device
    /// (2), name size, check. Owner is root, times are 0 so that equal trees give equal archives.
    fn header(&mut self, mode: u32, size: usize, name_size: usize) {
        self.entries += 1;
        let fields = [
            self.entries,
            mode,
            0,
            0,
            1,
            0,
            size as u32,
            0,
            0,
            0,
            0,
            name_size as u32,
            0,
        ];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08X}").as_bytes());
        }
    }

    fn pad(&mut self) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(WORD_BYTES), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.put("TRAILER!!!", 0, &[], WORD_BYTES);
        self.bytes
            .resize(self.bytes.len().next_multiple_of(PAGE_BYTES), 0);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(archive: &[u8], at: usize, index: usize) -> usize {
        let start = at + 6 + index * 8;
        usize::from_str_radix(std::str::from_utf8(&archive[start..start + 8]).unwrap(), 16).unwrap()
    }

    /// Reads an archive back: name, mode, offset and length of the data.
    fn read(archive: &[u8]) -> Vec<(String, usize, usize, usize)> {
        let (mut at, mut found) = (0, Vec::new());
        loop {
            assert_eq!(&archive[at..at + 6], b"070701", "no header at {at}");
            let name = &archive[at + HEADER_BYTES..][..field(archive, at, 11)];
            let end = name
                .iter()
                .position(|byte| *byte == 0)
                .expect("the name ends with NUL");
            let text = String::from_utf8(name[..end].to_vec()).unwrap();
            if text == "TRAILER!!!" {
                return found;
            }
            let data = (at + HEADER_BYTES + name.len()).next_multiple_of(4);
            let size = field(archive, at, 6);
            found.push((text, field(archive, at, 1), data, size));
            at = (data + size).next_multiple_of(4);
        }
    }

    fn sample() -> Tree {
        let mut tree = Tree::new();
        tree.insert(
            "bin".into(),
            Entry {
                mode: 0o755,
                kind: Kind::Directory,
            },
        );
        tree.insert(
            "bin/a".into(),
            Entry {
                mode: 0o755,
                kind: Kind::File(vec![7; 5000]),
            },
        );
        tree.insert(
            "boot/root".into(),
            Entry {
                mode: 0o755,
                kind: Kind::File(b"ELF".to_vec()),
            },
        );
        tree.insert(
            "empty".into(),
            Entry {
                mode: 0o600,
                kind: Kind::File(vec![]),
            },
        );
        tree.insert(
            "link".into(),
            Entry {
                mode: 0o777,
                kind: Kind::SymbolicLink("bin/a".into()),
            },
        );
        tree
    }

    #[test]
    fn data_of_every_file_starts_on_a_page() {
        let archive = archive(&sample(), &["boot/root"]);
        let files: Vec<_> = read(&archive)
            .into_iter()
            .filter(|file| file.1 & 0o170_000 == 0o100_000 && file.3 > 0)
            .collect();
        assert_eq!(files.len(), 2);
        assert!(
            files.iter().all(|file| file.2 % PAGE_BYTES == 0),
            "{files:?}"
        );
        assert_eq!(&archive[files[1].2..files[1].2 + 5000], &[7; 5000]);
    }

    #[test]
    fn a_plain_archive_has_short_names() {
        let mut at = 0;
        let archive = plain_archive(&sample());
        for (name, _, data, size) in read(&archive) {
            assert_eq!(field(&archive, at, 11), name.len() + 1);
            at = (data + size).next_multiple_of(WORD_BYTES);
        }
    }

    #[test]
    fn the_root_task_is_the_first_entry_and_the_others_follow_by_name() {
        let names: Vec<_> = read(&archive(&sample(), &["boot/root"]))
            .into_iter()
            .map(|entry| entry.0)
            .collect();
        assert_eq!(names, ["boot/root", "bin", "bin/a", "empty", "link"]);
    }

    #[test]
    fn modes_and_link_targets_are_kept() {
        let archive = archive(&sample(), &[]);
        let entries = read(&archive);
        let link = entries.iter().find(|entry| entry.0 == "link").unwrap();
        assert_eq!(link.1, 0o120_777);
        assert_eq!(&archive[link.2..link.2 + link.3], b"bin/a");
        assert_eq!(
            entries.iter().find(|entry| entry.0 == "empty").unwrap().1,
            0o100_600
        );
    }
}
