//! What happens when the kernel finds its own rules broken: it says so and switches off.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::arch::{backtrace, psci};
use crate::{board, log};

static PANICKING: AtomicBool = AtomicBool::new(false);

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    // A panic while one is printed must not start over.
    if !PANICKING.swap(true, Relaxed) {
        board::assume_console();
        log!("kernel {info}");
        backtrace::print();
    }
    psci::off()
}
