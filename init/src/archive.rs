//! The boot archive: cpio in the "newc" form (cpio(5)), as the image builder writes it.
//!
//! Data of every file starts on a page of the archive, so that programs can be mapped out of it.

/// Bytes of an entry's header: a magic number and 13 fields of 8 hexadecimal digits.
const HEADER_BYTES: usize = 110;
/// Indices of the fields that matter here.
const MODE: usize = 1;
const SIZE: usize = 6;
const NAME_SIZE: usize = 11;
/// Kind of file in a mode, and the regular one.
const KIND: usize = 0o170000;
const REGULAR: usize = 0o100000;

/// A file in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// Where its content starts in the archive, in bytes.
    pub offset: usize,
    /// Its content.
    pub content: &'a [u8],
}

/// The regular file `path` (without a leading `/`), if the archive has it and is whole up to it.
pub fn find<'a>(archive: &'a [u8], path: &str) -> Option<File<'a>> {
    let mut at = 0usize;
    loop {
        let header = archive.get(at..at.checked_add(HEADER_BYTES)?)?;
        if !header.starts_with(b"070701") {
            return None;
        }
        let (mode, bytes, name_bytes) = (
            field(header, MODE)?,
            field(header, SIZE)?,
            field(header, NAME_SIZE)?,
        );
        let name_at = at.checked_add(HEADER_BYTES)?;
        let name = archive.get(name_at..name_at.checked_add(name_bytes)?)?;
        let offset = name_at
            .checked_add(name_bytes)?
            .checked_next_multiple_of(4)?;
        let end = offset.checked_add(bytes)?;
        // Names may be followed by several zeros: that is how data comes to lie on a page.
        let name = name.split(|&byte| byte == 0).next()?;
        if name == b"TRAILER!!!" {
            return None;
        }
        if name == path.as_bytes() && mode & KIND == REGULAR {
            return Some(File {
                offset,
                content: archive.get(offset..end)?,
            });
        }
        at = end.checked_next_multiple_of(4)?;
    }
}

/// The first line of the text file `path`, without blanks around it.
pub fn first_line<'a>(archive: &'a [u8], path: &str) -> Option<&'a str> {
    let text = core::str::from_utf8(find(archive, path)?.content).ok()?;
    text.lines()
        .next()
        .map(str::trim)
        .filter(|line| !line.is_empty())
}

fn field(header: &[u8], index: usize) -> Option<usize> {
    let digits = core::str::from_utf8(header.get(6 + index * 8..14 + index * 8)?).ok()?;
    usize::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// An archive with these files; data is padded to pages as the image builder does.
    pub(crate) fn archive(files: &[(&str, usize, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, mode, content) in files.iter().copied().chain([("TRAILER!!!", 0, &b""[..])]) {
            let mut name_bytes = name.len() + 1;
            while !(out.len() + HEADER_BYTES + name_bytes).is_multiple_of(4096) {
                name_bytes += 1;
            }
            let mut fields = [0; 13];
            (fields[MODE], fields[SIZE], fields[NAME_SIZE]) = (mode, content.len(), name_bytes);
            out.extend_from_slice(b"070701");
            fields
                .iter()
                .for_each(|field| out.extend(format!("{field:08x}").bytes()));
            let end = out.len() + name_bytes;
            out.extend_from_slice(name.as_bytes());
            out.resize(end, 0);
            out.extend_from_slice(content);
            out.resize(out.len().next_multiple_of(4), 0);
        }
        out
    }

    #[test]
    fn a_file_is_found_behind_others_and_starts_on_a_page() {
        let archive = archive(&[
            ("boot", 0o40755, b""),
            ("boot/root", 0o100755, b"elf"),
            ("etc/x", 0o100644, b"cow\n"),
        ]);
        let file = find(&archive, "boot/root").unwrap();
        assert_eq!((file.content, file.offset % 4096), (&b"elf"[..], 0));
        assert_eq!(first_line(&archive, "etc/x"), Some("cow"));
        assert_eq!(find(&archive, "boot"), None, "a directory is no file");
        assert_eq!(find(&archive, "nothing"), None);
    }

    #[test]
    fn a_damaged_archive_has_no_files_behind_the_damage() {
        let mut archive = archive(&[("a", 0o100644, b"xyz"), ("b", 0o100644, b"xyz")]);
        assert_eq!(find(&archive[..4100], "b"), None);
        archive[3] = b'?';
        assert_eq!(find(&archive, "a"), None);
        assert_eq!(find(&[], "a"), None);
    }
}
