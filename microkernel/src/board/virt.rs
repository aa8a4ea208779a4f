//! QEMU's `virt` machine, as far as it must be known without a device tree.

use kernel_core::ranges::Range;

/// The PL011 (QEMU, `hw/arm/virt.c`, `base_memmap`).
pub(super) const UART: Range = Range {
    start: 0x0900_0000,
    end: 0x0900_1000,
};
