//! Which frame each page has, for private pages of a space and for pages of an object.
//!
//! A table is a sorted list of chunks of 32 pages; the chunks lie in one pool. So a table costs
//! memory only where pages are, a split of a region moves nothing, and a fork copies chunks.
//!
//! Invariant: `mapped` and `writable` are subsets of `used`, and in a space's table they say what
//! its page tables hold: a page that is not in `writable` cannot be written without a fault.

use crate::NoRoom;
use crate::pool::Pool;
use alloc::vec::Vec;
use core::ops::Range;
use serde::{Deserialize, Serialize};

/// Pages in a chunk.
pub const CHUNK_PAGES: u32 = 32;

/// The frames of 32 consecutive pages.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Chunk {
    /// Pages that have a frame.
    pub used: u32,
    /// Pages that are mapped.
    pub mapped: u32,
    /// Pages that are mapped writable.
    pub writable: u32,
    /// The frames of used pages.
    pub frames: [u32; CHUNK_PAGES as usize],
}

impl Chunk {
    /// The frame of the page `number`, by its last bits.
    pub fn frame(&self, number: u32) -> Option<u32> {
        let bit = number % CHUNK_PAGES;
        (self.used >> bit & 1 != 0).then(|| self.frames[bit as usize])
    }
}

/// The chunks of all tables.
pub type Chunks = Pool<Chunk>;

/// How a page is in the page tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// Not at all.
    No,
    /// For reading or executing.
    ReadOnly,
    /// For writing too.
    Writable,
}

/// A table from page numbers to frames.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Pages {
    /// Number (page number / 32) and slot of each chunk, by number.
    list: Vec<(u32, u32)>,
    /// Place in the list that was used last: faults come in clusters.
    last: u32,
}

impl Pages {
    fn position(&self, page: u32) -> Result<usize, usize> {
        let key = page / CHUNK_PAGES;
        match self.list.get(self.last as usize) {
            Some(entry) if entry.0 == key => Ok(self.last as usize),
            _ => self.list.binary_search_by(|entry| entry.0.cmp(&key)),
        }
    }

