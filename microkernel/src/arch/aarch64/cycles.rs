//! The cycle counter of the performance monitors, for the times of trace records.

use core::arch::asm;

/// `PMCR_EL0`: enable (E), long cycle counter (LC) (Arm ARM, "PMCR_EL0").
const ENABLE: u64 = 1 | 1 << 6;
/// The cycle counter's bit in `PMCNTENSET_EL0`.
const CYCLES: u64 = 1 << 31;

/// Whether the processor has the monitors (Arm ARM, "ID_AA64DFR0_EL1", PMUVer).
fn exists() -> bool {
    let features: u64;
    // SAFETY: reads an identification register, which has no side effect.
    unsafe {
        asm!("mrs {}, id_aa64dfr0_el1", out(reg) features, options(nomem, nostack, preserves_flags))
    };
    !matches!(features >> 8 & 0xf, 0 | 0xf)
}

/// Lets the counter run, if there is one. User mode cannot read it.
pub(crate) fn start() {
    if exists() {
        // SAFETY: the registers exist, and concern nothing but the monitors, which only this file uses.
        unsafe {
            asm!("msr pmcr_el0, {}", "msr pmcntenset_el0, {}", "isb", in(reg) ENABLE, in(reg) CYCLES, options(nomem, nostack))
        };
    }
}

/// Counter value and cycle counter (0 without one).
pub(crate) fn times() -> [u64; 2] {
    let mut cycles = 0;
    if exists() {
        // SAFETY: the register exists; reading it has no side effect.
        unsafe {
            asm!("mrs {}, pmccntr_el0", out(reg) cycles, options(nomem, nostack, preserves_flags))
        };
    }
    [super::timer::now(), cycles]
}
