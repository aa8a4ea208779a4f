//! The virtual timer of the CPU: a counter, and one interrupt at a counter value.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use aarch64_cpu::registers::{
    CNTFRQ_EL0, CNTV_CTL_EL0, CNTV_CVAL_EL0, CNTVCT_EL0, Readable, Writeable,
};

static IRQ: AtomicU32 = AtomicU32::new(0);

/// Notes the timer's interrupt number and makes sure that it is quiet.
pub(super) fn init(irq: u32) {
    IRQ.store(irq, Relaxed);
    disarm();
}

/// Interrupt number of the timer, for [`crate::driver::interrupts`].
pub(crate) fn irq() -> u32 {
    IRQ.load(Relaxed)
}

/// The counter, in ticks.
pub(crate) fn now() -> u64 {
    // Without the barrier the counter may be read early (Arm ARM, "CNTVCT_EL0").
    aarch64_cpu::asm::barrier::isb(aarch64_cpu::asm::barrier::SY);
    CNTVCT_EL0.get()
}

/// Ticks of the counter in a second. It differs between boards, so it is read, never assumed.
pub(crate) fn frequency_hz() -> u64 {
    CNTFRQ_EL0.get()
}

/// Requests the interrupt from counter value `deadline` on, until [`disarm`] or a later deadline.
pub(crate) fn arm(deadline: u64) {
    CNTV_CVAL_EL0.set(deadline);
    CNTV_CTL_EL0.write(CNTV_CTL_EL0::ENABLE::SET + CNTV_CTL_EL0::IMASK::CLEAR);
}

/// Withdraws the interrupt.
pub(crate) fn disarm() {
    CNTV_CTL_EL0.write(CNTV_CTL_EL0::ENABLE::CLEAR);
}