    /// The chunk that `page` is in.
    pub fn chunk<'a>(&self, chunks: &'a Chunks, page: u32) -> Option<&'a Chunk> {
        let at = self.position(page).ok()?;
        Some(chunks.at(self.list[at].1))
    }

    /// The chunk that `page` is in.
    pub fn chunk_mut<'a>(&self, chunks: &'a mut Chunks, page: u32) -> Option<&'a mut Chunk> {
        let at = self.position(page).ok()?;
        Some(chunks.at_mut(self.list[at].1))
    }

    /// The frame of `page`.
    pub fn get(&self, chunks: &Chunks, page: u32) -> Option<u32> {
        self.chunk(chunks, page)?.frame(page)
    }

    /// Gives `page` a frame and returns the one that it had.
    ///
    /// # Errors
    /// [`NoRoom`], and nothing has changed; never for a page in a chunk that is there.
    pub fn set(
        &mut self,
        chunks: &mut Chunks,
        page: u32,
        frame: u32,
        mapped: Mapped,
    ) -> Result<Option<u32>, NoRoom> {
        let at = match self.position(page) {
            Ok(at) => at,
            Err(at) => self.add(chunks, at, page)?,
        };
        self.last = at as u32;
        let chunk = chunks.at_mut(self.list[at].1);
        let old = chunk.frame(page);
        let bit = 1 << (page % CHUNK_PAGES);
        chunk.used |= bit;
        chunk.mapped = if mapped == Mapped::No {
            chunk.mapped & !bit
        } else {
            chunk.mapped | bit
        };
        chunk.writable = if mapped == Mapped::Writable {
            chunk.writable | bit
        } else {
            chunk.writable & !bit
        };
        chunk.frames[(page % CHUNK_PAGES) as usize] = frame;
        Ok(old)
    }

    /// Adds an empty chunk for `page` at its place in the list.
    fn add(&mut self, chunks: &mut Chunks, at: usize, page: u32) -> Result<usize, NoRoom> {
        self.reserve(1)?;
        self.list.insert(at, (page / CHUNK_PAGES, chunks.take()?));
        Ok(at)
    }

    /// Sees to it that `count` more chunks fit.
    ///
    /// # Errors
    /// [`NoRoom`] if memory is short.
    pub fn reserve(&mut self, count: usize) -> Result<(), NoRoom> {
        self.list.try_reserve(count).map_err(|_| NoRoom)
    }

    /// Takes out the pages of `range`, telling `visit` each page and its frame.
    pub fn remove(
        &mut self,
        chunks: &mut Chunks,
        range: Range<u32>,
        mut visit: impl FnMut(u32, u32),
    ) {
        let from = self
            .list
            .partition_point(|entry| entry.0 < range.start / CHUNK_PAGES);
        let mut kept = from;
        let mut at = from;
        while let Some(&(key, slot)) = self
            .list
            .get(at)
            .filter(|entry| entry.0 * CHUNK_PAGES < range.end)
        {
            let chunk = chunks.at_mut(slot);
            let gone = mask(key, &range);
            each_bit(chunk.used & gone, |bit| {
                visit(key * CHUNK_PAGES + bit, chunk.frames[bit as usize])
            });
            chunk.used &= !gone;
            chunk.mapped &= !gone;
            chunk.writable &= !gone;
            if chunk.used == 0 {
                chunks.give_back(slot);
            } else {
                self.list[kept] = (key, slot);
                kept += 1;
            }
            at += 1;
        }
        self.list.drain(kept..at);
    }

    /// The chunks with pages in `range`: first page number, slot in the pool, and which of the pages
    /// are in `range`.
    pub fn slots(&self, range: Range<u32>) -> impl Iterator<Item = (u32, u32, u32)> + '_ {
        let from = self
            .list
            .partition_point(|entry| entry.0 < range.start / CHUNK_PAGES);
        self.list[from..]
            .iter()
            .map(|&(key, slot)| (key * CHUNK_PAGES, slot))
            .take_while({
                let end = range.end;
                move |&(first, _)| first < end
            })
            .map(move |(first, slot)| (first, slot, mask(first / CHUNK_PAGES, &range)))
    }

    /// Tells `visit` the first page number of each chunk with pages in `range`, the chunk, and which
    /// of its pages are in `range`.
    pub fn visit(
        &self,
        chunks: &mut Chunks,
        range: Range<u32>,
        mut visit: impl FnMut(u32, &mut Chunk, u32),
    ) {
        for (first, slot, inside) in self.slots(range) {
            visit(first, chunks.at_mut(slot), inside);
        }
    }

    /// How many chunks have pages in `range`, about.
    pub fn chunks_in(&self, range: Range<u32>) -> usize {
        let inside =
            |key: u32| key * CHUNK_PAGES < range.end && (key + 1) * CHUNK_PAGES > range.start;
        2 * self.keys().filter(|&key| inside(key)).count()
    }

    /// The numbers of the chunks that the table has.
    pub fn keys(&self) -> impl Iterator<Item = u32> + '_ {
        self.list.iter().map(|entry| entry.0)
    }

    /// Pages that have a frame.
    pub fn count(&self, chunks: &Chunks) -> u32 {
        self.list
            .iter()
            .map(|entry| chunks.at(entry.1).used.count_ones())
            .sum()
    }

    /// Pages of `range` that have a frame.
    pub fn count_in(&self, chunks: &Chunks, range: &Range<u32>) -> u32 {
        (self.list.iter())
            .map(|entry| (chunks.at(entry.1).used & mask(entry.0, range)).count_ones())
            .sum()
    }

    /// Becomes a copy of `other` in which nothing is mapped, telling `share` each frame.
    ///
    /// # Errors
    /// [`NoRoom`], and nothing has changed.
    pub fn copy_of(
        &mut self,
        chunks: &mut Chunks,
        other: &Pages,
        mut share: impl FnMut(u32),
    ) -> Result<(), NoRoom> {
        debug_assert!(self.list.is_empty(), "the old pages must be removed first");
        self.reserve(other.list.len())?;
        chunks.reserve(other.list.len())?;
        for &(key, slot) in &other.list {
            let copy = chunks.take()?;
            let mut chunk = *chunks.at(slot);
            chunk.mapped = 0;
            chunk.writable = 0;
            each_bit(chunk.used, |bit| share(chunk.frames[bit as usize]));
            *chunks.at_mut(copy) = chunk;
            self.list.push((key, copy));
        }
        Ok(())
    }
}

