//! The PL011's registers in memory: the only unsafe code of this server.

use libsys::env;
use tty::pl011::{Registers, offset};

/// Registers that the root task has mapped into this server's space.
pub(crate) struct Mapped {
    /// Not 0, a multiple of 4, and followed by [`offset::END`] bytes of the device.
    base: usize,
}

/// The registers at the address that the environment's `uart` (hexadecimal) names.
pub(crate) fn from_environment() -> Option<Mapped> {
    let text = core::str::from_utf8(env::initial("uart")?).ok()?;
    let base = usize::from_str_radix(text.trim_start_matches("0x"), 16).ok()?;
    (base != 0 && base.is_multiple_of(4)).then_some(Mapped { base })
}

impl Mapped {
    fn register(&self, at: usize) -> *mut u32 {
        assert!(
            at < offset::END && at.is_multiple_of(4),
            "the driver names registers of the device"
        );
        (self.base + at) as *mut u32
    }
}

impl Registers for Mapped {
    fn read(&mut self, at: usize) -> u32 {
        let register = self.register(at);
        // SAFETY: the root task maps the UART's page at `uart` as device memory before it starts
        // this server and never takes it away; `register` has checked offset and alignment. The
        // page is no memory of Rust's, and reading a register of it is what the driver wants.
        unsafe { register.read_volatile() }
    }

    fn write(&mut self, at: usize, value: u32) {
        let register = self.register(at);
        // SAFETY: as in `read`; no register of the PL011 makes it write to memory (the DMA
        // control register is beyond `offset::END`).
        unsafe { register.write_volatile(value) }
    }
}
