//! `/sys`: the few files about the machine that C libraries look for.

use serde::{Deserialize, Serialize};

/// A file or directory of `/sys`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// `/sys`
    Root,
    /// `/sys/devices`
    Devices,
    /// `/sys/devices/system`
    System,
    /// `/sys/devices/system/cpu`
    Processors,
    /// Numbers of the processors that run.
    Online,
    /// Numbers of those that there are.
    Present,
    /// Numbers of those that there could be.
    Possible,
}

/// Each name: the directory that it is in, and what it names.
pub const NAMES: [(Item, &str, Item); 6] = [
    (Item::Root, "devices", Item::Devices),
    (Item::Devices, "system", Item::System),
    (Item::System, "cpu", Item::Processors),
    (Item::Processors, "online", Item::Online),
    (Item::Processors, "present", Item::Present),
    (Item::Processors, "possible", Item::Possible),
];

/// The directory that an item is in; the root is in itself.
pub fn parent(item: Item) -> Item {
    NAMES
        .iter()
        .find(|&&(_, _, known)| known == item)
        .map_or(Item::Root, |&(directory, _, _)| directory)
}

/// The content of a file; `None` for a directory. The kernel runs one processor.
pub fn text(item: Item) -> Option<&'static str> {
    match item {
        Item::Online | Item::Present | Item::Possible => Some("0\n"),
        Item::Root | Item::Devices | Item::System | Item::Processors => None,
    }
}
