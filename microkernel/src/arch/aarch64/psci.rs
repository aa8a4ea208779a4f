//! Power control: calls to the firmware (Arm DEN 0022, PSCI).

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use smccc::{Hvc, Smc, psci};

/// How the firmware is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Conduit {
    /// There is no such firmware.
    None = 0,
    /// `hvc`.
    Hvc = 1,
    /// `smc`.
    Smc = 2,
}

static CONDUIT: AtomicU8 = AtomicU8::new(Conduit::None as u8);

/// Chooses how the firmware is called from now on.
pub(crate) fn init(conduit: Conduit) {
    CONDUIT.store(conduit as u8, Relaxed);
}

/// Switches the machine off; where that is impossible, the CPU sleeps for ever.
pub(crate) fn off() -> ! {
    // An error leaves nothing better to do than to sleep.
    let _error = match CONDUIT.load(Relaxed) {
        1 => psci::system_off::<Hvc>(),
        2 => psci::system_off::<Smc>(),
        _ => Ok(()),
    };
    sleep_for_ever()
}

/// Starts the machine again; where that is impossible, the CPU sleeps for ever.
pub(crate) fn reset() -> ! {
    let _error = match CONDUIT.load(Relaxed) {
        1 => psci::system_reset::<Hvc>(),
        2 => psci::system_reset::<Smc>(),
        _ => Ok(()),
    };
    sleep_for_ever()
}

fn sleep_for_ever() -> ! {
    loop {
        aarch64_cpu::asm::wfe();
    }
}
