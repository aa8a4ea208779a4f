//! A regular file's bytes: where they are, and how they grow.
//!
//! Small files live in the server's heap, because a memory object costs at least a page and some
//! messages. Larger ones live in a memory object, which `mmap` and `exec` share; it doubles as it
//! grows, so that appending costs few messages. Once a file has been mapped its object ends with the
//! file's last page, so that who touches a page behind it gets `SIGBUS`; only its window doubles then. Files of the boot archive stay in the archive's
//! object until they are written.

use crate::linux;
use crate::ports::{Memory, Window};
use abi::addr::page_up;
use abi::{Errno, PAGE_BYTES};
use alloc::vec::Vec;
use proto::mem::ObjectId;
use serde::{Deserialize, Serialize};

/// Most bytes that are kept in the heap.
pub const INLINE_BYTES: u64 = 2048;
/// An object at least doubles, but never grows by more than this at once.
const GROWTH_BYTES: u64 = 64 << 20;
/// Largest object that is asked for: its window must fit into half of the server's space.
const OBJECT_BYTES: u64 = 1 << 38;

/// Where the bytes of a file are.
#[derive(Debug, Serialize, Deserialize)]
pub enum Data {
    /// In the heap.
    Inline(Vec<u8>),
    /// In the first `size` bytes of an object of the file's own; the rest of it is zero.
    Object {
        /// The object in the server's own space; as long as the object.
        window: Window,
        /// Bytes that the window could have where it is: the object may be shorter.
        room: u64,
        /// Length of the file.
        size: u64,
        /// Whether it has been mapped, so that the object ends with the file's last page.
        mapped: bool,
    },
    /// In the boot archive, as it was delivered.
    Archive {
        /// The whole archive.
        archive: Window,
        /// Where the file starts in it, a multiple of the page size.
        offset: u64,
        /// Length of the file.
        size: u64,
        /// Made when the file is mapped: its pages alone, zero behind its end.
        slice: Option<ObjectId>,
    },
}

impl Default for Data {
    fn default() -> Self {
        Data::Inline(Vec::new())
    }
}

impl Data {
    /// Length of the file in bytes.
    #[inline]
    pub fn size(&self) -> u64 {
        match self {
            Data::Inline(bytes) => bytes.len() as u64,
            Data::Object { size, .. } | Data::Archive { size, .. } => *size,
        }
    }

    /// The bytes at `offset`, at most `count`, fewer at the end of the file.
    #[inline]
    pub fn bytes<'a, M: Memory>(&'a self, memory: &'a M, offset: u64, count: usize) -> &'a [u8] {
        let left = self.size().saturating_sub(offset);
        let count = left.min(count as u64) as usize;
        match self {
            Data::Inline(bytes) => bytes
                .get(offset as usize..offset as usize + count)
                .unwrap_or(&[]),
            Data::Object { window, .. } => memory.bytes(*window, offset, count),
            Data::Archive {
                archive,
                offset: start,
                ..
            } => memory.bytes(*archive, start.saturating_add(offset), count),
        }
    }

