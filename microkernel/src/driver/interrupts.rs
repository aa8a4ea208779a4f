//! The interrupt controller, whichever the board has. Numbers are the GIC's INTIDs,
//! or those of [`super::bcm2836`].

use kernel_core::ranges::Range;
use spin::Once;

use super::Mmio;
use super::bcm2836::Bcm2836;
use super::gicv2::GicV2;
use super::gicv3::GicV3;
use crate::board::{InterruptController, Platform};

enum Driver {
    V2(GicV2),
    V3(GicV3),
    Bcm(Bcm2836),
}

static DRIVER: Once<Driver> = Once::new();
/// Physical addresses of the controller's registers.
static REGISTERS: Once<[Range; 2]> = Once::new();

/// First INTID that is no interrupt (1020 to 1023 are special).
const FIRST_SPECIAL: u32 = 1020;
/// Priority of every interrupt: in the middle, so that any mask that lets half of them pass does.
const PRIORITY: u32 = 0x80;

/// Takes the controller over with every interrupt disabled.
pub(crate) fn init(platform: &Platform) {
    REGISTERS.call_once(|| platform.interrupt_controller.registers());
    DRIVER.call_once(|| match platform.interrupt_controller {
        InterruptController::GicV2 { distributor, cpu } => {
            // SAFETY: the boot mapped what `InterruptController::registers` names, for good.
            let distributor = unsafe { Mmio::new(distributor) };
            // SAFETY: as above.
            Driver::V2(GicV2::new(distributor, unsafe { Mmio::new(cpu) }))
        }
        InterruptController::GicV3 {
            distributor,
            redistributors,
        } => {
            // SAFETY: as above.
            let distributor = unsafe { Mmio::new(distributor) };
            // SAFETY: as above.
            Driver::V3(GicV3::new(distributor, unsafe {
                Mmio::new(redistributors)
            }))
        }
        InterruptController::Bcm2836 { local, peripherals } => {
            // SAFETY: as above.
            let local = unsafe { Mmio::new(local) };
            // SAFETY: as above.
            Driver::Bcm(Bcm2836::new(local, unsafe { Mmio::new(peripherals) }))
        }
    });
}

/// Lets `irq`, which [`exists`], arrive.
pub(crate) fn enable(irq: u32) {
    match driver() {
        Driver::V2(gic) => gic.enable(irq),
        Driver::V3(gic) => gic.enable(irq),
        Driver::Bcm(bcm) => bcm.enable(irq),
    }
}

/// Keeps `irq`, which [`exists`], from arriving.
pub(crate) fn disable(irq: u32) {
    match driver() {
        Driver::V2(gic) => gic.disable(irq),
        Driver::V3(gic) => gic.disable(irq),
        Driver::Bcm(bcm) => bcm.disable(irq),
    }
}

/// Takes the next interrupt; `None` if it went away meanwhile. [`end`] must follow.
pub(crate) fn acknowledge() -> Option<u32> {
    let irq = match driver() {
        Driver::V2(gic) => gic.acknowledge(),
        Driver::V3(gic) => gic.acknowledge(),
        Driver::Bcm(bcm) => bcm.acknowledge(),
    };
    (irq < FIRST_SPECIAL).then_some(irq)
}

/// Tells the controller that `irq`, the one acknowledged last, was handled.
pub(crate) fn end(irq: u32) {
    match driver() {
        Driver::V2(gic) => gic.end(irq),
        Driver::V3(gic) => gic.end(irq),
        Driver::Bcm(_) => {}
    }
}

/// Whether the controller has an interrupt of this number that a device can raise.
pub(crate) fn exists(irq: u32) -> bool {
    let lines = match driver() {
        Driver::V2(gic) => gic.lines(),
        Driver::V3(gic) => gic.lines(),
        Driver::Bcm(bcm) => bcm.lines(),
    };
    irq < lines
}

/// Whether the page at physical address `page` holds registers of the controller.
pub(crate) fn owns(page: u64) -> bool {
    let page = Range::sized(page, abi::PAGE_BYTES);
    REGISTERS
        .get()
        .is_none_or(|ranges| ranges.iter().any(|range| range.overlaps(page)))
}

fn driver() -> &'static Driver {
    DRIVER.get().expect("interrupts are used after `init`")
}

/// What both generations of the distributor have in common (Arm IHI 0069, 12.9).
pub(super) mod distributor {
    use super::{FIRST_SPECIAL, Mmio, PRIORITY};

    /// Control.
    pub(crate) const CTLR: usize = 0x000;
    const TYPER: usize = 0x004;
    const IGROUPR: usize = 0x080;
    const ISENABLER: usize = 0x100;
    const ICENABLER: usize = 0x180;
    const IPRIORITYR: usize = 0x400;

    /// Number of interrupts.
    pub(crate) fn lines(gicd: &Mmio) -> u32 {
        (32 * ((gicd.read32(TYPER) & 0x1f) + 1)).min(FIRST_SPECIAL)
    }

    /// Lets `irq` pass.
    pub(crate) fn enable(gicd: &Mmio, irq: u32) {
        gicd.write32(ISENABLER + irq as usize / 32 * 4, 1 << (irq % 32));
    }

    /// Holds `irq` back.
    pub(crate) fn disable(gicd: &Mmio, irq: u32) {
        gicd.write32(ICENABLER + irq as usize / 32 * 4, 1 << (irq % 32));
    }

    /// Holds the 32 interrupts from `first` back and gives them group `group` (all bits) and
    /// [`PRIORITY`].
    pub(crate) fn reset_32(gicd: &Mmio, first: u32, group: u32) {
        let word = first as usize / 32 * 4;
        gicd.write32(ICENABLER + word, u32::MAX);
        gicd.write32(IGROUPR + word, group);
        for index in 0..8 {
            gicd.write32(
                IPRIORITYR + first as usize + index * 4,
                PRIORITY * 0x0101_0101,
            );
        }
    }
}
