//! The microkernel of Tessera.
#![no_std]
#![no_main]

mod arch;
mod board;
mod driver;
mod log;
mod no_heap;
mod panic;

use arch::{psci, timer};
use board::Platform;

/// Runs the machine; called once, on the kernel stack, with everything of `platform` mapped.
fn kernel_main(platform: Platform) -> ! {
    log!(
        "Tessera: {} MiB, {}, entered at EL{}, {} Hz",
        platform.ram.bytes() >> 20,
        platform.model,
        platform.entry.level,
        timer::frequency_hz(),
    );
    psci::off()
}
