//! Page tables of user spaces: three levels over 39 bits, 4 KiB pages (Arm ARM, "VMSAv8-64").
//!
//! Reading and writing table memory is a port ([`Tables`]); what an entry means is decided here.

use crate::frames::{FrameTable, Kind};
use crate::object::FrameNumber;
use crate::space::Space;
use abi::{Error, PAGE_BYTES, layout::USER_END, map::prot};

/// Entries of a table.
pub const ENTRIES: usize = 512;

/// The memory of page tables.
pub trait Tables {
    /// Entry `index` (below 512) of the table in `frame`.
    fn read(&self, frame: FrameNumber, index: usize) -> u64;
    /// Sets it.
    fn write(&mut self, frame: FrameNumber, index: usize, entry: u64);
    /// Zeroes a table.
    fn zero(&mut self, frame: FrameNumber);
}

const VALID: u64 = 1;
const TABLE_OR_PAGE: u64 = 2;
/// Of a leaf: device memory.
pub const DEVICE_MEMORY: u64 = 1 << 2;
const USER: u64 = 1 << 6;
/// Of a leaf: user mode may not write.
pub const READ_ONLY: u64 = 1 << 7;
const INNER_SHAREABLE: u64 = 3 << 8;
const ACCESSED: u64 = 1 << 10;
const NOT_GLOBAL: u64 = 1 << 11;
const KERNEL_NO_EXECUTE: u64 = 1 << 53;
const USER_NO_EXECUTE: u64 = 1 << 54;
const FRAME: u64 = 0x0000_ffff_ffff_f000;

/// A leaf entry: one page's mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf(pub u64);

impl Leaf {
    /// No mapping.
    pub const NONE: Leaf = Leaf(0);

    /// A mapping of `frame` with [`prot`] bits.
    #[inline]
    pub fn new(frame: FrameNumber, protection: u8) -> Leaf {
        let mut entry = VALID
            | TABLE_OR_PAGE
            | USER
            | ACCESSED
            | NOT_GLOBAL
            | KERNEL_NO_EXECUTE
            | u64::from(frame) << 12;
        if protection & prot::WRITE == 0 {
            entry |= READ_ONLY;
        }
        if protection & prot::EXECUTE == 0 {
            entry |= USER_NO_EXECUTE;
        }
        // Attribute 1 is device memory, 0 normal write-back memory (`arch/aarch64/mmu.rs`).
        entry |= if protection & prot::DEVICE != 0 {
            DEVICE_MEMORY
        } else {
            INNER_SHAREABLE
        };
        Leaf(entry)
    }

    /// Whether something is mapped.
    #[inline]
    pub fn is_mapped(self) -> bool {
        self.0 & VALID != 0
    }

    /// The frame that is mapped.
    #[inline]
    pub fn frame(self) -> FrameNumber {
        ((self.0 & FRAME) >> 12) as u32
    }

    /// Whether user mode may write.
    #[inline]
    pub fn is_writable(self) -> bool {
        self.0 & READ_ONLY == 0
    }

    /// Whether user mode may execute.
    #[inline]
    pub fn is_executable(self) -> bool {
        self.is_mapped() && self.0 & USER_NO_EXECUTE == 0
    }

    /// Whether it is device memory.
    #[inline]
    pub fn is_device(self) -> bool {
        self.0 & DEVICE_MEMORY != 0
    }
}

fn index(address: u64, level: u32) -> usize {
    (address >> (12 + 9 * (3 - level)) & 0x1ff) as usize
}

fn child(entry: u64) -> Option<FrameNumber> {
    (entry & VALID != 0).then_some(((entry & FRAME) >> 12) as u32)
}

/// The level-3 table that covers `address`, if it exists.
pub fn leaf_table(tables: &impl Tables, root: FrameNumber, address: u64) -> Option<FrameNumber> {
    if address >= USER_END {
        return None;
    }
    let middle = child(tables.read(root, index(address, 1)))?;
    child(tables.read(middle, index(address, 2)))
}

/// The mapping of the page of `address`, whose level-3 table is known.
pub fn leaf(tables: &impl Tables, table: FrameNumber, address: u64) -> Leaf {
    Leaf(tables.read(table, index(address, 3)))
}