    /// Room for `count` bytes at `offset`, to be filled; [`Data::grown`] says afterwards how much
    /// of it the file keeps.
    ///
    /// # Errors
    /// `EFBIG`, `ENOSPC`.
    pub fn room<'a, M: Memory>(
        &'a mut self,
        memory: &'a mut M,
        offset: u64,
        count: usize,
    ) -> Result<&'a mut [u8], Errno> {
        let end = offset
            .checked_add(count as u64)
            .filter(|&end| end <= linux::FILE_MAX)
            .ok_or(Errno::EFBIG)?;
        self.reserve(memory, end)?;
        match self {
            Data::Inline(bytes) => {
                if (bytes.len() as u64) < end {
                    bytes.resize(end as usize, 0);
                }
                bytes
                    .get_mut(offset as usize..end as usize)
                    .ok_or(Errno::EFBIG)
            }
            Data::Object { window, .. } => Ok(memory.bytes_mut(*window, offset, count)),
            Data::Archive { .. } => Err(Errno::EIO),
        }
    }

    /// Sets the length after [`Data::room`] was filled up to `end`; `old` was the length before.
    pub fn grown<M: Memory>(&mut self, memory: &mut M, old: u64, end: u64) {
        let new = old.max(end);
        match self {
            Data::Inline(bytes) => bytes.truncate(new as usize),
            Data::Object { size, .. } | Data::Archive { size, .. } => *size = new,
        }
        self.fit(memory);
    }

    /// Takes the pages behind its end from a file that has been mapped.
    fn fit<M: Memory>(&mut self, memory: &mut M) {
        let Data::Object {
            window,
            size,
            mapped: true,
            ..
        } = self
        else {
            return;
        };
        let end = page_up(*size).unwrap_or(window.bytes);
        if end < window.bytes && memory.resize(window.object, end).is_ok() {
            window.bytes = end;
        }
    }

    /// Changes the length; what is cut off reads as zero if the file grows again.
    ///
    /// # Errors
    /// `EFBIG`, `ENOSPC`.
    pub fn truncate<M: Memory>(&mut self, memory: &mut M, length: u64) -> Result<(), Errno> {
        if length == self.size() {
            return Ok(());
        }
        if length == 0 {
            self.clear(memory);
            return Ok(());
        }
        self.reserve(memory, length)?;
        match self {
            Data::Inline(bytes) => bytes.resize(length as usize, 0),
            Data::Object { window, size, .. } => {
                if length < *size {
                    memory
                        .zero(window.object, length, *size - length)
                        .map_err(full)?;
                }
                *size = length;
            }
            Data::Archive { .. } => return Err(Errno::EIO),
        }
        self.fit(memory);
        Ok(())
    }

    /// Zeroes bytes inside the file.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub fn zero<M: Memory>(
        &mut self,
        memory: &mut M,
        offset: u64,
        count: u64,
    ) -> Result<(), Errno> {
        self.reserve(memory, self.size())?;
        match self {
            Data::Inline(bytes) => {
                let range = offset as usize..(offset + count) as usize;
                bytes.get_mut(range).ok_or(Errno::EIO)?.fill(0);
                Ok(())
            }
            Data::Object { window, .. } => memory.zero(window.object, offset, count).map_err(full),
            Data::Archive { .. } => Err(Errno::EIO),
        }
    }

    /// Gives all memory back; the file is empty.
    ///
    /// A mapped object stays the file's own, so that those who mapped it see later writes.
    pub fn clear<M: Memory>(&mut self, memory: &mut M) {
        if let Data::Object { window, size, .. } = self
            && memory.zero(window.object, 0, *size).is_ok()
        {
            *size = 0;
            return self.fit(memory);
        }
        self.release(memory);
    }

    /// Gives all memory back, at the end of the file's life.
    pub fn release<M: Memory>(&mut self, memory: &mut M) {
        match core::mem::take(self) {
            Data::Inline(_) => {}
            Data::Object { window, .. } => {
                memory.unmap(window);
                memory.release(window.object);
            }
            Data::Archive { slice, .. } => {
                if let Some(object) = slice {
                    memory.release(object);
                }
            }
        }
    }

    /// The object with the file's bytes and where in it they start, for a program to be run: what
    /// is behind the end of the file is undefined.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn program<M: Memory>(&mut self, memory: &mut M) -> Result<(ObjectId, u64), Errno> {
        match self {
            Data::Archive {
                archive, offset, ..
            } => Ok((archive.object, *offset)),
            Data::Object { window, .. } => Ok((window.object, 0)),
            Data::Inline(_) => {
                self.make_object(memory, self.size().max(1))
                    .map_err(|_| Errno::ENOMEM)?;
                self.program(memory)
            }
        }
    }

    /// The object to map: its pages end with the file's last page, whose rest is zero. A file that
    /// is mapped `writable` gets an object of its own.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn mappable<M: Memory>(
        &mut self,
        memory: &mut M,
        writable: bool,
    ) -> Result<ObjectId, Errno> {
        if let Data::Archive {
            archive,
            offset,
            size,
            slice,
        } = self
            && !writable
            && *size > 0
        {
            if let Some(object) = *slice {
                return Ok(object);
            }
            let object = memory.slice(archive.object, *offset, *size)?;
            *slice = Some(object);
            return Ok(object);
        }
        if !matches!(self, Data::Object { .. }) {
            self.make_object(memory, self.size().max(1))
                .map_err(|_| Errno::ENOMEM)?;
        }
        let object = match self {
            Data::Object { window, mapped, .. } => {
                *mapped = true;
                window.object
            }
            _ => return Err(Errno::ENODEV),
        };
        self.fit(memory);
        Ok(object)
    }

    /// Makes sure that the file can hold `end` bytes and be written.
    fn reserve<M: Memory>(&mut self, memory: &mut M, end: u64) -> Result<(), Errno> {
        match self {
            Data::Inline(_) if end <= INLINE_BYTES => Ok(()),
            Data::Object { window, .. } if end <= window.bytes => Ok(()),
            Data::Object { .. } => self.enlarge(memory, end),
            Data::Inline(_) | Data::Archive { .. } => {
                let size = self.size();
                self.make_object(memory, end.max(size))
            }
        }
    }

    /// Moves the bytes into an object of the file's own with room for `end` bytes.
    fn make_object<M: Memory>(&mut self, memory: &mut M, end: u64) -> Result<(), Errno> {
        let size = self.size();
        let room = page_up(end.max(4 * PAGE_BYTES))
            .filter(|&room| room <= OBJECT_BYTES)
            .ok_or(Errno::EFBIG)?;
        let object = memory.create(room).map_err(full)?;
        let window = match memory.map(object, room) {
            Ok(window) => window,
            Err(error) => {
                memory.release(object);
                return Err(full(error));
            }
        };
        self.copy_to(memory, window);
        self.release(memory);
        *self = Data::Object {
            window,
            room,
            size,
            mapped: false,
        };
        Ok(())
    }

    fn copy_to<M: Memory>(&self, memory: &mut M, window: Window) {
        match self {
            Data::Inline(bytes) => memory
                .bytes_mut(window, 0, bytes.len())
                .copy_from_slice(bytes),
            Data::Object { .. } => {}
            Data::Archive {
                archive,
                offset,
                size,
                ..
            } => {
                let mut page = [0; PAGE_BYTES as usize];
                let mut done = 0;
                while done < *size {
                    let count = (*size - done).min(PAGE_BYTES) as usize;
                    page[..count].copy_from_slice(memory.bytes(*archive, offset + done, count));
                    memory
                        .bytes_mut(window, done, count)
                        .copy_from_slice(&page[..count]);
                    done += count as u64;
                }
            }
        }
    }

    fn enlarge<M: Memory>(&mut self, memory: &mut M, end: u64) -> Result<(), Errno> {
        let Data::Object {
            window,
            room,
            mapped,
            ..
        } = self
        else {
            return Ok(());
        };
        let least = page_up(end)
            .filter(|&room| room <= OBJECT_BYTES)
            .ok_or(Errno::EFBIG)?;
        let doubled = least.max((*room + (*room).min(GROWTH_BYTES)).min(OBJECT_BYTES));
        let mut length = if *mapped { least } else { doubled };
        if memory.resize(window.object, length).is_err() {
            // Memory is short: then without room to spare.
            length = least;
            memory.resize(window.object, length).map_err(full)?;
        }
        if length > *room {
            let wished = if *mapped { doubled } else { length };
            // Mapped anew before the old window goes: a failure leaves the file as it was.
            let larger = memory.map(window.object, wished).map_err(full)?;
            memory.unmap(*window);
            *window = larger;
            *room = wished;
        }
        window.bytes = length;
        Ok(())
    }
}

/// To who writes a file, memory that ran out is a file system that is full.
fn full(error: Errno) -> Errno {
    if error == Errno::ENOMEM {
        Errno::ENOSPC
    } else {
        error
    }
}
