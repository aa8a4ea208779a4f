//! The microkernel of Tessera.
#![no_std]
#![no_main]

mod arch;
mod board;
mod driver;
mod fault;
mod interrupt;
mod kernel;
mod log;
mod no_heap;
mod panic;
mod start;
mod syscall;
mod upcall;
mod user_memory;

use arch::timer;
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
    start::start(&platform)
}
