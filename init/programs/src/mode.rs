//! File modes as text, as `ls -l` and `chmod` have them.

use alloc::string::String;
use libsys::file;

/// The letter of a file's kind.
pub fn kind_letter(mode: u32) -> char {
    match mode & file::S_IFMT {
        file::S_IFDIR => 'd',
        file::S_IFLNK => 'l',
        file::S_IFIFO => 'p',
        file::S_IFCHR => 'c',
        file::S_IFBLK => 'b',
        file::S_IFSOCK => 's',
        _ => '-',
    }
}

/// The kind in words.
pub fn kind_name(mode: u32) -> &'static str {
    match kind_letter(mode) {
        'd' => "directory",
        'l' => "symbolic link",
        'p' => "fifo",
        'c' => "character special file",
        'b' => "block special file",
        's' => "socket",
        _ => "regular file",
    }
}

/// `-rwxr-xr-x`.
pub fn text(mode: u32) -> String {
    let mut text = String::from(kind_letter(mode));
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (false, false) => '-',
            (false, true) => 'x',
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
        });
    }
    text
}

/// The mode that `change` (octal, or `u+x,go-w`) makes of `mode`; `None` if it is malformed.
pub fn changed(mode: u32, change: &[u8]) -> Option<u32> {
    let change = core::str::from_utf8(change).ok()?;
    if change.starts_with(|letter: char| letter.is_ascii_digit()) {
        return u32::from_str_radix(change, 8)
            .ok()
            .filter(|mode| *mode <= 0o7777);
    }
    change.split(',').try_fold(mode & 0o7777, clause_changed)
}

/// Applies one clause: who, `+`, `-` or `=`, and which permissions.
fn clause_changed(mode: u32, clause: &str) -> Option<u32> {
    let at = clause.find(['+', '-', '='])?;
    let (who, rest) = clause.split_at(at);
    let (operator, permissions) = rest.split_at(1);
    let everybody = if who.is_empty() { "a" } else { who };
    let mut mask = 0;
    for letter in everybody.chars() {
        mask |= match letter {
            'u' => 0o4700,
            'g' => 0o2070,
            'o' => 0o1007,
            'a' => 0o7777,
            _ => return None,
        };
    }
    let mut bits = 0;
    for letter in permissions.chars() {
        bits |= match letter {
            'r' => 0o444,
            'w' => 0o222,
            'x' => 0o111,
            'X' if mode & 0o111 != 0 => 0o111,
            'X' => 0,
            's' => 0o6000,
            't' => 0o1000,
            _ => return None,
        };
    }
    Some(match operator {
        "+" => mode | (bits & mask),
        "-" => mode & !(bits & mask),
        _ => (mode & !mask) | (bits & mask),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_read_as_ls_shows_them() {
        assert_eq!(text(0o100_644), "-rw-r--r--");
        assert_eq!(text(0o040_755), "drwxr-xr-x");
        assert_eq!(text(0o104_711), "-rws--x--x");
        assert_eq!(text(0o041_777), "drwxrwxrwt");
    }

    #[test]
    fn changes_are_those_of_chmod() {
        let table: [(&[u8], u32); 7] = [
            (b"600", 0o600),
            (b"+x", 0o755),
            (b"u+x", 0o744),
            (b"go-r", 0o600),
            (b"a=r", 0o444),
            (b"u=rwx,g=,o=", 0o700),
            (b"u+s", 0o4644),
        ];
        for (change, mode) in table {
            assert_eq!(
                changed(0o644, change),
                Some(mode),
                "{}",
                crate::show(change)
            );
        }
        for bad in [b"".as_slice(), b"9", b"u~x", b"z+x", b"u+q", b"77777"] {
            assert_eq!(changed(0o644, bad), None);
        }
    }
}