/// First address behind those that share `address`'s level-3 table.
#[inline]
pub fn next_leaf_table(address: u64) -> u64 {
    const COVERED: u64 = PAGE_BYTES * ENTRIES as u64;
    (address / COVERED + 1) * COVERED
}

/// The mapping of the page of `address`.
pub fn look_up(tables: &impl Tables, root: FrameNumber, address: u64) -> Leaf {
    match leaf_table(tables, root, address) {
        Some(table) => Leaf(tables.read(table, index(address, 3))),
        None => Leaf::NONE,
    }
}

/// The level-3 table that covers `address`, made from donated frames where it is missing.
///
/// # Errors
/// [`Error::NeedsTable`] if no donated frame is left; what was made of the path stays (it is empty
/// and accounted to the space).
pub fn ensure_leaf_table(
    tables: &mut impl Tables,
    frames: &mut FrameTable,
    space: &mut Space,
    address: u64,
) -> Result<FrameNumber, Error> {
    let middle = ensure_child(
        tables,
        frames,
        space,
        space.root,
        index(address, 1),
        Kind::UpperTable,
    )?;
    ensure_child(
        tables,
        frames,
        space,
        middle,
        index(address, 2),
        Kind::LeafTable,
    )
}

fn ensure_child(
    tables: &mut impl Tables,
    frames: &mut FrameTable,
    space: &mut Space,
    parent: FrameNumber,
    index: usize,
    kind: Kind,
) -> Result<FrameNumber, Error> {
    if let Some(frame) = child(tables.read(parent, index)) {
        return Ok(frame);
    }
    let frame = space.spare;
    if frame == 0 {
        return Err(Error::NeedsTable);
    }
    space.spare = frames.table_next(frame);
    frames.set_table(frame, kind, space.tables);
    space.tables = frame;
    tables.zero(frame);
    tables.write(
        parent,
        index,
        VALID | TABLE_OR_PAGE | u64::from(frame) << 12,
    );
    frames.table_uses(parent, index);
    Ok(frame)
}

/// Changes one page's entry in its level-3 table, keeps the counts right, returns the old entry.
///
/// # Errors
/// [`Error::FrameBusy`] if the new frame may not be mapped; then nothing changed.
pub fn set_leaf(
    tables: &mut impl Tables,
    frames: &mut FrameTable,
    space: &mut Space,
    table: FrameNumber,
    address: u64,
    new: Leaf,
) -> Result<Leaf, Error> {
    let at = index(address, 3);
    let old = Leaf(tables.read(table, at));
    if new.is_mapped() {
        match (new.is_device(), new.is_writable()) {
            (true, _) => {}
            (false, true) => frames.map_writable(new.frame())?,
            (false, false) => frames.map(new.frame())?,
        }
        space.mapped += 1;
        frames.table_uses(table, at);
    }
    if old.is_mapped() {
        frames.unmap(old.frame());
        space.mapped -= 1;
    }
    tables.write(table, at, new.0);
    Ok(old)
}

/// Unmaps everything; returns how many pages were mapped. Tables stay.
pub fn clear(tables: &mut impl Tables, frames: &mut FrameTable, space: &mut Space) -> u32 {
    let mapped = space.mapped;
    let mut table = space.tables;
    while table != 0 && space.mapped != 0 {
        if frames.is(table, Kind::LeafTable) {
            for at in frames.table_range(table) {
                let old = Leaf(tables.read(table, at));
                if old.is_mapped() {
                    frames.unmap(old.frame());
                    space.mapped -= 1;
                    tables.write(table, at, 0);
                }
            }
        }
        table = frames.table_next(table);
    }
    mapped
}

/// Makes every table below the root a spare frame again. Nothing may be mapped.
///
/// # Errors
/// [`Error::FrameBusy`] while pages are mapped.
pub fn tear_down(
    tables: &mut impl Tables,
    frames: &mut FrameTable,
    space: &mut Space,
) -> Result<(), Error> {
    if space.mapped != 0 {
        return Err(Error::FrameBusy);
    }
    // A program whose memory lies at both ends has a wide root with little in it.
    const WIDE: usize = 32;
    let used = frames.table_range(space.root);
    if used.size_hint().0 > WIDE {
        tables.zero(space.root);
    } else {
        used.for_each(|at| tables.write(space.root, at, 0));
    }
    frames.set_table(space.root, Kind::UpperTable, 0);
    while space.tables != 0 {
        let table = space.tables;
        space.tables = frames.table_next(table);
        frames.set_table(table, Kind::SpareTable, space.spare);
        space.spare = table;
    }
    Ok(())
}

