//! The environment: read from the initial stack until it is first changed.

use crate::runtime;
use alloc::vec::Vec;
use spin::Mutex;

/// The changed environment; `None` as long as it is what the process started with.
static CHANGED: Mutex<Option<Vec<Vec<u8>>>> = Mutex::new(None);

fn split(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = entry.iter().position(|&byte| byte == b'=')?;
    Some((&entry[..at], &entry[at + 1..]))
}

fn value_of<'e>(entry: &'e [u8], name: &[u8]) -> Option<&'e [u8]> {
    split(entry)
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The value of `name`.
pub fn get(name: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    let name = name.as_ref();
    match &*CHANGED.lock() {
        Some(entries) => entries
            .iter()
            .find_map(|entry| value_of(entry, name))
            .map(<[u8]>::to_vec),
        None => initial(name).map(<[u8]>::to_vec),
    }
}

/// The value that `name` had when the process started. Needs no heap.
pub fn initial(name: impl AsRef<[u8]>) -> Option<&'static [u8]> {
    (0..)
        .map_while(runtime::environment)
        .find_map(|entry| value_of(entry, name.as_ref()))
}

/// The decimal number that `name` was when the process started: how servers are told their handles.
pub fn initial_number(name: impl AsRef<[u8]>) -> Option<u64> {
    core::str::from_utf8(initial(name)?).ok()?.parse().ok()
}

/// All entries, as `NAME=value`.
pub fn all() -> Vec<Vec<u8>> {
    match &*CHANGED.lock() {
        Some(entries) => entries.clone(),
        None => initial_entries(),
    }
}

/// Lets `use_it` see the environment's entries if they were changed since the start.
pub(crate) fn with_changed<T>(use_it: impl FnOnce(Option<&[Vec<u8>]>) -> T) -> T {
    use_it(CHANGED.lock().as_deref())
}

fn initial_entries() -> Vec<Vec<u8>> {
    (0..)
        .map_while(runtime::environment)
        .map(<[u8]>::to_vec)
        .collect()
}

/// Sets `name` to `value`.
pub fn set(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
    let (name, value) = (name.as_ref(), value.as_ref());
    let entry = [name, b"=", value].concat();
    let mut changed = CHANGED.lock();
    let entries = changed.get_or_insert_with(initial_entries);
    match entries.iter_mut().find(|old| value_of(old, name).is_some()) {
        Some(old) => *old = entry,
        None => entries.push(entry),
    }
}

/// Removes `name`.
pub fn unset(name: impl AsRef<[u8]>) {
    let name = name.as_ref();
    let mut changed = CHANGED.lock();
    changed
        .get_or_insert_with(initial_entries)
        .retain(|entry| value_of(entry, name).is_none());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_got_until_it_is_unset() {
        set("A", "1=2");
        assert_eq!(get("A"), Some(b"1=2".to_vec()));
        set("A", "3");
        assert_eq!(
            all()
                .iter()
                .filter(|entry| entry.starts_with(b"A="))
                .count(),
            1
        );
        unset("A");
        assert_eq!(get("A"), None);
    }
}
