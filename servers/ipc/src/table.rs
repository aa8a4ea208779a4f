//! A table of objects by id and key. Invariant: an id is never given twice in a row, because its
//! high part counts how often its slot was used: an id kept too long names nothing.

use crate::{numbers::*, permission::Permissions};
use abi::Errno;
use alloc::vec::Vec;
use proto::publish::Credentials;
use serde::{Deserialize, Serialize};

/// Low bits of an id: its slot.
const SLOT_BITS: u32 = 15;
/// Sequence numbers wrap here, so that ids stay positive.
const SEQUENCES: u32 = 1 << (31 - SLOT_BITS);

/// Objects that the table can hold.
pub(crate) trait Object {
    fn permissions(&self) -> &Permissions;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Slot<T> {
    sequence: u32,
    object: Option<T>,
}

/// The table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Table<T> {
    slots: Vec<Slot<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { slots: Vec::new() }
    }
}

/// What a `get` call leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Existing(i32),
    Create,
}

/// What a `get` call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) key: i32,
    pub(crate) flags: u32,
}

/// The sequence number in an id.
pub(crate) fn sequence_of(id: i32) -> u16 {
    (id >> SLOT_BITS) as u16
}

fn slot_of(id: i32) -> usize {
    (id & ((1 << SLOT_BITS) - 1)) as usize
}

fn make_id(slot: usize, sequence: u32) -> i32 {
    (sequence << SLOT_BITS | slot as u32) as i32
}

impl<T: Object> Table<T> {
    /// Finds the object of a key as `msgget` and kin do; `fits` is asked before permissions are.
    pub(crate) fn find(
        &self,
        wanted: Wanted,
        who: &Credentials,
        fits: impl Fn(&T) -> Result<(), Errno>,
    ) -> Result<Found, Errno> {
        let Wanted { key, flags } = wanted;
        let same_key = |object: &&T| key != IPC_PRIVATE && object.permissions().key == key;
        let existing = self.iter().find(|(_, object)| same_key(object));
        match existing {
            None if key == IPC_PRIVATE || flags & IPC_CREAT != 0 => Ok(Found::Create),
            None => Err(Errno::ENOENT),
            Some(_) if flags & IPC_CREAT != 0 && flags & IPC_EXCL != 0 => Err(Errno::EEXIST),
            Some((id, object)) => {
                fits(object)?;
                object.permissions().check_flags(who, flags)?;
                Ok(Found::Existing(id))
            }
        }
    }

    /// Whether one more fits.
    pub(crate) fn check_room(&self, limit: usize) -> Result<(), Errno> {
        if self.len() < limit.min(1 << SLOT_BITS) {
            Ok(())
        } else {
            Err(Errno::ENOSPC)
        }
    }

    /// Adds an object in the first free slot; [`Table::check_room`] has said that there is one.
    pub(crate) fn insert(&mut self, object: T) -> i32 {
        let free = self.slots.iter().position(|slot| slot.object.is_none());
        let at = free.unwrap_or_else(|| {
            self.slots.push(Slot {
                sequence: 0,
                object: None,
            });
            self.slots.len() - 1
        });
        self.slots[at].object = Some(object);
        make_id(at, self.slots[at].sequence)
    }

    /// The object with this id.
    pub(crate) fn get(&self, id: i32) -> Result<&T, Errno> {
        self.slot(id)
            .and_then(|at| self.slots[at].object.as_ref())
            .ok_or(Errno::EINVAL)
    }

    /// The object with this id.
    pub(crate) fn get_mut(&mut self, id: i32) -> Result<&mut T, Errno> {
        self.slot(id)
            .and_then(|at| self.slots[at].object.as_mut())
            .ok_or(Errno::EINVAL)
    }

    /// Takes the object out; its id names nothing from now on.
    pub(crate) fn remove(&mut self, id: i32) -> Option<T> {
        let at = self.slot(id)?;
        let slot = &mut self.slots[at];
        slot.sequence = (slot.sequence + 1) % SEQUENCES;
        slot.object.take()
    }

    /// The object in a slot, for those who list all.
    pub(crate) fn at(&self, index: i32) -> Result<(i32, &T), Errno> {
        let at = usize::try_from(index).map_err(|_| Errno::EINVAL)?;
        let slot = self.slots.get(at).ok_or(Errno::EINVAL)?;
        let object = slot.object.as_ref().ok_or(Errno::EINVAL)?;
        Ok((make_id(at, slot.sequence), object))
    }

    /// The highest slot in use, or 0.
    pub(crate) fn highest(&self) -> i32 {
        self.slots
            .iter()
            .rposition(|slot| slot.object.is_some())
            .unwrap_or(0) as i32
    }

    /// Number of objects.
    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }

    /// All objects with their ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i32, &T)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(at, slot)| Some((make_id(at, slot.sequence), slot.object.as_ref()?)))
    }

    /// All objects with their ids.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (i32, &mut T)> {
        let slots = self.slots.iter_mut().enumerate();
        slots.filter_map(|(at, slot)| Some((make_id(at, slot.sequence), slot.object.as_mut()?)))
    }

    fn slot(&self, id: i32) -> Option<usize> {
        let at = slot_of(id);
        let slot = self.slots.get(at)?;
        (id >= 0 && make_id(at, slot.sequence) == id).then_some(at)
    }
}