/// Whether `pages` pages from `address` lie in the user half, page-aligned.
///
/// # Errors
/// [`Error::Invalid`] if not.
#[inline]
pub fn check_range(address: u64, pages: u32) -> Result<(), Error> {
    let end = address
        .checked_add(u64::from(pages) * PAGE_BYTES)
        .ok_or(Error::Invalid)?;
    if !address.is_multiple_of(PAGE_BYTES) || pages == 0 || end > USER_END {
        return Err(Error::Invalid);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[derive(Default)]
    struct Memory(HashMap<(u32, usize), u64>);

    impl Tables for Memory {
        fn read(&self, frame: FrameNumber, index: usize) -> u64 {
            self.0.get(&(frame, index)).copied().unwrap_or(0)
        }
        fn write(&mut self, frame: FrameNumber, index: usize, entry: u64) {
            self.0.insert((frame, index), entry);
        }
        fn zero(&mut self, frame: FrameNumber) {
            self.0.retain(|&(of, _), _| of != frame);
        }
    }

    fn space_with(frames: &mut FrameTable, spares: core::ops::Range<u32>) -> Space {
        frames.claim(1, Kind::UpperTable).unwrap();
        frames.set_table(1, Kind::UpperTable, 0);
        let mut space = Space::new(1, 1, 1);
        for frame in spares {
            frames.claim(frame, Kind::SpareTable).unwrap();
            frames.set_table(frame, Kind::SpareTable, space.spare);
            space.spare = frame;
        }
        space
    }

    #[test]
    fn a_leaf_says_what_the_hardware_reads() {
        assert_eq!(Leaf::new(0x12345, prot::EXECUTE).0, 0x0020_0000_1234_5fc3);
        assert_eq!(
            Leaf::new(0x9000, prot::WRITE | prot::DEVICE).0,
            0x0060_0000_0900_0c47
        );
        assert!(Leaf::new(5, prot::WRITE).is_writable());
        assert!(!Leaf::new(5, 0).is_writable());
        assert_eq!(Leaf::new(5, 0).frame(), 5);
    }

    proptest! {
        #[test]
        fn tables_translate_as_a_map_does_and_every_frame_comes_back(
            steps in prop::collection::vec((0u64..40, 0u64..4, 32u32..64, any::<bool>()), 1..200),
        ) {
            let mut entries = vec![0; 64];
            let mut frames = FrameTable::new(0, &mut entries);
            frames.open(1, 63);
            let mut memory = Memory::default();
            let mut space = space_with(&mut frames, 2..12);
            let mut model: HashMap<u64, u32> = HashMap::new();
            for (page, region, frame, map) in steps {
                let address = region * 0x10_0000_0000 + page * 0x8_1000;
                if map {
                    match ensure_leaf_table(&mut memory, &mut frames, &mut space, address) {
                        Ok(table) => {
                            set_leaf(&mut memory, &mut frames, &mut space, table, address, Leaf::new(frame, 0)).unwrap();
                            model.insert(address, frame);
                        }
                        Err(error) => prop_assert_eq!(error, Error::NeedsTable),
                    }
                } else if let Some(table) = leaf_table(&memory, space.root, address) {
                    set_leaf(&mut memory, &mut frames, &mut space, table, address, Leaf::NONE).unwrap();
                    model.remove(&address);
                }
                let found = look_up(&memory, space.root, address);
                prop_assert_eq!(found.is_mapped().then(|| found.frame()), model.get(&address).copied());
                prop_assert_eq!(space.mapped as usize, model.len());
            }
            for frame in 32..64 {
                let expected = model.values().filter(|&&mapped| mapped == frame).count() as u32;
                prop_assert_eq!(frames.mappings(frame), expected);
            }
            prop_assert_eq!(clear(&mut memory, &mut frames, &mut space) as usize, model.len());
            tear_down(&mut memory, &mut frames, &mut space).unwrap();
            let spares = core::iter::successors(Some(space.spare), |&frame| Some(frames.table_next(frame)).filter(|&next| next != 0)).count();
            prop_assert_eq!(spares, 10);
            prop_assert!((0..ENTRIES).all(|at| memory.read(1, at) == 0), "the root points to no table");
        }
    }
}
