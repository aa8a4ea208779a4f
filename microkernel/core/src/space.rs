//! An address space and the handle table of its threads. One page, plus pages of further slots.

use crate::object::{EndpointId, FrameNumber, Objects, SpaceId, ThreadId};
use abi::{Error, Rights};

/// What kind of object a slot names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SlotKind {
    /// Nothing.
    Empty = 0,
    /// An endpoint; `badge` is the badge.
    Endpoint = 1,
    /// A thread; `badge` is its serial number.
    Thread = 2,
    /// A space; `badge` is its serial number.
    Space = 3,
    /// The system: memory, interrupts, log, power, as the rights say.
    System = 4,
}

/// One capability. The fast path reads it as two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Slot {
    /// Frame of the object; 0 for [`SlotKind::System`].
    pub object: FrameNumber,
    /// [`Rights`] bits. `SEND`, `RECEIVE` and `NOTIFY` are set only on endpoints, so the fast path
    /// need not look at the kind.
    pub rights: u16,
    /// Kind of object.
    pub kind: SlotKind,
    /// Unused.
    pub reserved: u8,
    /// Badge or serial number.
    pub badge: u64,
}

impl Slot {
    /// An empty slot.
    pub const EMPTY: Slot = Slot {
        object: 0,
        rights: 0,
        kind: SlotKind::Empty,
        reserved: 0,
        badge: 0,
    };

    /// A capability for an endpoint.
    pub const fn endpoint(id: EndpointId, rights: Rights, badge: u64) -> Slot {
        Slot {
            object: id.0,
            rights: rights.bits(),
            kind: SlotKind::Endpoint,
            reserved: 0,
            badge,
        }
    }

    /// A capability for a thread.
    pub const fn thread(id: ThreadId, rights: Rights, serial: u64) -> Slot {
        Slot {
            object: id.0,
            rights: rights.bits(),
            kind: SlotKind::Thread,
            reserved: 0,
            badge: serial,
        }
    }

    /// A capability for a space.
    pub const fn space(id: SpaceId, rights: Rights, serial: u64) -> Slot {
        Slot {
            object: id.0,
            rights: rights.bits(),
            kind: SlotKind::Space,
            reserved: 0,
            badge: serial,
        }
    }

    /// A capability for the system, with those of `rights` that concern it: the rights of
    /// endpoints must never be set elsewhere, for the fast path looks at nothing else.
    pub const fn system(rights: Rights) -> Slot {
        const OTHERS: Rights = Rights::SEND
            .union(Rights::RECEIVE)
            .union(Rights::NOTIFY)
            .union(Rights::MAP)
            .union(Rights::CONTROL);
        let rights = rights.difference(OTHERS);
        Slot {
            object: 0,
            rights: rights.bits(),
            kind: SlotKind::System,
            reserved: 0,
            badge: 0,
        }
    }

    /// The rights.
    #[inline]
    pub fn rights(&self) -> Rights {
        Rights::from_bits_truncate(self.rights)
    }

    /// Checks kind and rights.
    ///
    /// # Errors
    /// [`Error::BadHandle`] for another kind, [`Error::Denied`] if a right is missing.
    #[inline]
    pub fn expect(self, kind: SlotKind, rights: Rights) -> Result<Slot, Error> {
        if self.kind != kind {
            return Err(Error::BadHandle);
        }
        if !self.rights().contains(rights) {
            return Err(Error::Denied);
        }
        Ok(self)
    }

    /// A copy to hand on, with `badge` (endpoints only) and the given subset of rights.
    ///
    /// # Errors
    /// [`Error::Denied`] without `GRANT` or for more rights than the original's,
    /// [`Error::Invalid`] for a badge that claims to be the kernel's.
    pub fn derive(self, rights: Rights, badge: u64) -> Result<Slot, Error> {
        if self.kind == SlotKind::Empty {
            return Err(Error::BadHandle);
        }
        if !self.rights().contains(rights | Rights::GRANT) {
            return Err(Error::Denied);
        }
        if badge & abi::Badge::KERNEL != 0 {
            return Err(Error::Invalid);
        }
        let badge = if self.kind == SlotKind::Endpoint {
            badge
        } else {
            self.badge
        };
        Ok(Slot {
            rights: rights.bits(),
            badge,
            ..self
        })
    }
}

/// Slots in the space's own page. A handle's index counts these first.
pub const DIRECT_SLOTS: usize = 240;
/// Slots in a page of further slots.
pub const PAGE_SLOTS: usize = 256;
/// Most pages of further slots.
pub const EXTENSIONS: usize = 16;

