//! Names of users and groups, from `/etc/passwd` and `/etc/group`.

use crate::{number, show};
use alloc::{format, string::String, vec::Vec};
use libsys::stdio::read_file;

/// The name behind an id in a file of `name:x:id:…` lines; the number itself if there is none.
fn name_of(path: &[u8], id: u32) -> String {
    let text = read_file(path).unwrap_or_default();
    let fits = |fields: &Vec<&[u8]>| fields.get(2).and_then(|text| number(text)) == Some(id);
    let line = text.split(|byte| *byte == b'\n').map(fields).find(fits);
    line.map_or_else(|| format!("{id}"), |fields| show(fields[0]))
}

fn fields(line: &[u8]) -> Vec<&[u8]> {
    line.split(|byte| *byte == b':').collect()
}

/// The name of a user.
pub fn user_name(uid: u32) -> String {
    name_of(b"/etc/passwd", uid)
}

/// The name of a group.
pub fn group_name(gid: u32) -> String {
    name_of(b"/etc/group", gid)
}

/// The id of a name in one of the two files, or the number that `text` is.
pub fn id_of(path: &[u8], text: &[u8]) -> Option<u32> {
    let content = read_file(path).unwrap_or_default();
    let mut lines = content.split(|byte| *byte == b'\n').map(fields);
    let found = lines.find(|fields| fields[0] == text && !text.is_empty());
    found
        .and_then(|fields| number(fields.get(2)?))
        .or_else(|| number(text))
}

/// A user's home directory.
pub fn home_of(user: &[u8]) -> Option<Vec<u8>> {
    let content = read_file(b"/etc/passwd").ok()?;
    let mut lines = content.split(|byte| *byte == b'\n').map(fields);
    lines
        .find(|fields| fields[0] == user)?
        .get(5)
        .map(|home| home.to_vec())
}
