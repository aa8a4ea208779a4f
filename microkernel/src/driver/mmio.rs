//! Access to device registers.

use kernel_core::ranges::Range;

use crate::arch::mmu;

/// The registers of one device. Every access is checked to lie inside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mmio {
    base: usize,
    bytes: usize,
}

impl Mmio {
    /// Takes over the registers at the physical addresses `registers`.
    ///
    /// # Safety
    /// The range must be mapped in the linear map as device memory for as long as the kernel runs,
    /// and it must hold registers whose reading and writing does not break memory safety.
    pub(crate) unsafe fn new(registers: Range) -> Self {
        Self {
            base: mmu::phys_to_virt(registers.start),
            bytes: registers.bytes() as usize,
        }
    }

    /// Reads the 32-bit register at `offset` bytes.
    pub(crate) fn read32(&self, offset: usize) -> u32 {
        // SAFETY: `register` checked the range, and `new`'s caller promised the mapping.
        unsafe { self.register::<u32>(offset).read_volatile() }
    }

    /// Writes the 32-bit register at `offset` bytes.
    pub(crate) fn write32(&self, offset: usize, value: u32) {
        // SAFETY: as in `read32`.
        unsafe { self.register::<u32>(offset).write_volatile(value) }
    }

    /// Reads the 64-bit register at `offset` bytes.
    pub(crate) fn read64(&self, offset: usize) -> u64 {
        // SAFETY: as in `read32`.
        unsafe { self.register::<u64>(offset).read_volatile() }
    }

    /// Writes the 64-bit register at `offset` bytes.
    pub(crate) fn write64(&self, offset: usize, value: u64) {
        // SAFETY: as in `read32`.
        unsafe { self.register::<u64>(offset).write_volatile(value) }
    }

    /// The registers from `offset` bytes on.
    ///
    /// # Panics
    /// If there are none.
    pub(crate) fn from(&self, offset: usize) -> Self {
        assert!(offset < self.bytes, "no registers at {offset:#x}");
        Self {
            base: self.base + offset,
            bytes: self.bytes - offset,
        }
    }

    fn register<T>(&self, offset: usize) -> *mut T {
        let size = size_of::<T>();
        assert!(
            offset.is_multiple_of(size) && offset + size <= self.bytes,
            "no register at {offset:#x}"
        );
        (self.base + offset) as *mut T
    }
}