/// The bits of the chunk `key` that are in `range`.
fn mask(key: u32, range: &Range<u32>) -> u32 {
    let base = key * CHUNK_PAGES;
    let low = range.start.saturating_sub(base).min(CHUNK_PAGES);
    let high = range.end.saturating_sub(base).min(CHUNK_PAGES);
    below(high) & !below(low)
}

/// The lowest `count` bits.
pub fn below(count: u32) -> u32 {
    if count >= 32 {
        u32::MAX
    } else {
        (1 << count) - 1
    }
}

/// Calls `visit` with the number of each set bit, lowest first.
pub fn each_bit(mut bits: u32, mut visit: impl FnMut(u32)) {
    while bits != 0 {
        visit(bits.trailing_zeros());
        bits &= bits - 1;
    }
}

/// Calls `visit` with first bit and length of each run of set bits, lowest first.
pub fn each_run(mut bits: u32, mut visit: impl FnMut(u32, u32)) {
    while bits != 0 {
        let first = bits.trailing_zeros();
        let length = (!(bits >> first)).trailing_zeros().min(32 - first);
        visit(first, length);
        bits &= !(below(length) << first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn runs_cover_all_bits() {
        let mut runs = vec![];
        each_run(0b1011_0001, |first, length| runs.push((first, length)));
        assert_eq!(runs, [(0, 1), (4, 2), (7, 1)]);
        runs.clear();
        each_run(u32::MAX, |first, length| runs.push((first, length)));
        assert_eq!(runs, [(0, 32)]);
    }

    #[test]
    fn pages_are_found_where_they_were_set() {
        let (mut chunks, mut pages) = (Chunks::default(), Pages::default());
        for page in [5, 31, 32, 4000, 64] {
            assert_eq!(
                pages.set(&mut chunks, page, page + 7, Mapped::Writable),
                Ok(None)
            );
        }
        assert_eq!(pages.get(&chunks, 31), Some(38));
        assert_eq!(pages.get(&chunks, 30), None);
        assert_eq!(pages.count(&chunks), 5);
        assert_eq!(pages.set(&mut chunks, 31, 1, Mapped::No), Ok(Some(38)));
    }

    #[test]
    fn removing_a_range_visits_it_once_and_leaves_the_rest() {
        let (mut chunks, mut pages) = (Chunks::default(), Pages::default());
        for page in 0..100 {
            pages.set(&mut chunks, page, page, Mapped::No).unwrap();
        }
        let mut gone = vec![];
        pages.remove(&mut chunks, 10..70, |page, frame| gone.push((page, frame)));
        assert_eq!(gone, (10..70).map(|page| (page, page)).collect::<Vec<_>>());
        assert_eq!(pages.count(&chunks), 40);
        assert_eq!(chunks.in_use(), 3, "the chunk 32..64 is empty now");
        pages.remove(&mut chunks, 0..u32::MAX, |_, _| ());
        assert_eq!(chunks.in_use(), 0);
    }

    #[test]
    fn a_copy_shares_every_frame_and_has_nothing_mapped() {
        let (mut chunks, mut pages, mut copy) =
            (Chunks::default(), Pages::default(), Pages::default());
        for page in 3..40 {
            pages
                .set(&mut chunks, page, page, Mapped::Writable)
                .unwrap();
        }
        let mut shared = 0;
        copy.copy_of(&mut chunks, &pages, |_| shared += 1).unwrap();
        assert_eq!((shared, copy.count(&chunks)), (37, 37));
        assert_eq!(copy.chunk(&chunks, 3).unwrap().writable, 0);
        assert_eq!(pages.chunk(&chunks, 3).unwrap().writable, u32::MAX << 3);
    }
}
