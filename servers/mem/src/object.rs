//! Memory objects: pages that files, shared memory and mappings have in common.
//!
//! Invariants: an object owns one share of each of its frames; bytes of the last page behind the
//! object's length are zero; an object without holder and mappings does not exist. The holes of an
//! object that a server holds are promised: frames for them are kept back from programs, so that a
//! server which fills a file never fails on the way; growing the file fails instead. A frame with
//! several owners belongs to several objects and is never mapped writable.

use crate::NoRoom;
use crate::frames::Frames;
use crate::pages::{Chunks, Mapped, Pages};
use crate::pool::Pool;
use abi::PAGE_BYTES;
use core::ops::Range;
use proto::{Pid, mem::ObjectId};
use serde::{Deserialize, Serialize};

/// Most bytes of an object, so that page numbers fit 32 bits with room to spare.
pub const MAX_BYTES: u64 = 1 << 42;

/// The boot archive's object, which the root task holds from the start.
pub const ARCHIVE: ObjectId = ObjectId(1);

/// A range of pages that several spaces can map.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Object {
    /// Length in bytes.
    pub bytes: u64,
    /// The server that may release it; `None` when only mappings keep it.
    pub holder: Option<Pid>,
    /// Regions that map it.
    pub mappings: u32,
    /// The pages that have a frame; the others are zero.
    pub pages: Pages,
    /// Pages that have a frame.
    pub present: u32,
}

impl Object {
    /// Length in pages.
    pub fn page_count(&self) -> u32 {
        self.bytes.div_ceil(PAGE_BYTES) as u32
    }

    /// Frames that are promised to it.
    fn promise(&self) -> u64 {
        let holes = self.page_count().saturating_sub(self.present);
        if self.holder.is_some() {
            u64::from(holes)
        } else {
            0
        }
    }
}

/// All objects.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Objects {
    pool: Pool<Option<Object>>,
    /// Frames in objects; one in several objects counts several times.
    resident: u64,
    /// Frames that are promised to objects.
    promised: u64,
}

impl Objects {
    /// Makes an object without pages.
    ///
    /// # Errors
    /// [`NoRoom`] if there is no memory to remember it.
    pub fn create(&mut self, bytes: u64, holder: Option<Pid>) -> Result<ObjectId, NoRoom> {
        let number = self.pool.take()?;
        let object = Object {
            bytes,
            holder,
            ..Object::default()
        };
        self.promised += object.promise();
        *self.pool.at_mut(number) = Some(object);
        Ok(ObjectId(number + 1))
    }

    /// The object with this id.
    pub fn get(&self, id: ObjectId) -> Option<&Object> {
        self.pool.get(id.0.wrapping_sub(1))?.as_ref()
    }

    /// The object with this id.
    pub fn get_mut(&mut self, id: ObjectId) -> Option<&mut Object> {
        self.pool.get_mut(id.0.wrapping_sub(1))?.as_mut()
    }

    /// Gives a page of an object a frame, which the object owns from now on; the old one is returned.
    ///
    /// # Errors
    /// [`NoRoom`], and nothing has changed; never for a page that has a frame.
    pub fn set(
        &mut self,
        chunks: &mut Chunks,
        id: ObjectId,
        page: u32,
        frame: u32,
    ) -> Result<Option<u32>, NoRoom> {
        let object = self.get_mut(id).ok_or(NoRoom)?;
        let old = object.pages.set(chunks, page, frame, Mapped::No)?;
        if old.is_none() {
            self.change(id, |object| object.present += 1);
            self.resident += 1;
        }
        Ok(old)
    }

    /// Changes what an object's promise depends on.
    fn change(&mut self, id: ObjectId, change: impl FnOnce(&mut Object)) {
        if let Some(object) = self.get_mut(id) {
            let before = object.promise();
            change(object);
            let after = object.promise();
            self.promised = self.promised - before + after;
        }
    }

    /// Sets the length. The pages behind it must be gone.
    pub fn set_bytes(&mut self, id: ObjectId, bytes: u64) {
        self.change(id, |object| object.bytes = bytes);
    }

    /// Nobody holds the object any more.
    pub fn let_go(&mut self, id: ObjectId) {
        self.change(id, |object| object.holder = None);
    }

    /// Takes out pages and their frames; nothing may map them any more.
    pub fn drop_pages(
        &mut self,
        chunks: &mut Chunks,
        frames: &mut Frames,
        id: ObjectId,
        range: Range<u32>,
    ) {
        let mut dropped = 0;
        if let Some(object) = self.get_mut(id) {
            object.pages.remove(chunks, range, |_, frame| {
                frames.release(frame);
                dropped += 1;
            });
        }
        self.change(id, |object| object.present -= dropped);
        self.resident -= u64::from(dropped);
    }

    /// One more region maps the object.
    pub fn add_mapping(&mut self, id: ObjectId) {
        if let Some(object) = self.get_mut(id) {
            object.mappings += 1;
        }
    }

    /// One region less maps the object, which may end it.
    pub fn remove_mapping(&mut self, chunks: &mut Chunks, frames: &mut Frames, id: ObjectId) {
        if let Some(object) = self.get_mut(id) {
            object.mappings = object.mappings.saturating_sub(1);
        }
        self.collect(chunks, frames, id);
    }

    /// Ends the object if nobody needs it.
    pub fn collect(&mut self, chunks: &mut Chunks, frames: &mut Frames, id: ObjectId) {
        if self
            .get(id)
            .is_none_or(|object| object.holder.is_some() || object.mappings > 0)
        {
            return;
        }
        self.drop_pages(chunks, frames, id, 0..u32::MAX);
        *self.pool.at_mut(id.0 - 1) = None;
        self.pool.give_back(id.0 - 1);
    }

    /// Frames that are promised to objects.
    pub fn promised(&self) -> u64 {
        self.promised
    }

    /// Frames in objects.
    pub fn resident(&self) -> u64 {
        self.resident
    }

    /// Objects that exist.
    pub fn count(&self) -> usize {
        self.pool.in_use()
    }
}
