//! What is particular to AArch64: the only folder that names system registers.

pub(crate) mod backtrace;
pub(crate) mod boot;
pub(crate) mod cache;
pub(crate) mod cycles;
pub(crate) mod memory;
pub(crate) mod mmu;
pub(crate) mod psci;
pub(crate) mod timer;
pub(crate) mod vector_state;
pub(crate) mod vectors;

/// Stops until an interrupt is pending. It need not be unmasked (Arm ARM, "WFI").
pub(crate) fn wait_for_interrupt() {
    aarch64_cpu::asm::wfi();
}

/// Sets the running thread's `TPIDRRO_EL0`.
pub(crate) fn set_read_only_pointer(value: u64) {
    use aarch64_cpu::registers::{TPIDRRO_EL0, Writeable};
    TPIDRRO_EL0.set(value);
}
