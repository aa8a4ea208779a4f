//! Finding the root task in the boot archive: a cpio archive of the "newc" form (cpio(5)).

/// Bytes of an entry's header: a magic number and 13 fields of 8 hexadecimal digits.
const HEADER: usize = 110;

/// The content of the regular file `name`, if the archive has it and is not damaged before it.
pub fn find<'a>(archive: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = archive;
    loop {
        let header = rest.get(..HEADER)?;
        if !header.starts_with(b"07070") {
            return None;
        }
        let (bytes, name_bytes) = (field(header, 6)?, field(header, 11)?);
        let entry = rest.get(HEADER..HEADER.checked_add(name_bytes)?)?;
        let entry = entry.split(|&byte| byte == 0).next()?;
        let start = HEADER
            .checked_add(name_bytes)?
            .checked_next_multiple_of(4)?;
        let end = start.checked_add(bytes)?;
        if entry == name.as_bytes() {
            return rest.get(start..end);
        }
        if entry == b"TRAILER!!!" {
            return None;
        }
        rest = rest.get(end.checked_next_multiple_of(4)?..)?;
    }
}

/// Field `index` of a header.
fn field(header: &[u8], index: usize) -> Option<usize> {
    let digits = core::str::from_utf8(header.get(6 + index * 8..14 + index * 8)?).ok()?;
    usize::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(name: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes = format!("070701{}", "0".repeat(104)).into_bytes();
        bytes[54..62].copy_from_slice(format!("{:08x}", content.len()).as_bytes());
        bytes[94..102].copy_from_slice(format!("{:08x}", name.len() + 1).as_bytes());
        bytes.extend(name.bytes().chain([0]));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn a_file_is_found_behind_others_and_a_missing_one_is_not() {
        let archive = [
            entry("a", b"xyz"),
            entry("boot/root", b"elf"),
            entry("TRAILER!!!", b""),
        ]
        .concat();
        assert_eq!(find(&archive, "boot/root"), Some(&b"elf"[..]));
        assert_eq!(find(&archive, "boot"), None);
        assert_eq!(find(&archive[..200], "boot/root"), None, "cut short");
    }

    proptest! {
        #[test]
        fn damaged_archives_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..400), at in 0usize..250, to in any::<u8>()) {
            let _ = find(&bytes, "boot/root");
            bytes = [entry("a", b"xyz"), entry("boot/root", b"elf")].concat();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = to;
            }
            let _ = find(&bytes, "boot/root");
        }
    }
}
