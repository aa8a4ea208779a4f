//! Reading and writing user memory: always by walking the page tables, so that the kernel never
//! faults on a user's pointer, and always through the linear map.

use abi::{Error, PAGE_BYTES, layout::USER_END};
use kernel_core::object::{FrameNumber, SpaceId};
use kernel_core::page_table::{self, Leaf};

use crate::arch::memory;
use crate::kernel::Memory;
use kernel_core::object::Objects;

/// A claim by user space that `bytes` from `address` on are its memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UserRange {
    address: u64,
    bytes: usize,
}

impl UserRange {
    /// Checks that the range lies in the user half.
    ///
    /// # Errors
    /// [`Error::Invalid`] if not.
    pub(crate) fn new(address: u64, bytes: u64) -> Result<Self, Error> {
        match address.checked_add(bytes) {
            Some(end) if end <= USER_END => Ok(UserRange {
                address,
                bytes: bytes as usize,
            }),
            _ => Err(Error::Invalid),
        }
    }
}

/// Where a copy reads or writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    root: FrameNumber,
    address: u64,
    access: Access,
}

/// What permission a side needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// A mapping.
    Read,
    /// A writable mapping.
    Write,
    /// A mapping; its owner asked a server to write although it may not itself.
    Override,
}

impl Side {
    /// `range` of `space`.
    pub(crate) fn new(
        memory: &mut Memory,
        space: SpaceId,
        range: UserRange,
        access: Access,
    ) -> Side {
        Side {
            root: memory.space(space).root,
            address: range.address,
            access,
        }
    }

    /// Physical address of the present position, if it may be accessed.
    #[inline]
    fn physical(&self, memory: &Memory) -> Option<u64> {
        let leaf: Leaf = page_table::look_up(&memory.tables(), self.root, self.address);
        let allowed = leaf.is_mapped()
            && !leaf.is_device()
            && (self.access != Access::Write || leaf.is_writable());
        allowed.then(|| (u64::from(leaf.frame()) << 12) | (self.address % PAGE_BYTES))
    }

    /// Bytes to the end of the page.
    fn left_in_page(&self) -> usize {
        (PAGE_BYTES - self.address % PAGE_BYTES) as usize
    }
}

/// Which side of a copy stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The source's page is absent.
    Source,
    /// The target's page is absent or not writable.
    Target,
}

/// Copies `bytes` from one side to the other; says how many bytes went before what stopped it.
pub(crate) fn copy(
    memory: &Memory,
    mut from: Side,
    mut to: Side,
    bytes: usize,
) -> (usize, Option<Stopped>) {
    let mut done = 0;
    while done < bytes {
        let Some(source) = from.physical(memory) else {
            return (done, Some(Stopped::Source));
        };
        let Some(target) = to.physical(memory) else {
            return (done, Some(Stopped::Target));
        };
        let chunk = (bytes - done)
            .min(from.left_in_page())
            .min(to.left_in_page());
        memory::copy(target, source, chunk);
        from.address += chunk as u64;
        to.address += chunk as u64;
        done += chunk;
    }
    (done, None)
}

/// Copies user memory into kernel variables.
///
/// # Errors
/// [`Error::BufferFault`] at the first absent page.
pub(crate) fn read(
    memory: &mut Memory,
    space: SpaceId,
    address: u64,
    into: &mut [u8],
) -> Result<(), Error> {
    let range = UserRange::new(address, into.len() as u64)?;
    let mut side = Side::new(memory, space, range, Access::Read);
    let mut done = 0;
    while done < range.bytes {
        let source = side.physical(memory).ok_or(Error::BufferFault)?;
        let chunk = (range.bytes - done).min(side.left_in_page());
        into[done..done + chunk].copy_from_slice(memory::bytes(source, chunk));
        side.address += chunk as u64;
        done += chunk;
    }
    Ok(())
}

/// A list of operations in user memory, `N` words each, which are looked up once for each page.
pub(crate) struct List<const N: usize> {
    side: Side,
    /// Physical address of the present position, while it is in a page that was looked up.
    physical: Option<u64>,
}

impl<const N: usize> List<N> {
    /// The list at `address`.
    pub(crate) fn new(memory: &mut Memory, space: SpaceId, address: u64) -> Self {
        let range = UserRange { address, bytes: 0 };
        List {
            side: Side::new(memory, space, range, Access::Read),
            physical: None,
        }
    }

    /// The next operation.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is not aligned or no user address, [`Error::BufferFault`] at an
    /// absent page.
    #[inline]
    pub(crate) fn next(&mut self, memory: &Memory) -> Result<[u64; N], Error> {
        let bytes = 8 * N;
        let mut words = [0; N];
        match self.physical {
            Some(physical) if self.side.left_in_page() >= bytes => {
                memory::read_words(physical, &mut words);
            }
            _ => self.look_up(memory, &mut words)?,
        }
        self.side.address += bytes as u64;
        self.physical = match self.side.address % PAGE_BYTES {
            0 => None,
            _ => self.physical.map(|physical| physical + bytes as u64),
        };
        Ok(words)
    }

    /// Reads an operation on a page that was not looked up, or on two pages.
    fn look_up(&mut self, memory: &Memory, words: &mut [u64; N]) -> Result<(), Error> {
        UserRange::new(self.side.address, 8 * N as u64)?;
        if !self.side.address.is_multiple_of(8) {
            return Err(Error::Invalid);
        }
        let first = self.side.physical(memory).ok_or(Error::BufferFault)?;
        if self.side.left_in_page() >= 8 * N {
            memory::read_words(first, words);
            self.physical = Some(first);
            return Ok(());
        }
        let mut side = self.side;
        for word in words {
            let source = side.physical(memory).ok_or(Error::BufferFault)?;
            memory::read_words(source, core::slice::from_mut(word));
            side.address += 8;
        }
        self.physical = None;
        Ok(())
    }
}

/// Copies kernel variables into user memory.
///
/// # Errors
/// [`Error::BufferFault`] at the first page that is absent or not writable.
pub(crate) fn write(
    memory: &mut Memory,
    space: SpaceId,
    address: u64,
    from: &[u8],
) -> Result<(), Error> {
    let range = UserRange::new(address, from.len() as u64)?;
    let mut side = Side::new(memory, space, range, Access::Write);
    let mut done = 0;
    while done < range.bytes {
        let target = side.physical(memory).ok_or(Error::BufferFault)?;
        let chunk = (range.bytes - done).min(side.left_in_page());
        memory::bytes_mut(target, chunk).copy_from_slice(&from[done..done + chunk]);
        side.address += chunk as u64;
        done += chunk;
    }
    Ok(())
}
