//! Arm Generic Interrupt Controller, version 3 (Arm IHI 0069), seen from one CPU.

use core::arch::asm;

use aarch64_cpu::registers::{MPIDR_EL1, Readable};

use super::Mmio;
use super::interrupts::distributor::{self, CTLR};

/// Distributor: affinity routing and non-secure group 1 on; the same bits with and without a
/// secure world (Arm IHI 0069, 12.9.4).
const ARE_AND_GROUP1: u32 = 1 << 4 | 1 << 1;
/// Distributor: routes, 8 bytes each from interrupt 32 on.
const IROUTER: usize = 0x6000;
/// Distributor: a write has not taken effect everywhere yet.
const WRITE_PENDING: u32 = 1 << 31;
/// Interrupts below belong to the CPU and are controlled at its redistributor.
const FIRST_SHARED: u32 = 32;

/// Redistributor (Arm IHI 0069, 12.11).
const GICR_TYPER: usize = 0x08;
const GICR_WAKER: usize = 0x14;
const PROCESSOR_SLEEP: u32 = 1 << 1;
const CHILDREN_ASLEEP: u32 = 1 << 2;
/// In `GICR_TYPER`: this is the last one; it has two more frames.
const LAST: u64 = 1 << 4;
const VIRTUAL_LPIS: u64 = 1 << 1;
const FRAME_BYTES: usize = 0x1_0000;

/// A GICv3.
#[derive(Debug)]
pub(super) struct GicV3 {
    distributor: Mmio,
    /// The frame of the CPU's own interrupts, which has the distributor's layout.
    own: Mmio,
}

impl GicV3 {
    /// Starts with every interrupt disabled and routed to this CPU.
    pub(super) fn new(gicd: Mmio, redistributors: Mmio) -> Self {
        let affinity = affinity();
        gicd.write32(CTLR, 0);
        wait_for_writes(&gicd);
        gicd.write32(CTLR, ARE_AND_GROUP1);
        wait_for_writes(&gicd);
        for first in (FIRST_SHARED..distributor::lines(&gicd)).step_by(32) {
            distributor::reset_32(&gicd, first, u32::MAX);
            for irq in first..first + 32 {
                gicd.write64(IROUTER + irq as usize * 8, affinity);
            }
        }
        let own = find_redistributor(redistributors, affinity);
        wake(&own);
        let own = own.from(FRAME_BYTES);
        distributor::reset_32(&own, 0, u32::MAX);
        enable_cpu_interface();
        Self {
            distributor: gicd,
            own,
        }
    }

    /// Number of interrupts.
    pub(super) fn lines(&self) -> u32 {
        distributor::lines(&self.distributor)
    }

    /// Lets `irq` arrive.
    pub(super) fn enable(&self, irq: u32) {
        distributor::enable(self.registers_of(irq), irq);
    }

    /// Keeps `irq` from arriving.
    pub(super) fn disable(&self, irq: u32) {
        distributor::disable(self.registers_of(irq), irq);
    }

    /// Takes the next interrupt.
    pub(super) fn acknowledge(&self) -> u32 {
        let irq: u64;
        // SAFETY: acknowledging changes the interrupt controller only. The barrier orders it before
        // whatever is done for the interrupt.
        unsafe { asm!("mrs {}, icc_iar1_el1", "dsb sy", out(reg) irq, options(nostack)) };
        irq as u32 & 0xff_ffff
    }

    /// Ends `irq`.
    pub(super) fn end(&self, irq: u32) {
        // SAFETY: ends the interrupt that was acknowledged; changes the interrupt controller only.
        unsafe { asm!("msr icc_eoir1_el1, {}", "isb", in(reg) u64::from(irq), options(nostack)) };
    }

    fn registers_of(&self, irq: u32) -> &Mmio {
        if irq < FIRST_SHARED {
            &self.own
        } else {
            &self.distributor
        }
    }
}

/// This CPU in the form of `GICD_IROUTER`: Aff3 in bits 32 to 39, Aff2 to Aff0 below.
fn affinity() -> u64 {
    MPIDR_EL1.get() & 0xff_00ff_ffff
}

fn wait_for_writes(gicd: &Mmio) {
    while gicd.read32(CTLR) & WRITE_PENDING != 0 {
        core::hint::spin_loop();
    }
}

/// The redistributor of the CPU with this affinity.
fn find_redistributor(all: Mmio, affinity: u64) -> Mmio {
    // `GICR_TYPER` has the four affinity bytes without a gap.
    let wanted = affinity >> 8 & 0xff00_0000 | affinity & 0xff_ffff;
    let mut one = all;
    loop {
        let kind = one.read64(GICR_TYPER);
        if kind >> 32 == wanted {
            return one;
        }
        assert!(
            kind & LAST == 0,
            "the interrupt controller does not know this CPU"
        );
        one = one.from(if kind & VIRTUAL_LPIS != 0 { 4 } else { 2 } * FRAME_BYTES);
    }
}

fn wake(redistributor: &Mmio) {
    let waker = redistributor.read32(GICR_WAKER);
    redistributor.write32(GICR_WAKER, waker & !PROCESSOR_SLEEP);
    while redistributor.read32(GICR_WAKER) & CHILDREN_ASLEEP != 0 {
        core::hint::spin_loop();
    }
}

/// Lets all priorities of group 1 reach this CPU, through system registers.
fn enable_cpu_interface() {
    // SAFETY: configures the CPU interface; interrupts stay masked in PSTATE.
    unsafe {
        asm!(
            "mrs {value}, icc_sre_el1",
            "orr {value}, {value}, #1",
            "msr icc_sre_el1, {value}",
            "isb",
            "mov {value}, #0xff",
            "msr icc_pmr_el1, {value}",
            "msr icc_bpr1_el1, xzr",
            "msr icc_ctlr_el1, xzr",
            "mov {value}, #1",
            "msr icc_igrpen1_el1, {value}",
            "isb",
            value = out(reg) _,
            options(nostack)
        )
    };
}
