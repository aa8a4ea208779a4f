//! Power management of the Raspberry Pi, which has no firmware to call: the watchdog ends the
//! machine, and a note to the firmware keeps it from starting again.
//!
//! Undocumented by the maker; as in Linux, `drivers/watchdog/bcm2835_wdt.c`.

use spin::Once;

use super::Mmio;

const RSTC: usize = 0x1c;
const RSTS: usize = 0x20;
const WDOG: usize = 0x24;
/// Every write needs it.
const PASSWORD: u32 = 0x5a00_0000;
/// In `RSTC`: what the watchdog does, and the choice of a full reset.
const CHOICE: u32 = 0x30;
const FULL_RESET: u32 = 0x20;
/// In `RSTS`: partition 63, which tells the firmware to halt; and all bits of the partition.
const HALT: u32 = 0x555;
/// Watchdog ticks (of 16 us) until the reset.
const SOON: u32 = 10;

static REGISTERS: Once<Mmio> = Once::new();

/// Takes the device over.
pub(crate) fn init(registers: Mmio) {
    REGISTERS.call_once(|| registers);
}

/// Switches the machine off a moment later, if it has this device.
pub(crate) fn off() {
    end(HALT);
}

/// Starts the machine again a moment later, if it has this device.
pub(crate) fn reset() {
    end(0);
}

fn end(partition: u32) {
    let Some(registers) = REGISTERS.get() else {
        return;
    };
    let status = registers.read32(RSTS) & 0x00ff_ffff & !HALT;
    registers.write32(RSTS, PASSWORD | status | partition);
    registers.write32(WDOG, PASSWORD | SOON);
    let control = registers.read32(RSTC) & 0x00ff_ffff & !CHOICE;
    registers.write32(RSTC, PASSWORD | control | FULL_RESET);
}
