//! Arm Generic Interrupt Controller, version 2 (Arm IHI 0048), seen from one CPU.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::Mmio;
use super::interrupts::distributor::{self, CTLR};

/// Distributor: interrupt processor targets, one byte each (Arm IHI 0048, 4.3.12).
const ITARGETSR: usize = 0x800;
/// CPU interface (Arm IHI 0048, 4.4).
const GICC_CTLR: usize = 0x00;
const GICC_PMR: usize = 0x04;
const GICC_IAR: usize = 0x0c;
const GICC_EOIR: usize = 0x10;

/// The interrupt's number in `GICC_IAR`; a software-generated one has its sender above.
const INTID: u32 = 0x3ff;

/// A GICv2.
#[derive(Debug)]
pub(super) struct GicV2 {
    distributor: Mmio,
    cpu: Mmio,
    /// What was acknowledged last: the end of interrupt must be told the same value.
    acknowledged: AtomicU32,
}

impl GicV2 {
    /// Starts with every interrupt disabled and directed to this CPU.
    pub(super) fn new(gicd: Mmio, gicc: Mmio) -> Self {
        gicd.write32(CTLR, 0);
        // The first words are read-only and name the CPU that reads them.
        let this_cpu = gicd.read32(ITARGETSR);
        for first in (0..distributor::lines(&gicd)).step_by(32) {
            distributor::reset_32(&gicd, first, 0);
            for word in 0..8 {
                gicd.write32(ITARGETSR + first as usize + word * 4, this_cpu);
            }
        }
        gicc.write32(GICC_PMR, 0xff);
        gicc.write32(GICC_CTLR, 1);
        gicd.write32(CTLR, 1);
        Self {
            distributor: gicd,
            cpu: gicc,
            acknowledged: AtomicU32::new(0),
        }
    }

    /// Number of interrupts.
    pub(super) fn lines(&self) -> u32 {
        distributor::lines(&self.distributor)
    }

    /// Lets `irq` arrive.
    pub(super) fn enable(&self, irq: u32) {
        distributor::enable(&self.distributor, irq);
    }

    /// Keeps `irq` from arriving.
    pub(super) fn disable(&self, irq: u32) {
        distributor::disable(&self.distributor, irq);
    }

    /// Takes the next interrupt.
    pub(super) fn acknowledge(&self) -> u32 {
        let raw = self.cpu.read32(GICC_IAR);
        self.acknowledged.store(raw, Relaxed);
        raw & INTID
    }

    /// Ends `irq`.
    pub(super) fn end(&self, irq: u32) {
        let raw = self.acknowledged.load(Relaxed);
        self.cpu
            .write32(GICC_EOIR, if raw & INTID == irq { raw } else { irq });
    }
}
