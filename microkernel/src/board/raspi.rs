//! Raspberry Pi 3 and 4, as far as they must be known without a device tree.

use aarch64_cpu::registers::{MIDR_EL1, Readable};
use kernel_core::ranges::Range;

/// Below lies RAM on the Pi, and no RAM on QEMU's `virt`.
const RAM_END: u64 = 1 << 30;
/// Part number of the Cortex-A53, the processor of the Pi 3 (Arm DDI 0500, 4.3.1).
const CORTEX_A53: u64 = 0xd03;

/// Whether a kernel that lies there can only be on a Pi.
pub(super) fn is_likely(image: u64) -> bool {
    image < RAM_END
}

/// The PL011 (BCM2835 ARM Peripherals, 13; BCM2711 ARM Peripherals, 11).
pub(super) fn uart() -> Range {
    match MIDR_EL1.read(MIDR_EL1::PartNum) {
        CORTEX_A53 => Range::sized(0x3f20_1000, 0x1000),
        _ => Range::sized(0xfe20_1000, 0x1000),
    }
}