/// An address space.
#[repr(C)]
pub struct Space {
    /// Frame of the level-1 page table.
    pub root: FrameNumber,
    /// Address-space identifier.
    pub asid: u16,
    /// Unused.
    pub reserved: u16,
    /// Distinguishes this space from earlier ones in the same frame.
    pub serial: u64,
    /// Where page faults go.
    pub pager: EndpointId,
    /// First of the list of page tables in use (levels 2 and 3).
    pub tables: FrameNumber,
    /// Badge of page faults.
    pub pager_badge: u64,
    /// First of the list of donated frames.
    pub spare: FrameNumber,
    /// Number of threads.
    pub threads: u32,
    /// Number of mapped pages.
    pub mapped: u32,
    /// All slots below this index are taken.
    pub first_free: u32,
    /// No slot from this index on was ever taken.
    pub end_used: u32,
    /// Pages of further slots, 0 for none.
    pub extensions: [FrameNumber; EXTENSIONS],
    padding: [u8; 256 - 120],
    /// The first slots.
    pub slots: [Slot; DIRECT_SLOTS],
}

impl Space {
    /// An empty space.
    pub fn new(root: FrameNumber, asid: u16, serial: u64) -> Space {
        Space {
            root,
            asid,
            reserved: 0,
            serial,
            pager: EndpointId::NONE,
            tables: 0,
            pager_badge: 0,
            spare: 0,
            threads: 0,
            mapped: 0,
            first_free: 1,
            end_used: 0,
            extensions: [0; EXTENSIONS],
            padding: [0; 256 - 120],
            slots: [Slot::EMPTY; DIRECT_SLOTS],
        }
    }

    /// Makes a space of zeros what [`Self::new`] returns, without moving a page around.
    pub fn init(&mut self, root: FrameNumber, asid: u16, serial: u64) {
        self.root = root;
        self.asid = asid;
        self.serial = serial;
        self.first_free = 1;
    }

    /// The value for `TTBR0_EL1`: ASID and root table (Arm ARM, "TTBR0_EL1").
    #[inline]
    pub fn ttbr(&self) -> u64 {
        u64::from(self.asid) << 48 | u64::from(self.root) << 12
    }
}

/// Pages of further slots.
pub trait SlotPages {
    /// The slots in that frame, which is a [`crate::frames::Kind::Slots`].
    fn slot_page(&mut self, frame: FrameNumber) -> &mut [Slot; PAGE_SLOTS];
}

fn place(
    objects: &mut (impl Objects + SlotPages),
    space: SpaceId,
    index: u32,
) -> Option<&mut Slot> {
    let index = index as usize;
    if index < DIRECT_SLOTS {
        return objects.space(space).slots.get_mut(index);
    }
    let (page, index) = (
        (index - DIRECT_SLOTS) / PAGE_SLOTS,
        (index - DIRECT_SLOTS) % PAGE_SLOTS,
    );
    let frame = *objects.space(space).extensions.get(page)?;
    if frame == 0 {
        return None;
    }
    objects.slot_page(frame).get_mut(index)
}

/// The slot that `handle` names in `space`.
///
/// # Errors
/// [`Error::BadHandle`] if it is empty or outside the table.
pub fn get(
    objects: &mut (impl Objects + SlotPages),
    space: SpaceId,
    handle: u64,
) -> Result<Slot, Error> {
    let index = u32::try_from(handle).map_err(|_| Error::BadHandle)?;
    match place(objects, space, index) {
        Some(slot) if slot.kind != SlotKind::Empty => Ok(*slot),
        _ => Err(Error::BadHandle),
    }
}

/// Puts `slot` at `index` (0: the first free place) and returns where. What was there is dropped.
///
/// # Errors
/// [`Error::NoSlot`] if the table has no such place, or no free one.
pub fn put(
    objects: &mut (impl Objects + SlotPages),
    space: SpaceId,
    index: u32,
    slot: Slot,
) -> Result<u32, Error> {
    let index = match index {
        0 => find_free(objects, space)?,
        given => given,
    };
    let old = core::mem::replace(place(objects, space, index).ok_or(Error::NoSlot)?, slot);
    count(objects, slot, 1);
    count(objects, old, -1);
    let table = objects.space(space);
    table.end_used = table.end_used.max(index + 1);
    if table.first_free == index {
        table.first_free = index + 1;
    }
    Ok(index)
}

/// Empties the slot of `handle`.
///
/// # Errors
/// [`Error::BadHandle`] if it is empty already.
pub fn close(
    objects: &mut (impl Objects + SlotPages),
    space: SpaceId,
    handle: u64,
) -> Result<(), Error> {
    let slot = get(objects, space, handle)?;
    let index = handle as u32;
    if let Some(place) = place(objects, space, index) {
        *place = Slot::EMPTY;
    }
    count(objects, slot, -1);
    let table = objects.space(space);
    table.first_free = table.first_free.min(index.max(1));
    Ok(())
}

