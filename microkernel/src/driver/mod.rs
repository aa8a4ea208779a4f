//! Drivers of the few devices that the kernel itself uses.

mod gicv2;
mod gicv3;
pub(crate) mod interrupts;
mod mmio;
pub(crate) mod pl011;

pub(crate) use mmio::Mmio;
