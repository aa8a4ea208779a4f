//! A pipe buffer as a list of pages: it grows by a page when the last one is full, and gives back each page
//! that was read.
//!
//! This is the pipe of Linux since 2.6.11 (an array of 16 page references, `fs/pipe.c`), and in spirit that
//! of 4.4BSD, whose pipes were sockets with chains of buffers (McKusick and others, "The Design and
//! Implementation of the 4.4BSD Operating System", 11.2). For it speaks that growing moves no byte and that
//! what a pipe holds is what it takes, to a page. Against it: a transfer of 64 KiB is 16 copies of a page
//! and not one or two. The page that was emptied last is kept, as Linux keeps `tmp_page`, so that a pipe of
//! small messages does not allocate for each.

use super::PipeBuffer;
use crate::pipe::CAPACITY;
use abi::PAGE_BYTES;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Bytes of a page.
const BYTES: usize = PAGE_BYTES as usize;

/// Pages of which the first is read from `start` on; `used` bytes are in them.
///
/// There are as many pages as `start + used` takes, or one if that is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    pages: VecDeque<Vec<u8>>,
    start: usize,
    used: usize,
}

impl List {
    /// Has room for bytes up to `end`, counted from the first page's begin.
    fn grow(&mut self, end: usize) {
        while self.pages.len() * BYTES < end {
            self.pages.push_back(vec![0; BYTES]);
        }
    }

    /// Keeps the pages that bytes up to `end` take, and one at least.
    fn shrink(&mut self, end: usize) {
        self.pages.truncate(end.div_ceil(BYTES).max(1));
    }
}

/// Calls `visit` for each page that `count` bytes from `at` on touch: page number, range in it, offset.
fn each_piece<E>(
    at: usize,
    count: usize,
    mut visit: impl FnMut(usize, core::ops::Range<usize>, usize) -> Result<(), E>,
) -> Result<(), E> {
    let mut offset = 0;
    while offset < count {
        let (page, from) = ((at + offset) / BYTES, (at + offset) % BYTES);
        let bytes = (BYTES - from).min(count - offset);
        visit(page, from..from + bytes, offset)?;
        offset += bytes;
    }
    Ok(())
}

impl PipeBuffer for List {
    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn len(&self) -> usize {
        self.used
    }

    fn append<E>(
        &mut self,
        count: usize,
        mut fill: impl FnMut(usize, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let end = self.start + self.used;
        self.grow(end + count);
        let pages = &mut self.pages;
        let filled = each_piece(end, count, |page, range, offset| {
            fill(offset, &mut pages[page][range])
        });
        match filled {
            Ok(()) => self.used += count,
            Err(_) => self.shrink(end),
        }
        filled
    }

    fn consume<E>(
        &mut self,
        count: usize,
        mut take: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let count = count.min(self.used);
        let pages = &self.pages;
        each_piece(self.start, count, |page, range, offset| {
            take(offset, &pages[page][range])
        })?;
        self.used -= count;
        self.start += count;
        if self.used == 0 {
            self.start = 0;
            self.shrink(0);
        }
        let read = self.start / BYTES;
        self.pages.drain(..read);
        self.start -= read * BYTES;
        Ok(())
    }
}
