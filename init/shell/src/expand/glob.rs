//! File names that match a pattern.

use super::{Host, pattern};
use crate::ast::Bytes;
use alloc::vec::Vec;

/// The paths that `path` matches, sorted; none if nothing does.
pub fn expand(host: &mut impl Host, path: &[u8]) -> Vec<Bytes> {
    let (mut found, rest) = match path.iter().take_while(|byte| **byte == b'/').count() {
        0 => (alloc::vec![Bytes::new()], path),
        slashes => (alloc::vec![b"/".to_vec()], &path[slashes..]),
    };
    let mut components = rest.split(|byte| *byte == b'/').peekable();
    while let Some(component) = components.next() {
        let is_last = components.peek().is_none();
        found = found
            .iter()
            .flat_map(|base| step(host, base, component, is_last))
            .collect();
    }
    found.sort();
    found
}

/// The paths one component further than `base`.
fn step(host: &mut impl Host, base: &[u8], component: &[u8], is_last: bool) -> Vec<Bytes> {
    let mut paths = names(host, base, component);
    for path in &mut paths {
        path.splice(0..0, base.iter().copied());
    }
    if is_last {
        paths.retain(|path| path.ends_with(b"/") || host.exists(path));
    } else {
        paths.iter_mut().for_each(|path| path.push(b'/'));
    }
    paths
}

/// The names in directory `base` that fit; a component without pattern is its own name.
fn names(host: &mut impl Host, base: &[u8], component: &[u8]) -> Vec<Bytes> {
    if !component
        .iter()
        .any(|byte| matches!(byte, b'*' | b'?' | b'['))
    {
        return alloc::vec![unescape(component)];
    }
    let directory: &[u8] = if base.is_empty() { b"." } else { base };
    let mut names = host.list(directory);
    // A name that starts with a dot is matched only by a dot (POSIX 2.13.3).
    let wants_hidden = component.starts_with(b".") || component.starts_with(b"\\.");
    names.retain(|name| {
        (wants_hidden || !name.starts_with(b".")) && pattern::matches(component, name)
    });
    names
}

fn unescape(component: &[u8]) -> Bytes {
    let mut text = Bytes::new();
    let mut bytes = component.iter();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.as_slice().first()) {
            (b'\\', Some(next)) => {
                text.push(*next);
                bytes.next();
            }
            _ => text.push(*byte),
        }
    }
    text
}
