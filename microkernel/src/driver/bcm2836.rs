//! Interrupt controllers of the Raspberry Pi 3, seen from its first CPU: the one beside the CPUs
//! (Broadcom BCM2836 "QA7", 4) and the peripherals' behind it (BCM2835 ARM Peripherals, 7.5).
//!
//! Numbers: 32 times the bank plus the bit. Banks 0 to 2 are those of the peripherals' controller
//! as its device tree binding counts them (0: basic), bank 3 is the CPU's own.

use super::Mmio;

/// The CPU's controller: timer interrupts that reach CPU 0.
const TIMER_CONTROL: usize = 0x40;
/// The CPU's controller: what is pending for CPU 0.
const SOURCE: usize = 0x60;
/// In [`SOURCE`]: the peripherals' controller has something.
const PERIPHERALS: u32 = 1 << 8;
/// In [`SOURCE`]: the CPU's four timers.
const TIMERS: u32 = 0b1111;
/// The CPU's controller: where the peripherals' interrupts go; 0 is CPU 0.
const ROUTE: usize = 0x0c;

/// The peripherals' controller: pending, enable and disable registers of banks 0, 1, 2.
const PENDING: [usize; 3] = [0x00, 0x04, 0x08];
const ENABLE: [usize; 3] = [0x18, 0x10, 0x14];
const DISABLE: [usize; 3] = [0x24, 0x1c, 0x20];
/// Bits of bank 0 that are interrupts; the rest repeat what the other banks say.
const BASIC: u32 = 0xff;

/// First number of the CPU's own interrupts.
pub(crate) const FIRST_LOCAL: u32 = 96;
/// Number of interrupts.
const LINES: u32 = 128;
/// What [`Bcm2836::acknowledge`] answers when nothing is pending.
const NOTHING: u32 = u32::MAX;

/// Both controllers.
#[derive(Debug)]
pub(super) struct Bcm2836 {
    local: Mmio,
    peripherals: Mmio,
}

impl Bcm2836 {
    /// Starts with every interrupt disabled and routed to this CPU.
    pub(super) fn new(local: Mmio, peripherals: Mmio) -> Self {
        DISABLE
            .iter()
            .for_each(|&offset| peripherals.write32(offset, u32::MAX));
        local.write32(TIMER_CONTROL, 0);
        local.write32(ROUTE, 0);
        Self { local, peripherals }
    }

    /// Number of interrupts.
    pub(super) fn lines(&self) -> u32 {
        LINES
    }

    /// Lets `irq` arrive.
    pub(super) fn enable(&self, irq: u32) {
        match ENABLE.get(irq as usize / 32) {
            Some(&offset) => self.peripherals.write32(offset, 1 << (irq % 32)),
            None => self.set_timers(self.timers() | 1 << (irq % 32)),
        }
    }

    /// Keeps `irq` from arriving.
    pub(super) fn disable(&self, irq: u32) {
        match DISABLE.get(irq as usize / 32) {
            Some(&offset) => self.peripherals.write32(offset, 1 << (irq % 32)),
            None => self.set_timers(self.timers() & !(1 << (irq % 32))),
        }
    }

    /// The next interrupt. Both controllers only pass levels on, so nothing is taken or ended.
    pub(super) fn acknowledge(&self) -> u32 {
        let source = self.local.read32(SOURCE);
        if source & TIMERS != 0 {
            return FIRST_LOCAL + source.trailing_zeros();
        }
        if source & PERIPHERALS == 0 {
            return NOTHING;
        }
        for (bank, (&offset, mask)) in (0..).zip(PENDING.iter().zip([BASIC, u32::MAX, u32::MAX])) {
            let pending = self.peripherals.read32(offset) & mask;
            if pending != 0 {
                return 32 * bank + pending.trailing_zeros();
            }
        }
        NOTHING
    }

    fn timers(&self) -> u32 {
        self.local.read32(TIMER_CONTROL)
    }

    fn set_timers(&self, bits: u32) {
        self.local.write32(TIMER_CONTROL, bits & TIMERS);
    }
}
