//! Power control: calls to the firmware (Arm DEN 0022, PSCI).

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use super::timer;
use crate::driver::bcm2835_pm;
use crate::log;
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
    bcm2835_pm::off();
    give_it_time();
    log!("this machine cannot be switched off by software: it sleeps");
    sleep_for_ever()
}

/// Starts the machine again; where that is impossible, the CPU sleeps for ever.
pub(crate) fn reset() -> ! {
    let _error = match CONDUIT.load(Relaxed) {
        1 => psci::system_reset::<Hvc>(),
        2 => psci::system_reset::<Smc>(),
        _ => Ok(()),
    };
    bcm2835_pm::reset();
    give_it_time();
    log!("this machine cannot be reset by software: it sleeps");
    sleep_for_ever()
}

/// A tenth of a second, in which a power management without firmware acts.
fn give_it_time() {
    let end = timer::now() + timer::frequency_hz() / 10;
    while timer::now() < end {
        core::hint::spin_loop();
    }
}

fn sleep_for_ever() -> ! {
    loop {
        aarch64_cpu::asm::wfe();
    }
}
