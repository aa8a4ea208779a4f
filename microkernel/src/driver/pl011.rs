//! Output on a PL011 UART by waiting for it (Arm DDI 0183).
//!
//! The driver of the console runs in user space and owns the device; this one only writes, and
//! leaves speed and interrupts as it finds them.

use super::Mmio;

/// Data register (Arm DDI 0183, 3.3.1).
const UARTDR: usize = 0x00;
/// Flag register (3.3.3).
const UARTFR: usize = 0x18;
/// The transmit FIFO is full.
const TXFF: u32 = 1 << 5;
/// Control register (3.3.8).
const UARTCR: usize = 0x30;
/// The UART and its transmitter are on.
const UARTEN_TXE: u32 = 1 << 0 | 1 << 8;

/// A PL011.
#[derive(Debug)]
pub(crate) struct Pl011 {
    registers: Mmio,
}

impl Pl011 {
    /// Switches the transmitter on, should the firmware have left it off.
    pub(crate) fn new(registers: Mmio) -> Self {
        registers.write32(UARTCR, registers.read32(UARTCR) | UARTEN_TXE);
        Self { registers }
    }

    /// Sends one byte; spins while the FIFO is full (about 87 us a byte at 115200 baud).
    pub(crate) fn put(&self, byte: u8) {
        while self.registers.read32(UARTFR) & TXFF != 0 {
            core::hint::spin_loop();
        }
        self.registers.write32(UARTDR, u32::from(byte));
    }
}