/// Empties the whole table.
pub fn close_all(objects: &mut (impl Objects + SlotPages), space: SpaceId) {
    for index in 0..objects.space(space).end_used {
        let _ = close(objects, space, u64::from(index));
    }
}

fn find_free(objects: &mut (impl Objects + SlotPages), space: SpaceId) -> Result<u32, Error> {
    let mut index = objects.space(space).first_free;
    loop {
        match place(objects, space, index) {
            None => return Err(Error::NoSlot),
            Some(slot) if slot.kind == SlotKind::Empty => {
                objects.space(space).first_free = index;
                return Ok(index);
            }
            Some(_) => index += 1,
        }
    }
}

/// Endpoints count the slots that name them, so that none is destroyed under a handle.
fn count(objects: &mut impl Objects, slot: Slot, change: i32) {
    if slot.kind == SlotKind::Endpoint {
        let endpoint = objects.endpoint(EndpointId(slot.object));
        endpoint.references = endpoint.references.wrapping_add_signed(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::fake::Fake;
    use core::mem::{offset_of, size_of};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const SPACE: SpaceId = SpaceId(1);

    impl SlotPages for Fake {
        fn slot_page(&mut self, _: FrameNumber) -> &mut [Slot; PAGE_SLOTS] {
            unreachable!("no extension in this test")
        }
    }

    #[test]
    fn a_space_is_one_page_and_its_slots_start_where_the_vectors_expect_them() {
        assert_eq!(size_of::<Space>(), 4096);
        assert_eq!(offset_of!(Space, slots), 256);
        assert_eq!(size_of::<Slot>(), 16);
        assert_eq!(offset_of!(Slot, rights), 4);
        assert_eq!(offset_of!(Slot, badge), 8);
    }

    #[test]
    fn a_space_built_in_place_is_the_same_as_a_new_one() {
        let new = Space::new(5, 6, 7);
        let mut built = Space {
            first_free: 0,
            ..Space::new(0, 0, 0)
        };
        built.init(5, 6, 7);
        assert_eq!(
            (built.root, built.asid, built.serial),
            (new.root, new.asid, new.serial)
        );
        assert_eq!(
            (built.first_free, built.end_used),
            (new.first_free, new.end_used)
        );
    }

    #[test]
    fn only_endpoints_ever_have_the_rights_that_the_fast_path_trusts() {
        let system = Slot::system(Rights::all());
        assert!(
            !system
                .rights()
                .intersects(Rights::SEND | Rights::RECEIVE | Rights::NOTIFY)
        );
        assert!(system.rights().contains(Rights::MEMORY | Rights::GRANT));
    }

    #[test]
    fn a_copy_never_has_more_rights_and_never_the_kernels_badge() {
        let slot = Slot::endpoint(EndpointId(9), Rights::SEND | Rights::GRANT, 0);
        assert_eq!(slot.derive(Rights::RECEIVE, 1), Err(Error::Denied));
        assert_eq!(slot.derive(Rights::SEND, 1 << 63), Err(Error::Invalid));
        let plain = slot.derive(Rights::SEND, 5).unwrap();
        assert_eq!(
            plain.derive(Rights::SEND, 6),
            Err(Error::Denied),
            "no GRANT, no copy"
        );
    }

    proptest! {
        #[test]
        fn the_table_behaves_as_a_map_and_counts_references(steps in prop::collection::vec((0u32..250, any::<bool>()), 0..300)) {
            let (mut objects, mut model) = (Fake::default(), BTreeMap::new());
            for (index, add) in steps {
                let slot = Slot::endpoint(EndpointId(7 + index % 3), Rights::SEND, u64::from(index));
                if add {
                    match put(&mut objects, SPACE, index, slot) {
                        Ok(at) => { prop_assert!(index == 0 || at == index); prop_assert!(at != 0); model.insert(at, slot); }
                        Err(error) => { prop_assert_eq!(error, Error::NoSlot); prop_assert!(index >= 240 || model.len() == 239); }
                    }
                } else {
                    prop_assert_eq!(close(&mut objects, SPACE, index.into()).is_ok(), model.remove(&index).is_some());
                }
                prop_assert_eq!(get(&mut objects, SPACE, index.into()).ok(), model.get(&index).copied());
            }
            for id in 7..10 {
                let expected = model.values().filter(|slot| slot.object == id).count() as u32;
                prop_assert_eq!(objects.endpoint(EndpointId(id)).references, expected);
            }
            close_all(&mut objects, SPACE);
            prop_assert_eq!(objects.endpoint(EndpointId(7)).references, 0);
        }
    }
}
